package people_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Who has had wrong words before him for more than a minute is told aloud that
// they were wrong, beside the edit, which notifies nobody; before that the edit
// is enough, and of a typo nobody is told.
func TestWrongWordsAreCorrectedAloudAfterAMinute(t *testing.T) {
	right := incident.Text{"en": "Deposits are safe."}
	gone := desk.Retract{Ref: "INC-1/1", Reason: "A false alarm."}
	for name, tt := range map[string]struct {
		after  int // minutes
		change desk.Command
		want   []string
	}{
		"correction at once":      {0, desk.Correct{Ref: "INC-1/1", Body: right}, []string{"safe"}},
		"correction after 2 min":  {2, desk.Correct{Ref: "INC-1/1", Body: right}, []string{"safe", ">safe"}},
		"typo after 2 min":        {2, desk.Correct{Ref: "INC-1/1", Body: right, Typo: true}, []string{"safe"}},
		"retraction at once":      {0, gone, []string{"false alarm"}},
		"retraction after 2 min":  {2, gone, []string{"false alarm", ">false alarm"}},
		"deletion at once, aloud": {0, desk.Retract{Ref: "INC-1/1", Reason: "A false alarm.", Delete: true}, []string{"", "false alarm"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1, 2, 3)
			w.publish("Deposits are save.", incident.Major)
			w.idle()
			w.longAgo(tt.after)
			w.do(tt.change)
			w.idle()
			for chat := int64(1); chat <= 3; chat++ {
				all := w.inboxes.of(chat)
				if len(all) != len(tt.want) {
					t.Fatalf("%d has %+v, want %q", chat, all, tt.want)
				}
				if all[0].edits != 1 {
					t.Errorf("the first message of %d was changed %d times", chat, all[0].edits)
				}
				if !all[0].deleted {
					w.want(chat, tt.want...)
				}
			}
		})
	}
}

// Where corrections are edits alone nobody is told aloud.
func TestEditsAloneAreQuiet(t *testing.T) {
	w := newWorld(t, quick)
	w.rules.EditOnly = true
	w.start()
	w.subscribe(nil, 1)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	w.longAgo(2)
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Deposits are safe."}})
	w.idle()
	w.want(1, "safe")
}

// A message that is changed is counted as the one that it was.
func TestEditsAreNoMessages(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, numbers(1, 30)...)
	w.publish("One.", incident.Major)
	w.idle()
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "First."}})
	w.idle()
	if n := w.walker.Numbers().Sent; n != 30 || w.inboxes.edited() != 30 {
		t.Errorf("%d messages are counted, and %d were edited, want 30 each", n, w.inboxes.edited())
	}
}

// An audience waits for public channels no longer than a quarter of a minute.
func TestAnAudienceDoesNotWaitForEver(t *testing.T) {
	w := newWorld(t, quick)
	var asked atomic.Int64
	w.public = func(context.Context, incident.Ref, int) (bool, error) {
		asked.Add(1)
		return false, nil
	}
	w.start()
	w.subscribe(nil, numbers(1, 20)...)
	w.publish("One.", incident.Major)
	w.until("it has asked a few times", func() bool { return asked.Load() > 3 })
	if n := w.inboxes.told("One."); n > 0 {
		t.Errorf("%d were told before the public channels were", n)
	}
	w.change(`UPDATE said SET published_at = published_at - ?`, (15 * time.Second).Microseconds())
	w.idle()
	if n := w.inboxes.told("One."); n != 20 {
		t.Errorf("%d of 20 were told", n)
	}
}

// An exercise is for the subscribers of an audience for drills alone, and every
// message says what it is.
func TestADrillIsForItsOwnAudience(t *testing.T) {
	exercise := desk.Open{Kind: incident.Outage, Drill: true, Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major,
		Body: incident.Text{"en": "Practice."}, Components: map[string]incident.ComponentState{"login": incident.MajorOutage}}}
	w := newWorld(t, quick)
	w.drill = true
	w.start()
	w.subscribe(nil, 1, 2)
	w.publish("In earnest.", incident.Major)
	w.do(exercise)
	w.idle()
	w.want(1, "DRILL … Practice. … DRL-1/1")
	w.want(2, "DRILL … Practice. … DRL-1/1")

	w = newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2)
	w.refused(exercise, "drill")
	w.publish("In earnest.", incident.Major)
	w.idle()
	w.want(1, "In earnest.")
}

