package desk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// chat is a platform's end of a room: it delivers events and hears answers.
type chat struct {
	*harness
	rooms   *desk.Rooms
	said    []bots.Operation
	private []string
	sayErr  error
	showErr error
}

func newChat(t *testing.T, change ...func(*desk.Config)) *chat {
	c := &chat{harness: newHarness(t, change...)}
	c.rooms = &desk.Rooms{
		Desk:     c.Desk,
		Rooms:    []desk.Room{{Account: "tg", Target: "-100"}, {Account: "tg", Target: "-200", Drill: true}},
		Platform: map[string]string{"tg": "telegram"},
		Store:    c.store,
		Say: func(_ context.Context, _ string, op bots.Operation) (bots.Receipt, error) {
			c.said = append(c.said, op)
			return bots.Receipt{ID: fmt.Sprint("r", len(c.said))}, c.sayErr
		},
		Respond: func(_ context.Context, _, _, text string) error {
			c.private = append(c.private, text)
			return nil
		},
		Show:   func(_ context.Context, ref string) (string, error) { return "shown: " + ref, c.showErr },
		Cursor: c.store.Cursor,
		Log:    slog.New(slog.DiscardHandler),
	}
	return c
}

// listener is a bots.Listener made of a function.
type listener func(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error

func (l listener) Listen(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error {
	return l(ctx, cursor, handle)
}

// deliver hands events to the rooms and returns what handling the last one gave.
func (c *chat) deliver(events ...bots.Event) error { return c.deliverTo("tg", events...) }

func (c *chat) deliverTo(account string, events ...bots.Event) (err error) {
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	c.rooms.Listen(ctx, account, listener(func(ctx context.Context, _ string, handle func(context.Context, bots.Event) error) error {
		defer cancel()
		for _, ev := range events {
			err = handle(ctx, ev)
		}
		return nil
	}))
	return err
}

// event is Ana's saying something in the room, changed by change.
func (c *chat) event(text string, change ...func(*bots.Event)) bots.Event {
	c.keys++
	ev := bots.Event{Kind: bots.Said, Key: fmt.Sprint("-100:", c.keys), Cursor: fmt.Sprint(c.keys), Chat: "-100", Thread: "7",
		Message: fmt.Sprint(c.keys), Person: "1001", Name: "Ana P", Text: text, At: time.Now()}
	for _, f := range change {
		f(&ev)
	}
	return ev
}

// cursor is how far the chats have been read.
func (c *chat) cursor() string {
	c.t.Helper()
	cursor, err := c.store.Cursor(c.t.Context(), "tg")
	if err != nil {
		c.t.Fatal(err)
	}
	return cursor
}

// ask delivers an event and returns the answer, or "" when there was none.
func (c *chat) ask(ev bots.Event) string {
	c.t.Helper()
	before := len(c.said)
	if err := c.deliver(ev); err != nil {
		c.t.Fatalf("%q must be delivered again: %v", ev.Text, err)
	}
	switch len(c.said) - before {
	case 0:
		return ""
	case 1:
		return c.said[before].Text
	}
	c.t.Fatalf("%q has %d answers", ev.Text, len(c.said)-before)
	return ""
}

// press delivers a button under the newest message that has one with the given
// text, and returns what the person alone is told.
func (c *chat) press(who, label string) string {
	c.t.Helper()
	for i, v := range slices.Backward(c.said) {
		for _, b := range slices.Concat(v.Buttons...) {
			if b.Text != label {
				continue
			}
			before := len(c.private)
			ev := c.event("", func(ev *bots.Event) {
				ev.Kind, ev.Button, ev.Person, ev.Message = bots.Pressed, b.Data, who, fmt.Sprint("r", i+1)
				ev.Chat = v.Target
				if v.Action == bots.Edit {
					ev.Message = v.Message
				}
			})
			if err := c.deliver(ev); err != nil {
				c.t.Fatalf("%q must be delivered again: %v", label, err)
			}
			if len(c.private) != before+1 {
				c.t.Fatalf("%q was answered %d times", label, len(c.private)-before)
			}
			return c.private[before]
		}
	}
	c.t.Fatalf("no button %q under %q", label, c.texts())
	return ""
}

func (c *chat) texts() (out []string) {
	for _, op := range c.said {
		out = append(out, string(op.Action)+" "+op.Text)
	}
	return out
}

func TestRoomShowsAPreviewBeforeItPublishes(t *testing.T) {
	c := newChat(t)
	got := c.ask(c.event("/incident critical login\nLogin is down\nNobody can log in.\nnext 20m"))
	for _, part := range []string{"D-1 → new incident · critical · investigating · by Ana", "Login is down\nNobody can log in.", "Next update by ", "(in 20 min)",
		"= tg-en  tg-zh say exactly this", "x  18/280 · shows paragraph 1 · cannot be edited · $0.015"} {
		if !strings.Contains(got, part) {
			t.Errorf("the preview does not say %q:\n%s", part, got)
		}
	}
	if n := strings.Count(got, "\n"); n >= 20 {
		t.Errorf("the preview has %d lines", n+1)
	}
	op := c.said[0]
	if op.Target != "-100" || op.Thread != "7" || op.ReplyTo != "1" || len(op.Buttons) == 0 {
		t.Errorf("the preview is %+v", op)
	}
	if got := c.cursor(); got != "1" {
		t.Errorf("the cursor is %q", got)
	}
	if got := c.press("1001", "Publish"); got != "INC-1/1 is published on 3 channels." {
		t.Errorf("Publish is answered %q", got)
	}
	if got := c.audit(1)[0]; got.Actor != "Ana" || got.Origin != "telegram" || got.Verb != "publish" {
		t.Errorf("audit %+v", got)
	}
	if last := c.said[len(c.said)-1]; last.Action != bots.Edit || last.Message != "r1" || last.Text != "D-1 · INC-1/1 is published on 3 channels." || last.Buttons != nil {
		t.Errorf("the preview became %+v", last)
	}
	c.said = c.said[:1]
	if got := c.press("1001", "Publish"); got != "" || !strings.Contains(c.said[1].Text, "D-1 is published already") {
		t.Errorf("the old button is answered %q and %q", got, c.texts())
	}
	if got := c.ask(c.event("/show inc1")); got != "shown: INC1" {
		t.Errorf("show answers %q", got)
	}
	if got := c.ask(c.event("/help")); !strings.Contains(got, "/retract INC-12/3 [delete] why") {
		t.Errorf("help answers %q", got)
	}
}

func TestRoomDraftsAreEditedByReply(t *testing.T) {
	c := newChat(t)
	c.ask(c.event("/incident critical login\nLogin is down\nNobody can log in."))
	old := c.said[0]
	if err := c.deliver(c.event("Some cannot log in.", func(ev *bots.Event) { ev.ReplyTo = "r1" })); err != nil {
		t.Fatal(err)
	}
	var edited string
	for _, op := range c.said[1:] {
		if op.Action == bots.Edit && op.Message == "r1" {
			edited = op.Text
		}
	}
	if !strings.Contains(edited, "Some cannot log in.") || strings.Contains(edited, "Nobody") {
		t.Errorf("after the reply: %q", c.texts())
	}
	c.said = []bots.Operation{old} // a button under the words before
	if got := c.press("1001", "Publish"); got != "" || !strings.Contains(c.said[1].Text, "D-1 has changed since you read it") {
		t.Errorf("the old button is answered %q and %q", got, c.texts())
	}
	c.said = []bots.Operation{old}
	if got := c.press("1001", "Discard"); !strings.Contains(got, "D-1 has changed since you read it") {
		t.Errorf("the old Discard is answered %q", got)
	}
	if open, err := c.store.Drafts(t.Context()); len(open) != 1 || err != nil {
		t.Errorf("%d drafts are open, %v, want 1", len(open), err)
	}
	c.refusedIncidents(0)
}

func (c *chat) refusedIncidents(want int) {
	c.t.Helper()
	if all, err := c.store.Incidents(c.t.Context(), 9); len(all) != want || err != nil {
		c.t.Errorf("%d incidents, %v, want %d", len(all), err, want)
	}
}

func TestRoomAnotherPersonAgrees(t *testing.T) {
	c := newChat(t, needs("critical", 1))
	got := c.ask(c.event("/incident critical login\nLogin is down"))
	if !strings.Contains(got, "needs 1 of Dee") {
		t.Errorf("the preview: %q", got)
	}
	if got := c.press("1001", "Agree"); !strings.Contains(got, "D-1 waits for 1 more to agree") {
		t.Errorf("the author is answered %q", got)
	}
	if got := c.press("1002", "Agree"); !strings.Contains(got, "Ari may not agree") {
		t.Errorf("another author is answered %q", got)
	}
	if got := c.press("9", "Agree"); got != "You are not an operator here." {
		t.Errorf("a stranger is answered %q", got)
	}
	c.refusedIncidents(0)
}

func TestRoomOvertakenDraftAsksAgain(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.ask(c.event("/update Still down."))
	c.do(ana, desk.Update{Ref: "INC-1", Saying: incident.Saying{Body: incident.Text{"en": "It is back."}}})
	if got := c.press("1001", "Publish"); got != "" {
		t.Errorf("answered %q", got)
	}
	said := func(want string) {
		t.Helper()
		if last := c.said[len(c.said)-1].Text; !strings.Contains(last, want) {
			t.Errorf("the room is told %q, want %q in it", last, want)
		}
	}
	said("INC-1/2 was published meanwhile: read it and say what is still true.\n/2 ")
	said(" UTC · investigating · by Ana\nIt is back.")

	// What is said after that has not been read by who presses now.
	c.do(ana, desk.Update{Ref: "INC-1", Saying: incident.Saying{Body: incident.Text{"en": "It is gone again."}}})
	if got := c.press("1001", "Publish anyway"); got != "" {
		t.Errorf("answered %q", got)
	}
	said("INC-1/3 was published meanwhile")
	said("It is gone again.")
	if got := c.press("1001", "Publish anyway"); got != "INC-1/4 is published on 3 channels." {
		t.Errorf("answered %q", got)
	}
}

func TestRoomSecondIncidentIsAskedAbout(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	got := c.ask(c.event("/incident critical login\nNobody can log in"))
	if !strings.Contains(got, "! INC-1 was opened 0 min ago for the same: ") {
		t.Errorf("the preview: %q", got)
	}
	if got := c.press("1001", "Add to INC-1 instead"); got != "D-1 is now an update of INC-1." {
		t.Errorf("answered %q", got)
	}
	if got := c.press("1001", "Publish"); got != "INC-1/2 is published on 3 channels." {
		t.Errorf("answered %q", got)
	}
	c.refusedIncidents(1)
}

func TestRoomOldWordsNeedAnotherLook(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	old := func(ev *bots.Event) { ev.At = time.Now().Add(-10 * time.Minute) }
	if got := c.ask(c.event("/update Still down.", old)); !strings.Contains(got, "! typed 10 min ago, at ") {
		t.Errorf("the preview: %q", got)
	}
	if got := c.ask(c.event("/retract INC-1/1 it was wrong", old)); !strings.Contains(got, "This came 10 min late, so it was not carried out") {
		t.Errorf("answered %q", got)
	}
}

func TestRoomReplyToACardNeedsNoReference(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	second := opening()
	second.Saying.Components = nil
	c.do(ana, second)
	if err := c.store.Remember(t.Context(), desk.RoomMessage{Account: "tg", Chat: "-100", Message: "card"}, "INC-2"); err != nil {
		t.Fatal(err)
	}
	if got := c.ask(c.event("/update Better.", func(ev *bots.Event) { ev.ReplyTo = "card" })); !strings.Contains(got, "→ INC-2/2 after /1") {
		t.Errorf("the preview: %q", got)
	}
}

func TestRoomForDrills(t *testing.T) {
	c := newChat(t)
	drill := func(ev *bots.Event) { ev.Chat = "-200" }
	if got := c.ask(c.event("/incident critical login\nLogin is down", drill)); !strings.Contains(got, "= practice says exactly this") {
		t.Errorf("answer %q", got)
	}
	if got := c.press("1001", "Publish"); got != "DRL-1/1 is published on 1 channel." {
		t.Errorf("answered %q", got)
	}
	c.said[0].Target = "-100"
	c.ask(c.event("/update Still burning.", drill))
	c.said[len(c.said)-1].Target = "-100" // as if the button were pressed in the other room
	if got := c.press("1001", "Publish"); !strings.Contains(got, "is a drill") {
		t.Errorf("answered %q", got)
	}
}

func TestRoomDoesNothing(t *testing.T) {
	stranger := func(ev *bots.Event) { ev.Person, ev.Name = "666", "Mallory" }
	tests := []struct {
		name   string
		text   string
		change func(*bots.Event)
		want   string // part of the answer; empty for none
	}{
		{"talk", "does anybody know more?", func(*bots.Event) {}, ""},
		{"a stranger's talk", "hello", stranger, ""},
		{"a stranger", "/resolve All works.", stranger, "Mallory is not an operator here. An admin can add user id 666"},
		{"a stranger with a name that turns lines around", "/resolve All works.", func(ev *bots.Event) { ev.Person, ev.Name = "666", "\u202E\u05D3\u05DF\u2069\n" }, "\u2068\u05D3\u05DF\u2069 is not an operator here."},
		{"a stranger with a name that cannot be seen", "/resolve All works.", func(ev *bots.Event) { ev.Person, ev.Name = "666", "\u200B\u2060 \u202E" }, "Somebody is not an operator here."},
		{"a stranger who asks", "/show", stranger, "not an operator"},
		{"another platform's operator", "/resolve All works.", func(ev *bots.Event) { ev.Person = "2001" }, "not an operator"},
		{"an anonymous admin", "/resolve All works.", func(ev *bots.Event) { ev.Person = "" }, "Remain anonymous"},
		{"a forwarded command", "/resolve All works.", func(ev *bots.Event) { ev.Forwarded = true }, "This was forwarded"},
		{"an edited command", "/resolve All works.", func(ev *bots.Event) { ev.Kind = bots.Edited }, "Editing a command changes nothing"},
		{"an edited remark", "all works", func(ev *bots.Event) { ev.Kind = bots.Edited }, ""},
		{"another chat", "/resolve All works.", func(ev *bots.Event) { ev.Chat = "-300" }, ""},
		{"a private chat", "/resolve All works.", func(ev *bots.Event) { ev.Chat, ev.Private = "1001", true }, ""},
		{"no verb", "/resolvd All works.", func(*bots.Event) {}, "/resolvd is no command: see /help."},
		{"a question of the grammar", "/resolve INC–1 All works.", func(*bots.Event) {}, "is not a reference"},
		{"a question of the desk", "/resolve", func(*bots.Event) {}, "There is no text: say something."},
		{"a refusal", "/unfreeze", func(*bots.Event) {}, "Ana may not lift a freeze"},
	}
	c := newChat(t)
	c.do(ana, opening())
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c.t = t
			ev := c.event(test.text, test.change)
			got := c.ask(ev)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("answer %q, want %q", got, test.want)
			}
			if got := c.cursor(); got != ev.Cursor {
				t.Errorf("the cursor is %q after event %q", got, ev.Cursor)
			}
			if i := c.incident("INC-1"); len(i.Updates) != 1 {
				t.Fatalf("it said %+v", i.Updates[1])
			}
		})
	}
}

