package desk_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
)

// newStray has Dee be asked twice, since the node that asked her first died before
// it noted that, and the words changed afterwards. It returns the first message,
// which is not known, with the change in the second.
func newStray(t *testing.T) (c *chat, stray bots.Operation) {
	t.Helper()
	c = newPost(t)
	c.drafts()
	c.rooms.Store = dies{c.store}
	c.post("dc")
	c.rooms.Store = c.store
	c.post("dc")
	if len(c.said) != 2 || strings.Contains(c.said[0].Text, "twice") || !strings.HasSuffix(c.said[1].Text, "\nIf this is here twice, go by this one.") {
		t.Fatalf("Dee gets %q", c.texts())
	}
	stray = c.said[0]
	c.types("/edit D-1 Nobody can log in.")
	c.said = append(c.said[:0], make([]bots.Operation, 10)...) // r1 and r2 are there
	c.post("dc")
	if got := c.edited(); !slices.Equal(got, []string{"r2"}) || !strings.Contains(c.said[10].Text, "Nobody can log in.") {
		t.Fatalf("after an edit %q are changed", got)
	}
	c.said = c.said[:10]
	return c, stray
}

// edited are the messages that were changed.
func (c *chat) edited() (out []string) {
	for _, op := range c.said {
		if op.Action == bots.Edit {
			out = append(out, op.Message)
		}
	}
	return out
}

// pressesStray has Dee press a button under the message that is not known.
func (c *chat) pressesStray(stray bots.Operation, label string) {
	c.t.Helper()
	for _, b := range slices.Concat(stray.Buttons...) {
		if b.Text != label {
			continue
		}
		err := c.deliverTo("dc", c.event("", func(ev *bots.Event) {
			ev.Kind, ev.Button, ev.Person, ev.Message, ev.Chat, ev.Private = bots.Pressed, b.Data, "2001", "r1", stray.Target, true
		}))
		if err != nil {
			c.t.Fatal(err)
		}
		return
	}
	c.t.Fatalf("no button %q in %+v", label, stray.Buttons)
}

// A preview that nobody knows of is brought up to date when somebody presses one
// of its buttons, and from then on.
func TestAStrayPreviewIsAdopted(t *testing.T) {
	for _, label := range []string{"Agree", "Edit", "Each text", "Channels"} {
		t.Run(label, func(t *testing.T) {
			c, stray := newStray(t)
			c.pressesStray(stray, label)
			if got := c.edited(); !slices.Equal(got, []string{"r1"}) {
				t.Fatalf("%q are changed: %q", got, c.texts())
			}
			for _, op := range c.said {
				if op.Action == bots.Edit && (!strings.Contains(op.Text, "Nobody can log in.") || len(op.Buttons) == 0) {
					t.Errorf("it becomes %+v", op)
				}
			}
			c.types("/reject D-1 not so")
			c.said = nil
			c.post("dc")
			if got := c.edited(); !slices.Equal(got, []string{"r1", "r2"}) && !slices.Equal(got, []string{"r2", "r1"}) {
				t.Errorf("at the end %q are changed", got)
			}
		})
	}
}

// Where its draft is decided it says so.
func TestAStrayPreviewOfWhatIsDecided(t *testing.T) {
	for _, label := range []string{"Agree", "Edit", "Channels"} {
		t.Run(label, func(t *testing.T) {
			c, stray := newStray(t)
			c.types("/reject D-1 not so")
			c.post("dc")
			c.said = nil
			c.pressesStray(stray, label)
			if !slices.Equal(c.edited(), []string{"r1"}) {
				t.Fatalf("%q are changed", c.edited())
			}
			if last := c.said[len(c.said)-1]; last.Text != "D-1 is not open any more." || last.Buttons != nil {
				t.Errorf("it becomes %+v", last)
			}
		})
	}
}

// What is known to show something else stays as it is.
func TestOtherMessagesAreNotAdopted(t *testing.T) {
	c, stray := newStray(t)
	if err := c.store.Remember(t.Context(), desk.RoomMessage{Account: "dc", Chat: stray.Target, Message: "r1"}, "INC-1"); err != nil {
		t.Fatal(err)
	}
	c.pressesStray(stray, "Edit")
	if got := c.edited(); len(got) != 0 {
		t.Errorf("%q are changed", got)
	}
}
