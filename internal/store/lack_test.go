package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// What PostgreSQL lacked is told for a minute, or until a command is kept.
func TestLacking(t *testing.T) {
	s := mustOpenURL(t, storetest.Postgres(t))
	full := &pgconn.PgError{Code: "53100", Message: "could not extend file"}
	for _, err := range []error{errors.New("other"), &desk.Refusal{Text: "no"}, &pgconn.PgError{Code: "23505"}} {
		if got := s.refused(err); !errors.Is(got, err) || got.Error() != err.Error() {
			t.Errorf("%v becomes %v", err, got)
		}
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("nothing is lacking: %v", err)
	}
	lacks := func() bool {
		err := s.Ready(t.Context())
		return err != nil && strings.Contains(err.Error(), "make room on PostgreSQL's disk")
	}
	s.refused(full)
	if !lacks() {
		t.Error("a full disk is forgotten")
	}
	s.mustChange(t, func(desk.Tx) error { return nil })
	if lacks() {
		t.Error("the disk is full although a command was kept")
	}
	s.refused(full)
	s.now = func() time.Time { return time.Now().Add(lackLasts) }
	if lacks() {
		t.Error("the disk is full for ever")
	}
}
