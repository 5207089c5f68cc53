package people_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Answers of a platform.
const (
	noAnswer = `{"ok":false,"error_code":502,"description":"Bad Gateway"}`
	refusal  = `{"ok":false,"error_code":400,"description":"Bad Request: message is too long"}`
	blocked  = `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`
)

// answering has some chats refused.
func (c *inboxes) answering(answer string, chats ...int64) {
	c.mu.Lock()
	before := c.refuse
	c.mu.Unlock()
	c.refusing(func(chat int64) string {
		if slices.Contains(chats, chat) {
			return answer
		}
		if before != nil {
			return before(chat)
		}
		return ""
	})
}

// about is the first update as an operator names it where he settles it.
var about = desk.Which{Update: "INC-1/1", Channel: "people"}

// progress is how far an update is.
func (w *world) progress(update string) broadcast.Progress {
	w.t.Helper()
	ref, _, err := incident.ParseUpdateRef(update)
	if err != nil {
		w.t.Fatal(err)
	}
	ds, err := w.store.Deliveries(context.Background(), ref, func(*broadcast.Lane) {})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, d := range ds {
		if d.Update == update {
			return *d.Audience
		}
	}
	w.t.Fatalf("%s is not among %+v", update, ds)
	return broadcast.Progress{}
}

// wantProgress compares what has become of the people whom an update concerned.
func (w *world) wantProgress(update string, told, unsure, failed, asks int) {
	w.t.Helper()
	if p := w.progress(update); p.Told != told || p.Unsure != unsure || p.Failed != failed || p.Asks() != asks {
		w.t.Errorf("%s: %d told, %d unsure, %d failed, %d to settle; want %d, %d, %d, %d", update, p.Told, p.Unsure, p.Failed, p.Asks(), told, unsure, failed, asks)
	}
}

// wantWalking compares what those who watch are shown of audiences.
func (w *world) wantWalking(updates ...string) {
	w.t.Helper()
	ds, err := w.store.Walking(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, d := range ds {
		got = append(got, d.Update)
	}
	if !slices.Equal(got, updates) {
		w.t.Errorf("%q are watched, want %q", got, updates)
	}
}

// refused carries out a command that must be refused.
func (w *world) refused(c desk.Command, why string) {
	w.t.Helper()
	w.keys++
	_, err := w.desk.Do(w.t.Context(), desk.Actor{Name: "Ana", Role: desk.Admin}, "refused"+string(rune('a'+w.keys)), c)
	if refusal, ok := desk.AsRefusal(err); !ok || !strings.Contains(refusal.Text, why) {
		w.t.Errorf("%+v: %v, want a refusal with %q", c, err, why)
	}
}

// Whom a message did not surely reach waits for a person, who has them told
// once more, and nobody else.
func TestUnsurePeopleAreToldOnceMore(t *testing.T) {
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, numbers(1, 10)...)
	w.inboxes.answering(noAnswer, 3, 4)
	w.inboxes.answering(refusal, 5)
	w.inboxes.answering(blocked, 6)
	w.publish("One.", incident.Major)
	w.idle()
	w.wantProgress("INC-1/1", 6, 2, 1, 3)
	w.wantWalking("INC-1/1")
	w.inboxes.refusing(nil)
	if a := w.do(desk.Retry{Which: about}); a.Text != "INC-1/1 on people: 3 people are told again." {
		t.Errorf("answered %q", a.Text)
	}
	w.idle()
	for _, chat := range []int64{1, 3, 4, 5, 10} {
		w.want(chat, "One.")
	}
	w.want(6)
	w.wantProgress("INC-1/1", 9, 0, 0, 0)
	w.wantWalking()
	w.refused(desk.Retry{Which: about}, "nobody to tell again: INC-1/1 on people is 9")
	w.refused(desk.Skip{Which: about, Reason: "x"}, "nobody to skip")
	w.update("INC-1", "Two.", "")
	w.idle()
	for _, chat := range []int64{1, 3, 4, 5, 10} {
		w.want(chat, "One.", ">Two.")
	}
}

