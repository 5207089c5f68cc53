// Package store keeps everything durable: what was said, what should show and
// what does, the journal of attempts, the audit. It implements the stores of
// packages desk and broadcast with one SQL text.
//
// On SQLite there is one writer, whose commits are synchronous (a power cut
// loses nothing that was answered), and several readers. A second process on
// the same file is refused.
//
// On PostgreSQL several processes share the database. A lock that every
// transaction that writes takes first gives them the order that SQLite's single
// writer has, so what such a transaction reads holds until it commits.
package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/internal/seat"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It is safe for use by many goroutines.
type Store struct {
	write    *sql.DB
	read     *reader
	writer   *pool // of one connection
	readers  *pool
	lock     *fileLock  // nil on PostgreSQL
	node     string     // names this process in leases
	seat     *seat.Seat // of this process on its machine; nil if it has none
	now      func() time.Time
	clock    func(context.Context, querier) (time.Time, error) // that leases go by, the same for all nodes
	patient  time.Duration                                     // how long a transaction may take; 0 is for ever
	path     string                                            // of the file; empty on PostgreSQL
	file     os.FileInfo                                       // that was opened
	damage   *atomic.Pointer[error]                            // that was met
	stumbled *atomic.Bool                                      // the last transaction that writes came to nothing
	lack     *atomic.Pointer[lack]                             // that was met last; nil with a file, whose disk is looked at
	kinds    *kindBook                                         // what is known of kinds of subscribers
	watch    *watch                                            // over connections to PostgreSQL; nil with a file
	marks    *marks                                            // that its transactions leave on PostgreSQL; nil with a file
	slow     func(change string)                               // told of a change of the tables that takes long; may be nil
}

// readers is how many read transactions run at the same time.
const readers = 4

// An Option changes how a store is opened.
type Option func(*Store)

// ByOwnClock has leases go by the clock of this process on PostgreSQL too. It is
// for tests in which time is not real: nodes would otherwise disagree.
func ByOwnClock(s *Store) {
	s.clock = func(context.Context, querier) (time.Time, error) { return s.now(), nil }
}

// Seated gives a store on PostgreSQL the seat of its process, which is given back
// when the store is closed. Leases of the process that had it before are taken
// over.
func Seated(at *seat.Seat) Option {
	return func(s *Store) { s.seat = at }
}

// Slowly has slow told of each change of the tables that takes more than seconds:
// until it is done the store is not open.
func Slowly(slow func(change string)) Option {
	return func(s *Store) { s.slow = slow }
}

// AsNode is the store as another node has it, for tests of what nodes do to each
// other: on a file there is no other. Only the store that was opened is closed.
func (s *Store) AsNode(name string) *Store {
	other := *s
	other.node = name
	return &other
}

// Open opens the database that a URL names, "sqlite:FILE" or "postgres://…",
// and brings it up to date. A file is created if it is not there.
func Open(ctx context.Context, rawURL string, options ...Option) (*Store, error) {
	if file, ok := strings.CutPrefix(rawURL, "sqlite:"); ok && file != "" {
		return openSQLite(ctx, file, options...)
	}
	if strings.HasPrefix(rawURL, "postgres://") || strings.HasPrefix(rawURL, "postgresql://") {
		return openPostgres(ctx, rawURL, options...)
	}
	return nil, fmt.Errorf("store url %q is not supported: write sqlite:FILE or postgres://USER@HOST/DATABASE", redactURL(rawURL))
}

// redactURL keeps a password out of an error.
func redactURL(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(unreadable)"
	}
	q := u.Query()
	for name := range q {
		if strings.Contains(name, "password") {
			q.Set(name, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}

// Close closes the database. The lock and the seat are given back last.
func (s *Store) Close() error {
	var errs []error
	if s.Shared() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.leave(ctx) // others notice without it a little later
	}
	for _, p := range []*pool{s.readers, s.writer} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	if s.read != nil {
		errs = append(errs, s.read.Close())
	}
	if s.watch != nil {
		s.watch.end()
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(append(errs, s.seat.Close())...)
}

// Ready reports whether the database can be written.
func (s *Store) Ready(ctx context.Context) error {
	if s.damage != nil {
		if met := s.damage.Load(); met != nil {
			return *met
		}
	}
	err := s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES ('ready', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, s.now().UTC().Format(time.RFC3339))
		return err
	})
	if errors.Is(err, context.DeadlineExceeded) { // which alone says nothing
		return fmt.Errorf("%w (%w)", errHeldUp, err)
	}
	if err != nil {
		return err
	}
	return s.lacking()
}