// What concerns few, or is only for people who were told before, costs as much as
// those are many: long stretches of others are not looked at.
func TestStretchesOfOthersAreJumpedOver(t *testing.T) {
	w := newWorld(t, 200)
	w.counts = &counts{}
	w.start()
	const many = 20_000
	concerned := []int64{5, 6_000, 6_001, 6_002, 15_000, many}
	w.crowd(many, concerned...)
	w.publish("One.", incident.Major)
	w.idle()
	if n := w.inboxes.told("One."); n != len(concerned) || w.counts.lookedAt() > many/20 {
		t.Fatalf("%d were told, %d were looked at", n, w.counts.lookedAt())
	}
	w.longAgo(2)
	for _, c := range []desk.Command{
		desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Other words."}},
		desk.Update{Ref: "INC-1", Saying: incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "All is well."}}},
	} {
		before := w.counts.lookedAt()
		w.do(c)
		w.idle()
		if n := w.counts.lookedAt() - before; n == 0 || n > many/4 {
			t.Errorf("%d of %d were looked at, though only %d were told, for %+v", n, many, len(concerned), c)
		}
	}
	for _, chat := range concerned {
		if n := len(w.inboxes.of(chat)); n != 3 {
			t.Errorf("%d has %d messages, want 3", chat, n)
		}
	}
}

// crowd adds many people with their numbers as chats, of whom all but some want
// to hear of nothing that is less than critical.
func (w *world) crowd(many int, concerned ...int64) {
	w.t.Helper()
	list := make([]people.Subscriber, many)
	for k := range list {
		list[k] = people.Subscriber{Chat: int64(k + 1), Language: "en", All: true, Impact: incident.Critical}
		if slices.Contains(concerned, list[k].Chat) {
			list[k].Impact = incident.ImpactNone
		}
	}
	if _, err := w.store.ImportSubscribers(w.t.Context(), bot, list); err != nil {
		w.t.Fatal(err)
	}
}

// Of two bots the subscribers of each are reached as fast, wherever they stand
// among those of the other.
func TestSubscribersOfAnotherBotAreJumpedOver(t *testing.T) {
	w := newWorld(t, quick)
	w.counts = &counts{}
	w.start()
	others := make([]people.Subscriber, 11_000)
	for k := range others {
		others[k] = people.Subscriber{Chat: int64(k + 1), Language: "en", All: true, Impact: incident.ImpactNone}
	}
	w.subscribe(nil, 1, 2)
	if _, err := w.store.ImportSubscribers(t.Context(), "other", others); err != nil {
		t.Fatal(err)
	}
	w.subscribe(nil, 3)
	w.publish("One.", incident.Major)
	w.idle()
	if n := w.inboxes.told("One."); n != 3 {
		t.Errorf("%d were told", n)
	}
	w.counts.mu.Lock()
	defer w.counts.mu.Unlock()
	if w.counts.seen > 20 || w.counts.looks > 20 || w.counts.widest > 10_000 {
		t.Errorf("%d were looked at in %d looks, the widest at %d ids", w.counts.seen, w.counts.looks, w.counts.widest)
	}
}

// Several things at once do not make more than one message a second of it for
// one person, and he holds up nobody else.
func TestAPersonIsWrittenToOnceASecond(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2)
	w.subscribe(func(s *people.Subscriber) { s.Impact = incident.Critical }, 3)
	began := time.Now()
	w.publish("One.", incident.Major)
	w.publish("Two.", incident.Major)
	w.publish("Three.", incident.Critical)
	w.idle()
	w.want(3, "Three.")
	for chat := int64(1); chat <= 2; chat++ {
		all := w.inboxes.of(chat)
		if len(all) != 3 {
			t.Fatalf("%d has %+v", chat, all)
		}
		w.wantApart(chat, began)
	}
}

