package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/config"
)

// server is a whole allclear on simulated platforms, all on loopback.
type server struct {
	t     testing.TB
	world *sim.World
	sims  *sim.Server
	toml  string // configuration as text
	dir   string
	log   *syncBuffer
	wrap  func(*app) // what is put together, before it runs; may be nil
	*running
}

// running is one life of the server's process.
type running struct {
	app   *app
	url   string
	moved chan struct{} // receives after anything happened; capacity 1
	stop  func()
}

// newServer starts a server on the configuration of the demo.
func newServer(t testing.TB, change ...string) *server {
	t.Helper()
	return newServerIn(t, newWorld(), change...)
}

// newServerIn starts a server in a world, on that configuration with changes:
// pairs of old and new.
func newServerIn(t testing.TB, world *sim.World, change ...string) *server {
	t.Helper()
	s := &server{t: t, world: world, dir: t.TempDir(), log: &syncBuffer{}}
	var err error
	if s.sims, err = sim.Serve(s.world); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.sims.Close)
	changed := strings.NewReplacer(change...).Replace(demoConfig)
	s.toml = strings.NewReplacer("{page}", s.sims.URL, "{site}", "https://status.example.com", "{token}", demoToken).Replace(changed)
	s.start()
	return s
}

// start begins a life of the server; it ends with the test if not before.
func (s *server) start() {
	s.t.Helper()
	cfg, err := config.Parse(filepath.Join(s.dir, "config.toml"), []byte(s.toml), func(string) (string, bool) { return "", false })
	if err != nil {
		s.t.Fatal(err)
	}
	a, err := build(s.t.Context(), cfg, slog.New(slog.NewTextHandler(s.log, nil)))
	if err != nil {
		s.t.Fatal(err)
	}
	if s.wrap != nil {
		s.wrap(a)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	r := &running{app: a, url: "http://" + l.Addr().String(), moved: make(chan struct{}, 1)}
	signal := func(string) {
		select {
		case r.moved <- struct{}{}:
		default:
		}
	}
	a.published, a.delivered = append(a.published, signal), append(a.delivered, signal)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.serve(ctx, []net.Listener{l}) }()
	r.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("serve: %v", err)
		}
		a.Close()
	})
	s.t.Cleanup(r.stop)
	s.running = r
}

// run runs the command line against the server and returns what it printed.
func (s *server) run(args ...string) (string, error) { return s.runAs(demoToken, args...) }

// runAs is run with somebody's token.
func (s *server) runAs(token string, args ...string) (string, error) {
	return s.runWith(token, "", args...)
}

