package model

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store"
)

// join has a life listen to the subscribers and write to them.
func (c *crowd) join(l *life, account broadcast.Account) (err error) {
	if l.marks, err = people.OpenJournal(filepath.Join(c.w.dir, fmt.Sprintf("walk-%d", l.seat))); err != nil {
		return err
	}
	batcher, ok := account.Bot.(bots.Batcher)
	if !ok {
		return errors.New("nobody hears the subscribers")
	}
	way := road{l.engine.Road(account.Name), l, account.Name}
	ch := broadcast.Channel{Name: audience, Account: account.Name, Platform: account.Platform, Language: "en", Audience: true}
	if l.walker, ok = people.NewWalker(people.WalkerConfig{
		Channel: ch, Bot: account.Bot, Store: &walkStore{Store: l.store, life: l, crowd: c}, Road: way, Journal: l.marks, Language: "en",
		Rules:  people.Rules{EditOnly: c.w.script.EditOnly},
		Resend: c.w.script.People == "resend", Ask: c.w.script.People != "assume",
		Log: slog.New(slog.DiscardHandler),
	}); !ok {
		return errors.New("nobody writes to the subscribers")
	}
	talk := people.New(people.Config{
		Account: account.Name, Bot: account.Bot, Store: &peopleStore{Store: l.store, life: l, crowd: c}, Texts: c.w.texts, Site: "Example",
		Language: "en", Languages: []string{"en"}, Zone: time.UTC, Components: []people.Component{{ID: "login", Name: "Login"}, {ID: "deposits", Name: "Deposits"}},
		Published: l.store.Published, Walker: l.walker, Log: slog.New(slog.DiscardHandler),
		Say: func(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
			return l.engine.Say(ctx, account.Name, broadcast.Answer, op)
		},
	})
	ear := &people.Listener{Audience: talk, Bot: batcher, Rooms: func(bots.Event) bool { return false }}
	l.engine.While(account.Name, func(ctx context.Context, _ broadcast.Lease) { l.listen(ctx, account.Name, ear) })
	l.engine.While(account.Name, func(ctx context.Context, _ broadcast.Lease) { talk.Run(ctx) })
	l.engine.While(account.Name, l.walker.Run)
	l.engine.While(account.Name, func(ctx context.Context, _ broadcast.Lease) { l.walker.Count(ctx) })
	return nil
}

