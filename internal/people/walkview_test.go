package people

import (
	"testing"

	"github.com/allclear-hq/allclear/broadcast"
)

// TestNoMorePassThanThereAre checks that nobody reads that more people had their
// turn than there are, where some had it twice.
func TestNoMorePassThanThereAre(t *testing.T) {
	for _, test := range []struct{ passed, people, want int }{{7, 10, 7}, {12, 10, 10}, {12, 0, 12}} {
		w := Walk{Rounds: []Round{{ID: 1, Kind: broadcast.Say, Update: 1, State: RoundOpen, Passed: test.passed, Audience: test.people}}}
		if got := w.Deliveries("people")[0].Audience.Passed; got != test.want {
			t.Errorf("%d of %d: %d, want %d", test.passed, test.people, got, test.want)
		}
	}
}
