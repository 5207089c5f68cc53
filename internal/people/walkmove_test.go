package people_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

const upgraded = `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004}}`

// mortal is a store into which no step gets any more once the process was killed.
type mortal struct {
	people.WalkStore
	killed atomic.Bool
}

var errKilled = errors.New("the process was killed")

func (m *mortal) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	if m.killed.Load() {
		return errKilled
	}
	return m.WalkStore.Walk(ctx, lease, step)
}

// mortality has the world be killed at some moment, as far as steps go.
func (w *world) mortality() *mortal {
	m := &mortal{}
	w.between = func(s people.WalkStore) people.WalkStore { m.WalkStore = s; return m }
	return m
}

// revive ends what is left of the world and starts another with its file.
func (w *world) revive() {
	w.halt()
	w.between = nil
	w.inboxes.refusing(nil)
	w.start()
	w.idle()
}

// Where a group has moved is known after a kill together with what it was told
// there, which is then answered and edited there.
func TestAMoveOutlivesAKill(t *testing.T) {
	w := newWorld(t, quick)
	m := w.mortality()
	w.start()
	w.subscribe(nil, 1, -4)
	w.inboxes.refusing(func(chat int64) string {
		switch chat {
		case -4:
			return upgraded
		case -1004:
			m.killed.Store(true)
		}
		return ""
	})
	w.publish("One.", incident.Major)
	w.until("both are told", func() bool { return w.inboxes.told("One.") == 2 })
	w.revive()
	if got := w.states(); got != "1 active, -1004 active" {
		t.Errorf("subscribers: %s", got)
	}
	w.update("INC-1", "Two.", "")
	w.idle()
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "First."}})
	w.idle()
	for _, chat := range []int64{1, -1004} {
		w.want(chat, "First.", ">Two.")
	}
	if n := len(w.inboxes.requests(-4)); n != 1 {
		t.Errorf("%d requests for where the group was, want 1", n)
	}
}

// A group that is heard to have moved before it is in the store what it was told is
// linked to none of it where it is now, also after a kill.
func TestAMoveThatIsHeardOutlivesAKill(t *testing.T) {
	w := newWorld(t, quick)
	m := w.mortality()
	w.start()
	w.subscribe(nil, 1, -4)
	w.inboxes.refusing(func(int64) string {
		m.killed.Store(true)
		return ""
	})
	w.publish("One.", incident.Major)
	w.until("both answers are known", func() bool { return w.walker.Numbers().Sent == 2 })
	w.does(bots.Event{Kind: bots.Migrated, Key: "-4/9", Chat: "-4", To: "-1004", At: time.Now()}, nil)
	w.revive()
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(1, "One.", ">Two.")
	w.want(-4, "One.")
	if all := w.inboxes.of(-1004); len(all) != 1 || all[0].reply != 0 {
		t.Errorf("where it is now the group has %+v, want one message that answers none", all)
	}
}

// What a group was told where it was, by a batch that ends after another found out
// that it has moved, is nothing to edit where it is now, also after a kill.
func TestAMoveWhileOthersWait(t *testing.T) {
	for name, kill := range map[string]bool{"the same process": false, "after a kill": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			m := w.mortality()
			w.start()
			w.subscribe(nil, 1, 2, -4)
			answer := make(chan struct{})
			w.inboxes.refusing(func(chat int64) string {
				if chat > 0 { // so many late answers that none of the batch is kept
					select {
					case <-answer:
					case <-time.After(time.Minute):
					}
				} else if chat == -4 && len(w.inboxes.of(chat)) > 0 {
					return upgraded
				}
				m.killed.CompareAndSwap(false, kill && chat == -1004)
				return ""
			})
			w.publish("One.", incident.Major)
			w.until("the group is told", func() bool { return w.inboxes.told("One.") == 1 })
			w.publish("Two.", incident.Major)
			w.until("the group is told where it is", func() bool { return len(w.inboxes.of(-1004)) == 1 })
			close(answer)
			if kill {
				w.revive()
			}
			w.idle()
			w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "First."}})
			w.idle()
			w.want(-4, "One.")
			w.want(-1004, "Two.")
			if n := len(w.inboxes.requests(-1004)); n != 1 {
				t.Errorf("%d requests for where the group is, want 1", n)
			}
		})
	}
}

