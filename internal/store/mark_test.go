//go:build unix

package store

import (
	"database/sql"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// A transaction is lost with the server that it was on: nothing of it reached the
// one that takes its place, which gives the transaction's number to another. What
// became of that one is not taken for what became of this one.
func TestCommitLostWithItsServer(t *testing.T) {
	t.Parallel()
	primary := storetest.NewCluster(t)
	standby := primary.Standby()
	s := mustOpenURL(t, primary.Or(standby))
	if err := s.Set(t.Context(), "name", "kept"); err != nil {
		t.Fatal(err)
	}
	standby.SQL("ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()")
	within(t, soonEnough, "to stop following", func() {
		for following := 1; following > 0 && t.Context().Err() == nil; bots.Sleep(t.Context(), time.Second/20) {
			if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM pg_stat_replication`).Scan(&following); err != nil {
				t.Error(err)
				return
			}
		}
	})
	other, err := sql.Open("pgx", standby.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	err = s.change(t.Context(), func(tx *tx) error {
		if err := set(t.Context(), tx, "name", "lost"); err != nil {
			return err
		}
		const next = `SELECT txid_current()`
		var number, given int64
		if err := tx.QueryRowContext(t.Context(), next).Scan(&number); err != nil {
			return err
		}
		primary.Stop()
		standby.Promote()
		for given <= number {
			if err := other.QueryRowContext(t.Context(), next).Scan(&given); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		t.Error("what was lost counts as stored")
	}
	if name, err := s.Setting(t.Context(), "name"); name != "kept" || err != nil {
		t.Errorf("it is %q, %v", name, err)
	}
	if err := s.Set(t.Context(), "name", "new"); err != nil {
		t.Error(err)
	}
}
