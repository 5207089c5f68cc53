package people

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A trouble is why nobody is told anything, and since when.
type trouble struct {
	since time.Time
	why   string
}

// Times of a trouble.
const (
	stalled    = 10 * time.Second // after which a speed is no longer that of now
	stuckAfter = 2 * time.Minute  // after which the rooms are told
)

// flows notes whether messages get through, and if not why: by what came of one
// of them.
func (w *Walker) flows(p *Person, f *bots.Fault) {
	why := ""
	switch {
	case f == nil:
	case f.Kind == bots.RateLimited && chat(p) < 0: // the limit is the group's
		return
	case f.Kind == bots.RateLimited:
		why = fmt.Sprintf("the platform asks to wait until %s UTC", f.Until.UTC().Format("15:04:05"))
	case f.Kind == bots.Unauthorized && f.Subject == bots.Account:
		why = fmt.Sprintf("the platform refuses the bot (%s), whose token may be another now", reason(f))
	case f.Kind == bots.Unsure:
		why = fmt.Sprintf("the platform does not answer (%s)", reason(f))
	case f.Kind == bots.Temporary:
		why = fmt.Sprintf("the platform cannot be reached (%s)", reason(f))
	}
	was := w.trouble.Load()
	switch {
	case why != "" && was != nil:
		w.trouble.Store(&trouble{was.since, why})
	case why != "":
		w.trouble.Store(&trouble{time.Now(), why})
	case was != nil:
		w.trouble.Store(nil)
	}
}

// reason is what a platform says with a fault, in its own words where it has any.
func reason(f *bots.Fault) string { return cmp.Or(f.Detail, f.Code, f.Error()) }

// unstick tells the rooms when an audience has been stuck for long, and when it
// goes on, and has nobody read of a speed that is none.
func (r *run) unstick(ctx context.Context) error {
	t := r.trouble.Load()
	if t != nil && !slices.ContainsFunc(r.walks, func(w *Walk) bool { return !w.Frozen }) { // there is nothing to tell
		r.trouble.CompareAndSwap(t, nil)
		r.stuck = false
		return nil
	}
	switch {
	case t == nil && r.stuck:
		r.stuck = false
		r.Tell(ctx, "Messages get through again.")
	case t != nil && !r.stuck && time.Since(t.since) > stuckAfter:
		r.stuck = true
		r.Tell(ctx, fmt.Sprintf("Nobody has been told anything for %.0f minutes: %s. It goes on by itself as soon as that is over.", stuckAfter.Minutes(), t.why))
	}
	waits := len(r.open) > 0 || time.Now().Before(r.until) // for answers, or as long as it was told to
	still := t != nil && time.Since(t.since) >= stalled || t == nil && waits && time.Since(r.moved) >= stalled
	for _, w := range r.walks {
		if !w.Frozen && (still || r.waits(w)) {
			if err := r.still(ctx, w); err != nil {
				return err
			}
		}
	}
	return nil
}

// still keeps that a walk has no speed. It is measured anew when it goes on.
func (r *run) still(ctx context.Context, w *Walk) error {
	r.speed.forget(w.ID)
	was := false
	for k := range w.saved {
		if round := &w.saved[k]; round.State == RoundOpen && round.Speed > 0 {
			round.Speed, w.Rounds[k].Speed, was = 0, 0, true
		}
	}
	if !was {
		return nil
	}
	return r.step(ctx, Step{Still: w.ID})
}
