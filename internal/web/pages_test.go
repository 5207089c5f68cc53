package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// memory is a source that holds a few incidents.
type memory struct {
	mu        sync.Mutex
	incidents []*incident.Incident
	err       error
}

func (m *memory) Incident(_ context.Context, ref incident.Ref) (*incident.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	for _, i := range m.incidents {
		if i.Ref == ref {
			return i, nil
		}
	}
	return nil, desk.ErrNotFound
}

func (m *memory) Incidents(context.Context, int) ([]*incident.Incident, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.incidents, m.err
}

// say adds an update to the last incident.
func (m *memory) say(s incident.Saying, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last := *m.incidents[len(m.incidents)-1]
	last.Say(s, "Ana", nil, at)
	m.incidents[len(m.incidents)-1] = &last
}

func outage(number int, title, body string, at time.Time) *incident.Incident {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: number}, Kind: incident.Outage, CreatedAt: at}
	i.Say(incident.Saying{Title: title, Status: incident.Investigating, Impact: incident.Major, Body: incident.Text{"en": body},
		Components: map[string]incident.ComponentState{"login": incident.MajorOutage}}, "Ana", nil, at)
	return i
}

func mustPages(t *testing.T, source Source, change ...func(*PagesConfig)) *Pages {
	t.Helper()
	c := pagesConfig(t, source)
	for _, f := range change {
		f(&c)
	}
	p, err := NewPages(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// get reads a page; header are names and values in turn.
func get(p *Pages, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w
}

// wantText checks that a page has some texts, and has not those with a minus.
func wantText(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if not, ok := strings.CutPrefix(text, "-"); ok {
			if strings.Contains(page, not) {
				t.Errorf("the page has %q:\n%s", not, withoutStyle(page))
			}
		} else if !strings.Contains(page, text) {
			t.Errorf("the page has no %q:\n%s", text, withoutStyle(page))
		}
	}
}

func withoutStyle(page string) string {
	return regexp.MustCompile(`(?s)<style>.*</style>`).ReplaceAllString(page, "")
}

var noon = time.Date(2026, 11, 22, 12, 1, 0, 0, time.UTC)

func TestStatusPageFollowsTheIncident(t *testing.T) {
	s := newSite(t)
	wantText(t, s.must(200, "", "GET", "/", "").body, "Everything works.", "Nothing happened", "Withdrawals", "We never ask for keys", "-Degraded")
	s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Logins fail", "impact": "minor", "components": ["login"], "body": "Some logins fail.", "next_update": "2099-12-31T13:00:00Z"}`)
	wantText(t, s.must(200, "", "GET", "/", "").body, "Some services are slower", "Logins fail", "Some logins fail.", "Degraded", "INC-1/1", `href="/incidents/INC-1"`,
		`Next update by <time datetime="2099-12-31T13:00:00Z">31 Dec 2099 13:00 UTC (21:00 Singapore)</time>`)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"status": "resolved", "body": "Over."}`)
	wantText(t, s.must(200, "", "GET", "/", "").body, "Everything works.", "Resolved", "lasted 1 min", "-Degraded", "-Next update")
	wantText(t, s.must(200, "", "GET", "/?lang=zh-Hans", "").body, "，历时 1 分钟")
	s.must(201, "Ana", "POST", "/v1/incidents", `{"kind": "notice", "title": "Not hacked", "body": "The rumour is false."}`)
	s.must(201, "Ana", "POST", "/v1/incidents", `{"kind": "maintenance", "title": "Upgrade", "body": "Deposits pause.", "components": ["deposits"], "scheduled_for": "2099-12-01T02:00:00Z", "scheduled_until": "2099-12-01T18:00:00Z"}`)
	page := s.must(200, "", "GET", "/", "").body
	wantText(t, page, "Everything works.", "Notices", "The rumour is false.", "Planned maintenance", "1 Dec 2099 02:00–18:00 UTC (10:00 – 2 Dec 2099 02:00 Singapore)", "-is under way")
	s.must(201, "Ana", "POST", "/v1/incidents/MNT-1/updates", `{"status": "in_progress", "body": "It begins."}`)
	wantText(t, s.must(200, "", "GET", "/", "").body, "Planned maintenance is under way.", "It begins.", "-Everything works")
}

func TestIncidentPageKeepsWhatWasSaid(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"status": "identified", "body": "A cable."}`)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"status": "monitoring", "body": "The key is hunter2."}`)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/3/correction", `{"body": "The key is hunter3."}`)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/1/correction", `{"body": "A few logins fail.", "title": "A few logins fail now"}`)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/2/retraction", `{"reason": "It was no cable."}`)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/3/retraction", `{"reason": "Leaked.", "delete": true}`)
	page := s.must(200, "", "GET", "/incidents/INC-1", "").body
	wantText(t, page, "A few logins fail.", "Corrected", "Earlier wording", "Some logins fail.", "It was no cable.", "What it said", "A cable.", "Leaked.", "The text was removed.",
		`<li id="1"`, `<li id="3" class="withdrawn"`, `href="#2"`, "-hunter", "-Ana")
	if strings.Index(page, `id="3"`) > strings.Index(page, `id="1"`) {
		t.Error("the newest update is not first")
	}
	wantText(t, s.must(200, "", "GET", "/", "").body, "A few logins fail.", "INC-1/3 was withdrawn.", "-hunter", "-A cable")
}

func TestTextsAreData(t *testing.T) {
	word := strings.Repeat("w", 5000)
	nasty := "<script>alert(1)</script>\n\n\"'`{{.}}</textarea></div><!-- \u202eRTL مرحبا 👩‍👩‍👧‍👦 " + word + strings.Repeat(" x", 2500)
	i := outage(1, "<b>T</b> & \"title\" {{.W}}", nasty, time.Now().Add(-time.Hour))
	i.Components["login"] = "x\"><script>" // cannot be stored; must not break out all the same
	p := mustPages(t, &memory{incidents: []*incident.Incident{i}}, func(c *PagesConfig) {
		c.Site, c.Warning, c.Components = "<i>Site</i>", map[string]string{"en": "<u>never</u>"}, []Component{{"login", "<em>Login</em>", "<g>"}}
	})
	for _, path := range []string{"/", "/incidents/INC-1"} {
		page := get(p, path).Body.String()
		wantText(t, page, "&lt;script&gt;alert(1)&lt;/script&gt;", "&lt;b&gt;T&lt;/b&gt;", "-<script", "-<b>T", "-<i>", "-<u>", "-<em>", "-<g>", "-</textarea>", "-<!--")
		if strings.Count(page, "<div") != strings.Count(page, "</div>") || strings.Count(page, "<p") < strings.Count(page, "</p>") {
			t.Errorf("%s: the text changes the page's structure", path)
		}
	}
	wantText(t, get(p, "/incidents/INC-1").Body.String(), word, "👩‍👩‍👧‍👦", `dir="auto"`)
	wantText(t, get(p, "/").Body.String(), "Read everything about this", "-"+word)
}

