package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

func openSQLite(ctx context.Context, file string, options ...Option) (*Store, error) {
	lock, err := lockFile(ctx, resolved(file))
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, node: rand.Text(), now: time.Now, damage: new(atomic.Pointer[error]), kinds: newKindBook(), stumbled: new(atomic.Bool)}
	for _, change := range options {
		change(s)
	}
	// One process alone has the file, so its own clock is that of leases; they
	// do not end early because somebody sets it.
	began := time.Now()
	s.clock = func(context.Context, querier) (time.Time, error) { return began.Add(time.Since(began)), nil }
	if err = s.openFile(ctx, file); err != nil {
		s.Close()
		return nil, fmt.Errorf("open %s: %w", file, explain(err))
	}
	return s, nil
}

// resolved is the path of a file without symbolic links, so that whoever comes
// by another path meets the same lock.
func resolved(file string) string {
	if path, err := filepath.EvalSymlinks(file); err == nil {
		return path
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(file)); err == nil {
		return filepath.Join(dir, filepath.Base(file))
	}
	return file
}

// there refuses to write when the file is not in its place any more: what is
// written into a removed file is lost.
func (s *Store) there() error {
	if s.file == nil {
		return nil
	}
	now, err := os.Stat(s.path)
	if err != nil {
		return fmt.Errorf("the database %s is gone: put it back and start again", s.path)
	}
	if !os.SameFile(s.file, now) {
		return fmt.Errorf("the database %s was replaced while it was in use: start again", s.path)
	}
	return nil
}

// malformed is the error of a file in which SQLite found damage.
func malformed(found string) error {
	return fmt.Errorf("malformed: %s", strings.Join(strings.Fields(found), " "))
}

// checkTime is how long a start may take to look for damage.
const checkTime = 2 * time.Second

// check looks for damage, as far as time allows.
func (s *Store) check(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var found string
	err := s.write.QueryRowContext(limited, `PRAGMA quick_check(1)`).Scan(&found)
	switch {
	case ctx.Err() == nil && limited.Err() != nil:
		return nil // it is large; what is damaged shows when it is met
	case err == nil && found != "ok":
		return malformed(found)
	}
	return err
}

func (s *Store) openFile(ctx context.Context, file string) (err error) {
	const common = "_pragma=busy_timeout(5000)&_pragma=foreign_keys(1)"
	ownFile(file)
	// The writer begins IMMEDIATE, so that what a transaction reads holds
	// until it commits.
	// What is deleted is overwritten: people may have their data erased.
	// It keeps two megabytes of pages: with a million subscribers all of them
	// are full, and no walk is faster with more.
	s.write, err = sql.Open("sqlite", dsn(file, common+"&_pragma=cache_size(-2000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=secure_delete(1)"))
	if err != nil {
		return err
	}
	s.writer = newPool(s.write, 1, running("BEGIN IMMEDIATE"))
	s.writer.failed = s.damaged
	if err := s.check(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	// A reader keeps few: with its first statement after a commit it gives all of
	// them back, one by one, while every other connection waits. Two megabytes,
	// of which it has read a million subscribers, take a tenth of a second.
	read, err := sql.Open("sqlite", dsn(file, common+"&_pragma=cache_size(-256)&_pragma=query_only(1)"))
	if err != nil {
		return err
	}
	s.read, s.readers = &reader{DB: read}, newPool(read, readers, running("BEGIN"))
	s.readers.failed = s.damaged
	if s.file, err = os.Stat(file); err != nil {
		return err
	}
	s.path = file
	// Whoever held a lease on this file is dead: the lock proves it.
	_, err = s.write.ExecContext(ctx, `UPDATE lease SET owner = '', expires = 0, epoch = epoch + 1; DELETE FROM node`)
	if err != nil {
		return err
	}
	return s.arrive(ctx)
}

// damaged notes that damage was met, and adds advice to an error.
func (s *Store) damaged(err error) error {
	err = explain(err)
	if strings.Contains(err.Error(), "malformed") {
		s.damage.CompareAndSwap(nil, &err)
	}
	return err
}

// ownFile makes a new file that only its owner can read, as it has the chats of
// people. SQLite gives what it keeps beside it the same mode. Why that fails SQLite
// says when it opens the file.
func ownFile(name string) {
	if f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600); err == nil {
		_ = f.Close()
	}
}

func dsn(file, query string) string {
	return "file:" + (&url.URL{Path: file}).EscapedPath() + "?" + query
}

// A fileLock is the exclusive right to a database file: a lock on a small
// database beside it, which ends with the process. It also knows which life of
// the file belongs here.
type fileLock struct {
	db   *sql.DB
	conn *sql.Conn
}

func lockFile(ctx context.Context, file string) (*fileLock, error) {
	if err := checkPlace(file); err != nil {
		return nil, err
	}
	l, name := &fileLock{}, file+"-lock"
	ownFile(name)
	var err error
	if l.db, err = sql.Open("sqlite", dsn(name, "_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)")); err != nil {
		return nil, err
	}
	if l.conn, err = l.db.Conn(ctx); err == nil { // which keeps the lock that it gets by writing
		_, err = l.conn.ExecContext(ctx, `BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS place (name TEXT PRIMARY KEY); UPDATE place SET name = name; COMMIT`)
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

// explain adds what to do to the errors of SQLite that people meet, once.
func explain(err error) error {
	text := err.Error()
	for sign, advice := range map[string]string{
		"unable to open":           "check that the folder exists and that this user may write to it",
		"readonly":                 "check that this user may write to the file and its folder",
		"malformed":                "the file is damaged: restore a backup",
		"file is not a database":   "this is some other file: change the store's url",
		"database or disk is full": "make room on the disk",
		"database is locked":       "another program uses the file: end that one (allclear backup copies a file that is in use)",
	} {
		if strings.Contains(text, sign) && !strings.Contains(text, advice) {
			return fmt.Errorf("%w: %s", err, advice)
		}
	}
	return err
}
