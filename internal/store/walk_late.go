package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/allclear-hq/allclear/internal/people"
)

// keepLate has those told by a round of their own who have to wait longer than
// the others can.
func (s *Store) keepLate(ctx context.Context, q querier, c *people.Closing) error {
	if err := forgetAgain(ctx, q, c); err != nil || len(c.Late) == 0 {
		return err
	}
	round, err := s.lateRound(ctx, q, c)
	if err != nil {
		return err
	}
	for _, id := range c.Late {
		if _, err := q.ExecContext(ctx, `INSERT INTO walk_exception (round, subscriber, kind, detail, at, settled) SELECT ?, id, 'late', '', ?, ? FROM subscriber WHERE id = ?
			ON CONFLICT (round, subscriber) DO UPDATE SET kind = excluded.kind, detail = excluded.detail, settled = excluded.settled`, c.Batch.Round, micros(s.now()), round, id); err != nil {
			return err
		}
		if err := passResend(ctx, q, c.Batch.Round, round, id); err != nil {
			return err
		}
	}
	return nil
}

// forgetAgain takes out whom a round of some people's own has told, so that it does
// not tell them when it comes by once more for others, nor has them be unsure when it
// ends.
func forgetAgain(ctx context.Context, q querier, c *people.Closing) error {
	b := c.Batch
	if !b.Again {
		return nil
	}
	for k := range b.People {
		p := &b.People[k]
		if p.Waits() || slices.Contains(c.Resent, p.Subscriber) {
			continue
		}
		if _, err := q.ExecContext(ctx, `DELETE FROM walk_exception WHERE settled = ? AND subscriber = ?`, b.Round, p.Subscriber); err != nil {
			return err
		}
		if err := forgetResend(ctx, q, b.Round, p.Subscriber); err != nil {
			return err
		}
	}
	return nil
}

// lateRound is the round of those who are late in another: one that is open,
// which goes back to the first of them, or a new one. That was begun when they were
// first to be told: what was dropped since is not told to them either.
func (s *Store) lateRound(ctx context.Context, q querier, c *people.Closing) (id int64, err error) {
	b, first, last := c.Batch, slices.Min(c.Late)-1, slices.Max(c.Late)
	row := q.QueryRowContext(ctx, `UPDATE walk_round SET start = CASE WHEN start < ? THEN ? ELSE start END, place = CASE WHEN place > ? THEN ? ELSE place END
		WHERE id = (SELECT min(o.id) FROM walk_round o JOIN walk_exception ON settled = o.id AND walk_exception.kind = 'late'
			WHERE walk = ? AND o.kind = ? AND n = ? AND revision = (SELECT revision FROM walk_round WHERE id = ?) AND state = ?) RETURNING id`,
		last, last, first, first, b.Walk, b.Kind, b.Update, b.Round, people.RoundOpen)
	if err = row.Scan(&id); !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	round := &people.Round{Kind: b.Kind, Update: b.Update, State: people.RoundOpen, Again: true, Began: b.At,
		Start: last, Place: first, Wrapped: true} // the second part of a ring that ends with the last of them
	row = q.QueryRowContext(ctx, `SELECT revision FROM walk_round WHERE id = ?`, b.Round)
	if err = row.Scan(&round.Revision); err != nil {
		return 0, err
	}
	err = saveRound(ctx, q, s.now(), b.Walk, round)
	return round.ID, err
}
