package broadcast_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/internal/store/storetest"
	"github.com/allclear-hq/allclear/templates"
)

// The whole suite holds on PostgreSQL too.
func TestOnPostgres(t *testing.T) { storetest.OnPostgres(t) }

// site is a desk, a store and an engine, with a platform that is reached over
// HTTP on loopback.
type site struct {
	t        *testing.T
	store    *store.Store
	desk     *desk.Desk
	platform *remote
	config   broadcast.Config
	engine   *broadcast.Engine
	while    func(context.Context, broadcast.Lease) // runs while the account is held; may be nil
	stop     context.CancelFunc
	done     chan struct{} // closed when the engine has stopped
	keys     int
}

// remote is a platform that takes operations as JSON and answers with receipts.
type remote struct {
	*httptest.Server
	mu      sync.Mutex
	ops     []bots.Operation
	arrived chan bots.Operation
	answer  func(w http.ResponseWriter, op bots.Operation) bool // false: as usual; may be nil
}

func (r *remote) serve(w http.ResponseWriter, req *http.Request) {
	var op bots.Operation
	if err := json.NewDecoder(req.Body).Decode(&op); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.ops = append(r.ops, op)
	id, answer := len(r.ops), r.answer
	r.mu.Unlock()
	r.arrived <- op
	if answer != nil && answer(w, op) {
		return
	}
	json.NewEncoder(w).Encode(bots.Receipt{ID: strconv.Itoa(id)})
}

// texts are the texts of the requests so far that contain words.
func (r *remote) texts(words string) (out []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, op := range r.ops {
		if strings.Contains(op.Text, words) {
			out = append(out, op.Text)
		}
	}
	return out
}

// bot makes one HTTP request for each operation.
type bot struct {
	client *bots.Client
	url    string
	limits bots.Limits
	before func(bots.Operation) // called before anything is sent; may be nil
}

func (b *bot) Limits() bots.Limits { return b.limits }

func (b *bot) Do(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	if b.before != nil {
		b.before(op)
	}
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	body, err := json.Marshal(op)
	if err != nil {
		return bots.Receipt{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return bots.Receipt{}, err
	}
	if resp, err := b.client.HTTP.Do(req); err == nil {
		resp.Body.Close()
	}
	if f := ex.Fault("", ""); f != nil {
		return bots.Receipt{}, f
	}
	var r bots.Receipt
	return r, json.Unmarshal(ex.Body, &r)
}

// newSite opens a site with a channel for each name. The engine is not running.
func newSite(t *testing.T, channels ...string) *site {
	t.Helper()
	r := &remote{arrived: make(chan bots.Operation, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	texts, err := templates.Load("", []string{"en"})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, platform: r}
	s.config = broadcast.Config{
		Texts: texts, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Lease: 3 * time.Second, Grace: 5 * time.Second,
		Policy: broadcast.Policy{
			Unsure: "ask", Language: "en", Zone: time.UTC, NoStaleNews: 10 * time.Minute,
			Link: func(incident.Ref) string { return "" }, Component: func(id string) string { return id },
		},
		Accounts: []broadcast.Account{{Name: "bot", Platform: "telegram", Bot: &bot{client: bots.NewClient(), url: r.URL, limits: bots.Limits{
			MaxText: 4096, Measure: utf8.RuneCountInString, Edit: true, Delete: true, Replies: bots.ReplyFirst, Pin: true,
		}}}},
	}
	for _, name := range channels {
		s.config.Channels = append(s.config.Channels, broadcast.Channel{Name: name, Account: "bot", Platform: "telegram", Target: name, Language: "en"})
	}
	s.open(storetest.URL(t))
	return s
}

// open opens the store, as a process does that starts.
func (s *site) open(url string) {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), url)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	s.store, s.config.Store = db, db
	s.desk = desk.New(desk.Config{Store: db, Channels: s.config.Channels, Languages: []string{"en"}, Language: "en", Zone: time.UTC,
		Wake: func(lanes map[string][]int64) {
			if s.engine != nil {
				s.engine.Wake(lanes)
			}
		},
		Changed: func(string) {},
	})
}

func (s *site) bot() *bot { return s.config.Accounts[0].Bot.(*bot) }

// start runs the engine until the test ends or halt is called.
func (s *site) start() {
	s.t.Helper()
	var err error
	if s.engine, err = broadcast.New(s.config); err != nil {
		s.t.Fatal(err)
	}
	if s.while != nil {
		s.engine.While("bot", s.while)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.stop, s.done = stop, done
	go func() {
		defer close(done)
		s.engine.Run(ctx)
	}()
	s.t.Cleanup(s.halt)
}

// halt stops the engine and waits for it.
func (s *site) halt() {
	s.stop()
	<-s.done
}

// do has an admin command something.
func (s *site) do(c desk.Command) desk.Answer {
	s.t.Helper()
	s.keys++
	a, err := s.desk.Do(context.WithoutCancel(s.t.Context()), desk.Actor{Name: "Ana", Role: desk.Admin}, strconv.Itoa(s.keys), c)
	if err != nil {
		s.t.Fatalf("%+v: %v", c, err)
	}
	return a
}

func (s *site) publish(words string) {
	s.t.Helper()
	s.do(desk.Open{Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major, Body: incident.Text{"en": words}}})
}

func (s *site) update(words string) {
	s.t.Helper()
	s.do(desk.Update{Saying: incident.Saying{Body: incident.Text{"en": words}}})
}

// wait waits for a request whose text contains words and returns it.
func (s *site) wait(words string) bots.Operation {
	s.t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case op := <-s.platform.arrived:
			if strings.Contains(op.Text, words) {
				return op
			}
		case <-timeout:
			s.t.Fatalf("nothing with %q arrived", words)
		}
	}
}

// lane loads the lane of the first incident on a channel, by its number.
func (s *site) lane(id int64) *broadcast.Lane {
	s.t.Helper()
	l, err := s.store.Lane(context.WithoutCancel(s.t.Context()), id)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.engine != nil {
		s.engine.Complete(l)
	}
	return l
}

// states are the states of the deliveries of a lane.
func (s *site) states(lane int64) string {
	s.t.Helper()
	var out []string
	for _, d := range s.lane(lane).Deliveries(nil) {
		out = append(out, d.Action+" "+string(d.State))
	}
	return strings.Join(out, ", ")
}

// waitFor waits until the deliveries of a lane are in these states.
func (s *site) waitFor(lane int64, states string) {
	s.t.Helper()
	end := time.Now().Add(10 * time.Second)
	for s.states(lane) != states {
		if time.Now().After(end) {
			s.t.Fatalf("lane %d has %q, want %q", lane, s.states(lane), states)
		}
		time.Sleep(5 * time.Millisecond)
	}
}
