package broadcast

import (
	"strconv"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestFirstPostCarriesTheTitle(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), x(), wechat()} {
		in(t, p, func(w *world) {
			w.publish("Nobody can log in.")
			w.run()
			w.publish("We know why.", status(incident.Identified))
			w.run()
			if got := w.platform.visible()[0].text; !matches(": "+got, ": Logins fail … Nobody can log in. … INC-1/1 · 12:00 UTC") {
				t.Errorf("%s: the first post is %q", w.lane.Channel.Platform, got)
			}
			if got := w.platform.visible()[1].text; !matches(": "+got, ": We know why. … INC-1/2 · 12:00 UTC") {
				t.Errorf("%s: the second post is %q", w.lane.Channel.Platform, got)
			}
			w.wantIdle()
		})
	}
}

func TestFirstPostFailed(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.platform.fails(bots.Post, refused)
		w.publish("Nobody can log in.")
		w.run()
		w.want()
		w.publish("We know why.")
		w.run()
		w.want("1: Logins fail … We know why.")
		w.wantStates("post failed", "post sent")
	})
}

func TestFirstPostSkipped(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, forbidden)
		w.publish("Nobody can log in.")
		w.run()
		w.skip(1)
		w.publish("We know why.")
		w.run()
		w.want("1: Logins fail … We know why.")
		w.wantStates("post skipped", "post sent")
	})
}

// A first post that a person sends again stays behind the one that took its
// place: that one keeps the head line and the replies.
func TestFirstPostSentAgainLate(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.platform.fails(bots.Post, refused)
		w.publish("Nobody can log in.")
		w.run()
		w.publish("We know why.")
		w.runFor(minute)
		w.retry(1)
		w.run()
		w.publish("It is over.", status(incident.Resolved))
		w.run()
		w.want("1: Resolved … Logins fail … We know why.", "2 >1: Nobody can log in.", "3 >1: Resolved … It is over.")
	})
}

func TestReplies(t *testing.T) {
	for _, c := range []struct {
		profile profile
		want    [3]string
	}{
		{x(), [3]string{"1: ", "2 >1: ", "3 >2: "}},
		{telegram(), [3]string{"1: ", "2 >1: ", "3 >1: "}},
		{discord(), [3]string{"1: ", "2 >1: ", "3 >1: "}},
		{discord().threaded(), [3]string{"1: ", "2 #t1: ", "3 #t1: "}},
		{telegram().threaded(), [3]string{"1 #t1: ", "2 >1 #t1: ", "3 >1 #t1: "}},
		{wechat(), [3]string{"1: ", "2: ", "3: "}},
	} {
		in(t, c.profile, func(w *world) {
			w.publish("one")
			w.publish("two")
			w.publish("three")
			w.run()
			w.want(c.want[0]+"one", c.want[1]+"two", c.want[2]+"three")
		})
	}
}

func TestReplyRefused(t *testing.T) {
	for _, p := range []profile{x(), telegram(), discord()} {
		in(t, p, func(w *world) {
			w.publish("one")
			w.run()
			w.platform.fails(bots.Post, noReply)
			w.publish("two")
			w.run()
			w.want("1: one", "2: two … INC-1/2")
		})
	}
}

func TestParentDeletedBySomebody(t *testing.T) {
	in(t, discord(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.message("1").deleted = true
		w.publish("two")
		w.run()
		w.want("2: two … INC-1/2")
	})
}

// Somebody deletes messages that the thread began with: the rest of it stays one
// thread, and what could not be answered once is not tried again.
func TestThreadGoesOnWithoutItsFirstMessages(t *testing.T) {
	for deleted, want := range map[int][]string{
		1: {"2 >1: two", "3 >2: three", "4 >2: four"},
		2: {"3: three", "4 >3: four"},
	} {
		in(t, telegram(), func(w *world) {
			w.publish("one")
			w.publish("two")
			w.run()
			for id := range deleted {
				w.platform.message(strconv.Itoa(id + 1)).deleted = true
			}
			w.publish("three")
			w.publish("four")
			w.run()
			w.want(want...)
		})
	}
}

// What answers the newest message goes back to the first when those before it are
// gone, and the other way round.
func TestThreadGoesOnFromItsOtherEnd(t *testing.T) {
	for _, tt := range []struct {
		p       profile
		deleted []string
		want    []string
	}{
		{x(), []string{"3", "4"}, []string{"1: one", "2 >1: two", "5 >1: five", "6 >5: six"}},
		{telegram(), []string{"1", "2"}, []string{"3 >1: three", "4 >1: four", "5 >4: five", "6 >3: six"}},
		{x(), []string{"1", "3", "4"}, []string{"2 >1: two", "5: five", "6 >5: six"}},
		{telegram(), []string{"1", "2", "4"}, []string{"3 >1: three", "5: five", "6 >3: six"}},
		{wechat(), nil, []string{"1: one", "2: two", "3: three", "4: four", "5: five", "6: six"}},
	} {
		in(t, tt.p, func(w *world) {
			for _, words := range []string{"one", "two", "three", "four"} {
				w.publish(words)
				w.run()
			}
			for _, id := range tt.deleted {
				w.platform.message(id).deleted = true
			}
			w.publish("five")
			w.run()
			w.publish("six")
			w.run()
			w.want(tt.want...)
		})
	}
}

func TestFarBehind(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), x(), wechat()} {
		in(t, p, func(w *world) {
			w.platform.fails(bots.Post, slow(now().Add(20*minute)))
			w.publish("one")
			w.runFor(minute)
			w.publish("two")
			w.publish("three")
			w.run()
			w.want("1: Logins fail … three … 2 earlier updates are not shown")
			w.wantStates("post superseded", "post superseded", "post sent")
		})
	}
}

