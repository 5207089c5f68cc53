//go:build unix

package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// A commit waits for a standby that is away. Whoever made it is told that its
// outcome is not known; nobody sees it before it is on the standby, or somebody
// gave that up, and then it is there.
func TestCommitThatWaitsForAStandby(t *testing.T) {
	t.Parallel()
	c := storetest.NewCluster(t)
	s := mustOpenURL(t, c.URL)
	err := s.Set(t.Context(), "name", "0")
	if err != nil {
		t.Fatal(err)
	}
	c.SQL("ALTER SYSTEM SET synchronous_standby_names = 'away'", "SELECT pg_reload_conf()")
	stored := 1 // some before the server heeds that
	within(t, committing+settling+10*time.Second, "to give up", func() {
		for err = s.Set(t.Context(), "name", "1"); err == nil; err = s.Set(t.Context(), "name", fmt.Sprint(stored)) {
			stored++
		}
	})
	if !strings.Contains(err.Error(), "it is not known whether this was stored") {
		t.Errorf("the commit came to %v", err)
	}
	if name, err := s.Setting(t.Context(), "name"); name != fmt.Sprint(stored-1) || err != nil {
		t.Errorf("before it is on the standby it is %q, %v, want %d", name, err, stored-1)
	}
	c.SQL("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	within(t, soonEnough, "to go on", func() {
		for s.Set(t.Context(), "other", "value") != nil && t.Context().Err() == nil {
			bots.Sleep(t.Context(), time.Second/10)
		}
	})
	if name, err := s.Setting(t.Context(), "name"); name != fmt.Sprint(stored) || err != nil {
		t.Errorf("in the end it is %q, %v, want %d", name, err, stored)
	}
}
