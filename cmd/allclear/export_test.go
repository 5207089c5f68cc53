package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/audit"
)

// What four platforms were told is exported and verified, and a changed word
// is found.
func TestExportAndVerify(t *testing.T) {
	s := newServer(t)
	s.must("incident", "critical", "login", "--title", "Login is down", "--text", "Nobody can log in.")
	s.must("resolve", "INC-1", "Everything works again.")
	if _, err := s.run("update", "INC-7", "More."); err == nil {
		t.Fatal("an update of nothing is taken")
	}
	s.settled("INC-1")
	file, keys := filepath.Join(t.TempDir(), "inc-1.json"), filepath.Join(t.TempDir(), "keys.json")
	s.must("export", "INC-1", "--format", "json", "-o", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x, err := audit.Verify(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range x.Report.Updates {
		shown := map[string]bool{}
		for _, d := range u.Channels {
			if d.State == "sent" && d.Action == "post" {
				shown[d.Channel] = d.Sent != nil && strings.Contains(*d.Sent, u.Ref)
			}
		}
		if len(shown) != len(platforms) || !shown["telegram"] || !shown["discord"] || !shown["x"] || !shown["wechat"] || u.Skew == nil {
			t.Errorf("%s is on record as shown on %v", u.Ref, shown)
		}
	}
	if err := os.WriteFile(keys, []byte(s.get("/.well-known/allclear.json")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("verify", file); !strings.Contains(out, "holds: INC-1") || !strings.Contains(out, "compare with https://status.example.com/.well-known/allclear.json") {
		t.Errorf("verify says %q", out)
	}
	for _, key := range []string{keys, s.url + "/.well-known/allclear.json"} {
		if out := s.must("verify", file, "--key", key); !strings.Contains(out, "The key is one of those in "+key) {
			t.Errorf("verify --key %s says %q", key, out)
		}
	}
	s.verifyRefuses(file, data, keys)
}

// verifyRefuses tries a changed export, another form of it and another key.
func (s *server) verifyRefuses(file string, data []byte, keys string) {
	s.t.Helper()
	page := s.must("export", "INC-1")
	for what, want := range map[string]string{
		strings.Replace(string(data), "Nobody can log in.", "Nobody can log on.", 1): "does not hold: report.updates[0]",
		page: "Markdown and CSV cannot be verified",
	} {
		if err := os.WriteFile(file, []byte(what), 0o600); err != nil {
			s.t.Fatal(err)
		}
		if _, err := s.run("verify", file); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "exit 1") {
			s.t.Errorf("verify: %v, want %q", err, want)
		}
	}
	other, err := audit.LoadKey(filepath.Join(s.t.TempDir(), "other.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	doc, err := audit.WellKnown(other.Public)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: data, keys: doc} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	if _, err := s.run("verify", file, "--key", keys); err == nil || !strings.Contains(err.Error(), "it may be anybody's") {
		s.t.Errorf("another's key: %v", err)
	}
}
