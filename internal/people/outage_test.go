package people

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// TestOutage checks when a platform is taken not to answer, when it is asked,
// and what ends that.
func TestOutage(t *testing.T) {
	var o outage
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { return now }
	hear := func(want bool, kinds ...bots.FaultKind) {
		t.Helper()
		for k, kind := range kinds {
			if got := o.heard(&bots.Fault{Kind: kind}, clock); got != (want && k == len(kinds)-1) {
				t.Fatalf("%s, number %d: %v", kind, k+1, got)
			}
		}
	}
	state := func(out, asks, tries bool) {
		t.Helper()
		if o.since().IsZero() == out || o.asks(now) != asks || o.tries() != tries {
			t.Fatalf("since %v, tries %v, want %v, %v, %v", o.since(), o.tries(), out, asks, tries)
		}
	}
	const unsure, temporary, limited = bots.Unsure, bots.Temporary, bots.RateLimited

	// Single messages are no sign, and what did not leave is none either.
	hear(false, unsure, unsure, unsure, unsure, temporary, temporary)
	if o.heard(nil, clock) {
		t.Error("there was no outage")
	}
	hear(false, unsure, unsure, unsure, unsure, limited, unsure, unsure, unsure, unsure)
	state(false, false, false)

	// Five in a row are. What was on its way changes nothing.
	hear(true, unsure)
	hear(false, unsure, unsure, unsure)
	state(true, false, false)
	now = now.Add(outFirst)
	state(true, true, false)
	state(true, false, false) // it is being asked
	o.told(false, now)
	now = now.Add(2*outFirst - 1)
	state(true, false, false)
	now = now.Add(1)
	state(true, true, false)

	// It says who we are: one is tried, and not answereq.
	o.told(true, now)
	state(true, false, true)
	hear(true, unsure)
	state(true, false, false)
	now = now.Add(outMost)
	state(true, true, false)
	o.told(true, now)
	hear(true, limited)
	state(false, false, false)

	// An answer that is late ends it as well, also while it is askeq.
	hear(true, unsure, unsure, unsure, unsure, unsure)
	now = now.Add(outFirst)
	state(true, true, false)
	if !o.heard(nil, clock) {
		t.Error("that was no end")
	}
	o.told(false, now)
	state(false, false, false)
}
