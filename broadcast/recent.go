package broadcast

import "time"

// recent remembers for a while when somebody was written to last. An audience
// has a million people, so nothing is looked through to forget them: whoever was
// not written to lately goes with his generation. It has no pointers, in which a
// collector of garbage would look for more.
type recent struct {
	young, old map[int64]time.Duration // since the beginning
	began      time.Time
	born       time.Duration // when the young ones' generation began
}

func newRecent() recent {
	return recent{young: map[int64]time.Duration{}, old: map[int64]time.Duration{}, began: time.Now()}
}

// note remembers that somebody is written to at a time, for as long as is said
// and, while others are, at most twice as long.
func (r *recent) note(who int64, at time.Time, long time.Duration) {
	if who == 0 {
		return
	}
	since := at.Sub(r.began)
	if since-r.born > long {
		r.young, r.old, r.born = r.old, r.young, since
		clear(r.young)
	}
	r.young[who] = since
}

// last is when somebody was written to, or zero if that is long ago.
func (r *recent) last(who int64) time.Time {
	since, ok := r.young[who]
	if !ok {
		since, ok = r.old[who]
	}
	if !ok {
		return time.Time{}
	}
	return r.began.Add(since)
}
