package store

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/people"
)

// after moves a round on and makes its next batch.
func after(w *people.Walk, size int) *people.Batch {
	r := &w.Rounds[0]
	b := &people.Batch{Walk: w.ID, Round: r.ID, Kind: broadcast.Say, Update: 1, Revision: 1, Lo: r.Place, Hi: r.Place + int64(size), Journal: "j", At: noon, Passed: size}
	for id := b.Lo + 1; id <= b.Hi; id++ {
		b.People = append(b.People, people.Person{Subscriber: id, Chat: id})
	}
	r.Place, r.Span = b.Hi, int64(size)
	return b
}

// ended has everybody in a batch told.
func ended(b *people.Batch) *people.Closing {
	return &people.Closing{Batch: b, Receipts: b.Planned(), People: len(b.People), Told: len(b.People), Passed: b.Passed}
}

// ran is how many statements the writer has run.
func (s *Store) ran() int {
	c := <-s.writer.free
	defer func() { s.writer.free <- c }()
	return c.ran
}

// A step closes a batch and opens the next one with as few statements as it
// takes, however many people there are in them: on PostgreSQL each is a way
// there and back, while messages wait for the next batch.
func TestAStepOfAWalkTakesFewStatements(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	for _, c := range []struct {
		name       string
		size, most int
	}{
		{"full batches", people.MaxBatch, 10}, // begin, its turn, the lease, the batch, its counts, the time, the walk, its round, the next batch, commit
		{"batches that are joined", 250, 13},  // besides, its neighbour, that with it, and how wide it is now
	} {
		b := after(w, c.size)
		s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
		for range 3 {
			next, before := after(w, c.size), s.ran()
			s.mustWalk(t, lease, people.Step{Close: []*people.Closing{ended(b)}, Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: next})
			if n := s.ran() - before; n > c.most {
				t.Errorf("%s: %d statements, want at most %d", c.name, n, c.most)
			}
			b = next
		}
		s.mustWalk(t, lease, people.Step{Close: []*people.Closing{ended(b)}})
	}
	rows, err := s.Rows(t.Context(), w, 0, 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	told, place := 0, int64(0)
	for _, r := range rows {
		if r.Lo != place {
			t.Errorf("a row begins after %d, want %d", r.Lo, place)
		}
		place = r.Hi
		told += int(r.Hi - r.Lo)
	}
	if told != 4*people.MaxBatch+4*250 || len(rows) != 5 {
		t.Errorf("%d people in %d rows, want %d in 5", told, len(rows), 4*people.MaxBatch+4*250)
	}
}

// What was closed is not counted again, when it was not known whether a
// transaction was stored and it is repeated.
func TestABatchIsClosedOnce(t *testing.T) {
	for _, told := range []bool{true, false} {
		s := newStore(t)
		w, lease := aWalk(t, s)
		b := after(w, 10)
		s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
		c := ended(b)
		if !told {
			c.People, c.Told, c.Receipts = 0, 0, nil
		}
		for range 2 {
			s.mustWalk(t, lease, people.Step{Close: []*people.Closing{c}})
		}
		walks, err := s.Walks(t.Context(), "people")
		if err != nil {
			t.Fatal(err)
		}
		if r := walks[0].Rounds[0]; r.Told != c.Told || r.Passed != 10 {
			t.Errorf("%d told and %d passed, want %d and 10", r.Told, r.Passed, c.Told)
		}
	}
}

// A batch that was closed, and is closed again because nobody knew, leaves the
// next one alone that was given its number.
func TestANumberThatIsGivenAgainIsAnotherBatch(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	first := after(w, 10)
	first.Journal = "first"
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: first})
	nobody := ended(first)
	nobody.People, nobody.Told, nobody.Receipts = 0, 0, nil
	next := after(w, 10)
	next.Journal = "next"
	s.mustWalk(t, lease, people.Step{Close: []*people.Closing{nobody}, Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: next})
	if !s.Shared() && next.ID != first.ID {
		t.Fatalf("the next batch is %d, and not %d again: this tests nothing", next.ID, first.ID)
	}
	for _, again := range []*people.Closing{nobody, ended(first), {Batch: first, Was: next.Planned(), Goes: []byte("gone")}} {
		s.mustWalk(t, lease, people.Step{Close: []*people.Closing{again}})
	}
	left, err := s.OpenBatches(t.Context(), "people")
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 || left[0].Journal != "next" || len(left[0].People) != 10 {
		t.Errorf("left open are %+v, want the next one with its 10 people", left)
	}
}

