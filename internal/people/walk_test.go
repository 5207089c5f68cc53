package people_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

const quick = 5000 // messages a second, where the pace does not matter

// Everybody whom it concerns is told once, in his language, and in one thread.
func TestAnAudienceIsTold(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 301)
	w.subscribe(func(s *people.Subscriber) { s.All, s.Components = false, []string{"deposits"} }, 302)
	w.subscribe(func(s *people.Subscriber) { s.State = people.Stopped }, 303)
	w.subscribe(func(s *people.Subscriber) { s.Impact = incident.Critical }, 304)
	w.publish("Nobody can log in.", incident.Major)
	w.idle()
	for chat := range int64(300) {
		w.want(chat+1, "Logins fail … Nobody can log in. … INC-1/1")
	}
	w.want(301, "Nobody can log in. … INC-1/1")
	if text := w.inboxes.of(301)[0].text; !strings.Contains(text, "重大") && !strings.Contains(text, "调查") {
		t.Errorf("in Chinese: %q", text)
	}
	for _, chat := range []int64{302, 303, 304} {
		w.want(chat)
	}
	w.update("INC-1", "Logins work for some.", incident.Identified)
	w.idle()
	w.want(1, "/1", ">Logins work for some. … INC-1/2")
	w.update("INC-1", "All is well.", incident.Resolved)
	w.idle()
	w.want(7, "/1", ">/2", ">All is well. … INC-1/3")
	w.want(302)
}

// The same holds on PostgreSQL.
func TestAnAudienceIsToldFromPostgreSQL(t *testing.T) {
	w := newWorld(t, 500)
	w.url = storetest.Postgres(t)
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	w.publish("Deposits are save.", incident.Major)
	w.until("some are told", func() bool { return w.inboxes.told("save") >= 100 })
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Deposits are safe."}})
	w.idle()
	w.update("INC-1", "Two.", "")
	w.idle()
	w.update("INC-1", "All is well.", incident.Resolved)
	w.idle()
	for chat := int64(1); chat <= 300; chat++ {
		w.want(chat, "safe", ">Two.", ">All is well.")
	}
}

// What is kept of each who was told is a few bytes. How many batches become one
// row depends on when they end.
func TestReceiptsTakeLittleRoom(t *testing.T) {
	w := newWorld(t, 1000) // batches of 250
	w.start()
	const n = 2000
	w.subscribe(nil, numbers(1, n)...)
	w.publish("Nobody can log in.", incident.Major)
	w.idle()
	db := w.db()
	defer db.Close()
	var bytes, told int
	err := db.QueryRowContext(t.Context(), `SELECT sum(length(receipts)), sum(people) FROM walk_batch`).Scan(&bytes, &told)
	if err != nil {
		t.Fatal(err)
	}
	if told != n || bytes > 5*n {
		t.Errorf("receipts of %d people take %d bytes", told, bytes)
	}
}

// Nobody is told of an end whose beginning he was not told, and who was told of
// the beginning is told of the end, whatever he has chosen since.
func TestTheAllClearGoesToThoseWhoWereTold(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, numbers(1, 20)...)
	w.publish("Nobody can log in.", incident.Major)
	w.idle()
	w.subscribe(nil, numbers(21, 40)...)
	w.subscribe(func(s *people.Subscriber) { s.Impact = incident.Critical }, 3)
	w.subscribe(func(s *people.Subscriber) { s.State = people.Stopped }, 4)
	w.update("INC-1", "All is well.", incident.Resolved)
	w.idle()
	w.want(1, "/1", ">All is well.")
	w.want(3, "/1", ">All is well.")
	w.want(4, "/1")
	for chat := int64(21); chat <= 40; chat++ {
		w.want(chat)
	}
}

