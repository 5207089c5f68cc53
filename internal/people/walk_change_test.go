package people_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// What people say themselves, and what happens to their chats, while they are
// told something.

// hold keeps the answer to somebody back until it is let go.
func (w *world) hold(chat int64, answer string) (asked <-chan struct{}, let func()) {
	ask, wait := make(chan struct{}, 100), make(chan struct{})
	let = sync.OnceFunc(func() { w.inboxes.refusing(nil); close(wait) })
	w.t.Cleanup(let)
	w.inboxes.refusing(func(c int64) string {
		if c != chat {
			return ""
		}
		ask <- struct{}{}
		<-wait
		return answer
	})
	return ask, let
}

// erase has somebody's data deleted.
func (w *world) erase(chat int64) {
	w.t.Helper()
	if err := w.store.ChangeSubscribers(w.t.Context(), bot, "", []int64{chat}, func(people.Subscriber) *people.Subscriber { return nil }); err != nil {
		w.t.Fatal(err)
	}
}

// Who unsubscribes gets nothing more after two seconds, though he is in a batch
// that is being sent.
func TestWhoUnsubscribesIsLeftAlone(t *testing.T) {
	w := newWorld(t, quick)
	w.inFlight = 1
	w.start()
	w.subscribe(nil, numbers(1, 5)...)
	asked, let := w.hold(1, "")
	w.publish("One.", incident.Major)
	<-asked
	w.subscribe(func(s *people.Subscriber) { s.State = people.Stopped }, 2)
	time.Sleep(3 * time.Second) // after two nothing may be begun: the others of the batch wait so long behind the first
	let()
	w.until("the others are told", func() bool { return w.inboxes.told("One.") >= 4 })
	w.idle()
	w.want(1, "One.")
	w.want(2)
	w.want(5, "One.")
	if s := w.states(); !strings.HasPrefix(s, "1 active, 2 stopped, 3 active") {
		t.Errorf("subscribers: %s", s)
	}
}

// A refusal that comes after somebody has said that he stops does not take that
// back: otherwise an import would subscribe him again.
func TestARefusalDoesNotHideThatSomebodyStopped(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2)
	asked, let := w.hold(2, blocked)
	w.publish("One.", incident.Major)
	<-asked
	w.subscribe(func(s *people.Subscriber) { s.State = people.Stopped }, 2)
	let()
	w.idle()
	if s := w.states(); s != "1 active, 2 stopped" {
		t.Errorf("subscribers: %s", s)
	}
}

// Another language holds from the next message on, in the same thread.
func TestALanguageIsChangedWithinAThread(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2)
	both := func(en, zh string) incident.Saying {
		return incident.Saying{Body: incident.Text{"en": en, "zh-Hans": zh}}
	}
	first := both("Nobody can log in.", "无法登录。")
	first.Title, first.Impact = "Logins fail", incident.Major
	w.do(desk.Open{Kind: incident.Outage, Saying: first})
	w.idle()
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 2)
	w.do(desk.Update{Ref: "INC-1", Saying: both("Some can.", "部分用户可以登录。")})
	w.idle()
	w.want(1, "Nobody can log in.", ">Some can.")
	w.want(2, "Nobody can log in.", ">部分用户可以登录。")
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Nobody can log in at all.", "zh-Hans": "所有用户都无法登录。"}})
	w.idle()
	w.want(1, "at all", ">Some can.")
	w.want(2, "所有用户都无法登录。", ">部分用户可以登录。")
}

// A group that becomes a supergroup is told there what it was about to be told.
// The messages before are not there, so that its thread begins anew.
func TestAThreadGoesOnWhereAGroupMoved(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, -4)
	w.publish("One.", incident.Major)
	w.idle()
	w.inboxes.answering(`{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004}}`, -4)
	for _, words := range []string{"Two.", "Three."} {
		w.update("INC-1", words, "")
		w.idle()
	}
	w.want(1, "One.", ">Two.", ">Three.")
	w.want(-1004, "Logins fail … Two.", ">Three.")
	if there := w.inboxes.of(-1004); there[0].reply != 0 {
		t.Errorf("linked to %d, which is not there", there[0].reply)
	}
	if n := len(w.inboxes.requests(-1004)); n != 2 {
		t.Errorf("%d requests for the new place, want 2", n)
	}
}

