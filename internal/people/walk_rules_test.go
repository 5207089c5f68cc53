package people_test

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Who reads a language in which an update is not written waits for it, where
// that is the rule, and is told when it is there. Nobody is told twice.
func TestPeopleWaitForTheirLanguage(t *testing.T) {
	w := newWorld(t, quick)
	w.rules.Translated = true
	w.start()
	w.subscribe(nil, numbers(1, 20)...)
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, numbers(21, 40)...)
	w.publish("Nobody can log in.", incident.Major)
	w.idle()
	w.want(1, "Nobody can log in.")
	w.want(21)
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"zh-Hans": "无法登录。"}})
	w.idle()
	for chat := int64(1); chat <= 20; chat++ {
		w.want(chat, "Nobody can log in.")
		w.want(chat+20, "无法登录。")
	}
}

// Who is told once more while others are told in the language for which they waited
// is told once.
func TestWhoIsToldAgainNeedsNoTranslation(t *testing.T) {
	w := newWorld(t, quick)
	w.rules.Translated, w.ask = true, true
	w.start()
	w.subscribe(nil, numbers(1, 5)...)
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, numbers(6, 8)...)
	w.inboxes.answering(refusal, 5)
	w.publish("Nobody can log in.", incident.Major)
	w.idle()
	refused := w.inboxes.requests(5)[0]
	w.until("he need not wait", func() bool { return time.Since(refused) > 1100*time.Millisecond })
	asked, let := w.hold(5, "")
	w.do(desk.Stop{Scope: "people", Reason: "until both are there"})
	w.do(desk.Retry{Which: about})
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"zh-Hans": "无法登录。"}})
	w.do(desk.Release{Scope: "people", Release: "newest"})
	<-asked
	w.until("who waited is told", func() bool { return w.inboxes.told("无法登录。") == 3 })
	let()
	w.idle()
	w.want(5, "Nobody can log in.")
	w.want(8, "无法登录。")
}

// Without that rule they are told at once, in the language that is there.
func TestPeopleNeedNotWaitForTheirLanguage(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 1)
	w.publish("Nobody can log in.", incident.Major)
	w.idle()
	w.want(1, "Nobody can log in.")
}

// The audience waits until each public channel has an answer.
func TestAnAudienceWaitsForPublicChannels(t *testing.T) {
	w := newWorld(t, quick)
	var answered, asked atomic.Int64
	w.public = func(_ context.Context, ref incident.Ref, update int) (bool, error) {
		if ref.Number != 1 || update != 1 {
			t.Errorf("asked about %v/%d", ref, update)
		}
		asked.Add(1)
		return answered.Load() > 0, nil
	}
	w.start()
	w.subscribe(nil, numbers(1, 20)...)
	w.publish("One.", incident.Major)
	w.until("it has asked a few times", func() bool { return asked.Load() > 3 })
	if n := w.inboxes.told("One."); n > 0 {
		t.Errorf("%d were told before the public channels were", n)
	}
	answered.Add(1)
	w.idle()
	if n := w.inboxes.told("One."); n != 20 {
		t.Errorf("%d of 20 were told", n)
	}
}

// Incidents share the limit by their impact: the critical one has about eight
// times as much of it as the one without any.
func TestIncidentsShareTheLimit(t *testing.T) {
	w := newWorld(t, 400)
	w.start()
	w.subscribe(nil, numbers(1, 600)...)
	w.do(desk.Stop{Scope: "people", Reason: "both at once"})
	w.publish("Small.", incident.ImpactNone)
	w.publish("Large.", incident.Critical)
	w.do(desk.Release{Scope: "people", Release: "newest"})
	w.until("most are told of the large one", func() bool { return w.inboxes.told("Large.") >= 500 })
	small, large := w.inboxes.told("Small."), w.inboxes.told("Large.")
	if small == 0 || small > large/2 {
		t.Errorf("%d were told of the small one meanwhile, of the large one %d", small, large)
	}
	w.idle()
	if n := w.inboxes.told("Small."); n != 600 {
		t.Errorf("%d of 600 were told of the small one", n)
	}
}

