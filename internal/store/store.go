// Package store keeps everything durable: what was said, what should show and
// what does, the journal of attempts, the audit. It implements the stores of
// packages desk and broadcast with one SQL text.
//
// On SQLite there is one writer, whose commits are synchronous (a power cut
// loses nothing that was answered), and several readers. A second process on
// the same file is refused.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is an open database. It is safe for use by many goroutines.
type Store struct {
	write   *sql.DB
	read    *sql.DB
	writer  *pool // of one connection
	readers *pool
	lock    *fileLock
	node    string // names this process in leases
	now     func() time.Time
}

// readers is how many read transactions run at the same time.
const readers = 4

// Open opens the database that a URL names, "sqlite:FILE", and brings it up
// to date. The file is created if it is not there.
func Open(ctx context.Context, rawURL string) (*Store, error) {
	file, ok := strings.CutPrefix(rawURL, "sqlite:")
	if !ok || file == "" {
		return nil, fmt.Errorf("store url %q is not supported: write sqlite:FILE", redactURL(rawURL))
	}
	lock, err := lockFile(ctx, file)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, node: rand.Text(), now: time.Now}
	if err := s.open(ctx, file); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", file, explain(err))
	}
	return s, nil
}

// redactURL keeps a password out of an error.
func redactURL(raw string) string {
	if u, err := url.Parse(raw); err == nil {
		return u.Redacted()
	}
	return "(unreadable)"
}

func (s *Store) open(ctx context.Context, file string) (err error) {
	const common = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)&_pragma=cache_size(-4000)"
	// The writer begins IMMEDIATE, so that what a transaction reads holds
	// until it commits.
	s.write, err = sql.Open("sqlite", dsn(file, common+"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"))
	if err != nil {
		return err
	}
	s.writer = newPool(s.write, "BEGIN IMMEDIATE", 1)
	if err := s.migrate(ctx); err != nil {
		return err
	}
	s.read, err = sql.Open("sqlite", dsn(file, common+"&_pragma=query_only(1)"))
	if err != nil {
		return err
	}
	s.readers = newPool(s.read, "BEGIN", readers)
	// Whoever held a lease on this file is dead: the lock proves it.
	_, err = s.write.ExecContext(ctx, `UPDATE lease SET owner = '', expires = 0, epoch = epoch + 1`)
	return err
}

func dsn(file, query string) string {
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + query
}

// A fileLock is the exclusive right to a database file: an exclusive
// transaction on a small database beside it, which ends with the process.
type fileLock struct {
	db   *sql.DB
	conn *sql.Conn
}

func lockFile(ctx context.Context, file string) (*fileLock, error) {
	if err := checkPlace(file); err != nil {
		return nil, err
	}
	l := &fileLock{}
	var err error
	if l.db, err = sql.Open("sqlite", dsn(file+"-lock", "_pragma=busy_timeout(0)")); err != nil {
		return nil, err
	}
	if l.conn, err = l.db.Conn(ctx); err == nil {
		_, err = l.conn.ExecContext(ctx, `BEGIN EXCLUSIVE`)
	}
	if err == nil {
		return l, nil
	}
	l.Close()
	if strings.Contains(err.Error(), "locked") || strings.Contains(err.Error(), "busy") {
		return nil, fmt.Errorf("%s is in use by another allclear: stop that one, or use another file", file)
	}
	return nil, fmt.Errorf("open %s: %w", file, explain(err))
}

// checkPlace says what SQLite's own words for a wrong path do not.
func checkPlace(file string) error {
	dir := filepath.Dir(file)
	switch info, err := os.Stat(dir); {
	case err != nil:
		return fmt.Errorf("open %s: the folder %s is not there: create it or change the store's url", file, dir)
	case !info.IsDir():
		return fmt.Errorf("open %s: %s is no folder: change the store's url", file, dir)
	}
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return fmt.Errorf("open %s: %s is a folder: name a file in it", file, file)
	}
	return nil
}

func (l *fileLock) Close() error {
	if l.conn != nil {
		l.conn.Close()
	}
	return l.db.Close()
}

// explain adds what to do to the errors of SQLite that people meet.
func explain(err error) error {
	text := err.Error()
	for sign, advice := range map[string]string{
		"unable to open":           "check that the folder exists and that this user may write to it",
		"readonly":                 "check that this user may write to the file and its folder",
		"malformed":                "the file is damaged: restore a backup",
		"file is not a database":   "this is some other file: change the store's url",
		"database or disk is full": "make room on the disk",
	} {
		if strings.Contains(text, sign) {
			return fmt.Errorf("%w: %s", err, advice)
		}
	}
	return err
}

// Close closes the database. The lock is given back last.
func (s *Store) Close() error {
	var errs []error
	for _, p := range []*pool{s.readers, s.writer} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	errs = append(errs, s.lock.Close())
	return errors.Join(errs...)
}

// Ready reports whether the database can be written.
func (s *Store) Ready(ctx context.Context) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES ('ready', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, s.now().UTC().Format(time.RFC3339))
		return err
	})
}

// migrate runs the numbered files that have not run yet, each in a
// transaction together with its record.
func (s *Store) migrate(ctx context.Context) error {
	if _, err := s.write.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, at BIGINT NOT NULL)`); err != nil {
		return err
	}
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := s.change(ctx, func(tx *tx) error { return s.migrateFile(ctx, tx, name) }); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return s.change(ctx, func(tx *tx) error { return s.rechain(ctx, tx) })
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
	if err := tx.script(ctx, string(text)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO migration (name, at) VALUES (?, ?)`, name, micros(s.now()))
	return err
}

// change runs fn in a write transaction.
func (s *Store) change(ctx context.Context, fn func(*tx) error) error {
	return s.writer.do(ctx, fn)
}

// look runs fn in a read transaction, so that all it reads is of one moment.
func (s *Store) look(ctx context.Context, fn func(*tx) error) error { return s.readers.do(ctx, fn) }

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
