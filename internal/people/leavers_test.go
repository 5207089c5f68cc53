package people_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Of two incidents that are told at the same time the second asks nothing of who
// refused the first, and follows who moved. Who comes back is told what is new.
func TestWhoLeftGetsNoOtherRequest(t *testing.T) {
	w := newWorld(t, quick)
	w.counts = &counts{}
	w.start()
	w.subscribe(nil, 1, 2, 3, -4, 5)
	w.inboxes.refusing(func(chat int64) string {
		answer := map[int64]string{
			2:  blocked,
			3:  `{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}`,
			-4: `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004}}`,
		}[chat]
		for end := time.Now().Add(time.Minute); answer != "" && w.counts.opened() < 2 && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond) // both have gathered him
		}
		return answer
	})
	w.do(desk.Stop{Scope: "people", Reason: "both at once"})
	w.publish("One.", incident.Major)
	w.publish("Two.", incident.Major)
	w.do(desk.Release{Scope: "people", Release: "newest"})
	w.idle()
	for chat, want := range map[int64]int{1: 2, 2: 1, 3: 1, -4: 1, -1004: 2, 5: 2} {
		if n := len(w.inboxes.requests(chat)); n != want {
			t.Errorf("%d requests for %d, want %d", n, chat, want)
		}
	}
	if got := w.states(); got != "1 active, 2 blocked, 3 gone, -1004 active, 5 active" {
		t.Errorf("subscribers: %s", got)
	}

	w.inboxes.refusing(nil)
	w.subscribe(func(s *people.Subscriber) { s.State = people.Active }, 2)
	w.update("INC-1", "Three.", "")
	w.idle()
	w.want(2, "Three.")
}

// states lists subscribers with their states.
func (w *world) states() string {
	w.t.Helper()
	all, err := w.store.Subscribers(w.t.Context(), bot, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	var states []string
	for _, s := range all {
		states = append(states, strconv.FormatInt(s.Chat, 10)+" "+s.State.String())
	}
	return strings.Join(states, ", ")
}

// Who refused a message as the account went to another node may have come back
// there: when it is here again, he is told what is new.
func TestWhoCameBackOnAnotherNodeIsTold(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2)
	var once sync.Once
	w.inboxes.refusing(func(chat int64) string {
		if chat != 2 {
			return ""
		}
		once.Do(func() {
			db := w.db()
			defer db.Close()
			_, err := db.ExecContext(context.WithoutCancel(t.Context()), `UPDATE lease SET owner = 'other', epoch = epoch + 1, expires = ?`, time.Now().Add(3*time.Second).UnixMicro())
			if err != nil {
				t.Error(err)
			}
		})
		return blocked
	})
	w.publish("One.", incident.Major)
	w.until("he refuses", func() bool { return len(w.inboxes.requests(2)) > 0 })
	w.inboxes.refusing(nil)
	for _, state := range []people.State{people.Blocked, people.Active} { // as the other node hears
		w.subscribe(func(s *people.Subscriber) { s.State, s.Came = state, state == people.Active }, 2)
	}
	w.idle()
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(2, "One.", ">Two.")
}