// listen hears the subscribers until ctx ends.
func (l *life) listen(ctx context.Context, account string, ear bots.Listener) {
	for ctx.Err() == nil {
		cursor, err := l.store.Cursor(ctx, account)
		if err == nil {
			err = ear.Listen(ctx, cursor, func(context.Context, bots.Event) error { return nil })
		}
		if err != nil {
			pauseFor(ctx, time.Second)
		}
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// obeyed waits until the other nodes have seen what is frozen, as the program
// does.
func (l *life) obeyed() {
	if l.crowd == nil {
		return
	}
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if heeded, err := l.store.Heeded(context.Background()); err == nil && heeded {
			return
		}
	}
}

// freeSeat is the first seat that no process has: that of one which was killed
// has the journal that it left.
func (w *world) freeSeat() int {
	taken := map[int]bool{}
	for _, l := range append(slices.Clone(w.others), w.life) {
		if l != nil && !l.ended() {
			taken[l.seat] = true
		}
	}
	seat := 0
	for taken[seat] {
		seat++
	}
	return seat
}

// ended reports whether nothing of a life is left.
func (l *life) ended() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// A road is the way of a process that may die. Who is halted notices it where
// he waits for his turn, and on the wire: the moment between is over before he
// could be.
type road struct {
	*broadcast.Road
	life    *life
	account string
}

func (r road) Turn(ctx context.Context, wish broadcast.Wish) (broadcast.Place, error) {
	r.life.gate.wait()
	place, err := r.Road.Turn(ctx, wish)
	r.life.gate.wait()
	return place, err
}

func (r road) Rightful(now time.Time) error {
	if r.life.gone() || r.life.boundary("before mark", r.account) {
		return errDead
	}
	return r.Road.Rightful(now)
}

// walkStore is the walker's store as a process that may die sees it, or cannot reach it
// for a while.
type walkStore struct {
	*store.Store
	life  *life
	crowd *crowd
}

var errMissing = errors.New("the database cannot be reached")

// reach is what comes of reaching for the database.
func (s *walkStore) reach() error {
	s.life.gate.wait()
	s.life.mu.Lock()
	defer s.life.mu.Unlock()
	if time.Now().Before(s.life.missing) {
		return errMissing
	}
	return nil
}

func (s *walkStore) Walks(ctx context.Context, channel string) ([]*people.Walk, error) {
	time.Sleep(s.life.lag(channels[audience].Account))
	if err := s.reach(); err != nil {
		return nil, err
	}
	return s.Store.Walks(ctx, channel)
}

func (s *walkStore) Vacant(ctx context.Context, account string) (time.Duration, bool, error) {
	if err := s.reach(); err != nil {
		return 0, false, err
	}
	return s.Store.Vacant(ctx, account)
}

func (s *walkStore) Heed(ctx context.Context, lease broadcast.Lease, fence int64) error {
	if err := s.reach(); err != nil {
		return err
	}
	if s.life.gone() {
		return errDead
	}
	return s.Store.Heed(ctx, lease, fence)
}

func (s *walkStore) Rows(ctx context.Context, w *people.Walk, lo, hi int64) ([]people.Row, error) {
	if err := s.reach(); err != nil {
		return nil, err
	}
	return s.Store.Rows(ctx, w, lo, hi)
}

func (s *walkStore) OpenBatches(ctx context.Context, channel string) ([]*people.Batch, error) {
	if err := s.reach(); err != nil {
		return nil, err
	}
	left, err := s.Store.OpenBatches(ctx, channel)
	s.crowd.found(s.life, left)
	return left, err
}

func (s *walkStore) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	time.Sleep(s.life.lag(lease.Account))
	if s.life.crosses("before step", lease.Account) {
		return errDead
	}
	if err := s.reach(); err != nil {
		return err
	}
	err := s.Store.Walk(ctx, lease, step)
	kept := err == nil || errors.Is(err, broadcast.ErrChanged) || errors.Is(err, broadcast.ErrFrozen)
	if errors.Is(err, broadcast.ErrLost) { // then only if nobody else had it yet
		kept = s.Store.Walk(ctx, lease, people.Step{}) == nil
	}
	if kept {
		s.crowd.closed(s.life, step.Close)
	}
	if err == nil {
		s.crowd.opened(s.life, step)
	}
	switch {
	case s.life.crosses("after step", lease.Account):
		return errDead
	case s.life.forget(): // it is stored, and nobody knows
		return errFull
	}
	return err
}

func (s *walkStore) Follow(ctx context.Context, lease broadcast.Lease, subscriber int64, m people.Move) (bool, error) {
	if err := s.reach(); err != nil {
		return false, err
	}
	if s.life.gone() {
		return false, errDead
	}
	himself, err := s.Store.Follow(ctx, lease, subscriber, m)
	if err == nil {
		s.crowd.moved(m.From, m.To)
	}
	return himself, err
}

// peopleStore is the store of the dialogue as a process that may die sees it.
type peopleStore struct {
	*store.Store
	life  *life
	crowd *crowd
}

func (s *peopleStore) ChangeSubscribers(ctx context.Context, bot, cursor string, chats []int64, change func(people.Subscriber) *people.Subscriber) error {
	if s.life.crosses("before hearing", bot) {
		return errDead
	}
	now := map[int64]*people.Subscriber{}
	err := s.Store.ChangeSubscribers(ctx, bot, cursor, chats, func(was people.Subscriber) *people.Subscriber {
		is := change(was)
		now[was.Chat] = is
		return is
	})
	if err == nil {
		s.crowd.changed(s.life, now)
	}
	time.Sleep(s.life.lag(bot))
	if s.life.crosses("after hearing", bot) {
		return errDead
	}
	return err
}

func (s *peopleStore) MoveSubscriber(ctx context.Context, bot string, from, to int64) error {
	s.life.gate.wait()
	if s.life.gone() {
		return errDead
	}
	err := s.Store.MoveSubscriber(ctx, bot, from, to)
	if err == nil {
		s.crowd.moved(from, to)
	}
	return err
}

func (s *peopleStore) MarkSubscriber(ctx context.Context, bot string, chat int64, state people.State, at time.Time) error {
	s.life.gate.wait()
	if s.life.gone() {
		return errDead
	}
	err := s.Store.MarkSubscriber(ctx, bot, chat, state, at)
	if err == nil {
		s.crowd.marked(s.life, chat)
	}
	return err
}
