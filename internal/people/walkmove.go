package people

import (
	"context"
	"errors"
	"slices"

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
	s.moved(j, p, to)
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

// moved notes where the platform moved a person, and that no message is there of
// which he was told before.
func (s *sender) moved(j *job, p *Person, to int64) {
	if p.move(to); to == 0 {
		return
	}
	before, _ := s.left.of(p, j.batch.At)
	s.left.note(p)
	s.keeping.Lock() // what is being kept does not know of it
	defer s.keeping.Unlock()
	if before != to {
		s.Journal.unlink(p.Subscriber)
	}
}

// tellMoved has those told aloud whose messages were to be changed and cannot be
// any more, since they have moved away from them: by a round of their own, for the
// one for everybody may have passed them over.
func (r *run) tellMoved(b *Batch) {
	w := r.walkOf(b)
	if w == nil || b.Row == 0 {
		return
	}
	round := w.loud(b.Update, r.Rules)
	if round == nil || round.ID == 0 { // one that is yet to come finds them
		return
	}
	c := &Closing{Batch: &Batch{Walk: b.Walk, Round: round.ID, Kind: round.Kind, Update: round.Update, At: b.At}}
	for k := range b.People {
		if p := &b.People[k]; p.Edit.Aloud && p.To != 0 && !r.telling(c.Batch, p.Subscriber) {
			c.Late = append(c.Late, p.Subscriber)
		}
	}
	if len(c.Late) > 0 {
		r.closing, r.fresh = append(r.closing, c), false
	}
}

// telling reports whether somebody is just being told the same as by a batch.
func (r *run) telling(same *Batch, subscriber int64) bool {
	return slices.ContainsFunc(r.open, func(j *job) bool {
		b := j.batch
		return b.Walk == same.Walk && b.Row == 0 && b.Kind == same.Kind && b.Update == same.Update && b.has(subscriber)
	})
}

// loud is the round that says aloud that an update was wrong, as it stands or is
// to come; nil where that is not said aloud.
func (w *Walk) loud(update int, rules Rules) *Round {
	for _, x := range w.wants(rules) {
		if x.Kind != broadcast.Say && x.Update == update {
			if last := w.last(&x); last != nil && last.State != RoundSuperseded {
				return last
			}
			return &x
		}
	}
	return nil
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