// Newer words take the place of those that are on their way: whoever waited
// longest comes first, and is told how many he missed.
func TestNewerWordsOvertake(t *testing.T) {
	w := newWorld(t, 100)
	w.start()
	w.subscribe(nil, numbers(1, 150)...)
	w.publish("One.", incident.Major)
	w.until("some are told", func() bool { return w.inboxes.told("One.") >= 40 })
	w.update("INC-1", "Two.", "")
	w.update("INC-1", "Three.", "")
	atMost := w.inboxes.told("One.") + 10 // on their way when that was published
	w.idle()
	if n := w.inboxes.told("One."); n > atMost {
		t.Errorf("%d were told old news, of whom %d before newer words were published", n, atMost)
	}
	if n := w.inboxes.told("Two."); n > 10 {
		t.Errorf("%d were told what was overtaken at once", n)
	}
	if n := w.inboxes.told("Three."); n != 150 {
		t.Errorf("%d of 150 were told the newest", n)
	}
	w.want(150, "Logins fail … Three. … 2 earlier updates … INC-1/3")
	w.inboxes.mu.Lock()
	defer w.inboxes.mu.Unlock()
	told := map[int64]bool{}
	for _, chat := range w.inboxes.order {
		if told[chat] { // the first who is told a second time
			if len(told) < 125 { // a batch may be under way
				t.Errorf("%d is told again while only %d of 150 know anything", chat, len(told))
			}
			break
		}
		told[chat] = true
	}
}

// Wrong words are corrected where they are; those who were not told yet get the
// right ones.
func TestACorrectionReachesThoseWhoWereToldWrong(t *testing.T) {
	w := newWorld(t, 200)
	w.start()
	w.subscribe(nil, numbers(1, 200)...)
	w.publish("Deposits are save.", incident.Major)
	w.until("some are told", func() bool { return w.inboxes.told("save") >= 60 })
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Deposits are safe."}})
	w.idle()
	if wrong, right := w.inboxes.told("save"), w.inboxes.told("safe"); wrong != 0 || right != 200 {
		t.Errorf("%d have the wrong words and %d the right ones", wrong, right)
	}
	for chat := int64(1); chat <= 200; chat++ {
		if n := len(w.inboxes.of(chat)); n != 1 {
			t.Fatalf("%d has %d messages, want the one that was edited", chat, n)
		}
	}
}

// What is retracted becomes a tombstone where it is and is told to nobody else.
func TestARetractionReachesThoseWhoWereTold(t *testing.T) {
	w := newWorld(t, 200)
	w.start()
	w.subscribe(nil, numbers(1, 200)...)
	w.publish("We were hacked.", incident.Major)
	w.until("some are told", func() bool { return w.inboxes.told("hacked") >= 60 })
	w.do(desk.Retract{Ref: "INC-1/1", Reason: "A false alarm."})
	atMost := w.inboxes.told("INC-1") + 10
	w.idle()
	if n := w.inboxes.told("hacked"); n != 0 {
		t.Errorf("%d still read it", n)
	}
	if n := w.inboxes.told("false alarm"); n < 60 || n > atMost {
		t.Errorf("%d read that it is retracted, want those who were told, at most %d", n, atMost)
	}
}

// After a freeze was answered nothing is begun, and when it is lifted it goes on
// where it was.
func TestAFreezeIsAFence(t *testing.T) {
	w := newWorld(t, 200)
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	w.publish("One.", incident.Major)
	w.until("some are told", func() bool { return w.inboxes.told("One.") >= 50 })
	w.do(desk.Stop{Scope: "people", Reason: "stop"})
	time.Sleep(200 * time.Millisecond) // answers that were under way
	n := w.inboxes.told("One.")
	time.Sleep(500 * time.Millisecond)
	if now := w.inboxes.told("One."); now != n || n > 150 {
		t.Errorf("%d were told, and %d half a second later", n, now)
	}
	w.do(desk.Release{Scope: "people", Release: "newest"})
	w.idle()
	for chat := int64(1); chat <= 300; chat++ {
		w.want(chat, "One.")
	}
}

// A freeze that is lifted with "drop" sends nothing of what it held.
func TestAFreezeCanDropTheNews(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, numbers(1, 50)...)
	w.do(desk.Stop{Scope: "people", Reason: "stop"})
	w.publish("One.", incident.Major)
	w.do(desk.Release{Scope: "people", Release: "drop"})
	w.idle()
	if n := w.inboxes.told("One."); n != 0 {
		t.Errorf("%d were told what was dropped", n)
	}
	w.update("INC-1", "Two.", "")
	w.idle()
	if n := w.inboxes.told("Two."); n != 50 {
		t.Errorf("%d of 50 were told the next", n)
	}
}

