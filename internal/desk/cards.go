package desk

import (
	"context"
	"encoding/json"
	"errors"
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
	crowdPace  = 6 * time.Second  // between two edits in a room that say only how far audiences are: a group takes few messages, which news must not wait for
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

// Cards keeps one card per open incident current in every room. Rooms do not
// wait for each other.
type Cards struct {
	CardsConfig
	boards []*board
}

// board is what one room is to see.
type board struct {
	room Room
	wake chan struct{}

	mu    sync.Mutex
	dirty []string
	since int // messages since the last card was posted

	news  map[string]string // what cards say besides how far audiences are
	moved time.Time         // when a card was edited that had no other news
	later bool              // a card waits for its turn to be
}

// NewCards returns cards that Run keeps current.
func NewCards(c CardsConfig) *Cards {
	cards := &Cards{CardsConfig: c}
	for _, room := range c.Rooms {
		cards.boards = append(cards.boards, &board{room: room, wake: make(chan struct{}, 1), news: map[string]string{}})
	}
	return cards
}

// Changed has an incident's card brought up to date soon. It never blocks.
func (c *Cards) Changed(ref string) {
	for _, b := range c.boards {
		b.changed(ref)
		select {
		case b.wake <- struct{}{}:
		default:
		}
	}
}

func (b *board) changed(ref string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.dirty, ref) {
		b.dirty = append(b.dirty, ref)
	}
}

// passed counts a message in a room, which pushes the cards up.
func (c *Cards) passed(account, chat string) {
	if c == nil {
		return
	}
	for _, b := range c.boards {
		if b.room.Account == account && b.room.Target == chat {
			b.mu.Lock()
			b.since++
			b.mu.Unlock()
		}
	}
}

// Run keeps the cards in the rooms of an account current until ctx ends. Only
// one node may do so, who has the account.
func (c *Cards) Run(ctx context.Context, account string) {
	var rooms sync.WaitGroup
	for _, b := range c.boards {
		if b.room.Account == account {
			rooms.Go(func() { c.keep(ctx, b) })
		}
	}
	rooms.Wait()
}

// keep keeps the cards of one room current.
func (c *Cards) keep(ctx context.Context, b *board) {
	c.markOpen(ctx, b) // whoever kept them until now may have stopped at any point
	c.refresh(ctx, b)
	for ctx.Err() == nil {
		timer := time.NewTimer(b.idle())
		select {
		case <-b.wake:
		case <-timer.C:
			c.markOpen(ctx, b)
		case <-ctx.Done():
		}
		timer.Stop()
		c.refresh(ctx, b)
		bots.Sleep(ctx, cardPace)
	}
}

// markOpen has all open incidents looked at, since time passes for them.
func (c *Cards) markOpen(ctx context.Context, b *board) {
	open, err := c.Desk.Reader.Unresolved(ctx)
	if err != nil && ctx.Err() == nil {
		c.Log.Warn("cards are out of date", "error", err)
	}
	for _, i := range open {
		if i.Begin.IsZero() {
			b.changed(i.Ref.String())
		}
	}
}

// refresh brings what has changed up to date. What fails is tried again with
// the next change, or after a while: by then only how things stand counts.
func (c *Cards) refresh(ctx context.Context, b *board) {
	b.mu.Lock()
	dirty := b.dirty
	b.dirty, b.later = nil, false
	b.mu.Unlock()
	for _, ref := range dirty {
		if err := c.bring(ctx, b, ref); err != nil && ctx.Err() == nil {
			c.Log.Warn("a card is out of date", "ref", ref, "room", b.room.Target, "error", err)
			b.changed(ref)
		}
	}
}

// bring brings an incident's card up to date in a room.
func (c *Cards) bring(ctx context.Context, b *board, ref string) error {
	r, err := incident.ParseRef(ref)
	if err != nil {
		return err
	}
	card, i, err := c.card(ctx, r)
	if errors.Is(err, ErrNotFound) || err == nil && (len(i.Updates) == 0 || b.room.Drill != i.Drill) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.show(ctx, b, ref, card, !i.ResolvedAt.IsZero())
}

// card is an incident's card as it is now.
func (c *Cards) card(ctx context.Context, ref incident.Ref) (Card, *incident.Incident, error) {
	i, err := c.Desk.Reader.Incident(ctx, ref)
	if err != nil || len(i.Updates) == 0 {
		return Card{}, i, err
	}
	ds, err := c.Desk.Reader.Deliveries(ctx, ref, c.Complete)
	if err != nil {
		return Card{}, nil, err
	}
	_, falseAlarm := c.Desk.Approved[incident.FalseAlarmPhrase]
	return NewCard(i, ds, CardSite{c.Desk.Zone, c.Simulator, falseAlarm}, time.Now()), i, nil
}

// Text is an incident's card without its buttons.
func (c *Cards) Text(ctx context.Context, ref incident.Ref) (string, error) {
	card, _, err := c.card(ctx, ref)
	return card.Text, err
}

// due reports whether a card is to be brought up to date now. One that would say
// nothing new but how far an audience is waits for its turn.
func (b *board) due(ref string, card Card) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	news := card.news()
	if b.news[ref] != news {
		b.news[ref] = news
		return true
	}
	if time.Since(b.moved) >= crowdPace {
		b.moved = time.Now()
		return true
	}
	b.later = true
	if !slices.Contains(b.dirty, ref) {
		b.dirty = append(b.dirty, ref)
	}
	return false
}

// idle is how long a room rests where nothing changes.
func (b *board) idle() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.later {
		return cardPace
	}
	return cardMinute
}

// show edits the card of a room, or posts it where there is none or it has
// scrolled away.
func (c *Cards) show(ctx context.Context, b *board, ref string, card Card, over bool) error {
	room := b.room
	message, said, err := c.Store.Card(ctx, ref, room.Account, room.Target)
	if err != nil {
		return err
	}
	now, err := json.Marshal(card)
	if err != nil || message != "" && said == string(now) {
		return err
	}
	if message != "" && !b.due(ref, card) {
		return nil
	}
	op := bots.Operation{Action: bots.Post, Target: room.Target, Text: card.Text, Buttons: card.Buttons}
	if message != "" && (over || !b.gone()) {
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
		c.posted(ctx, b, message)
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

// gone reports whether the room's cards have scrolled out of sight.
func (b *board) gone() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.since > scrolled
}

// posted starts counting anew, and takes the card before away.
func (c *Cards) posted(ctx context.Context, b *board, before string) {
	b.mu.Lock()
	b.since = 0
	b.mu.Unlock()
	if before != "" {
		if _, err := c.Say(ctx, b.room.Account, bots.Operation{Action: bots.Delete, Target: b.room.Target, Message: before}); err != nil {
			c.Log.Info("an old card stays", "room", b.room.Target, "error", err)
		}
	}
}
