package broadcast

import (
	"log/slog"
	"sync"
	"time"
)

// reminding is how long nothing is logged about an outage that is known.
const reminding = 10 * time.Second

// outage is what is asked for again and again and fails. The log tells when it
// begins, now and then how long it has lasted, and when it is over. Its zero
// value is none.
type outage struct {
	since time.Time // zero while there is none
	told  time.Time
}

// failed notes another failure.
func (o *outage) failed(log *slog.Logger, what string, err error) {
	now := time.Now()
	switch {
	case o.since.IsZero():
		o.since = now
		log.Warn(what, "error", err)
	case now.Sub(o.told) >= reminding:
		log.Error(what, "error", err, "for", now.Sub(o.since).Round(time.Second))
	default:
		return
	}
	o.told = now
}

// over notes a success.
func (o *outage) over(log *slog.Logger, what string) {
	if !o.since.IsZero() {
		log.Info(what, "after", time.Since(o.since).Round(time.Second))
	}
	*o = outage{}
}

// outages is one outage that many lanes may meet at the same time. It is safe for
// use by many goroutines.
type outages struct {
	mu    sync.Mutex
	one   outage
	lanes map[int64]bool // that met it
}

// failed notes another failure of a lane.
func (o *outages) failed(log *slog.Logger, what string, lane int64, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lanes == nil {
		o.lanes = map[int64]bool{}
	}
	o.lanes[lane] = true
	o.one.failed(log.With("lane", lane, "lanes", len(o.lanes)), what, err)
}

// over notes a success of a lane; when all that met the outage had theirs it is
// over.
func (o *outages) over(log *slog.Logger, what string, lane int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leave(lane) {
		o.one.over(log, what)
	}
}

// ended notes that a lane does not try any more.
func (o *outages) ended(lane int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.leave(lane) {
		o.one = outage{}
	}
}

// leave reports whether a lane was the last of those that met the outage.
func (o *outages) leave(lane int64) bool {
	met := o.lanes[lane]
	delete(o.lanes, lane)
	return met && len(o.lanes) == 0
}