// Neither the end of something small nor edits of what was said of it, each for
// everybody, keep the first words of something large waiting.
func TestGraverNewsDoNotWaitForAnEnd(t *testing.T) {
	const n = 600
	for name, tt := range map[string]struct {
		then func(*world)
		done func(*world) int
	}{
		"an all clear": {
			func(w *world) { w.update("INC-1", "Over.", incident.Resolved) },
			func(w *world) int { return w.inboxes.told("Over.") },
		},
		"edits": {
			func(w *world) { w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Tiny."}}) },
			func(w *world) int { return w.inboxes.edited() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 400)
			w.start()
			w.subscribe(nil, numbers(1, n)...)
			w.publish("Small.", incident.Minor)
			w.idle()
			tt.then(w)
			w.until("it has begun", func() bool { return tt.done(w) > 20 })
			w.publish("Large.", incident.Critical)
			w.until("most are told of the large one", func() bool { return w.inboxes.told("Large.") >= 400 })
			if done := tt.done(w); done > n/2 {
				t.Errorf("%d of %d were reached meanwhile with what is small", done, n)
			}
			w.idle()
			if done, told := tt.done(w), w.inboxes.told("Large."); done != n || told != n {
				t.Errorf("in the end %d and %d of %d were reached", done, told, n)
			}
		})
	}
}

// Where that is the policy, a message that may not have arrived is sent again,
// but not for ever.
func TestUnsurePeopleAreSentItAgain(t *testing.T) {
	w := newWorld(t, quick)
	w.resend = true
	w.start()
	w.subscribe(nil, 1, 2, 3)
	var once, always atomic.Int64
	w.inboxes.refusing(func(chat int64) string {
		const unsure = `{"ok":false,"error_code":502,"description":"Bad Gateway"}`
		if chat == 2 && once.Add(1) == 1 || chat == 3 && always.Add(1) > 0 {
			return unsure
		}
		return ""
	})
	w.publish("One.", incident.Major)
	w.idle()
	w.want(1, "One.")
	w.want(2, "One.")
	w.want(3)
	if n := always.Load(); n != 3 {
		t.Errorf("%d messages to somebody who is never reached, want 3", n)
	}
}

// How often somebody was sent a message again is not forgotten by a restart.
func TestResendsAreCountedAcrossRestarts(t *testing.T) {
	w := newWorld(t, quick)
	w.resend = true
	tries := make(chan struct{}, 100)
	w.inboxes.refusing(func(chat int64) string {
		if chat != 3 {
			return ""
		}
		tries <- struct{}{}
		return `{"ok":false,"error_code":502,"description":"Bad Gateway"}`
	})
	w.start()
	w.subscribe(nil, 1, 3)
	w.publish("One.", incident.Major)
	<-tries
	w.halt()
	w.start()
	w.idle()
	if n := 1 + len(tries); n != 3 {
		t.Errorf("%d messages to somebody who is never reached, want 3", n)
	}
	if left, err := w.store.Resends(t.Context(), "people"); len(left) > 0 || err != nil {
		t.Errorf("%v, %v: kept although the round has ended", left, err)
	}
}

