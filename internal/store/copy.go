package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/audit"
)

// Progress is told how many of all rows are copied.
type Progress func(done, all int64, table string)

// notCopied are tables that belong to one database, or that it fills by itself.
var notCopied = []string{"migration", "node", "fence", "audience_kind"}

// Copy copies everything from one store into another, in which there is
// nothing yet, all or nothing, and verifies what has arrived. It returns the
// number of rows.
func Copy(ctx context.Context, from, to *Store, progress Progress) (int64, error) {
	tables, err := tableNames()
	if err != nil {
		return 0, err
	}
	c := &copying{to: to, progress: progress}
	err = from.readers.do(ctx, func(source *tx) error {
		if err := source.takeTime(ctx, 0); err != nil {
			return err
		}
		for _, table := range tables {
			var n int64
			if err := source.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
				return err
			}
			c.counts = append(c.counts, n)
			c.all += n
		}
		return to.writer.do(ctx, func(target *tx) error {
			if err := errors.Join(target.takeTime(ctx, abandoned), mustBeEmpty(ctx, target, tables)); err != nil {
				return err
			}
			for k, table := range tables {
				if err := c.table(ctx, source, target, table, c.counts[k]); err != nil {
					return fmt.Errorf("table %s: %w", table, err)
				}
			}
			if err := verifyChain(ctx, target); err != nil {
				return err
			}
			if _, err := target.ExecContext(ctx, `UPDATE lease SET owner = '', expires = 0, leaving = 0`); err != nil {
				return err
			}
			return to.settleIn(ctx, target)
		})
	})
	return c.done, err
}

// The target's transaction keeps out all others that write. PostgreSQL gives it up
// when nothing is heard of us for so long, as where packets vanish; so it hears of
// us while the source takes its time.
const (
	abandoned = 30 * time.Second
	heartbeat = abandoned / 3
)

// takeTime lets a transaction wait for so long for its next statement; 0 is for ever.
func (t *tx) takeTime(ctx context.Context, d time.Duration) error {
	if !t.pg {
		return nil
	}
	return t.run(ctx, fmt.Sprintf("SET LOCAL idle_in_transaction_session_timeout = %d", d.Milliseconds()))
}

// copying is a copy that is under way.
type copying struct {
	to       *Store
	progress Progress
	counts   []int64 // of rows, by table
	all      int64
	done     int64
}

// rowsAtOnce is how many rows one statement brings.
const rowsAtOnce = 100

// table copies the rows of one table, and the ids that it has given.
func (c *copying) table(ctx context.Context, source, target *tx, table string, want int64) error {
	columns, err := c.rows(ctx, source, target, table)
	if err != nil {
		return err
	}
	if slices.Contains(columns, "id") {
		if err := copyIDs(ctx, source, target, table); err != nil {
			return err
		}
	}
	var got int64
	if err := target.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&got); err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("%d of %d rows arrived", got, want)
	}
	return nil
}

// rows copies the rows of one table, of which more are read meanwhile.
func (c *copying) rows(ctx context.Context, source, target *tx, table string) (columns []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := source.QueryContext(ctx, `SELECT * FROM `+table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if columns, err = rows.Columns(); err != nil {
		return nil, err
	}
	read, ended := make(chan []any), make(chan error, 1)
	go func() { ended <- readRows(ctx, rows, len(columns), read) }()
	err = c.bring(ctx, read, target, table, columns)
	if err != nil {
		cancel()
	}
	return columns, cmp.Or(err, <-ended, rows.Err())
}

// readRows hands on the values of some rows at a time.
func readRows(ctx context.Context, rows *sql.Rows, columns int, read chan<- []any) error {
	defer close(read)
	var values []any
	for rows.Next() {
		row := make([]any, columns)
		for k := range row {
			row[k] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			return err
		}
		for _, v := range row {
			values = append(values, *v.(*any)) //nolint:forcetypeassert // made above
		}
		if len(values) == rowsAtOnce*columns {
			if !hand(ctx, read, values) {
				return ctx.Err()
			}
			values = nil
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	hand(ctx, read, values)
	return nil
}

func hand(ctx context.Context, read chan<- []any, values []any) bool {
	select {
	case read <- values:
		return true
	case <-ctx.Done():
		return false
	}
}

// bring inserts what is read until there is no more.
func (c *copying) bring(ctx context.Context, read <-chan []any, target *tx, table string, columns []string) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case values, more := <-read:
			if !more {
				return nil
			}
			if err := c.insert(ctx, target, table, columns, values); err != nil {
				return err
			}
		case <-beat.C:
			if err := target.run(ctx, "SELECT 1"); err != nil {
				return err
			}
		}
	}
}

