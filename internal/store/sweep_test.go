package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// count counts the rows of a table.
func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSweepDeletesOnlyWhatIsOldAndOfNoUse(t *testing.T) {
	s := mustOpenURL(t, storetest.URL(t))
	now := s.now()
	old, young := micros(now.Add(-400*24*time.Hour)), micros(now.Add(-24*time.Hour))
	must := func(query string, args ...any) {
		t.Helper()
		err := s.change(t.Context(), func(tx *tx) error { _, err := tx.ExecContext(t.Context(), query, args...); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range sweepAtOnce + 10 {
		must(`INSERT INTO inbox (key, answer, at) VALUES (?, '', ?)`, fmt.Sprint("old", i), old)
	}
	must(`INSERT INTO inbox (key, answer, at) VALUES ('young', '', ?)`, young)
	for _, a := range []struct {
		ended   int64
		outcome string
	}{{old, "done"}, {old, "unsure: no answer"}, {old, "temporary: nothing was sent"}, {old, "rejected 400"}, {young, "rejected 400"}, {0, ""}} {
		must(`INSERT INTO attempt (account, lane, entry, step, began, ended, outcome) VALUES ('x', 1, 1, '{}', ?, ?, ?)`, old, a.ended, a.outcome)
	}
	for name, at := range map[string]int64{"old": old, "young": young} {
		must(`INSERT INTO room_message (account, chat, message, subject, at) VALUES ('tg', '1', ?, 'D-1', ?)`, name, at)
		must(`INSERT INTO question (key, question, settled, at) VALUES (?, '{}', '', ?)`, name, at)
	}
	for _, until := range []int64{old, micros(now)} {
		must(`INSERT INTO letter (account, room, draft, letter, tries, until) VALUES ('tg', '', '', '{}', 0, ?)`, until)
	}
	n, err := s.Sweep(t.Context())
	if want := int64(sweepAtOnce + 10 + 2 + 1 + 1 + 1); err != nil || n != want {
		t.Errorf("swept %d (%v), want %d", n, err, want)
	}
	for table, want := range map[string]int{"inbox": 1, "attempt": 4, "room_message": 1, "question": 1, "letter": 1} {
		if got := count(t, s, table); got != want {
			t.Errorf("%s has %d rows, want %d", table, got, want)
		}
	}
	if n, err := s.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Sweep(ended); err == nil {
		t.Error("a stopped server sweeps")
	}
}
