package people

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A refusal is that the platform takes the words of a walk from nobody. Then each
// message is one more person who counts as failed, until somebody has him told by
// hand. So after some in a row only one person is tried now and then, until one is
// told or the words are others.
type refusal struct {
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

// took notes that the platform took a message of a job.
func (j *job) took() {
	if !j.taken.Load() {
		j.taken.Store(true)
	}
}

// fails notes that the platform refused a message of a job for good, and begins
// nothing more of it where it refuses all.
func (j *job) fails(f *bots.Fault) {
	j.mu.Lock()
	j.why = reason(f)
	j.mu.Unlock()
	if j.failed.Add(1) >= refusedAfter && !j.taken.Load() {
		j.cancel()
	}
}

// weigh heeds whether the platform takes the words of a job that has ended, and
// tells the rooms when that changes.
func (r *run) weigh(ctx context.Context, j *job, now time.Time) {
	b, w := j.batch, r.walkOf(j.batch)
	if w == nil || w.Version != j.version || b.Row != 0 {
		return
	}
	was, held := r.refusals[w.ID]
	about, failed := fmt.Sprintf("%s/%d", w.Incident.Ref, b.Update), j.failed.Load()
	switch {
	case held && j.taken.Load():
		delete(r.refusals, w.ID)
		r.Tell(ctx, about+" reaches subscribers again.")
	case !j.taken.Load() && (failed >= refusedAfter || held && failed > 0):
		long := min(max(2*was.long, refusedFirst), refusedMost)
		r.refusals[w.ID] = refusal{w.Version, now.Add(long), long}
		if !held {
			r.Tell(ctx, fmt.Sprintf("%s reaches no subscriber: the platform refuses it (%s). The others wait, and one of them is tried now and then; "+
				"other words are tried at once. Those who were refused are told by /retry %s %s.", about, j.why, about, r.Channel.Name))
		}
	}
}

// refuses reports whether the words of a walk are taken from nobody, as far as is
// known.
func (r *run) refuses(w *Walk) bool { return !r.refusals[w.ID].until.IsZero() }