// A command delivered again, because the process died before it moved on, has
// one effect.
func TestRoomDeliveredAgain(t *testing.T) {
	c := newChat(t)
	ev := c.event("/incident critical login\nLogin is down")
	first, again := c.ask(ev), c.ask(ev)
	if first != again || !strings.HasPrefix(first, "D-1 → new incident") {
		t.Errorf("answers %q and %q", first, again)
	}
	if open, err := c.store.Drafts(t.Context()); len(open) != 1 || err != nil {
		t.Errorf("%d drafts, %v", len(open), err)
	}
	press := c.event("", func(ev *bots.Event) {
		ev.Kind, ev.Button, ev.Message = bots.Pressed, c.said[0].Buttons[0][0].Data, "r1"
	})
	for range 2 {
		if err := c.deliver(press); err != nil {
			t.Fatal(err)
		}
	}
	c.refusedIncidents(1)
	if i := c.incident("INC-1"); len(i.Updates) != 1 {
		t.Errorf("%d updates", len(i.Updates))
	}
}

// An answer that cannot be sent does not undo the command or repeat it.
func TestRoomUnanswered(t *testing.T) {
	c := newChat(t)
	c.sayErr = errors.New("the room is gone")
	c.ask(c.event("/incident critical login\nLogin is down"))
	if got := c.cursor(); got != "1" {
		t.Errorf("the cursor is %q", got)
	}
}

