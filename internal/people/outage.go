package people

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// An outage is that the platform does not answer: its front end does in its place,
// or nobody. Then each message that leaves is one more of which nobody knows
// whether it is there. So after a few in a row nothing more is begun. Now and then
// the platform is asked who we are, which does no harm; when it says so one person
// is written to, and when that is answered all go on. The zero value is none. It is
// safe for use by many goroutines.
type outage struct {
	row    atomic.Int32 // messages that were not answered, in a row
	mu     sync.Mutex
	last   time.Time     // when the last of them left
	began  time.Time     // what was opened before is not begun any more; zero is no outage
	until  time.Time     // the platform is left alone
	long   time.Duration // the same, from when that began
	asking bool
	there  bool // it said who we are
}

// Bounds of an outage.
const (
	outAfter = 5 // messages in a row: single ones that nobody answers are no sign
	outFirst = time.Second
	outMost  = 5 * time.Second
)

// heard notes what came of a message, or of an edit, that left at a time. It
// reports whether an outage began or ended with it. The answer to what left before
// something that was not answered may just be late, and says nothing.
func (o *outage) heard(f *bots.Fault, at time.Time) bool {
	switch {
	case f == nil || definite(f):
		return o.row.Load() > 0 && o.answered(at)
	case f.Kind == bots.Unsure:
		return o.missed(at)
	}
	return false
}

// definite reports whether a fault is what the platform says, and not that it says
// nothing.
func definite(f *bots.Fault) bool { return f.Kind != bots.Unsure && f.Kind != bots.Temporary }

func (o *outage) answered(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !at.After(o.last) {
		return false
	}
	was := !o.began.IsZero()
	o.row.Store(0)
	o.began, o.until, o.long, o.there = time.Time{}, time.Time{}, 0, false
	return was
}

func (o *outage) missed(at time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = later(o.last, at)
	if o.row.Add(1) < outAfter || !o.began.IsZero() && !o.there { // or it was on its way
		return false
	}
	now := time.Now()
	o.began, o.there = now, false
	o.rest(now)
	return true
}

// rest leaves the platform alone, longer each time.
func (o *outage) rest(now time.Time) {
	o.long = longer(o.long, outFirst, outMost)
	o.until = now.Add(o.long)
}

// since is when it began; zero where it did not.
func (o *outage) since() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.began
}

// claim reports whether it is time to ask the platform, and leaves that to whoever is
// told so, who then tells what came of it.
func (o *outage) claim(now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.began.IsZero() || o.there || o.asking || now.Before(o.until) {
		return false
	}
	o.asking = true
	return true
}

// told notes whether the platform said who we are.
func (o *outage) told(there bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.asking = false; o.began.IsZero() {
		return
	}
	if o.there = there; !there {
		o.rest(now)
	}
}

// tries reports whether one person may be written to all the same.
func (o *outage) tries() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.there
}

// holds reports whether nothing is begun any more of what was opened at a time. It
// costs nothing where there is no outage.
func (o *outage) holds(opened time.Time) bool {
	return o.row.Load() >= outAfter && opened.Before(o.since())
}

// heed tells the log when an outage begins and ends.
func (r *run) heed() {
	since := r.outage.since()
	switch was := r.out; {
	case !was && !since.IsZero():
		r.out = true
		r.Log.Warn("messages to people are not answered: the others wait until they are", "channel", r.Channel.Name)
	case was && since.IsZero():
		r.out = false
		r.Log.Info("messages to people are answered again", "channel", r.Channel.Name)
	}
}

// askPlatform asks the platform in an outage, when it is time, who we are.
func (r *run) askPlatform(ctx context.Context) {
	if r.outage.claim(time.Now()) {
		r.sender.group.Go(func() {
			r.outage.told(r.there(ctx), time.Now())
			r.sender.tell()
		})
	}
}

// listens reports whether the platform listens, so that something may be begun:
// in an outage one message at a time, once it has said who we are.
func (r *run) listens() bool {
	return r.outage.since().IsZero() || r.outage.tries() && r.doubtful() == 0
}

// there reports whether the platform says who we are, or refuses to.
func (r *run) there(ctx context.Context) bool {
	checker, ok := r.Bot.(bots.Checker)
	if !ok {
		return true
	}
	_, _, err := checker.Check(ctx, nil)
	return err == nil || definite(bots.AsFault(err))
}
