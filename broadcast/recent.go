package broadcast

import "time"

// recent remembers for a while when somebody was written to last. An audience
// has a million people, so nothing is looked through to forget them: whoever was
// not written to lately goes with his generation.
type recent struct {
	young, old map[string]time.Time
	born       time.Time // when the young ones' generation began
}

func newRecent() recent {
	return recent{young: map[string]time.Time{}, old: map[string]time.Time{}}
}

// note remembers that somebody is written to at a time, for as long as is said
// and, while others are, at most twice as long.
func (r *recent) note(name string, at time.Time, long time.Duration) {
	if at.Sub(r.born) > long {
		r.young, r.old, r.born = r.old, r.young, at
		clear(r.young)
	}
	r.young[name] = at
}

// last is when somebody was written to, or zero if that is long ago.
func (r *recent) last(name string) time.Time {
	if at, ok := r.young[name]; ok {
		return at
	}
	return r.old[name]
}
