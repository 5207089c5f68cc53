package broadcast

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

func TestFirstPostUnsure(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.publish("Nobody can log in.")
		w.publish("We know why.")
		w.runFor(29 * time.Second)
		w.want("1: Nobody can log in.")
		w.runFor(2 * time.Second)
		w.want("1: Nobody can log in.", "2: Logins fail … We know why.")
		w.run()
		w.wantStates("post unsure", "post sent")
	})
}

func TestFirstPostFoundLateIsAnOrphan(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.platform.hidden = true
		w.publish("Nobody can log in.")
		w.publish("We know why.")
		w.runFor(31 * time.Second)
		w.platform.hidden = false
		w.run()
		w.publish("It is fixed.")
		w.run()
		w.want("1: Logins fail … Nobody can log in.", "2: Logins fail … We know why.", "3 >2: It is fixed.")
		if e := w.lane.entry(1); !e.Shows.Orphan || e.Shows.Message != "1" {
			t.Errorf("the first post that was found late shows %+v, want an orphan", e.Shows)
		}
		w.wantStates("post sent", "post sent", "post sent")
	})
}

func TestLaterPostUnsure(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, lost)
		w.publish("two")
		w.publish("three")
		w.runFor(29 * time.Second)
		w.want("1: one")
		w.run()
		w.want("1: one", "2 >1: three")
		w.wantStates("post sent", "post unsure", "post sent")
		w.runFor(time.Hour)
		w.retry(2)
		w.run()
		w.want("1: one", "2 >1: three", "3 >1: two")
	})
}

func TestLaterPostUnsureIsNotSentAgainOnceNewerShows(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, lost)
		w.platform.fails(searching, unreachable, unreachable, unreachable, unreachable, unreachable)
		w.publish("two")
		w.publish("three")
		w.runFor(time.Hour)
		w.want("1: one", "2 >1: three")
		w.wantStates("post sent", "post failed", "post sent") // it is known not to be there
		w.retry(2)
		w.run()
		w.want("1: one", "2 >1: three", "3 >2: two")
	})
}

// What was lost is said again in its place: the lane waits until that is known.
func TestLostPostIsSaidBeforeTheNext(t *testing.T) {
	for _, p := range []profile{x(), discord()} {
		in(t, p, func(w *world) {
			w.platform.fails(bots.Post, lost)
			w.publish("one")
			w.publish("two")
			w.runFor(30 * time.Second)
			w.want("1: one", "2 >1: two")
		})
	}
}

// After a restart the patience may be over. One look is enough then, and comes
// before newer words.
func TestLostPostIsLookedForFirstAfterARestart(t *testing.T) {
	for _, p := range []profile{x(), discord()} {
		in(t, p, func(w *world) {
			w.publish("one")
			w.publish("two")
			step := w.next()
			began := now()
			w.sleep(began.Add(5 * time.Minute))
			w.compose(&step)
			Apply(w.lane, step, Outcome{Began: began, Text: step.Op.Text, Fault: lost.fault}, now())
			w.runFor(5 * time.Second)
			w.want("1: one", "2 >1: two")
			w.wantStates("post sent", "post sent")
		})
	}
}

func TestUnsurePostIsFound(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, unanswered)
		w.publish("two")
		w.publish("three")
		w.runFor(3 * time.Second)
		w.want("1: one", "2 >1: two", "3 >2: three")
		w.wantStates("post sent", "post sent", "post sent")
	})
}

func TestUnsurePostThatIsNowhereIsSentAgain(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, lost)
		w.publish("one")
		w.runFor(time.Minute)
		w.want("1: one")
		w.wantStates("post sent")
	})
}

func TestUnsurePostIsRepeatedWhereThePlatformKnowsIt(t *testing.T) {
	for _, a := range []accident{lost, unanswered} {
		in(t, discord(), func(w *world) {
			w.platform.fails(bots.Post, a, a)
			w.publish("one")
			w.runFor(5 * time.Second)
			w.want("1: one")
			w.wantStates("post sent")
		})
	}
}

// A repeated post may be refused for a reason that the first attempt did not
// meet. Repeating it at once would never end.
func TestRepeatRefusedIsLookedFor(t *testing.T) {
	for _, p := range []profile{discord(), discord().threaded()} {
		in(t, p, func(w *world) {
			w.publish("one")
			w.run()
			w.platform.fails(bots.Post, lost)
			w.publish("two")
			w.take(w.next())
			w.platform.message("1").deleted = true
			delete(w.platform.threads, "t1")
			w.run()
			w.want("2: two")
		})
	}
}

func TestUnsurePolicy(t *testing.T) {
	for policy, want := range map[string][2]State{"ask": {UnsureState}, "assume": {Sent}, "resend": {Sent}} {
		for _, p := range []profile{telegram(), wechat()} {
			in(t, p, func(w *world) {
				w.lane.Policy.Unsure = policy
				w.platform.fails(bots.Post, lost)
				w.publish("one")
				w.run()
				if got := w.state(1); got != want[0] {
					t.Errorf("%s on %s: the post is %s, want %s", policy, p.channel.Platform, got, want[0])
				}
				if n := len(w.platform.visible()); (n == 1) != (policy == "resend") {
					t.Errorf("%s on %s: %d messages", policy, p.channel.Platform, n)
				}
			})
		}
	}
}

func TestDuplicateProvesALandingOnlyWithAReadBack(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.platform.hidden = true
		w.publish("one")
		w.run()
		w.wantStates("post unsure")
		if n := w.did(bots.Post); n != 2 {
			t.Errorf("%d posts, want one and another that was refused as a duplicate", n)
		}
		w.want("1: one")
	})
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.platform.hidden = true
		w.publish("one")
		w.runFor(46 * time.Second) // looked for to the end, sent again, refused
		w.platform.hidden = false
		w.run()
		w.wantStates("post sent")
		w.want("1: one")
	})
}

func TestSearchThatFailsIsLeftToAPerson(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		for range 20 {
			w.platform.fails(searching, unreachable)
		}
		w.publish("one")
		w.run()
		w.wantStates("post unsure")
		w.want("1: one")
	})
}

func TestResendEndsAtARefusalAsDuplicate(t *testing.T) {
	in(t, x(), func(w *world) {
		w.lane.Policy.Unsure = "resend"
		w.platform.fails(bots.Post, unanswered)
		w.platform.hidden = true
		w.publish("one")
		w.run()
		w.want("1: one")
		w.wantStates("post unsure")
	})
}

// A newer post without an answer may show. Until that is known the older one
// is not sent again.
func TestOlderUnsurePostWaitsForTheNewer(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, lost, unanswered)
		w.platform.fails(searching, unreachable, unreachable, unreachable, unreachable, unreachable)
		w.publish("one")
		w.publish("two")
		w.runFor(35 * time.Second) // two was attempted after one had its 30 s
		w.want("1: two")
		w.run()
		w.want("1: two")
		w.wantStates("post failed", "post sent")
	})
}

// What is only assumed to be there has no id to answer, so that the next update
// takes its place.
func TestAssumedFirstPostIsNoRoot(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.lane.Policy.Unsure = "assume"
		w.platform.fails(bots.Post, lost)
		w.publish("one")
		w.run()
		w.publish("two")
		w.run()
		w.publish("three")
		w.run()
		w.want("1: Logins fail … two", "2 >1: three")
		w.wantStates("post sent", "post sent", "post sent")
	})
}
