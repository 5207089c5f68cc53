package people

import (
	"context"
	"errors"

	"github.com/allclear-hq/allclear/broadcast"
)

// follow goes after a person to where the platform moved him. The store knows
// that before he is written to there: after a crash it would otherwise look for
// what he was told where he is no more. It returns false when he is not to be
// written to now.
func (s *sender) follow(j *job, p *Person, to int64) bool {
	if to == 0 {
		return false
	}
	p.move(to)
	before, _ := s.left.of(p, j.batch.At)
	s.left.note(p)
	s.keeping.Lock() // what is being kept does not know of it
	if before != to {
		s.Journal.unlink(p.Subscriber)
	}
	s.keeping.Unlock()
	himself, err := s.Store.Follow(j.ctx, s.lease, p.Subscriber, Move{p.Chat, to})
	switch {
	case err != nil:
		if j.ctx.Err() == nil && !errors.Is(err, broadcast.ErrLost) {
			s.Log.Warn("a chat that has moved is followed later", "channel", s.Channel.Name, "error", err)
		}
		return false
	case !himself: // who is there is told as himself
		p.Result = Away
		return false
	}
	return true
}

// keep has the store take a step. What somebody was told before he moved is kept
// without the message, which is not where he is now.
func (r *run) keep(ctx context.Context, s Step) error {
	r.keeping.Lock()
	defer r.keeping.Unlock()
	for _, c := range s.Close {
		if err := r.left.unlink(c); err != nil {
			return err
		}
	}
	return r.Store.Walk(ctx, r.lease, s)
}

// unlink forgets the messages of those in a batch who moved after they were told.
func (l *leavers) unlink(c *Closing) (err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range c.Batch.People {
		p := &c.Batch.People[k]
		if to := l.chats[p.Chat].to; to == 0 || to == chat(p) || p.Result != Told || p.Edit != nil {
			continue
		}
		if c.Receipts, err = WithoutMessage(c.Receipts, p.Subscriber); err != nil {
			return err
		}
	}
	return nil
}
