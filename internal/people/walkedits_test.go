package people_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// What leaked and can no longer be deleted is overwritten. What is known to be too
// old is not tried.
func TestWhatCannotBeDeletedIsOverwritten(t *testing.T) {
	for name, tt := range map[string]struct{ minutes, requests int }{"refused": {0, 4}, "too old": {48*60 + 1, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.inboxes.keeps = true
			w.start()
			w.subscribe(nil, 1)
			w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 2)
			w.publish("The password is hunter2.", incident.Major)
			w.idle()
			w.longAgo(tt.minutes)
			w.do(desk.Retract{Ref: "INC-1/1", Reason: "It had leaked.", Delete: true})
			w.idle()
			for chat := int64(1); chat <= 2; chat++ {
				all := w.inboxes.of(chat)
				if len(all) != 2 || all[0].edits != 1 || strings.Contains(all[0].text, "hunter2") || !strings.Contains(all[0].text, "It had leaked.") {
					t.Errorf("%d has %+v, want a tombstone and a message that tells of it", chat, all)
				}
				if n := len(w.inboxes.requests(chat)); n != tt.requests {
					t.Errorf("%d requests for %d, want %d", n, chat, tt.requests)
				}
			}
		})
	}
}

// changes are what becomes of words that were wrong.
var changes = map[string]desk.Command{
	"correction": desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Other words."}},
	"tombstone":  desk.Retract{Ref: "INC-1/1", Reason: "It had leaked."},
	"deletion":   desk.Retract{Ref: "INC-1/1", Reason: "It had leaked.", Delete: true},
}

// wantChanged checks that somebody has nothing but one message, which was changed.
func (w *world) wantChanged(chat int64) {
	w.t.Helper()
	if all := w.inboxes.of(chat); len(all) != 1 || all[0].edits != 1 {
		w.t.Errorf("%d has %+v, want one message that was changed once", chat, all)
	}
}

// Who stopped is sent nothing of it, but the wrong words do not stay with him.
func TestWrongWordsDoNotStayWithWhoStopped(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1, 2)
			w.publish("The password is hunter2.", incident.Major)
			w.idle()
			w.subscribe(func(s *people.Subscriber) { s.State = people.Stopped }, 2)
			w.longAgo(2)
			w.do(change)
			w.idle()
			w.wantChanged(2)
			if n := len(w.inboxes.of(1)); n != 2 {
				t.Errorf("who is subscribed has %d messages, want 2", n)
			}
		})
	}
}

// Nor do they where he stops while messages are being changed. Who has his data
// deleted then is not known any more.
func TestWrongWordsDoNotStayWithWhoStopsMeanwhile(t *testing.T) {
	w := newWorld(t, quick)
	w.inFlight = 1
	w.start()
	w.subscribe(nil, 1, 2, 3, 4)
	w.publish("The password is hunter2.", incident.Major)
	w.idle()
	asked, let := w.hold(1, "")
	w.do(changes["tombstone"])
	<-asked
	w.says(2, "/unsubscribe", nil)
	w.deletes(3)
	let()
	w.idle()
	w.wantChanged(1)
	w.wantChanged(2)
	w.wantChanged(4)
	if n := len(w.inboxes.requests(3)); n != 1 {
		t.Errorf("%d requests for who had his data deleted, want 1", n)
	}
}

// A correction in one language is not told to who reads another, in which nothing
// has changed. Where the words changed and are the same again it is.
func TestCorrectionsAreForWhoReadThem(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1)
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 2)
	correct := func(ref, en, zh string) {
		w.do(desk.Correct{Ref: ref, Body: incident.Text{"en": en, "zh-Hans": zh}})
		w.idle()
		w.longAgo(2)
	}
	w.do(desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major, Body: incident.Text{"en": "Logins fail.", "zh-Hans": "无法登陆。"}}})
	w.idle()
	w.longAgo(2)
	correct("INC-1/1", "Logins fail.", "无法登录。")
	w.want(1, "Logins fail.")
	w.want(2, "无法登录。", ">无法登录。")
	correct("INC-1/1", "Some logins fail.", "无法登录。")
	w.want(1, "Some logins fail.", ">Some logins fail.")
	w.want(2, "无法登录。", ">无法登录。")

	w.do(desk.Update{Ref: "INC-1", Saying: incident.Saying{Body: incident.Text{"en": "All can log in.", "zh-Hans": "均可登录。"}}})
	w.idle()
	correct("INC-1/2", "Some can log in.", "均可登录。") // at once, so that nobody is told
	w.want(1, "Some logins fail.", ">Some logins fail.", ">Some can log in.")
	correct("INC-1/2", "All can log in.", "均可登录。")
	all := w.inboxes.of(1)
	if last := all[len(all)-1]; len(all) != 4 || last.reply != all[2].id || !strings.Contains(last.text, "All can log in.") {
		t.Errorf("%+v, want what the words are again", all)
	}
	w.want(2, "无法登录。", ">无法登录。", ">均可登录。")
}

// What was dropped with a freeze is not told. What is found wrong later of what was
// told before is.
func TestWhatIsWrongAfterADropIsToldAloud(t *testing.T) {
	for name, change := range changes {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, held: %t", name, held), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, quick)
				w.start()
				w.subscribe(nil, 1)
				w.publish("One.", incident.Major)
				w.idle()
				w.longAgo(2)
				w.do(desk.Stop{Scope: "people", Reason: "wait"})
				if held {
					w.do(change)
				} else {
					w.update("INC-1", "Two.", "")
				}
				w.do(desk.Release{Scope: "people", Release: "drop"})
				w.idle()
				if held {
					w.wantChanged(1)
					return
				}
				w.want(1, "One.")
				w.do(change)
				w.idle()
				if all := w.inboxes.of(1); len(all) != 2 || all[0].edits != 1 {
					t.Errorf("%+v, want one message that was changed and one that says so", all)
				}
			})
		}
	}
}
