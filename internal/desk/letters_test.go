package desk_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// newPost is a chat of a desk whose critical words need somebody to agree. The
// room is on Telegram; Dee, who may, is on Discord.
func newPost(t *testing.T, change ...func(*desk.Config)) *chat {
	t.Helper()
	c := newChat(t, append(change, needs("critical", 1))...)
	c.rooms.Platform["dc"] = "discord"
	c.rooms.Direct = func(_ context.Context, _, person string) (string, error) { return "dm" + person, nil }
	return c
}

// letters sends what is written to the accounts.
func (c *chat) letters() *desk.Letters {
	return desk.NewLetters(c.rooms, func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
		return c.rooms.Say(ctx, account, op)
	})
}

// post sends the letters to an account, trying each once.
func (c *chat) post(account string) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	l := c.letters()
	l.Looked = cancel
	l.Run(ctx, c.claim(account))
}

// drafts has Ana write a draft that somebody must agree to, and forgets what was
// said in the room.
func (c *chat) drafts() {
	c.t.Helper()
	if got := c.ask(c.event("/incident critical login\nLogin is down")); !strings.Contains(got, "needs 1 of Dee") {
		c.t.Fatalf("the preview is %q", got)
	}
	c.said = nil
}

// types has Ana type a command in the room.
func (c *chat) types(text string) {
	c.t.Helper()
	if err := c.deliver(c.event(text)); err != nil {
		c.t.Fatal(err)
	}
}

// left are the letters to an account that are not sent.
func (c *chat) left(account string) []desk.Letter {
	c.t.Helper()
	all, err := c.store.Letters(c.t.Context(), account)
	if err != nil {
		c.t.Fatal(err)
	}
	return all
}

// A reviewer on another account than the room's is asked by whoever holds that,
// and the preview there follows what becomes of the draft.
func TestReviewerElsewhereIsAskedByLetter(t *testing.T) {
	c := newPost(t)
	c.drafts()
	if got := c.left("dc"); len(got) != 1 || got[0].Operator != "Dee" || got[0].Draft != "D-1" {
		t.Fatalf("after the draft there are %+v", got)
	}
	if _, woken := c.woken["dc"]; !woken || len(c.left("tg")) != 0 {
		t.Errorf("woken are %v, and %d letters go to the room's account", c.woken, len(c.left("tg")))
	}
	c.post("dc")
	if len(c.said) != 1 || c.said[0].Target != "dm2001" || c.said[0].Action != bots.Post || !strings.Contains(c.said[0].Text, "D-1 → new incident") || len(c.said[0].Buttons) == 0 {
		t.Fatalf("Dee gets %+v", c.said)
	}
	c.post("dc")
	if len(c.said) != 1 || len(c.left("dc")) != 0 {
		t.Fatalf("sent again: %q", c.texts())
	}

	c.said = nil
	c.types("/edit D-1 Nobody can log in.")
	if c.said = nil; len(c.left("dc")) != 1 || len(c.left("tg")) != 0 {
		t.Fatalf("after an edit there are %+v, and %+v to the room's account", c.left("dc"), c.left("tg"))
	}
	c.post("dc")
	if len(c.said) != 1 || c.said[0].Action != bots.Edit || c.said[0].Target != "dm2001" || c.said[0].Message != "r1" || !strings.Contains(c.said[0].Text, "Nobody can log in.") {
		t.Fatalf("Dee's preview becomes %+v", c.said)
	}
	c.said = nil
	c.types("/reject D-1 not so")
	c.said = nil
	c.post("dc")
	if len(c.said) != 1 || c.said[0].Text != "D-1 is rejected." || c.said[0].Buttons != nil {
		t.Errorf("Dee's preview ends as %+v", c.said)
	}
}

