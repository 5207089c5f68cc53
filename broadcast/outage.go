package broadcast

import (
	"log/slog"
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
