package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// recordLate takes an answer that comes after another node, which took the
// account over, has put the attempt down as unsure. It settles the doubt if
// there still is one, and changes nothing else. was is the lane as it was when
// the attempt was begun.
func (s *Store) recordLate(ctx context.Context, tx *tx, was *broadcast.Lane, step broadcast.Step, attempt int64, out broadcast.Outcome) error {
	l, err := keptLane(ctx, tx, was.ID)
	if err != nil {
		return err
	}
	var began int64
	err = tx.QueryRowContext(ctx, `SELECT began FROM attempt WHERE `+sameAttempt, attempt, was.ID, micros(out.Began)).Scan(&began)
	if errors.Is(err, sql.ErrNoRows) {
		return s.recordLost(ctx, tx, was, l, step, out)
	}
	if err != nil {
		return err
	}
	e := entryOf(l, step.Entry)
	before, err := knownOf(ctx, tx, e)
	if err != nil || !broadcast.Late(l, step, moment(began), out) {
		return err
	}
	if d, ok := outcome(before, l, broadcast.Step{Kind: broadcast.Find, Entry: e.ID}, broadcast.Outcome{Found: out.Fault == nil}); ok {
		if err := auditDelivery(ctx, tx, s.now(), l, d); err != nil {
			return err
		}
	}
	return errors.Join(saveKnown(ctx, tx, l, e), stir(ctx, tx, l.ID))
}

// recordLost takes the answer of an attempt that was journalled and is not any
// more: what was committed is not all on the server that took over. The lane may
// be older than what the attempt was decided from, so that only what became of a
// post is kept, whose message nothing else knows.
func (s *Store) recordLost(ctx context.Context, tx *tx, was, l *broadcast.Lane, step broadcast.Step, out broadcast.Outcome) error {
	e := entryOf(l, step.Entry)
	switch {
	case e == nil, !e.Accepted.Equal(entryOf(was, step.Entry).Accepted), !l.Incident.CreatedAt.Equal(was.Incident.CreatedAt): // or others with their ids
		return broadcast.ErrGone
	case step.Op.Action != bots.Post || step.Chore != broadcast.NoChore || e.Shows.Exists():
		return nil
	}
	l.Limits, l.Policy, l.CanFind, l.CanProbe = was.Limits, was.Policy, was.CanFind, was.CanProbe
	broadcast.Apply(l, step, out, s.now())
	return errors.Join(s.recordStep(ctx, tx, l, step, out), stir(ctx, tx, l.ID))
}

// Sends implements [broadcast.Store].
func (s *Store) Sends(ctx context.Context, account string, within time.Duration) (out []broadcast.Send, err error) {
	err = s.look(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, `SELECT step, at FROM attempt WHERE account = ? AND at > ? ORDER BY at`, account, micros(now.Add(-within)))
		return each(rows, err, func() error {
			var text string
			var at int64
			if err := rows.Scan(&text, &at); err != nil {
				return err
			}
			var step broadcast.Step
			err := json.Unmarshal([]byte(text), &step)
			out = append(out, broadcast.Send{Target: step.Op.Target, Ago: now.Sub(moment(at))})
			return err
		})
	})
	return out, err
}
