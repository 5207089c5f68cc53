package store

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
)

// takeOverBy has another node put down as unsure what it finds unanswered, as
// the engine does when it takes an account over.
func takeOverBy(t *testing.T, s *Store, lease broadcast.Lease, l *broadcast.Lane, attempt int64) (*Store, broadcast.Lease) {
	t.Helper()
	if err := s.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	b := s.AsNode("b")
	next := b.mustClaim(t, "birds")
	open, err := b.Unanswered(t.Context(), "birds")
	if err != nil || len(open) != 1 || open[0].ID != attempt {
		t.Fatalf("unanswered %+v, %v", open, err)
	}
	out := broadcast.Outcome{Began: open[0].Began, Text: "Down.", Fault: &bots.Fault{Kind: bots.Unsure}}
	fresh := b.mustLane(t, l.ID)
	broadcast.Apply(fresh, open[0].Step, out, noon)
	if err := b.Record(t.Context(), next, fresh, open[0].Step, attempt, out); err != nil {
		t.Fatal(err)
	}
	return b, next
}

// A node that was halted comes back with the answer of an attempt that its
// successor has put down as unsure: the doubt is settled, and nothing else.
func TestLateAnswer(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := takeOverBy(t, s, lease, l, id)
	unsure := b.mustLane(t, l.ID)
	if unsure.Entries[0].Doubt == nil {
		t.Fatalf("no doubt: %+v", unsure.Entries[0])
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	got := b.mustLane(t, l.ID)
	if e := got.Entries[0]; e.Doubt != nil || e.Shows.Message != "701" || e.Shows.Revision != 1 {
		t.Errorf("it shows %+v, doubt %+v", e.Shows, e.Doubt)
	}
	if got.Version == unsure.Version {
		t.Error("the successor does not notice")
	}
	lines := deliveryLines(t, s)
	if diff := cmp.Diff([]string{"unsure", "found"}, lines); diff != "" {
		t.Errorf("on record (-want +got):\n%s", diff)
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil { // and once more
		t.Fatal(err)
	}
	if again := b.mustLane(t, l.ID); again.Version != got.Version || len(deliveryLines(t, s)) != 2 {
		t.Error("the same answer counts twice")
	}
}

// A late answer that nothing was posted lets the successor post it.
func TestLateRefusal(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := takeOverBy(t, s, lease, l, id)
	for _, late := range []struct {
		kind  bots.FaultKind
		doubt bool
	}{{bots.Unsure, true}, {bots.RateLimited, false}} {
		out := broadcast.Outcome{Began: noon, Fault: &bots.Fault{Kind: late.kind}}
		if err := s.Record(t.Context(), lease, l, posting(l), id, out); err != nil {
			t.Fatal(err)
		}
		if e := b.mustLane(t, l.ID).Entries[0]; (e.Doubt != nil) != late.doubt || e.Shows.Exists() {
			t.Errorf("after %s: %+v, doubt %+v", late.kind, e.Shows, e.Doubt)
		}
	}
}

// What a person has decided meanwhile stands, whatever answer comes late.
func TestLateAnswerOverwritesNothing(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	b, next := takeOverBy(t, s, lease, l, id)
	b.mustChange(t, func(tx desk.Tx) error { // as /posted does
		l := b.mustLane(t, l.ID)
		l.Landed(&l.Entries[0], "by hand", "")
		return tx.Change(l, &l.Entries[0])
	})
	want := b.mustLane(t, l.ID)
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.mustLane(t, l.ID)); diff != "" {
		t.Errorf("overwritten (-want +got):\n%s", diff)
	}
	if err := b.Idle(t.Context(), next, want); err != nil {
		t.Error(err)
	}
}

// The answer of an attempt that nobody has put down yet is recorded, though the
// lease is lost; the successor then finds nothing unanswered.
func TestAnswerAfterTheLease(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Release(t.Context(), lease); err != nil {
		t.Fatal(err)
	}
	b := s.AsNode("b")
	b.mustClaim(t, "birds")
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	got := b.mustLane(t, l.ID)
	if e := got.Entries[0]; e.Shows.Message != "701" || e.Doubt != nil {
		t.Errorf("it shows %+v, doubt %+v", e.Shows, e.Doubt)
	}
	if got.Version == l.Version {
		t.Error("the successor does not notice")
	}
	if open, err := b.Unanswered(t.Context(), "birds"); len(open) != 0 || err != nil {
		t.Errorf("unanswered %+v, %v", open, err)
	}
}

// deliveryLines are the states of the deliveries on record, oldest first.
func deliveryLines(t *testing.T, s *Store) (out []string) {
	t.Helper()
	lines, err := s.Audit(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l.Record.Verb == audit.VerbDelivery {
			out = append([]string{stateOf(t, l.Record.Detail)}, out...)
		}
	}
	return out
}

// Nothing begins after the lease has ended by the clock that all nodes share,
// even if nobody has taken it.
func TestBeginAfterTheLease(t *testing.T) {
	s := newStore(t)
	now := noon
	s.clock = func(context.Context, querier) (time.Time, error) { return now, nil }
	l, lease := aLane(t, s)
	now = now.Add(minute - time.Microsecond)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Microsecond)
	if _, err := s.begin(t.Context(), lease, l); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("Begin: %v", err)
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Errorf("the answer of what began before is not recorded: %v", err)
	}
}

