package store

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// wire is a way to a database that breaks when it is told to.
type wire struct {
	listener net.Listener
	server   string
	cut      atomic.Pointer[cut]
	mu       sync.Mutex
	open     []net.Conn
}

// A cut is where the wire breaks: after some requests, before the next one
// arrives or before its answer does.
type cut struct {
	after  int
	answer bool
}

// newWire returns a wire to the database, and the URL that leads through it.
func newWire(t *testing.T, database string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{server: u.Host}
	if w.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { w.carry(client) })
		}
	})
	t.Cleanup(func() { w.listener.Close(); w.breakAll(); all.Wait() })
	u.Host = w.listener.Addr().String()
	return w, u.String()
}

// carry carries bytes both ways until either side closes or the wire is cut.
func (w *wire) carry(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer server.Close()
	w.mu.Lock()
	w.open = append(w.open, client, server)
	w.mu.Unlock()
	var deaf atomic.Bool // answers are lost
	var answers sync.WaitGroup
	answers.Go(func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := server.Read(buf)
			if err == nil && !deaf.Load() {
				_, err = client.Write(buf[:n])
			}
			if err != nil || deaf.Load() {
				client.Close()
				server.Close()
				return
			}
		}
	})
	defer answers.Wait()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			server.Close()
			return
		}
		if c := w.cut.Load(); c != nil && c.after > 0 {
			w.cut.Store(&cut{c.after - 1, c.answer})
		} else if c != nil {
			w.cut.Store(nil)
			if !c.answer {
				server.Close()
				return
			}
			deaf.Store(true)
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// breakAll breaks what is connected now.
func (w *wire) breakAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.open {
		c.Close()
	}
	w.open = nil
}

// The connection breaks in the middle of a commit. What the caller is told is
// what happened, and the same key has one effect.
func TestCommitWithoutAnAnswer(t *testing.T) {
	database := storetest.Postgres(t)
	w, through := newWire(t, database)
	s := mustOpenURL(t, through)
	number := 0
	draft := func(tx desk.Tx) ([]byte, error) {
		d := &desk.Draft{State: "open"}
		err := tx.AddDraft(d)
		number = d.Number
		return []byte("answer"), err
	}
	if _, err := s.Change(t.Context(), "first", draft); err != nil {
		t.Fatal(err)
	}
	for k, stored := range []bool{true, false, true} {
		before := number
		key := fmt.Sprint("key ", k)
		answer, err := s.Change(t.Context(), key, func(tx desk.Tx) ([]byte, error) {
			defer w.cut.Store(&cut{after: 1, answer: stored}) // the key is written, then comes the commit
			return draft(tx)
		})
		if stored != (err == nil) || stored != (string(answer) == "answer") {
			t.Errorf("stored %v, and the answer is %q, %v", stored, answer, err)
		}
		w.cut.Store(nil)
		if again, err := s.Change(t.Context(), key, draft); string(again) != "answer" || err != nil {
			t.Errorf("once more: %q, %v", again, err)
		}
		if number != before+1 {
			t.Errorf("stored %v: %d drafts, want %d", stored, number, before+1)
		}
	}
}

// Connections that broke while nobody used them are replaced without a word.
func TestBrokenConnections(t *testing.T) {
	w, through := newWire(t, storetest.Postgres(t))
	s := mustOpenURL(t, through)
	for range 3 {
		if err := s.Set(t.Context(), "name", "value"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Incidents(t.Context(), 9); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Setting(t.Context(), "name"); err != nil {
			t.Fatal(err)
		}
		w.breakAll()
	}
}

// The database is away for a while: nothing is accepted, and then all goes on.
func TestDatabaseAway(t *testing.T) {
	w, through := newWire(t, storetest.Postgres(t))
	s := mustOpenURL(t, through)
	addr := w.listener.Addr().String()
	w.listener.Close()
	w.breakAll()
	if err := s.Ready(t.Context()); err == nil {
		t.Error("ready without a database")
	}
	var err error
	if w.listener, err = net.Listen("tcp", addr); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			go w.carry(client)
		}
	}()
	defer func() { w.listener.Close(); <-accepted }()
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("not ready again: %v", err)
	}
}

