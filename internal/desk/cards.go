package desk

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Times of cards.
const (
	cardPace   = 3 * time.Second  // between two edits of one card
	cardMinute = 20 * time.Second // after which minutes left may have changed
	scrolled   = 12               // messages in a room after which its cards are out of sight
)

// CardsConfig is what cards need.
type CardsConfig struct {
	Desk      *Desk
	Store     RoomStore
	Rooms     []Room
	Say       func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error)
	Complete  func(*broadcast.Lane)
	Simulator bool
	Log       *slog.Logger
}

// Cards keeps one card per open incident current in every room.
type Cards struct {
	CardsConfig

	mu    sync.Mutex
	dirty []string
	since map[Room]int // messages since the last card was posted
	wake  chan struct{}
}

// NewCards returns cards that Run keeps current.
func NewCards(c CardsConfig) *Cards {
	return &Cards{CardsConfig: c, since: map[Room]int{}, wake: make(chan struct{}, 1)}
}

// Changed has an incident's card brought up to date soon. It never blocks.
func (c *Cards) Changed(ref string) {
	c.mu.Lock()
	if !slices.Contains(c.dirty, ref) {
		c.dirty = append(c.dirty, ref)
	}
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// passed counts a message in a room, which pushes the cards up.
func (c *Cards) passed(account, chat string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, room := range c.Rooms {
		if room.Account == account && room.Target == chat {
			c.since[room]++
		}
	}
}

// Run keeps the cards current until ctx ends.
func (c *Cards) Run(ctx context.Context) {
	for ctx.Err() == nil {
		timer := time.NewTimer(cardMinute)
		select {
		case <-c.wake:
		case <-timer.C:
			c.markOpen(ctx)
		case <-ctx.Done():
		}
		timer.Stop()
		c.refresh(ctx)
		wait(ctx, cardPace)
	}
}

// markOpen has all open incidents looked at, since time passes for them.
func (c *Cards) markOpen(ctx context.Context) {
	open, err := c.Desk.Reader.Unresolved(ctx)
	if err != nil && ctx.Err() == nil {
		c.Log.Warn("cards are out of date", "error", err)
	}
	for _, i := range open {
		if i.Begin.IsZero() {
			c.Changed(i.Ref.String())
		}
	}
}

func (c *Cards) refresh(ctx context.Context) {
	c.mu.Lock()
	dirty := c.dirty
	c.dirty = nil
	c.mu.Unlock()
	for _, ref := range dirty {
		if err := c.bring(ctx, ref); err != nil && ctx.Err() == nil {
			c.Log.Warn("a card is out of date", "ref", ref, "error", err)
		}
	}
}

// bring brings an incident's card up to date in every room that shows it.
func (c *Cards) bring(ctx context.Context, ref string) error {
	r, err := incident.ParseRef(ref)
	if err != nil {
		return err
	}
	i, err := c.Desk.Reader.Incident(ctx, r)
	if err != nil || len(i.Updates) == 0 {
		return err
	}
	ds, err := c.Desk.Reader.Deliveries(ctx, r, c.Complete)
	if err != nil {
		return err
	}
	card := NewCard(i, ds, c.Desk.Zone, c.Simulator, time.Now())
	for _, room := range c.Rooms {
		if room.Drill != i.Drill {
			continue
		}
		if err := c.show(ctx, room, ref, card, !i.ResolvedAt.IsZero()); err != nil {
			c.Log.Warn("a card is out of date", "ref", ref, "room", room.Target, "error", err)
		}
	}
	return nil
}

// show edits the card of a room, or posts it where there is none or it has
// scrolled away.
func (c *Cards) show(ctx context.Context, room Room, ref string, card Card, over bool) error {
	message, said, err := c.Store.Card(ctx, ref, room.Account, room.Target)
	if err != nil {
		return err
	}
	now, err := json.Marshal(card)
	if err != nil || message != "" && said == string(now) {
		return err
	}
	op := bots.Operation{Action: bots.Post, Target: room.Target, Text: card.Text, Buttons: card.Buttons}
	if message != "" && (over || !c.gone(room)) {
		op.Action, op.Message = bots.Edit, message
	}
	receipt, err := c.Say(ctx, room.Account, op)
	if fault := faultOf(err); err != nil && op.Action == bots.Edit && (fault.Kind == bots.Gone || fault.Kind == bots.Rejected) {
		op.Action, op.Message = bots.Post, "" // somebody deleted it
		receipt, err = c.Say(ctx, room.Account, op)
	}
	if err != nil {
		return err
	}
	if op.Action == bots.Post {
		c.posted(ctx, room, message)
		message = receipt.ID
		if err := c.Store.Remember(ctx, RoomMessage{room.Account, room.Target, message}, ref); err != nil {
			return err
		}
	}
	return c.Store.SetCard(ctx, ref, room.Account, room.Target, message, string(now))
}

func faultOf(err error) bots.Fault {
	if err == nil {
		return bots.Fault{}
	}
	return *bots.AsFault(err)
}

// gone reports whether a room's cards have scrolled out of sight.
func (c *Cards) gone(room Room) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.since[room] > scrolled
}

// posted starts counting anew, and takes the card before away.
func (c *Cards) posted(ctx context.Context, room Room, before string) {
	c.mu.Lock()
	c.since[room] = 0
	c.mu.Unlock()
	if before != "" {
		if _, err := c.Say(ctx, room.Account, bots.Operation{Action: bots.Delete, Target: room.Target, Message: before}); err != nil {
			c.Log.Info("an old card stays", "room", room.Target, "error", err)
		}
	}
}
