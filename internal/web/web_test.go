package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/internal/store/storetest"
	"github.com/allclear-hq/allclear/templates"
)

// counting is a store that counts what pages read from it.
type counting struct {
	*store.Store
	reads atomic.Int64
}

func (c *counting) Incident(ctx context.Context, ref incident.Ref) (*incident.Incident, error) {
	c.reads.Add(1)
	return c.Store.Incident(ctx, ref)
}

func (c *counting) Incidents(ctx context.Context, limit int) ([]*incident.Incident, error) {
	c.reads.Add(1)
	return c.Store.Incidents(ctx, limit)
}

// site is a whole server over a real store and desk.
type site struct {
	t       testing.TB
	store   *counting
	desk    *desk.Desk
	pages   *Pages
	url     string
	config  Config
	log     lockedBuffer
	counted sync.Map // what metrics are told: route and code
}

// lockedBuffer is a log that may be written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// tokens of the operators, by name. Ana publishes, Bo reviews, Cy drafts, Dee
// administers.
var operators = []Operator{
	{"Ana", desk.Publisher, sha256.Sum256([]byte("token-Ana"))},
	{"Bo", desk.Reviewer, sha256.Sum256([]byte("token-Bo"))},
	{"Cy", desk.Author, sha256.Sum256([]byte("token-Cy"))},
	{"Dee", desk.Admin, sha256.Sum256([]byte("token-Dee"))},
	{"Eve", desk.Publisher, [32]byte{}},
}

var channels = []broadcast.Channel{
	{Name: "tg-en", Account: "tg", Platform: "telegram", Target: "@status", Language: "en"},
	{Name: "x", Account: "x", Platform: "twitter", Language: "en"},
	{Name: "practice", Account: "tg", Platform: "telegram", Target: "@practice", Language: "en", Drill: true},
}

// The whole suite holds on PostgreSQL too.
func TestOnPostgres(t *testing.T) { storetest.OnPostgres(t) }

func pagesConfig(t testing.TB, source Source) PagesConfig {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Singapore")
	if err != nil {
		t.Fatal(err)
	}
	return PagesConfig{
		Source: source, Site: "Example Exchange", URL: "https://status.example.com", Language: "en", Languages: []string{"en", "zh-Hans"}, Zone: zone,
		Components: []Component{{"login", "Login", "Accounts"}, {"withdrawals", "Withdrawals", "Funds"}, {"deposits", "Deposits", "Funds"}},
		Warning:    map[string]string{"en": "We never ask for keys or deposits."},
	}
}

// newSite starts a server whose critical incidents need one more person.
func newSite(t testing.TB, change ...func(*PagesConfig)) *site {
	t.Helper()
	db, err := store.Open(t.Context(), storetest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := &site{t: t, store: &counting{Store: db}}
	key, err := audit.LoadKey(filepath.Join(t.TempDir(), "allclear.key"))
	if err != nil {
		t.Fatal(err)
	}
	pc := pagesConfig(t, s.store)
	pc.Keys = []audit.PublicKey{key.Public}
	for _, f := range change {
		f(&pc)
	}
	if s.pages, err = NewPages(t.Context(), pc); err != nil {
		t.Fatal(err)
	}
	words, err := templates.Load("", []string{"en", "zh-Hans"})
	if err != nil {
		t.Fatal(err)
	}
	s.desk = desk.New(desk.Config{
		Store: db, Reader: db, Words: words, Approved: map[string]string{"ack": "acacac", "hold": "b01d", "false_alarm": "fa15e"},
		Channels: channels, Components: map[string]string{"login": "Login", "withdrawals": "Withdrawals", "deposits": "Deposits"},
		Languages: []string{"en", "zh-Hans"}, Language: "en", Zone: pc.Zone, Approvals: map[string]int{"critical": 1},
		Next: map[incident.Impact]time.Duration{incident.Major: 30 * time.Minute},
		Changed: func(ref string) {
			if err := s.pages.Refresh(context.WithoutCancel(s.t.Context()), ref); err != nil {
				t.Error(err)
			}
		},
	})
	s.config = Config{
		Desk: s.desk, Store: s.store, Pages: s.pages, Operators: operators, Channels: channels, Language: "en",
		Export: func(ctx context.Context, ref incident.Ref) (*audit.Export, error) {
			ev, err := db.Evidence(ctx, ref)
			if err != nil {
				return nil, err
			}
			return audit.Sign(ev, key)
		},
		Limits: DefaultLimits(), Log: slog.New(slog.NewTextHandler(&s.log, nil)), Metrics: http.NotFoundHandler(),
		Counted:  func(route string, code int, _ time.Duration) { s.counted.Store(fmt.Sprint(route, " ", code), true) },
		Stumbled: db.Stumbled,
		Ready: func(ctx context.Context) []Check {
			if err := db.Ready(ctx); err != nil {
				return []Check{{"database", CheckFailed, err.Error()}}
			}
			return []Check{{"database", CheckOK, ""}, {"frozen", CheckWarning, "all is frozen"}}
		},
		Complete: func(l *broadcast.Lane) {
			l.Limits = bots.Limits{MaxText: 100, Unit: "characters", Measure: func(s string) int { return len(s) }, Edit: true, Delete: true}
		},
		Preview: func(_ context.Context, kind incident.Kind, s incident.Saying, ref string) ([]Preview, error) {
			return []Preview{{Channel: "tg-en", Text: string(kind) + " " + ref + ": " + s.Body["en"], Size: 12, Max: 100, Unit: "characters", Warnings: []string{"says funds"}}}, nil
		},
	}
	s.serve()
	return s
}

// serve serves the site's configuration, from now on.
func (s *site) serve() {
	srv := httptest.NewServer(New(s.config))
	s.t.Cleanup(srv.Close)
	s.url = srv.URL
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   string
}

// json decodes an answer into a map.
func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(a.body), &v); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
	return v
}

// at finds a value in an answer by its path: draft.id, updates.0.ref.
func (a answer) at(t testing.TB, path string) any {
	t.Helper()
	var v any = a.json(t)
	for step := range strings.SplitSeq(path, ".") {
		switch c := v.(type) {
		case map[string]any:
			v = c[step]
		case []any:
			k := int(step[0] - '0')
			if k >= len(c) {
				return nil
			}
			v = c[k]
		default:
			return nil
		}
	}
	return v
}

// call makes a request as an operator; header are names and values in turn.
func (s *site) call(who, method, path, body string, header ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if who != "" {
		req.Header.Set("Authorization", "Bearer token-"+who)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req) // no redirects
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answer{resp.StatusCode, resp.Header, string(bytes.TrimSpace(text))}
	s.conforms(method, path, a)
	return a
}

// must is call for a request that has to be answered with a status.
func (s *site) must(status int, who, method, path, body string, header ...string) answer {
	s.t.Helper()
	a := s.call(who, method, path, body, header...)
	if a.status != status {
		s.t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.status, status, a.body)
	}
	return a
}

// wantAt checks values of an answer by their paths.
func wantAt(t *testing.T, a answer, want map[string]any) {
	t.Helper()
	for path, w := range want {
		if got := a.at(t, path); got != w {
			t.Errorf("%s is %#v, want %#v in %s", path, got, w, a.body)
		}
	}
}
