package store

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/allclear-hq/allclear/bots"
)

// What may take long, as a copy does, has no limit of time, and PostgreSQL may fall
// silent in the middle of it. So whoever waits long for an answer has the server
// asked, on another connection, whether it still works for him.

const (
	unheard  = 10 * time.Second // after which it is asked
	strikes  = 3                // times in a row that it must not work, or not answer
	watching = 5                // times an unheard it is looked who waits
)

// sessionName is by what the server knows a session: a number alone is used again.
const sessionName = `concat(pid, ' ', backend_start)`

var errSilent = errors.New("PostgreSQL says nothing any more: see that it runs and can be reached, and try again")

// A socket is a connection to PostgreSQL that tells since when it waits.
type socket struct {
	net.Conn
	session string       // by which the server knows it
	since   atomic.Int64 // in microseconds; 0 while it does not wait
	cut     atomic.Bool
	commits atomic.Bool // and is not to be cancelled
	closed  func(*socket)
}

// Read implements [net.Conn].
func (s *socket) Read(b []byte) (int, error) {
	s.since.Store(micros(time.Now()))
	n, err := s.Conn.Read(b)
	s.since.Store(0)
	if s.cut.Load() {
		return 0, errSilent
	}
	return n, err
}

// Close implements [net.Conn].
func (s *socket) Close() error {
	s.closed(s)
	return s.Conn.Close()
}

// RemoteAddr implements [net.Conn]. The driver asks where to have the server cancel
// what is not waited for any more. A commit that waits for a standby would be
// taken for done then, although it is on one machine alone.
func (s *socket) RemoteAddr() net.Addr {
	if s.commits.Load() {
		return nowhere{}
	}
	return s.Conn.RemoteAddr()
}

// nowhere is no address.
type nowhere struct{}

func (nowhere) Network() string { return "nowhere" }
func (nowhere) String() string  { return "" }

// watch looks after the sockets of a store.
type watch struct {
	quiet time.Duration // unheard, but in tests
	end   func()

	mu      sync.Mutex
	sockets map[*socket]doubted
}

// doubted is how often the server was found not to work for a socket, while it
// waited for the same answer.
type doubted struct {
	since int64
	times int
}

// dial has connections be watched.
func (w *watch) dial(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &socket{Conn: conn, closed: w.forget}, nil
	}
}

// socketOf is what a connection reads from.
func socketOf(conn *pgx.Conn) *socket {
	under := conn.PgConn().Conn()
	if t, ok := under.(*tls.Conn); ok {
		under = t.NetConn()
	}
	return under.(*socket) //nolint:forcetypeassert // as dial made it
}

// add watches over a connection from now on, as it can be asked for it.
func (w *watch) add(conn *pgx.Conn, session string) {
	c := socketOf(conn)
	w.mu.Lock()
	defer w.mu.Unlock()
	c.session = session
	w.sockets[c] = doubted{}
}

func (w *watch) forget(c *socket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sockets, c)
}

// begin watches until end. A connection is made for each question.
func (w *watch) begin(config pgx.ConnConfig) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	w.end = func() { stop(); <-ended }
	go func() {
		defer close(ended)
		db := stdlib.OpenDB(config)
		defer db.Close()
		db.SetMaxIdleConns(-1)
		for bots.Sleep(ctx, w.quiet/watching); ctx.Err() == nil; bots.Sleep(ctx, w.quiet/watching) {
			if w.waits() {
				sessions, err := working(ctx, db)
				w.judge(sessions, err)
			}
		}
	}()
}

// waits reports whether some socket has waited for long.
func (w *watch) waits() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.sockets {
		if c.waited() >= w.quiet {
			return true
		}
	}
	return false
}

// waited is for how long a socket has waited.
func (s *socket) waited() time.Duration {
	if since := s.since.Load(); since != 0 {
		return time.Since(moment(since))
	}
	return 0
}

// judge cuts the sockets that wait in vain. A server that refuses to tell lives.
func (w *watch) judge(sessions []string, err error) {
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		return
	}
	works := map[string]bool{"": err == nil}
	for _, s := range sessions {
		works[s] = true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for c, d := range w.sockets {
		since := c.since.Load()
		switch {
		case c.waited() < w.quiet, works[c.session]:
			d = doubted{}
		case d.since != since:
			d = doubted{since, 1}
		default:
			d.times++
		}
		if w.sockets[c] = d; d.times == strikes {
			c.cut.Store(true)
			_ = c.Conn.Close() // whoever reads from it forgets it
		}
	}
}

// working lists the sessions of our user in which the server does not wait for what
// we say next.
func working(ctx context.Context, db *sql.DB) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	return texts(db.QueryContext(ctx, `SELECT `+sessionName+` FROM pg_stat_activity WHERE usename = session_user AND wait_event_type IS DISTINCT FROM 'Client'`))
}
