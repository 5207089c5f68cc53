package broadcast

import (
	"slices"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// always is an accident that happens so often that nothing else does.
func always(a accident) []accident { return slices.Repeat([]accident{a}, 100) }

// The first post is there, and nobody can be asked about it for longer than a
// lane waits otherwise: what comes next answers it all the same.
func TestThreadWaitsUntilItsBeginningWasAskedFor(t *testing.T) {
	hurt := map[string]func(*world){
		"x":                  func(w *world) { w.platform.fails(searching, slices.Repeat([]accident{unreachable}, 5)...) },
		"x, no answer":       func(w *world) { w.platform.fails(searching, slices.Repeat([]accident{lost}, 5)...) },
		"discord":            func(w *world) { w.platform.fails(bots.Post, slices.Repeat([]accident{down}, 5)...) },
		"discord, no answer": func(w *world) { w.platform.fails(bots.Post, slices.Repeat([]accident{lost}, 5)...) },
		"discord, refused": func(w *world) { // so that it has to be looked for
			w.platform.fails(bots.Post, refused)
			w.platform.fails(searching, slices.Repeat([]accident{unreachable}, 5)...)
		},
	}
	for name, hurt := range hurt {
		p := x()
		if name[0] == 'd' {
			p = discord()
		}
		in(t, p, func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			hurt(w)
			w.publish("one")
			w.publish("two")
			w.runFor(35 * time.Second)
			w.want("1: Logins fail … one")
			w.runFor(85 * time.Second)
			w.want("1: Logins fail … one", "2 >1: two")
			w.wantStates("post sent", "post sent")
		})
	}
}

// The platform says that it has the first post, and does not show it for longer than
// a lane waits otherwise.
func TestThreadWaitsForABeginningThatIsNotShownYet(t *testing.T) {
	for _, late := range []time.Duration{40 * time.Second, 70 * time.Second, 105 * time.Second} {
		in(t, x(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.platform.hidden = true
			w.publish("one")
			w.publish("two")
			w.runFor(late)
			w.want("1: Logins fail … one")
			w.platform.hidden = false
			w.runFor(2*time.Minute - late)
			w.want("1: Logins fail … one", "2 >1: two")
			w.wantStates("post sent", "post sent")
		})
	}
	in(t, x(), func(w *world) { // nor does it wait for ever
		w.platform.fails(bots.Post, unanswered)
		w.platform.hidden = true
		w.publish("one")
		w.publish("two")
		w.runFor(2*time.Minute + time.Second)
		w.want("1: Logins fail … one", "2: Logins fail … two")
		w.run()
		w.wantStates("post unsure", "post sent")
	})
}

// It does not wait for ever, nor does asking end at once after that.
func TestThreadBeginsAnewWhereItsBeginningCannotBeAskedFor(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.platform.fails(searching, always(unreachable)...)
		w.publish("one")
		w.publish("two")
		w.runFor(114 * time.Second)
		w.want("1: one")
		w.runFor(7 * time.Second)
		w.want("1: Logins fail … one", "2: Logins fail … two")
		w.run()
		w.wantStates("post unsure", "post sent")
	})
	in(t, discord(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.platform.fails(bots.Post, slices.Repeat([]accident{lost}, 15)...)
		w.platform.fails(searching, always(unreachable)...)
		w.publish("one")
		w.publish("two")
		w.runFor(119 * time.Second)
		w.want("1: one")
		w.runFor(time.Minute)
		w.want("1: Logins fail … one", "2: Logins fail … two")
	})
}

// Who reads wrong words is told so within half a minute, whatever becomes of the
// thread.
func TestCorrectionDoesNotWaitForTheThread(t *testing.T) {
	for name, say := range map[string]func(*world){
		"correction": func(w *world) { w.correct(1, "right") },
		"retraction": func(w *world) { w.retract(1, "it was wrong", false) },
	} {
		in(t, x(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.platform.fails(searching, always(unreachable)...)
			w.publish("wrong")
			w.runFor(10 * time.Second)
			say(w)
			w.runFor(21 * time.Second)
			if n := len(w.platform.visible()); n != 2 {
				t.Errorf("%s: %d messages", name, n)
			}
		})
	}
}

// A search that is refused is no reason to wait: it will be refused again.
func TestRefusedSearchDoesNotHoldUpTheLane(t *testing.T) {
	for _, a := range []accident{refused, forbidden} {
		in(t, x(), func(w *world) {
			w.platform.fails(bots.Post, unanswered)
			w.platform.fails(searching, always(a)...)
			w.publish("one")
			w.publish("two")
			w.runFor(31 * time.Second)
			w.want("1: Logins fail … one", "2: Logins fail … two")
		})
	}
}

// While the platform asks for quiet nothing else could be sent. When that is
// over, the first thing to do is to look.
func TestLookThatMustWaitComesBeforeTheNextPost(t *testing.T) {
	for _, p := range []profile{x(), discord()} {
		for _, quiet := range []time.Duration{time.Minute, 20 * time.Minute} {
			in(t, p, func(w *world) {
				w.lane.Policy.NoStaleNews = time.Hour
				w.platform.fails(bots.Post, unanswered)
				asking := searching
				if p.limits.Deduplicates > 0 {
					asking = bots.Post
				}
				w.platform.fails(asking, slow(now().Add(quiet)))
				w.publish("one")
				w.publish("two")
				w.runFor(quiet + time.Second)
				w.want("1: Logins fail … one", "2 >1: two")
			})
		}
	}
}

// What failed often before it left is looked for as soon as anything else.
func TestFirstLookComesSoonAfterFailures(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, slices.Repeat([]accident{down}, 8)...)
		w.platform.fails(bots.Post, unanswered)
		w.publish("one")
		for len(w.platform.visible()) == 0 {
			w.runFor(time.Second)
		}
		w.publish("two")
		w.runFor(3 * time.Second)
		w.want("1: Logins fail … one", "2 >1: two")
	})
}

// After a restart the first looks may fail; also where what was under way when
// the process ended was a repetition.
func TestFirstLooksAfterARestartFail(t *testing.T) {
	in(t, x(), func(w *world) {
		w.publish("one")
		w.publish("two")
		w.dies(10 * time.Minute)
		w.platform.fails(searching, unreachable, unreachable, unreachable)
		w.runFor(20 * time.Second)
		w.want("1: Logins fail … one", "2 >1: two")
	})
	in(t, discord(), func(w *world) {
		w.platform.fails(bots.Post, slices.Repeat([]accident{lost}, 7)...)
		w.publish("one")
		w.publish("two")
		w.runFor(39 * time.Second)
		w.want()
		step := w.next()
		w.sleep(step.Until)
		w.dies(10 * time.Minute)
		w.runFor(31 * time.Second)
		w.want("1: Logins fail … one", "2 >1: two")
	})
}

// dies loses the answer to the next request, which was carried out, and is away
// for a while.
func (w *world) dies(down time.Duration) {
	step := w.next()
	began := now()
	out := w.outcome(&step)
	w.sleep(began.Add(down))
	Apply(w.lane, step, Outcome{Began: began, Text: out.Text, Fault: lost.fault}, now())
}
