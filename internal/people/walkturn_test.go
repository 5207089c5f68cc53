package people_test

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// What is withdrawn goes from everybody before anything else is said, in however
// many rows people were told of it.
func TestWithdrawnWordsGoFirst(t *testing.T) {
	for name, delete := range map[string]bool{"tombstone": false, "deletion": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 1500
			w := newWorld(t, 250)
			w.start()
			w.subscribe(nil, numbers(1, n)...)
			w.publish("The password is hunter2.", incident.Critical)
			w.idle()
			w.do(desk.Retract{Ref: "INC-1/1", Reason: "It had leaked.", Delete: delete})
			aloud := func() (n int) {
				for chat := int64(1); chat <= 1500; chat++ {
					if len(w.inboxes.of(chat)) > 1 {
						n++
					}
				}
				return n
			}
			w.until("all are changed", func() bool { return w.inboxes.edited() == n })
			if n := aloud(); n > 50 { // in the moment of looking, or while a last answer was awaited
				t.Errorf("%d were told of it before the last words were gone", n)
			}
			w.idle()
		})
	}
}

// Many slips of the pen do not keep an all clear waiting, nor it them: they take turns.
func TestTyposAndNewsTakeTurns(t *testing.T) {
	const n = 1500
	w := newWorld(t, 250)
	w.start()
	w.subscribe(nil, numbers(1, n)...)
	w.publish("Logins fial.", incident.Critical)
	w.idle()
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Logins fail."}})
	w.until("the first row is being edited", func() bool { return w.inboxes.edited() > 0 })
	w.update("INC-1", "It is over.", incident.Resolved)
	w.until("the first hear of it", func() bool { return w.inboxes.told("It is over.") > 0 })
	if n := w.inboxes.edited(); n > 1100 {
		t.Errorf("the first hear that it is over after %d edits", n)
	}
	w.until("everybody hears of it", func() bool { return w.inboxes.told("It is over.") == n })
	if mended := w.inboxes.edited(); mended < 500 {
		t.Errorf("when everybody was told that it is over, %d slips of %d were mended", mended, n)
	}
	w.idle()
	if mended := w.inboxes.edited(); mended != n {
		t.Errorf("%d slips of %d were mended", mended, n)
	}
	w.want(n, "Logins fail.", ">It is over.")
}

// Words that are put back while messages are edited are put back with everybody: also
// with who was shown the others meanwhile, or before a restart.
func TestWordsThatArePutBack(t *testing.T) {
	for name, restarts := range map[string]bool{"": false, "after a restart": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 30)
			w.rules.EditOnly = true
			w.start()
			w.subscribe(nil, numbers(1, 60)...)
			w.publish("Funds are safe.", incident.Major)
			w.idle()
			w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Funds are lost."}})
			w.until("some are edited", func() bool { return w.inboxes.told("lost") >= 20 })
			if restarts {
				w.halt()
				w.start()
			}
			w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Funds are safe."}})
			w.idle()
			if n := w.inboxes.told("lost"); n > 0 {
				t.Errorf("%d still read that funds are lost", n)
			}
		})
	}
}

// Who reads a language of which only some words changed is left alone, also where the
// edits of others go on after somebody had to be tried again.
func TestEditsGoOnForThoseWhoseWordsChanged(t *testing.T) {
	w := newWorld(t, quick)
	w.rules.EditOnly = true
	w.start()
	w.subscribe(nil, 1, 2)
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 3, 4)
	w.do(desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major, Body: incident.Text{"en": "Logins fail.", "zh-Hans": "无法登陆。"}}})
	w.idle()
	refused := false
	w.inboxes.refusing(func(chat int64) string {
		if chat == 4 && !refused {
			refused = true
			return `{"ok":false,"error_code":502,"description":"Bad Gateway"}`
		}
		return ""
	})
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Logins fail.", "zh-Hans": "无法登录。"}})
	w.idle()
	for chat, want := range map[int64]int{1: 1, 2: 1, 3: 2, 4: 3} {
		if n := len(w.inboxes.requests(chat)); n != want {
			t.Errorf("%d requests for %d, want %d", n, chat, want)
		}
	}
	if all := w.inboxes.of(4); len(all) != 1 || !strings.Contains(all[0].text, "登录") {
		t.Errorf("4 has %+v, want the words as they were corrected", all)
	}
}

// How far edits and deletions are can be seen, until the last message is changed.
func TestEditsAreShown(t *testing.T) {
	for name, tt := range map[string]struct {
		change desk.Command
		action string
	}{
		"typo":      {desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Logins fail."}}, "edit"},
		"tombstone": {desk.Retract{Ref: "INC-1/1", Reason: "It had leaked."}, "edit"},
		"deletion":  {desk.Retract{Ref: "INC-1/1", Reason: "It had leaked.", Delete: true}, "delete"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 30)
			w.start()
			w.subscribe(nil, numbers(1, 40)...)
			w.publish("Logins fial.", incident.Critical)
			w.idle()
			shown := func() (d broadcast.Delivery) {
				all, err := w.store.Deliveries(t.Context(), incident.Ref{Prefix: "INC", Number: 1}, func(*broadcast.Lane) {})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range all {
					if d.Edits() {
						return d
					}
				}
				return d
			}
			if d := shown(); d.Audience != nil {
				t.Errorf("edits are shown as %v before there are any", d.Audience)
			}
			w.do(tt.change)
			w.until("some are changed", func() bool { return w.inboxes.edited() > 5 })
			if d := shown(); d.State != broadcast.Sending || d.Action != tt.action || d.Audience.People != 40 || d.Audience.Told != 0 {
				t.Errorf("in between: %+v, %+v", d, d.Audience)
			}
			w.do(desk.Stop{Scope: "people", Reason: "Wait."})
			if d := shown(); d.State != broadcast.Held {
				t.Errorf("under a freeze: %+v", d)
			}
			w.do(desk.Release{Scope: "people", Release: "all"})
			w.idle()
			if d := shown(); d.State != broadcast.Sent || d.Audience.Told != 40 || d.Audience.String() != "40 of 40" {
				t.Errorf("at the end: %+v, %+v", d, d.Audience)
			}
		})
	}
}
