package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/allclear-hq/allclear/broadcast"
)

// An Audience is who one audience is, and what this node sent to it since it
// started.
type Audience struct {
	Channel     string
	Subscribers map[string]int // by state; nil while nobody has counted, and where another node writes to them
	Sent        int
	Unsure      int
}

// audiences shows what is known of audiences: how far they are as of the last
// look at the store, the rest as of the scrape.
type audiences struct {
	list   func() []Audience
	outbox *outbox
}

// What is known of audiences.
var (
	subscribers = describe("allclear_audience_subscribers", "Subscribers by state, active are written to; counted every ten minutes, and when many have come. Absent but on the node that writes to them.", "channel", "state")
	told        = describe("allclear_audience_messages_total", "Messages to subscribers that the platform confirmed to this node.", "channel")
	doubtful    = describe("allclear_audience_unsure_total", "Messages to subscribers that left without an answer: they may be there.", "channel")
	passed      = describe("allclear_audience_walk_passed", "About how many subscribers had their turn in what is being told, whether or not it concerned them; 0 where nothing is.", "channel")
	size        = describe("allclear_audience_walk_people", "Subscribers who are to have a turn in what is being told; 0 where nothing is.", "channel")
	remaining   = describe("allclear_audience_walk_remaining_seconds", "Time until everybody had his turn, if things go on as they do; 0 where nothing is told. Absent where it is not known.", "channel")
	unsettled   = describe("allclear_audience_unsettled", "Subscribers about whom a person has to decide, because a message to them is unsure or failed.", "channel", "kind")
)

// Describe implements [prometheus.Collector].
func (a *audiences) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{subscribers, told, doubtful, passed, size, remaining, unsettled} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (a *audiences) Collect(ch chan<- prometheus.Metric) {
	if a.list == nil {
		return
	}
	for _, x := range a.list() {
		for state, n := range x.Subscribers {
			ch <- gauge(subscribers, float64(n), x.Channel, state)
		}
		ch <- prometheus.MustNewConstMetric(told, prometheus.CounterValue, float64(x.Sent), x.Channel)
		ch <- prometheus.MustNewConstMetric(doubtful, prometheus.CounterValue, float64(x.Unsure), x.Channel)
		a.outbox.collectWalks(ch, x.Channel)
	}
}

// collectWalks shows how far an audience is with all that it is told.
func (o *outbox) collectWalks(ch chan<- prometheus.Metric, channel string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.at.IsZero() {
		return
	}
	var all broadcast.Progress
	known := true
	left := 0.0
	for _, d := range o.walking {
		if d.Channel != channel || d.Audience == nil {
			continue
		}
		all.AskUnsure += d.Audience.AskUnsure
		all.AskFailed += d.Audience.AskFailed
		if d.State == broadcast.Sending || d.State == broadcast.Pending || d.State == broadcast.Held {
			all.Passed += d.Audience.Passed
			all.People += d.Audience.People
			takes := d.Audience.Left().Seconds()
			known, left = known && takes > 0, max(left, takes)
		}
	}
	ch <- gauge(passed, float64(all.Passed), channel)
	ch <- gauge(size, float64(all.People), channel)
	if known {
		ch <- gauge(remaining, left, channel)
	}
	ch <- gauge(unsettled, float64(all.AskUnsure), channel, "unsure")
	ch <- gauge(unsettled, float64(all.AskFailed), channel, "failed")
}
