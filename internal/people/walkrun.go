package people

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A run is what a walker knows while it holds its account. One goroutine owns
// it: it opens and closes batches. Others send them.
type run struct {
	*Walker
	lease broadcast.Lease
	began time.Time
	walks []*Walk
	fresh bool // walks are as they are in the store, as far as is known
	at    time.Time

	open    []*job
	sender  *sender
	closing []*Closing
	shares  map[int64]float64 // what walks have used of the limit, by weight
	texts   map[text]written
	again   map[again]int
	speed   speed
	until   time.Time // nothing is opened before this
	paying  bool
}

type again struct{ round, subscriber int64 }

// resends is how often somebody is sent a message again whose answer did not
// come, where that is the policy.
const resends = 2

func newRun(w *Walker, lease broadcast.Lease) *run {
	return &run{Walker: w, lease: lease, began: time.Now(), shares: map[int64]float64{}, texts: map[text]written{}, again: map[again]int{}, sender: newSender(w)}
}

// work walks until ctx ends or something fails.
func (r *run) work(ctx context.Context) error {
	if r.at.IsZero() {
		if err := r.recover(ctx); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		r.collect()
		if err := r.refresh(ctx); err != nil {
			return err
		}
		opened, err := r.next(ctx)
		switch {
		case errors.Is(err, broadcast.ErrChanged), errors.Is(err, broadcast.ErrFrozen):
			r.fresh = false
			continue
		case err != nil:
			return err
		case opened:
			continue
		}
		if err := r.flush(ctx); err != nil {
			return err
		}
		r.wait(ctx)
	}
	return nil
}

// recover settles what an earlier life left open. What it sent a moment ago
// still counts; where another node or boot sent, nobody knows when.
func (r *run) recover(ctx context.Context) error {
	left, err := r.Store.OpenBatches(ctx, r.Channel.Name)
	if err != nil {
		return err
	}
	r.until = r.began.Add(r.Journal.rests(r.began, r.pace.Per))
	for _, b := range left {
		if b.Journal != r.Journal.ID() {
			r.until = later(r.until, r.began.Add(r.pace.Per+leeway))
		}
		b.recover(r.Journal)
		b.Passed = len(b.People)
		for k := range b.People {
			b.People[k].Passed = k
		}
		r.close(b)
	}
	if len(left) > 0 {
		r.Log.Warn("batches that were under way when the process ended", "channel", r.Channel.Name, "batches", len(left))
	}
	return r.flush(ctx)
}

// close has a batch kept in the next step.
func (r *run) close(b *Batch) {
	c := b.close(func(subscriber int64) bool {
		if !r.Resend {
			return false
		}
		key := again{b.Round, subscriber}
		r.again[key]++
		return r.again[key] <= resends
	})
	r.sent.Add(int64(c.Told))
	r.unsure.Add(int64(c.Unsure))
	r.closing = append(r.closing, c)
	if c.Back {
		r.fresh = false
	}
}

// collect closes the batches that have ended.
func (r *run) collect() {
	kept := r.open[:0]
	for _, j := range r.open {
		if !j.ended() {
			kept = append(kept, j)
			continue
		}
		r.close(j.batch)
		r.speed.add(time.Now(), j.batch.Walk, len(j.batch.People))
		if j.trouble.After(r.until) {
			r.until = j.trouble
		}
	}
	r.open = kept
}

// flush keeps what has ended, where nothing is opened.
func (r *run) flush(ctx context.Context) error {
	if len(r.closing) == 0 {
		r.at = time.Now()
		return nil
	}
	return r.step(ctx, Step{})
}

// step takes a step together with what has ended.
func (r *run) step(ctx context.Context, s Step) error {
	s.Close = r.closing
	err := r.Store.Walk(context.WithoutCancel(ctx), r.lease, s)
	if err != nil && !errors.Is(err, broadcast.ErrChanged) && !errors.Is(err, broadcast.ErrFrozen) {
		return err
	}
	r.at = time.Now()
	for _, c := range r.closing {
		if p := r.Journal.find(c.Batch.ID); p != nil && c.Batch.Row == 0 {
			p.free()
		}
	}
	if len(r.closing) > 0 && len(r.walks) > 0 {
		for _, w := range r.walks {
			r.Changed(w.Incident.Ref.String())
		}
	}
	r.closing = nil
	return err
}

// refresh reads the walks again where something may have changed, and ends what
// is no longer to be said. Then messages may be begun again.
func (r *run) refresh(ctx context.Context) error {
	select {
	case <-r.Walker.again:
		r.fresh = false
	default:
	}
	if r.fresh && time.Since(r.at) < lookEvery {
		return nil
	}
	if len(r.closing) > 0 { // which say where rounds stand
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	walks, err := r.Store.Walks(ctx, r.Channel.Name)
	if err != nil {
		return err
	}
	r.walks, r.fresh = walks, true
	valid := map[int64]int64{}
	r.share()
	for _, w := range walks {
		w.kept()
		if !w.Frozen {
			valid[w.ID] = w.Version
		}
	}
	for _, j := range r.open {
		if version, ok := valid[j.batch.Walk]; !ok || version != j.version {
			j.cancel()
		}
	}
	r.let()
	return nil
}

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
}

// next opens the most urgent batch, if there is room.
func (r *run) next(ctx context.Context) (opened bool, err error) {
	now := time.Now()
	if now.Before(r.until) || r.busy() {
		return false, nil
	}
	var best *upcoming
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
		if best == nil || c.urgency < best.urgency || c.urgency == best.urgency && r.shares[w.ID] < r.shares[best.walk.ID] {
			best = c
		}
	}
	switch {
	case best == nil:
		return false, nil
	case best.edits != nil:
		return r.openEdits(ctx, best)
	}
	return r.openBatch(ctx, best)
}