// migrate runs the numbered files that have not run yet, each in a
// transaction together with its record.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	err = s.change(ctx, func(tx *tx) error {
		if err := ours(ctx, tx); err != nil {
			return err
		}
		if err := tx.script(ctx, `CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at BIGINT NOT NULL)`); err != nil {
			return err
		}
		if tx.pg {
			if err := tx.script(ctx, markTable); err != nil {
				return err
			}
		}
		return older(ctx, tx, names)
	})
	if err != nil {
		return err
	}
	for _, name := range names { // which may take longer than other transactions
		if err := s.writer.do(ctx, func(tx *tx) error { return s.migrateFile(ctx, tx, name) }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return s.change(ctx, func(tx *tx) error { return s.rechain(ctx, tx) })
}

// ours refuses a file in which another program keeps its tables: who named it
// meant another one. A database on a server may well be shared.
func ours(ctx context.Context, tx *tx) error {
	if tx.pg {
		return nil
	}
	have, err := texts(tx.QueryContext(ctx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`))
	if err != nil || len(have) == 0 || slices.Contains(have, "migration") {
		return err
	}
	return fmt.Errorf("another program keeps its data in this file (table %q): name a file of its own for allclear", have[0])
}

// older refuses a database in which more has run than is known here: what that
// made of the tables would be undone or misread.
func older(ctx context.Context, tx *tx, known []string) error {
	have, err := texts(tx.QueryContext(ctx, `SELECT name FROM migration ORDER BY name`))
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(have) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("a newer allclear has used this database (%s): start that version, or restore a backup of before", strings.TrimSuffix(path.Base(name), ".sql"))
		}
	}
	return nil
}

func (s *Store) migrateFile(ctx context.Context, tx *tx, name string) error {
	var done int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM migration WHERE name = ?`, name).Scan(&done); err != nil || done > 0 {
		return err
	}
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	if err := s.slowly(name, func() error { return tx.script(ctx, string(text)) }); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO migration (name, at) VALUES (?, ?)`, name, micros(s.now()))
	return err
}

// slowAfter is how long a change of the tables may take without a word.
const slowAfter = 2 * time.Second

// slowly changes the tables, and has it said if that takes long.
func (s *Store) slowly(change string, fn func() error) error {
	if s.slow != nil {
		defer time.AfterFunc(slowAfter, func() { s.slow(change) }).Stop()
	}
	return fn()
}

// Stumbled reports whether the last transaction that writes came to nothing. It
// may have been refused for a reason of ours, or the database may be in trouble:
// [Store.Ready] tells.
func (s *Store) Stumbled() bool { return s.stumbled.Load() }

// change runs fn in a write transaction.
func (s *Store) change(ctx context.Context, fn func(*tx) error) error {
	err := s.there()
	if err == nil {
		ctx, cancel := s.limited(ctx)
		defer cancel()
		err = s.writer.do(ctx, fn)
	}
	s.stumbled.Store(err != nil)
	return err
}

// look runs fn in a read transaction, so that all it reads is of one moment.
func (s *Store) look(ctx context.Context, fn func(*tx) error) error {
	ctx, cancel := s.limited(ctx)
	defer cancel()
	return s.readers.do(ctx, fn)
}

// lookOnce reads the rows of one statement, which are of one moment without a
// transaction: that saves two of three ways to a database that is elsewhere.
func (s *Store) lookOnce(ctx context.Context, row func(scan func(...any) error) error, query string, args ...any) error {
	if s.read.pg {
		ctx, cancel := context.WithTimeout(ctx, reading)
		defer cancel()
		rows, err := s.read.QueryContext(ctx, query, args...)
		return each(rows, err, func() error { return row(rows.Scan) })
	}
	return s.look(ctx, func(tx *tx) error {
		rows, err := tx.QueryContext(ctx, query, args...)
		return each(rows, err, func() error { return row(rows.Scan) })
	})
}

// limited bounds a transaction: a database that is not on this machine may go
// away without a word.
func (s *Store) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.patient == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, s.patient)
}

// A reader runs single statements that change nothing. It does not bound how long
// they take: whoever serves somebody uses lookOnce.
type reader struct {
	*sql.DB
	pg bool
}

// QueryContext is like that of [sql.DB].
func (r *reader) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if r.pg {
		return r.DB.QueryContext(ctx, numbered(query), plain(args)...)
	}
	return r.DB.QueryContext(ctx, query, args...)
}

// QueryRowContext is like that of [sql.DB].
func (r *reader) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if r.pg {
		return r.DB.QueryRowContext(ctx, numbered(query), plain(args)...)
	}
	return r.DB.QueryRowContext(ctx, query, args...)
}

// micros and moment translate between times and their column.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}