// To drop what a freeze held settles nothing of what was sent before: whom that did
// not surely reach is told once more where a person wants it, and nobody else.
func TestUnsurePeopleOfWhatWasDropped(t *testing.T) {
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, 1, 2, 3)
	w.inboxes.answering(noAnswer, 2)
	w.publish("One.", incident.Major)
	w.idle()
	w.do(desk.Stop{Scope: "people", Reason: "stop"})
	w.do(desk.Correct{Ref: "INC-1/1", Body: incident.Text{"en": "Won."}})
	w.do(desk.Release{Scope: "people", Release: "drop"})
	w.idle()
	w.wantProgress("INC-1/1", 2, 1, 0, 1)
	w.inboxes.refusing(nil)
	if a := w.do(desk.Retry{Which: about}); a.Text != "INC-1/1 on people: 1 person is told again." {
		t.Errorf("answered %q", a.Text)
	}
	w.idle()
	w.wantProgress("INC-1/1", 3, 0, 0, 0)
	for chat := int64(1); chat <= 3; chat++ {
		w.want(chat, "Won.")
	}
}

// Who is still not reached waits for a person again, who may leave him be. Both
// are on record.
func TestUnsurePeopleAreLeftBe(t *testing.T) {
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, numbers(1, 5)...)
	w.inboxes.answering(noAnswer, 3)
	w.inboxes.answering(refusal, 4)
	w.publish("One.", incident.Major)
	w.idle()
	w.do(desk.Retry{Which: about})
	w.idle()
	w.wantProgress("INC-1/1", 3, 1, 1, 2)
	if a := w.do(desk.Skip{Which: about, Reason: "they read the page"}); a.Text != "INC-1/1 on people: 2 people are skipped." {
		t.Errorf("answered %q", a.Text)
	}
	w.idle()
	w.wantProgress("INC-1/1", 3, 1, 1, 0)
	w.refused(desk.Retry{Which: about}, "nobody to tell again")
	lines, err := w.store.Audit(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, l := range lines {
		if l.Record.Subject == "INC-1/1" {
			verbs = append(verbs, l.Record.Verb)
		}
	}
	if got := strings.Join(verbs, " "); !strings.HasPrefix(got, "skip retry ") {
		t.Errorf("on record are %q", got)
	}
	w.inboxes.refusing(nil)
	w.update("INC-1", "Two.", "")
	w.idle()
	w.want(3, "Two.") // he may have the first
	w.want(4, "Two.")
}

// Newer words settle what was unsure about older ones: those are what people get.
func TestNewerWordsSettleUnsurePeople(t *testing.T) {
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, numbers(1, 5)...)
	w.inboxes.answering(noAnswer, 3)
	w.publish("One.", incident.Major)
	w.idle()
	w.wantProgress("INC-1/1", 4, 1, 0, 1)
	w.update("INC-1", "Two.", "")
	w.idle()
	w.wantProgress("INC-1/1", 4, 1, 0, 0)
	w.wantProgress("INC-1/2", 4, 1, 0, 1)
	w.inboxes.refusing(nil)
	w.refused(desk.Retry{Which: about}, "INC-1/1 is not told any more: newer words were said")
	w.do(desk.Retry{Which: desk.Which{Update: "inc-1/2", Channel: "People"}})
	w.idle()
	w.want(3, "Two.")
	w.refused(desk.Posted{Which: about, URL: "https://t.me/c/1"}, "people is an audience and has no single message")
}

