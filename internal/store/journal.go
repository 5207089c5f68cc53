package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

var _ broadcast.Store = (*Store)(nil)

// heldUntil is when a lease ends. It refuses with ErrLost when another node has
// the account.
func heldUntil(ctx context.Context, q querier, l broadcast.Lease) (time.Time, error) {
	var until int64
	err := q.QueryRowContext(ctx, `SELECT expires FROM lease WHERE account = ? AND epoch = ?`, l.Account, l.Epoch).Scan(&until)
	if errors.Is(err, sql.ErrNoRows) {
		err = broadcast.ErrLost
	}
	return moment(until), err
}

// holdsAt refuses with ErrLost when the lease is no longer valid.
func holdsAt(ctx context.Context, q querier, l broadcast.Lease, now time.Time) error {
	until, err := heldUntil(ctx, q, l)
	if err == nil && !now.Before(until) {
		err = broadcast.ErrLost
	}
	return err
}

// holds refuses with ErrLost when another node has the account.
func holds(ctx context.Context, q querier, l broadcast.Lease) error {
	_, err := heldUntil(ctx, q, l)
	return err
}

// keptLane loads a lane. It refuses with ErrGone if it is not there any more.
func keptLane(ctx context.Context, q querier, id int64) (*broadcast.Lane, error) {
	l, err := laneBy(ctx, q, `lane.id = ?`, id)
	if errors.Is(err, desk.ErrNotFound) {
		err = broadcast.ErrGone
	}
	return l, err
}

// unchanged refuses with ErrChanged when the lane is not as it was loaded.
func unchanged(ctx context.Context, q querier, l *broadcast.Lane) error {
	var version int64
	err := q.QueryRowContext(ctx, `SELECT version FROM lane WHERE id = ?`, l.ID).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return broadcast.ErrGone
	}
	if err != nil {
		return err
	}
	if version != l.Version {
		return broadcast.ErrChanged
	}
	return nil
}

// Busy implements [broadcast.Store].
func (s *Store) Busy(ctx context.Context, account string) (ids []int64, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		ids = append(ids, 0)
		return scan(&ids[len(ids)-1])
	}, `SELECT id FROM lane WHERE account = ? AND idle = 0 ORDER BY id`, account)
	return ids, err
}

// Lane implements [broadcast.Store].
func (s *Store) Lane(ctx context.Context, id int64) (l *broadcast.Lane, err error) {
	err = s.look(ctx, func(tx *tx) error {
		l, err = keptLane(ctx, tx, id)
		return err
	})
	return l, err
}

// Unanswered implements [broadcast.Store].
func (s *Store) Unanswered(ctx context.Context, account string) ([]broadcast.Attempt, error) {
	return s.attempts(ctx, `account = ? AND ended = 0`, account)
}

// Unsure implements [broadcast.Store].
func (s *Store) Unsure(ctx context.Context, account string, since time.Time) ([]broadcast.Attempt, error) {
	return s.attempts(ctx, `account = ? AND began >= ? AND (ended = 0 OR outcome LIKE 'unsure%')`, account, micros(since))
}

func (s *Store) attempts(ctx context.Context, where string, args ...any) (out []broadcast.Attempt, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var a broadcast.Attempt
		var step string
		var began int64
		if err := scan(&a.ID, &a.Lane, &step, &began); err != nil {
			return err
		}
		a.Began = moment(began)
		out = append(out, a)
		return json.Unmarshal([]byte(step), &out[len(out)-1].Step)
	}, `SELECT id, lane, step, began FROM attempt WHERE `+where+` ORDER BY id`, args...)
	return out, err
}

// Shown implements [broadcast.Store]. Of each channel the newest entries are
// looked at: what is older was posted before them.
func (s *Store) Shown(ctx context.Context, channels []string) (out []broadcast.Shows, err error) {
	const newest = 500
	for _, ch := range channels {
		err := s.lookOnce(ctx, func(scan func(...any) error) error {
			var text string
			if err := scan(&text); err != nil {
				return err
			}
			var k entryKnown
			err := json.Unmarshal([]byte(text), &k)
			if k.Shows.What != broadcast.Nothing {
				out = append(out, k.Shows)
			}
			return err
		}, `SELECT entry.known FROM entry JOIN lane ON lane.id = entry.lane WHERE channel = ? ORDER BY entry.id DESC LIMIT ?`, ch, newest)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Begin implements [broadcast.Store].
func (s *Store) Begin(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, a broadcast.Attempt) (id int64, err error) {
	a.Step.Say = nil // the text is in the operation
	err = s.change(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		if err := errors.Join(holdsAt(ctx, tx, lease, now), unchanged(ctx, tx, l)); err != nil {
			return err
		}
		if ice, err := frozen(ctx, tx, l); err != nil {
			return err
		} else if ice {
			return broadcast.ErrFrozen
		}
		row := tx.QueryRowContext(ctx, `INSERT INTO attempt (account, lane, entry, step, began, ended, outcome, at) VALUES (?, ?, ?, ?, ?, 0, '', ?) RETURNING id`,
			lease.Account, l.ID, a.Step.Entry, js(a.Step), micros(a.Began), micros(now))
		return row.Scan(&id)
	})
	return id, err
}

// Record implements [broadcast.Store]. An attempt that has no outcome yet gets
// it even from a node that has lost the account meanwhile: nobody has decided
// anything from it.
func (s *Store) Record(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, step broadcast.Step, attempt int64, out broadcast.Outcome) error {
	return s.change(ctx, func(tx *tx) error {
		if attempt == 0 {
			if err := errors.Join(holds(ctx, tx, lease), unchanged(ctx, tx, l)); err != nil {
				return err
			}
			return s.recordStep(ctx, tx, l, step, out)
		}
		first, err := endAttempt(ctx, tx, l.ID, attempt, s.now(), out)
		if err != nil {
			return err
		}
		if !first {
			return s.recordLate(ctx, tx, l, step, attempt, out)
		}
		if err := s.recordStep(ctx, tx, l, step, out); err != nil {
			return err
		}
		if err := holds(ctx, tx, lease); !errors.Is(err, broadcast.ErrLost) {
			return err
		}
		return stir(ctx, tx, l.ID) // whoever has the account is to look again
	})
}

// recordStep saves what a step came to.
func (s *Store) recordStep(ctx context.Context, tx *tx, l *broadcast.Lane, step broadcast.Step, out broadcast.Outcome) error {
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
}

// sameAttempt is the condition that an attempt is the one that was begun, where
// it is known when: a server that took over without all that was committed gives
// the ids of what it has not to others.
const sameAttempt = `id = ? AND lane = ? AND CAST(? AS BIGINT) IN (began, 0)`

// endAttempt gives an attempt its outcome. It returns false if it has one, or is
// not there any more.
func endAttempt(ctx context.Context, q querier, lane, attempt int64, now time.Time, out broadcast.Outcome) (first bool, err error) {
	outcome := "done"
	if out.Fault != nil {
		outcome = out.Fault.Error()
	}
	return changed(q.ExecContext(ctx, `UPDATE attempt SET ended = ?, outcome = ? WHERE ended = 0 AND `+sameAttempt, micros(now), outcome, attempt, lane, micros(out.Began)))
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
