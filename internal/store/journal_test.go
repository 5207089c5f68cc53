package store

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

func TestClaim(t *testing.T) {
	s := newStore(t)
	now := noon
	s.clock = func(context.Context, querier) (time.Time, error) { return now, nil }
	a, b := s.AsNode("a"), s.AsNode("b")

	lease := a.mustClaim(t, "birds")
	if _, ok, err := b.Claim(t.Context(), "birds", minute); ok || err != nil {
		t.Errorf("two nodes hold an account: %v", err)
	}
	if other := b.mustClaim(t, "tg"); other.Account != "tg" {
		t.Errorf("lease %+v", other)
	}
	now = now.Add(minute - time.Second)
	if again := a.mustClaim(t, "birds"); again != lease {
		t.Errorf("renewed as %+v, want %+v", again, lease)
	}
	now = now.Add(minute)
	taken := b.mustClaim(t, "birds")
	if taken.Epoch <= lease.Epoch {
		t.Errorf("taken over with epoch %d after %d", taken.Epoch, lease.Epoch)
	}
	if _, ok, err := a.Claim(t.Context(), "birds", minute); ok || err != nil {
		t.Errorf("the old holder renews what another has taken: %v", err)
	}
	if err := a.Release(t.Context(), lease); err != nil {
		t.Error(err)
	}
	if _, ok, err := a.Claim(t.Context(), "birds", minute); ok || err != nil {
		t.Errorf("the old holder gave back what another has: %v", err)
	}
	if err := b.Release(t.Context(), taken); err != nil {
		t.Error(err)
	}
	if next := a.mustClaim(t, "birds"); next.Epoch <= taken.Epoch {
		t.Errorf("claimed with epoch %d after %d", next.Epoch, taken.Epoch)
	}
}

func TestLostLease(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	s.AsNode("b").mustClaim(t, "birds")
	never := broadcast.Lease{Account: "nobody", Epoch: 1}
	for name, lost := range map[string]broadcast.Lease{"taken over": lease, "never claimed": never} {
		if _, err := s.begin(t.Context(), lost, l); !errors.Is(err, broadcast.ErrLost) {
			t.Errorf("%s: Begin: %v", name, err)
		}
		if err := s.Record(t.Context(), lost, l, broadcast.Step{Kind: broadcast.Settle, Entry: l.Entries[0].ID}, 0, broadcast.Outcome{}); !errors.Is(err, broadcast.ErrLost) {
			t.Errorf("%s: Record: %v", name, err)
		}
		if err := s.Idle(t.Context(), lost, l); !errors.Is(err, broadcast.ErrLost) {
			t.Errorf("%s: Idle: %v", name, err)
		}
	}
	if open, err := s.Unanswered(t.Context(), "birds"); len(open) != 1 || open[0].ID != id || err != nil {
		t.Errorf("unanswered %+v, %v", open, err)
	}
	if got := s.mustLane(t, l.ID); got.Entries[0].Shows.Exists() {
		t.Errorf("a node without the lease recorded %+v", got.Entries[0].Shows)
	}
}

func TestBegin(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	open, err := s.Unanswered(t.Context(), "birds")
	want := []broadcast.Attempt{{ID: id, Lane: l.ID, Step: posting(l), Began: noon}}
	if diff := cmp.Diff(want, open); diff != "" || err != nil {
		t.Errorf("unanswered: %v (-want +got):\n%s", err, diff)
	}
	if others, err := s.Unanswered(t.Context(), "tg"); len(others) != 0 || err != nil {
		t.Errorf("unanswered for another account: %+v, %v", others, err)
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	if open, err := s.Unanswered(t.Context(), "birds"); len(open) != 0 || err != nil {
		t.Errorf("unanswered %+v, %v", open, err)
	}
}

func TestBeginRefusesWhatChanged(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	s.mustChange(t, func(tx desk.Tx) error {
		l := s.mustLane(t, l.ID)
		l.Entries[0].Should = broadcast.Should{What: broadcast.Tombstone}
		return tx.Amend(l, &l.Entries[0])
	})
	if _, err := s.begin(t.Context(), lease, l); !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("Begin: %v", err)
	}
	if err := s.Record(t.Context(), lease, l, broadcast.Step{Kind: broadcast.Settle, Entry: l.Entries[0].ID}, 0, broadcast.Outcome{}); !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("Record: %v", err)
	}
	if err := s.Idle(t.Context(), lease, l); !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("Idle: %v", err)
	}
	if open, err := s.Unanswered(t.Context(), "birds"); len(open) != 0 || err != nil {
		t.Errorf("unanswered %+v, %v", open, err)
	}
}

