package people

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// close has a batch kept in the next step.
func (r *run) close(b *Batch) {
	c := b.close(func(subscriber int64) bool {
		key := Resend{b.Round, subscriber}
		if !r.Resend || r.again[key] == resends {
			return false
		}
		r.again[key]++
		return true
	})
	r.settle(c)
	r.bereave(b)
	c.Ask, c.Refused = r.Ask, r.failed(b)
	r.count(c)
	r.unspend(c)
	r.unsure.Add(int64(c.Unsure))
	r.closing = append(r.closing, c)
	r.tellMoved(b)
	r.noteEdits(b)
	if c.moves() {
		r.fresh = false
	}
}

// failed reports whether the round of a batch failed somebody before, as far as is
// known.
func (r *run) failed(b *Batch) bool {
	w := r.walkOf(b)
	if w == nil {
		return true
	}
	round := w.roundOf(b)
	return round == nil || round.Failed > 0
}

// count counts who was told. Who was told before is not, though it goes on with him.
func (r *run) count(c *Closing) {
	if c.Told == 0 {
		return
	}
	r.moved = time.Now()
	r.taken += c.Told
	if c.Batch.Row == 0 {
		r.sent.Add(int64(c.Told))
	}
}

// bereave remembers whose message was found to be gone that he was to be answered
// to, until he is told without. Otherwise whoever has to wait for another turn
// would find that out in each, and be told nothing.
func (r *run) bereave(b *Batch) {
	for k := range b.People {
		switch p := &b.People[k]; {
		case !p.Waits():
			delete(r.orphans, p.Subscriber)
		case p.Orphan != 0:
			r.orphans[p.Subscriber] = p.Orphan
		}
	}
}

// settle notes who waited to be told once more and does not any more.
func (r *run) settle(c *Closing) {
	for k := range c.Batch.People {
		p := &c.Batch.People[k]
		key := Resend{c.Batch.Round, p.Subscriber}
		if p.Kept || p.Waits() || r.again[key] == 0 || slices.Contains(c.Resent, p.Subscriber) {
			continue
		}
		delete(r.again, key)
		c.Settled = append(c.Settled, p.Subscriber)
	}
}

// collect closes the batches that have ended.
func (r *run) collect(ctx context.Context) {
	kept := r.open[:0]
	for _, j := range r.open {
		if !j.ended() {
			r.part(j)
			kept = append(kept, j)
			continue
		}
		r.close(j.batch)
		r.weigh(ctx, j, time.Now())
		r.charge(j.batch)
		r.speed.add(time.Now(), j.batch.Walk, j.batch.done())
		if j.trouble.After(r.until) {
			r.until = j.trouble
		}
	}
	r.open = kept
}

// charge has edits count as what a walk has used of the limit when they have
// ended, since they may end long before their row.
func (r *run) charge(b *Batch) {
	w := r.walkOf(b)
	if w == nil || b.Row == 0 || r.beside(b) {
		return
	}
	r.shares[w.ID] += float64(b.done()) / w.weight()
}

// flush keeps what has ended, where nothing is opened.
func (r *run) flush(ctx context.Context) error {
	if len(r.closing) == 0 {
		r.at = time.Now()
		return nil
	}
	return r.step(ctx, Step{})
}

// step takes a step together with what has ended. Where rounds stand is kept only
// as it was read after anything that moves them: otherwise people would be passed
// over. Then nothing is opened, as if the walk had changed.
func (r *run) step(ctx context.Context, s Step) error {
	stale := s.Walk != nil && !r.fresh
	if stale {
		s = Step{}
	}
	s.Close = r.closing
	err := r.keep(context.WithoutCancel(ctx), s)
	if err != nil && !refused(err) {
		return err
	}
	if stale {
		err = broadcast.ErrChanged
	}
	r.at = time.Now()
	for _, c := range r.closing {
		if c.Part() {
			continue
		}
		if p := r.Journal.find(c.Batch.Journal); p != nil && !(r.ending && c.Batch.Row != 0) { // another life may go on with edits
			p.free()
		}
	}
	if len(r.closing) > 0 {
		for _, w := range r.walks {
			r.Changed(w.Incident.Ref.String())
		}
	}
	r.forgetLeft(s.Open)
	r.closing = nil
	return err
}

// forgetLeft leaves it to the store who left, for whatever is gathered from now
// on.
func (r *run) forgetLeft(opened *Batch) {
	for _, c := range r.closing {
		r.left.kept(c.Batch, r.at)
	}
	var oldest time.Time
	if opened != nil {
		oldest = opened.At
	}
	for _, j := range r.open {
		if oldest.IsZero() || j.batch.At.Before(oldest) {
			oldest = j.batch.At
		}
	}
	r.left.forget(oldest)
}

// refused reports whether a step kept what has ended and opened nothing.
func refused(err error) bool {
	return errors.Is(err, broadcast.ErrChanged) || errors.Is(err, broadcast.ErrFrozen)
}

// idle records that a walk has nothing more to do.
func (r *run) idle(ctx context.Context, w *Walk) error {
	r.forget(w)
	err := r.step(ctx, Step{Walk: w, Rounds: w.changes(), Idle: true})
	r.fresh = false
	return err
}

// forget forgets how a walk went that has nothing more to do.
func (r *run) forget(w *Walk) {
	maps.DeleteFunc(r.edited, func(_ int64, e *edited) bool { return e.walk == w.ID })
	delete(r.begun, w.ID)
	delete(r.turns, w.ID)
	r.speed.forget(w.ID)
	for k := range w.Rounds {
		delete(r.late, w.Rounds[k].ID)
	}
}
