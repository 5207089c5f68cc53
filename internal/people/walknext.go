package people

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// share has a new walk begin with as much of the limit as those that have used
// least of it.
func (r *run) share() {
	shares := map[int64]float64{}
	least := math.Inf(1)
	for _, w := range r.walks {
		if used, ok := r.shares[w.ID]; ok {
			shares[w.ID] = used
			least = min(least, used)
		}
	}
	for _, w := range r.walks {
		if _, ok := shares[w.ID]; !ok {
			shares[w.ID] = 0
			if !math.IsInf(least, 1) {
				shares[w.ID] = least
			}
		}
	}
	r.shares = shares
}

// An upcoming is what could be opened next.
type upcoming struct {
	walk    *Walk
	round   *Round // nil for edits
	edits   *Row
	urgency int
	first   bool // nothing of the walk goes before it
}

// next opens the most urgent batch, if there is room.
func (r *run) next(ctx context.Context) (opened bool, err error) {
	now := time.Now()
	if now.Before(r.until) {
		return false, nil
	}
	if r.askPlatform(ctx); !r.listens() {
		return false, nil
	}
	if r.busy() {
		return false, r.makeWay(ctx)
	}
	var ready []*upcoming
	for _, w := range r.walks {
		if w.Frozen || r.unsettled(w) {
			continue
		}
		c, err := r.choose(ctx, w, now)
		if err != nil {
			return false, err
		}
		if c == nil {
			if !r.walking(w) {
				return true, r.idle(ctx, w)
			}
			continue
		}
		if c.round == nil && c.edits == nil { // waits
			continue
		}
		ready = append(ready, c)
	}
	first := r.first(ready)
	switch {
	case first == nil:
		return false, nil
	case first.edits != nil:
		return r.openEdits(ctx, first)
	}
	if r.news(first) {
		r.cut(first, r.rewordings())
	}
	return r.openBatch(ctx, first)
}

// keepApart has a new walk begin well after others that go on beside it: as many
// ids as people are told in twenty seconds. Closer behind each other both would
// wait for whom the other has just written to, at every step until the end.
func (r *run) keepApart(ctx context.Context, w *Walk) error {
	if len(w.Rounds) > 0 || len(r.walks) < 2 {
		return nil
	}
	newest, err := r.Store.NewestSubscriber(ctx)
	if err != nil {
		return err
	}
	pace := r.fastest()
	apart := min(20*int64(pace.N)*int64(time.Second)/max(int64(pace.Per), 1), newest/int64(len(r.walks)+1))
	for range r.walks { // each may be met once
		for _, other := range r.walks {
			for _, round := range other.open() {
				if near := w.Before - round.Place; -apart < near && near < apart {
					w.Before = (round.Place + apart) % max(newest, 1)
				}
			}
		}
	}
	return nil
}

// walking reports whether a batch of a walk is open.
func (r *run) walking(w *Walk) bool {
	for _, j := range r.open {
		if j.batch.Walk == w.ID {
			return true
		}
	}
	return false
}

// sending reports whether a batch of a round is open.
func (r *run) sending(round *Round) bool {
	return slices.ContainsFunc(r.open, func(j *job) bool { return j.batch.Round == round.ID })
}

// unsettled reports whether a batch is open that was begun before something
// changed, or that its round went back behind: until it has ended it is not
// known who was told what. So it is for a moment where patience ended.
func (r *run) unsettled(w *Walk) bool {
	for _, j := range r.open {
		if j.batch.Walk == w.ID && (j.version != w.Version || j.ctx.Err() != nil && !j.slow() || w.wentBack(j.batch)) {
			return true
		}
	}
	return false
}

// owes reports whether what ended has to be in the store before a walk goes on,
// since who is told next depends on it. Otherwise the next step keeps it.
func (r *run) owes(w *Walk) bool {
	walking := r.walking(w)
	return slices.ContainsFunc(r.closing, func(c *Closing) bool {
		return c.Batch.Walk == w.ID && (!walking || c.Batch.Row != 0 || w.wentBack(c.Batch))
	})
}

// choose is what a walk does next: nil when it has nothing more to do.
func (r *run) choose(ctx context.Context, w *Walk, now time.Time) (*upcoming, error) {
	if r.owes(w) {
		if err := r.flush(ctx); err != nil {
			return nil, err
		}
	}
	edits, err := r.rewrites(ctx, w, now)
	if err != nil || edits != nil && edits.first {
		return edits, err
	}
	news, err := r.tells(ctx, w, now)
	if err == nil && edits != nil && (news == nil || news.round == nil) {
		return edits, nil
	}
	return news, err
}

// tells is what a walk tells next: nil where nothing more is to be told.
func (r *run) tells(ctx context.Context, w *Walk, now time.Time) (*upcoming, error) {
	if err := r.keepApart(ctx, w); err != nil {
		return nil, err
	}
	w.Plan(r.Rules, now)
	open := w.open()
	if len(open) == 0 {
		if row, err := r.outdated(ctx, w, now.Add(lateEvery)); row != nil || err != nil { // which has to wait
			return &upcoming{walk: w}, err
		}
		return nil, nil
	}
	k := slices.IndexFunc(open, func(round *Round) bool {
		return (!round.over() && !round.laps() || !r.sending(round)) && !now.Before(r.late[round.ID]) && !now.Before(r.refusals[round.ID].until)
	})
	if k < 0 { // the last of them have no answer yet, or have to wait
		return &upcoming{walk: w}, nil
	}
	round := open[k]
	if u := w.Incident.Update(round.Update); round.Kind == broadcast.Say && now.Sub(u.PublishedAt) < publicFirst && r.Public != nil {
		answered, err := r.Public(ctx, w.Incident.Ref, round.Update)
		if err != nil || !answered {
			return &upcoming{walk: w}, err
		}
	}
	return &upcoming{walk: w, round: round, urgency: w.urgency(round)}, nil
}

// outdated finds messages that show something else than they should, of those that
// need not wait.
func (r *run) outdated(ctx context.Context, w *Walk, now time.Time) (*Row, error) {
	for _, u := range w.amended() {
		if row, err := r.Store.Outdated(ctx, w.ID, u.N, should(u), r.waiting(w, should(u), now)); row != nil || err != nil {
			return row, err
		}
	}
	return nil, nil
}

// amended lists the updates whose messages are to be changed. First comes what
// nobody may read any more, then what is withdrawn, then what is corrected; of
// each the newest, since more was said after the others.
func (w *Walk) amended() (out []*incident.Update) {
	for _, n := range slices.Backward(w.Said) {
		if u := w.Incident.Update(n); should(u) != 1 && w.told(n) {
			out = append(out, u)
		}
	}
	slices.SortStableFunc(out, func(a, b *incident.Update) int { return min(should(a), 1) - min(should(b), 1) })
	return out
}

// should is what messages about an update show.
func should(u *incident.Update) int {
	switch {
	case u.Retraction == nil:
		return len(u.Revisions)
	case u.Retraction.Delete:
		return ShowsNothing
	}
	return ShowsTombstone
}