// What could not be carried out because of us is delivered again.
func TestRoomFails(t *testing.T) {
	c := newChat(t)
	c.showErr = errors.New("the database is on fire")
	if err := c.deliver(c.event("/show")); !errors.Is(err, c.showErr) || c.cursor() != "" || len(c.said) != 0 {
		t.Errorf("error %v, cursor %q, said %v", err, c.cursor(), c.said)
	}
}

// Listening that breaks off goes on from the stored cursor.
func TestRoomsListenAgain(t *testing.T) {
	c := newChat(t) // opened outside, since a database cannot live in a bubble
	if err := c.store.Set(t.Context(), "cursor:tg", "41"); err != nil {
		t.Fatal(err)
	}
	storetest.Bubble(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var cursors []string
		begun := time.Now()
		c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error {
			cursors = append(cursors, cursor)
			if len(cursors) == 2 {
				cancel()
				return ctx.Err()
			}
			if err := handle(ctx, bots.Event{Kind: bots.Said, Chat: "elsewhere", Cursor: "42"}); err != nil {
				t.Error(err)
			}
			return errors.New("connection reset")
		}))
		if diff := cmp.Diff([]string{"41", "42"}, cursors); diff != "" {
			t.Errorf("listened from (-want +got):\n%s", diff)
		}
		if waited := time.Since(begun); waited < time.Second || waited > time.Minute {
			t.Errorf("it listened again after %v", waited)
		}
	})
}

