package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// A backup is made beside the running server. Started from it, a server holds
// everything, says so in the room and on /readyz, and goes on when an admin
// releases it.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	s := newServer(t, `role = "publisher"`, `role = "admin"`)
	s.must("incident", "minor", "login", "--title", "Login is slow", "--text", "Logins take a minute.")
	s.settled("INC-1")
	s.sims.Down()
	s.must("update", "INC-1", "A fix is in place.")
	config := filepath.Join(s.dir, "config.toml")
	if err := os.WriteFile(config, []byte(s.toml), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "backup.db")
	if out := s.must("backup", "-c", config, file); !strings.Contains(out, "is a backup of this moment") {
		t.Errorf("it says %q", out)
	}
	if out, err := s.run("backup", "-c", config, file); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("over another: %q, %v", out, err)
	}
	s.stop()
	if err := s.sims.Up(); err != nil {
		t.Fatal(err)
	}
	s.toml = strings.Replace(s.toml, "demo.db", "backup.db", 1)
	s.start()
	s.until("ready", func() bool { return strings.Contains(s.get("/readyz"), "this is a backup made at") })
	s.until("the room is told", func() bool { return strings.Contains(s.room(), "Nothing is sent: this is a backup made at") })
	for _, p := range platforms {
		if got := s.state("INC-1/2", p); got != "held" {
			t.Errorf("%s is %s", p, got)
		}
	}
	s.must("unfreeze", "--release", "newest")
	s.until("sent", func() bool { return s.allSent("INC-1") })
	for _, p := range platforms {
		s.wantTexts(p, "Logins take a minute", "A fix is in place")
	}
}

// room is what stands in the operators' room.
func (s *server) room() string {
	s.t.Helper()
	all, err := s.world.Seen("telegram", demoRoom)
	if err != nil {
		s.t.Fatal(err)
	}
	var texts []string
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	return strings.Join(texts, "\n")
}

// A history moves to PostgreSQL and goes on there.
func TestMoveToPostgres(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	s := newServer(t, noRoom...)
	s.must("incident", "minor", "login", "--title", "Login is slow", "--text", "Logins take a minute.")
	s.settled("INC-1")
	file := "sqlite:" + filepath.Join(s.dir, "demo.db")
	if out, err := s.run("store", "copy", file, database); err == nil || !strings.Contains(err.Error(), "is in use by another allclear") {
		t.Errorf("while the server runs: %q, %v", out, err)
	}
	s.stop()
	if out := s.must("store", "copy", file, database); !strings.Contains(out, "copied, counted and verified") {
		t.Errorf("it says %q", out)
	}
	if out, err := s.run("store", "copy", file, database); err == nil || !strings.Contains(err.Error(), "the target is not empty") || strings.Count(err.Error(), "\n") > 1 {
		t.Errorf("once more: %q, %v", out, err)
	}
	if out, err := s.run("store", "copy", "sqlite:"+filepath.Join(s.dir, "nowhere.db"), database); err == nil || !strings.Contains(err.Error(), "there is no database") {
		t.Errorf("from nothing: %q, %v", out, err)
	}
	s.toml = strings.Replace(s.toml, "sqlite:demo.db", database, 1)
	s.start()
	s.must("resolve", "INC-1", "Everything works again.")
	s.until("sent", func() bool { return s.allSent("INC-1") })
	for _, p := range platforms {
		s.wantTexts(p, "Logins take a minute", "Everything works again")
	}
}
