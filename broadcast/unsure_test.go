package broadcast

import (
	"slices"
	"strings"
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

// Another node's late answer says that nothing was posted when newer words are
// there: the old ones do not follow them unless a person has them sent.
func TestLateAnswerAfterNewerWords(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.publish("one")
		w.run()
		w.platform.fails(bots.Post, lost)
		w.publish("two")
		w.publish("three")
		w.run()
		w.want("1: one", "2 >1: three")
		e := w.lane.entry(2)
		step := Step{Kind: Do, Entry: 2, Op: bots.Operation{Action: bots.Post}, After: Shows{What: Words, Revision: 1}}
		if !Late(w.lane, step, e.Doubt.Since, Outcome{Fault: &bots.Fault{Kind: bots.Temporary}}) {
			t.Fatal("it proves nothing")
		}
		w.run()
		w.want("1: one", "2 >1: three")
		w.wantStates("post sent", "post failed", "post sent")
		w.retry(2)
		w.run()
		w.want("1: one", "2 >1: three", "3 >1: two")
	})
}

func TestFirstPostFoundLateIsAnOrphan(t *testing.T) {
	in(t, x(), func(w *world) {
		w.platform.fails(bots.Post, unanswered)
		w.platform.fails(searching, slices.Repeat([]accident{refused}, 6)...)
		w.publish("Nobody can log in.")
		w.publish("We know why.")
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

// The first post is there, and repeating it fails again and again: it is tried
// once more before another begins a thread of its own.
func TestFirstPostIsRepeatedBeforeAnotherTakesItsPlace(t *testing.T) {
	in(t, discord(), func(w *world) {
		w.platform.fails(bots.Post, unanswered, lost, lost, lost, lost)
		w.publish("one")
		w.publish("two")
		w.runFor(time.Minute)
		w.want("1: Logins fail … one", "2 >1: two")
		w.wantStates("post sent", "post sent")
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
		w.platform.fails(searching, slices.Repeat([]accident{unreachable}, 6)...)
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
		w.platform.fails(searching, slices.Repeat([]accident{refused}, 6)...)
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

func TestCandidates(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	shown := func(id string, s int) Shows { return Shows{What: Words, Message: id, First: at(s)} }
	post := func(text string) Attempt {
		return Attempt{Step: Step{Op: bots.Operation{Action: bots.Post, Target: "here", Text: text}}}
	}
	another := post("another")
	another.Began = at(60)
	named := shown("8", 60)
	named.Assumed = true
	e := &Entry{Doubt: &Doubt{Since: at(100)}}
	op := bots.Operation{Action: bots.Post, Target: "here", Text: "doubtful"}
	for name, tt := range map[string]struct {
		shown  []Shows
		unsure []Attempt
		want   string
		ok     bool
	}{
		"after the message before":          {[]Shows{shown("7", 50), shown("5", 40)}, nil, "8 9 10 11 12", true},
		"before the message after":          {[]Shows{shown("7", 50), shown("10", 150), shown("12", 160)}, nil, "8 9", true},
		"a late answer took one":            {[]Shows{shown("7", 50), shown("9", 99)}, nil, "10 11 12 13 14", true},
		"nothing is known":                  {[]Shows{shown("", 50)}, nil, "", false},
		"no room":                           {[]Shows{shown("7", 50), shown("8", 150)}, nil, "", true},
		"its own attempt is in doubt":       {[]Shows{shown("7", 50)}, []Attempt{post("doubtful")}, "8 9 10 11 12", true},
		"another post may have one of them": {[]Shows{shown("7", 50)}, []Attempt{post("doubtful"), post("another")}, "", false},
		"another post was found":            {[]Shows{shown("7", 50), shown("8", 60)}, []Attempt{another}, "9 10 11 12 13", true},
		"a person named another post":       {[]Shows{shown("7", 50), named}, []Attempt{another}, "", false},
	} {
		n := Neighbours{Shown: tt.shown, Unsure: tt.unsure}
		if ids, ok := n.candidates(e, op); strings.Join(ids, " ") != tt.want || ok != tt.ok {
			t.Errorf("%s: %q %t, want %q %t", name, ids, ok, tt.want, tt.ok)
		}
	}
}

// A probe that proves the post settles the doubt; one that finds nothing leaves
// it to policy or a person, who reads whether it means anything.
func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		out  Outcome
		read string
	}{
		{Outcome{Looked: true, Found: true, Receipt: bots.Receipt{ID: "1"}}, ""},
		{Outcome{Looked: true}, "(the next messages of the channel are not it)"},
		{Outcome{}, "(it could not be looked for)"},
	} {
		in(t, telegram(), func(w *world) {
			w.lane.CanProbe = true
			w.platform.fails(bots.Post, unanswered)
			w.publish("one")
			w.runFor(probeAfter - time.Second)
			w.sleep(now().Add(time.Second))
			step := w.next()
			if step.Kind != Probe || step.Op.Text != w.lane.entry(1).Doubt.Text {
				t.Fatalf("next is %+v, want a probe", step)
			}
			Apply(w.lane, step, tt.out, now())
			w.run()
			if tt.out.Found {
				w.wantStates("post sent")
				return
			}
			w.wantStates("post unsure")
			if d := w.lane.Deliveries(nil)[0]; !strings.HasSuffix(d.Error, tt.read) {
				t.Errorf("people read %q", d.Error)
			}
		})
	}
}

// A probe that cannot be made is tried a few times, and then left out.
func TestProbeFails(t *testing.T) {
	in(t, telegram(), func(w *world) {
		w.lane.CanProbe = true
		w.lane.Policy.Unsure = "assume"
		w.platform.fails(bots.Post, unanswered)
		w.publish("one")
		for range 100 {
			step := w.next()
			if step.Kind == Probe {
				Apply(w.lane, step, Outcome{Fault: &bots.Fault{Kind: bots.Temporary}}, now())
				continue
			}
			if step.Kind == Wait {
				w.sleep(step.Until)
				continue
			}
			if step.Kind == Idle {
				break
			}
			w.take(step)
		}
		w.wantStates("post sent")
	})
}

// While a place is probed nothing is posted there, and the other way round.
func TestQuiet(t *testing.T) {
	a := &account{places: map[string]int{}}
	step := func(posts int, begin, want bool) {
		t.Helper()
		if got := a.quiet("here", posts, begin); got != want {
			t.Errorf("quiet(%d, %v) = %v with %d", posts, begin, got, a.places["here"])
		}
	}
	step(1, true, true)
	step(1, true, true)
	step(0, true, false)
	step(1, false, true)
	step(0, true, false)
	step(1, false, true)
	step(0, true, true)
	step(0, true, false)
	step(1, true, false)
	step(0, false, true)
	step(1, true, true)
}
