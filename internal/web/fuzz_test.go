package web

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzRequest sends anything to the whole of it, as an operator.
func FuzzRequest(f *testing.F) {
	for _, rt := range (&api{}).routes() {
		method, path, _ := strings.Cut(rt.pattern, " ")
		path = strings.NewReplacer("{ref}", "INC-1", "{n}", "1", "{draft}", "D-1", "{id}", "1", "{name}", "x").Replace(path)
		f.Add(method, path, "limit=1&incident=INC-1&open=true&format=csv", "key", minor)
	}
	f.Add("POST", "/v1/incidents/INC-1/updates/99999999999999999999/correction", "", "a b", `{"body": {"en": "x"}}`)
	f.Add("GET", "/v1/../healthz", "incident=%zz;&", strings.Repeat("k", 300), "")
	f.Add("PATCH", "//v1//incidents", "", "\x7f", "\xff")
	f.Add("GET", "/v1/deliveries", "incident=DRL-0", "", "{}")
	s := newSite(f)
	handler := New(s.config)
	f.Fuzz(func(t *testing.T, method, path, query, key, body string) {
		if strings.ContainsAny(method, " \r\n\t") || method == "" {
			t.Skip()
		}
		s.t = t
		r := httptest.NewRequest("GET", "/", strings.NewReader(body))
		r.Method, r.URL.Path, r.URL.RawQuery, r.RequestURI = method, path, query, path
		r.Header = http.Header{"Authorization": {"Bearer token-Ana"}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %q?%q %q: status %d: %s\nlog:\n%s", method, path, query, body, w.Code, w.Body, s.log.String())
		}
		if w.Code >= 400 && strings.HasPrefix(path, "/v1/") && method != "HEAD" && w.Header().Get("Content-Type") == "application/problem+json" {
			var p problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Detail == "" || strings.Contains(p.Detail, "\n") {
				t.Errorf("%s %q: %v in %s", method, path, err, w.Body)
			}
		}
	})
}
