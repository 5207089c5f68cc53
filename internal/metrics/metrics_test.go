package metrics

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// shelf is a store with what a test puts into it.
type shelf struct {
	mu         sync.Mutex
	incidents  []*incident.Incident
	deliveries []broadcast.Delivery
	walking    []broadcast.Delivery
	err        error
}

func (s *shelf) Recent(_ context.Context, limit int, _ func(*broadcast.Lane)) ([]*incident.Incident, []broadcast.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if limit != watched {
		return nil, nil, errors.New("asked for too much")
	}
	return s.incidents, s.deliveries, s.err
}

func (s *shelf) Walking(context.Context) ([]broadcast.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.walking, s.err
}

// hold puts other things into the store, which may be read at this moment.
func (s *shelf) hold(incidents []*incident.Incident, deliveries []broadcast.Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.incidents, s.deliveries, s.err = incidents, deliveries, nil
}

// full returns metrics of which every one has something to show.
func full(source Source) *Metrics {
	now := time.Now()
	m := New(Config{
		Version: "v1.2.3", Source: source, Simulate: map[string]bool{"tg": true},
		Statuses: func() []broadcast.Status {
			return []broadcast.Status{
				{Account: "tg", Platform: "telegram", Held: now, Heard: now, Left: 29, Stated: -1, Waiting: 2},
				{Account: "x", Platform: "twitter", Refused: &bots.Fault{Kind: bots.Unauthorized}, Paused: now.Add(time.Minute), Left: -1, Stated: 7},
			}
		},
		Audiences: func() []Audience {
			return []Audience{{Channel: "people", Subscribers: map[string]int{"active": 1200, "stopped": 7, "blocked": 30, "gone": 0}, Sent: 900, Unsure: 3}, {Channel: "fresh"}, {Channel: "lost"}}
		},
	})
	m.Request(broadcast.Request{Account: "tg", Channel: "tg-en", Operation: "post", Outcome: "done", Shown: 2 * time.Second})
	m.Request(broadcast.Request{Account: "x", Channel: "x", Operation: "post", Outcome: "rate_limited"})
	m.Command("http", "open", "published")
	m.Served("GET /v1/incidents", 200, time.Millisecond)
	return m
}

// shows is what a scrape shows, by line.
func (m *Metrics) shows(t *testing.T) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil || w.Code != 200 {
		t.Fatalf("status %d, %v: %s", w.Code, err, text)
	}
	return string(text)
}

func wantLines(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains("\n"+text, "\n"+line+"\n") {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("no line %s\namong\n%s", line, about(text, name))
		}
	}
}

func about(text, name string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, name) {
			out = append(out, line)
		}
	}
	return strings.Join(out, "\n")
}

func after(minutes int) time.Time {
	return time.Date(2000, 1, 1, 0, minutes, 0, 0, time.UTC) // synctest begins at midnight
}

func published(at, next time.Time) incident.Update {
	return incident.Update{PublishedAt: at, NextUpdate: next}
}

// exchange is a store in the middle of an outage.
func exchange() *shelf {
	post := func(update, channel string, s broadcast.State, accepted, sent time.Time) broadcast.Delivery {
		return broadcast.Delivery{Update: update, Channel: channel, Action: "post", State: s, Accepted: accepted, Sent: sent}
	}
	return &shelf{
		incidents: []*incident.Incident{
			{Ref: incident.Ref{Prefix: "INC", Number: 1}, NextUpdate: after(20), Updates: []incident.Update{
				published(after(0), after(5)), published(after(3), after(10)), published(after(12), after(20)),
			}},
			{Ref: incident.Ref{Prefix: "INC", Number: 2}, NextUpdate: after(1), Drill: true, Updates: []incident.Update{published(after(0), after(1))}},
			{Ref: incident.Ref{Prefix: "INC", Number: 3}, ResolvedAt: after(2), Updates: []incident.Update{published(after(0), time.Time{})}},
		},
		deliveries: []broadcast.Delivery{
			post("INC-1/1", "tg-en", broadcast.Sent, after(0), after(1)), post("INC-1/1", "x", broadcast.Sent, after(0), after(2)),
			post("INC-1/2", "tg-en", broadcast.Sent, after(3), after(3)), post("INC-1/2", "x", broadcast.Pending, after(3), time.Time{}),
			post("INC-1/3", "tg-en", broadcast.Failed, after(12), time.Time{}), post("INC-1/3", "x", broadcast.Sending, after(12), time.Time{}),
		},
	}
}

func TestMetricsAreCleanUnderPromtoolsLinter(t *testing.T) {
	source := exchange()
	m := full(source)
	m.outbox.look(t.Context())
	source.deliveries[3].State, source.deliveries[3].Sent = broadcast.Sent, after(4)
	m.outbox.look(t.Context())
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "allclear_") && !strings.HasPrefix(f.GetName(), "go_") && !strings.HasPrefix(f.GetName(), "process_") && !strings.HasPrefix(f.GetName(), "promhttp_") {
			t.Errorf("%s has a strange name", f.GetName())
		}
	}
}

