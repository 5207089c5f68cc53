package broadcast

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Followers of a Discord channel do not see inside its threads.
func TestFollowersOutsideTheThread(t *testing.T) {
	in(t, discord().threaded(), func(w *world) {
		w.publish("first")
		w.run()
		w.publish("detail", status(incident.Identified))
		w.publish("worse", impact(incident.Critical))
		w.publish("better", impact(incident.Minor))
		w.run()
		w.runFor(2 * minute)
		w.correct(2, "Detail.")
		w.retract(4, "It was a test.", false)
		w.run()
		w.publish("over", status(incident.Resolved))
		w.run()
		w.want(
			"1: Resolved 12:02 UTC … first",
			"2 #t1: Detail.",
			"3 >1: worse",
			"4 #t1: withdrawn",
			"5 >1: Correction … Detail.",
			"6 >1: INC-1/4 … It was a test.",
			"7 >1: Resolved … over",
		)
	})
}

func TestThreadCannotBeOpened(t *testing.T) {
	for _, a := range []accident{refused, forbidden} {
		for _, p := range []profile{discord(), telegram()} {
			in(t, p.threaded(), func(w *world) {
				w.platform.fails(bots.OpenThread, a)
				w.publish("one")
				w.publish("two")
				w.run()
				w.want("1: one", "2 >1: two")
				w.wantIdle()
			})
		}
	}
}

func TestThreadFailsForAWhile(t *testing.T) {
	for _, p := range []profile{discord(), telegram()} {
		in(t, p.threaded(), func(w *world) {
			w.platform.fails(bots.OpenThread, down, down)
			w.publish("one")
			w.publish("two")
			w.runFor(5 * time.Second)
			if p.limits.Threads == bots.ThreadFirst {
				w.want("1 #t1: one", "2 >1 #t1: two")
			} else {
				w.want("1: one", "2 #t1: two")
			}
		})
	}
}

// A topic that may have been opened is not opened again; a thread is opened
// from a message, and that can be repeated.
func TestThreadUnsure(t *testing.T) {
	in(t, telegram().threaded(), func(w *world) {
		w.platform.fails(bots.OpenThread, unanswered)
		w.publish("one")
		w.run()
		w.want("1: one")
		if n := w.did(bots.OpenThread); n != 1 {
			t.Errorf("%d topics were opened", n)
		}
	})
	in(t, discord().threaded(), func(w *world) {
		w.platform.fails(bots.OpenThread, unanswered)
		w.publish("one")
		w.publish("two")
		w.run()
		w.want("1: one", "2 #t1: two")
	})
}

func TestThreadDeletedBySomebody(t *testing.T) {
	for _, p := range []profile{discord(), telegram()} {
		in(t, p.threaded(), func(w *world) {
			w.publish("one")
			w.publish("two")
			w.run()
			delete(w.platform.threads, "t1")
			for _, m := range w.platform.msgs {
				m.deleted = m.deleted || m.thread == "t1"
			}
			w.publish("three")
			w.publish("four")
			w.run()
			if p.limits.Threads == bots.ThreadFirst {
				w.want("3: three", "4 >3: four")
			} else {
				w.want("1: one", "3 >1: three", "4 >1: four")
			}
		})
	}
}

// What followed in the thread does not take the place of a first post that is
// gone: the channel has none until the next one.
func TestFirstPostGoneAndTheRestInTheThread(t *testing.T) {
	in(t, discord().threaded(), func(w *world) {
		w.publish("one")
		w.publish("two")
		w.run()
		w.retract(1, "It was a test.", true)
		w.run()
		before := w.faults
		w.publish("over", status(incident.Resolved))
		w.run()
		w.want("2 #t1: two", "3: INC-1/1", "4: Resolved … Logins fail … over")
		if w.faults != before {
			t.Errorf("a post failed:\n%s", w.history())
		}
	})
}

// A first post that is only assumed to be there has no id to open a thread from.
func TestThreadOfAnAssumedPost(t *testing.T) {
	p := discord().threaded()
	p.finds, p.limits.Deduplicates = false, 0
	in(t, p, func(w *world) {
		w.lane.Policy.Unsure = "assume"
		w.platform.fails(bots.Post, unanswered)
		w.publish("one")
		w.publish("two")
		w.run()
		w.want("1: one", "2: two")
		w.wantIdle()
	})
}

// A chain goes on from the last post whose id is known.
func TestChainPastAPostWithoutID(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, refused)
		w.publish("two")
		w.runFor(minute)
		w.posted(2, "")
		w.publish("three")
		w.run()
		w.want("1: one", "2 >1: three")
	})
}

