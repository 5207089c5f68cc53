package model

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// audience is the channel of the subscribers.
const audience = "people"

// crowd are the people who have to do with the Telegram bot, and what a witness
// knows of them. Everything is guarded by the world's mu, but for what is made
// at the beginning.
type crowd struct {
	w        *world
	readers  []*reader
	chats    map[int64]*reader     // those to which groups have moved included
	ids      map[int64]*reader     // by their numbers in the store
	walks    map[int64]string      // incidents, by the numbers of their walks
	openers  map[string]*life      // by the sheet of a batch: who opened it
	largest  int                   // batch that was opened
	dropped  time.Time             // when somebody had what was held back dropped, last
	requests []*request            // to write to somebody
	seen     map[person]bool       // of whom it was kept what became of him
	waited   map[people.Resend]int // how often somebody was to be told once more for want of an answer
}

// A reader is a person or a group that may subscribe.
type reader struct {
	person string // who types
	chat   string // where he is written to now
	group  bool
	moved  bool // the group became another chat

	sub     people.Subscriber // as it is stored
	stored  bool
	since   time.Time // when it last changed
	born    time.Time // when it was first stored, since it was erased last
	left    time.Time // since when it is stored that he is not written to; zero if he is
	lost    time.Time // when it was stored last that what he has cannot be changed
	heard   *life     // who stored that, if it was what he did himself
	excused bool      // the platform has refused to write to him, or to change what he has

	letters []*letter
	results []result
	again   map[topic]int // how often a person had him told once more
}

// A topic is what is told to somebody once.
type topic struct {
	kind     broadcast.EntryKind
	ref      string
	update   int
	revision int // of a correction
}

func (t topic) String() string {
	return fmt.Sprintf("%s %s/%d.%d", t.kind, t.ref, t.update, t.revision)
}

// A result is what the store was given about somebody.
type result struct {
	topic
	at      time.Time
	unsure  bool
	waits   bool // he is to be told once more
	message int64
}

// A person is somebody in a batch.
type person struct {
	batch      string // the name of its sheet: a file gives numbers again
	subscriber int64
}

// A letter is a message to a reader that has an incident's words.
type letter struct {
	topic
	revision int // of the words
	first    int // of those with which it came
	place    string
	seen     sim.Seen
	at       time.Time
}

// newCrowd makes so many people.
func newCrowd(w *world, size int) (*crowd, error) {
	c := &crowd{w: w, chats: map[int64]*reader{}, ids: map[int64]*reader{}, walks: map[int64]string{}, openers: map[string]*life{}, seen: map[person]bool{}, waited: map[people.Resend]int{}}
	for k := range size {
		r := &reader{person: strconv.Itoa(101 + k), group: k%5 == 4, again: map[topic]int{}}
		r.chat = r.person
		if r.group {
			var err error
			if r.chat, err = w.sims.Telegram.AddChat(sim.TelegramChat{ID: strconv.Itoa(-201 - k), Type: "group", Admins: []string{r.person}}); err != nil {
				return nil, err
			}
		}
		c.readers = append(c.readers, r)
		c.chats[number(r.chat)] = r
	}
	return c, nil
}

// begin has everybody press Start.
func (c *crowd) begin() error {
	for _, r := range c.readers {
		if err := c.say(r, "/start"); err != nil {
			return err
		}
	}
	return nil
}

func number(chat string) int64 {
	n, err := strconv.ParseInt(chat, 10, 64)
	if err != nil {
		panic(err) // the model's own
	}
	return n
}

func (c *crowd) say(r *reader, text string) error {
	_, err := c.w.sims.Telegram.Say(r.chat, r.person, text, sim.Saying{})
	return err
}

// act is what a reader does.
func (c *crowd) act(a act) error {
	r := c.readers[a.N%len(c.readers)]
	phone := c.w.sims.Telegram
	switch a.Do {
	case "start":
		return c.say(r, "/start")
	case "follow":
		return c.say(r, "/start inc-1")
	case "leave":
		return c.say(r, "/unsubscribe")
	case "settings":
		return c.say(r, "/settings")
	case "press":
		return c.press(r, a.Nth)
	case "block":
		if r.group {
			return phone.Kick(r.chat)
		}
		c.w.mu.Lock()
		r.excused = r.excused || r.sub.State == people.Stopped // who had stopped is stored as that, though nothing of his can be changed
		c.w.mu.Unlock()
		return phone.Block(r.person)
	case "invite":
		if r.group {
			return phone.SetBot(r.chat, sim.Membership{})
		}
	case "move":
		if r.group && !r.moved {
			to, err := phone.Migrate(r.chat)
			if err != nil {
				return err
			}
			c.w.note(func() {
				r.chat, r.moved = to, true
				c.chats[number(to)] = r
			})
		}
	}
	return nil
}

