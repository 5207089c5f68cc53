package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

var (
	_ desk.Store = (*Store)(nil)
	_ desk.Tx    = (*deskTx)(nil)
)

// Change implements [desk.Store].
func (s *Store) Change(ctx context.Context, key string, fn func(desk.Tx) ([]byte, error)) (answer []byte, err error) {
	err = s.change(ctx, func(tx *tx) error {
		if key != "" {
			switch err := tx.QueryRowContext(ctx, `SELECT answer FROM inbox WHERE key = ?`, key).Scan(&answer); {
			case err == nil:
				return nil // done in an earlier life of this command
			case !errors.Is(err, sql.ErrNoRows):
				return err
			}
		}
		if answer, err = fn(&deskTx{ctx: ctx, tx: tx, now: s.now, touched: map[string][]int64{}}); err != nil || key == "" {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO inbox (key, answer, at) VALUES (?, ?, ?)`, key, answer, micros(s.now()))
		return err
	})
	if err != nil {
		return nil, err
	}
	s.kept()
	return answer, nil
}

// deskTx implements [desk.Tx].
type deskTx struct {
	ctx     context.Context
	tx      *tx
	now     func() time.Time
	touched map[string][]int64
}

func (t *deskTx) exec(query string, args ...any) error {
	_, err := t.tx.ExecContext(t.ctx, query, args...)
	return err
}

func (t *deskTx) Incident(ref incident.Ref) (*incident.Incident, error) {
	return incidentBy(t.ctx, t.tx, `prefix = ? AND number = ?`, ref.Prefix, ref.Number)
}

func (t *deskTx) Unresolved() ([]*incident.Incident, error) {
	return unresolved(t.ctx, t.tx)
}

func (t *deskTx) Create(i *incident.Incident) error {
	if _, err := insertIncident(t.ctx, t.tx, i); err != nil {
		return err
	}
	for k := range i.Updates {
		if err := auditSaid(t.ctx, t.tx, i, &i.Updates[k]); err != nil {
			return err
		}
	}
	return nil
}

func (t *deskTx) Keep(i *incident.Incident) error {
	_, err := saveState(t.ctx, t.tx, i)
	return err
}

func (t *deskTx) Save(i *incident.Incident) error {
	id, err := saveState(t.ctx, t.tx, i)
	if err != nil {
		return err
	}
	u := &i.Updates[len(i.Updates)-1]
	if err := insertUpdate(t.ctx, t.tx, id, u); err != nil {
		return err
	}
	return auditSaid(t.ctx, t.tx, i, u)
}

func (t *deskTx) Revise(i *incident.Incident, n int) error {
	id, err := saveState(t.ctx, t.tx, i)
	if err != nil {
		return err
	}
	u := i.Update(n)
	if err := insertRevision(t.ctx, t.tx, id, u, len(u.Revisions)); err != nil {
		return err
	}
	if err := t.stirWalks(id); err != nil {
		return err
	}
	return auditReworded(t.ctx, t.tx, i, u)
}

func (t *deskTx) Retract(i *incident.Incident, n int) error {
	id, err := saveState(t.ctx, t.tx, i)
	if err != nil {
		return err
	}
	u := i.Update(n)
	if err := t.exec(`UPDATE said SET retraction = ? WHERE incident = ? AND n = ?`, js(u.Retraction), id, n); err != nil {
		return err
	}
	if err := t.stirWalks(id); err != nil {
		return err
	}
	return auditWithdrawn(t.ctx, t.tx, i, u)
}

func (t *deskTx) Lanes(ref incident.Ref) ([]*broadcast.Lane, error) {
	return lanesBy(t.ctx, t.tx, `SELECT lane.id FROM lane JOIN incident ON incident.id = lane.incident WHERE prefix = ? AND number = ? ORDER BY lane.id`, ref.Prefix, ref.Number)
}

// lanesBy loads the lanes whose ids a query yields.
func lanesBy(ctx context.Context, q querier, query string, args ...any) (out []*broadcast.Lane, err error) {
	var ids []int64
	rows, err := q.QueryContext(ctx, query, args...)
	err = each(rows, err, func() error {
		ids = append(ids, 0)
		return rows.Scan(&ids[len(ids)-1])
	})
	for _, id := range ids {
		l, err := laneBy(ctx, q, `lane.id = ?`, id)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, err
}

func (t *deskTx) HeldLanes(scope string) ([]*broadcast.Lane, error) {
	return lanesBy(t.ctx, t.tx, `SELECT id FROM lane WHERE idle = 0 AND ? IN `+scopesOf("lane")+` ORDER BY id`, scope)
}

func (t *deskTx) LaneOf(entry int64) (*broadcast.Lane, error) {
	return laneBy(t.ctx, t.tx, `lane.id = (SELECT lane FROM entry WHERE entry.id = ?)`, entry)
}

func (t *deskTx) MessageOf(channel, message string) (update string, err error) {
	rows, err := t.tx.QueryContext(t.ctx, `SELECT prefix, number, n, entry.known FROM entry
		JOIN lane ON lane.id = entry.lane JOIN incident ON incident.id = lane.incident
		WHERE channel = ? AND entry.known LIKE ? ORDER BY entry.id`, channel, "%"+js(message)+"%")
	err = each(rows, err, func() error {
		var ref incident.Ref
		var n int
		var text string
		if err := rows.Scan(&ref.Prefix, &ref.Number, &n, &text); err != nil {
			return err
		}
		var k entryKnown
		if err := json.Unmarshal([]byte(text), &k); err != nil {
			return err
		}
		if k.Shows.Message == message {
			update = fmt.Sprintf("%s/%d", ref, n)
		}
		return nil
	})
	return update, err
}

// touch has the engine look at a lane after the commit.
func (t *deskTx) touch(account string, lane int64) error {
	t.touched[account] = append(t.touched[account], lane)
	return stir(t.ctx, t.tx, lane)
}

func (t *deskTx) Deliver(ref incident.Ref, ch broadcast.Channel, e *broadcast.Entry) error {
	err := t.exec(`INSERT INTO lane (incident, channel, account, version, idle, known)
		SELECT id, ?, ?, 0, 0, '{}' FROM incident WHERE prefix = ? AND number = ?
		ON CONFLICT (incident, channel) DO UPDATE SET account = excluded.account`, ch.Name, ch.Account, ref.Prefix, ref.Number)
	if err != nil {
		return err
	}
	var lane int64
	row := t.tx.QueryRowContext(t.ctx, `SELECT lane.id FROM lane JOIN incident ON incident.id = lane.incident WHERE prefix = ? AND number = ? AND channel = ?`, ref.Prefix, ref.Number, ch.Name)
	if err := row.Scan(&lane); err != nil {
		return err
	}
	row = t.tx.QueryRowContext(t.ctx, `INSERT INTO entry (lane, n, kind, revision, should_what, should_revision, should_why, known, accepted_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, '{}', ?) RETURNING id`,
		lane, e.Update, e.Kind, e.Revision, e.Should.What, e.Should.Revision, e.Should.Why, micros(e.Accepted))
	if err := row.Scan(&e.ID); err != nil {
		return err
	}
	return t.touch(ch.Account, lane)
}

func (t *deskTx) Change(l *broadcast.Lane, e *broadcast.Entry) error {
	var open int
	row := t.tx.QueryRowContext(t.ctx, `SELECT count(*) FROM attempt WHERE entry = ? AND ended = 0`, e.ID)
	if err := row.Scan(&open); err != nil {
		return err
	}
	if open > 0 {
		return desk.ErrSending
	}
	return t.Amend(l, e)
}

// Amend also gives a message another chance where its Try says so. If an
// attempt is under way, its outcome is recorded over that.
func (t *deskTx) Amend(l *broadcast.Lane, e *broadcast.Entry) error {
	before, err := knownOf(t.ctx, t.tx, e)
	if err != nil {
		return err
	}
	if d, ok := settlement(before, l, e); ok {
		if err := auditDelivery(t.ctx, t.tx, t.now(), l, d); err != nil {
			return err
		}
	}
	if err := saveKnown(t.ctx, t.tx, l, e); err != nil {
		return err
	}
	if err := saveShould(t.ctx, t.tx, e); err != nil {
		return err
	}
	return t.touch(l.Channel.Account, l.ID)
}

func (t *deskTx) Touched() map[string][]int64 { return t.touched }

func (t *deskTx) Freeze(scope, reason, by string, at time.Time) error {
	err := t.exec(`INSERT INTO freeze (scope, reason, who, at) VALUES (?, ?, ?, ?) ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason`, scope, reason, by, micros(at))
	if err != nil {
		return err
	}
	return t.raise()
}

func (t *deskTx) Unfreeze(scope string) error {
	return t.exec(`DELETE FROM freeze WHERE scope = ?`, scope)
}

func (t *deskTx) Freezes() ([]desk.Freeze, error) { return freezes(t.ctx, t.tx) }

func freezes(ctx context.Context, q querier) (out []desk.Freeze, err error) {
	rows, err := q.QueryContext(ctx, `SELECT scope, reason, who, at FROM freeze ORDER BY at, scope`)
	err = each(rows, err, func() error {
		var f desk.Freeze
		var at int64
		err := rows.Scan(&f.Scope, &f.Reason, &f.By, &at)
		f.At = moment(at)
		out = append(out, f)
		return err
	})
	return out, err
}

func (t *deskTx) AddDraft(d *desk.Draft) error {
	if err := t.tx.QueryRowContext(t.ctx, `SELECT coalesce(max(number), 0) + 1 FROM draft`).Scan(&d.Number); err != nil {
		return err
	}
	return t.exec(`INSERT INTO draft (number, state, draft) VALUES (?, ?, ?)`, d.Number, d.State, js(d))
}

func (t *deskTx) Draft(number int) (*desk.Draft, error) {
	var text string
	err := t.tx.QueryRowContext(t.ctx, `SELECT draft FROM draft WHERE number = ?`, number).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, desk.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var d desk.Draft
	return &d, json.Unmarshal([]byte(text), &d)
}

func (t *deskTx) SaveDraft(d *desk.Draft) error {
	return t.exec(`UPDATE draft SET state = ?, draft = ? WHERE number = ?`, d.State, js(d), d.Number)
}
