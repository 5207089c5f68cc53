package people

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// isNew reports whether something was said in a walk of which nobody is told yet.
func (r *run) isNew(w *Walk) bool { return r.begun[w.ID] != w.Version }

// news reports whether something tells what is new, which edits do not.
func (r *run) news(c *upcoming) bool { return c.urgency != rewording && r.isNew(c.walk) }

// first is what goes on before all others of what is ready; nil where nothing is.
func (r *run) first(ready []*upcoming) (first *upcoming) {
	for _, c := range ready {
		waits := slices.ContainsFunc(ready, func(other *upcoming) bool { return r.precedes(other, c) })
		if !waits && (first == nil || r.before(c, first)) {
			first = c
		}
	}
	return first
}

// precedes reports whether something is more urgent than what another walk goes
// on with, and that not graver: hundreds of thousands who are told the end of a
// trifle do not keep those waiting whose money is stuck. Nor does what has spent
// its budget, and takes hours, keep what is paid for waiting.
func (r *run) precedes(c, other *upcoming) bool {
	return c.urgency < other.urgency && c.walk.weight() >= other.walk.weight() && (!r.unpaid(c) || r.unpaid(other))
}

// before reports whether one of two walks goes on before the other: the more
// urgent, of those that are alike the one in which something new was said, then
// the one that is paid for, which is soon done, all unless that is less grave, and
// otherwise the one that has used less of its share.
func (r *run) before(a, b *upcoming) bool {
	return cmp.Or(
		leads(a, b, r.precedes(a, b), r.precedes(b, a)),
		leads(a, b, r.news(a), r.news(b)),
		leads(a, b, r.unpaid(b), r.unpaid(a)),
		cmp.Compare(r.used(a), r.used(b)),
	) < 0
}

// leads orders two walks of which one has what puts it first, unless that is less
// grave: negative where it is the first, and 0 where this decides nothing.
func leads(a, b *upcoming, first, second bool) int {
	switch {
	case first && !second && a.walk.weight() >= b.walk.weight():
		return -1
	case second && !first && b.walk.weight() >= a.walk.weight():
		return 1
	}
	return 0
}

// used is how much of the limit a walk has used, together with the edits that it
// would go on with: those of a row, which are as long as many batches.
func (r *run) used(c *upcoming) float64 {
	used := r.shares[c.walk.ID]
	if row := c.edits; row != nil {
		used += float64(row.Hi-row.Lo) / c.walk.weight()
	}
	return used
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
		r.cut(c, r.open)
	}
	return nil
}

// cut ends those of some batches before which something goes.
func (r *run) cut(c *upcoming, open []*job) {
	for _, j := range open {
		if u := r.underWay(j); u != nil && r.before(c, u) {
			j.cancel()
		}
	}
}

// rewordings are the open batches of edits, which are as long as rows are: at a
// slow pace half a minute.
func (r *run) rewordings() (out []*job) {
	for _, j := range r.open {
		if j.batch.Row != 0 {
			out = append(out, j)
		}
	}
	return out
}

// underWay is what a batch tells, as if it were yet to come; nil where nothing of
// it can be held back any more, and for edits that go beside.
func (r *run) underWay(j *job) *upcoming {
	if r.beside(j.batch) || j.fed.Load() != 0 || j.ctx.Err() != nil {
		return nil
	}
	w := r.walkOf(j.batch)
	switch {
	case w == nil:
		return nil
	case j.batch.Row != 0:
		return &upcoming{walk: w, urgency: rewording}
	}
	if round := w.roundOf(j.batch); round != nil {
		return &upcoming{walk: w, round: round, urgency: w.urgency(round)}
	}
	return nil
}
