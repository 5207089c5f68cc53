package people_test

import (
	"sync/atomic"
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
)

// When the platform's front end answers in its place, those are in doubt whose
// messages were on their way and hardly anybody else; all others are told when it
// is back. That holds where it says who we are and carries no message, too: then
// somebody is tried now and then.
func TestAnOutagePutsFewInDoubt(t *testing.T) {
	const n, doubtful = 2000, 400
	for name, says := range map[string]bool{"nothing": false, "who we are": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1000)
			w.start()
			w.subscribe(nil, numbers(1, n)...)
			var messages, asked atomic.Int64
			var down, up atomic.Bool
			w.inboxes.refusing(func(chat int64) string {
				if up.Load() || !down.Load() {
					return ""
				}
				if chat == 0 {
					asked.Add(1)
					if says {
						return ""
					}
				} else {
					messages.Add(1)
				}
				return noAnswer
			})
			w.publish("One.", incident.Major)
			w.until("some are told", func() bool { return w.inboxes.told("One.") > 300 })
			down.Store(true)
			w.until("it was asked who we are", func() bool { return asked.Load() == 3 })
			up.Store(true)
			w.idle()
			p := w.progress("INC-1/1")
			if p.Told != n-p.Unsure || p.Unsure == 0 || p.Unsure > doubtful || int64(p.Unsure) != messages.Load() {
				t.Errorf("%+v of %d, %d messages while it was away", p, n, messages.Load())
			}
		})
	}
}
