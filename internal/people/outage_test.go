package people

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// TestOutage checks when a platform is taken not to answer, when it is asked, and
// what ends that.
func TestOutage(t *testing.T) { synctest.Test(t, testOutage) }

func testOutage(t *testing.T) {
	var o outage
	hear := func(want bool, kinds ...bots.FaultKind) {
		t.Helper()
		for k, kind := range kinds {
			time.Sleep(time.Millisecond)
			if got := o.heard(&bots.Fault{Kind: kind}, time.Now()); got != (want && k == len(kinds)-1) {
				t.Fatalf("%s, number %d: %v", kind, k+1, got)
			}
		}
	}
	state := func(out, asks, tries bool) {
		t.Helper()
		if o.since().IsZero() == out || o.claim(time.Now()) != asks || o.tries() != tries {
			t.Fatalf("since %v, tries %v, want %v, %v, %v", o.since(), o.tries(), out, asks, tries)
		}
	}
	const unsure, temporary, limited = bots.Unsure, bots.Temporary, bots.RateLimited

	// Single messages are no sign, and what did not leave is none either.
	hear(false, unsure, unsure, unsure, unsure, temporary, temporary, limited)
	hear(false, unsure, unsure, unsure, unsure, limited, unsure, unsure, unsure, unsure)
	state(false, false, false)

	// Five in a row are, though the answer to one that left before them is late. What
	// was on its way changes nothing.
	if before := time.Now().Add(-time.Minute); o.heard(nil, before) {
		t.Error("that was no end")
	}
	opened := time.Now()
	hear(true, unsure)
	hear(false, unsure, unsure, unsure)
	if !o.holds(opened) || o.holds(time.Now()) {
		t.Errorf("holds what was opened before: %v, since: %v", o.holds(opened), o.holds(time.Now()))
	}
	state(true, false, false)
	time.Sleep(outFirst)
	state(true, true, false)
	state(true, false, false) // it is being asked
	o.told(false, time.Now())
	time.Sleep(2*outFirst - 1)
	state(true, false, false)
	time.Sleep(time.Nanosecond)
	state(true, true, false)

	// It says who we are: one is tried, and not answered.
	o.told(true, time.Now())
	state(true, false, true)
	hear(true, unsure)
	state(true, false, false)
	time.Sleep(outMost)
	state(true, true, false)
	o.told(true, time.Now())
	hear(true, limited)
	state(false, false, false)

	// An answer also ends it while it is asked.
	hear(true, unsure, unsure, unsure, unsure, unsure)
	time.Sleep(outFirst)
	state(true, true, false)
	hear(true, limited)
	o.told(false, time.Now())
	state(false, false, false)
}
