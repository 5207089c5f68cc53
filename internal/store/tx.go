package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A pool hands out connections that keep their prepared statements: SQLite
// would otherwise parse every statement anew, which costs more than running
// most of ours.
type pool struct {
	db     *sql.DB
	pg     bool // on PostgreSQL
	begin  func(context.Context, *tx) error
	commit func(context.Context, *tx) error
	failed func(error) error // looks at what a transaction failed with; may be nil
	once   sync.Once
	free   chan *tx      // those that nobody uses
	more   chan struct{} // one for each that may still be opened
	age    atomic.Int64  // of connections that may be used; see renew
}

func newPool(db *sql.DB, size int, begin func(context.Context, *tx) error) *pool {
	p := &pool{db: db, begin: begin, commit: running("COMMIT"), free: make(chan *tx, size), more: make(chan struct{}, size)}
	p.allow()
	return p
}

// allow has all connections be opened when they are needed.
func (p *pool) allow() {
	for range cap(p.more) {
		p.more <- struct{}{}
	}
}

// renew has connections be opened anew, each when it is used next.
func (p *pool) renew() { p.age.Add(1) }

// running is a statement as a step of a transaction.
func running(query string) func(context.Context, *tx) error {
	return func(ctx context.Context, t *tx) error { return t.run(ctx, query) }
}

// A tx is a transaction on a connection of a pool.
type tx struct {
	conn  *sql.Conn
	pg    bool
	used  bool // by a transaction before this one
	age   int64
	stmts map[string]*sql.Stmt
	ran   int   // statements so far: each is a way to the database and back
	wrong error // the first statement that PostgreSQL did not understand; all after it fail
}

// do runs fn in a transaction, which it commits if fn returns nil.
func (p *pool) do(ctx context.Context, fn func(*tx) error) error {
	err := p.try(ctx, fn)
	if err != nil && p.failed != nil {
		err = p.failed(err)
	}
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err) // that is why
	}
	return err
}

func (p *pool) try(ctx context.Context, fn func(*tx) error) error {
	t, err := p.begun(ctx)
	if err != nil {
		return err
	}
	healthy := false
	defer func() { p.give(t, healthy) }()
	done := false
	defer func() {
		if !done { // fn panicked, or the transaction is given up
			healthy = t.rollBack(ctx) == nil
		}
	}()
	if err := fn(t); err != nil {
		return cmp.Or(t.wrong, err)
	}
	if err := p.commit(ctx, t); err != nil {
		return err
	}
	done, healthy = true, true
	return nil
}

// rollBack gives a transaction up. PostgreSQL does so by itself soon after its
// connection has ended, so that a server that does not answer is not waited for.
func (t *tx) rollBack(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	if t.pg {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answering)
		defer cancel()
	}
	return t.run(ctx, "ROLLBACK")
}

// begun takes a connection and begins a transaction on it. A connection that
// broke since it was used last is replaced.
func (p *pool) begun(ctx context.Context) (*tx, error) {
	for {
		t, err := p.take(ctx)
		if err != nil {
			return nil, err
		}
		if t.age != p.age.Load() {
			p.give(t, false)
			continue
		}
		t.wrong = nil
		err = p.begin(ctx, t)
		if err == nil {
			return t, nil
		}
		again := p.pg && t.used && ctx.Err() == nil
		p.give(t, false)
		if !again {
			return nil, err
		}
		p.age.CompareAndSwap(t.age, t.age+1) // what broke it broke them all
	}
}

// turn is how long a transaction waits for those before it. When they are stuck,
// more and more would wait, and for longer and longer.
const turn = 10 * time.Second

var errHeldUp = errors.New("the database does not keep up or is held up by something else: see whether it answers, and who else uses it")

// take waits for a connection. One is opened only where none is free: on
// PostgreSQL each is a process.
func (p *pool) take(ctx context.Context) (*tx, error) {
	select {
	case t := <-p.free:
		return t, nil
	default:
	}
	waiting, cancel := context.WithTimeoutCause(ctx, turn, errHeldUp)
	defer cancel()
	select {
	case t := <-p.free:
		return t, nil
	case <-p.more:
	case <-waiting.Done():
		return nil, context.Cause(waiting)
	}
	age := p.age.Load()
	conn, err := p.db.Conn(ctx)
	if err != nil {
		p.more <- struct{}{}
		return nil, err
	}
	return &tx{conn: conn, pg: p.pg, age: age, stmts: map[string]*sql.Stmt{}}, nil
}

// give returns a connection. One that may be in the middle of something is
// closed, and opened anew when it is needed.
func (p *pool) give(t *tx, healthy bool) {
	if !healthy {
		_ = t.close() // it is of no use any more
		p.more <- struct{}{}
		return
	}
	t.used = true
	p.free <- t
}

// close closes all connections, waiting for those that are in use.
func (p *pool) close() (err error) {
	p.once.Do(func() {
		var errs []error
		for range cap(p.free) {
			select {
			case t := <-p.free:
				errs = append(errs, t.close())
			case <-p.more:
			}
		}
		errs = append(errs, p.db.Close())
		if !p.pg { // there a connection may have broken, which harms nobody now
			err = errors.Join(errs...)
		}
		p.allow() // whoever comes now is told that the database is closed
	})
	return err
}

func (t *tx) close() error {
	var errs []error
	if t.pg { // which forgets the statements, and may not answer
		t.hangUp()
	}
	for _, s := range t.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, t.conn.Close())...)
}

func (t *tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	t.ran++
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	text := query
	if t.pg {
		text = numbered(query)
	}
	s, err := t.conn.PrepareContext(ctx, text)
	if err == nil {
		t.stmts[query] = s
	}
	return s, err
}

// args are arguments as the database takes them.
func (t *tx) args(args []any) []any {
	if t.pg {
		return plain(args)
	}
	return args
}

func (t *tx) run(ctx context.Context, query string) error {
	_, err := t.ExecContext(ctx, query)
	return err
}

// ExecContext is like that of [sql.Tx].
func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, t.args(args)...)
}

// QueryContext is like that of [sql.Tx].
func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	s, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, t.args(args)...)
}

// QueryRowContext is like that of [sql.Tx].
func (t *tx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	s, err := t.stmt(ctx, query)
	if err != nil {
		t.wrong = cmp.Or(t.wrong, err)
		return t.conn.QueryRowContext(ctx, query, args...) // which fails as well
	}
	return s.QueryRowContext(ctx, t.args(args)...)
}

// script runs several statements, as a migration has.
func (t *tx) script(ctx context.Context, text string) error {
	if t.pg {
		text = defined(text)
	}
	_, err := t.conn.ExecContext(ctx, text)
	return err
}

// texts are the rows of a query for one text.
func texts(rows *sql.Rows, err error) (out []string, _ error) {
	err = each(rows, err, func() error {
		out = append(out, "")
		return rows.Scan(&out[len(out)-1])
	})
	return out, err
}

// changed reports whether a statement changed anything.
func changed(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}
