package web

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/audit"
)

func TestExport(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(200, "Cy", "GET", "/v1/export/inc1", "")
	body := s.fetch("token-Cy", "/v1/export/inc1", "application/json")
	x, err := audit.Verify([]byte(body))
	if err != nil || x.Ref != "INC-1" || len(x.Report.Updates) != 1 {
		t.Fatalf("export %+v, %v", x, err)
	}
	keys, err := audit.ParseKeys([]byte(s.fetch("", keysPath, "application/json")))
	if err != nil || len(keys) != 1 || keys[0].ID != x.Signature.ID {
		t.Errorf("the site's keys are %+v, %v; signed by %s", keys, err, x.Signature.ID)
	}
	for format, media := range map[string]string{"markdown": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8"} {
		if got := s.fetch("token-Cy", "/v1/export/INC-1?format="+format, media); !strings.Contains(got, x.SHA256()) {
			t.Errorf("the %s does not name the JSON by its SHA-256:\n%s", format, got)
		}
	}
	s.must(404, "Ana", "GET", "/v1/export/INC-9", "")
	s.must(400, "Ana", "GET", "/v1/export/INC-1?format=pdf", "")
	s.must(401, "", "GET", "/v1/export/INC-1", "")
}

// fetch reads what is no JSON of the API.
func (s *site) fetch(token, path, media string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != media {
		s.t.Fatalf("%s: %s, %q, %v", path, resp.Status, resp.Header.Get("Content-Type"), err)
	}
	return string(body)
}