// What comes out about somebody after he was erased is not kept, and nobody is
// asked about him.
func TestALateAnswerBringsNobodyBack(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		resend bool
	}{
		"unsure": {noAnswer, false}, "refused": {refusal, false}, "blocked": {blocked, false}, "to be sent again": {noAnswer, true},
		"moved": {`{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.ask, w.resend = true, c.resend
			w.start()
			w.subscribe(nil, 1, 2)
			asked, let := w.hold(2, c.answer)
			w.publish("One.", incident.Major)
			<-asked
			w.erase(2)
			let()
			w.idle()
			if s := w.states(); s != "1 active" {
				t.Errorf("subscribers: %s", s)
			}
			if n := w.asks(); n > 0 {
				t.Errorf("%d people wait for somebody to decide", n)
			}
			for _, table := range []string{"walk_exception", "walk_resend"} {
				if n := w.rowsIn(table); n > 0 {
					t.Errorf("%d rows in %s", n, table)
				}
			}
			w.want(1, "One.")
		})
	}
}

// Who had a retracted message perhaps, for no answer came, is told that it is
// retracted, since it cannot be edited.
func TestARetractionReachesThoseWhoAreUnsure(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2, 3)
	w.inboxes.answering(noAnswer, 2)
	w.publish("We were hacked.", incident.Major)
	w.idle()
	w.inboxes.refusing(nil)
	w.do(desk.Retract{Ref: "INC-1/1", Reason: "A false alarm."})
	w.idle()
	w.want(1, "A false alarm.")
	w.want(2, "A false alarm.")
	w.want(3, "A false alarm.")
	for chat, edits := range map[int64]int{1: 1, 2: 0, 3: 1} {
		if all := w.inboxes.of(chat); all[0].edits != edits {
			t.Errorf("%d has %+v, want it edited %d times", chat, all, edits)
		}
	}
}

// Whoever follows two components that both fail, and the incident besides, is
// told once.
func TestSeveralReasonsMakeOneMessage(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(func(s *people.Subscriber) {
		s.All, s.Components, s.Incidents = false, []string{"login", "deposits"}, []string{"INC-1"}
	}, 1)
	w.do(desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Nothing works", Impact: incident.Critical, Body: incident.Text{"en": "One."},
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage, "deposits": incident.PartialOutage}}})
	w.idle()
	w.update("INC-1", "All is well.", incident.Resolved)
	w.idle()
	w.want(1, "One.", ">All is well.")
}

// Who subscribes in the middle of an incident is told how it stands, once, and
// nothing of what was said before; then what comes.
func TestWhoComesLateIsToldHowItStands(t *testing.T) {
	w := newWorld(t, 100)
	w.start()
	w.subscribe(nil, numbers(1, 100)...)
	w.publish("One.", incident.Major)
	w.idle()
	w.update("INC-1", "Two.", incident.Identified)
	w.until("some are told", func() bool { return w.inboxes.told("Two.") >= 10 })
	w.subscribe(nil, 200)
	w.idle()
	w.want(200, "Logins fail … Two. … INC-1/2")
	w.subscribe(nil, 201)
	w.update("INC-1", "Three.", "")
	w.idle()
	w.want(200, "Two.", ">Three.")
	w.want(201, "Logins fail … Three. … INC-1/3")
	w.update("INC-1", "All is well.", incident.Resolved)
	w.idle()
	w.want(200, "Two.", ">Three.", ">All is well.")
	w.want(201, "Three.", ">All is well.")
	w.want(1, "One.", ">Two.", ">Three.", ">All is well.")
}

// searched has something happen once it was asked whom an incident concerns next,
// and asks again.
type searched struct {
	people.WalkStore
	meanwhile func()
}

func (q *searched) NextConcerned(ctx context.Context, bot string, place int64, concerned func(*people.Subscriber) bool) (int64, bool, error) {
	if _, _, err := q.WalkStore.NextConcerned(ctx, bot, place, concerned); err != nil {
		return 0, false, err
	}
	q.meanwhile()
	return q.WalkStore.NextConcerned(ctx, bot, place, concerned)
}

// Among people who chose in many ways those are found who choose in a new one
// while a walk passes over the others: by a list, by themselves, or as somebody
// new; and who had his data deleted leaves no gap.
func TestWhoChoosesInANewWayMeanwhileIsFound(t *testing.T) {
	w := newWorld(t, quick)
	follows := func(chat int64, components ...string) people.Subscriber {
		return people.Subscriber{Chat: chat, Language: "en", Impact: incident.ImpactNone, Components: components}
	}
	meanwhile := sync.OnceFunc(func() {
		w.erase(4000)
		if _, err := w.store.ImportSubscribers(context.Background(), bot, []people.Subscriber{follows(3000, "login", "mail"), follows(9001, "login", "chat")}); err != nil {
			t.Error(err)
		}
		w.subscribe(func(s *people.Subscriber) { s.All, s.Components = false, []string{"login", "cards"} }, 3500, 9002)
	})
	w.between = func(s people.WalkStore) people.WalkStore { return &searched{s, meanwhile} }
	w.start()
	var list []people.Subscriber
	for chat := range int64(5000) {
		list = append(list, follows(chat, "other", fmt.Sprint("c", chat)))
	}
	list[4000], list[4999] = follows(4000, "login"), follows(4999, "login")
	if _, err := w.store.ImportSubscribers(t.Context(), bot, list[1:]); err != nil {
		t.Fatal(err)
	}
	w.publish("One.", incident.Major)
	w.idle()
	for _, chat := range []int64{3000, 3500, 4999, 9001, 9002} {
		w.want(chat, "One.")
	}
	if n := w.inboxes.told("One."); n != 5 {
		t.Errorf("%d were told", n)
	}
}

// rowsIn counts the rows of a table.
func (w *world) rowsIn(table string) (n int) {
	w.t.Helper()
	db := w.db()
	defer db.Close()
	if err := db.QueryRowContext(w.t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// Edits that a restart interrupts go on where they stood: what was changed is not
// changed again, to which a platform would answer that nothing is.
func TestEditsGoOnAfterARestart(t *testing.T) {
	w := newWorld(t, 30)
	w.rules.EditOnly = true
	w.start()
	w.subscribe(nil, append(numbers(1, 60), -4)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Deposits are safe."}})
	w.until("some are edited", func() bool { return w.inboxes.told("safe") >= 10 })
	if err := w.store.MoveSubscriber(t.Context(), bot, -4, -1004); err != nil { // who was told the same as they
		t.Fatal(err)
	}
	w.until("more are edited", func() bool { return w.inboxes.told("safe") >= 20 })
	w.halt()
	if n := w.inboxes.told("safe"); n >= 60 {
		t.Fatal("all were edited before the restart")
	}
	w.start()
	w.idle()
	for chat := int64(1); chat <= 60; chat++ {
		if n := len(w.inboxes.requests(chat)); n != 2 {
			t.Errorf("%d requests for %d, want a message and its edit", n, chat)
		}
		w.want(chat, "safe")
	}
}