// press presses one of the buttons that a reader has before him, if there is any.
func (c *crowd) press(r *reader, n int) error {
	for _, m := range slices.Backward(c.w.sims.Telegram.Seen(r.chat)) {
		all := slices.Concat(m.Buttons...)
		if !m.Ours || m.Deleted || len(all) == 0 {
			continue
		}
		b := all[n%len(all)]
		if b.Data == "" {
			return nil
		}
		c.w.tell("presses %s", b.Text)
		_, err := c.w.sims.Telegram.Press(r.chat, m.ID, r.person, b.Data)
		return err
	}
	return nil
}

// settle has an admin settle those whom something did not surely reach. It
// returns false where there are none.
func (c *crowd) settle(a act) (bool, error) {
	asks, err := c.asks()
	if err != nil || len(asks) == 0 {
		return false, err
	}
	d := asks[a.N%len(asks)]
	if a.Do == "skip" {
		_, _, err := c.w.do(desk.Skip{Which: desk.Which{Delivery: d.ID}, Reason: "told by phone"})
		return true, err
	}
	c.w.note(func() {
		for _, r := range c.readers {
			for _, x := range r.results {
				if fmt.Sprintf("%s/%d", x.ref, x.update) == d.Update && x.unsure && !x.waits {
					r.again[x.topic]++
				}
			}
		}
	})
	_, _, err = c.w.do(desk.Retry{Which: desk.Which{Delivery: d.ID}})
	return true, err
}

func (c *crowd) asks() (out []broadcast.Delivery, err error) {
	for _, i := range c.w.said.incidents {
		walk, err := c.walkOf(i.ref)
		if err != nil {
			return nil, err
		}
		if walk == nil {
			continue
		}
		for _, d := range walk.Deliveries(audience) {
			if d.Audience.Asks() > 0 {
				out = append(out, d)
			}
		}
	}
	return out, nil
}

// walkOf is the walk of an incident; nil before there is one.
func (c *crowd) walkOf(name string) (*people.Walk, error) {
	ref, err := incident.ParseRef(name)
	if err != nil {
		return nil, err
	}
	walks, err := c.w.life.store.WalksOf(context.Background(), ref)
	return walks[audience], err
}

// idle reports whether nobody is to be told anything.
func (c *crowd) idle() bool {
	walks, err := c.w.life.store.Walks(context.Background(), audience)
	return err == nil && len(walks) == 0
}

// stands says how far the rounds are.
func (c *crowd) stands() string {
	var b strings.Builder
	for _, i := range c.w.said.incidents {
		walk, err := c.walkOf(i.ref)
		if err != nil || walk == nil {
			fmt.Fprintf(&b, "%s: no walk: %v\n", i.ref, err)
			continue
		}
		fmt.Fprintf(&b, "%s: said %v dropped %d frozen %v\n", i.ref, walk.Said, walk.Dropped, walk.Frozen)
		for _, r := range walk.Rounds {
			fmt.Fprintf(&b, "   round %d: %s %d.%d %s told %d unsure %d failed %d passed %d again %v, from %d to %d, wrapped %v\n",
				r.ID, r.Kind, r.Update, r.Revision, r.State, r.Told, r.Unsure, r.Failed, r.Passed, r.Again, r.Start, r.Place, r.Wrapped)
		}
	}
	for _, r := range c.readers {
		fmt.Fprintf(&b, "%s: stored %v state %s, excused %v:", r.chat, r.stored, r.sub.State, r.excused)
		for _, l := range r.letters {
			fmt.Fprintf(&b, " %s", l.topic)
		}
		fmt.Fprintln(&b)
	}
	return b.String()
}

// in reports whether a chat is one of a reader.
func (c *crowd) in(place string) bool {
	chat, err := strconv.ParseInt(place, 10, 64)
	return c != nil && err == nil && c.chats[chat] != nil
}
