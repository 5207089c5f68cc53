package sim

import "time"

// window counts events in a sliding window of time, for strict limits.
type window struct{ times []time.Time }

// wait is how long until another event fits into n per the given time; 0 is now.
func (w *window) wait(now time.Time, n int, per time.Duration) time.Duration {
	old := 0
	for old < len(w.times) && !w.times[old].After(now.Add(-per)) {
		old++
	}
	w.times = w.times[old:]
	if len(w.times) < n {
		return 0
	}
	return w.times[len(w.times)-n].Add(per).Sub(now)
}

// add counts an event.
func (w *window) add(now time.Time) { w.times = append(w.times, now) }

// notify calls the hook that a World sets, if there is one.
func notify(changed func()) {
	if changed != nil {
		changed()
	}
}
