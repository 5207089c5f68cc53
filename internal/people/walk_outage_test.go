package people_test

import (
	"sync/atomic"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
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

// While the platform does not answer hardly any edits are tried; all are made when
// it is back.
func TestAnOutageHoldsEdits(t *testing.T) {
	t.Parallel()
	const n, few = 2000, 40
	w := newWorld(t, 1000)
	w.inFlight = few / 2
	w.start()
	w.subscribe(nil, numbers(1, n)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	var edits, asked atomic.Int64
	var up atomic.Bool
	w.inboxes.refusing(func(chat int64) string {
		switch {
		case up.Load() || w.inboxes.edited() < 300:
			return ""
		case chat == 0:
			asked.Add(1)
		default:
			edits.Add(1)
		}
		return noAnswer
	})
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Deposits are safe."}})
	w.until("it was asked who we are", func() bool { return asked.Load() == 3 })
	up.Store(true)
	w.idle()
	if told, tried := w.inboxes.told("safe"), edits.Load(); told != n || tried > few {
		t.Errorf("%d of %d are edited, and %d edits were tried while it was away", told, n, tried)
	}
}

// One message whose edits are never answered keeps nobody waiting, and is left as it
// is after some, where others are answered.
func TestAnEditThatIsNeverAnsweredIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, numbers(1, 30)...)
	w.publish("Deposits are save.", incident.Major)
	w.idle()
	w.inboxes.answering(noAnswer, 5)
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Deposits are safe."}})
	w.until("the others are edited", func() bool { return w.inboxes.told("safe") == 29 })
	w.subscribe(nil, numbers(31, 500)...)
	w.update("INC-1", "Two.", "")
	w.until("the others are told", func() bool { return w.inboxes.told("Two.") == 499 })
	for n := range 3 {
		w.until("it is tried again", func() bool { return len(w.inboxes.requests(5)) == 4+2*n })
		w.update("INC-1", "More.", "")
	}
	w.idle()
	w.want(4, "safe", ">Two.", ">More.", ">More.", ">More.")
	w.want(5, "save")
	if n := len(w.inboxes.requests(5)); n != 10 {
		t.Errorf("%d requests, want five messages and as many edits", n)
	}
}
