package broadcast

import (
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// window is a sliding window of requests. It has as many places as requests are
// permitted in it, and each place is given again when the request in it arrived
// a whole window ago. So no window ever has more requests than places, and one
// that was long on its way keeps only its own place from the next. One that was
// on its way for longer than a window has a place from when its answer comes.
type window struct {
	pace    bots.Pace
	held    int              // places that were given; more than pace.N where requests came late
	out     []request        // in them, those without an answer, as they were sent
	back    []time.Time      // and when the answers to the others came
	taken   int              // requests ever
	newest  time.Time        // when the newest one was sent
	closed  time.Time        // nothing before this
	quick   [2]time.Duration // the shortest answer time of this span and the one before; 0 is none
	spanned time.Time        // when this span began
	uneven  time.Duration    // by how much answers take longer than the quickest, smoothed
	wide    time.Duration    // on top of the margin, since a request was refused
	widened time.Time
}

// A request of a window.
type request struct {
	n        int // how many were sent before
	sent     time.Time
	answered bool
}

// margin keeps the arrivals of a window apart by a little more than the
// platform counts.
func (w *window) margin() time.Duration { return max(0, w.care()-w.spare()) + w.wide }

// care is the margin where nothing more is known. After few requests their way
// is known less well, and where a window lasts long a refusal costs long too, so
// it is wider.
func (w *window) care() time.Duration {
	if w.pace.Per >= 30*time.Second {
		return w.pace.Per / 60
	}
	unknown := min(w.apart()/8, 4*time.Millisecond)
	if w.taken > 10*w.pace.N {
		unknown = min(unknown, time.Millisecond)
	}
	return 2*time.Millisecond + unknown
}

// spare is how much of the margin the estimates hold already. A request is taken
// to have arrived as late as its answer allows, and the next one to be as quick
// as any. Where answers take unevenly long both are wrong by half of that on
// average, to the safe side; and where many requests are on their way at once
// the average is what counts.
func (w *window) spare() time.Duration {
	if w.uneven < 4*w.apart() {
		return 0
	}
	return w.uneven / 2
}

// apart is the time between two requests at an even pace.
func (w *window) apart() time.Duration { return w.pace.Per / time.Duration(max(w.pace.N, 1)) }

// widen doubles the margin after a refusal, up to the window itself, for a platform
// may take less than it says. What it adds is halved each minute. What is refused
// while nothing is sent was on its way, and is no other sign.
func (w *window) widen(now time.Time) {
	if now.Before(w.closed) {
		return
	}
	w.wide = min(2*w.wide+w.care(), w.pace.Per)
	w.widened = now
}

func (w *window) narrow(now time.Time) {
	if w.wide > 0 && now.Sub(w.widened) > time.Minute {
		w.wide, w.widened = w.wide/2, now
	}
}

// opens is the earliest time at which another request fits.
func (w *window) opens(now time.Time) time.Time {
	if w == nil {
		return now
	}
	at := later(now, w.closed)
	if w.pace.N > 0 && w.held >= w.pace.N {
		w.narrow(now)
		at = later(at, w.frees())
		for ; w.held > w.pace.N && !at.After(now); at = later(at, w.frees()) {
			w.leave()
		}
	}
	return at
}

// frees is when the place of the request that arrived first is given again.
func (w *window) frees() time.Time {
	first, _ := w.first()
	return first.Add(w.pace.Per + w.margin())
}

// roomy is the earliest time at which more than a quarter of the places is free.
func (w *window) roomy(now time.Time) time.Time {
	k := len(w.out) - max(1, w.pace.N*3/4)
	if w.pace.N <= 0 || k < 0 {
		return now
	}
	return w.out[k].sent.Add(w.pace.Per + w.margin())
}

// first is the earliest arrival of the requests in the window, and whether that
// one was answered.
func (w *window) first() (arrived time.Time, answered bool) {
	for len(w.out) > 0 && w.out[0].answered {
		w.out = w.out[1:]
	}
	if len(w.back) > 0 {
		arrived = w.back[0].Add(-w.quickest())
		if len(w.out) == 0 || arrived.Before(w.out[0].sent) {
			return arrived, true
		}
	}
	return w.out[0].sent, false
}

// leave takes the request that arrived first out of the window.
func (w *window) leave() {
	if _, answered := w.first(); answered {
		w.back = w.back[1:]
	} else {
		w.out = w.out[1:]
	}
	w.held--
}

func (w *window) take(now time.Time) slot {
	s := slot{n: w.taken, sent: now}
	if w.pace.N > 0 {
		if w.held >= w.pace.N {
			w.leave()
		}
		w.held++
		w.out = append(w.out, request{n: s.n, sent: now})
	}
	w.taken++
	w.newest = now
	return s
}

// quickest is how long the quickest answer took. So much before another answer
// came, at the latest, its request arrived, by the clock of a request that is as
// quick as any. It is known the better the more answers came.
func (w *window) quickest() time.Duration {
	if w.quick[1] > 0 {
		return min(w.quick[0], w.quick[1])
	}
	return w.quick[0]
}

// in is how many requests arrived within a window before now.
func (w *window) in(now time.Time) (n int) {
	for _, r := range w.out {
		if !r.answered && r.sent.Add(w.pace.Per).After(now) {
			n++
		}
	}
	for _, at := range w.back {
		if at.Add(w.pace.Per - w.quickest()).After(now) {
			n++
		}
	}
	return n
}

// answered notes that the answer to the request in a slot came. It returns by how
// much that took longer than the quickest.
func (w *window) answered(s slot, now time.Time) (late time.Duration) {
	took := now.Sub(s.sent)
	if now.Sub(w.spanned) > max(2*w.pace.Per, 10*time.Second) { // the way may have become another
		w.quick[1], w.quick[0], w.spanned = w.quick[0], 0, now
	}
	if w.quick[0] == 0 || took < w.quick[0] {
		w.quick[0] = took
	}
	late = took - w.quickest()
	w.learn(late)
	k, ok := slices.BinarySearchFunc(w.out, s.n, func(r request, n int) int { return r.n - n })
	switch {
	case w.pace.N <= 0:
		return late
	case ok:
		w.out[k].answered = true
	default: // it had left the window before it arrived
		w.held++
	}
	w.back = append(w.back, now)
	return late
}

// learn smooths by how much an answer took longer than the quickest: down soon,
// up slowly, since the margin depends on it.
func (w *window) learn(longer time.Duration) {
	if longer < w.uneven {
		w.uneven -= (w.uneven - longer) / 64
	} else {
		w.uneven += (longer - w.uneven) / 256
	}
}

// over reports whether the window holds nobody up any more, with per the
// longest time for which a request counts.
func (w *window) over(now time.Time, per time.Duration) bool {
	return !w.closed.After(now) && now.Sub(w.newest) > per+w.margin()
}