// Who may have been told, and whose turn to be sent it again never comes, is told
// what became of it as all others are, and counts as unsure.
func TestWhoWaitsToBeSentItAgainIsNotForgotten(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(*world)
		want string
	}{
		{"withdrawn", func(w *world) { w.do(desk.Retract{Ref: "INC-1/1", Reason: "It was a test."}) }, "We withdraw … It was a test."},
		{"over", func(w *world) { w.update("INC-1", "Over.", incident.Resolved) }, "Over."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quick)
			w.resend, w.ask = true, true
			w.start()
			w.subscribe(nil, 1, 2)
			var once sync.Once
			left := make(chan struct{})
			leaves := sync.OnceFunc(func() { close(left) })
			w.inboxes.refusing(func(chat int64) (answer string) {
				if chat == 2 {
					once.Do(func() {
						<-left // otherwise the stop may come before it
						w.do(desk.Stop{Scope: "INC-1", Reason: "wait"})
						answer = noAnswer
					})
				} else {
					leaves()
				}
				return answer
			})
			w.publish("One.", incident.Major)
			w.until("somebody waits to be sent it again", func() bool {
				waits, err := w.store.Resends(t.Context(), "people")
				return err == nil && len(waits) == 1
			})
			c.then(w)
			w.do(desk.Release{Scope: "INC-1", Release: "newest"})
			w.idle()
			w.want(2, c.want)
			if p := w.progress("INC-1/1"); p.Told != 1 || p.Unsure != 1 || p.Asks() != 0 {
				t.Errorf("%+v, want one told and one unsure, of whom nobody is asked any more", p)
			}
			if left, err := w.store.Resends(t.Context(), "people"); len(left) > 0 || err != nil {
				t.Errorf("%v, %v: kept although the round has ended", left, err)
			}
		})
	}
}

// Who was told nothing but what was withdrawn is told what stands, once, as all
// are who were not told anything; who has that already is told nothing more. The
// next words are news for all of them.
func TestWhoHasOnlyWithdrawnWordsIsToldWhatStands(t *testing.T) {
	w := newWorld(t, 400)
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	w.publish("One.", incident.Major)
	w.until("a part is told", func() bool { return w.inboxes.told("One.") >= 100 })
	w.update("INC-1", "Two.", incident.Identified)
	w.until("others are told", func() bool { return w.inboxes.told("Two.") >= 100 })
	w.do(desk.Retract{Ref: "INC-1/2", Reason: "It was not so."})
	w.idle()
	w.update("INC-1", "Three.", "")
	w.idle()
	only := 0
	for chat := int64(1); chat <= 300; chat++ {
		var ones, threes, wrong int
		all := w.inboxes.of(chat)
		for _, l := range all {
			ones += strings.Count(l.text, "One.")
			threes += strings.Count(l.text, "Three.")
			wrong += strings.Count(l.text, "Two.")
		}
		if ones != 1 || threes != 1 || wrong != 0 || len(all) > 3 {
			t.Fatalf("%d has %+v", chat, all)
		}
		if len(all) == 3 && strings.Contains(all[0].text, "It was not so.") {
			only++
			if one := all[1]; !strings.Contains(one.text, "Logins fail") || one.reply != all[0].id || strings.Contains(one.text, "earlier") {
				t.Errorf("%d is told %+v", chat, one)
			}
		}
	}
	if only == 0 {
		t.Fatal("nobody has only what was withdrawn: nothing was tested")
	}
}

// flaky is a store of which some answers are lost when a batch is opened.
type flaky struct {
	people.WalkStore
	opened int // batches that were to be
}

var errLostAnswer = errors.New("no answer came")

func (f *flaky) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	if step.Open != nil {
		switch f.opened++; f.opened {
		case 2: // and with it the question
			return errLostAnswer
		case 4:
			return cmp.Or(f.WalkStore.Walk(ctx, lease, step), errLostAnswer)
		}
	}
	return f.WalkStore.Walk(ctx, lease, step)
}

