package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// recordLate takes an answer that comes after another node, which took the
// account over, has put the attempt down as unsure. It settles the doubt if
// there still is one, and changes nothing else.
func (s *Store) recordLate(ctx context.Context, tx *tx, attempt int64, out broadcast.Outcome) error {
	var lane, began int64
	var text string
	if err := tx.QueryRowContext(ctx, `SELECT lane, step, began FROM attempt WHERE id = ?`, attempt).Scan(&lane, &text, &began); err != nil {
		return err
	}
	var step broadcast.Step
	if err := json.Unmarshal([]byte(text), &step); err != nil {
		return err
	}
	l, err := laneBy(ctx, tx, `lane.id = ?`, lane)
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
