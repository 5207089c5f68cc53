package store

import (
	"errors"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Some accounts have shorter leases than others, which count all the same.
func TestLeasesOfDifferentLength(t *testing.T) {
	f := newFleet(t, 2)
	a, b := f.store.AsNode("a"), f.store.AsNode("b")
	if _, ok, err := a.Claim(t.Context(), "account0", 10*time.Second); !ok || err != nil {
		t.Fatal(ok, err)
	}
	short, ok, err := a.Claim(t.Context(), "account1", time.Second)
	if !ok || err != nil {
		t.Fatal(ok, err)
	}
	if ago, known, err := a.Vacant(t.Context(), "account1"); known || err != nil {
		t.Errorf("nobody had it before, but until %s ago, %v", ago, err)
	}
	f.now = f.now.Add(1700 * time.Millisecond)
	taken, ok, err := b.Claim(t.Context(), "account1", time.Second)
	if !ok || err != nil || taken.Epoch != short.Epoch+1 {
		t.Errorf("after the end of the short lease: %+v, %t, %v", taken, ok, err)
	}
	if _, ok, err := b.Claim(t.Context(), "account0", time.Second); ok || err != nil {
		t.Errorf("the long lease was overlooked: %v", err)
	}
	f.now = f.now.Add(100 * time.Millisecond)
	if _, ok, err := b.Claim(t.Context(), "account1", time.Second); !ok || err != nil { // renewed
		t.Error(ok, err)
	}
	if ago, known, err := b.Vacant(t.Context(), "account1"); ago != 800*time.Millisecond || !known || err != nil {
		t.Errorf("the right before ended %s ago (%t), %v, want 800 ms", ago, known, err)
	}
}

// A node whose lease has run out opens nothing more, even while nobody has taken
// the account over. What it had sent it may still record.
func TestNoBatchIsOpenedAfterTheLease(t *testing.T) {
	f := newFleet(t, 1)
	a, b := f.store.AsNode("a"), f.store.AsNode("b")
	crowd := broadcast.Channel{Name: "people", Account: "account0", Platform: "telegram", Audience: true}
	i := anIncident()
	a.mustChange(t, func(tx desk.Tx) error { return errors.Join(tx.Create(i), tx.Announce(i.Ref, crowd, 1)) })
	lease, _, err := a.Claim(t.Context(), "account0", time.Second)
	if err != nil {
		t.Fatal(err)
	}
	walks, err := a.Walks(t.Context(), "people")
	if err != nil || len(walks) != 1 {
		t.Fatal(walks, err)
	}
	w := walks[0]
	round := &people.Round{Kind: broadcast.Say, Update: 1, State: people.RoundOpen}
	open := func(n int64) (*people.Batch, people.Step) {
		b := &people.Batch{Walk: w.ID, Round: round.ID, Kind: broadcast.Say, Update: 1, Revision: 1, Lo: n - 1, Hi: n, At: noon, People: []people.Person{{Subscriber: n}}}
		return b, people.Step{Walk: w, Open: b}
	}
	if err := a.Walk(t.Context(), lease, people.Step{Walk: w, Rounds: []*people.Round{round}}); err != nil {
		t.Fatal(err)
	}
	first, step := open(1)
	if err := a.Walk(t.Context(), lease, step); err != nil {
		t.Fatal(err)
	}

	f.now = f.now.Add(1100 * time.Millisecond)
	_, step = open(2)
	step.Close = []*people.Closing{{Batch: first, Told: 1, Passed: 1, People: 1, Receipts: first.Planned()}}
	if err := a.Walk(t.Context(), lease, step); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("another batch after the lease: %v, want ErrLost", err)
	}
	if left, err := a.OpenBatches(t.Context(), "people"); len(left) != 0 || err != nil {
		t.Errorf("open: %+v, %v", left, err)
	}
	if told := mustRound(t, a, i.Ref).Told; told != 1 {
		t.Errorf("%d were told, want the one of whom it is known", told)
	}

	f.now = f.now.Add(time.Second)
	if _, ok, err := b.Claim(t.Context(), "account0", time.Second); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := a.Walk(t.Context(), lease, people.Step{Close: step.Close}); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("after another has taken over: %v, want ErrLost", err)
	}
	if told := mustRound(t, a, i.Ref).Told; told != 1 {
		t.Errorf("%d were told: it was written over its successor", told)
	}
}

func mustRound(t *testing.T, s *Store, ref incident.Ref) people.Round {
	t.Helper()
	walks, err := s.WalksOf(t.Context(), ref)
	if err != nil || walks["people"] == nil || len(walks["people"].Rounds) != 1 {
		t.Fatal(walks, err)
	}
	return walks["people"].Rounds[0]
}
