package people

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// A run is what a walker knows while it holds its account. One goroutine owns
// it: it opens and closes batches. Others send them.
type run struct {
	*Walker
	lease broadcast.Lease
	began time.Time
	walks []*Walk
	fresh bool      // walks are as they are in the store, as far as is known
	read  time.Time // when they were read: another node may have changed others since
	at    time.Time // of the last step

	open     []*job
	sender   *sender
	editor   *sender // of what is edited beside the messages
	closing  []*Closing
	shares   map[int64]float64 // what walks have used of the limit, by weight
	begun    map[int64]int64   // the version of a walk at which people were looked for last
	texts    map[text]string   // that messages are edited to
	wordings map[text]*Wording
	latest   text // of the wording that was asked for last
	packed   *Wording
	again    map[Resend]int      // how often they were sent a message whose answer did not come; nil until it is loaded
	refusals map[int64]refusal   // of rounds, by id
	late     map[int64]time.Time // rounds of those who have to wait for long, by id: nothing of them is opened before this
	orphans  map[int64]int64     // by subscriber: what cannot be answered, for who has not been told since
	edited   map[int64]*edited   // by row: whose messages show what they should, where others of the row do not yet
	turns    map[int64]int       // by walk: messages that come before more of it is reworded
	speed    speed
	stride   stride
	until    time.Time                 // nothing is opened before this
	resumed  map[uint64]map[int64]bool // whose messages were edited when an earlier life ended, by the name of the edits
	just     map[int64]bool            // subscribers whom an earlier life wrote to, until justAt
	justAt   time.Time
	paying   bool
	out      bool      // the platform does not answer
	stuck    bool      // the rooms know that nobody is told anything
	moved    time.Time // when somebody was told last, or waited for first
	taken    int       // messages and edits that the platform took
	ending   bool
}

// A Resend is somebody who is sent a message of a round again.
type Resend struct{ Round, Subscriber int64 }

// resends is how often somebody is sent a message again whose answer did not
// come, where that is the policy.
const resends = 2

func newRun(ctx context.Context, w *Walker, lease broadcast.Lease) *run {
	w.left.begin()
	news := make(chan struct{}, 1)
	return &run{
		Walker: w, lease: lease, began: time.Now(), shares: map[int64]float64{}, begun: map[int64]int64{},
		texts: map[text]string{}, wordings: map[text]*Wording{}, refusals: map[int64]refusal{}, late: map[int64]time.Time{},
		orphans: map[int64]int64{}, edited: map[int64]*edited{}, resumed: map[uint64]map[int64]bool{}, turns: map[int64]int{},
		sender: newSender(ctx, w, lease, news), editor: newSender(ctx, w, lease, news),
	}
}