// Who blocked the bot or is no more is not written to again; who moved is
// written to where he is; and a limit is obeyed by all.
func TestPeopleWhoCannotBeWrittenTo(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2, 3, -4, 5, 6)
	limited := 0
	w.inboxes.refusing(func(chat int64) string {
		switch chat {
		case 2:
			return `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`
		case 3:
			return `{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}`
		case -4:
			return `{"ok":false,"error_code":400,"description":"Bad Request: group chat was upgraded to a supergroup chat","parameters":{"migrate_to_chat_id":-1004}}`
		case 5:
			if limited++; limited == 1 {
				return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`
			}
		case 6:
			return `{"ok":false,"error_code":502,"description":"Bad Gateway"}`
		}
		return ""
	})
	w.publish("One.", incident.Major)
	w.idle()
	w.want(1, "One.")
	w.want(-1004, "One.")
	w.want(5, "One.")
	if got := w.states(); got != "1 active, 2 blocked, 3 gone, -1004 active, 5 active, 6 active" {
		t.Errorf("subscribers: %s", got)
	}
	walks, err := w.store.WalksOf(t.Context(), incident.Ref{Prefix: "INC", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r := walks["people"].Rounds[0]; r.Told != 3 || r.Unsure != 1 || r.State != people.RoundDone {
		t.Errorf("the round %+v, want 3 told and 1 unsure", r)
	}
	w.inboxes.refusing(nil)
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(2)
	w.want(6, "Two.") // he may have got the first
}

// Messages are paid for up to the budget of the incident, and not one more; the
// rest goes at the free pace.
func TestPaidMessagesStopAtTheBudget(t *testing.T) {
	w := newWorld(t, 100)
	w.paid = 10 // Stars: a hundred messages
	w.start()
	w.subscribe(nil, numbers(1, 150)...)
	w.publish("One.", incident.Major)
	w.idle()
	if n := w.inboxes.told("One."); n != 150 {
		t.Errorf("%d of 150 were told", n)
	}
	w.inboxes.mu.Lock()
	defer w.inboxes.mu.Unlock()
	if w.inboxes.paid != 100 {
		t.Errorf("%d messages were paid for, want 100", w.inboxes.paid)
	}
}

// An incident whose budget is spent does not hold up another as grave that is
// paid for, nor does its end.
func TestASpentBudgetHoldsUpNobodyElse(t *testing.T) {
	for name, status := range map[string]incident.Status{"more": "", "an all clear": incident.Resolved} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 30)
			w.paid, w.paidRate = 60, 600 // Stars: 600 messages each
			w.start()
			w.subscribe(nil, numbers(1, 600)...)
			w.publish("One.", incident.Major)
			w.until("all are told of the first", func() bool { return w.inboxes.told("One.") == 600 })
			w.update("INC-1", "More.", status)
			w.until("more is said and not paid for", func() bool { return w.inboxes.told("More.") > 5 })
			w.publish("Two.", incident.Major)
			w.until("the second has begun", func() bool { return w.inboxes.told("Two.") > 0 })
			more := w.inboxes.told("More.")
			w.until("all are told of the second", func() bool { return w.inboxes.told("Two.") == 600 })
			if n := w.inboxes.told("More.") - more; n > 30 {
				t.Errorf("%d messages that are not paid for went before some that are", n)
			}
			w.until("the first goes on", func() bool { return w.inboxes.told("More.") > more })
		})
	}
}

// What is paid for goes at the pace that is set for it, and not at the most that
// the platform takes.
func TestPaidMessagesKeepTheirPace(t *testing.T) {
	w := newWorld(t, 20)
	w.paid, w.paidRate = 12, 60
	w.start()
	w.subscribe(nil, numbers(1, 120)...)
	began := time.Now()
	w.publish("One.", incident.Major)
	w.idle()
	took := time.Since(began)
	w.inboxes.mu.Lock()
	defer w.inboxes.mu.Unlock()
	if w.inboxes.paid != 120 || took < 1500*time.Millisecond {
		t.Errorf("%d messages were paid for within %v, want 120 at 60 a second", w.inboxes.paid, took)
	}
}

// What else a bot posts while its audience is paid for is not, and the budget
// stays whole for the audience.
func TestOnlyTheAudienceIsPaidFor(t *testing.T) {
	w := newWorld(t, 100)
	w.paid = 10 // Stars: a hundred messages
	w.start()
	w.subscribe(nil, numbers(1, 100)...)
	w.publish("One.", incident.Major)
	for range 3 {
		<-w.inboxes.arrived // somebody in the audience, or what was posted before
		post := bots.Operation{Action: bots.Post, Target: "-1009", Text: "For everybody."}
		if _, err := w.engine.Say(t.Context(), bot, broadcast.Public, post); err != nil {
			t.Fatal(err)
		}
	}
	w.idle()
	for chat := int64(1); chat <= 100; chat++ {
		if all := w.inboxes.of(chat); len(all) != 1 || !all[0].paid {
			t.Fatalf("%d has %+v, want one message that was paid for", chat, all)
		}
	}
	public := w.inboxes.of(-1009)
	if len(public) != 3 {
		t.Fatalf("%d messages for everybody", len(public))
	}
	for _, l := range public {
		if l.paid {
			t.Errorf("%+v was paid for", l)
		}
	}
}

// When a request fails in the middle of edits, only those are edited again who
// still read the wrong words.
func TestEditsGoOnWhereTheyWereInterrupted(t *testing.T) {
	w := newWorld(t, 500)
	w.start()
	w.subscribe(nil, numbers(1, 200)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	failures := 0
	w.inboxes.refusing(func(chat int64) string {
		if chat == 100 && failures < 2 {
			failures++
			return `{"ok":false,"error_code":502,"description":"Bad Gateway"}`
		}
		return ""
	})
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Deposits are safe."}})
	w.idle()
	for chat := int64(1); chat <= 200; chat++ {
		if all := w.inboxes.of(chat); len(all) != 1 || all[0].edits != 1 || !strings.Contains(all[0].text, "safe") {
			t.Fatalf("%d has %+v, want one message that was edited once", chat, all)
		}
	}
}

// Who has to be tried again because the platform wanted quiet does not have
// those told twice who came after him and were told meanwhile.
func TestQuietHasNobodyToldTwice(t *testing.T) {
	w := newWorld(t, 1000)
	w.start()
	const n = 1500
	w.subscribe(nil, numbers(1, n)...)
	var asked sync.Map
	w.inboxes.refusing(func(chat int64) string {
		if _, again := asked.LoadOrStore(chat, true); chat != 150 && chat != 900 || again {
			return ""
		}
		return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 2","parameters":{"retry_after":2}}`
	})
	w.publish("One.", incident.Major)
	w.idle()
	for chat := int64(1); chat <= n; chat++ {
		w.want(chat, "One.")
	}
}

// A thread goes on with everybody, also with those whose receipts were put
// together from several batches.
func TestThreadsGoOnAcrossJoinedReceipts(t *testing.T) {
	w := newWorld(t, 400) // batches of 100, rows of a thousand
	w.start()
	const n = 900
	w.subscribe(nil, numbers(1, n)...)
	w.publish("One.", incident.Major)
	w.idle()
	w.update("INC-1", "Two.", "")
	w.idle()
	for chat := int64(1); chat <= n; chat++ {
		w.want(chat, "One.", ">Two.")
	}
}

// What the platform asks for where a message is edited holds for all of the account.
func TestQuietOfAnEditIsTheAccounts(t *testing.T) {
	w := newWorld(t, 100) // with 120 requests in flight at most
	w.start()
	w.subscribe(nil, numbers(1, 500)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	var refused atomic.Int64
	var quiet atomic.Pointer[time.Time]
	w.inboxes.refusing(func(int64) string {
		until := time.Now().Add(2 * time.Second)
		if quiet.CompareAndSwap(nil, &until); time.Now().After(*quiet.Load()) {
			return ""
		}
		refused.Add(1)
		return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 2","parameters":{"retry_after":2}}`
	})
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Deposits are safe."}})
	w.idle()
	if n := w.inboxes.told("save"); n > 0 || refused.Load() > 60 {
		t.Errorf("%d still have the wrong word, and %d edits were refused", n, refused.Load())
	}
}
