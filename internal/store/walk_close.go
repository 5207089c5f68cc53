package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/people"
)

// closeBatch keeps what became of a batch.
func (s *Store) closeBatch(ctx context.Context, tx *tx, lease broadcast.Lease, c *people.Closing) error {
	b := c.Batch
	for _, m := range c.Moved { // before this batch's messages are kept, which are where they moved to
		if err := s.moveSubscriber(ctx, tx, lease.Account, m.From, m.To); err != nil {
			return err
		}
	}
	switch {
	case b.Row != 0:
		return s.closeEdits(ctx, tx, c)
	case c.Part():
		if open, err := s.keepPart(ctx, tx, c); err != nil || !open {
			return err
		}
	case b.ID != 0: // otherwise nobody was to be told
		if open, err := s.keepReceipts(ctx, tx, c); err != nil || !open {
			return err // it was closed in a transaction whose outcome was not known
		}
	}
	if c.Unspent > 0 {
		if err := spend(ctx, tx, b.Walk, -c.Unspent); err != nil {
			return err
		}
	}
	again, err := s.askedAgain(ctx, tx, c)
	if err != nil {
		return err
	}
	unsure, failed, err := s.keepTroubles(ctx, tx, c)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE walk_round SET told = told + ?, passed = passed + ?, unsure = unsure + ?, failed = failed + ?,
		ask_unsure = ask_unsure + ?, ask_failed = ask_failed + ?, changed = ? WHERE id = ?`,
		c.Told, c.Passed, c.Unsure, c.Failed-again, flag(c.Ask)*unsure, failed-again, micros(s.now()), b.Round)
	if err == nil && c.Back {
		_, err = tx.ExecContext(ctx, `UPDATE walk_round SET place = ?, wrapped = ? WHERE id = ? AND (wrapped > ? OR wrapped = ? AND place > ?)`,
			c.Place, flag(b.Wrapped), b.Round, flag(b.Wrapped), flag(b.Wrapped), c.Place)
	}
	if err == nil && c.Lap { // to the end of the ring, and once more to the last of those whom the round is for
		_, err = tx.ExecContext(ctx, `UPDATE walk_round SET wrapped = 0 WHERE id = ?`, b.Round)
	}
	if err != nil {
		return err
	}
	for _, id := range c.Resent {
		if err := keepResend(ctx, tx, b.Round, id); err != nil {
			return err
		}
	}
	for _, id := range c.Settled {
		if err := forgetResend(ctx, tx, b.Round, id); err != nil {
			return err
		}
	}
	if err := s.keepLate(ctx, tx, c); err != nil {
		return err
	}
	return s.keepLeft(ctx, tx, c)
}

// closeEdits records that messages show something else now, unless some were
// left: then those are edited again.
func (s *Store) closeEdits(ctx context.Context, tx *tx, c *people.Closing) error {
	if !c.Batch.Left() {
		if _, err := tx.ExecContext(ctx, `UPDATE walk_batch SET shows = ?, changed = ? WHERE id = ?`, c.Batch.Shows, micros(s.now()), c.Batch.Row); err != nil {
			return err
		}
	}
	return s.keepLeft(ctx, tx, c)
}

// stillOpen is the condition that a batch is the one that was opened and is open.
// Its number alone does not tell: a file gives that of a batch which is gone to
// the next one, and what has ended is kept again where it was not known whether it
// had been.
const stillOpen = `id = ? AND journal = ? AND is_open = 1`

// keepReceipts closes a batch, unless it is not open: it becomes part of its
// neighbour where that has room, and is forgotten where nobody was told.
func (s *Store) keepReceipts(ctx context.Context, tx *tx, c *people.Closing) (open bool, err error) {
	b := c.Batch
	neighbour, before, err := neighbourOf(ctx, tx, c)
	if err != nil {
		return false, err
	}
	if neighbour == 0 && c.People > 0 {
		return changed(tx.ExecContext(ctx, `UPDATE walk_batch SET is_open = 0, receipts = ?, people = ?, journal = '', epoch = 0 WHERE `+stillOpen, c.Receipts, c.People, b.ID, b.Journal))
	}
	open, err = changed(tx.ExecContext(ctx, `DELETE FROM walk_batch WHERE `+stillOpen, b.ID, b.Journal))
	if err != nil || !open || c.People == 0 {
		return open, err
	}
	joined, err := people.JoinReceipts(before, c.Receipts)
	if err != nil {
		return true, fmt.Errorf("batch %d: %w", neighbour, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE walk_batch SET receipts = ?, people = people + ?, hi = ? WHERE id = ?`, joined, c.People, b.Hi, neighbour); err != nil {
		return true, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE walk_round SET span = CASE WHEN span < (SELECT hi - lo FROM walk_batch WHERE id = ?) THEN (SELECT hi - lo FROM walk_batch WHERE id = ?) ELSE span END WHERE id = ?`, neighbour, neighbour, b.Round)
	return true, err
}

// keepPart keeps those of a batch of whom it is known what became of them, while
// the others are awaited, unless they are kept.
func (s *Store) keepPart(ctx context.Context, tx *tx, c *people.Closing) (open bool, err error) {
	b := c.Batch
	open, err = changed(tx.ExecContext(ctx, `UPDATE walk_batch SET receipts = ? WHERE `+stillOpen+` AND receipts = ?`, c.Goes, b.ID, b.Journal, c.Was))
	if err != nil || !open || c.People == 0 {
		return open, err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO walk_batch (walk, round, kind, n, revision, shows, lo, hi, wrapped, people, is_open, epoch, journal, receipts, at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', ?, ?)`,
		b.Walk, b.Round, b.Kind, b.Update, b.Revision, b.Revision, b.Lo, b.Hi, flag(b.Wrapped), c.People, c.Receipts, micros(b.At))
	return true, err
}

