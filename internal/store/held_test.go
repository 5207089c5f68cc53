package store

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Another program holds the file: a backup that locks it, or a person with a
// shell. Whoever asks is told in time, and when it lets go all goes on at once.
func TestFileHeldByAnother(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "allclear.db")
	s := mustOpen(t, file)
	other, err := sql.Open("sqlite", dsn(file, ""))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	hold, err := other.Conn(t.Context())
	if err == nil {
		_, err = hold.ExecContext(t.Context(), "BEGIN EXCLUSIVE")
	}
	if err != nil {
		t.Fatal(err)
	}
	within(t, soonEnough, "all that is asked", func() {
		for name, err := range s.askAll(context.WithoutCancel(t.Context())) {
			if writes := name == "Set" || name == "Claim"; writes != (err != nil) {
				t.Errorf("%s: %v", name, err)
			} else if writes && !strings.Contains(err.Error(), "another program uses the file") && !errors.Is(err, errHeldUp) {
				t.Errorf("%s does not say why: %v", name, err)
			}
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Ready(ctx); !errors.Is(err, errHeldUp) {
		t.Errorf("ready: %v", err)
	}
	if _, err := hold.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	hold.Close()
	for name, err := range s.askAll(t.Context()) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
