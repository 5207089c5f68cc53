package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/store/storetest"
)

func TestMigrationsRunOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d migrations, %v", len(names), err)
	}
	record := func() (out []string) {
		s := mustOpen(t, file)
		defer s.Close()
		out, err := texts(s.read.QueryContext(t.Context(), `SELECT name || ' ' || at FROM migration ORDER BY name`))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := record()
	if diff := cmp.Diff(first, record()); diff != "" {
		t.Errorf("another start changed the record (-first +second):\n%s", diff)
	}
	if len(first) != len(names) {
		t.Fatalf("%d of %d migrations recorded", len(first), len(names))
	}
	for k, name := range names {
		if !strings.HasPrefix(first[k], name+" ") {
			t.Errorf("recorded %q, want %s", first[k], name)
		}
	}
}

// What a newer version made of a database is not known here: nothing is written.
func TestOpenRefusesANewerDatabase(t *testing.T) {
	url := storetest.URL(t)
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.write.ExecContext(t.Context(), `INSERT INTO migration (name, at) VALUES ('migrations/998_later.sql', 1), ('migrations/999_later_still.sql', 2)`)
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	want := "a newer allclear has used this database (999_later_still): start that version, or restore a backup of before"
	if s, err := Open(t.Context(), url); err == nil {
		s.Close()
		t.Error("it opens")
	} else if !strings.HasSuffix(err.Error(), ": "+want) {
		t.Errorf("error %q, want %q", err, want)
	}
}

