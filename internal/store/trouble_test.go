package store

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
)

// refuses fails unless nothing is accepted, with a reason in one line, which
// Ready gives too.
func refuses(t *testing.T, s *Store, want string) {
	t.Helper()
	_, err := s.Change(t.Context(), "", func(tx desk.Tx) ([]byte, error) {
		for range 50 {
			if err := tx.Create(anIncident()); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	for what, err := range map[string]error{"Change": err, "Ready": s.Ready(t.Context())} {
		if err == nil {
			t.Errorf("%s: accepted", what)
		} else if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "\n") {
			t.Errorf("%s: %q, want one line with %q", what, text, want)
		}
	}
}

func accepts(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	s.mustChange(t, func(tx desk.Tx) error { return tx.Create(anIncident()) })
	if s.Stumbled() {
		t.Error("a write that succeeded counts as failed")
	}
}

// pragma sets something for the connection that writes.
func pragma(t *testing.T, s *Store, text string) {
	t.Helper()
	conn, err := s.writer.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.writer.give(conn, true)
	if _, err := conn.conn.ExecContext(t.Context(), "PRAGMA "+text); err != nil {
		t.Fatal(err)
	}
}

// The disk is full: nothing is accepted, all that was is there, and it goes on
// by itself when there is room again.
func TestDiskFull(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	s := mustOpen(t, file)
	accepts(t, s)
	pragma(t, s, "max_page_count = 1") // which SQLite takes for as many as there are
	for {
		_, err := s.Change(t.Context(), "", func(tx desk.Tx) ([]byte, error) { return nil, tx.Create(anIncident()) })
		if err != nil {
			break
		}
	}
	before, err := s.Incidents(t.Context(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Change(t.Context(), "", func(tx desk.Tx) ([]byte, error) {
		for range 50 {
			if err := tx.Create(anIncident()); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	if err == nil || !strings.Contains(err.Error(), "make room on the disk") {
		t.Errorf("on a full disk: %v", err)
	}
	if !s.Stumbled() {
		t.Error("nobody is told that a write failed")
	}
	if after, err := s.Incidents(t.Context(), 10000); len(after) != len(before) || err != nil {
		t.Errorf("%d incidents, want %d, %v", len(after), len(before), err)
	}
	pragma(t, s, "max_page_count = 1000000")
	accepts(t, s)
	if bad := s.brokenLine(t); bad != 0 {
		t.Errorf("line %d of the audit is broken", bad)
	}
}

func TestReadOnly(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "allclear.db"))
	pragma(t, s, "query_only = 1")
	refuses(t, s, "check that this user may write to the file and its folder")
	if _, err := s.Incidents(t.Context(), 9); err != nil {
		t.Errorf("it cannot be read either: %v", err)
	}
	pragma(t, s, "query_only = 0")
	accepts(t, s)
}

// The file is removed, or another is put in its place, while it is in use: what
// would be written now would be lost.
func TestFileGone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "allclear.db")
	s := mustOpen(t, file)
	accepts(t, s)
	away := dir + " away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	refuses(t, s, "the database "+file+" is gone: put it back and start again")
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	accepts(t, s)
	if err := os.Rename(file, file+" away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refuses(t, s, "the database "+file+" was replaced while it was in use: start again")
}

// spoil overwrites the pages of a table in the middle of a file.
func spoil(t *testing.T, file, marker string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(content, []byte(marker))
	if at < 0 {
		t.Fatalf("%q is not in the file", marker)
	}
	const size = 4096
	page := at / size * size
	for k := page; k < page+size; k++ {
		content[k] = 0xa5
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// Damage is found at the start.
func TestDamagedInTheMiddle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	s := mustOpen(t, file)
	if err := s.Set(t.Context(), "marker", strings.Repeat("here it is ", 100)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	spoil(t, file, "here it is here it is")
	s, err := Open(t.Context(), "sqlite:"+file)
	if err == nil {
		s.Close()
		t.Fatal("a damaged file opens")
	}
	if text := err.Error(); !strings.Contains(text, "the file is damaged: restore a backup") || strings.Contains(text, "\n") {
		t.Errorf("%q", text)
	}
}

// Damage that is met while running is not forgotten: /readyz says it until
// somebody has restored the file.
func TestDamageMetWhileRunning(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	s := mustOpen(t, file)
	for k := range 200 {
		if err := s.Set(t.Context(), fmt.Sprint("marker ", k), strings.Repeat("here it is ", 100)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.write.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 4096*40), info.Size()-4096*45); err != nil {
		t.Fatal(err)
	}
	f.Close()
	pragma(t, s, "shrink_memory")
	err = s.change(t.Context(), func(tx *tx) error {
		_, err := tx.ExecContext(t.Context(), `UPDATE setting SET value = value || 'x'`)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Fatalf("the damage is not met: %v", err)
	}
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "the file is damaged: restore a backup") {
		t.Errorf("ready: %v", err)
	}
}

// Another path to the same file leads to the same lock.
func TestOpenTwiceThroughALink(t *testing.T) {
	dir := t.TempDir()
	file, link, folder := filepath.Join(dir, "allclear.db"), filepath.Join(dir, "link.db"), filepath.Join(dir, "folder")
	if err := os.Symlink(file, link); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(dir, folder); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, file)
	for _, other := range []string{link, filepath.Join(folder, "allclear.db")} {
		s, err := Open(t.Context(), "sqlite:"+other)
		if err == nil {
			s.Close()
			t.Errorf("%s opens", other)
		} else if !strings.Contains(err.Error(), "is in use by another allclear") {
			t.Errorf("%s: %v", other, err)
		}
	}
}