func TestHeadLineIsKeptCurrent(t *testing.T) {
	for _, p := range []profile{telegram(), discord(), discord().threaded(), telegram().threaded()} {
		in(t, p, func(w *world) {
			w.publish("one")
			w.run()
			w.runFor(10 * minute)
			w.publish("two", status(incident.Monitoring))
			w.run()
			if got := w.platform.message("1").text; !matches(": "+got, ": Monitoring 12:10 UTC · 2 updates") {
				t.Errorf("the first post says %q", got)
			}
			w.publish("over", status(incident.Resolved))
			w.run()
			if got := w.platform.message("1").text; !matches(": "+got, ": Resolved 12:10 UTC · 3 updates … one") {
				t.Errorf("the first post says %q", got)
			}
			w.retract(3, "It is not.", false)
			w.run()
			if got := w.platform.message("1").text; !matches(": "+got, ": Monitoring 12:10 UTC · 2 updates") {
				t.Errorf("after a retraction the first post says %q", got)
			}
		})
	}
}

func TestHeadLineIsGivenUpWhereEditingIsRefused(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Edit, down, refused)
		w.publish("two", status(incident.Monitoring))
		w.publish("three", status(incident.Resolved))
		w.run()
		w.want("1: Investigating", "2 >1: two", "3 >1: three")
		w.wantStates("post sent", "post sent", "post sent")
		w.wantIdle()
	})
}

// A first post that stands in for one that failed still makes its promise.
func TestPromiseOfALateFirstPost(t *testing.T) {
	in(t, telegram(), func(w *world) {
		promise := func(s *incident.Saying) { s.NextUpdate = now().Add(20 * minute) }
		w.platform.fails(bots.Post, refused)
		w.publish("one", promise)
		w.publish("two", promise)
		w.run()
		w.want("1: two … Next update by 12:20 UTC")
	})
}

func TestCrosspost(t *testing.T) {
	p := discord().threaded()
	p.channel.Crosspost = true
	in(t, p, func(w *world) {
		w.platform.fails(bots.Crosspost, down, lost, refused)
		w.publish("one")
		w.publish("two")
		w.publish("worse", impact(incident.Critical))
		w.run()
		w.want("1: one", "2 #t1: two", "3 >1 published: worse")
		w.wantStates("post sent", "post sent", "post sent")
	})
	in(t, p, func(w *world) {
		w.platform.fails(bots.Crosspost, slow(now().Add(time.Hour)))
		w.publish("one")
		w.publish("worse", impact(incident.Critical))
		w.runFor(time.Second)
		w.want("1: one", "2 >1 published: worse")
		w.run()
		w.want("1 published: one", "2 >1 published: worse")
	})
}

func TestPin(t *testing.T) {
	for _, p := range []profile{telegram(), discord()} {
		p.channel.Pin = true
		in(t, p, func(w *world) {
			w.platform.fails(bots.Pin, down)
			w.publish("one")
			w.publish("two")
			w.run()
			w.want("1 pinned: one", "2 >1: two")
		})
		in(t, p, func(w *world) {
			w.platform.fails(bots.Pin, forbidden)
			w.publish("one")
			w.run()
			w.want("1: one")
			w.wantStates("post sent")
			w.wantIdle()
		})
	}
}

// Chores come after messages, so that none of them keeps people waiting.
func TestChoresComeLast(t *testing.T) {
	p := discord().threaded()
	p.channel.Pin, p.channel.Crosspost = true, true
	in(t, p, func(w *world) {
		w.publish("one")
		w.take(w.next())
		w.publish("worse", impact(incident.Critical))
		for _, want := range []bots.Action{bots.Post, bots.OpenThread, bots.Pin, bots.Crosspost, bots.Crosspost, bots.Edit} {
			step := w.next()
			if want == bots.Edit { // of the head line, once no newer words may have to wait behind it
				w.sleep(step.Until)
				step = w.next()
			}
			if step.Op.Action != want {
				w.t.Fatalf("next is %q, want %q\n%s", step.Op.Action, want, w.history())
			}
			w.take(step)
		}
		w.wantIdle()
	})
}

func TestChoreOfADeletedMessage(t *testing.T) {
	p := discord()
	p.channel.Pin = true
	in(t, p, func(w *world) {
		w.publish("one")
		w.take(w.next())
		w.platform.message("1").deleted = true
		w.run()
		w.publish("two")
		w.run()
		w.want("2 pinned: Logins fail … two")
	})
}

func TestOnlyMentionedMayReply(t *testing.T) {
	p := x()
	p.channel.MentionedOnly = true
	in(t, p, func(w *world) {
		w.publish("one")
		if step := w.next(); !step.Op.MentionedOnly {
			t.Errorf("the post is open to anybody's reply: %+v", step.Op)
		}
	})
}
