package store

import (
	"errors"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/seat"
)

// A node that is started again where one was killed holds at once what that one
// held, under a new epoch; what other nodes hold is theirs.
func TestSeatIsSucceeded(t *testing.T) {
	if seat.BootID() == "" {
		t.Skip("this system does not tell when it was started")
	}
	f := newFleet(t, 2)
	dir := t.TempDir()
	started := func(name string) *Store {
		t.Helper()
		s := f.store.AsNode(name)
		var err error
		if s.seat, err = seat.Take(dir); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.seat.Close() })
		if err := s.succeed(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	}
	claim := func(s *Store, account string) (broadcast.Lease, bool) {
		t.Helper()
		lease, ok, err := s.Claim(t.Context(), account, ttl)
		if err != nil {
			t.Fatal(err)
		}
		return lease, ok
	}
	first, other := started("first"), started("other")
	was, ok := claim(first, "account0")
	if !ok {
		t.Fatal("a free account was refused")
	}
	if _, ok := claim(other, "account1"); !ok {
		t.Fatal("a free account was refused")
	}
	f.now = f.now.Add(time.Second)
	if _, ok := claim(started("third"), "account0"); ok {
		t.Error("what a node that lives held was taken from it")
	}

	first.seat.Close() // it is killed
	again := started("again")
	lease, ok := claim(again, "account0")
	if !ok || lease.Epoch != was.Epoch+1 {
		t.Errorf("started again it has %+v, %t, after %+v", lease, ok, was)
	}
	if _, ok := claim(again, "account1"); ok {
		t.Error("it took what another node holds")
	}
	if err := first.Heed(t.Context(), was, 1); !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("what the one before began: %v, want ErrLost", err)
	}
	if ago, known, err := again.Vacant(t.Context(), "account0"); known || err != nil {
		t.Errorf("it counts as if the lease had ended %s ago, %v", ago, err)
	}

	again.seat.Close()
	if lease, ok := claim(started("last"), "account0"); !ok || lease.Epoch != was.Epoch+2 {
		t.Errorf("started once more it has %+v, %t", lease, ok)
	}
	if nodes := f.names(); nodes != "last other third" {
		t.Errorf("nodes that count as alive: %s", nodes)
	}
}

// names are the nodes that gave a sign of life.
func (f *fleet) names() (out string) {
	f.t.Helper()
	if err := f.store.look(f.t.Context(), func(tx *tx) error {
		rows, err := tx.QueryContext(f.t.Context(), `SELECT name FROM node ORDER BY name`)
		return each(rows, err, func() error {
			var name string
			err := rows.Scan(&name)
			if out != "" {
				out += " "
			}
			out += name
			return err
		})
	}); err != nil {
		f.t.Fatal(err)
	}
	return out
}