// Whoever takes an account over knows what was sent with it.
func TestSends(t *testing.T) {
	s := newStore(t)
	now := noon
	s.clock = func(context.Context, querier) (time.Time, error) { return now, nil }
	l, lease := aLane(t, s)
	for range 2 {
		id, err := s.begin(t.Context(), lease, l)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.sent(t.Context(), lease, l, id); err != nil {
			t.Fatal(err)
		}
		now = now.Add(10 * time.Second)
	}
	got, err := s.AsNode("b").Sends(t.Context(), "birds", 15*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]broadcast.Send{{Target: "t", Ago: 10 * time.Second}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, err := s.Sends(t.Context(), "tg", time.Minute); len(got) != 0 || err != nil {
		t.Errorf("of another account: %v, %v", got, err)
	}
}

func stateOf(t *testing.T, detail string) string {
	t.Helper()
	var d audit.Delivered
	if err := json.Unmarshal([]byte(detail), &d); err != nil {
		t.Fatal(err)
	}
	return d.State
}

// lose has the database forget something, as one does that takes over from
// another without all that was committed there.
func (s *Store) lose(t *testing.T, statements ...string) {
	t.Helper()
	err := s.change(t.Context(), func(tx *tx) error {
		var errs []error
		for _, statement := range statements {
			errs = append(errs, tx.run(t.Context(), statement))
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The answer to an attempt that the database has lost tells of a message that
// nothing else knows: it is kept, whatever it was, unless another one was posted.
func TestAnswerToALostAttempt(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  *bots.Fault
		posted bool // once more, by somebody who knew nothing of it
		want   string
		lines  []string
	}{
		{"sent", nil, false, "701", []string{"sent"}},
		{"unsure", &bots.Fault{Kind: bots.Unsure}, false, "doubt", []string{"unsure"}},
		{"refused", &bots.Fault{Kind: bots.RateLimited}, false, "", nil},
		{"sent again", nil, true, "702", []string{"sent"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			l, lease := aLane(t, s)
			id, err := s.begin(t.Context(), lease, l)
			if err != nil {
				t.Fatal(err)
			}
			s.lose(t, `DELETE FROM attempt`)
			if test.posted {
				again := s.mustLane(t, l.ID)
				out := broadcast.Outcome{Receipt: bots.Receipt{ID: "702"}, Began: noon.Add(minute), Text: "Down."}
				next, err := s.Begin(t.Context(), lease, again, broadcast.Attempt{Lane: l.ID, Step: posting(l), Began: out.Began})
				if err != nil {
					t.Fatal(err)
				}
				broadcast.Apply(again, posting(l), out, out.Began)
				if err := s.Record(t.Context(), lease, again, posting(l), next, out); err != nil {
					t.Fatal(err)
				}
			}
			before := s.mustLane(t, l.ID)
			out := broadcast.Outcome{Receipt: bots.Receipt{ID: "701"}, Fault: test.fault, Began: noon, Text: "Down."}
			broadcast.Apply(l, posting(l), out, noon)
			if err := s.Record(t.Context(), lease, l, posting(l), id, out); err != nil {
				t.Fatal(err)
			}
			after := s.mustLane(t, l.ID)
			got := after.Entries[0].Shows.Message
			if after.Entries[0].Doubt != nil {
				got = "doubt"
			}
			if got != test.want {
				t.Errorf("it shows %q, want %q", got, test.want)
			}
			if looked := after.Version != before.Version; looked == test.posted {
				t.Errorf("the lane is looked at again: %v", looked)
			}
			if diff := cmp.Diff(test.lines, deliveryLines(t, s)); diff != "" {
				t.Errorf("on record (-want +got):\n%s", diff)
			}
		})
	}
}

// What belongs to an incident that the database has lost is given up.
func TestLostLane(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	s.lose(t, `DELETE FROM attempt`, `DELETE FROM entry`, `DELETE FROM lane`)
	_, loaded := s.Lane(t.Context(), l.ID)
	_, begun := s.begin(t.Context(), lease, l)
	for what, err := range map[string]error{"load": loaded, "begin": begun, "record": s.sent(t.Context(), lease, l, id), "idle": s.Idle(t.Context(), lease, l)} {
		if !errors.Is(err, broadcast.ErrGone) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