// What a person has is edited no faster than he is written to, and a message
// counts for what is edited next.
func TestWhatAPersonHasIsEditedOnceASecond(t *testing.T) {
	for name, change := range map[string]desk.Command{
		"correction": desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Other words."}},
		"tombstone":  desk.Retract{Ref: "INC-1/1", Reason: "A false alarm."},
		"deletion":   desk.Retract{Ref: "INC-1/1", Reason: "A false alarm.", Delete: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1, 2)
			began := time.Now()
			w.publish("One.", incident.Major)
			w.publish("Two.", incident.Major)
			w.until("all are told", func() bool { return w.inboxes.told("Two.") == 2 })
			w.do(desk.Correct{Ref: "INC-2/1", Body: incident.Text{"en": "More words."}})
			w.do(change)
			w.idle()
			for chat := int64(1); chat <= 2; chat++ {
				if n := len(w.inboxes.requests(chat)); n < 4 {
					t.Errorf("%d requests for %d, want two messages and an edit of each", n, chat)
				}
				w.wantApart(chat, began)
			}
		})
	}
}

// A restart does not make two messages a second of it, nor of a message and the
// edit of one.
func TestARestartKeepsMessagesApart(t *testing.T) {
	for _, edited := range []bool{false, true} {
		t.Run(fmt.Sprint("edited: ", edited), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.rules.EditOnly = true
			w.start()
			w.subscribe(nil, 1, 2, 3)
			began, one := time.Now(), "One."
			w.publish(one, incident.Major)
			w.until("all are told", func() bool { return w.inboxes.told(one) == 3 })
			if edited {
				one = "Won."
				w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": one}})
				w.until("all have other words", func() bool { return w.inboxes.told(one) == 3 })
			}
			w.halt()
			w.start()
			w.publish("Two.", incident.Major)
			w.idle()
			for chat := int64(1); chat <= 3; chat++ {
				w.want(chat, one, "Two.")
				w.wantApart(chat, began)
			}
		})
	}
}

// wantApart checks that all that was sent to somebody since a time were a second
// apart, however late each request arrived.
func (w *world) wantApart(chat int64, began time.Time) {
	w.t.Helper()
	for k, at := range w.inboxes.requests(chat) {
		if after := at.Sub(began); after < time.Duration(k)*time.Second {
			w.t.Errorf("%d had %d requests after %v", chat, k+1, after)
		}
	}
}

// Words that could be read for more than a minute since their edit came late are said
// to be wrong aloud, however soon that was found.
func TestWhatIsEditedLateIsToldAloud(t *testing.T) {
	for minutes, messages := range map[int]int{0: 1, 2: 2} {
		t.Run(fmt.Sprintf("%d minutes", minutes), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1)
			w.publish("Funds are lost.", incident.Major)
			w.idle()
			w.do(desk.Stop{Scope: "people", Reason: "Wait."})
			w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Funds are safe."}})
			w.longAgo(minutes)
			w.do(desk.Release{Scope: "people", Release: "all"})
			w.idle()
			if all := w.inboxes.of(1); len(all) != messages || all[0].edits != 1 {
				t.Errorf("he has %+v, want %d messages and the first edited", all, messages)
			}
		})
	}
}

// While it is open whether an edit comes within a minute nobody is passed over.
func TestAnEditMayComeInTime(t *testing.T) {
	for name, minutes := range map[string]int{"in time": 0, "too late": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1)
			w.publish("Funds are lost.", incident.Major)
			w.idle()
			w.inboxes.answering(noAnswer, 1)
			w.do(changes["correction"])
			w.until("an edit got no answer", func() bool { return len(w.inboxes.requests(1)) == 2 })
			w.longAgo(minutes)
			w.inboxes.refusing(nil)
			w.idle()
			want := []string{"Other words."}
			if minutes > 0 {
				want = append(want, ">Other words.")
			}
			w.want(1, want...)
		})
	}
}

// Who reads a language in which nothing was found wrong for long is told nothing aloud
// when others are: only a slip of the pen was mended there, or the words were put
// right at once.
func TestCorrectionsOfOtherLanguagesAreQuiet(t *testing.T) {
	for name, typo := range map[string]bool{"a slip of the pen": true, "at once": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1)
			w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 2)
			w.do(desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major, Body: incident.Text{"en": "Lgins fail.", "zh-Hans": "无法登陆。"}}})
			w.idle()
			if typo {
				w.longAgo(5)
			}
			w.do(desk.Correct{Ref: "INC-1/1", Typo: typo, Body: incident.Text{"en": "Logins fail.", "zh-Hans": "无法登陆。"}})
			w.idle()
			w.longAgo(5)
			w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Logins fail.", "zh-Hans": "无法登录。"}})
			w.idle()
			w.wantChanged(1)
			w.want(2, "无法登录。", ">无法登录。")
		})
	}
}