// A command that is heard once more asks nobody once more.
func TestLettersAreWrittenOnce(t *testing.T) {
	c := newPost(t)
	ev := c.event("/incident critical login\nLogin is down")
	for range 2 {
		if err := c.deliver(ev); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.left("dc"); len(got) != 1 {
		t.Errorf("%d letters", len(got))
	}
}

// Nobody is asked about what was decided meanwhile, or too long ago.
func TestLettersOfNoUseAreLeftOut(t *testing.T) {
	c := newPost(t)
	c.drafts()
	c.types("/reject D-1 not so")
	c.said = nil
	c.post("dc")
	if len(c.said) != 0 || len(c.left("dc")) != 0 {
		t.Errorf("about a draft that is rejected: %q, left %+v", c.texts(), c.left("dc"))
	}
	_, err := c.store.Change(t.Context(), "", func(tx desk.Tx) ([]byte, error) {
		return nil, tx.Write(desk.Letter{Account: "dc", Room: "9", Text: "old", Until: time.Now().Add(-time.Second)})
	})
	if err != nil {
		t.Fatal(err)
	}
	c.post("dc")
	if len(c.said) != 0 || len(c.left("dc")) != 0 {
		t.Errorf("too late: %q, left %+v", c.texts(), c.left("dc"))
	}
}

// Nor is anybody asked to agree where somebody else has, and a publisher is
// waited for.
func TestLettersStopWhenSomebodyAgrees(t *testing.T) {
	c := newPost(t, func(c *desk.Config) {
		c.Operators = append(c.Operators, desk.Operator{Name: "Eve", Role: desk.Reviewer, Users: map[string]string{"telegram": "1003"}})
	})
	by := func(person, text string) {
		t.Helper()
		if err := c.deliver(c.event(text, func(ev *bots.Event) { ev.Person = person })); err != nil {
			t.Fatal(err)
		}
	}
	by("1002", "/incident critical login\nLogin is down")
	by("1003", "/publish D-1")
	if d := c.draft("D-1"); d == nil || len(d.Approvals) != 1 {
		t.Fatalf("the draft is %+v", d)
	}
	c.said = nil
	c.post("dc")
	if len(c.said) != 0 || len(c.left("dc")) != 0 {
		t.Errorf("asked %q, left %+v", c.texts(), c.left("dc"))
	}
}

// What keeps a letter from being sent decides how often it is tried.
func TestLettersAreTriedAgain(t *testing.T) {
	ok := error(nil)
	for name, tt := range map[string]struct {
		faults []error // of each try
		tries  int
		left   bool
	}{
		"arrives":                   {[]error{ok}, 1, false},
		"never pressed Start":       {[]error{&bots.Fault{Kind: bots.Gone, Subject: bots.Target, Code: "403"}}, 1, false},
		"the platform is away":      {[]error{&bots.Fault{Kind: bots.Temporary}, &bots.Fault{Kind: bots.RateLimited}, &bots.Fault{Kind: bots.Temporary}, ok}, 4, false},
		"not held any more":         {[]error{broadcast.ErrLost, broadcast.ErrLost, broadcast.ErrLost}, 3, true},
		"an answer is lost":         {[]error{&bots.Fault{Kind: bots.Unsure}, ok}, 2, false},
		"all answers are lost":      {[]error{&bots.Fault{Kind: bots.Unsure}, &bots.Fault{Kind: bots.Unsure}, ok}, 2, false},
		"away, then answers lost":   {[]error{&bots.Fault{Kind: bots.Temporary}, &bots.Fault{Kind: bots.Unsure}, &bots.Fault{Kind: bots.Temporary}, &bots.Fault{Kind: bots.Unsure}, ok}, 4, false},
		"lost, and then he has not": {[]error{&bots.Fault{Kind: bots.Unsure}, &bots.Fault{Kind: bots.Rejected}}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newPost(t)
			c.drafts()
			for k := range len(tt.faults) {
				if c.sayErr = tt.faults[min(len(c.said), k)]; len(c.left("dc")) > 0 {
					c.post("dc")
				}
			}
			c.post("dc") // gives up what it may not try
			if len(c.said) != tt.tries && !tt.left || len(c.left("dc")) > 0 != tt.left {
				t.Errorf("%d tries, want %d; left %+v", len(c.said), tt.tries, c.left("dc"))
			}
			shows, err := c.store.Messages(t.Context(), "D-1")
			arrived := tt.faults[min(tt.tries, len(tt.faults))-1] == nil
			if known := slices.ContainsFunc(shows, func(m desk.RoomMessage) bool { return m.Account == "dc" }); err != nil || known != arrived {
				t.Errorf("arrived %v, remembered %+v, %v", arrived, shows, err)
			}
		})
	}
}

// dies is a store of rooms in a process that dies as soon as it has noted that it
// sends a letter.
type dies struct{ desk.RoomStore }

func (dies) EndLetter(context.Context, int64, string, desk.RoomMessage) error { return errDead }

