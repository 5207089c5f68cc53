package people

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// Of a batch that is left behind those alone are in doubt whose result was not
// kept; the journal knows the others by where they are in the whole batch.
func TestWhatIsKeptOfABatchIsNotInDoubt(t *testing.T) {
	journal := mustJournal(t, "")
	for name, j := range map[string]*Journal{"with its journal": journal, "without": mustJournal(t, "")} {
		b := batchOf(11, 6)
		marks, err := journal.begin()
		if err != nil {
			t.Fatal(err)
		}
		b.Journal = marks.name()
		b.People[0].Result, b.People[0].Message = Told, 1
		b.People[1].Result = Failed
		b.People[2].Result = Barred
		b.People[3].Result = Unsure
		settled := func(n int) bool { return n < 3 }
		c := b.part(settled)
		if c == nil || !c.Part() || c.Told != 1 || c.Failed != 1 || len(c.Barred) != 1 || c.People != 1 || c.Passed != 0 || b.doubtful() != 3 {
			t.Fatalf("%s: kept is %+v, and %d are in doubt", name, c, b.doubtful())
		}
		if c := b.part(settled); c != nil {
			t.Errorf("%s: kept once more is %+v", name, c)
		}
		marks.mark(4, answered, 77)
		marks.mark(5, left, 0)

		found := &Batch{ID: b.ID, Kind: broadcast.Say, Journal: b.Journal}
		if err := found.Plan(b.Planned()); err != nil || found.doubtful() != 3 {
			t.Fatalf("%s: %d are in doubt, %v", name, found.doubtful(), err)
		}
		found.recover(j)
		last := found.close(func(int64) bool { return false })
		told, unsure := 1, 1 // the one that was not begun waits
		if j != journal {
			told, unsure = 0, 3
		}
		if last.Told != told || last.Unsure != unsure || last.Failed != 0 || len(last.Barred) != 0 {
			t.Errorf("%s: in the end it is %+v", name, last)
		}
	}
}

// Who waits or may have to be told again is not kept before the end.
func TestWhoIsNotSettledIsNotKept(t *testing.T) {
	j := newJob(t.Context(), batchOf(1, 4), 1)
	for k, result := range []Result{Told, Unsure, Unsent, Told} {
		j.batch.People[k].Result = result
		j.finished[k].Store(k < 3)
	}
	for k, want := range []bool{true, false, false, false} {
		if j.settled(k) != want {
			t.Errorf("person %d is settled: %t", k, !want)
		}
	}
}

// Who is just being told something is looked up while others of his batch are
// written to.
func TestWhoIsBeingToldIsLookedUpMeanwhile(t *testing.T) {
	b := batchOf(1, 4)
	r := &run{open: []*job{newJob(t.Context(), b, 1)}}
	told := make(chan struct{})
	go func() {
		defer close(told)
		b.People[0].Result, b.People[0].Message = Told, 7
	}()
	same := &Batch{Kind: b.Kind, Update: b.Update}
	if !r.telling(same, 4) || r.telling(same, 5) {
		t.Error("it is not known who is being told")
	}
	<-told
}

// A batch that was handed on in whole keeps nobody waiting for its late answers,
// even when patience with it has ended; one whose people are given up does.
func TestLateAnswersKeepNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &Walk{ID: 1, Version: 1}
		b := batchOf(1, 4)
		b.Walk = 1
		j := newJob(t.Context(), b, 1)
		r := &run{open: []*job{j}}
		if r.unsettled(w) {
			t.Error("a batch that is sent keeps its walk waiting")
		}
		time.Sleep(patience + time.Millisecond)
		if !r.unsettled(w) {
			t.Error("nobody waits for those who are given up")
		}
		j.fed.Store(time.Now().UnixNano())
		time.Sleep(slowAfter + time.Millisecond)
		if r.unsettled(w) {
			t.Error("a late answer keeps all waiting")
		}
		w.Version = 2
		if !r.unsettled(w) {
			t.Error("it is not known who was told what was changed")
		}
	})
}

// Whoever may have been told counts as paid for, and nobody else: neither who was
// refused, also at no cost in place of that, nor who waits. After a kill the journal
// knows, and without it all may have been told.
func TestWhoSurelyCostsNothing(t *testing.T) {
	results := []Result{Unsent, Told, Unsure, Barred, Vanished, Failed, Away, Late, Told}
	b := batchOf(1, len(results))
	b.Paid = true
	for k, result := range results {
		b.People[k].Result = result
	}
	b.People[8].Free = true
	again := func(int64) bool { return true }
	if c := b.close(again); c.Unspent != 7 {
		t.Errorf("%d cost nothing, want 7", c.Unspent)
	}
	b.Paid = false
	if c := b.close(again); c.Unspent != 0 {
		t.Errorf("%d of those who are not paid for are given back", c.Unspent)
	}

	journal := mustJournal(t, "")
	marks, err := journal.begin()
	if err != nil {
		t.Fatal(err)
	}
	marks.mark(0, answered, 77)
	marks.mark(1, left, 0)
	marks.mark(2, denied, 0)
	for j, want := range map[*Journal]int{journal: 2, mustJournal(t, ""): 0} {
		found := batchOf(1, 4)
		found.Paid, found.Journal = true, marks.name()
		found.recover(j)
		if c := found.close(again); c.Unspent != want {
			t.Errorf("%d cost nothing that a killed process left, want %d", c.Unspent, want)
		}
	}
}