// What is known of a batch is kept while others of it are awaited: once, as a
// stretch of its own, and whoever takes over knows of whom.
func TestAPartOfABatchIsKeptOnce(t *testing.T) {
	for _, told := range []bool{true, false} {
		s := newStore(t)
		w, lease := aWalk(t, s)
		b := after(w, 10)
		s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
		is := *b
		is.People = b.People[:7:7]
		part := ended(&is)
		part.Passed = 0
		if !told {
			part.People, part.Told, part.Receipts, part.Failed = 0, 0, nil, 7
		}
		part.Was = b.Planned()
		for k := range 7 {
			b.People[k].Kept = true
		}
		part.Goes = b.Planned()
		for range 2 {
			s.mustWalk(t, lease, people.Step{Close: []*people.Closing{part}})
		}
		left, err := s.OpenBatches(t.Context(), "people")
		if err != nil || len(left) != 1 || len(left[0].People) != 10 || left[0].ID != b.ID {
			t.Fatalf("open are %+v, %v", left, err)
		}
		for k, p := range left[0].People {
			if p.Kept != (k < 7) {
				t.Errorf("person %d is kept: %t", k+1, p.Kept)
			}
		}
		rest := *b
		rest.People = []people.Person{b.People[8]}
		end := ended(&rest)
		end.Passed = 10
		for _, c := range []*people.Closing{end, part} {
			s.mustWalk(t, lease, people.Step{Close: []*people.Closing{c}})
		}
		walks, err := s.Walks(t.Context(), "people")
		if err != nil {
			t.Fatal(err)
		}
		if r := walks[0].Rounds[0]; r.Told != part.Told+1 || r.Passed != 10 || r.Failed != part.Failed {
			t.Errorf("the round is %+v", r)
		}
		for k := range int64(10) {
			next, ok, err := s.NextTold(t.Context(), w, k)
			want, more := max(k, 8), k < 9
			if told && k < 7 {
				want = k
			}
			if err != nil || ok != more || ok && next != want {
				t.Errorf("after %d the next who was told comes after %d (%t), %v; want %d (%t)", k, next, ok, err, want, more)
			}
		}
	}
}

// A row says by seconds when its people were told: who comes later is in another.
func TestARowIsOfAFewSeconds(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	var first []time.Duration
	for _, at := range []time.Duration{0, 4 * time.Second, 9 * time.Second, 11 * time.Second, 20 * time.Second, 22 * time.Second} {
		b := after(w, 10)
		b.At = noon.Add(at)
		s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
		s.mustWalk(t, lease, people.Step{Close: []*people.Closing{ended(b)}})
	}
	rows, err := s.Rows(t.Context(), w, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		first = append(first, r.At.Sub(noon))
	}
	if want := []time.Duration{0, 11 * time.Second, 22 * time.Second}; !slices.Equal(first, want) {
		t.Errorf("rows of %v, want %v", first, want)
	}
}

// What comes out about somebody after he was erased is not kept.
func TestNothingIsKeptOfWhoWasErased(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: 7, All: true}, people.Subscriber{Chat: 8, All: true})
	w, lease := aWalk(t, s)
	b := after(w, 2)
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
	if err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{8}, func(people.Subscriber) *people.Subscriber { return nil }); err != nil {
		t.Fatal(err)
	}
	s.mustWalk(t, lease, people.Step{Close: []*people.Closing{{Batch: b, Ask: true, Unsure: 1, Failed: 1, Passed: 2,
		Troubles: []people.Trouble{{Subscriber: 1, Unsure: true, Detail: "about 7"}, {Subscriber: 2, Detail: "about 8"}},
		Resent:   []int64{1, 2}, Barred: []int64{2}}}})
	walks, err := s.Walks(t.Context(), "people")
	if err != nil {
		t.Fatal(err)
	}
	if r := walks[0].Rounds[0]; r.Unsure != 1 || r.Failed != 1 || r.AskUnsure != 1 || r.AskFailed != 0 {
		t.Errorf("the round is %+v", r)
	}
	again, err := s.Resends(t.Context(), "people")
	if err != nil || len(again) != 1 || again[people.Resend{Round: b.Round, Subscriber: 1}] != 1 {
		t.Errorf("to be sent again: %v, %v", again, err)
	}
	if all := s.everything(t); strings.Contains(all, "about 8") || !strings.Contains(all, "about 7") {
		t.Errorf("kept is\n%s", all)
	}
}

