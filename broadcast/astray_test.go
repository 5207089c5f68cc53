package broadcast

import (
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// straggler is an edit of the only message that is carried out late, after its
// sender has given up waiting.
func straggler(w *world) func() {
	w.t.Helper()
	before := w.platform.message("1").text
	w.platform.fails(bots.Edit, unanswered)
	w.runFor(0)
	late := w.platform.message("1").text
	if late == before {
		w.t.Fatal("no edit was made")
	}
	w.platform.message("1").text = before
	return func() { w.platform.message("1").text = late }
}

// An edit that was given up for lost may arrive after a later one.
func TestEditThatArrivesAfterALaterOne(t *testing.T) {
	for name, later := range map[string]func(*world){
		"correction": func(w *world) { w.correct(1, "right") },
		"retraction": func(w *world) { w.retract(1, "it was wrong", false) },
	} {
		for _, p := range []profile{telegram(), discord()} {
			in(t, p, func(w *world) {
				w.publish("wrong")
				w.runFor(3 * time.Second)
				w.typo(1, "half right")
				arrives := straggler(w)
				later(w)
				w.runFor(5 * time.Second)
				right := w.platform.message("1").text
				arrives()
				w.run()
				if got := w.platform.message("1").text; got != right {
					t.Errorf("%s on %s: at the end it shows %q, want %q", name, w.lane.Channel.Platform, got, right)
				}
				w.wantIdle()
			})
		}
	}
}

// Putting the same words there again is nothing that people are told of, nor
// does it count as having shown other words.
func TestConfirmingChangesNothing(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(3 * time.Second)
		w.platform.fails(bots.Edit, unanswered)
		w.correct(1, "right")
		w.runFor(10 * time.Second)
		before := w.lane.entry(1).Shows
		w.runFor(2 * minute)
		if got := w.lane.entry(1).Shows; got != before {
			t.Errorf("it showed %+v and now %+v", before, got)
		}
		if n := w.did(bots.Edit); n != 3 {
			t.Errorf("edits: %d, want one without an answer, one with, and one to make sure", n)
		}
		w.want("1: right … (edited)")
		w.wantIdle()
	})
}

// The head line waits for words that are to come, instead of putting back
// those that they replace.
func TestHeadLineDoesNotBringBackOldWords(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(3 * time.Second)
		w.platform.fails(bots.Edit, unanswered, down)
		w.correct(1, "right")
		w.publish("more")
		for range 30 {
			w.runFor(time.Second)
			if got := w.platform.message("1").text; !strings.Contains(got, "right") {
				t.Fatalf("after the correction it shows %q", got)
			}
		}
	})
}
