package broadcast

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A node that takes an account over keeps to the limit that the one before has
// used up in part.
func TestInheritedLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: bots.Pace{N: 3, Per: time.Minute}, Target: bots.Pace{N: 20, Per: time.Minute}})
		p.inherit([]Send{{"a", 50 * time.Second}, {"a", 20 * time.Second}, {"b", 10 * time.Second}}, false)
		began := time.Now()
		for _, want := range []time.Duration{10 * time.Second, 40 * time.Second, 50 * time.Second} {
			if _, err := p.wait(t.Context(), turn{target: "c", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got < want || got > want+3*time.Second {
				t.Errorf("sent after %s, want %s", got, want)
			}
		}
	})
}

// What was written to rooms is on no record, so half of a target's limit counts
// as used for a while.
func TestInheritedTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Target: bots.Pace{N: 4, Per: time.Minute}})
		p.inherit(nil, true)
		began := time.Now()
		for k := range 3 {
			if _, err := p.wait(t.Context(), turn{target: "room", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(began) >= time.Minute; late != (k == 2) {
				t.Errorf("message %d is sent after %s", k+1, time.Since(began))
			}
		}
		time.Sleep(2 * time.Minute)
		again := time.Now()
		for range 4 {
			if _, err := p.wait(t.Context(), turn{target: "another room", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(again) > 0 {
			t.Errorf("held up for %s", time.Since(again))
		}
	})
}