// opWith is a message of ours in a chat with one button.
func opWith(chat, label, data string) bots.Operation {
	return bots.Operation{Action: bots.Post, Target: chat, Buttons: [][]bots.Button{{{Text: label, Data: data}}}}
}

// The verbs that open something else than an incident, and those that take
// back, from the first word to what is published.
func TestRoomVerbs(t *testing.T) {
	c := newChat(t)
	c.asked("/maintenance 2126-12-01 02:00 04:00 logn\nNew database", `There is no component "logn": the components are login, withdrawals.`, "login", "Leave it out")
	if got := c.ask(c.event("/maintenance 2126-12-01 02:00 04:00 LOGIN\nNew database\nLogins wait.")); !strings.HasPrefix(got, "D-1 → new maintenance") {
		t.Errorf("a maintenance: %q", got)
	}
	c.press("1001", "Publish")
	if i := c.incident("MNT-1"); i.Components["login"] != incident.UnderMaintenance || i.Begin.Format("2006-01-02 15:04") != "2126-12-01 02:00" {
		t.Errorf("it is %+v", i)
	}
	c.ask(c.event("/notice\nWe were not hacked\nA database is slow, that is all."))
	c.press("1001", "Publish")
	c.asked("/retract NTC-1/1 delete It named a customer.", "This deletes NTC-1/1 on all channels:", "Withdraw NTC-1/1")
	if got := c.choose("Withdraw NTC-1/1"); !strings.Contains(got, "NTC-1/1 is retracted.") {
		t.Errorf("a retraction: %q", got)
	}
	if r := c.incident("NTC-1").Update(1).Retraction; r == nil || !r.Delete || r.Reason != "It named a customer." {
		t.Errorf("the retraction is %+v", r)
	}
	if got := c.ask(c.event("/freeze x wrong numbers")); !strings.HasPrefix(got, "Frozen: channel:x.") {
		t.Errorf("a freeze: %q", got)
	}
	c.ask(c.event("/begin MNT-1 We begin."))
	if got := c.press("1001", "Publish"); !strings.HasSuffix(got, "Frozen, so held until an admin lifts it: x.") {
		t.Errorf("published into a freeze: %q", got)
	}
}