func TestAudiencesAreShown(t *testing.T) {
	row := func(channel string, s broadcast.State, p broadcast.Progress) broadcast.Delivery {
		return broadcast.Delivery{Channel: channel, State: s, Audience: &p}
	}
	source := &shelf{walking: []broadcast.Delivery{
		row("people", broadcast.Sending, broadcast.Progress{Told: 300, Passed: 600, People: 1200, Speed: 30, AskUnsure: 2}),
		row("people", broadcast.Sending, broadcast.Progress{Told: 600, Passed: 900, People: 1200, Speed: 100}),
		row("people", broadcast.Sent, broadcast.Progress{Told: 1200, Passed: 1200, People: 1200, AskUnsure: 3, AskFailed: 4}),
		row("others", broadcast.Sending, broadcast.Progress{Told: 1, Passed: 1, People: 2, Speed: 1}),
		row("lost", broadcast.Sending, broadcast.Progress{Passed: 1, People: 2}),
	}}
	m := full(source)
	if text := m.shows(t); strings.Contains(text, "allclear_audience_unsettled{") {
		t.Error("something is known before the first look")
	}
	m.outbox.look(t.Context())
	text := m.shows(t)
	wantLines(t, text,
		`allclear_audience_subscribers{channel="people",state="active"} 1200`, `allclear_audience_subscribers{channel="people",state="blocked"} 30`,
		`allclear_audience_subscribers{channel="people",state="gone"} 0`,
		`allclear_audience_messages_total{channel="people"} 900`, `allclear_audience_unsure_total{channel="people"} 3`,
		`allclear_audience_messages_total{channel="fresh"} 0`,
		`allclear_audience_walk_passed{channel="people"} 1500`, `allclear_audience_walk_people{channel="people"} 2400`,
		`allclear_audience_walk_remaining_seconds{channel="people"} 10`,
		`allclear_audience_unsettled{channel="people",kind="unsure"} 5`, `allclear_audience_unsettled{channel="people",kind="failed"} 4`,
		`allclear_audience_walk_people{channel="fresh"} 0`, `allclear_audience_walk_remaining_seconds{channel="fresh"} 0`)
	for _, unknown := range []string{`allclear_audience_subscribers{channel="fresh"`, `allclear_audience_walk_remaining_seconds{channel="lost"}`} {
		if strings.Contains(text, unknown) {
			t.Errorf("%s is shown, which nobody knows", unknown)
		}
	}
}

func TestAccountsAndCountsAreShown(t *testing.T) {
	text := full(&shelf{}).shows(t)
	wantLines(t, text,
		`allclear_account_held{account="tg",platform="telegram"} 1`, `allclear_account_held{account="x",platform="twitter"} 0`,
		`allclear_account_refused{account="x"} 1`, `allclear_account_simulator{account="tg"} 1`, `allclear_account_simulator{account="x"} 0`,
		`allclear_account_requests_left{account="tg",limit="pace"} 29`, `allclear_account_requests_left{account="x",limit="stated"} 7`,
		`allclear_account_requests_waiting{account="tg"} 2`,
		`allclear_attempts_total{account="tg",operation="post",outcome="done"} 1`, `allclear_attempts_total{account="x",operation="post",outcome="rate_limited"} 1`,
		`allclear_shown_seconds_sum{channel="tg-en"} 2`, `allclear_shown_seconds_count{channel="tg-en"} 1`,
		`allclear_commands_total{origin="http",outcome="published",verb="open"} 1`,
		`allclear_http_requests_total{code="200",route="GET /v1/incidents"} 1`)
	if strings.Contains(text, `allclear_shown_seconds_count{channel="x"}`) || strings.Contains(text, `heard_timestamp_seconds{account="x"}`) {
		t.Error("it shows what never happened")
	}
	if !strings.Contains(text, `version="v1.2.3"`) {
		t.Error("no version")
	}
}

func TestOutboxAndPromisesAreThoseOfTheScrape(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := exchange()
		m := full(source)
		if text := m.shows(t); strings.Contains(text, "allclear_outbox_age_seconds{") {
			t.Error("something is known before the first look")
		}
		time.Sleep(15 * time.Minute)
		m.outbox.look(t.Context())
		time.Sleep(2 * time.Minute) // the age goes on while nobody looks
		wantLines(t, m.shows(t),
			`allclear_outbox_age_seconds{channel="x"} 840`, `allclear_outbox_age_seconds{channel="tg-en"} 0`,
			`allclear_deliveries{channel="tg-en",state="failed"} 1`, `allclear_deliveries{channel="x",state="pending"} 1`, `allclear_deliveries{channel="tg-en",state="sent"} 2`,
			`allclear_promises{state="kept"} 1`, `allclear_promises{state="broken"} 1`, `allclear_promises{state="open"} 1`,
			`allclear_promise_due_seconds 180`, `allclear_incidents_open 1`)
		time.Sleep(5 * time.Minute)
		wantLines(t, m.shows(t), `allclear_promises{state="broken"} 2`, `allclear_promises{state="open"} 0`, `allclear_promise_due_seconds -120`)
	})
}

func TestSkewIsObservedOncePerUpdateThatEveryChannelShows(t *testing.T) {
	source := exchange()
	m := full(source)
	for range 2 {
		m.outbox.look(t.Context()) // INC-1/1 is history
	}
	wantLines(t, m.shows(t), "allclear_update_skew_seconds_count 0")
	source.deliveries[3].State, source.deliveries[3].Sent = broadcast.Sent, after(4)
	for range 2 {
		m.outbox.look(t.Context())
	}
	wantLines(t, m.shows(t), "allclear_update_skew_seconds_count 1", "allclear_update_skew_seconds_sum 60")
}

func TestWatchLooksAfterChangesAndNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &shelf{err: errors.New("the database is away")}
		m := full(source)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); m.Watch(ctx) }()
		synctest.Wait()
		if text := m.shows(t); strings.Contains(text, "allclear_outbox_read") {
			t.Error("a look that failed counts")
		}
		busy := exchange()
		source.hold(busy.incidents, busy.deliveries)
		m.Changed("INC-1")
		time.Sleep(lookPause + time.Millisecond)
		wantLines(t, m.shows(t), "allclear_incidents_open 1")
		source.hold(nil, busy.deliveries)
		time.Sleep(lookEvery)
		wantLines(t, m.shows(t), "allclear_incidents_open 0")
		cancel()
		<-done
	})
}
