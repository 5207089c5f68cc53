package metrics

import "github.com/prometheus/client_golang/prometheus"

// An Audience is how many people one audience has, and what this node sent to
// them since it started.
type Audience struct {
	Channel string
	People  int // 0 while nobody has counted
	Sent    int
	Unsure  int
}

// audiences shows what is known of audiences, as of the scrape.
type audiences struct{ list func() []Audience }

// What is known of audiences.
var (
	subscribers = describe("allclear_audience_subscribers", "Subscribers who are written to, counted every ten minutes by the node that writes to them.", "channel")
	told        = describe("allclear_audience_messages_total", "Messages to subscribers that the platform confirmed to this node.", "channel")
	doubtful    = describe("allclear_audience_unsure_total", "Messages to subscribers that left without an answer: they may be there.", "channel")
)

// Describe implements [prometheus.Collector].
func (a *audiences) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{subscribers, told, doubtful} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (a *audiences) Collect(ch chan<- prometheus.Metric) {
	if a.list == nil {
		return
	}
	for _, x := range a.list() {
		if x.People > 0 {
			ch <- gauge(subscribers, float64(x.People), x.Channel)
		}
		ch <- prometheus.MustNewConstMetric(told, prometheus.CounterValue, float64(x.Sent), x.Channel)
		ch <- prometheus.MustNewConstMetric(doubtful, prometheus.CounterValue, float64(x.Unsure), x.Channel)
	}
}
