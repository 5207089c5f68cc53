package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A refusal is that the platform takes the words of a round for nobody. Then each
// message is one more person who counts as failed, until somebody has him told by
// hand. So after some in a row only one person is tried now and then, until one is
// told or the words are others.
type refusal struct {
	walk    int64
	version int64 // of the walk
	until   time.Time
	long    time.Duration // the same, from when that began
}

// Bounds of a refusal.
const (
	refusedAfter = 20 // people in a row: single ones may be refused for themselves
	refusedFirst = 2 * time.Second
	refusedMost  = time.Minute
)

// fails notes that the platform refused a message of a job for good, and begins
// nothing more of it where it refuses all.
func (j *job) fails(f *bots.Fault) {
	j.mu.Lock()
	j.why = reason(f)
	j.mu.Unlock()
	if j.failed.Add(1) >= refusedAfter && !j.taken.Load() && !j.batch.Again {
		j.cancel()
	}
}

// weigh heeds whether the platform takes the words of a job that has ended, and
// tells the rooms when that changes. Those of a round of their own were refused
// before, each for himself perhaps.
func (r *run) weigh(ctx context.Context, j *job, now time.Time) {
	b, w := j.batch, r.walkOf(j.batch)
	if w == nil || w.Version != j.version || b.Row != 0 || b.Again {
		return
	}
	was, held := r.refusals[b.Round]
	about, failed := fmt.Sprintf("%s/%d", w.Incident.Ref, b.Update), j.failed.Load()
	switch {
	case held && j.taken.Load():
		delete(r.refusals, b.Round)
		r.Tell(ctx, about+" reaches subscribers again.")
	case !j.taken.Load() && (failed >= refusedAfter || held && failed > 0):
		long := longer(was.long, refusedFirst, refusedMost)
		r.refusals[b.Round] = refusal{w.ID, w.Version, now.Add(long), long}
		if !held {
			r.Tell(ctx, fmt.Sprintf("%s is refused by the platform (%s), so subscribers wait for it. One of them is tried now and then; "+
				"other words are tried at once. Those who were refused are told by /retry %s %s.", about, j.why, about, r.Channel.Name))
		}
	}
}

// refuses reports whether the words of a round are taken for nobody, as far as is
// known.
func (r *run) refuses(round *Round) bool { return !r.refusals[round.ID].until.IsZero() }

// waits reports whether nobody is told anything of a walk for that.
func (r *run) waits(w *Walk) bool {
	if len(r.refusals) == 0 {
		return false
	}
	open := w.open()
	return len(open) > 0 && !slices.ContainsFunc(open, func(round *Round) bool { return !r.refuses(round) })
}