// A group that becomes one which has subscribed already is told once.
func TestAGroupBecomesAnother(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, -4, -1004)
	w.inboxes.refusing(func(chat int64) string {
		if chat == -4 {
			return upgraded
		}
		return ""
	})
	w.publish("One.", incident.Major)
	w.idle()
	w.want(-1004, "One.")
	w.wantProgress("INC-1/1", 2, 0, 0, 0)
}

// Whose message cannot be changed any more since his group has moved is told aloud
// what is right, once, also by a round that has passed him over.
func TestWrongWordsAreCorrectedWhereAGroupHasMoved(t *testing.T) {
	right := incident.Text{"en": "Deposits are safe."}
	gone := desk.Retract{Ref: "INC-1/1", Reason: "A false alarm."}
	for name, tt := range map[string]struct {
		after  int // minutes
		change desk.Command
		rounds int
		want   []string
	}{
		"correction at once":     {0, desk.Correct{Ref: "INC-1/1", Body: right}, 2, []string{"safe"}},
		"correction after 2 min": {2, desk.Correct{Ref: "INC-1/1", Body: right}, 2, []string{"safe"}},
		"typo":                   {0, desk.Correct{Ref: "INC-1/1", Body: right, Typo: true}, 1, nil},
		"retraction at once":     {0, gone, 2, []string{"false alarm"}},
		"retraction after 2 min": {2, gone, 2, []string{"false alarm"}},
		"deletion":               {0, desk.Retract{Ref: "INC-1/1", Reason: "A false alarm.", Delete: true}, 2, []string{"false alarm"}},
	} {
		for order, may := range map[string]func(done, open int) bool{
			"":                        func(int, int) bool { return true },
			", while others are told": func(done, open int) bool { return done == tt.rounds || open > 0 },
			", in the end":            func(done, _ int) bool { return done == tt.rounds },
		} {
			t.Run(name+order, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, quick)
				w.start()
				w.subscribe(nil, 1, -4)
				w.publish("Deposits are save.", incident.Major)
				w.idle()
				w.longAgo(tt.after)
				told := time.Now()
				w.until("edits need not wait", func() bool { return time.Since(told) > 1100*time.Millisecond })
				var asked atomic.Int64
				w.inboxes.refusing(func(chat int64) string {
					if chat != -4 {
						return ""
					}
					edit := asked.Add(1) == 1
					for end := time.Now().Add(10 * time.Second); edit && !may(w.roundsDone(t)) && time.Now().Before(end); {
						time.Sleep(5 * time.Millisecond)
					}
					return upgraded
				})
				w.do(tt.change)
				w.idle()
				if got := w.states(); got != "1 active, -1004 active" {
					t.Errorf("subscribers: %s", got)
				}
				w.want(-1004, tt.want...)
				if all := w.inboxes.of(1); len(all) == 0 || all[0].edits != 1 {
					t.Errorf("who did not move has %+v", all)
				}
				w.update("INC-1", "Two.", "")
				w.idle()
				if all := w.inboxes.of(-1004); len(all) != len(tt.want)+1 {
					t.Errorf("after the next update the group has %+v", all)
				}
			})
		}
	}
}

// roundsDone is how many rounds have come to their end, and how many batches are
// open.
func (w *world) roundsDone(t *testing.T) (done, open int) {
	ctx := context.WithoutCancel(t.Context())
	walks, err := w.store.WalksOf(ctx, incident.Ref{Prefix: "INC", Number: 1})
	if err != nil {
		t.Error(err)
		return 0, 0
	}
	for _, r := range walks["people"].Rounds {
		if r.State == people.RoundDone {
			done++
		}
	}
	all, err := w.store.OpenBatches(ctx, "people")
	if err != nil {
		t.Error(err)
	}
	return done, len(all)
}
