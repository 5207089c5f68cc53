package desk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
)

// dying is a store of rooms in a process that has died: nothing is recorded any
// more.
type dying struct{ desk.RoomStore }

var errDead = errors.New("the process is dead")

func (dying) Answered(context.Context, string, string) error                        { return errDead }
func (dying) Remember(context.Context, desk.RoomMessage, string) error              { return errDead }
func (dying) SetCard(context.Context, string, string, string, string, string) error { return errDead }

// diesBefore has the process die between the effect of an event and its answer.
func (c *chat) diesBeforeAnswering(ev bots.Event) {
	c.t.Helper()
	c.rooms.Store, c.sayErr = dying{c.store}, errDead
	if err := c.deliver(ev); err != nil {
		c.t.Fatal(err)
	}
	c.rooms.Store, c.sayErr, c.said, c.private = c.store, nil, nil, nil
}

// restart has rooms listen in a new life, in which nothing new happens.
func (c *chat) restart() {
	c.t.Helper()
	if err := c.deliver(); err != nil {
		c.t.Fatal(err)
	}
}

// What had its effect and no answer is answered after a restart, once.
func TestAnswersSurviveACrash(t *testing.T) {
	stranger := func(ev *bots.Event) { ev.Person = "666" }
	for name, tt := range map[string]struct {
		text   string
		change func(*bots.Event)
		want   string
	}{
		"a draft":       {"/update Still down.", func(*bots.Event) {}, "D-1 → INC-1/2"},
		"an effect":     {"/freeze x wrong numbers", func(*bots.Event) {}, "Frozen: channel:x."},
		"a refusal":     {"/unfreeze", func(*bots.Event) {}, "Ana may not lift a freeze"},
		"a question":    {"/skip", func(*bots.Event) {}, "Say which"},
		"help":          {"/help", func(*bots.Event) {}, "/retract INC-12/3 [delete] why"},
		"a stranger":    {"/resolve Over.", stranger, "is not an operator here"},
		"no command":    {"/quark", func(*bots.Event) {}, "/quark is no command"},
		"words too old": {"/retract INC-1/1 wrong", func(ev *bots.Event) { ev.At = time.Now().Add(-3 * time.Minute) }, "3 min late"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChat(t)
			c.do(ana, opening())
			ev := c.event(tt.text, tt.change)
			c.diesBeforeAnswering(ev)
			if got := c.cursor(); got != ev.Cursor {
				t.Fatalf("the cursor is %q after the effect, want %q", got, ev.Cursor)
			}
			lines := len(c.audit(100))
			c.restart()
			if len(c.said) != 1 || !strings.Contains(c.said[0].Text, tt.want) {
				t.Errorf("after the restart the room hears %q, want %q", c.texts(), tt.want)
			}
			if got := len(c.audit(100)); got != lines {
				t.Errorf("%d new lines in the audit", got-lines)
			}
			if got := c.cursor(); got != ev.Cursor {
				t.Errorf("the cursor went to %q", got)
			}
			c.restart()
			if len(c.said) != 1 {
				t.Errorf("answered again: %q", c.texts())
			}
		})
	}
}

// A button that was pressed before the crash is answered where it still can be:
// in the room, when the platform takes no answer for the person alone any more.
func TestPressesSurviveACrash(t *testing.T) {
	c := newChat(t)
	c.ask(c.event("/incident critical login\nLogin is down"))
	press := c.event("", func(ev *bots.Event) {
		ev.Kind, ev.Button, ev.Message = bots.Pressed, c.said[0].Buttons[0][0].Data, "r1"
	})
	c.diesBeforeAnswering(press)
	c.refusedIncidents(1)
	c.rooms.Respond = func(context.Context, string, string, string) error { return &bots.Fault{Kind: bots.Gone} }
	c.restart()
	if got := strings.Join(c.texts(), "\n"); !strings.Contains(got, "post INC-1/1 is published on 3 channels.") {
		t.Errorf("after the restart the room hears %q", got)
	}
	c.refusedIncidents(1)
}

// Nobody wants an answer from an hour ago.
func TestOldAnswersAreForgotten(t *testing.T) {
	c := newChat(t)
	c.diesBeforeAnswering(c.event("/help", func(ev *bots.Event) { ev.At = time.Now().Add(-time.Hour) }))
	c.restart()
	if len(c.said) != 0 {
		t.Errorf("the room hears %q", c.texts())
	}
	if owed, err := c.store.Owed(t.Context(), "tg"); len(owed) != 0 || err != nil {
		t.Errorf("still owed: %v, %v", owed, err)
	}
}

// A refusal is given once: the same event has the same answer, whatever holds
// by then.
func TestRefusedOnce(t *testing.T) {
	c := newChat(t)
	ev := c.event("/update Still down.")
	if got := c.ask(ev); !strings.Contains(got, "Nothing is open") {
		t.Fatalf("answered %q", got)
	}
	lines := len(c.audit(100))
	c.do(ana, opening())
	if got := c.ask(ev); !strings.Contains(got, "Nothing is open") {
		t.Errorf("the same event is answered %q", got)
	}
	if got := len(c.audit(100)); got != lines+1 {
		t.Errorf("%d lines in the audit, want %d", got, lines+1)
	}
}

func TestStalePressesDoNothing(t *testing.T) {
	c := newChat(t)
	c.ask(c.event("/incident critical login\nLogin is down"))
	press := c.event("", func(ev *bots.Event) {
		ev.Kind, ev.Button, ev.Message, ev.Stale = bots.Pressed, c.said[0].Buttons[0][0].Data, "r1", true
	})
	if err := c.deliver(press); err != nil {
		t.Fatal(err)
	}
	if got := c.private; len(got) != 1 || !strings.Contains(got[0], "press again") {
		t.Errorf("answered %q", got)
	}
	c.refusedIncidents(0)
	if got := c.press("1001", "Publish"); got != "INC-1/1 is published on 3 channels." {
		t.Errorf("pressed again: %q", got)
	}
	late := c.event("", func(ev *bots.Event) {
		ev.Kind, ev.Button, ev.At = bots.Pressed, "skip:INC-1:1", time.Now().Add(-3*time.Minute)
	})
	if err := c.deliver(late); err != nil {
		t.Fatal(err)
	}
	if got := c.private[len(c.private)-1]; !strings.Contains(got, "3 min late") {
		t.Errorf("a late press is answered %q", got)
	}
}