func TestLongTextIsShortenedOnTheStatusPage(t *testing.T) {
	for text, want := range map[string]string{
		"short":                                   "short",
		"One.\n\nTwo.":                            "One.\n\nTwo.",
		"One.\n\n" + letters(glance, ""):          "One.",
		"One.\r\n\r\n" + letters(glance, ""):      "One.",
		letters(600, "") + " " + letters(200, ""): letters(600, "") + "…",
		letters(glance+1, ""):                     letters(glance, "") + "…",
		letters(glance, "汉"):                      letters(glance, "汉"),
		letters(glance+1, "汉"):                    letters(glance, "汉") + "…",
	} {
		if got := (words{Text: text}).shorten(); got.Text != want || got.More != (text != want) {
			t.Errorf("%.20q… is shortened to %d characters (more: %v), want %d", text, len([]rune(got.Text)), got.More, len([]rune(want)))
		}
	}
}

func letters(n int, letter string) string {
	if letter == "" {
		letter = "a"
	}
	return strings.Repeat(letter, n)
}

func TestServingTouchesNothing(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	if err := s.store.Close(); err != nil { // even without a store
		t.Fatal(err)
	}
	before := s.store.reads.Load()
	for _, path := range []string{"/", "/?lang=zh-Hans", "/incidents/INC-1", "/incidents/INC-1?lang=zh-Hans"} {
		s.must(200, "", "GET", path, "")
	}
	for _, path := range []string{"/incidents/INC-2", "/incidents/", "/x", "/404", "/incidents/INC-1/"} {
		s.must(404, "", "GET", path, "")
	}
	if after := s.store.reads.Load(); after != before || before == 0 {
		t.Errorf("serving read the store %d times", after-before)
	}
}

