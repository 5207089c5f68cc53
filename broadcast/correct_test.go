package broadcast

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestCorrectionOfTextNotYetPosted(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), x(), wechat()} {
		in(t, p, func(w *world) {
			w.platform.fails(bots.Post, slow(now().Add(2*minute)))
			w.publish("teh words")
			w.runFor(minute)
			w.correct(1, "the words")
			w.run()
			w.want("1: the words")
			w.wantNever("teh words")
			w.wantNever("edited")
			w.wantStates("post sent", "correction superseded")
		})
	}
}

func TestWrongTextVisibleForLong(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(2 * minute)
		w.correct(1, "right")
		w.run()
		w.want("1: right … (edited)", "2 >1: Correction … INC-1/1 … right")
		w.wantStates("post sent", "edit sent", "correction sent")
	})
}

func TestWrongTextVisibleForAMoment(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(50 * time.Second)
		w.correct(1, "right")
		w.run()
		w.want("1: right … (edited)")
	})
}

func TestWrongTextWhereNothingCanBeEdited(t *testing.T) {
	for _, p := range []profile{x(), wechat()} {
		in(t, p, func(w *world) {
			w.publish("wrong")
			w.runFor(5 * time.Second)
			w.correct(1, "right")
			w.run()
			if p.limits.Replies == bots.NoReplies {
				w.want("1: wrong", "2: Correction … INC-1/1 … right")
			} else {
				w.want("1: wrong", "2 >1: Correction … INC-1/1 … right")
			}
			w.wantStates("post sent", "correction sent")
		})
	}
}

// A translation that is added later is no news where the words stay.
func TestTranslationAdded(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), x(), wechat()} {
		in(t, p, func(w *world) {
			w.publish("words")
			w.runFor(2 * minute)
			w.reword(1, incident.Text{"en": "words", "zh-Hans": "文字"}, false)
			w.run()
			w.want("1: words")
			w.wantNever("Correction")
			w.wantNever("edited")
			if w.correct(1, "other words"); w.lane.entry(1).Should.Revision != 3 {
				t.Errorf("other words change nothing: %+v", w.lane.Entries)
			}
		})
	}
	in(t, telegram(), func(w *world) {
		w.lane.Channel.Language = "zh-Hans"
		w.publish("words")
		w.run()
		w.reword(1, incident.Text{"en": "words", "zh-Hans": "文字"}, true)
		w.run()
		w.want("1: 文字")
	})
}

// Words that were put right in silence may still be announced.
func TestTypoAnnouncedLater(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("wrong")
		w.runFor(5 * time.Second)
		w.typo(1, "right")
		w.run()
		w.want("1: wrong")
		w.correct(1, "right")
		w.run()
		w.want("1: wrong", "2 >1: Correction … INC-1/1 … right")
	})
}

func TestCorrectionByEditAlone(t *testing.T) {
	in(t, discord(), func(w *world) {
		w.lane.Policy.EditOnly = true
		w.publish("wrong")
		w.runFor(time.Hour)
		w.correct(1, "right")
		w.run()
		w.want("1: right … (edited)")
	})
}

func TestEditRefusedIsCorrectedAloud(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(5 * time.Second)
		w.platform.fails(bots.Edit, refused)
		w.correct(1, "right")
		w.run()
		w.want("1: wrong", "2 >1: Correction … right")
		w.wantStates("post sent", "edit failed", "correction sent")
	})
}

func TestCorrectionOfWhatSomebodyDeleted(t *testing.T) {
	in(t, discord(), func(w *world) {
		w.publish("wrong")
		w.runFor(5 * time.Second)
		w.platform.message("1").deleted = true
		w.correct(1, "right")
		w.run()
		w.want("2: Correction … right")
	})
}

func TestTypo(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), x(), wechat()} {
		in(t, p, func(w *world) {
			w.publish("teh words")
			w.runFor(time.Hour)
			w.typo(1, "the words")
			w.run()
			if p.limits.Edit {
				w.want("1: the words")
			} else {
				w.want("1: teh words")
			}
			w.wantIdle()
		})
	}
}

// What was wrong before a typo was fixed is still wrong after it.
func TestCorrectionSoonAfterATypo(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrogn")
		w.runFor(5 * minute)
		w.typo(1, "wrong")
		w.runFor(10 * time.Second)
		w.correct(1, "right")
		w.run()
		w.want("1: right", "2 >1: Correction … right")
	})
}

