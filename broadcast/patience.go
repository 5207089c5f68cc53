package broadcast

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Times for which a post without an answer holds up the lane.
const (
	patience = 30 * time.Second
	longest  = 2 * time.Minute // where a thread may begin with it, and nobody could be asked whether it is there
)

// lookBefore is how long a lane waits for the first look after an attempt was
// found to have no answer: after a restart the patience may be over already. So
// long before the end of the patience comes the last look.
const lookBefore = 5 * time.Second

// hurried is the longest time between two looks while the lane waits.
const hurried = 10 * time.Second

// bePatient holds up the lane for a doubtful post, but not for ever.
func (n *planner) bePatient(e *Entry, wake time.Time) (Step, bool) {
	end := n.patienceEnds(e)
	if !n.now.Before(end) {
		return n.pass(wake)
	}
	if wake.IsZero() || end.Before(wake) {
		wake = end
	}
	return n.hold(wake)
}

// patienceEnds is when the lane goes on without knowing whether a doubtful post
// is there. A thread that begins with it would be one of two then, so that the
// lane waits longer for an answer, but not for ever: the platform may have lost
// nothing but the way to ask.
func (l *Lane) patienceEnds(e *Entry) time.Time {
	d := e.Doubt
	end := d.Since.Add(patience)
	if l.CanFind || l.CanProbe && !d.Probed {
		end = later(end, d.Noted.Add(lookBefore))
	}
	unknown := d.Unheard && d.Looked == 0
	late := d.Duplicate && d.Looked < len(lookAfter) // it is there, and not shown yet
	if l.CanFind && (unknown || late) && l.mayBegin(e) {
		end = later(end, later(d.Since.Add(longest), d.Noted.Add(patience)))
	}
	return end
}

// mayBegin reports whether the thread begins with e's doubtful post, if that is
// there, and nothing but updates waits behind it. What corrects or withdraws
// words that may be read by now matters more than the thread.
func (l *Lane) mayBegin(e *Entry) bool {
	if e.Kind != Say || e.Should.What != Words || e.Doubt.ReplyTo != "" || e.Doubt.Thread != "" {
		return false
	}
	for i := range l.Entries {
		f := &l.Entries[i]
		if f.ID != e.ID && (mayShow(f) || f.Kind != Say && f.Should.What == Words) {
			return false
		}
	}
	return true
}

// unheard records that repeating a doubtful post, if it is one, got no answer.
func (l *Lane) unheard(e *Entry, now time.Time) {
	if e.Doubt != nil {
		e.Doubt.Unheard = true
		l.hurry(e, now)
	}
}

// hurry has a doubtful post be looked for, or repeated, soon and once more before
// the lane goes on without it, however often that failed. It reports whether
// there is time for that.
func (l *Lane) hurry(e *Entry, now time.Time) bool {
	last := l.patienceEnds(e).Add(-lookBefore)
	if now.After(last) {
		return false
	}
	for _, at := range []time.Time{now.Add(hurried), later(last, now.Add(pace(1)))} {
		if at.Before(e.Try.NotBefore) {
			e.Try.NotBefore = at
		}
	}
	return true
}

// hushed records that a doubtful post can be looked for, or repeated, only when a
// limit is over. Where the limit is on posts as well, that time does not count:
// what comes next has to wait for it too, and would be the first to be allowed.
func (e *Entry) hushed(f *bots.Fault) {
	if e.Doubt == nil {
		return
	}
	e.Doubt.Unheard = true
	if f.Subject == bots.Account || f.Subject == bots.Target {
		e.Doubt.Noted = later(e.Doubt.Noted, e.Try.NotBefore)
	}
}

// repeated records that repeating a doubtful post left it in doubt. The lane
// waits for one more attempt then, if it was begun before the patience was over,
// or by a process that ended since: nothing waits for an answer for so long.
func (l *Lane) repeated(e *Entry, began, now time.Time) {
	if l.Limits.Deduplicates > 0 && (began.Before(e.Doubt.Since.Add(patience)) || now.Sub(began) >= patience) {
		e.Doubt.Noted = now
	}
	l.unheard(e, now)
}
