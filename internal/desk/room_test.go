package desk_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
)

// chat is a platform's end of a room: it delivers events and hears answers.
type chat struct {
	*harness
	rooms   *desk.Rooms
	said    []bots.Operation
	cursor  string
	sayErr  error
	showErr error
}

func newChat(t *testing.T, change ...func(*desk.Config)) *chat {
	c := &chat{harness: newHarness(t, change...)}
	c.rooms = &desk.Rooms{
		Desk:  c.Desk,
		Rooms: []desk.Room{{Account: "tg", Target: "-100"}, {Account: "tg", Target: "-200", Drill: true}},
		Operators: []desk.Operator{
			{Name: "Ana", Role: desk.Publisher, Users: map[string]string{"telegram": "1001"}},
			{Name: "Ari", Role: desk.Author, Users: map[string]string{"telegram": "1002"}},
			{Name: "Dee", Role: desk.Admin, Users: map[string]string{"telegram": "", "discord": "2001"}},
		},
		Platform: map[string]string{"tg": "telegram"},
		Say: func(_ context.Context, _ string, op bots.Operation) error {
			c.said = append(c.said, op)
			return c.sayErr
		},
		Show:      func(_ context.Context, ref string) (string, error) { return "shown: " + ref, c.showErr },
		Cursor:    func(context.Context, string) (string, error) { return c.cursor, nil },
		SetCursor: func(_ context.Context, _, cursor string) error { c.cursor = cursor; return nil },
		Log:       slog.New(slog.DiscardHandler),
	}
	return c
}

// listener is a bots.Listener made of a function.
type listener func(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error

func (l listener) Listen(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error {
	return l(ctx, cursor, handle)
}

// deliver hands events to the rooms and returns what handling the last one gave.
func (c *chat) deliver(events ...bots.Event) (err error) {
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, _ string, handle func(context.Context, bots.Event) error) error {
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

func TestRoom(t *testing.T) {
	c := newChat(t)
	if got := c.ask(c.event("/incident critical login\nLogin is down")); got != "INC-1/1 is published on 3 channels." {
		t.Errorf("answer %q", got)
	}
	want := bots.Operation{Action: bots.Post, Target: "-100", Thread: "7", ReplyTo: "1", Text: "INC-1/1 is published on 3 channels."}
	if diff := cmp.Diff(want, c.said[0]); diff != "" {
		t.Errorf("the answer (-want +got):\n%s", diff)
	}
	if c.cursor != "1" {
		t.Errorf("the cursor is %q", c.cursor)
	}
	if got := c.audit(1)[0]; got.Actor != "Ana" || got.Origin != "telegram" {
		t.Errorf("audit %+v", got)
	}
	if got := c.ask(c.event("/update Back.", func(ev *bots.Event) { ev.Person = "1002" })); got != "D-1 waits for a publisher." {
		t.Errorf("an author is answered %q", got)
	}
	if got := c.ask(c.event("/show inc1")); got != "shown: INC1" {
		t.Errorf("show answers %q", got)
	}
	if got := c.ask(c.event("/help")); !strings.Contains(got, "/retract INC-12/3 why") {
		t.Errorf("help answers %q", got)
	}
}

func TestRoomForDrills(t *testing.T) {
	c := newChat(t)
	drill := func(ev *bots.Event) { ev.Chat = "-200" }
	if got := c.ask(c.event("/incident critical login\nLogin is down", drill)); got != "DRL-1/1 is published on 1 channel." {
		t.Errorf("answer %q", got)
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
		{"a stranger who asks", "/show", stranger, "not an operator"},
		{"another platform's operator", "/resolve All works.", func(ev *bots.Event) { ev.Person = "2001" }, "not an operator"},
		{"an anonymous admin", "/resolve All works.", func(ev *bots.Event) { ev.Person = "" }, "Remain anonymous"},
		{"a forwarded command", "/resolve All works.", func(ev *bots.Event) { ev.Forwarded = true }, "This was forwarded"},
		{"an edited command", "/resolve All works.", func(ev *bots.Event) { ev.Kind = bots.Edited }, "Editing a command changes nothing"},
		{"an edited remark", "all works", func(ev *bots.Event) { ev.Kind = bots.Edited }, ""},
		{"another chat", "/resolve All works.", func(ev *bots.Event) { ev.Chat = "-300" }, ""},
		{"a private chat", "/resolve All works.", func(ev *bots.Event) { ev.Chat, ev.Private = "1001", true }, ""},
		{"a button", "/resolve All works.", func(ev *bots.Event) { ev.Kind = bots.Pressed }, ""},
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
			if c.cursor != ev.Cursor {
				t.Errorf("the cursor is %q after event %q", c.cursor, ev.Cursor)
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
	if first != again || !strings.HasPrefix(first, "INC-1/1") {
		t.Errorf("answers %q and %q", first, again)
	}
	if all, err := c.store.Incidents(t.Context(), 9); len(all) != 1 || err != nil {
		t.Errorf("%d incidents, %v", len(all), err)
	}
}

// An answer that cannot be sent does not undo the command or repeat it.
func TestRoomUnanswered(t *testing.T) {
	c := newChat(t)
	c.sayErr = errors.New("the room is gone")
	c.ask(c.event("/incident critical login\nLogin is down"))
	if c.cursor != "1" {
		t.Errorf("the cursor is %q", c.cursor)
	}
}

// What could not be carried out because of us is delivered again.
func TestRoomFails(t *testing.T) {
	c := newChat(t)
	c.showErr = errors.New("the database is on fire")
	if err := c.deliver(c.event("/show")); !errors.Is(err, c.showErr) || c.cursor != "" || len(c.said) != 0 {
		t.Errorf("error %v, cursor %q, said %v", err, c.cursor, c.said)
	}
}

// Listening that breaks off goes on from the stored cursor.
func TestRoomsListenAgain(t *testing.T) {
	c := newChat(t) // opened outside, since a database cannot live in a bubble
	c.cursor = "41"
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
