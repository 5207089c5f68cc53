package broadcast

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestRetraction(t *testing.T) {
	t.Run("by tombstone", func(t *testing.T) {
		for _, p := range []profile{telegram(), discord()} {
			in(t, p, func(w *world) {
				w.publish("false")
				w.runFor(30 * time.Second)
				w.retract(1, "It was meant for another site.", false)
				w.run()
				w.want("1: withdrawn … another site")
				w.wantStates("post sent", "tombstone sent", "tombstone withdrawn")
			})
		}
	})
	t.Run("by tombstone and aloud", func(t *testing.T) {
		in(t, telegram(), func(w *world) {
			w.publish("false")
			w.runFor(2 * minute)
			w.retract(1, "It was meant for another site.", false)
			w.run()
			w.want("1: withdrawn … another site", "2 >1: INC-1/1 … another site")
			w.wantStates("post sent", "tombstone sent", "tombstone sent")
		})
	})
	t.Run("deleted and said in a new post", func(t *testing.T) {
		in(t, x(), func(w *world) {
			w.publish("false")
			w.runFor(10 * time.Second)
			w.retract(1, "It was meant for another site.", false)
			w.run()
			w.want("2: INC-1/1 … another site")
			w.wantStates("post sent", "delete sent", "tombstone sent")
		})
	})
	t.Run("only said", func(t *testing.T) {
		in(t, wechat(), func(w *world) {
			w.publish("false")
			w.runFor(10 * time.Second)
			w.retract(1, "It was meant for another site.", false)
			w.run()
			w.want("1: false", "2: INC-1/1 … another site")
		})
	})
	t.Run("of leaked data", func(t *testing.T) {
		in(t, telegram(), func(w *world) {
			w.publish("secret")
			w.runFor(10 * time.Second)
			w.retract(1, "It was not meant to be sent.", true)
			w.run()
			w.want("2: INC-1/1 … not meant")
		})
	})
	t.Run("of leaked data, too late to delete", func(t *testing.T) {
		in(t, telegram(), func(w *world) {
			w.publish("secret")
			w.runFor(50 * time.Hour)
			w.retract(1, "It was not meant to be sent.", true)
			w.run()
			w.want("1: withdrawn … not meant", "2 >1: INC-1/1 … not meant")
			w.wantStates("post sent", "tombstone sent", "tombstone sent")
		})
	})
}

// The words were false from the beginning, whatever wording they had last.
func TestRetractionSoonAfterACorrection(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("false")
		w.runFor(10 * minute)
		w.typo(1, "False")
		w.runFor(10 * time.Second)
		w.retract(1, "It was a test.", false)
		w.run()
		w.want("1: withdrawn", "2 >1: INC-1/1")
	})
}

func TestRetractionTakesCorrectionsAlong(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("false")
		w.runFor(2 * minute)
		w.correct(1, "not quite as false")
		w.run()
		w.retract(1, "It was a test.", false)
		w.run()
		w.want("3: INC-1/1")
	})
}

func TestRetractionWhereTheEditIsRefused(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("false")
		w.runFor(10 * time.Second)
		w.platform.fails(bots.Edit, refused)
		w.retract(1, "It was a test.", false)
		w.run()
		w.want("1: false", "2 >1: INC-1/1")
		w.wantStates("post sent", "tombstone failed", "tombstone sent")
	})
}

// A message whose edit was given up is still a message to be withdrawn.
func TestRetractionAfterASkippedEdit(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(10 * time.Second)
		w.platform.fails(bots.Edit, refused)
		w.correct(1, "right")
		w.run()
		w.skip(1)
		w.wantStates("post sent", "edit skipped", "correction sent")
		w.retract(1, "It was a test.", false)
		w.run()
		w.want("1: withdrawn", "2 >1: withdrawn")
	})
}