// Who was refused a message and is asked again, since his round went back, counts
// as what came of it then.
func TestWhoIsAskedAgainCountsOnce(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: 7, All: true}, people.Subscriber{Chat: 8, All: true}, people.Subscriber{Chat: 9, All: true})
	w, lease := aWalk(t, s)
	all := []people.Trouble{{Subscriber: 1, Detail: "no"}, {Subscriber: 2, Detail: "no"}, {Subscriber: 3, Detail: "no"}}
	for k, want := range []int{3, 2, 1} { // the third is left
		w.Rounds[0].Place = 0
		b := after(w, 3)
		s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
		c := &people.Closing{Batch: b, Failed: 3, Passed: 3, Troubles: all}
		if k > 0 {
			b.People[0].Result, b.People[1].Result = people.Failed, people.Told
			c = &people.Closing{Batch: b, Refused: true, Failed: 1, Troubles: all[:1], Told: 1, People: 1, Receipts: b.Planned(), Back: true, Place: 2}
		}
		if k > 1 {
			b.People[0].Result, c.Failed, c.Troubles, c.Told = people.Vanished, 0, nil, 0
		}
		s.mustWalk(t, lease, people.Step{Close: []*people.Closing{c}})
		walks, err := s.Walks(t.Context(), "people")
		if err != nil {
			t.Fatal(err)
		}
		if r := walks[0].Rounds[0]; r.Failed != want || r.AskFailed != want {
			t.Errorf("after %d times: %d failed, %d of them are asked about, want %d", k+1, r.Failed, r.AskFailed, want)
		}
		w.Rounds[0] = walks[0].Rounds[0]
	}
}

// The messages of a group that moves are not where it moved to; whose they are
// otherwise, and those of what is over for long, stay.
func TestMessagesStayWhereAGroupWas(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: -7, All: true}, people.Subscriber{Chat: -8, All: true})
	w, lease := aWalk(t, s)
	s.mustTell(t, lease, w, 0, 2)
	known := func() (out [2]bool) {
		rows, err := s.Rows(t.Context(), w, 0, 2)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		for k := range out {
			with, err := people.WithoutMessage(rows[0].Receipts, int64(k+1))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(with, rows[0].Receipts) {
				out[k] = true
			}
		}
		return out
	}
	if err := s.change(t.Context(), func(tx *tx) error {
		receipts := (&people.Batch{People: []people.Person{{Subscriber: 1, Kept: true}, {Subscriber: 2, Kept: true}}}).Planned() // each with a message
		_, err := tx.ExecContext(t.Context(), `UPDATE walk_batch SET receipts = ?`, receipts)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.MoveSubscriber(t.Context(), "tg", -7, -1007); err != nil {
		t.Fatal(err)
	}
	if got := known(); got != [2]bool{false, true} {
		t.Errorf("messages are known: %v, want that of the other one", got)
	}
	if err := s.change(t.Context(), func(tx *tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE incident SET resolved_at = 1`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.MoveSubscriber(t.Context(), "tg", -8, -1008); err != nil {
		t.Fatal(err)
	}
	if got := known(); got != [2]bool{false, true} {
		t.Errorf("messages of what is over are known: %v", got)
	}
	if err := s.change(t.Context(), func(tx *tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE incident SET resolved_at = ?`, micros(s.now().Add(-24*time.Hour)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.MoveSubscriber(t.Context(), "tg", -1008, -2008); err != nil {
		t.Fatal(err)
	}
	if got := known(); got != [2]bool{false, false} {
		t.Errorf("messages of what may be taken up again are known: %v", got)
	}
}

// That a walk is told to nobody just now is kept without anything else of its rounds,
// which may stand elsewhere by now.
func TestStillKeepsTheSpeedAlone(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	round := &w.Rounds[0]
	round.Place, round.Speed = 8, 30
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{round}})
	s.mustWalk(t, lease, people.Step{Still: w.ID})
	walks, err := s.Walks(t.Context(), w.Channel)
	if err != nil {
		t.Fatal(err)
	}
	if r := walks[0].Rounds[0]; r.Place != 8 || r.Speed != 0 || r.State != people.RoundOpen {
		t.Errorf("it is kept as %+v", r)
	}
}

// A batch that is paid for counts as paid until it is closed, and then whoever of it
// cost nothing does not, once; whoever takes over knows that it is paid for.
func TestWhatCostNothingIsNotCountedAsPaid(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	paid := func() int {
		walks, err := s.Walks(t.Context(), w.Channel)
		if err != nil {
			t.Fatal(err)
		}
		return walks[0].Paid
	}
	b := after(w, 10)
	b.Paid = true
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
	left, err := s.OpenBatches(t.Context(), w.Channel)
	if err != nil || len(left) != 1 || !left[0].Paid {
		t.Fatalf("left open are %+v, %v", left, err)
	}
	if n := paid(); n != 10 {
		t.Errorf("%d count as paid for while they are sent, want 10", n)
	}
	part := &people.Closing{Batch: b, Unspent: 3, Was: b.Planned()}
	for k := range 3 {
		b.People[k].Kept = true
	}
	part.Goes = b.Planned()
	rest := &people.Closing{Batch: b, Unspent: 2}
	for _, c := range []*people.Closing{part, part, rest, rest, part} {
		s.mustWalk(t, lease, people.Step{Close: []*people.Closing{c}})
	}
	if n := paid(); n != 5 {
		t.Errorf("%d count as paid for in the end, want 5", n)
	}
	free := after(w, 10)
	free.Journal = "free"
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: free})
	if n := paid(); n != 5 {
		t.Errorf("%d count as paid for after a batch that is not, want 5", n)
	}
}