func TestTwoCorrectionsInARow(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("wrong")
		w.runFor(5 * minute)
		w.correct(1, "better")
		w.runFor(10 * time.Second)
		w.correct(1, "right")
		w.run()
		w.want("1: right", "2 >1: Correction … right")
	})
	in(t, x(), func(w *world) {
		w.publish("wrong")
		w.runFor(minute)
		w.correct(1, "better")
		w.run()
		w.correct(1, "right")
		w.run()
		w.want("1: wrong", "2 >1: Correction … better", "3 >2: Correction … right")
	})
}

// The second correction comes before the first was said aloud. The first
// words were wrong for long all the same.
func TestTwoCorrectionsAtOnce(t *testing.T) {
	for _, p := range []profile{telegram(), x()} {
		in(t, p, func(w *world) {
			w.publish("wrong")
			w.runFor(5 * minute)
			w.platform.fails(bots.Post, slow(now().Add(30*time.Second)))
			w.correct(1, "better")
			w.runFor(10 * time.Second)
			w.correct(1, "right")
			w.run()
			first := "1: right"
			if !p.limits.Edit {
				first = "1: wrong"
			}
			w.want(first, "2 >1: Correction … right")
		})
	}
}

func TestCorrectionOfUnsurePost(t *testing.T) {
	t.Run("never known", func(t *testing.T) {
		in(t, telegram(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.publish("wrong")
			w.runFor(5 * time.Second)
			w.correct(1, "right")
			w.run()
			w.want("1: wrong", "2: Correction … right")
			w.wantStates("post unsure", "correction sent")
		})
	})
	t.Run("found", func(t *testing.T) {
		in(t, x(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.publish("wrong")
			w.runFor(time.Second)
			w.correct(1, "right")
			w.run()
			w.want("1: wrong", "2 >1: Correction … right")
			w.wantStates("post sent", "correction sent")
		})
	})
	t.Run("found and edited", func(t *testing.T) {
		in(t, discord(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.publish("wrong")
			w.take(w.next())
			w.correct(1, "right")
			w.run()
			w.want("1: right")
		})
	})
	t.Run("lost: wrong words are not sent again", func(t *testing.T) {
		in(t, discord(), func(w *world) {
			w.platform.fails(bots.Post, lost)
			w.publish("wrong")
			w.take(w.next())
			w.correct(1, "right")
			w.run()
			if w.timesIn("wrong\n") > 1 {
				t.Errorf("wrong words were sent again:\n%s", w.history())
			}
			if n := w.timesIn("right"); n == 0 {
				t.Error("the right words were not sent")
			}
		})
	})
	t.Run("only the right words are in doubt", func(t *testing.T) {
		in(t, telegram(), func(w *world) {
			w.platform.fails(bots.Post, down, unanswered)
			w.publish("wrong")
			w.take(w.next())
			w.correct(1, "right")
			w.run()
			w.want("1: right")
			w.wantStates("post unsure", "correction superseded")
		})
	})
}

func TestCorrectionOfUnsureCorrection(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("wrong")
		w.runFor(2 * minute)
		w.platform.fails(bots.Post, unanswered)
		w.correct(1, "better")
		w.runFor(time.Second)
		w.correct(1, "right")
		w.run()
		w.want("1: wrong", "2 >1: Correction … better", "3 >2: Correction … right")
	})
}

// Two corrections are lost. The first is not sent again with the words of the second.
func TestTwoCorrectionsLost(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("wrong")
		w.runFor(2 * minute)
		w.platform.fails(bots.Post, lost, lost)
		w.correct(1, "better")
		w.runFor(20 * time.Second)
		w.correct(1, "right")
		w.run()
		w.want("1: wrong", "2 >1: Correction … right")
		w.wantStates("post sent", "correction superseded", "correction sent")
	})
}

func TestRefusedTextGetsAnotherChanceWithOtherWords(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, refused)
		w.publish("unlucky words")
		w.run()
		w.wantStates("post failed")
		w.correct(1, "lucky words")
		w.run()
		w.want("1: lucky words")
		w.wantStates("post sent", "correction superseded")
	})
}