func TestLanguages(t *testing.T) {
	i := outage(1, "Logins fail", "In English.", noon)
	i.Say(incident.Saying{Body: incident.Text{"en": "Half.", "zh-Hans": "一半。"}, Status: incident.Identified}, "Ana", nil, noon.Add(time.Minute))
	p := mustPages(t, &memory{incidents: []*incident.Incident{i}})
	for _, c := range []struct{ query, accept, want string }{
		{"", "", "en"}, {"", "zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"}, {"", "de", "en"}, {"", "en-GB,zh", "en"}, {"", "zh", "zh-Hans"},
		{"?lang=zh-Hans", "en", "zh-Hans"}, {"?lang=en", "zh", "en"}, {"?lang=<script>", "zh", "en"}, {"", "ar;q=x", "en"}, {"", strings.Repeat("zh,", 500), "en"},
	} {
		w := get(p, "/incidents/INC-1"+strings.ReplaceAll(c.query, "<", "%3C"), "Accept-Language", c.accept)
		if got := w.Header().Get("Content-Language"); got != c.want {
			t.Errorf("%q with %.40q: %s, want %s", c.query, c.accept, got, c.want)
		}
	}
	w := get(p, "/incidents/INC-1?lang=zh-Hans")
	wantText(t, w.Body.String(), `<html lang="zh-Hans">`, "已确定原因", `lang="zh-Hans" dir="auto">一半。`, `lang="en" dir="auto">In English.`, "原文为英语", "2026年11月22日 12:01 UTC（新加坡时间 20:01）",
		`<a href="/incidents/INC-1?lang=en" lang="en"`, "-Half.", "-Identified")
	if vary := w.Header().Get("Vary"); !strings.Contains(vary, "Accept-Language") {
		t.Errorf("Vary is %q", vary)
	}
}

func TestConditionalRequests(t *testing.T) {
	source := &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", noon)}}
	p := mustPages(t, source)
	w := get(p, "/")
	etag := w.Header().Get("ETag")
	for header, want := range map[string]int{etag: 304, `"x", ` + etag: 304, "*": 304, strings.TrimPrefix(etag, "W/"): 304, `"x"`: 200, "": 200} {
		if got := get(p, "/", "If-None-Match", header); got.Code != want || (want == 304) != (got.Body.Len() == 0) || got.Header().Get("ETag") != etag {
			t.Errorf("If-None-Match: %s: %d with %d bytes, want %d", header, got.Code, got.Body.Len(), want)
		}
	}
	if cc := w.Header().Get("Cache-Control"); !strings.Contains(cc, "max-age=10") {
		t.Errorf("Cache-Control is %q", cc)
	}
	source.say(incident.Saying{Body: incident.Text{"en": "News."}}, noon.Add(time.Minute))
	if err := p.Refresh(t.Context(), "INC-1"); err != nil {
		t.Fatal(err)
	}
	if w := get(p, "/", "If-None-Match", etag); w.Code != 200 {
		t.Errorf("news are answered with %d", w.Code)
	}
}