func (c *copying) insert(ctx context.Context, target *tx, table string, columns []string, values []any) error {
	n := len(values) / len(columns)
	if n == 0 {
		return nil
	}
	query := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES ` + tuples(n, len(columns))
	if _, err := target.ExecContext(ctx, query, values...); err != nil {
		return err
	}
	c.done += int64(n)
	c.progress(c.done, c.all, table)
	return nil
}

// copyIDs has a table go on giving ids where the other one stands: none is ever
// given twice.
func copyIDs(ctx context.Context, source, target *tx, table string) error {
	var last int64
	query, args := `SELECT coalesce(max(id), 0) FROM `+table, []any(nil)
	if source.pg {
		query += ` UNION SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence(?, 'id')), 0)`
		args = []any{table}
	} else {
		query += ` UNION SELECT seq FROM sqlite_sequence WHERE name = ?`
		args = []any{table}
	}
	if err := source.QueryRowContext(ctx, `SELECT max(n) FROM (SELECT 0 AS n UNION `+query+`) AS given`, args...).Scan(&last); err != nil || last == 0 {
		return err
	}
	if target.pg {
		_, err := target.ExecContext(ctx, `SELECT setval(CAST(pg_get_serial_sequence($2, 'id') AS regclass), $1) WHERE pg_get_serial_sequence($2, 'id') IS NOT NULL`, last, table)
		return err
	}
	if _, err := target.ExecContext(ctx, `DELETE FROM sqlite_sequence WHERE name = ?`, table); err != nil {
		return err
	}
	_, err := target.ExecContext(ctx, `INSERT INTO sqlite_sequence (name, seq) SELECT name, ? FROM sqlite_master WHERE type = 'table' AND name = ? AND sql LIKE '%AUTOINCREMENT%'`, last, table)
	return err
}

var tableForm = regexp.MustCompile(`(?i)\bCREATE TABLE (\w+)`)

// tableNames are those of all tables that are copied, in the order in which
// they were made, so that what a row refers to is there before it.
func tableNames() (out []string, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, m := range tableForm.FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(notCopied, m[1]) {
				out = append(out, m[1])
			}
		}
	}
	return out, nil
}

// mustBeEmpty refuses a target in which something has happened. What every
// store writes when it is opened is removed, since the source has it too.
func mustBeEmpty(ctx context.Context, target *tx, tables []string) error {
	for _, table := range tables {
		if table == "setting" {
			continue
		}
		var n int
		if err := target.QueryRowContext(ctx, `SELECT count(*) FROM `+table).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("the target is not empty (%s has %d rows): name another file, database or schema", table, n)
		}
	}
	_, err := target.ExecContext(ctx, `DELETE FROM setting`)
	return err
}

// verifyChain walks the whole audit: each record fits its digest, and each hash
// those before it.
func verifyChain(ctx context.Context, q querier) error {
	var last audit.Hash
	lines := int64(0)
	rows, err := q.QueryContext(ctx, `SELECT id, record, digest, hash FROM audit ORDER BY id`)
	return each(rows, err, func() error {
		var id int64
		var record, digest, hash string
		if err := rows.Scan(&id, &record, &digest, &hash); err != nil {
			return err
		}
		lines++
		var sum audit.Hash
		if err := sum.UnmarshalText([]byte(digest)); err != nil {
			return fmt.Errorf("line %d of the audit: %w", id, err)
		}
		last = audit.Link(last, sum)
		if id != lines || record != "" && audit.Digest(record) != sum || last.String() != hash {
			return fmt.Errorf("line %d of the audit does not follow from those before it: something was changed, in the source or on the way", id)
		}
		return nil
	})
}

// alive is how long after a node's last sign a store counts as served.
const alive = 10 * time.Second

// Served reports whether a server works on the store now.
func (s *Store) Served(ctx context.Context) (served bool, err error) {
	err = s.look(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `SELECT count(*) > 0 FROM node WHERE seen > ? AND name <> ?`, micros(now.Add(-alive)), s.node).Scan(&served)
	})
	return served, err
}