func TestFarBehindNeverDropsTheEnd(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, slow(now().Add(20*minute)))
		w.publish("two")
		w.publish("over", status(incident.Resolved))
		w.correct(1, "One.")
		w.publish("a word about the cause", status(incident.Postmortem))
		w.run()
		w.want("1: one", "2 >1: over", "3 >2: Correction … One.", "4 >3: a word about the cause")
		w.wantStates("post sent", "post superseded", "post sent", "correction sent", "post sent")
	})
}

func TestTemporaryFailuresArePaced(t *testing.T) {
	in(t, telegram(), func(w *world) {
		began := now()
		w.platform.fails(bots.Post, down, down, down)
		w.publish("one")
		w.run()
		w.want("1: one")
		if d := now().Sub(began); d != 8*time.Second { // 1 + 2 + 5
			t.Errorf("it took %v, want 8s", d)
		}
	})
}

func TestTemporaryFailureEndsAfterADay(t *testing.T) {
	in(t, telegram(), func(w *world) {
		began := now()
		w.platform.script = repeat(down, bots.Post, 3000)
		w.publish("one")
		w.run()
		w.wantStates("post failed")
		if d := now().Sub(began); d < 23*time.Hour || d > 26*time.Hour {
			t.Errorf("given up after %v, want about a day", d)
		}
	})
}

// A message that is old when it is corrected has as much patience as a new one.
func TestOldMessageIsEditedInSpiteOfAFailure(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		w.run()
		w.runFor(30 * time.Hour)
		w.platform.fails(bots.Edit, down)
		w.typo(1, "One.")
		w.run()
		w.want("1: One.")
	})
}

func repeat(a accident, action bots.Action, n int) []accident {
	a.action = action
	out := make([]accident, n)
	for i := range out {
		out[i] = a
	}
	return out
}

func TestRateLimitIsObeyedToTheSecond(t *testing.T) {
	in(t, telegram(), func(w *world) {
		until := now().Add(42 * time.Second)
		w.platform.fails(bots.Post, slow(until))
		w.publish("one")
		w.run()
		if at := w.platform.message("1").at; !at.Equal(until) {
			t.Errorf("sent at %v, want %v", at, until)
		}
	})
}

// A platform that says "later" and means no time at all is not asked again at once.
func TestRateLimitWithoutATime(t *testing.T) {
	in(t, discord().threaded(), func(w *world) {
		w.platform.fails(bots.Post, slow(time.Time{}), slow(now()))
		w.platform.fails(bots.OpenThread, slow(time.Time{}), slow(now()))
		w.publish("one")
		w.run()
		w.want("1: one")
		if w.lane.Thread.ID == "" {
			t.Error("the thread was not opened")
		}
	})
}

func TestMovedChat(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.move()
		w.publish("two")
		w.run()
		w.want("1: one", "2 >1: two")
		if w.lane.Channel.Target != "there-1" {
			t.Errorf("the channel is at %q", w.lane.Channel.Target)
		}
	})
}

// A platform that moves a chat in circles is not followed without end.
func TestMovedChatInCircles(t *testing.T) {
	in(t, telegram(), func(w *world) {
		circle := accident{fault: &bots.Fault{Kind: bots.Moved, To: "here"}}
		w.platform.fails(bots.Post, circle, circle, circle)
		w.publish("one")
		w.run()
		w.want("1: one")
	})
}

func TestFrozen(t *testing.T) {
	in(t, discord().threaded(), func(w *world) {
		w.publish("one")
		w.run()
		w.freeze(true)
		w.publish("two")
		w.correct(1, "One.")
		before := len(w.steps)
		w.runFor(time.Hour)
		if len(w.steps) != before {
			t.Errorf("a frozen lane took a step:\n%s", w.history())
		}
		w.wantStates("post sent", "edit held", "post held", "correction held")
		w.freeze(false)
		w.run()
		w.want("1: One. … (edited)", "2 #t1: two", "3 >1: Correction … One.")
	})
}

func TestMissingTranslationHolds(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.lane.Channel.Language, w.lane.Policy.Hold = "zh-Hans", true
		w.publish("one")
		w.publish("two", chinese("二"))
		w.run()
		w.want("1: 二")
		w.wantStates("post held", "post sent")
		w.wantIdle()
	})
}

func TestMissingTranslationShowsTheOriginal(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.lane.Channel.Language = "zh-Hans"
		w.publish("one")
		w.run()
		w.want("1: one … 英语")
	})
}

func TestRefusedPostIsNotTriedAgain(t *testing.T) {
	for _, a := range []accident{refused, forbidden, nowhere} {
		in(t, telegram(), func(w *world) {
			w.platform.fails(bots.Post, a)
			w.publish("one")
			w.run()
			w.wantStates("post failed")
			if len(w.steps) != 1 {
				t.Errorf("%d steps after %v", len(w.steps), a.fault)
			}
		})
	}
}

// Whoever was spared an update reads what changed since the one before it.
func TestFarBehindSaysWhatChangedMeanwhile(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one", impact(incident.Major))
		w.run()
		w.platform.fails(bots.Post, slow(now().Add(20*minute)))
		w.publish("two", status(incident.Identified), impact(incident.Critical))
		w.runFor(minute)
		w.publish("three")
		w.run()
		w.want("1: one", "2 >1: Identified … Impact: critical (was major) … three … 1 earlier update is not shown")
	})
}