func TestBeginRefusesWhatIsFrozen(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	for scope, frozen := range map[string]bool{
		"all": true, "channel:x": true, "account:birds": true, "incident:INC-1": true,
		"channel:birds": false, "account:x": false, "incident:INC-2": false, "channel:tg": false,
	} {
		s.mustChange(t, func(tx desk.Tx) error { return tx.Freeze(scope, "why", "Ana", noon) })
		id, err := s.begin(t.Context(), lease, l)
		if errors.Is(err, broadcast.ErrFrozen) != frozen || !frozen && err != nil {
			t.Errorf("frozen %s: Begin: %v", scope, err)
		}
		if got := s.mustLane(t, l.ID).Frozen; got != frozen {
			t.Errorf("frozen %s: the lane is frozen: %v", scope, got)
		}
		if id != 0 {
			if err := s.sent(t.Context(), lease, l, id); err != nil {
				t.Error(err)
			}
		}
		s.mustChange(t, func(tx desk.Tx) error { return tx.Unfreeze(scope) })
	}
}

// The outcome of what was sent is recorded even if what should show has
// changed meanwhile, and does not change it back.
func TestRecordAfterAChange(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	s.mustChange(t, func(tx desk.Tx) error {
		l := s.mustLane(t, l.ID)
		l.Entries[0].Should = broadcast.Should{What: broadcast.Tombstone}
		return tx.Amend(l, &l.Entries[0])
	})
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	e := s.mustLane(t, l.ID).Entries[0]
	if e.Should.What != broadcast.Tombstone || e.Shows.Message != "701" || e.Shows.Revision != 1 || e.Try.Attempts != 1 {
		t.Errorf("stored %+v", e)
	}
}

func TestRecordSettles(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	step := broadcast.Step{Kind: broadcast.Settle, Entry: l.Entries[0].ID, Reason: broadcast.Superseded}
	broadcast.Apply(l, step, broadcast.Outcome{}, noon)
	if err := s.Record(t.Context(), lease, l, step, 0, broadcast.Outcome{}); err != nil {
		t.Fatal(err)
	}
	want := broadcast.Should{What: broadcast.Nothing, Why: broadcast.Superseded}
	if got := s.mustLane(t, l.ID).Entries[0].Should; got != want {
		t.Errorf("it should show %+v, want %+v", got, want)
	}
}

func TestChangeWhileSending(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	skip := func(tx desk.Tx) ([]byte, error) {
		l := s.mustLane(t, l.ID)
		l.Entries[0].Should = broadcast.Should{What: broadcast.Nothing, Why: broadcast.Skipped}
		return nil, tx.Change(l, &l.Entries[0])
	}
	if _, err := s.Change(t.Context(), "", skip); !errors.Is(err, desk.ErrSending) {
		t.Errorf("Change while sending: %v", err)
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Change(t.Context(), "", skip); err != nil {
		t.Errorf("Change after the answer: %v", err)
	}
	if e := s.mustLane(t, l.ID).Entries[0]; e.Should.Why != broadcast.Skipped || e.Shows.Message != "701" {
		t.Errorf("stored %+v", e)
	}
}

func TestIdle(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	busy := func(want ...int64) {
		t.Helper()
		if got, err := s.Busy(t.Context(), "birds"); !slices.Equal(got, want) || err != nil {
			t.Errorf("busy %v, want %v, %v", got, want, err)
		}
	}
	busy(l.ID)
	if err := s.Idle(t.Context(), lease, l); err != nil {
		t.Fatal(err)
	}
	busy()
	s.mustChange(t, func(tx desk.Tx) error { return tx.Deliver(l.Incident.Ref, xChannel, anEntry(1)) })
	busy(l.ID)
	if err := s.Idle(t.Context(), lease, l); !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("Idle on what has changed: %v", err)
	}
	busy(l.ID)
	if err := s.Idle(t.Context(), lease, s.mustLane(t, l.ID)); err != nil {
		t.Error(err)
	}
	busy()
}

// Where the platform moved a chat holds for all incidents on that channel.
func TestMoved(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	second, _ := aLane(t, s)
	s.mustChange(t, func(tx desk.Tx) error {
		return tx.Deliver(l.Incident.Ref, broadcast.Channel{Name: "y", Account: "birds"}, anEntry(1))
	})
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	out := broadcast.Outcome{Began: noon, Fault: &bots.Fault{Kind: bots.Moved, Subject: bots.Target, To: "-100777"}}
	broadcast.Apply(l, posting(l), out, noon)
	if err := s.Record(t.Context(), lease, l, posting(l), id, out); err != nil {
		t.Fatal(err)
	}
	lanes, err := s.Lanes(t.Context(), l.Incident.Ref)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range append(lanes, s.mustLane(t, second.ID)) {
		want := map[string]string{"x": "-100777", "y": ""}[got.Channel.Name]
		if got.Channel.Target != want {
			t.Errorf("%s of %s is at %q, want %q", got.Channel.Name, got.Incident.Ref, got.Channel.Target, want)
		}
	}
}
