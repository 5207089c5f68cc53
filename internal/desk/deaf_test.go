package desk_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// The rooms are told once that an account does not hear, and once that it does
// again. The pauses grow, since platforms count attempts.
func TestRoomsAreToldThatNobodyHears(t *testing.T) {
	for name, tt := range map[string]struct {
		fault *bots.Fault
		most  int // attempts in an hour
		told  bool
	}{
		"another poller":   {&bots.Fault{Kind: bots.Temporary, Code: "409", Detail: "another program hears for this bot"}, 125, true},
		"a refused token":  {&bots.Fault{Kind: bots.Unauthorized, Code: "4004", Detail: "the gateway refuses the token"}, 36, true},
		"a passing outage": {&bots.Fault{Kind: bots.Temporary}, 1201, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newChat(t) // opened outside, since a database cannot live in a bubble
			c.rooms.Rooms = append(c.rooms.Rooms, desk.Room{Account: "tg", Target: "-300"})
			storetest.Bubble(t)
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				lease := c.claim("tg")
				go c.letters().Run(ctx, lease)
				attempts := 0
				end := time.Now().Add(time.Hour)
				c.rooms.Listen(ctx, "tg", listener(func(ctx context.Context, _ string, _ func(context.Context, bots.Event) error) error {
					if time.Now().Before(end) {
						attempts++
						return tt.fault
					}
					time.Sleep(2 * time.Minute)
					cancel()
					return ctx.Err()
				}))
				if attempts > tt.most {
					t.Errorf("%d attempts in an hour, want at most %d", attempts, tt.most)
				}
			})
			if !tt.told {
				if len(c.said) != 0 {
					t.Errorf("the rooms hear %q", c.texts())
				}
				return
			}
			var targets []string
			for _, op := range c.said {
				targets = append(targets, op.Target)
			}
			if got := strings.Join(targets, " "); got != "-100 -300 -100 -300" {
				t.Fatalf("told %s: %q", got, c.texts())
			}
			if got := c.said[0].Text; !strings.Contains(got, tt.fault.Detail) || !strings.Contains(got, "Publishing goes on") {
				t.Errorf("first %q", got)
			}
			if got := c.said[2].Text; !strings.Contains(got, "arrives again") {
				t.Errorf("then %q", got)
			}
		})
	}
}

// look has the reminders look once.
func (c *chat) look() {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	r := &desk.Reminders{Desk: c.Desk, Rooms: c.rooms, Log: c.rooms.Log, Looked: cancel}
	r.Run(ctx)
	c.post("tg")
}

// A wait of more than two minutes that a platform asks for is told once.
func TestRoomsAreToldOfLongWaits(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	limited := func(d time.Duration) *bots.Fault {
		return &bots.Fault{Kind: bots.RateLimited, Until: time.Now().Add(d)}
	}
	c.attempt("INC-1", "tg-en", 1, bots.Post, limited(time.Minute))
	c.look()
	if len(c.said) != 0 {
		t.Fatalf("a short wait is told: %q", c.texts())
	}
	c.attempt("INC-1", "x", 1, bots.Post, limited(9*time.Minute))
	c.look()
	c.look()
	if len(c.said) != 1 || !strings.Contains(c.said[0].Text, "INC-1/1 has not reached x: the platform asks to wait until ") {
		t.Errorf("the room hears %q", c.texts())
	}
}

// Every draft that waits too long is told of, once.
func TestAdminsAreToldOfEveryDraftThatWaits(t *testing.T) {
	c := newChat(t, needs("critical", 1), func(c *desk.Config) { c.Escalate = time.Nanosecond })
	for range 2 {
		c.ask(c.event("/incident critical\nLogin is down"))
	}
	c.said = nil
	c.look()
	c.look()
	if got := strings.Join(c.texts(), "\n"); len(c.said) != 2 || !strings.Contains(got, "D-1 by Ana") || !strings.Contains(got, "D-2 by Ana") {
		t.Errorf("the room hears %q", got)
	}
}
