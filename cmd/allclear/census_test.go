//go:build unix

package main

import (
	"fmt"
	"slices"
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// TestEveryNodeCountsAnAudience checks that previews know of the people whichever
// node makes them: a room and an audience have accounts of their own, which are
// seldom held by the same.
func TestEveryNodeCountsAnAudience(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	one := newServer(t, slices.Concat(withAudience, []string{`url = "sqlite:demo.db"`, fmt.Sprintf("url = %q", database)})...)
	other := &server{t: t, world: one.world, sims: one.sims, dir: one.dir, toml: one.toml, log: &syncBuffer{}}
	other.start()
	for n, person := range []string{"2001", "2002", "2003"} {
		if _, err := one.world.Telegram.Start(person, ""); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*server{one, other} {
			s.until("each node has counted", func() bool {
				c, err := s.running.app.crowd(t.Context(), "people", incident.Ref{})
				return err == nil && c.People == n+1
			})
		}
	}
}
