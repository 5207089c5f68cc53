package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestEveryAnswerHasSafeHeaders(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/", "/nothing", "/v1/incidents", "/v1/nothing", "/healthz", "/readyz", "/metrics", "/.well-known/allclear.json"} {
		h := s.call("Ana", "GET", path, "").header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Content-Security-Policy": "frame-ancestors 'none'",
		} {
			if got := h.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if policy := h.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || !strings.HasPrefix(policy, "default-src 'none'") {
			t.Errorf("%s: policy %q", path, policy)
		}
	}
}

func TestRequestsAreCountedByRouteAndNotByPath(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(200, "Ana", "GET", "/v1/incidents/INC-1", "")
	s.must(404, "Ana", "GET", "/v1/made-up", "")
	s.must(401, "", "GET", "/v1/incidents/INC-1", "")
	s.must(404, "", "GET", "/made-up", "")
	s.must(200, "", "GET", "/healthz", "")
	for _, want := range []string{"POST /v1/incidents 201", "GET /v1/incidents/{ref} 200", " 404", "/v1/ 401", "/ 404", "GET /healthz 200"} {
		if _, ok := s.counted.Load(want); !ok {
			t.Errorf("%q was not counted", want)
		}
	}
	s.counted.Range(func(key, _ any) bool {
		if strings.Contains(key.(string), "made-up") {
			t.Errorf("a made-up path is a label: %v", key)
		}
		return true
	})
}

func TestPublicSideHasPagesAlone(t *testing.T) {
	s := newSite(t)
	srv := httptest.NewServer(Public(Config{Pages: s.pages}))
	defer srv.Close()
	for path, want := range map[string]int{"/": 200, "/metrics": 404, "/readyz": 404, "/healthz": 404, "/v1/incidents": 404} {
		resp, err := http.Get(srv.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want || resp.Header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %s %v", path, resp.Status, resp.Header)
		}
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	var log lockedBuffer
	var codes []int
	c := Config{Log: slog.New(slog.NewTextHandler(&log, nil)), Counted: func(_ string, code int, _ time.Duration) { codes = append(codes, code) }}
	srv := httptest.NewServer(c.guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/half" {
			_, _ = io.WriteString(w, "half of it")
			_ = http.NewResponseController(w).Flush()
		}
		panic("the boat is leaking")
	})))
	resp, err := http.Get(srv.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 500 || strings.Contains(string(body), "leaking") || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %s", resp.Status, body)
	}
	if resp, err := http.Get(srv.URL + "/half"); err == nil {
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("half an answer looks whole")
		}
	}
	srv.Close()
	if text := log.String(); !strings.Contains(text, "the boat is leaking") || !strings.Contains(text, "guard_test.go") {
		t.Errorf("the log does not say what happened: %s", text)
	}
	if len(codes) != 2 || codes[0] != 500 {
		t.Errorf("counted %v", codes)
	}
}
