package people

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// steps is a store that keeps the steps that were taken.
type steps struct {
	WalkStore
	taken []Step
}

func (s *steps) Walk(_ context.Context, _ broadcast.Lease, step Step) error {
	s.taken = append(s.taken, step)
	return nil
}

// still reports whether nothing was kept but once that a walk has no speed.
func (s *steps) still(walk int64) bool {
	return len(s.taken) == 1 && reflect.DeepEqual(s.taken[0], Step{Still: walk})
}

// TestStuck checks that the rooms are told once why an audience is not told
// anything, and once that it is again, and that nobody reads of a speed meanwhile.
func TestStuck(t *testing.T) {
	for name, c := range map[string]struct {
		fault bots.Fault
		want  string
	}{
		"limited": {bots.Fault{Kind: bots.RateLimited, Until: time.Date(2026, 12, 1, 14, 2, 0, 0, time.UTC)}, "the platform asks to wait until 14:02:00 UTC"},
		"refused": {bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "401", Detail: "Unauthorized"}, "the platform refuses the bot (Unauthorized)"},
		"silent":  {bots.Fault{Kind: bots.Unsure, Code: "502"}, "the platform does not answer (502)"},
		"away":    {bots.Fault{Kind: bots.Temporary, Detail: "connection refused"}, "the platform cannot be reached (connection refused)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said []string
				kept := &steps{}
				w := &Walker{WalkerConfig: WalkerConfig{Store: kept, Changed: func(string) {}, Tell: func(_ context.Context, text string) { said = append(said, text) }}}
				walk := &Walk{ID: 1, Rounds: []Round{{State: RoundOpen, Speed: 30}, {State: RoundDone, Speed: 7}}}
				walk.kept()
				r := &run{Walker: w, walks: []*Walk{walk}}
				person, group := &Person{Chat: 5}, &Person{Chat: -5}
				look := func(after time.Duration) {
					t.Helper()
					time.Sleep(after)
					if err := r.unstick(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				w.flows(group, &bots.Fault{Kind: bots.RateLimited})
				look(time.Hour)
				w.flows(person, &c.fault)
				look(stalled - 1)
				if len(kept.taken) > 0 {
					t.Errorf("kept %+v after less than %v", kept.taken, stalled)
				}
				look(1)
				w.flows(person, &c.fault)
				look(stuckAfter - stalled)
				if len(said) > 0 {
					t.Errorf("it is said already: %q", said)
				}
				look(1)
				w.flows(person, &c.fault)
				look(time.Hour)
				if len(said) != 1 || !strings.HasPrefix(said[0], "Nobody has been told anything for 2 minutes: "+c.want) || !kept.still(1) {
					t.Fatalf("said %q, kept %+v", said, kept.taken)
				}
				w.flows(person, &bots.Fault{Kind: bots.Gone, Subject: bots.Target})
				look(time.Second)
				look(time.Hour)
				if len(said) != 2 || said[1] != "Messages get through again." {
					t.Errorf("said %q", said)
				}

				// Where there is nothing to tell nobody waits for it.
				w.flows(person, &c.fault)
				look(stuckAfter + 1)
				walk.Frozen = true
				look(time.Second)
				w.flows(person, nil)
				look(time.Second)
				if len(said) != 3 {
					t.Errorf("said %q", said)
				}
			})
		})
	}
}

