package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
)

// Each transaction on PostgreSQL leaves a mark of who made it, which is replaced
// by that of his next. Where the answer to a commit is lost the mark tells what
// became of it. PostgreSQL's own txid_status does not: a server that crashed, or
// the one that takes its place, gives the number of what was lost to another
// transaction.

// marks are those of one store.
type marks struct {
	writer string // no two stores have the same
	n      int64  // of the last transaction; one at a time commits
}

// markTable belongs to a database and is not copied. Marks are looked for at once
// or never, so that old ones go.
const markTable = `CREATE TABLE IF NOT EXISTS committed (writer TEXT PRIMARY KEY, n BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL);
	DELETE FROM committed WHERE at < clock_timestamp() - interval '1 day'`

const leaveMark = `INSERT INTO committed (writer, n, at) VALUES ($1, $2, clock_timestamp())
	ON CONFLICT (writer) DO UPDATE SET n = excluded.n, at = excluded.at`

// commit commits a transaction and, where the answer is lost, finds out what
// became of it.
func (s *Store) commit(ctx context.Context, t *tx) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	s.marks.n++
	err := t.conn.Raw(func(driver any) error {
		conn := driver.(*stdlib.Conn).Conn() //nolint:forcetypeassert // it is the driver's connection
		if conn.PgConn().TxStatus() == 'E' { // COMMIT would undo everything and report no error
			return errors.Join(t.wrong, errors.New("a statement of the transaction failed"))
		}
		var last pgx.Batch // with its mark it takes no longer
		last.Queue(leaveMark, s.marks.writer, s.marks.n)
		last.Queue("COMMIT")
		answered, done := context.WithTimeout(ctx, committing)
		defer done()
		line := socketOf(conn)
		line.commits.Store(true)
		err := conn.SendBatch(answered, &last).Close()
		if refused, ok := errors.AsType[*pgconn.PgError](err); err == nil || ok && refused.Severity == "ERROR" {
			line.commits.Store(false)
			return err
		}
		return unanswered{err}
	})
	if lost, ok := errors.AsType[unanswered](err); ok {
		return s.learn(ctx, t, lost.error)
	}
	return err
}

// unanswered is why it is not known what became of a commit.
type unanswered struct{ error }

// learn finds out whether a transaction was committed whose commit was not
// answered. The lock is had only when the server is done with it.
func (s *Store) learn(ctx context.Context, lost *tx, cause error) error {
	lost.hangUp() // so that the server is not kept waiting for it
	for {
		last, err := s.lastMark(ctx)
		switch {
		case err == nil && last == s.marks.n:
			return nil
		case err == nil:
			return cause
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", desk.ErrUnknown, cause)
		}
		bots.Sleep(ctx, time.Second/4)
	}
}

// hangUp ends a connection to PostgreSQL, whatever it was doing.
func (t *tx) hangUp() {
	_ = t.conn.Raw(func(driver any) error {
		return driver.(*stdlib.Conn).Close() //nolint:forcetypeassert // it is the driver's connection
	})
}

// lastMark is that of the last of the store's transactions that was committed; 0
// if none was.
func (s *Store) lastMark(ctx context.Context) (n int64, err error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	own, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer own.Rollback()
	if _, err := own.ExecContext(ctx, oneWriter); err != nil {
		return 0, err
	}
	err = own.QueryRowContext(ctx, `SELECT n FROM committed WHERE writer = $1`, s.marks.writer).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return n, err
}
