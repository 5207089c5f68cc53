//go:build unix

package store

import (
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// A server that can only be read any more is left for the one that took its
// place, also by those who only read: what it says is old.
func TestServerThatCanOnlyBeRead(t *testing.T) {
	t.Parallel()
	primary := storetest.NewCluster(t)
	standby := primary.Standby()
	s := mustOpenURL(t, primary.Or(standby))
	read := func() (one, other string) {
		t.Helper()
		one, err := s.Setting(t.Context(), "name")
		if err == nil {
			err = s.look(t.Context(), func(tx *tx) error {
				return tx.QueryRowContext(t.Context(), `SELECT value FROM setting WHERE name = 'name'`).Scan(&other)
			})
		}
		if err != nil {
			t.Fatal(err)
		}
		return one, other
	}
	if err := s.Set(t.Context(), "name", "old"); err != nil {
		t.Fatal(err)
	}
	read()
	primary.SQL("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	standby.Promote()
	err := s.Set(t.Context(), "name", "new")
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); {
		t.Log(err)
		time.Sleep(50 * time.Millisecond)
		err = s.Set(t.Context(), "name", "new")
	}
	if err != nil {
		t.Fatalf("it does not go over: %v", err)
	}
	if one, other := read(); one != "new" || other != "new" {
		t.Errorf("read is %q and %q", one, other)
	}
}
