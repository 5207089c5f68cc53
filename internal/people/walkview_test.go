package people

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
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

// TestWhoWasToldIsTheAudience checks that the time which an all clear takes is
// reckoned by those who were told of the beginning, and not by everybody.
func TestWhoWasToldIsTheAudience(t *testing.T) {
	w := Walk{Incident: incident.Incident{Updates: []incident.Update{{N: 1}, {N: 2}, {N: 3, Status: incident.Resolved}}}}
	w.Rounds = []Round{
		{ID: 1, Kind: broadcast.Say, Update: 1, State: RoundSuperseded, Passed: 70_000},
		{ID: 2, Kind: broadcast.Say, Update: 1, Again: true, Passed: 50},
		{ID: 3, Kind: broadcast.Say, Update: 2, State: RoundSuperseded, Passed: 24_000},
		{ID: 4, Kind: broadcast.Correct, Update: 2, Revision: 2, State: RoundDone, Passed: 20_000},
		{ID: 5, Kind: broadcast.Say, Update: 3, State: RoundOpen, Passed: 47_000, Told: 36_000, Speed: 950},
	}
	for k, want := range map[int]int{0: 1_000_000, 2: 1_000_000, 3: 94_000, 4: 94_000} {
		if got := w.audience(&w.Rounds[k], 1_000_000); got != want {
			t.Errorf("round %d is for %d people, want %d", w.Rounds[k].ID, got, want)
		}
	}
	clear := &w.Rounds[4]
	if got := w.audience(clear, 60_000); got != 60_000 {
		t.Errorf("it is for %d of 60 000", got)
	}
	clear.Audience = w.audience(clear, 1_000_000)
	ds := w.Deliveries("people")
	if left := ds[len(ds)-1].Audience.Left().Round(time.Second); left != 38*time.Second {
		t.Errorf("the all clear is done in %v, want 38 s", left)
	}
}

// TestWhatIsBeingSentIsPaidFor checks that the budget of which people are told counts
// the messages of the walk that are being sent, which are taken out of it already.
func TestWhatIsBeingSentIsPaidFor(t *testing.T) {
	some := func(n int) []Person { return make([]Person, n) }
	r := &run{Walker: &Walker{WalkerConfig: WalkerConfig{Paid: 10}, pace: bots.PaceOf(30)}, open: []*job{
		{batch: &Batch{Walk: 7, Paid: true, People: some(20)}},
		{batch: &Batch{Walk: 7, Row: 3, People: some(4)}}, // edits
		{batch: &Batch{Walk: 8, Paid: true, People: some(5)}},
		{batch: &Batch{Walk: 7, People: some(6)}},
	}}
	var round Round
	if r.reckon(&Walk{ID: 7, Paid: 40}, &round); round.Budget != 80 || round.Unpaid != 30 {
		t.Errorf("%d messages are still paid for, others go at %g a second; want 80 and 30", round.Budget, round.Unpaid)
	}
}

// TestWhenACorrectionWasAccepted checks that it was when the correction was, and
// not what it corrects.
func TestWhenACorrectionWasAccepted(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := Walk{Incident: incident.Incident{Updates: []incident.Update{
		{N: 1, PublishedAt: noon, Revisions: []incident.Revision{{At: noon}, {At: noon.Add(time.Minute)}}, Retraction: &incident.Retraction{At: noon.Add(2 * time.Minute)}}}}}
	w.Rounds = []Round{
		{ID: 1, Kind: broadcast.Say, Update: 1},
		{ID: 2, Kind: broadcast.Correct, Update: 1, Revision: 2},
		{ID: 3, Kind: broadcast.Retract, Update: 1},
	}
	for k, d := range w.Deliveries("people") {
		if want := noon.Add(time.Duration(k) * time.Minute); !d.Accepted.Equal(want) {
			t.Errorf("%s was accepted at %v, want %v", d.Action, d.Accepted, want)
		}
	}
}

// TestWhatAFreezeHolds checks that of a walk that is frozen what is still to be told
// is held, and nothing else: neither what newer words made old, nor what was told.
func TestWhatAFreezeHolds(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	updates := []incident.Update{{N: 1, PublishedAt: at}, {N: 2, PublishedAt: at.Add(time.Minute)}}
	withdrawn := slices.Clone(updates)
	withdrawn[1].Retraction = &incident.Retraction{At: at.Add(2 * time.Minute)}
	for name, test := range map[string]struct {
		updates []incident.Update
		rounds  []Round
		want    []string
	}{
		"before anything is told":  {updates[:1], nil, []string{"walk-7-1"}},
		"while something is":       {updates[:1], []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundOpen}}, []string{"round-3"}},
		"after it was":             {updates[:1], []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundDone}}, nil},
		"some are told once more":  {updates[:1], []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundDone}, {ID: 4, Kind: broadcast.Say, Update: 1, State: RoundOpen, Again: true}}, []string{"round-3"}},
		"newer words":              {updates, []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundOpen}}, []string{"walk-7-2"}},
		"newer words, told again":  {updates, []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundDone}, {ID: 4, Kind: broadcast.Say, Update: 1, State: RoundOpen, Again: true}}, []string{"walk-7-2"}},
		"newer words are no more":  {withdrawn, []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundSuperseded}}, []string{"walk-7-1"}},
		"a retraction is told too": {withdrawn, []Round{{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundDone}, {ID: 4, Kind: broadcast.Retract, Update: 2, State: RoundOpen}}, []string{"round-4"}},
	} {
		w := Walk{ID: 7, Frozen: true, Said: []int{1, 2}[:len(test.updates)], Incident: incident.Incident{Updates: test.updates}, Rounds: test.rounds}
		var got []string
		for _, d := range w.Deliveries("people") {
			if d.State == broadcast.Held {
				got = append(got, d.ID)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %q are held, want %q", name, got, test.want)
		}
	}
}

