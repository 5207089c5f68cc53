package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/allclear-hq/allclear/broadcast"
)

// accounts shows how the accounts are doing on this node, as of the scrape.
type accounts struct {
	statuses func() []broadcast.Status
	simulate map[string]bool
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// What is known of accounts.
var (
	held      = describe("allclear_account_held", "1 where this node holds the account and sends; over all nodes the sum is 1.", "account", "platform")
	refused   = describe("allclear_account_refused", "1 where the platform refuses the account: token, permission or money.", "account")
	simulator = describe("allclear_account_simulator", "1 where the account talks to a SIMULATOR, and nothing of it reaches the public.", "account")
	heard     = describe("allclear_account_heard_timestamp_seconds", "When the platform was last heard while listening to rooms.", "account")
	paused    = describe("allclear_account_paused_seconds", "How long the platform still wants to be left alone.", "account")
	left      = describe("allclear_account_requests_left", "Requests that a limit leaves room for now: ours (pace), or as the platform last stated it (stated).", "account", "limit")
	waiting   = describe("allclear_account_requests_waiting", "Requests that wait for their turn.", "account")
)

// Describe implements [prometheus.Collector].
func (a *accounts) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{held, refused, simulator, heard, paused, left, waiting} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (a *accounts) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	for _, s := range a.statuses() {
		ch <- gauge(held, one(!s.Held.IsZero()), s.Account, s.Platform)
		ch <- gauge(refused, one(s.Refused != nil), s.Account)
		ch <- gauge(simulator, one(a.simulate[s.Account]), s.Account)
		ch <- gauge(paused, max(s.Paused.Sub(now).Seconds(), 0), s.Account)
		ch <- gauge(waiting, float64(s.Waiting), s.Account)
		if !s.Heard.IsZero() {
			ch <- gauge(heard, unix(s.Heard), s.Account)
		}
		if s.Left >= 0 {
			ch <- gauge(left, float64(s.Left), s.Account, "pace")
		}
		if s.Stated >= 0 {
			ch <- gauge(left, float64(s.Stated), s.Account, "stated")
		}
	}
}

func gauge(d *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
