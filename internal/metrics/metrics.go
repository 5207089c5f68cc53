// Package metrics counts what a server does, and shows it to Prometheus.
//
// What happens is counted as it happens: requests to platforms, commands, HTTP
// requests. What stands in the store (deliveries, promises) is read beside, by
// [Metrics.Watch], after changes and every half minute; a scrape only looks at
// what was read last, so that nobody who scrapes can slow down who must send.
//
// Labels have few values: names from the configuration, words of ours, routes.
// Each file has one kind of thing: accounts.go, audiences.go, outbox.go.
package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/allclear-hq/allclear/broadcast"
)

// Config is what metrics are about.
type Config struct {
	Version  string
	Statuses func() []broadcast.Status // of the accounts on this node
	Simulate map[string]bool           // accounts that talk to a simulator
	Source   Source                    // what stands in the store
	Complete func(*broadcast.Lane)     // adds settings and limits to a lane of the store

	Audiences func() []Audience // may be nil
}

// Metrics is a registry of its own. It is safe for use by many goroutines.
type Metrics struct {
	registry *prometheus.Registry
	outbox   *outbox

	attempts *prometheus.CounterVec
	shown    *prometheus.HistogramVec
	commands *prometheus.CounterVec
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

// Buckets of times, in seconds.
var (
	posting = []float64{.1, .25, .5, 1, 2, 5, 10, 20, 60, 300, 1800, 7200} // promised is 5
	serving = []float64{.001, .005, .02, .1, .5, 2, 10}
)

// New returns metrics that have counted nothing.
func New(c Config) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		outbox:   newOutbox(c.Source, c.Complete),
		attempts: counter("allclear_attempts_total", "Requests to platforms, by account, operation and outcome: done, or the kind of the fault. Of those that were rate_limited the platform answered 429.", "account", "operation", "outcome"),
		shown:    histogram("allclear_shown_seconds", "From the acceptance of words until a platform confirmed that it shows them.", posting, "channel"),
		commands: counter("allclear_commands_total", "Commands of operators, by origin, verb and outcome: published, draft, done, refused, or failed.", "origin", "verb", "outcome"),
		requests: counter("allclear_http_requests_total", "HTTP requests, by route and status code.", "route", "code"),
		took:     histogram("allclear_http_request_duration_seconds", "Time to answer HTTP requests, by route.", serving, "route"),
	}
	m.registry.MustRegister(
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		build(c.Version), m.attempts, m.shown, m.commands, m.requests, m.took, m.outbox, &accounts{c.Statuses, c.Simulate}, &audiences{c.Audiences, m.outbox},
	)
	return m
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func build(version string) prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "allclear_build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"version": version, "go": runtime.Version()},
	})
	g.Set(1)
	return g
}

// Handler shows what was counted.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second})
}

// Request counts a request to a platform.
func (m *Metrics) Request(r broadcast.Request) {
	m.attempts.WithLabelValues(r.Account, r.Operation, r.Outcome).Inc()
	if r.Shown > 0 {
		m.shown.WithLabelValues(r.Channel).Observe(r.Shown.Seconds())
	}
}

// Command counts a command and what became of it.
func (m *Metrics) Command(origin, verb, outcome string) {
	m.commands.WithLabelValues(origin, verb, outcome).Inc()
}

// Served counts an HTTP request.
func (m *Metrics) Served(route string, code int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(code)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}