// Who has waited once already does not wait for the end of the walk.
func TestUnsurePeopleAreToldWhileOthersWait(t *testing.T) {
	w := newWorld(t, 100)
	w.ask = true
	w.start()
	w.subscribe(nil, numbers(1, 300)...)
	var asked atomic.Int64
	w.inboxes.refusing(func(chat int64) string {
		if chat == 2 && asked.Add(1) == 1 {
			return noAnswer
		}
		return ""
	})
	w.publish("One.", incident.Major)
	w.until("somebody has to be settled", func() bool { return w.progress("INC-1/1").Asks() == 1 })
	w.do(desk.Retry{Which: about})
	w.until("he is told", func() bool { return len(w.inboxes.of(2)) == 1 })
	if n := w.inboxes.told("One."); n >= 300 {
		t.Error("he was told last")
	}
	w.until("all are told", func() bool { return w.inboxes.told("One.") == 300 })
	w.idle()
	for chat := int64(1); chat <= 300; chat++ {
		w.want(chat, "One.")
	}
	w.wantProgress("INC-1/1", 300, 0, 0, 0)
	w.update("INC-1", "Two.", "")
	w.until("all are told the next", func() bool { return w.inboxes.told("Two.") == 300 })
	w.idle()
}

// Where people are assumed to have been told nobody is asked, and still a
// person may have them told once more.
func TestAssumedPeopleAreToldOnceMore(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, numbers(1, 3)...)
	w.inboxes.answering(noAnswer, 2)
	w.publish("One.", incident.Major)
	w.idle()
	w.wantProgress("INC-1/1", 2, 1, 0, 0)
	w.inboxes.refusing(nil)
	w.do(desk.Retry{Which: about})
	w.idle()
	w.want(2, "One.")
}

// A correction and a retraction are told once more too.
func TestUnsureCorrectionsAreToldOnceMore(t *testing.T) {
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, numbers(1, 3)...)
	w.publish("Wrong.", incident.Major)
	w.idle()
	w.longAgo(2)
	w.inboxes.answering(noAnswer, 2)
	w.do(desk.Retract{Ref: "INC-1/1", Reason: "It was not so."})
	w.until("somebody has to be settled", func() bool { return w.asks() == 1 })
	w.inboxes.refusing(nil)
	w.do(desk.Retry{Which: about})
	w.idle()
	for chat := int64(1); chat <= 3; chat++ {
		w.want(chat, "not so", ">not so")
	}
}

// Who is erased needs nobody's decision any more.
func TestErasedPeopleAreNotAskedAbout(t *testing.T) {
	w := newWorld(t, quick)
	w.ask = true
	w.start()
	w.subscribe(nil, numbers(1, 4)...)
	w.inboxes.answering(noAnswer, 2, 3)
	w.publish("One.", incident.Major)
	w.idle()
	w.wantProgress("INC-1/1", 2, 2, 0, 2)
	if err := w.store.ChangeSubscribers(t.Context(), bot, "", []int64{2}, func(people.Subscriber) *people.Subscriber { return nil }); err != nil {
		t.Fatal(err)
	}
	w.wantProgress("INC-1/1", 2, 2, 0, 1)
	w.inboxes.refusing(nil)
	w.do(desk.Retry{Which: about})
	w.idle()
	w.want(2)
	w.want(3, "One.")
}

// asks is how many people have to be settled in all.
func (w *world) asks() (n int) {
	w.t.Helper()
	ds, err := w.store.Deliveries(context.Background(), incident.Ref{Prefix: "INC", Number: 1}, func(*broadcast.Lane) {})
	if err != nil && !errors.Is(err, context.Canceled) {
		w.t.Fatal(err)
	}
	for _, d := range ds {
		n += d.Audience.Asks()
	}
	return n
}

// longAgo has everything that people were told be told so many minutes earlier.
func (w *world) longAgo(minutes int) {
	w.t.Helper()
	ago := (time.Duration(minutes) * time.Minute).Microseconds()
	w.change(`UPDATE walk_batch SET at = at - ?, changed = CASE WHEN changed > 0 THEN changed - ? ELSE 0 END`, ago, ago)
	w.change(`UPDATE revision SET at = at - ?`, ago)
	w.change(`UPDATE said SET published_at = published_at - ?`, ago)
}

// change changes the database beside the program.
func (w *world) change(query string, args ...any) {
	w.t.Helper()
	db := w.db()
	defer db.Close()
	if _, err := db.ExecContext(w.t.Context(), query, args...); err != nil {
		w.t.Fatal(err)
	}
}