// rowTakes is how long after the first of a row others may have been told who are
// put into it. The row has the time of the first: for how long somebody has had
// wrong words before him is known no better.
const rowTakes = 10 * time.Second

// rowPeople is how many people a row has that batches are put into: to add to it
// and to look somebody up in it, it is read as a whole.
const rowPeople = 1000

// neighbourOf is the batch before one that is being closed, if it has room for
// its people and is no older than that; 0 if there is none.
func neighbourOf(ctx context.Context, q querier, c *people.Closing) (id int64, receipts []byte, err error) {
	b, room := c.Batch, rowPeople-c.People
	if c.People == 0 || room <= 0 {
		return 0, nil, nil
	}
	row := q.QueryRowContext(ctx, `SELECT id, receipts FROM walk_batch WHERE round = ? AND hi = ? AND is_open = 0 AND wrapped = ? AND revision = ? AND shows = ? AND people <= ? AND at >= ?`,
		b.Round, b.Lo, flag(b.Wrapped), b.Revision, b.Revision, room, micros(b.At.Add(-rowTakes)))
	if err = row.Scan(&id, &receipts); errors.Is(err, sql.ErrNoRows) {
		return 0, nil, nil
	}
	return id, receipts, err
}

// keepLeft records who cannot be written to any more. What a person said himself
// is left alone, and so is who has asked to be written to since the batch was
// gathered.
func (s *Store) keepLeft(ctx context.Context, tx *tx, c *people.Closing) error {
	for state, ids := range map[people.State][]int64{people.Blocked: c.Barred, people.Gone: c.Vanished} {
		for _, id := range ids {
			if _, err := tx.ExecContext(ctx, `UPDATE subscriber SET state = ?, changed = ? WHERE id = ? AND state = ? AND changed <= ?`, state, s.now().Unix(), id, people.Active, c.Batch.At.Unix()); err != nil {
				return err
			}
		}
	}
	return nil
}

// askedAgain forgets of people in a batch that they were refused its message before
// their round went back behind them, and counts them: what came of it now holds.
func (s *Store) askedAgain(ctx context.Context, tx *tx, c *people.Closing) (n int, err error) {
	b := c.Batch
	if !c.Refused {
		return 0, nil
	}
	var refused []int64
	rows, err := tx.QueryContext(ctx, `SELECT subscriber FROM walk_exception WHERE round = ? AND subscriber > ? AND subscriber <= ? AND kind = 'failed' AND settled = 0`, b.Round, b.Lo, b.Hi)
	err = each(rows, err, func() error {
		var id int64
		err := rows.Scan(&id)
		refused = append(refused, id)
		return err
	})
	if err != nil || len(refused) == 0 {
		return 0, err
	}
	for k := range b.People {
		p := &b.People[k]
		if p.Kept || p.Result == people.Unsent || !slices.Contains(refused, p.Subscriber) {
			continue
		}
		gone, err := changed(tx.ExecContext(ctx, `DELETE FROM walk_exception WHERE round = ? AND subscriber = ?`, b.Round, p.Subscriber))
		if err != nil {
			return n, err
		}
		n += flag(gone)
	}
	return n, nil
}

// keepTroubles records whom a message did not surely reach, and counts them. Of
// who was erased meanwhile nothing is kept, and nobody is asked about him.
func (s *Store) keepTroubles(ctx context.Context, tx *tx, c *people.Closing) (unsure, failed int, err error) {
	for _, t := range c.Troubles {
		kind, n := "failed", &failed
		if t.Unsure {
			kind, n = "unsure", &unsure
		}
		kept, err := changed(tx.ExecContext(ctx, `INSERT INTO walk_exception (round, subscriber, kind, detail, at) SELECT ?, id, ?, ?, ? FROM subscriber WHERE id = ?
			ON CONFLICT (round, subscriber) DO UPDATE SET kind = excluded.kind, detail = excluded.detail, at = excluded.at`,
			c.Batch.Round, kind, t.Detail, micros(s.now()), t.Subscriber))
		if err != nil {
			return 0, 0, err
		}
		if kept {
			*n++
		}
	}
	return unsure, failed, nil
}
