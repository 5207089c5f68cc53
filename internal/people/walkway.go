package people

import (
	"context"
	"time"
)

// isNew reports whether something was said in a walk of which nobody is told yet.
func (r *run) isNew(w *Walk) bool { return r.begun[w.ID] != w.Version }

// before reports whether one of two walks goes on before the other: the more
// urgent, of those that are alike the one in which something new was said, unless
// that is less grave, and otherwise the one that has used less of its share.
func (r *run) before(a, b *upcoming) bool {
	switch x, y := r.isNew(a.walk), r.isNew(b.walk); {
	case a.urgency != b.urgency:
		return a.urgency < b.urgency
	case x && !y && a.walk.weight() >= b.walk.weight():
		return true
	case y && !x && b.walk.weight() >= a.walk.weight():
		return false
	}
	return r.shares[a.walk.ID] < r.shares[b.walk.ID]
}

// makeWay ends the batches that keep something new waiting which goes before
// them: who was not written to yet has his turn after it. The batch that is still
// queued ends at once, and that makes room.
func (r *run) makeWay(ctx context.Context) error {
	now := time.Now()
	if now.Before(r.until) || !r.busy() {
		return nil
	}
	for _, w := range r.walks {
		if w.Frozen || !r.isNew(w) || r.walking(w) {
			continue
		}
		c, err := r.choose(ctx, w, now)
		if err != nil {
			return err
		}
		if c == nil || c.round == nil {
			continue
		}
		for _, j := range r.open {
			if u := r.underWay(j); u != nil && r.before(c, u) {
				j.cancel()
			}
		}
	}
	return nil
}

// underWay is what a batch tells, as if it were yet to come; nil where nothing of
// it can be held back any more, and for edits.
func (r *run) underWay(j *job) *upcoming {
	if j.batch.Row != 0 || j.fed.Load() != 0 || j.ctx.Err() != nil {
		return nil
	}
	for _, w := range r.walks {
		if round := w.roundOf(j.batch); w.ID == j.batch.Walk && round != nil {
			return &upcoming{walk: w, round: round, urgency: w.urgency(round)}
		}
	}
	return nil
}