// A node that dies between sending a letter and noting that makes its successor
// send it once more, and no node after that.
func TestLettersOfADeadNode(t *testing.T) {
	c := newPost(t)
	c.drafts()
	c.rooms.Store = dies{c.store}
	for life := range 3 {
		c.post("dc")
		if want := min(life+1, desk.MostTries); len(c.said) != want {
			t.Errorf("%d messages after %d lives, want %d", len(c.said), life+1, want)
		}
	}
	c.rooms.Store = c.store
	c.post("dc")
	if len(c.said) != desk.MostTries || len(c.left("dc")) != 0 {
		t.Errorf("%d messages, left %+v", len(c.said), c.left("dc"))
	}
}

// One letter that fails does not hold up those behind it.
func TestLettersDoNotWaitForEachOther(t *testing.T) {
	c := newPost(t, func(c *desk.Config) {
		c.Operators = append(c.Operators, desk.Operator{Name: "Eve", Role: desk.Reviewer, Users: map[string]string{"discord": "2002"}})
	})
	c.ask(c.event("/incident critical login\nLogin is down"))
	c.said = nil
	c.rooms.Direct = func(_ context.Context, _, person string) (string, error) {
		if person == "2001" {
			return "", &bots.Fault{Kind: bots.Temporary}
		}
		return "dm" + person, nil
	}
	c.post("dc")
	if len(c.said) != 1 || c.said[0].Target != "dm2002" {
		t.Errorf("sent %+v", c.said)
	}
	if got := c.left("dc"); len(got) != 1 || got[0].Operator != "Dee" {
		t.Errorf("left %+v", got)
	}
}

// Admins are told on every platform of a draft that waits, once, and not when
// somebody has agreed by then.
func TestAdminsAreToldByLetter(t *testing.T) {
	c := newPost(t, func(c *desk.Config) { c.Escalate = time.Nanosecond })
	c.drafts()
	c.post("dc")
	c.said = nil
	c.look()
	c.look()
	if got := strings.Join(c.texts(), "\n"); len(c.said) != 1 || !strings.Contains(got, "An admin may publish it alone") {
		t.Errorf("the room hears %q", got)
	}
	if got := c.left("dc"); len(got) != 1 || got[0].Operator != "Dee" {
		t.Fatalf("letters %+v", got)
	}
	c.said = nil
	c.post("dc")
	if len(c.said) != 1 || c.said[0].Target != "dm2001" || !strings.Contains(c.said[0].Text, "An admin may publish it alone") {
		t.Errorf("Dee gets %+v", c.said)
	}
	if shows, err := c.store.Messages(t.Context(), "D-1"); err != nil || len(shows) != 2 {
		t.Errorf("what is only told is no preview: %+v, %v", shows, err)
	}
}

// A letter that is under way when the account is given up still has its time.
func TestLettersUnderWayAreEnded(t *testing.T) {
	c := newPost(t)
	c.drafts()
	ctx, cancel := context.WithCancel(t.Context())
	say := c.rooms.Say
	c.rooms.Say = func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
		cancel()
		if ctx.Err() != nil {
			return bots.Receipt{}, errors.New("cut")
		}
		return say(ctx, account, op)
	}
	c.letters().Run(ctx, c.claim("dc"))
	if len(c.said) != 1 || len(c.left("dc")) != 0 {
		t.Errorf("sent %q, left %+v", c.texts(), c.left("dc"))
	}
}

// A wake has letters sent at once, not when they are looked for the next time.
func TestLettersAreSentWhenWoken(t *testing.T) {
	c := newPost(t) // opened outside, since a database cannot live in a bubble
	storetest.Bubble(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		lease, began := c.claim("dc"), time.Now()
		var sent time.Time
		c.rooms.Say = func(context.Context, string, bots.Operation) (bots.Receipt, error) {
			sent = time.Now()
			return bots.Receipt{ID: "1"}, nil
		}
		l := c.letters()
		looked := make(chan struct{}, 100)
		l.Looked = func() { looked <- struct{}{} }
		var all sync.WaitGroup
		all.Go(func() { l.Run(ctx, lease) })
		<-looked
		time.Sleep(time.Second)
		_, err := c.store.Change(ctx, "", func(tx desk.Tx) ([]byte, error) {
			return nil, tx.Write(desk.Letter{Account: "dc", Room: "9", Text: "new", Until: time.Now().Add(time.Minute)})
		})
		if err != nil {
			t.Error(err)
		}
		l.Wake("nobody's")
		l.Wake("dc")
		<-looked
		if got := sent.Sub(began); got != time.Second {
			t.Errorf("sent after %v", got)
		}
		cancel()
		all.Wait()
	})
}
