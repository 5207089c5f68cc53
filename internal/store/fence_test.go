package store

import (
	"errors"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// A freeze is heeded when the node that walks has seen it, when it has lost the
// account, or when there is nothing that it could begin.
func TestFreezeIsHeeded(t *testing.T) {
	f := newFleet(t, 1)
	a, b := f.store.AsNode("a"), f.store.AsNode("b")
	heeded := func(s *Store, want bool, when string) {
		t.Helper()
		if got, err := s.Heeded(t.Context()); got != want || err != nil {
			t.Errorf("%s: heeded %t, %v, want %t", when, got, err, want)
		}
	}
	freeze := func(scope string) {
		t.Helper()
		b.mustChange(t, func(tx desk.Tx) error { return tx.Freeze(scope, "why", "Ana", f.now) })
	}
	seen := func() int64 {
		t.Helper()
		walks, err := a.Walks(t.Context(), "people")
		if err != nil || len(walks) != 1 {
			t.Fatal(walks, err)
		}
		return walks[0].Fence
	}
	lease, _, err := a.Claim(t.Context(), "account0", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	freeze("account:account0")
	heeded(b, true, "nobody is told anything")

	crowd := broadcast.Channel{Name: "people", Account: "account0", Platform: "telegram", Audience: true}
	i := anIncident()
	a.mustChange(t, func(tx desk.Tx) error { return errors.Join(tx.Create(i), tx.Announce(i.Ref, crowd, 1)) })
	freeze("all")
	heeded(b, false, "another node walks")
	heeded(a, true, "this node walks")
	first := seen()
	freeze("channel:people")
	if err := a.Heed(t.Context(), lease, first); err != nil {
		t.Fatal(err)
	}
	heeded(b, false, "a second freeze was not seen")
	if err := a.Heed(t.Context(), lease, seen()); err != nil {
		t.Fatal(err)
	}
	heeded(b, true, "it was seen")
	if seen() != 0 {
		t.Error("a fence stands that was seen")
	}

	freeze("all")
	heeded(b, false, "frozen once more")
	f.now = f.now.Add(2 * time.Second)
	heeded(b, true, "the lease has run out")
	if _, ok, err := b.Claim(t.Context(), "account0", time.Second); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := a.Heed(t.Context(), lease, 1000); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("heeded by who has lost the account: %v", err)
	}
}