// What becomes of a step whose answer is lost is found out, without a restart:
// nobody of a batch that was opened so is left out, or counts as unsure.
func TestStepWithoutAnAnswer(t *testing.T) {
	w := newWorld(t, 400)
	store := &flaky{}
	w.between = func(s people.WalkStore) people.WalkStore { store.WalkStore = s; return store }
	w.start()
	w.subscribe(nil, numbers(1, 600)...)
	w.publish("One.", incident.Major)
	w.idle()
	if store.opened < 5 {
		t.Fatalf("%d batches, too few for a loss of the fourth", store.opened)
	}
	for chat := int64(1); chat <= 600; chat++ {
		w.want(chat, "One.")
	}
	walks, err := w.store.WalksOf(t.Context(), incident.Ref{Prefix: "INC", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r := walks["people"].Rounds[0]; r.Told != 600 || r.Unsure != 0 {
		t.Errorf("%d told, %d unsure, want 600 and 0", r.Told, r.Unsure)
	}
}

// Groups are told as people are.
func TestGroupsAreTold(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, -1001234567890, -5, 7)
	w.publish("One.", incident.Major)
	w.idle()
	w.update("INC-1", "Two.", "")
	w.idle()
	for _, chat := range []int64{-1001234567890, -5, 7} {
		w.want(chat, "One.", ">Two.")
	}
}

// The messages of one incident that are to be edited hold up news of another
// no longer than a moment.
func TestEditsDoNotHoldUpOtherNews(t *testing.T) {
	w := newWorld(t, 100)
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	w.publish("Deposits are save.", incident.Major)
	w.until("most are told", func() bool { return w.inboxes.told("save") >= 250 })
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Deposits are safe."}})
	w.publish("Fire.", incident.Critical)
	w.until("some hear of the fire", func() bool { return w.inboxes.told("Fire.") > 0 })
	w.until("all is told", func() bool { return w.inboxes.told("Fire.") == 300 })
	w.idle()
	if n := w.inboxes.told("save"); n > 0 {
		t.Errorf("%d still have the wrong word", n)
	}
}

// Edits cannot be paid for. At their own pace they hold up nothing that is.
func TestEditsGoBesideWhatIsPaidFor(t *testing.T) {
	w := newWorld(t, 20)
	w.paid, w.paidRate = 1000, 400
	w.start()
	w.subscribe(nil, numbers(1, 200)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Deposits are safe."}})
	w.publish("Fire.", incident.Critical)
	w.until("some are edited", func() bool { return w.inboxes.told("safe") > 0 })
	w.update("INC-1", "Two.", incident.Identified)
	w.until("all hear of the fire", func() bool { return w.inboxes.told("Fire.") == 200 })
	w.until("all hear the next", func() bool { return w.inboxes.told("Two.") == 200 })
	if n := w.inboxes.told("save"); n == 0 {
		t.Error("what is paid for waited until the last message was edited")
	}
	w.idle()
	if n := w.inboxes.told("save"); n > 0 {
		t.Errorf("%d still have the wrong word", n)
	}
	for chat := int64(1); chat <= 200; chat++ {
		if all := w.inboxes.of(chat); len(all) != 3 || all[0].edits != 1 {
			t.Fatalf("%d has %+v, want three messages and the first edited once", chat, all)
		}
	}
}

// What is retracted by deleting it is gone.
func TestWhatIsDeletedIsGone(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1)
	w.publish("One.", incident.Major)
	w.idle()
	w.do(desk.Retract{Ref: "INC-1/1", Reason: "A false alarm.", Delete: true})
	w.idle()
	all := w.inboxes.of(1)
	if !all[0].deleted || strings.Contains(all[0].text, "One.") {
		t.Errorf("the message is still there: %+v", all[0])
	}
}

// What is said through another node is seen in the middle of a walk, whose steps ask
// for nothing but that.
func TestNewsOfAnotherNodeIsSeen(t *testing.T) {
	w := newWorld(t, 400)
	w.start()
	const n = 2000
	w.subscribe(nil, numbers(1, n)...)
	w.inboxes.refusing(func(int64) string { // nobody: so long it takes to answer
		time.Sleep(20 * time.Millisecond)
		return ""
	})
	w.publish("One.", incident.Minor)
	w.until("some are told", func() bool { return w.inboxes.told("One.") > 50 })
	w.desk = w.deskOf(w.walker.Channel, func() {}) // there nobody walks
	w.publish("Two.", incident.Critical)
	w.until("somebody is told the second", func() bool { return w.inboxes.told("Two.") > 0 })
	if w.inboxes.told("One.") == n {
		t.Error("the second waited until everybody had the first")
	}
	w.idle()
}
