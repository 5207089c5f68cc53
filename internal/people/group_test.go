package people_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// slow is a group that takes nothing for some seconds from its first message on.
type slow struct {
	mu    sync.Mutex
	until time.Time
}

func (s *slow) refuses() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until.IsZero() {
		s.until = time.Now().Add(3 * time.Second)
	}
	if time.Now().Before(s.until) {
		return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}`
	}
	return ""
}

// A group that lets its members write only now and then keeps nobody else waiting,
// and is told when it may be, also by a server that was started anew.
func TestASlowGroupIsToldLater(t *testing.T) {
	for name, restart := range map[string]bool{"the same server": false, "another server": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quick)
			w.start()
			w.subscribe(nil, 1, 2, -4, 5, -6)
			w.subscribe(nil, numbers(7, 300)...)
			var group slow
			w.inboxes.refusing(func(chat int64) string {
				if chat == -4 {
					return group.refuses()
				}
				return ""
			})
			w.publish("One.", incident.Major)
			w.until("the others are told", func() bool { return w.inboxes.told("One.") == 298 })
			if restart {
				w.until("the group has a round of its own", func() bool { return w.roundsBegun(t) == 2 })
				w.halt()
				w.start()
			}
			w.idle()
			w.want(-4, "One.")
			w.want(300, "One.")
			if d := w.round(t)[0]; d.State != broadcast.Sent || d.Audience.Told != 299 || d.Audience.Failed+d.Audience.Unsure > 0 {
				t.Errorf("it stands at %+v %+v", d, d.Audience)
			}
			if n := len(w.inboxes.requests(-4)); !restart && n != 2 {
				t.Errorf("the group was asked %d times, want 2", n)
			}
		})
	}
}

// Of many groups that have to wait each is told when it may be, also one behind
// others that still have to.
func TestSlowGroupsAreTriedInTurn(t *testing.T) {
	t.Parallel()
	const groups = 24 // three batches
	w := newWorld(t, 30)
	w.start()
	var chats []int64
	for n := range int64(groups) {
		chats = append(chats, -1-n)
	}
	w.subscribe(nil, chats...)
	var last slow
	w.inboxes.refusing(func(chat int64) string {
		switch {
		case chat == -groups:
			return last.refuses()
		case len(w.inboxes.of(-groups)) > 0:
			return ""
		}
		return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}`
	})
	w.publish("One.", incident.Major)
	w.idle()
	for _, chat := range chats {
		w.want(chat, "One.")
	}
	if n := w.roundsBegun(t); n != 2 {
		t.Errorf("%d rounds, want one for all groups", n)
	}
}

// Who was told once more, and is in doubt again, is not told a third time when the
// others come by for a group that has to wait.
func TestASlowGroupHasNobodyToldAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, 1, -2, 3)
	w.inboxes.answering(noAnswer, -2, 3)
	w.publish("One.", incident.Major)
	w.idle()
	var group slow
	w.inboxes.refusing(func(chat int64) string {
		switch chat {
		case -2:
			return group.refuses()
		case 3:
			return noAnswer
		}
		return ""
	})
	w.do(desk.Retry{Which: about})
	w.idle()
	w.want(-2, "One.")
	w.wantProgress("INC-1/1", 2, 1, 0, 1)
	if n := len(w.inboxes.requests(3)); n != 2 {
		t.Errorf("he was written to %d times, want 2", n)
	}
}

// A group that has the edit of its message wait keeps nobody else waiting, neither
// for an edit nor for what is new, and its message is edited when it may be.
func TestASlowGroupKeepsNoEditWaiting(t *testing.T) {
	t.Parallel()
	const others = 1300 // more than a row has
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, -2)
	w.subscribe(nil, numbers(3, others+1)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	w.inboxes.refusing(func(chat int64) string {
		if chat == -2 && w.inboxes.told("Two.") < others {
			return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}`
		}
		return ""
	})
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Deposits are safe."}})
	w.until("the others are edited", func() bool { return w.inboxes.told("safe") == others })
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(-2, "safe", ">Two.")
	for _, chat := range []int64{1, others + 1} {
		w.want(chat, "safe", ">Two.")
		if n := len(w.inboxes.requests(chat)); n != 3 {
			t.Errorf("%d requests for %d, want two messages and an edit", n, chat)
		}
	}
}

// round is where the only round stands, with what was told once more.
func (w *world) round(t *testing.T) []broadcast.Delivery {
	t.Helper()
	ds, err := w.store.Deliveries(context.WithoutCancel(t.Context()), incident.Ref{Prefix: "INC", Number: 1}, w.engine.Complete)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// roundsBegun is how many rounds there are.
func (w *world) roundsBegun(t *testing.T) int {
	t.Helper()
	walks, err := w.store.WalksOf(context.WithoutCancel(t.Context()), incident.Ref{Prefix: "INC", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	return len(walks["people"].Rounds)
}

// A group that closes its doors for the night, or its general topic and its own, is
// not asked about, and told what it missed when it opens them.
func TestAClosedGroupMissesNews(t *testing.T) {
	for _, words := range []string{"not enough rights to send text messages to the chat", "TOPIC_CLOSED"} {
		t.Run(words, func(t *testing.T) {
			w := newWorld(t, quick)
			w.ask = true
			w.start()
			w.subscribe(nil, 1, -2)
			w.subscribe(func(s *people.Subscriber) { s.Topic = 77 }, -3)
			closed := func(chat int64) string {
				if chat == 1 {
					return ""
				}
				return `{"ok":false,"error_code":400,"description":"Bad Request: ` + words + `"}`
			}
			w.inboxes.refusing(closed)
			w.publish("One.", incident.Major)
			w.idle()
			w.inboxes.refusing(nil)
			w.update("INC-1", "Two.", "")
			w.idle()
			w.inboxes.refusing(closed)
			w.update("INC-1", "Three.", "")
			w.idle()
			w.inboxes.refusing(nil)
			w.update("INC-1", "Four.", "")
			w.idle()
			for n, want := range []int{1, 3, 1, 3} {
				if d := w.round(t)[n]; d.Audience.Told != want || d.Audience.Failed+d.Audience.AskFailed > 0 {
					t.Errorf("%d stands at %+v, want %d told", n+1, d.Audience, want)
				}
			}
			for _, group := range []int64{-2, -3} {
				w.want(group, "Two. … 1 earlier", ">Four. … 1 earlier")
			}
			if got := w.states(); got != "1 active, -2 active, -3 active" {
				t.Errorf("subscribers: %s", got)
			}
		})
	}
}

// A group whose messages are not answered is sent no more of them for having to wait
// in between.
func TestASlowGroupIsSentNoMoreThanOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quick)
	w.resend = true
	w.start()
	w.subscribe(nil, 1, -4)
	var asked atomic.Int64
	w.inboxes.refusing(func(chat int64) string {
		switch {
		case chat != -4:
			return ""
		case asked.Add(1) == 2:
			return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 3","parameters":{"retry_after":3}}`
		}
		return noAnswer
	})
	w.publish("One.", incident.Major)
	w.idle()
	if n := asked.Load() - 1; n != 3 {
		t.Errorf("%d messages to the group were not answered, want three", n)
	}
}