// work walks until ctx ends or something fails.
func (r *run) work(ctx context.Context) error {
	if r.at.IsZero() {
		if err := r.recover(ctx); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		r.stopPaying(ctx)
		r.heed()
		r.collect(ctx)
		if err := r.refresh(ctx); err != nil {
			return err
		}
		if err := r.unstick(ctx); err != nil {
			return err
		}
		opened, err := r.next(ctx)
		switch {
		case refused(err):
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

// recover settles what an earlier life left open, or a step whose outcome was
// not known. What was sent a moment ago still counts; another node may have sent
// until its right ended.
func (r *run) recover(ctx context.Context) error {
	asked := time.Now()
	ago, known, err := r.Store.Vacant(ctx, r.Channel.Account)
	if err != nil {
		return err
	}
	if r.Resend && r.again == nil {
		if r.again, err = r.Store.Resends(ctx, r.Channel.Name); err != nil {
			return err
		}
	}
	left, err := r.Store.OpenBatches(ctx, r.Channel.Name)
	if err != nil {
		return err
	}
	left = slices.DeleteFunc(left, func(b *Batch) bool { return r.knows(b.Journal) })
	before := r.unsure.Load()
	for _, b := range left {
		if !b.recover(r.Journal) {
			known = true // and it may have sent a moment ago
		}
		r.close(b)
	}
	if known {
		r.until = later(r.until, asked.Add(r.pace.Per+leeway-ago))
	}
	if len(left) > 0 {
		r.Log.Warn("batches that were under way when the process ended", "channel", r.Channel.Name, "batches", len(left), "unsure", r.unsure.Load()-before)
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	walks, err := r.Store.Walks(ctx, r.Channel.Name)
	if err != nil {
		return err
	}
	r.walks, r.fresh = walks, false // what was read before may have become another
	r.rest(walks)
	maps.Copy(r.resumed, r.Journal.edited(r.knows))
	r.Journal.forget(r.knows)
	return nil
}

// rest has nothing be begun for as long as what an earlier life sent counts.
func (r *run) rest(walks []*Walk) {
	var known bool
	r.just, known = r.Journal.wrote(r.pace.Per)
	r.justAt = r.Journal.last()
	pays := r.Paid > 0 && !slices.ContainsFunc(walks, func(w *Walk) bool { return r.unspent(w) == 0 })
	r.until = later(r.until, r.began.Add(r.Journal.rests(r.began, r.pace.Per, known, pays)))
}

// spare has those of a batch left alone whom an earlier life wrote to a moment
// ago, for as long as they would be if it were this one.
func (r *run) spare(b *Batch) {
	if len(r.just) == 0 {
		return
	}
	if time.Since(r.justAt) > 2*r.pace.Per {
		r.just = nil
		return
	}
	var chats []int64
	for k := range b.People {
		if r.just[b.People[k].Subscriber] {
			chats = append(chats, chat(&b.People[k]))
		}
	}
	r.Road.Wrote(chats, r.justAt)
}

// knows reports whether the batch with a sheet is being sent, or about to be
// kept. Its number would not tell: that of one which is gone may be another's.
func (r *run) knows(sheet string) bool {
	return slices.ContainsFunc(r.open, func(j *job) bool { return j.batch.Journal == sheet }) ||
		slices.ContainsFunc(r.closing, func(c *Closing) bool { return c.Batch.Journal == sheet })
}

// walkOf is the walk of a batch, or nil where that has nothing more to do.
func (r *run) walkOf(b *Batch) *Walk {
	for _, w := range r.walks {
		if w.ID == b.Walk {
			return w
		}
	}
	return nil
}

// refresh reads the walks again where something may have changed, and ends what
// is no longer to be said. Then messages may be begun again.
func (r *run) refresh(ctx context.Context) error {
	select {
	case <-r.stirred:
		r.fresh = false
	default:
	}
	if r.fresh && time.Since(r.read) < lookEvery {
		return nil
	}
	if len(r.closing) > 0 { // which say where rounds stand
		if err := r.flush(ctx); err != nil {
			return err
		}
	}
	now := time.Now()
	walks, err := r.Store.Walks(ctx, r.Channel.Name)
	if err != nil {
		return err
	}
	if r.Resend && !r.fresh { // a round of some people's own may have taken over how often they were
		if r.again, err = r.Store.Resends(ctx, r.Channel.Name); err != nil {
			return err
		}
	}
	r.walks, r.fresh, r.read = walks, true, now
	valid := map[int64]int64{}
	fence := int64(0)
	r.share()
	for _, w := range walks {
		w.kept()
		fence = max(fence, w.Fence)
		if !w.Frozen {
			valid[w.ID] = w.Version
		}
	}
	maps.DeleteFunc(r.refusals, func(_ int64, f refusal) bool { return valid[f.walk] != f.version })
	for _, j := range r.open {
		if version, ok := valid[j.batch.Walk]; !ok || version != j.version {
			j.cancel()
		}
	}
	if err := r.makeWay(ctx); err != nil {
		return err
	}
	r.let()
	if fence > 0 { // the gate is behind whatever was being begun
		return r.Store.Heed(ctx, r.lease, fence)
	}
	return nil
}

// wait waits for the next reason to look.
func (r *run) wait(ctx context.Context) {
	long := lookEvery
	if rest := time.Until(r.until); rest > 0 {
		long = min(long, rest)
	}
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-r.sender.news:
	case <-r.stirred:
		r.fresh = false
	case <-t.C:
	case <-ctx.Done():
	}
}

// end waits for the answers that are under way and keeps them.
func (r *run) end() {
	r.ending = true
	r.sender.stop()
	r.editor.stop()
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
