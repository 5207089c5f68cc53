package bots

import (
	"sync/atomic"
	"time"
)

// A Pulse remembers when a platform was last heard, for adapters that are
// [Heard]. Its zero value has heard nothing. It is safe for use by many
// goroutines.
type Pulse struct{ last atomic.Int64 } // nanoseconds since 1970

// Beat notes that the platform was heard now.
func (p *Pulse) Beat() { p.BeatAt(time.Now()) }

// BeatAt notes that the platform was heard at t, unless that was earlier than
// what is known. A zero t is ignored.
func (p *Pulse) BeatAt(t time.Time) {
	if t.IsZero() {
		return
	}
	for now := t.UnixNano(); ; {
		last := p.last.Load()
		if last >= now || p.last.CompareAndSwap(last, now) {
			return
		}
	}
}

// Last is when the platform was last heard; zero for never.
func (p *Pulse) Last() time.Time {
	if ns := p.last.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}