// A file of another program is named by mistake, and left as it is.
func TestOpenRefusesAnotherProgramsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "shop.db")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(`CREATE TABLE orders (id INTEGER PRIMARY KEY)`); err != nil {
		t.Fatal(err)
	}
	want := `another program keeps its data in this file (table "orders"): name a file of its own for allclear`
	if s, err := Open(t.Context(), "sqlite:"+file); err == nil {
		s.Close()
		t.Error("it opens")
	} else if !strings.HasSuffix(err.Error(), ": "+want) {
		t.Errorf("error %q, want %q", err, want)
	}
	var tables int
	if err := db.QueryRow(`SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil || tables != 1 {
		t.Errorf("%d tables (%v), want the one that was there", tables, err)
	}
}

func TestOpenTwice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	s := mustOpen(t, file)
	if again, err := Open(t.Context(), "sqlite:"+file); err == nil {
		again.Close()
		t.Fatal("a file can be opened twice")
	} else if want := file + " is in use by another allclear: stop that one, or use another file"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("the refused one harmed the first: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mustOpen(t, file).Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

// A power cut must not lose what was answered, and readers must not wait.
func TestPragmas(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "allclear.db"))
	for _, test := range []struct {
		pragma, want string
	}{{"synchronous", "2"}, {"journal_mode", "wal"}, {"foreign_keys", "1"}} {
		var got string
		if err := s.write.QueryRowContext(t.Context(), "PRAGMA "+test.pragma).Scan(&got); err != nil || got != test.want {
			t.Errorf("%s of the writer is %s, want %s, %v", test.pragma, got, test.want, err)
		}
	}
	if _, err := s.read.ExecContext(t.Context(), `DELETE FROM setting`); err == nil {
		t.Error("a reader can write")
	}
}

func TestOpenOddNames(t *testing.T) {
	for _, name := range []string{"with space.db", "100%.db", "a#b?c=d&e.db", "事件.db", "it's \"quoted\".db", "a:b.db", "%41.db", "+plus.db"} {
		dir := filepath.Join(t.TempDir(), "in "+strings.TrimSuffix(name, ".db"))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		s := mustOpen(t, file)
		if err := s.Set(t.Context(), "name", name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		s.Close()
		if info, err := os.Stat(file); err != nil || info.Size() == 0 {
			t.Errorf("the database is not in %s: %v", file, err)
		}
		if got, err := mustOpen(t, file).Setting(t.Context(), "name"); got != name || err != nil {
			t.Errorf("%s: read back %q, %v", name, got, err)
		}
	}
}

func TestOpenRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	mustOpen(t, "a b:c.db")
	if _, err := os.Stat("a b:c.db"); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write := func(name string, content []byte) {
		if err := os.WriteFile(path(name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("text.db", bytes.Repeat([]byte("This is a letter. "), 500))
	write("damaged.db", damaged(t))
	if err := os.Mkdir(path("folder.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ url, want string }{
		{"", `store url "" is not supported: write sqlite:FILE or postgres://USER@HOST/DATABASE`},
		{"sqlite:", "write sqlite:FILE"},
		{path("a.db"), "write sqlite:FILE"},
		{"mysql://allclear:hunter2@db/allclear", "write sqlite:FILE or postgres://"},
		{"mysql://allclear@db/allclear?password=hunter2", "write sqlite:FILE or postgres://"},
		{"postgres://allclear:hunter2%zz@db/allclear", "the store's url cannot be read: write it like postgres://USER@HOST/DATABASE"},
		{"postgres://allclear:hunter2@127.0.0.1:1/allclear?sslmode=disable", "check that PostgreSQL runs there and can be reached"},
		{"postgres://allclear@127.0.0.1:1/allclear?sslmode=disable&password=hunter2", "connection refused"},
		{"sqlite:" + path("missing/a.db"), "the folder " + path("missing") + " is not there: create it or change the store's url"},
		{"sqlite:" + path("text.db/a.db"), path("text.db") + " is no folder"},
		{"sqlite:" + path("folder.db"), path("folder.db") + " is a folder: name a file in it"},
		{"sqlite:" + path("text.db"), "this is some other file: change the store's url"},
		{"sqlite:" + path("damaged.db"), "the file is damaged: restore a backup"},
	}
	for _, test := range tests {
		s, err := Open(t.Context(), test.url)
		if err == nil {
			s.Close()
			t.Errorf("%q opens", test.url)
			continue
		}
		if text := err.Error(); !strings.Contains(text, test.want) || strings.Contains(text, "\n") || strings.Contains(text, "hunter2") || strings.Contains(text, "out of memory") {
			t.Errorf("%q: %v; want one line with %q", test.url, err, test.want)
		}
	}
	if got := explain(explain(errors.New("database or disk is full (13)"))).Error(); got != "database or disk is full (13): make room on the disk" {
		t.Errorf("advice is given twice: %q", got)
	}
	for _, name := range []string{"text.db", "damaged.db"} { // the lock is given back
		if err := os.Remove(path(name)); err != nil {
			t.Fatal(err)
		}
		mustOpen(t, path(name))
	}
}

// damaged is a database whose pages, but for the header, are overwritten.
func damaged(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "whole.db")
	s := mustOpen(t, file)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for k := 100; k < len(content); k++ {
		content[k] = 0xa5
	}
	return content
}

func TestOpenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := filepath.Join(t.TempDir(), "allclear.db")
	if s, err := Open(ctx, "sqlite:"+file); !errors.Is(err, context.Canceled) {
		t.Errorf("opened %v, %v", s != nil, err)
	}
	mustOpen(t, file)
}

// A reader gives back every page that it has after each commit, and all others
// wait meanwhile: so it has few.
func TestReadersKeepFewPages(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "allclear.db"))
	defer s.Close()
	for range readers {
		var kept, size int
		err := s.look(t.Context(), func(tx *tx) error {
			return errors.Join(tx.QueryRowContext(t.Context(), `PRAGMA cache_size`).Scan(&kept), tx.QueryRowContext(t.Context(), `PRAGMA page_size`).Scan(&size))
		})
		if err != nil {
			t.Fatal(err)
		}
		if kept < 0 { // in KiB then
			kept = -kept * 1024 / size
		}
		if kept < 1 || kept > 100 {
			t.Errorf("a reader keeps %d pages", kept)
		}
	}
}
