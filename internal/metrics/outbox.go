package metrics

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// watched is how many incidents are looked at: those that are open, and of the
// others the newest.
const watched = 50

// Times of looking.
const (
	lookEvery = 30 * time.Second // what other nodes did sends no signal
	lookPause = 2 * time.Second  // between two looks at the least
)

// Source is what stands in the store. It is implemented by [*store.Store].
type Source interface {
	// Recent loads the incidents that are open and the newest others, at most
	// limit in all, with their deliveries.
	Recent(ctx context.Context, limit int, complete func(*broadcast.Lane)) ([]*incident.Incident, []broadcast.Delivery, error)
	// Walking lists where audiences stand that are told something, or of whom
	// a person has to settle somebody.
	Walking(ctx context.Context) ([]broadcast.Delivery, error)
}

// outbox shows what was said lately and where it stands, as of the last look.
type outbox struct {
	source   Source
	complete func(*broadcast.Lane)
	wake     chan struct{}
	skew     prometheus.Histogram

	mu         sync.Mutex
	at         time.Time // of the last look
	incidents  []*incident.Incident
	deliveries []broadcast.Delivery
	walking    []broadcast.Delivery // to audiences
	shown      map[string]bool      // updates that every channel showed at the last look
}

func newOutbox(source Source, complete func(*broadcast.Lane)) *outbox {
	return &outbox{source: source, complete: complete, wake: make(chan struct{}, 1), skew: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "allclear_update_skew_seconds", Help: "From the first to the last channel that showed an update, when all of them do.", Buckets: posting,
	})}
}

// Changed has the store looked at soon. It never blocks.
func (m *Metrics) Changed(string) {
	select {
	case m.outbox.wake <- struct{}{}:
	default:
	}
}

// Watch looks at the store until ctx ends. A look that fails leaves what is
// known, whose age shows.
func (m *Metrics) Watch(ctx context.Context) {
	for ctx.Err() == nil {
		m.outbox.look(ctx)
		wait(ctx, lookPause, nil)
		wait(ctx, lookEvery-lookPause, m.outbox.wake)
	}
}

func wait(ctx context.Context, d time.Duration, wake <-chan struct{}) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-wake:
	case <-ctx.Done():
	}
}

func (o *outbox) look(ctx context.Context) {
	now := time.Now()
	incidents, deliveries, err := o.source.Recent(ctx, watched, o.complete)
	if err != nil {
		return
	}
	walking, err := o.source.Walking(ctx)
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at, o.incidents, o.deliveries, o.walking = now, incidents, deliveries, walking
	o.judgeSkew()
}

// judgeSkew observes each update once, when every channel shows it. Updates
// that were complete at the first look are history.
func (o *outbox) judgeSkew() {
	first := o.shown == nil
	known := map[string]bool{}
	for update, times := range postings(o.deliveries) {
		known[update] = true
		if len(times) > 1 && !first && !o.shown[update] {
			o.skew.Observe(slices.MaxFunc(times, time.Time.Compare).Sub(slices.MinFunc(times, time.Time.Compare)).Seconds())
		}
	}
	o.shown = known
}

// postings has the times at which the channels showed each update that all of
// its channels show.
func postings(ds []broadcast.Delivery) map[string][]time.Time {
	out := map[string][]time.Time{}
	var open []string
	for _, d := range ds {
		switch {
		case d.Action != string(broadcast.Say):
		case d.State == broadcast.Sent:
			out[d.Update] = append(out[d.Update], d.Sent)
		case !settled(d.State):
			open = append(open, d.Update)
		}
	}
	for _, update := range open {
		delete(out, update)
	}
	return out
}

// settled reports whether nothing more will come of a delivery.
func settled(s broadcast.State) bool {
	return s == broadcast.Sent || s == broadcast.SupersededState || s == broadcast.WithdrawnState || s == broadcast.SkippedState
}

// What is known of the store.
var (
	age        = describe("allclear_outbox_age_seconds", "Age of the oldest delivery that is pending or being sent, by channel; 0 where there is none.", "channel")
	deliveries = describe("allclear_deliveries", "Deliveries of the incidents that are open and of the newest others, by channel and state.", "channel", "state")
	promises   = describe("allclear_promises", "Promised times of next updates, of the same incidents: kept, broken, or open.", "state")
	due        = describe("allclear_promise_due_seconds", "Time until the next promise is due; below zero it is broken. Absent where nothing is promised.")
	open       = describe("allclear_incidents_open", "Incidents, maintenances and notices that are open, without drills.")
	looked     = describe("allclear_outbox_read_timestamp_seconds", "When deliveries and promises were last read from the database.")
)

// Describe implements [prometheus.Collector].
func (o *outbox) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{age, deliveries, promises, due, open, looked} {
		ch <- d
	}
	o.skew.Describe(ch)
}

// Collect implements [prometheus.Collector].
func (o *outbox) Collect(ch chan<- prometheus.Metric) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.skew.Collect(ch)
	if o.at.IsZero() {
		return
	}
	now := time.Now()
	ch <- gauge(looked, unix(o.at))
	o.collectDeliveries(ch, now)
	o.collectPromises(ch, now)
}

func (o *outbox) collectDeliveries(ch chan<- prometheus.Metric, now time.Time) {
	type key struct{ channel, state string }
	count := map[key]int{}
	oldest := map[string]time.Duration{}
	for _, d := range o.deliveries {
		count[key{d.Channel, string(d.State)}]++
		oldest[d.Channel] += 0
		if d.State == broadcast.Pending || d.State == broadcast.Sending {
			oldest[d.Channel] = max(oldest[d.Channel], now.Sub(d.Accepted))
		}
	}
	for k, n := range count {
		ch <- gauge(deliveries, float64(n), k.channel, k.state)
	}
	for channel, d := range oldest {
		ch <- gauge(age, d.Seconds(), channel)
	}
}

func (o *outbox) collectPromises(ch chan<- prometheus.Metric, now time.Time) {
	count := map[string]int{"kept": 0, "broken": 0, "open": 0}
	var next time.Time
	running := 0
	for _, i := range o.incidents {
		if i.Drill {
			continue
		}
		judge(i, now, count)
		if !i.ResolvedAt.IsZero() {
			continue
		}
		running++
		if !i.NextUpdate.IsZero() && (next.IsZero() || i.NextUpdate.Before(next)) {
			next = i.NextUpdate
		}
	}
	for state, n := range count {
		ch <- gauge(promises, float64(n), state)
	}
	ch <- gauge(open, float64(running))
	if !next.IsZero() {
		ch <- gauge(due, next.Sub(now).Seconds())
	}
}

// judge counts an incident's promises by what became of them.
func judge(i *incident.Incident, now time.Time, count map[string]int) {
	for k := range i.Updates {
		promised := i.Updates[k].NextUpdate
		last := k+1 == len(i.Updates)
		switch {
		case promised.IsZero():
		case !last && i.Updates[k+1].PublishedAt.After(promised), last && now.After(promised):
			count["broken"]++
		case last:
			count["open"]++
		default:
			count["kept"]++
		}
	}
}