func TestCompression(t *testing.T) {
	p := mustPages(t, &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", noon)}})
	plain := get(p, "/").Body.String()
	for header, want := range map[string]bool{"gzip": true, "br, GZIP;q=0.5": true, "gzip;q=0": false, "gzip; q=0.0": false, "br": false, "": false, "gzip;q=x": false} {
		w := get(p, "/", "Accept-Encoding", header)
		if got := w.Header().Get("Content-Encoding") == "gzip"; got != want {
			t.Errorf("Accept-Encoding: %s: packed is %v, want %v", header, got, want)
		}
		var body io.Reader = w.Body
		if want {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if text, err := io.ReadAll(body); err != nil || string(text) != plain {
			t.Errorf("Accept-Encoding: %s: %d bytes (%v), want %d", header, len(text), err, len(plain))
		}
	}
}

func TestMethodsAndHead(t *testing.T) {
	p := mustPages(t, &memory{})
	for method, want := range map[string]int{"HEAD": 200, "POST": 405, "DELETE": 405} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest(method, "/", nil))
		if w.Code != want || method == "HEAD" && (w.Body.Len() > 0 || w.Header().Get("Content-Length") == "") {
			t.Errorf("%s: %d with %d bytes, want %d", method, w.Code, w.Body.Len(), want)
		}
	}
	if w := get(p, "/incidents/inc-1"); w.Code != 301 || w.Header().Get("Location") != "/incidents/INC-1" {
		t.Errorf("a reference in small letters: %d to %q", w.Code, w.Header().Get("Location"))
	}
}

// The only thing that the policy allows is the one style sheet that is there.
func TestContentSecurityPolicy(t *testing.T) {
	p := mustPages(t, &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", noon)}})
	for _, path := range []string{"/", "/incidents/INC-1", "/nothing"} {
		w := get(p, path)
		h, page := w.Header(), w.Body.String()
		styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(page, -1)
		if len(styles) != 1 {
			t.Fatalf("%s: %d style sheets", path, len(styles))
		}
		policy := h.Get("Content-Security-Policy")
		if want := "style-src 'sha256-" + digestBase64([]byte(styles[0][1])) + "'"; !strings.Contains(policy, want) {
			t.Errorf("%s: the policy %q does not allow the page's own style: %s", path, policy, want)
		}
		wantText(t, policy, "default-src 'none'", "frame-ancestors 'none'")
		wantText(t, page, "-<script", "-style=", "-http://example", "-<link rel=\"stylesheet\"", "-@import", "-onclick")
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: headers %v", path, h)
		}
		for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
			if !strings.HasPrefix(link[1], "/") && !strings.HasPrefix(link[1], "#") && !strings.HasPrefix(link[1], "data:") {
				t.Errorf("%s: the page has the foreign address %q", path, link[1])
			}
		}
	}
}

func TestPathOfTheSite(t *testing.T) {
	p := mustPages(t, &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", time.Now())}}, func(c *PagesConfig) { c.URL = "https://example.com/status/" })
	wantText(t, get(p, "/").Body.String(), `href="/status/incidents/INC-1"`, `href="/status/?lang=zh-Hans"`, `-href="/incidents`)
	if got := get(p, "/incidents/inc1").Header().Get("Location"); got != "/status/incidents/INC-1" {
		t.Errorf("redirected to %q", got)
	}
}

func TestPagesAsFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "public")
	source := &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", noon)}}
	p := mustPages(t, source, func(c *PagesConfig) { c.Dir = dir })
	source.say(incident.Saying{Body: incident.Text{"en": "News."}}, noon.Add(time.Minute))
	if err := p.Refresh(t.Context(), "INC-1"); err != nil {
		t.Fatal(err)
	}
	for file, path := range map[string]string{
		"index.html": "/", "index.zh-Hans.html": "/?lang=zh-Hans", "404.html": "/nothing",
		"incidents/INC-1.html": "/incidents/INC-1", "incidents/INC-1.zh-Hans.html": "/incidents/INC-1?lang=zh-Hans",
	} {
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil || !bytes.Equal(text, get(p, path).Body.Bytes()) {
			t.Errorf("%s is not what is served at %s (%v)", file, path, err)
		}
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v %v", file, info, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "*", ".new-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestFileThatCannotBeWrittenIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := pagesConfig(t, &memory{})
	c.Dir = file
	if _, err := NewPages(t.Context(), c); err == nil {
		t.Error("pages were written into a file")
	}
}

func TestTimePasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		i := outage(1, "Logins fail", "x", now)
		i.NextUpdate = now.Add(20 * time.Minute)
		source := &memory{incidents: []*incident.Incident{i}}
		p := mustPages(t, source)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()

		time.Sleep(20*time.Minute - time.Second)
		wantText(t, get(p, "/").Body.String(), "Next update by", "-was due")
		time.Sleep(2 * time.Second)
		wantText(t, get(p, "/").Body.String(), "The next update was due by", "-Next update by")
		wantText(t, get(p, "/incidents/INC-1").Body.String(), "The next update was due by")

		source.say(incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "Over."}}, time.Now())
		p.Changed("INC-1")
		synctest.Wait()
		wantText(t, get(p, "/").Body.String(), "Logins fail", "Resolved", "-was due")
		time.Sleep(14 * 24 * time.Hour)
		wantText(t, get(p, "/").Body.String(), "Logins fail")
		time.Sleep(2 * 24 * time.Hour)
		wantText(t, get(p, "/").Body.String(), "-Logins fail", "Nothing happened")
		wantText(t, get(p, "/incidents/INC-1").Body.String(), "Logins fail")

		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestFailedRenderingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", time.Now())}}
		p := mustPages(t, source)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- p.Run(ctx) }()

		source.say(incident.Saying{Body: incident.Text{"en": "News."}}, time.Now())
		source.mu.Lock()
		source.err = errors.New("the disk is full")
		source.mu.Unlock()
		p.Changed("INC-1")
		time.Sleep(10 * time.Second)
		wantText(t, get(p, "/").Body.String(), "-News.")
		source.mu.Lock()
		source.err = nil
		source.mu.Unlock()
		time.Sleep(2 * patience)
		wantText(t, get(p, "/").Body.String(), "News.")

		cancel()
		<-done
	})
}

func TestReadersAndPublishersAtOnce(t *testing.T) {
	source := &memory{incidents: []*incident.Incident{outage(1, "Logins fail", "x", time.Now())}}
	p := mustPages(t, source)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				if w := get(p, "/incidents/INC-1"); w.Code != 200 || !strings.HasSuffix(strings.TrimSpace(w.Body.String()), "</html>") {
					t.Errorf("half a page: %d", w.Code)
				}
			}
		})
		wg.Go(func() {
			for range 5 {
				source.say(incident.Saying{Body: incident.Text{"en": "News."}}, time.Now())
				if err := p.Refresh(t.Context(), "INC-1"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantText(t, get(p, "/").Body.String(), "INC-1/21")
}

func FuzzPageRequest(f *testing.F) {
	f.Add("/", "zh", "gzip", "*")
	f.Add("/incidents/inc1", "en-GB;q=0.5", "gzip;q=", `W/"x"`)
	f.Add("/incidents/..%2f", "\x00-", ",;=", ",")
	p, err := NewPages(context.Background(), PagesConfig{Source: &memory{incidents: []*incident.Incident{outage(1, "T", "x", noon)}}, Language: "en", Languages: []string{"en", "zh-Hans"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, lang, encoding, etag string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		r.URL.RawQuery = "lang=" + lang
		r.Header = http.Header{"Accept-Language": {lang}, "Accept-Encoding": {encoding}, "If-None-Match": {etag}}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 301 && w.Code != 304 && w.Code != 404 {
			t.Fatalf("status %d", w.Code)
		}
	})
}

func TestPagesInvite(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	if page := s.must(200, "", "GET", "/", ""); strings.Contains(page.body, "Telegram") {
		t.Error("the page invites to a bot that there is not")
	}
	if err := s.pages.Invite(t.Context(), "https://t.me/example_bot"); err != nil {
		t.Fatal(err)
	}
	for path, links := range map[string][]string{
		"/":                {`href="https://t.me/example_bot"`, `href="https://t.me/example_bot?start=login"`, "Subscribe in Telegram"},
		"/?lang=zh-Hans":   {`href="https://t.me/example_bot?start=withdrawals"`, "在 Telegram 中订阅"},
		"/incidents/INC-1": {`href="https://t.me/example_bot?start=INC-1"`, "Follow this in Telegram"},
	} {
		page := s.must(200, "", "GET", path, "").body
		for _, link := range links {
			if !strings.Contains(page, link) {
				t.Errorf("%s has no %s", path, link)
			}
		}
	}
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"status": "resolved", "body": "Over."}`)
	if page := s.must(200, "", "GET", "/incidents/INC-1", "").body; strings.Contains(page, "Telegram") {
		t.Error("what is over can still be followed")
	}
}