// busy reports whether enough batches are open: those that only wait for a few
// late answers do not count.
func (r *run) busy() bool {
	n := 0
	for _, j := range r.open {
		if !j.slow() {
			n++
		}
	}
	return n >= maxBatches || len(r.open) >= sheets-2
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

// unsettled reports whether a batch is open that was begun before something
// changed: until it has ended it is not known who was told what.
func (r *run) unsettled(w *Walk) bool {
	for _, j := range r.open {
		if j.batch.Walk == w.ID && (j.version != w.Version || j.ctx.Err() != nil) {
			return true
		}
	}
	return false
}

// choose is what a walk does next: nil when it has nothing more to do.
func (r *run) choose(ctx context.Context, w *Walk, now time.Time) (*upcoming, error) {
	if !r.walking(w) {
		row, _, err := r.outdated(ctx, w)
		if err != nil {
			return nil, err
		}
		if row != nil {
			return &upcoming{walk: w, edits: row, urgency: -1}, nil
		}
	}
	w.Plan(r.Rules, now)
	open := w.open()
	if len(open) == 0 {
		return nil, nil
	}
	round := open[0]
	if u := w.Incident.Update(round.Update); round.Kind == broadcast.Say && now.Sub(u.PublishedAt) < publicFirst && r.Public != nil {
		answered, err := r.Public(ctx, w.Incident.Ref, round.Update)
		if err != nil || !answered {
			return &upcoming{walk: w}, err
		}
	}
	return &upcoming{walk: w, round: round, urgency: w.urgency(round)}, nil
}

// outdated finds messages that show something else than they should, and what
// that is.
func (r *run) outdated(ctx context.Context, w *Walk) (*Row, int, error) {
	for _, n := range w.Said {
		u := w.Incident.Update(n)
		shows := should(u)
		if shows == 1 || !w.told(n) {
			continue
		}
		if row, err := r.Store.Outdated(ctx, w.ID, n, shows); row != nil || err != nil {
			return row, shows, err
		}
	}
	return nil, 0, nil
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

// idle records that a walk has nothing more to do.
func (r *run) idle(ctx context.Context, w *Walk) error {
	r.fresh = false
	return r.step(ctx, Step{Walk: w, Rounds: w.changes(), Idle: true})
}

// size is how many people a batch has.
func (r *run) size() int {
	pace := r.pace
	if r.paying {
		pace = paidPace()
	}
	if pace.N <= 0 {
		return MaxBatch
	}
	long := max(stretch, r.sender.answerTime()*6/5)
	return min(max(int(float64(pace.N)/pace.Per.Seconds()*long.Seconds()), 8), MaxBatch)
}

// openBatch opens the next batch of a round, or ends the round.
func (r *run) openBatch(ctx context.Context, c *upcoming) (bool, error) {
	w, round := c.walk, c.round
	if !r.pay(w) || round.over() && r.walking(w) {
		return false, nil
	}
	if round.ID == 0 {
		if err := r.step(ctx, Step{Walk: w, Rounds: w.changes()}); err != nil {
			return false, err
		}
		w.kept()
	}
	b, err := r.gather(ctx, w, round)
	if err != nil {
		return false, err
	}
	round.Place, round.Wrapped = b.Hi, b.Wrapped
	round.Span = max(round.Span, b.Hi-b.Lo)
	round.Audience = max(round.Audience, int(r.people.Load()))
	round.Speed = r.speed.of(time.Now(), w.ID)
	step := Step{Walk: w}
	if len(b.People) > 0 {
		step.Open = b
		if r.paying {
			w.Paid += len(b.People)
		}
	} else if round.over() && !r.walking(w) { // otherwise somebody may still have to wait for another turn
		round.State = RoundDone
	}
	step.Rounds = w.changes()
	if err := r.step(ctx, step); err != nil {
		return false, err
	}
	w.kept()
	if len(b.People) == 0 {
		if b.Passed > 0 {
			round.Passed += b.Passed
			r.closing = append(r.closing, &Closing{Batch: b, Passed: b.Passed})
		}
		return true, nil
	}
	r.shares[w.ID] += float64(len(b.People)) / w.weight()
	return true, r.launch(ctx, w, b)
}

// launch hands a batch that was opened to the senders.
func (r *run) launch(ctx context.Context, w *Walk, b *Batch) error {
	j := newJob(ctx, b, w.Version, r.paying)
	if b.Row == 0 {
		s, err := r.Journal.begin(b.ID)
		if err != nil {
			return err
		}
		j.sheet = s
	}
	r.open = append(r.open, j)
	r.sender.send(j)
	return nil
}

// wait waits for the next reason to look.
func (r *run) wait(ctx context.Context) {
	t := time.NewTimer(lookEvery)
	defer t.Stop()
	select {
	case <-r.sender.news:
	case <-r.Walker.again:
		r.fresh = false
	case <-t.C:
	case <-ctx.Done():
	}
}

// end waits for the answers that are under way and keeps them.
func (r *run) end() {
	r.sender.stop()
	for _, j := range r.open {
		r.close(j.batch)
	}
	r.open = nil
	if err := r.flush(context.Background()); err != nil && !errors.Is(err, broadcast.ErrLost) {
		r.Log.Warn("what was sent last is settled at the next start", "channel", r.Channel.Name, "error", err)
	}
	if r.paying {
		r.setPaying(false)
	}
}