func TestRetractionOfUnsurePost(t *testing.T) {
	t.Run("never known", func(t *testing.T) {
		in(t, telegram(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.publish("false")
			w.runFor(5 * time.Second)
			w.retract(1, "It was a test.", false)
			w.run()
			w.want("1: false", "2: INC-1/1")
			w.wantStates("post unsure", "tombstone sent")
		})
	})
	t.Run("found and deleted", func(t *testing.T) {
		in(t, x(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.publish("false")
			w.runFor(time.Second)
			w.retract(1, "It was a test.", false)
			w.run()
			w.want("2: INC-1/1")
			w.wantStates("post sent", "delete sent", "tombstone sent")
		})
	})
	t.Run("lost: it is not sent again", func(t *testing.T) {
		in(t, discord(), func(w *world) {
			w.platform.fails(bots.Post, lost)
			w.publish("false")
			w.take(w.next())
			w.retract(1, "It was a test.", false)
			w.run()
			w.want("1: INC-1/1")
		})
	})
}

func TestRetractionBeforeAnythingWasSent(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), x(), wechat()} {
		in(t, p, func(w *world) {
			w.platform.fails(bots.Post, slow(now().Add(minute)))
			w.publish("false")
			w.runFor(5 * time.Second)
			w.correct(1, "still false")
			w.retract(1, "It was a test.", false)
			w.run()
			w.want()
			w.wantStates("post withdrawn", "correction withdrawn", "tombstone withdrawn")
		})
	}
}

// While the withdrawal of a message waits, nothing else brings its words back.
func TestNothingTouchesWordsThatAreToGo(t *testing.T) {
	p := discord()
	p.channel.Crosspost = true
	in(t, p, func(w *world) {
		w.publish("false")
		w.platform.fails(bots.Crosspost, down)
		w.runFor(500 * time.Millisecond)
		w.publish("something else", status(incident.Identified))
		w.retract(1, "It was a test.", false)
		sent := len(w.said)
		w.platform.fails(bots.Edit, slow(now().Add(minute)))
		w.run()
		for _, s := range w.said[sent:] {
			if matches(": "+s, ": false\n") {
				t.Errorf("retracted words were sent: %q", s)
			}
		}
		w.want("1: withdrawn", "2 >1 published: something else", "3 >1 published: INC-1/1")
	})
}

// A person gives up withdrawing a message. Its words are said to be withdrawn,
// and no edit of the head line brings them back.
func TestTombstoneSkipped(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("false")
		w.runFor(5 * time.Second)
		w.platform.fails(bots.Edit, slow(now().Add(minute)))
		w.retract(1, "It was a test.", false)
		w.runFor(time.Second)
		w.skip(1)
		w.publish("news", status(incident.Identified))
		sent := len(w.said)
		w.run()
		w.want("1: false", "2 >1: INC-1/1 … It was a test.", "3 >1: news")
		if n := len(w.said) - sent; n != 2 {
			t.Errorf("%d texts left, want the withdrawal and the news:\n%s", n, w.history())
		}
	})
}

// The post was never seen, its correction was: that is withdrawn too.
func TestRetractionWhereOnlyTheCorrectionShows(t *testing.T) {
	in(t, wechat(), func(w *world) {
		w.platform.fails(bots.Post, lost)
		w.publish("false")
		w.runFor(5 * time.Second)
		w.correct(1, "still false")
		w.run()
		w.skip(1)
		w.retract(1, "It was a test.", false)
		w.run()
		w.want("1: still false", "2: INC-1/1 … It was a test.")
	})
}

// What was looked for to the end and is not there has nothing to retract.
func TestRetractionOfWhatNeverArrived(t *testing.T) {
	l := &Lane{CanFind: true, Entries: []Entry{{
		ID: 1, Update: 1, Kind: Say, Should: Should{What: Tombstone},
		Doubt: &Doubt{Revision: 1, Since: time.Now().Add(-time.Minute), Looked: len(lookAfter)},
	}}}
	step := Next(l, time.Now())
	if step.Kind != Settle || step.Reason != Withdrawn {
		t.Fatalf("the next step is %+v", step)
	}
	l.Entries[0].Doubt.Looked = cannotLook // nobody knows, so a person decides
	if step := Next(l, time.Now()); step.Kind == Settle {
		t.Errorf("the next step is %+v", step)
	}
}
