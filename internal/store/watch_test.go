package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// givesUp is what a copy may take to end when the database says nothing, with what
// a loaded machine adds.
const givesUp = time.Minute

// silences are ways in which a database falls silent.
var silences = map[string]func(*storetest.Line){
	"all":         (*storetest.Line).Hang,
	"those there": (*storetest.Line).Forget, // connections; new ones work
}

// once has something happen the first time that a copy comes on.
func once(fn func()) Progress {
	done := false
	return func(int64, int64, string) {
		if !done {
			done = true
			fn()
		}
	}
}

// saysSilent fails unless an error is one line which says that nothing is heard.
func saysSilent(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, errSilent) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error is %v", err)
	}
}

// The database falls silent while it is backed up. The backup ends and leaves
// nothing, and the next one is whole.
func TestBackupInSilence(t *testing.T) {
	t.Parallel()
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := storetest.Postgres(t)
			from := mustOpenURL(t, database)
			history(t, from)
			line := storetest.NewLine(t, database)
			dir := t.TempDir()
			file := filepath.Join(dir, "backup.db")
			within(t, givesUp, "to give up", func() {
				saysSilent(t, Backup(context.WithoutCancel(t.Context()), line.URL, file, once(func() { silence(line) })))
			})
			if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
				t.Errorf("it leaves %v, %v", left, err)
			}
			line.Resume()
			if err := Backup(t.Context(), database, file, silent); err != nil {
				t.Fatal(err)
			}
			if got, want := dump(t, mustOpen(t, file)), dump(t, from); len(got["subscriber"]) == 0 || len(got["audit"]) <= len(want["audit"]) { // it tells that it is a backup
				t.Errorf("the backup has %d subscribers and %d lines of the audit", len(got["subscriber"]), len(got["audit"]))
			}
		})
	}
}

// The database into which is copied falls silent. The copy ends, and nobody is
// kept waiting for what is left of it, so that it can be made again.
func TestCopyInSilence(t *testing.T) {
	t.Parallel()
	for name, silence := range silences {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			from := mustOpen(t, filepath.Join(t.TempDir(), "allclear.db"))
			history(t, from)
			line := storetest.NewLine(t, storetest.Postgres(t))
			to := mustOpenURL(t, line.URL)
			within(t, givesUp, "to give up", func() {
				_, err := Copy(context.WithoutCancel(t.Context()), from, to, once(func() { silence(line) }))
				saysSilent(t, err)
			})
			line.Resume()
			within(t, givesUp, "to be free again", func() {
				for to.Set(t.Context(), "name", "value") != nil && t.Context().Err() == nil {
					bots.Sleep(t.Context(), time.Second)
				}
			})
			mustCopy(t, from, to)
		})
	}
}

// A database that takes its time is not a silent one, and neither is one that has
// to wait until we go on.
func TestSlowCopyIsNotGivenUp(t *testing.T) {
	t.Parallel()
	const slow = 3 * time.Second
	impatient := func(s *Store) { s.watch.quiet = slow / 20 }
	open := func() *Store {
		s, err := Open(t.Context(), storetest.Postgres(t), impatient)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	from, to := open(), open()
	history(t, from)
	held, released := make(chan struct{}), make(chan error)
	go func() {
		released <- from.change(t.Context(), func(tx *tx) error {
			err := errors.Join(tx.takeTime(t.Context(), 0), tx.run(t.Context(), `LOCK TABLE audit`))
			close(held)
			bots.Sleep(t.Context(), slow)
			return err
		})
	}()
	<-held
	if _, err := Copy(t.Context(), from, to, once(func() { bots.Sleep(t.Context(), slow) })); err != nil {
		t.Error(err)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
}
