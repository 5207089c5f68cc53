package store

import (
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A lack is something that PostgreSQL did not have when it was to keep
// something. A small write may succeed beside it, so that [Store.Ready] cannot
// find it out by writing.
type lack struct {
	err error
	at  time.Time
}

// lackLasts is how long one counts after it was met, unless a command is kept
// before.
const lackLasts = time.Minute

// refused looks at what a transaction on PostgreSQL failed with: it adds what to
// do, and remembers what was lacking.
func (s *Store) refused(err error) error {
	err = advised(err)
	e, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && strings.HasPrefix(e.Code, "53"): // insufficient resources
		s.lack.Store(&lack{err, s.now()})
	case ok && e.Code == readOnly:
		s.leaveServer()
	}
	return err
}

// leaveServer has all connections be made anew, to a server that can be written:
// what one says that cannot be any more may be old.
func (s *Store) leaveServer() {
	s.writer.renew()
	s.readers.renew()
	s.hangUpIdle()
}

// hangUpIdle ends the connections for single statements that nobody uses.
func (s *Store) hangUpIdle() {
	s.read.SetMaxIdleConns(-1)
	s.read.SetMaxIdleConns(readers)
}

// kept notes that a command was kept: nothing is lacking.
func (s *Store) kept() {
	if s.lack != nil {
		s.lack.Store(nil)
	}
}

// lacking is what was lacking lately; nil if nothing was.
func (s *Store) lacking() error {
	if s.lack == nil {
		return nil
	}
	if met := s.lack.Load(); met != nil && s.now().Sub(met.at) < lackLasts {
		return met.err
	}
	return nil
}