// TestWhatWasDropped checks that a walk says of what was dropped that it is skipped,
// before it is planned anew and after, and asks about whom it had been sent to
// without an answer; and that it goes on with what is told once more since.
func TestWhatWasDropped(t *testing.T) {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	said := []incident.Update{{N: 1, PublishedAt: at, Revisions: []incident.Revision{{At: at}, {At: at.Add(time.Minute)}}}}
	newer := append(slices.Clone(said), incident.Update{N: 2, PublishedAt: at.Add(2 * time.Minute), Revisions: make([]incident.Revision, 1)})
	later := append(slices.Clone(said), incident.Update{N: 2, PublishedAt: at.Add(4 * time.Minute), Revisions: make([]incident.Revision, 1)})
	told := Round{ID: 3, Kind: broadcast.Say, Update: 1, State: RoundDone, Unsure: 2, AskUnsure: 2}
	telling, correcting, again := told, told, told
	telling.State = RoundOpen
	correcting.ID, correcting.Kind, correcting.Revision, correcting.State = 4, broadcast.Correct, 2, RoundOpen
	again.ID, again.Again, again.Began, again.State = 5, true, at.Add(4*time.Minute), RoundOpen
	before := again
	before.Began = at.Add(time.Minute)
	for name, test := range map[string]struct {
		updates []incident.Update
		dropped int
		rounds  []Round
		want    string
	}{
		"nothing was told":        {said, 1, nil, "walk-7-1 skipped"},
		"it was told":             {said, 1, []Round{told}, "round-3 sent, asks 2"},
		"it was being told":       {said, 1, []Round{telling}, "round-3 skipped, asks 2"},
		"it was being corrected":  {said, 1, []Round{told, correcting}, "round-3 sent, asks 2 round-4 skipped, asks 2"},
		"it is told once more":    {said, 1, []Round{telling, again}, "round-3 sending, asks 4"},
		"it was told once more":   {said, 1, []Round{telling, before}, "round-3 skipped, asks 4"},
		"so were newer words":     {newer, 2, []Round{telling}, "round-3 superseded walk-7-2 skipped"},
		"newer words came after":  {later, 1, []Round{telling}, "round-3 superseded round-0 sending"},
		"nothing but newer words": {later, 1, nil, "round-0 sending"},
	} {
		w := Walk{ID: 7, Said: []int{1, 2}[:len(test.updates)], Incident: incident.Incident{Updates: test.updates}, Rounds: test.rounds,
			Dropped: test.dropped, DroppedAt: at.Add(3 * time.Minute)}
		if test.dropped == len(test.updates) {
			if got := view(&w); got != test.want {
				t.Errorf("%s: %s before it is planned, want %s", name, got, test.want)
			}
		}
		w.Plan(Rules{}, at.Add(5*time.Minute))
		if got := view(&w); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// view is where the rows of a walk stand, and how many people of each a person has
// to settle.
func view(w *Walk) string {
	var rows []string
	for _, d := range w.Deliveries("people") {
		row := d.ID + " " + string(d.State)
		if n := d.Audience.Asks(); n > 0 {
			row += fmt.Sprintf(", asks %d", n)
		}
		rows = append(rows, row)
	}
	return strings.Join(rows, " ")
}

// TestWhatIsWithdrawnIsEditedFirst checks that leaked data does not stand for as
// long as many old corrections take.
func TestWhatIsWithdrawnIsEditedFirst(t *testing.T) {
	twice := make([]incident.Revision, 2)
	w := Walk{Said: []int{1, 2, 3, 4, 5, 6}, Incident: incident.Incident{Updates: []incident.Update{
		{N: 1, Revisions: twice}, {N: 2, Revisions: twice}, {N: 3, Retraction: &incident.Retraction{Delete: true}},
		{N: 4, Retraction: &incident.Retraction{}}, {N: 5, Revisions: twice[:1]}, {N: 6, Revisions: twice}}}}
	for n := range 5 {
		w.Rounds = append(w.Rounds, Round{Kind: broadcast.Say, Update: n + 1})
	}
	var got []int
	for _, u := range w.amended() {
		got = append(got, u.N)
	}
	if want := []int{3, 4, 2, 1}; !slices.Equal(got, want) {
		t.Errorf("edited in the order %v, want %v", got, want)
	}
}