// TestNoSpeedWhileNobodyAnswers checks that nobody reads of a speed while answers
// are awaited for long, and that it is measured anew when they come.
func TestNoSpeedWhileNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &steps{}
		walk := &Walk{ID: 1, Rounds: []Round{{State: RoundOpen, Speed: 30}}}
		walk.kept()
		r := &run{Walker: &Walker{WalkerConfig: WalkerConfig{Store: kept, Changed: func(string) {}}}, walks: []*Walk{walk}}
		r.open, r.moved = []*job{{batch: &Batch{Walk: 1}}}, time.Now()
		for range 4 {
			r.speed.add(time.Now(), 1, 60)
			time.Sleep(2 * time.Second)
		}
		if got := r.speed.of(time.Now(), 1); got != 30 {
			t.Fatalf("speed %v", got)
		}
		for range 2 {
			if err := r.unstick(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(stalled)
		}
		if got := r.speed.of(time.Now(), 1); got != 0 || !kept.still(1) {
			t.Errorf("speed %v, kept %+v", got, kept.taken)
		}
		r.speed.add(time.Now(), 1, 60) // what was on its way all the time
		time.Sleep(2 * time.Second)
		r.speed.add(time.Now(), 1, 100)
		if got := r.speed.of(time.Now(), 1); got != 50 {
			t.Errorf("speed %v when it goes on, want 50", got)
		}
	})
}

// TestStaleRoundsAreNotKept checks that nothing is kept of where rounds stand, but
// what ended is, when something has moved them since they were read.
func TestStaleRoundsAreNotKept(t *testing.T) {
	kept := &steps{}
	walk := &Walk{ID: 1, Rounds: []Round{{ID: 5, State: RoundOpen, Place: 9}}}
	r := &run{Walker: &Walker{WalkerConfig: WalkerConfig{Store: kept, Changed: func(string) {}}}, walks: []*Walk{walk}, fresh: true}
	r.Journal, _ = OpenJournal("")
	r.close(&Batch{Walk: 1, Round: 5, Hi: 9, People: []Person{{Subscriber: 7}}})
	err := r.step(t.Context(), Step{Walk: walk, Rounds: walk.changes(), Open: &Batch{Walk: 1, Round: 5}})
	if !errors.Is(err, broadcast.ErrChanged) {
		t.Errorf("error %v", err)
	}
	if len(kept.taken) != 1 || kept.taken[0].Walk != nil || kept.taken[0].Rounds != nil || kept.taken[0].Open != nil || len(kept.taken[0].Close) != 1 || !kept.taken[0].Close[0].Back {
		t.Errorf("kept %+v", kept.taken)
	}
}

// TestSpeedIsOfWhoWasTold checks that whoever of a batch still waits does not make a
// walk look faster than it is.
func TestSpeedIsOfWhoWasTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &run{Walker: &Walker{}}
		for range 3 {
			b := batchOf(1, 100)
			b.Walk = 1
			for k := range 40 {
				b.People[k].Result = Told
			}
			r.open = []*job{newJob(t.Context(), b, 1)}
			r.open[0].left.Store(0)
			r.collect(t.Context())
			time.Sleep(time.Second)
		}
		if got := r.speed.of(time.Now(), 1); got < 26 || got > 27 { // those of the first do not count
			t.Errorf("speed %v", got)
		}
	})
}

// TestAWalkThatEndsIsForgotten checks that nothing stays in memory of a walk that has
// nothing more to do, and all of another.
func TestAWalkThatEndsIsForgotten(t *testing.T) {
	ends := &Walk{ID: 1, Rounds: []Round{{ID: 5}, {ID: 6}}}
	r := &run{Walker: &Walker{WalkerConfig: WalkerConfig{Store: &steps{}}}, walks: []*Walk{ends, {ID: 2}}, fresh: true,
		begun: map[int64]int64{1: 3, 2: 4}, late: map[int64]time.Time{6: {}, 7: {}}, edited: map[int64]*edited{10: {walk: 1}, 11: {walk: 2}}}
	for _, walk := range []int64{1, 2} {
		r.speed.add(time.Now(), walk, 1)
	}
	if err := r.idle(t.Context(), ends); err != nil {
		t.Fatal(err)
	}
	if len(r.begun) != 1 || len(r.late) != 1 || len(r.edited) != 1 || len(r.speed.since) != 1 || r.begun[2] != 4 {
		t.Errorf("it knows of %v, %v, %v and %v", r.begun, r.late, r.edited, r.speed.since)
	}
}