// runWith is runAs with something on standard input.
func (s *server) runWith(token, input string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	lookup := func(name string) (string, bool) {
		if name == "ALLCLEAR_TOKEN" {
			return token, true
		}
		return s.lookup(name)
	}
	e := &env{ctx: s.t.Context(), in: strings.NewReader(input), out: &out, err: &errs, lookup: lookup}
	if code := run(e, args); code != 0 {
		return out.String(), fmt.Errorf("exit %d: %s", code, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (s *server) must(args ...string) string {
	s.t.Helper()
	out, err := s.run(args...)
	if err != nil {
		s.t.Fatalf("allclear %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// until waits until ok holds, looking again whenever something happened.
func (s *server) until(what string, ok func() bool) {
	s.t.Helper()
	s.within(2*time.Minute, what, ok) // a busy machine is slow; what never comes fails all the same
}

func (s *server) within(limit time.Duration, what string, ok func() bool) {
	s.t.Helper()
	deadline := time.After(limit)
	tick := time.NewTicker(50 * time.Millisecond) // what happens on the platforms alone sends no signal
	defer tick.Stop()
	for !ok() {
		select {
		case <-s.moved:
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("not within %v: %s\n%s\nlog:\n%s", limit, what, s.feeds(), s.log)
		}
	}
}

// settled waits until every delivery of an incident is in a final state.
func (s *server) settled(ref string) {
	s.t.Helper()
	s.until(ref+" settled", func() bool { return len(s.unfinished(ref)) == 0 })
}

// deliveries are those of an incident, as the server in use knows them.
func (s *server) deliveries(ref string) []delivery {
	s.t.Helper()
	c, err := newClient(&env{ctx: s.t.Context(), lookup: s.lookup})
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := c.deliveries(&env{ctx: s.t.Context()}, ref)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

func (s *server) unfinished(ref string) (open []delivery) {
	for _, d := range s.deliveries(ref) {
		if slices.Contains([]string{"pending", "sending", "held"}, d.State) {
			open = append(open, d)
		}
	}
	return open
}

func (s *server) lookup(name string) (string, bool) {
	v, ok := map[string]string{"ALLCLEAR_URL": s.url, "ALLCLEAR_TOKEN": demoToken}[name]
	return v, ok
}

// feed is what followers of a platform see, oldest first.
func (s *server) feed(platform string) []sim.Seen {
	s.t.Helper()
	place := map[string]string{"telegram": demoChannel}[platform]
	all, err := s.world.Seen(platform, place)
	if err != nil {
		s.t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(m sim.Seen) bool { return m.Deleted || !m.Ours })
}

var platforms = []string{"telegram", "discord", "x", "wechat"}

// feeds prints all that followers see.
func (s *server) feeds() string {
	var b strings.Builder
	for _, p := range platforms {
		for _, m := range s.feed(p) {
			fmt.Fprintf(&b, "%s %s reply=%s thread=%s: %q\n", p, m.ID, m.ReplyTo, m.Thread, m.Text)
		}
	}
	return b.String()
}

// syncBuffer is a log that may be written and read at the same time.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// get fetches a page.
func (s *server) get(path string) string {
	s.t.Helper()
	resp, err := http.Get(s.url + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

func TestOneUpdateReachesEveryPlatformLinked(t *testing.T) {
	s := newServer(t)
	if got := s.must("incident", "critical", "login", "withdrawals", "--title", "Login is down", "--text", "Since 12:01 UTC nobody can log in.", "--translation", "zh-Hans=自 12:01 UTC 起无法登录。"); got != "INC-1/1 published" {
		t.Fatalf("answer: %q", got)
	}
	s.must("update", "INC-1", "We know the cause.", "--translation", "zh-Hans=原因已查明。")
	s.must("resolve", "INC-1", "Everything works again.", "--translation", "zh-Hans=一切恢复正常。")
	s.settled("INC-1")
	want := map[string][]string{
		"telegram": {"nobody can log in", "know the cause", "works again"},
		"discord":  {"nobody can log in", "know the cause", "works again"},
		"x":        {"nobody can log in", "know the cause", "works again"},
		"wechat":   {"无法登录", "原因已查明", "恢复正常"},
	}
	for _, p := range platforms {
		feed := s.feed(p)
		if len(feed) != 3 {
			t.Errorf("%s has %d messages, want 3:\n%s", p, len(feed), s.feeds())
			continue
		}
		for i, text := range want[p] {
			if m := feed[i]; !strings.Contains(m.Text, text) || !strings.Contains(m.Text, fmt.Sprintf("INC-1/%d · ", i+1)) {
				t.Errorf("%s message %d: %q", p, i+1, m.Text)
			}
		}
	}
	if tg := s.feed("telegram"); tg[1].ReplyTo != tg[0].ID || tg[2].ReplyTo != tg[0].ID || !tg[0].Pinned {
		t.Errorf("telegram is not one pinned thread:\n%s", s.feeds())
	}
	if x := s.feed("x"); x[1].ReplyTo != x[0].ID || x[2].ReplyTo != x[1].ID {
		t.Errorf("X is not one chain:\n%s", s.feeds())
	}
	if dc := s.feed("discord"); dc[1].Thread != dc[0].ID || dc[2].Thread != "" || dc[2].ReplyTo != dc[0].ID {
		t.Errorf("discord: want the update in the thread, the all clear in the channel:\n%s", s.feeds())
	}
	for _, p := range []string{"telegram", "discord"} {
		s.until(p+" head line", func() bool { return strings.HasPrefix(s.feed(p)[0].Text, "Resolved ") })
	}
	s.until("status page", func() bool { return strings.Contains(s.get("/incidents/INC-1"), "Everything works again.") })
}
