package broadcast

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

func TestPaceGrowsToAMinute(t *testing.T) {
	var last time.Duration
	for failures := range 50 {
		d := pace(failures)
		if d < last || d < time.Second || d > slowestPace {
			t.Errorf("after %d failures the pace is %v, after %v", failures, d, last)
		}
		last = d
	}
	if last != slowestPace {
		t.Errorf("the slowest pace is %v, want %v", last, slowestPace)
	}
}

// The platform recognises a post that is tried again by its nonce, and takes
// one that a person sends again for another.
func TestNonce(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("one")
		nonces := map[string]int{}
		note := func() {
			n := w.next().Op.Nonce
			if len(n) == 0 || len(n) > 25 {
				t.Errorf("the nonce %q has %d characters", n, len(n))
			}
			for _, c := range n {
				if c > '~' || c <= ' ' {
					t.Errorf("the nonce %q is not plain ASCII", n)
				}
			}
			nonces[n]++
		}
		note()
		w.platform.fails(bots.Post, down, lost)
		w.take(w.next())
		w.sleep(w.next().Until)
		note()
		w.take(w.next())
		w.retry(1)
		note()
		w.correct(1, "One.")
		note()
		w.run()
		w.publish("two")
		note()
		if len(nonces) != 4 { // the first two are the same
			t.Errorf("%d nonces, want 4: %v", len(nonces), nonces)
		}
	})
}

// An attempt that never left leaves no trace but its fault.
func TestFailureBeforeAnythingLeft(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		step, l := w.next(), w.copied()
		Apply(l, step, Outcome{Fault: down.fault}, now())
		if e := l.Entries[0]; e.Try.Attempts != 0 || e.Doubt != nil || e.Shows.What != Nothing || e.Try.NotBefore.IsZero() {
			t.Errorf("the entry is %+v", e)
		}
	})
}

// An answer that comes after the words were retracted is believed.
func TestLateAnswer(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("false")
		step := w.next()
		w.retract(1, "It was a test.", false)
		w.take(step)
		w.run()
		w.want("1: withdrawn … It was a test.")
	})
}

// A correction that comes while the wrong words are on their way.
func TestCorrectionWhileTheWordsAreOnTheirWay(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("wrong")
		step := w.next()
		w.correct(1, "right")
		w.take(step)
		w.run()
		w.want("1: wrong", "2 >1: Correction … right")
	})
}

// Limits that a lane was told of hold for the whole account after a restart.
func TestLimitsTold(t *testing.T) {
	at, now := time.Unix(2000, 0), time.Unix(1000, 0)
	told := func(until time.Time) *bots.Fault {
		return &bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Until: until}
	}
	l := &Lane{
		Thread:   Thread{Chore: Chore{NotBefore: at}},
		Pin:      Chore{NotBefore: at, Failures: 1}, // failed, which says nothing about others
		HeadEdit: Chore{NotBefore: now},
		Entries:  []Entry{{Try: Try{Fault: told(at)}}, {Try: Try{Fault: told(now)}}, {Try: Try{Fault: lost.fault}}},
	}
	got := l.limitsTold(now)
	if len(got) != 2 || got[0].Subject != bots.Target || !got[0].Until.Equal(at) || got[1] != l.Entries[0].Try.Fault {
		t.Errorf("got %v", got)
	}
}
