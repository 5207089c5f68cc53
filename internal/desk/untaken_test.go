package desk_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// unwritable is a store that is away.
type unwritable struct{ desk.Store }

func (unwritable) Change(context.Context, string, func(desk.Tx) ([]byte, error)) ([]byte, error) {
	return nil, errors.New("the database is away")
}

// Whoever does something that cannot be stored is told so once, and once more
// when listening ends where the platform will not deliver it again.
func TestWhatCannotBeStoredIsToldOf(t *testing.T) {
	slash := func(ev *bots.Event) { ev.Cursor, ev.Command = "", "update" }
	forgotten := func(ev *bots.Event) { ev.Cursor = "" }
	elsewhere := func(ev *bots.Event) { ev.Chat = "-999" }
	const waits, gone = "This waits", "then repeat it"
	for name, tt := range map[string]struct {
		change        func(*bots.Event)
		said, private []string
	}{
		"what the platform keeps":       {func(*bots.Event) {}, []string{waits}, nil},
		"what the platform forgets":     {forgotten, []string{waits, gone}, nil},
		"what one person alone is told": {slash, nil, []string{waits, gone}},
		"what was said elsewhere":       {elsewhere, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChat(t)
			storetest.Bubble(t)
			c.Desk.Store = unwritable{c.Desk.Store}
			ev := c.event("/update INC-1 Still down.", tt.change)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, _ string, handle func(context.Context, bots.Event) error) error {
					for range 5 {
						if handle(ctx, ev) == nil {
							t.Error("handled, without a store")
						}
						time.Sleep(time.Second)
					}
					cancel()
					return handle(ctx, ev)
				}))
			})
			for _, got := range []struct{ texts, want []string }{{c.texts(), tt.said}, {c.private, tt.private}} {
				if len(got.texts) != len(got.want) {
					t.Errorf("told %q, want %q", got.texts, got.want)
					continue
				}
				for k, words := range got.want {
					if !strings.Contains(got.texts[k], words) {
						t.Errorf("told %q, want %q", got.texts[k], words)
					}
				}
			}
		})
	}
}

// A database that is back at once is not spoken of.
func TestAShortWaitIsNotToldOf(t *testing.T) {
	c := newChat(t)
	away, back := unwritable{c.Desk.Store}, c.Desk.Store
	ev := c.event("/help")
	c.Desk.Store = away
	ctx, cancel := context.WithCancel(t.Context())
	c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, _ string, handle func(context.Context, bots.Event) error) error {
		defer cancel()
		if handle(ctx, ev) == nil {
			t.Error("handled, without a store")
		}
		c.Desk.Store = back
		return handle(ctx, ev)
	}))
	if len(c.said) != 1 || !strings.Contains(c.said[0].Text, "/ack") {
		t.Errorf("told %q", c.texts())
	}
}

// silent is a store that is away without a word.
type silent struct{ desk.Store }

func (silent) Change(ctx context.Context, _ string, _ func(desk.Tx) ([]byte, error)) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Who waits for a database that says nothing is told so meanwhile, not when it has
// been given up: by then the account may be another server's.
func TestASilentDatabaseIsToldOf(t *testing.T) {
	c := newChat(t)
	storetest.Bubble(t)
	c.Desk.Store = silent{c.Desk.Store}
	ev := c.event("/update INC-1 Still down.")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 9*time.Second)
		defer cancel()
		c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, _ string, handle func(context.Context, bots.Event) error) error {
			return handle(ctx, ev)
		}))
	})
	if len(c.said) != 1 || !strings.Contains(c.said[0].Text, "This waits") {
		t.Errorf("told %q", c.texts())
	}
}