// A node that is halted in the middle of a transaction does not hold the others
// up for ever, and what it had begun is undone.
func TestHaltedInTheMiddle(t *testing.T) {
	database := storetest.Postgres(t)
	halted, other := mustOpenURL(t, database), mustOpenURL(t, database)
	began, woken := make(chan struct{}), make(chan struct{})
	result := make(chan error)
	go func() {
		_, err := halted.Change(context.Background(), "key", func(tx desk.Tx) ([]byte, error) {
			if err := tx.AddDraft(&desk.Draft{State: "open"}); err != nil {
				return nil, err
			}
			close(began)
			<-woken
			return nil, nil
		})
		result <- err
	}()
	<-began
	if err := other.Set(t.Context(), "name", "value"); err != nil {
		t.Errorf("the other node is held up: %v", err)
	}
	close(woken)
	if err := <-result; err == nil {
		t.Error("a transaction that was given up is committed")
	}
	if drafts, err := other.Drafts(t.Context()); len(drafts) != 0 || err != nil {
		t.Errorf("%d drafts, %v", len(drafts), err)
	}
	if err := halted.Set(t.Context(), "name", "other"); err != nil {
		t.Errorf("it does not go on: %v", err)
	}
}

// Numbers and the chain have no gap and no branch, however many nodes write.
func TestManyNodesWrite(t *testing.T) {
	database := storetest.Postgres(t)
	const nodes, each = 3, 20
	var all sync.WaitGroup
	for range nodes {
		s := mustOpenURL(t, database)
		all.Go(func() {
			for range each {
				_, err := s.Change(context.Background(), "", func(tx desk.Tx) ([]byte, error) { return nil, tx.Create(anIncident()) })
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	s := mustOpenURL(t, database)
	incidents, err := s.Incidents(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for _, i := range incidents {
		seen[i.Ref.Number] = true
	}
	for n := 1; n <= nodes*each; n++ {
		if !seen[n] {
			t.Errorf("there is no INC-%d", n)
		}
	}
	if bad := s.brokenLine(t); bad != 0 {
		t.Errorf("line %d of the audit does not follow from those before it", bad)
	}
}

func TestPostgresRefuses(t *testing.T) {
	database := storetest.Postgres(t)
	nowhere := strings.Replace(database, "/allclear?", "/nowhere?", 1)
	noSchema := strings.Replace(database, "search_path=t_", "search_path=u_", 1)
	for text, want := range map[string]string{
		nowhere:  "create the database, owned by that user",
		noSchema: "no schema of its search path is there: create it",
	} {
		s, err := Open(t.Context(), text)
		if err == nil {
			s.Close()
			t.Errorf("%s opens", text)
		} else if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v\nwant one line with %q", err, want)
		}
	}
}

// A node whose clock is wrong is told so, and its leases go by the database's:
// it neither takes what another holds nor loses what it has.
func TestWrongClock(t *testing.T) {
	database := storetest.Postgres(t)
	right, wrong := mustOpenURL(t, database), mustOpenURL(t, database)
	for _, off := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		wrong.now = func() time.Time { return time.Now().Add(off) }
		ahead, err := wrong.Ahead(t.Context())
		if d := ahead - off; d.Abs() > 30*time.Second || err != nil {
			t.Errorf("%s ahead by %s, %v", off, ahead, err)
		}
		lease := right.mustClaim(t, "birds")
		if _, ok, err := wrong.Claim(t.Context(), "birds", minute); ok || err != nil {
			t.Errorf("%s ahead, a node takes what another holds: %v", off, err)
		}
		own := wrong.mustClaim(t, fmt.Sprint("tg", off))
		if again := wrong.mustClaim(t, own.Account); again != own {
			t.Errorf("%s ahead, a node loses what it has", off)
		}
		if again := right.mustClaim(t, "birds"); again != lease {
			t.Errorf("%s: the other loses it", off)
		}
	}
}
