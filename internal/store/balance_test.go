package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// fleet are nodes that ask for accounts as the engine does, by a clock that
// only moves when it is told to.
type fleet struct {
	t        *testing.T
	store    *Store
	now      time.Time
	accounts []string
	unwanted map[string]string // an account that a node does not know
	held     map[string]map[string]broadcast.Lease
}

const ttl = 10 * time.Second

func newFleet(t *testing.T, accounts int) *fleet {
	f := &fleet{t: t, store: newStore(t), now: noon, held: map[string]map[string]broadcast.Lease{}, unwanted: map[string]string{}}
	f.store.clock = func(context.Context, querier) (time.Time, error) { return f.now, nil }
	for k := range accounts {
		f.accounts = append(f.accounts, fmt.Sprint("account", k))
	}
	return f
}

// run lets a time pass in which each node asks for each account every second.
func (f *fleet) run(d time.Duration, nodes ...string) {
	f.t.Helper()
	for end := f.now.Add(d); f.now.Before(end); f.now = f.now.Add(time.Second) {
		for _, name := range nodes {
			node := f.store.AsNode(name)
			if f.held[name] == nil {
				f.held[name] = map[string]broadcast.Lease{}
			}
			for _, account := range f.accounts {
				if f.unwanted[account] == name {
					continue
				}
				lease, ok, err := node.Claim(f.t.Context(), account, ttl)
				switch {
				case errors.Is(err, broadcast.ErrHandOver):
					if err := node.Release(f.t.Context(), f.held[name][account]); err != nil {
						f.t.Fatal(err)
					}
					delete(f.held[name], account)
				case err != nil:
					f.t.Fatal(err)
				case ok:
					f.held[name][account] = lease
				default:
					delete(f.held[name], account)
				}
			}
		}
		f.oneEach(nodes)
	}
}

// oneEach fails if an account is held twice.
func (f *fleet) oneEach(nodes []string) {
	f.t.Helper()
	for _, account := range f.accounts {
		n := 0
		for _, name := range nodes {
			if _, ok := f.held[name][account]; ok {
				n++
			}
		}
		if n > 1 {
			f.t.Fatalf("%s is held by %d nodes", account, n)
		}
	}
}

// want fails unless the nodes hold that many accounts, in any order.
func (f *fleet) want(nodes []string, want ...int) {
	f.t.Helper()
	var got []int
	for _, name := range nodes {
		got = append(got, len(f.held[name]))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		f.t.Errorf("the nodes hold %v accounts, want %v", got, want)
	}
}

func TestAccountsAreSpread(t *testing.T) {
	f := newFleet(t, 4)
	a, ab, abc, bc := []string{"a"}, []string{"a", "b"}, []string{"a", "b", "c"}, []string{"b", "c"}
	f.run(time.Second, a...)
	f.want(a, 4)
	f.run(10*time.Second, ab...)
	f.want(ab, 2, 2)
	f.run(10*time.Second, abc...)
	f.want(abc, 1, 1, 2)
	before := fmt.Sprint(f.held)
	f.run(time.Minute, abc...)
	if got := fmt.Sprint(f.held); got != before {
		t.Errorf("accounts change hands for nothing:\n%s\n%s", before, got)
	}
	delete(f.held, "a") // killed
	f.run(ttl+ttl/2, bc...)
	f.want(bc, 2, 2)
	delete(f.held, "b")
	f.run(ttl+ttl/2, "c")
	f.want([]string{"c"}, 4)
}

func TestTwoStartAtOnce(t *testing.T) {
	f := newFleet(t, 5)
	f.run(10*time.Second, "a", "b")
	f.want([]string{"a", "b"}, 2, 3)
}

// An account that only one node knows stays with it, and does not go back and
// forth.
func TestAccountThatAnotherNodeDoesNotKnow(t *testing.T) {
	f := newFleet(t, 3)
	f.run(time.Second, "a")
	f.unwanted["account0"], f.unwanted["account1"], f.unwanted["account2"] = "b", "b", "b"
	f.run(20*time.Second, "a", "b")
	f.want([]string{"a"}, 3)
	epochs := func() (n int64) {
		for _, l := range f.held["a"] {
			n += l.Epoch
		}
		return n
	}
	before := epochs()
	f.run(5*time.Minute, "a", "b")
	f.want([]string{"a"}, 3)
	if got := epochs(); got != before {
		t.Errorf("given away %d times in five minutes", got-before)
	}
}

// The database's clock is set back: the leases that were given before do not
// last until it has caught up.
func TestClockSetBack(t *testing.T) {
	f := newFleet(t, 1)
	f.run(3*time.Second, "a")
	f.now = f.now.Add(-time.Hour)
	delete(f.held, "a") // and is killed
	f.run(2*ttl, "b")
	f.want([]string{"b"}, 1)
}

func TestNews(t *testing.T) {
	s := newStore(t)
	start, err := s.News(t.Context(), -1)
	if err != nil || start.Last != 0 {
		t.Fatalf("%+v, %v", start, err)
	}
	l, lease := aLane(t, s)
	news, err := s.News(t.Context(), start.Last)
	if err != nil || !slices.Equal(news.Refs, []string{"INC-1"}) || !slices.Equal(news.Lanes["birds"], []int64{l.ID}) || news.Last == 0 {
		t.Errorf("after a publication: %+v, %v", news, err)
	}
	id, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.sent(t.Context(), lease, l, id); err != nil {
		t.Fatal(err)
	}
	sent, err := s.News(t.Context(), news.Last)
	if err != nil || !slices.Equal(sent.Refs, []string{"INC-1"}) || len(sent.Lanes) != 0 {
		t.Errorf("after an outcome: %+v, %v", sent, err)
	}
	s.mustChange(t, func(tx desk.Tx) error { return tx.Audit(desk.Record{Verb: "unfreeze", At: noon}) })
	lifted, err := s.News(t.Context(), sent.Last)
	if err != nil || len(lifted.Refs) != 0 || !slices.Equal(lifted.Lanes["birds"], []int64{l.ID}) {
		t.Errorf("after a release: %+v, %v", lifted, err)
	}
	if none, err := s.News(t.Context(), lifted.Last); err != nil || none.Last != lifted.Last || len(none.Refs)+len(none.Lanes) != 0 {
		t.Errorf("after nothing: %+v, %v", none, err)
	}
}
