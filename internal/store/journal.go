package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

var _ broadcast.Store = (*Store)(nil)

// Claim implements [broadcast.Store].
func (s *Store) Claim(ctx context.Context, account string, ttl time.Duration) (broadcast.Lease, bool, error) {
	lease := broadcast.Lease{Account: account}
	ok := false
	err := s.change(ctx, func(tx *tx) error {
		var owner string
		var expires int64
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		row := tx.QueryRowContext(ctx, `SELECT owner, epoch, expires FROM lease WHERE account = ?`, account)
		switch err := row.Scan(&owner, &lease.Epoch, &expires); {
		case errors.Is(err, sql.ErrNoRows):
			lease.Epoch = 0
		case err != nil:
			return err
		case owner != "" && owner != s.node && now.Before(moment(expires)):
			return nil
		}
		if owner != s.node {
			lease.Epoch++
		}
		ok = true
		_, err = tx.ExecContext(ctx, `INSERT INTO lease (account, owner, epoch, expires) VALUES (?, ?, ?, ?)
			ON CONFLICT (account) DO UPDATE SET owner = excluded.owner, epoch = excluded.epoch, expires = excluded.expires`,
			account, s.node, lease.Epoch, micros(now.Add(ttl)))
		return err
	})
	return lease, ok && err == nil, err
}

// Release implements [broadcast.Store].
func (s *Store) Release(ctx context.Context, l broadcast.Lease) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE lease SET owner = '', expires = 0, epoch = epoch + 1 WHERE account = ? AND epoch = ?`, l.Account, l.Epoch)
		return err
	})
}

// Held lists the accounts that some node holds now.
func (s *Store) Held(ctx context.Context) (accounts []string, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT account FROM lease WHERE owner <> '' AND expires > ? ORDER BY account`, micros(s.now()))
	err = each(rows, err, func() error {
		accounts = append(accounts, "")
		return rows.Scan(&accounts[len(accounts)-1])
	})
	return accounts, err
}

// holds refuses with ErrLost when the lease is no longer valid.
func holds(ctx context.Context, q querier, l broadcast.Lease) error {
	var epoch int64
	err := q.QueryRowContext(ctx, `SELECT epoch FROM lease WHERE account = ?`, l.Account).Scan(&epoch)
	if errors.Is(err, sql.ErrNoRows) || err == nil && epoch != l.Epoch {
		return broadcast.ErrLost
	}
	return err
}

// unchanged refuses with ErrChanged when the lane is not as it was loaded.
func unchanged(ctx context.Context, q querier, l *broadcast.Lane) error {
	var version int64
	if err := q.QueryRowContext(ctx, `SELECT version FROM lane WHERE id = ?`, l.ID).Scan(&version); err != nil {
		return err
	}
	if version != l.Version {
		return broadcast.ErrChanged
	}
	return nil
}

// Busy implements [broadcast.Store].
func (s *Store) Busy(ctx context.Context, account string) (ids []int64, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id FROM lane WHERE account = ? AND idle = 0 ORDER BY id`, account)
	err = each(rows, err, func() error {
		ids = append(ids, 0)
		return rows.Scan(&ids[len(ids)-1])
	})
	return ids, err
}

// Lane implements [broadcast.Store].
func (s *Store) Lane(ctx context.Context, id int64) (l *broadcast.Lane, err error) {
	err = s.look(ctx, func(tx *tx) error {
		l, err = laneBy(ctx, tx, `lane.id = ?`, id)
		return err
	})
	return l, err
}

// Unanswered implements [broadcast.Store].
func (s *Store) Unanswered(ctx context.Context, account string) (out []broadcast.Attempt, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT id, lane, step, began FROM attempt WHERE account = ? AND ended = 0 ORDER BY id`, account)
	err = each(rows, err, func() error {
		var a broadcast.Attempt
		var step string
		var began int64
		if err := rows.Scan(&a.ID, &a.Lane, &step, &began); err != nil {
			return err
		}
		a.Began = moment(began)
		out = append(out, a)
		return json.Unmarshal([]byte(step), &out[len(out)-1].Step)
	})
	return out, err
}

// Begin implements [broadcast.Store].
func (s *Store) Begin(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, a broadcast.Attempt) (id int64, err error) {
	a.Step.Say = nil // the text is in the operation
	err = s.change(ctx, func(tx *tx) error {
		if err := errors.Join(holds(ctx, tx, lease), unchanged(ctx, tx, l)); err != nil {
			return err
		}
		if ice, err := frozen(ctx, tx, l); err != nil {
			return err
		} else if ice {
			return broadcast.ErrFrozen
		}
		row := tx.QueryRowContext(ctx, `INSERT INTO attempt (account, lane, entry, step, began, ended, outcome) VALUES (?, ?, ?, ?, ?, 0, '') RETURNING id`,
			lease.Account, l.ID, a.Step.Entry, js(a.Step), micros(a.Began))
		return row.Scan(&id)
	})
	return id, err
}

// Record implements [broadcast.Store].
func (s *Store) Record(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, step broadcast.Step, attempt int64, out broadcast.Outcome) error {
	return s.change(ctx, func(tx *tx) error {
		if err := holds(ctx, tx, lease); err != nil {
			return err
		}
		if attempt == 0 {
			if err := unchanged(ctx, tx, l); err != nil {
				return err
			}
		} else if err := endAttempt(ctx, tx, attempt, s.now(), out); err != nil {
			return err
		}
		e := entryOf(l, step.Entry)
		before, err := knownOf(ctx, tx, e)
		if err != nil {
			return err
		}
		if d, ok := outcome(before, l, step, out); ok {
			if err := auditDelivery(ctx, tx, s.now(), l, d); err != nil {
				return err
			}
		}
		if step.Kind == broadcast.Settle {
			if err := saveShould(ctx, tx, e); err != nil {
				return err
			}
		}
		if err := saveMoved(ctx, tx, l); err != nil {
			return err
		}
		return saveKnown(ctx, tx, l, e)
	})
}

func endAttempt(ctx context.Context, q querier, attempt int64, now time.Time, out broadcast.Outcome) error {
	outcome := "done"
	if out.Fault != nil {
		outcome = out.Fault.Error()
	}
	_, err := q.ExecContext(ctx, `UPDATE attempt SET ended = ?, outcome = ? WHERE id = ?`, micros(now), outcome, attempt)
	return err
}

func entryOf(l *broadcast.Lane, id int64) *broadcast.Entry {
	for k := range l.Entries {
		if l.Entries[k].ID == id {
			return &l.Entries[k]
		}
	}
	return nil
}

// saveMoved remembers for all incidents where the platform moved a channel.
func saveMoved(ctx context.Context, q querier, l *broadcast.Lane) error {
	if !l.Moved {
		return nil
	}
	_, err := q.ExecContext(ctx, `INSERT INTO moved (channel, target) VALUES (?, ?) ON CONFLICT (channel) DO UPDATE SET target = excluded.target`, l.Channel.Name, l.Channel.Target)
	return err
}

// Idle implements [broadcast.Store].
func (s *Store) Idle(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane) error {
	return s.change(ctx, func(tx *tx) error {
		if err := errors.Join(holds(ctx, tx, lease), unchanged(ctx, tx, l)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE lane SET idle = 1 WHERE id = ?`, l.ID)
		return err
	})
}
