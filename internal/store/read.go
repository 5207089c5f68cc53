package store

import (
	"context"
	"encoding/json"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Incident loads an incident. It returns [desk.ErrNotFound] if there is none.
func (s *Store) Incident(ctx context.Context, ref incident.Ref) (i *incident.Incident, err error) {
	err = s.look(ctx, func(tx *tx) error {
		i, err = incidentBy(ctx, tx, `prefix = ? AND number = ?`, ref.Prefix, ref.Number)
		return err
	})
	return i, err
}

// Incidents loads those that are open and the newest others, newest first, at
// most limit in all.
func (s *Store) Incidents(ctx context.Context, limit int) (out []*incident.Incident, err error) {
	err = s.look(ctx, func(tx *tx) error {
		out, err = incidentsBy(ctx, tx, `ORDER BY resolved_at > 0, id DESC LIMIT ?`, limit)
		return err
	})
	return out, err
}

// Published is Incidents without drills.
func (s *Store) Published(ctx context.Context, limit int) (out []*incident.Incident, err error) {
	err = s.look(ctx, func(tx *tx) error {
		out, err = incidentsBy(ctx, tx, `WHERE prefix <> ? ORDER BY resolved_at > 0, id DESC LIMIT ?`, incident.Prefix("", true), limit)
		return err
	})
	return out, err
}

// Unresolved loads the incidents that are open, oldest first.
func (s *Store) Unresolved(ctx context.Context) (out []*incident.Incident, err error) {
	err = s.look(ctx, func(tx *tx) error {
		out, err = unresolved(ctx, tx)
		return err
	})
	return out, err
}

func unresolved(ctx context.Context, q querier) ([]*incident.Incident, error) {
	return incidentsBy(ctx, q, `WHERE resolved_at = 0 ORDER BY id`)
}

// Deliveries lists what was to arrive where for an incident, by lane, oldest
// first. complete adds the configuration of a lane's channel.
func (s *Store) Deliveries(ctx context.Context, ref incident.Ref, complete func(*broadcast.Lane)) (out []broadcast.Delivery, err error) {
	err = s.look(ctx, func(tx *tx) error {
		if _, err := incidentBy(ctx, tx, `prefix = ? AND number = ?`, ref.Prefix, ref.Number); err != nil {
			return err
		}
		lanes, err := (&deskTx{ctx: ctx, tx: tx}).Lanes(ref)
		if err != nil {
			return err
		}
		sending, err := underWay(ctx, tx)
		for _, l := range lanes {
			complete(l)
			out = append(out, l.Deliveries(sending)...)
		}
		if err != nil {
			return err
		}
		walks, err := walkDeliveries(ctx, tx, ref)
		out = append(out, walks...)
		return err
	})
	return out, err
}

// Recent loads the incidents that are open and the newest others, at most
// limit in all, with their deliveries.
func (s *Store) Recent(ctx context.Context, limit int, complete func(*broadcast.Lane)) (incidents []*incident.Incident, out []broadcast.Delivery, err error) {
	err = s.look(ctx, func(tx *tx) error {
		if incidents, err = incidentsBy(ctx, tx, `ORDER BY resolved_at > 0, id DESC LIMIT ?`, limit); err != nil {
			return err
		}
		sending, err := underWay(ctx, tx)
		if err != nil {
			return err
		}
		for _, i := range incidents {
			lanes, err := (&deskTx{ctx: ctx, tx: tx}).Lanes(i.Ref)
			if err != nil {
				return err
			}
			for _, l := range lanes {
				complete(l)
				out = append(out, l.Deliveries(sending)...)
			}
		}
		return nil
	})
	return incidents, out, err
}

// underWay has the entries with an attempt that has no answer yet.
func underWay(ctx context.Context, q querier) (map[int64]bool, error) {
	open := map[int64]bool{}
	rows, err := q.QueryContext(ctx, `SELECT entry FROM attempt WHERE ended = 0`)
	err = each(rows, err, func() error {
		var id int64
		err := rows.Scan(&id)
		open[id] = true
		return err
	})
	return open, err
}

// Drafts lists the drafts that are open.
func (s *Store) Drafts(ctx context.Context) (out []*desk.Draft, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		var d desk.Draft
		out = append(out, &d)
		return json.Unmarshal([]byte(text), &d)
	}, `SELECT draft FROM draft WHERE state = 'open' ORDER BY number`)
	return out, err
}

// Freezes lists what is frozen.
func (s *Store) Freezes(ctx context.Context) (out []desk.Freeze, err error) {
	err = s.look(ctx, func(tx *tx) error {
		out, err = freezes(ctx, tx)
		return err
	})
	return out, err
}

// Audit lists the newest lines of the audit, newest first.
func (s *Store) Audit(ctx context.Context, limit int) (out []desk.AuditLine, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var l desk.AuditLine
		var record string
		if err := scan(&l.ID, &record, &l.Hash); err != nil {
			return err
		}
		out = append(out, l)
		if record == "" { // erased
			return nil
		}
		return json.Unmarshal([]byte(record), &out[len(out)-1].Record)
	}, `SELECT id, record, hash FROM audit ORDER BY id DESC LIMIT ?`, limit)
	return out, err
}

// Setting reads a small thing by name; empty when it was never set.
func (s *Store) Setting(ctx context.Context, name string) (value string, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error { return scan(&value) }, `SELECT value FROM setting WHERE name = ?`, name)
	return value, err
}

// Set stores a small thing by name.
func (s *Store) Set(ctx context.Context, name, value string) error {
	return s.change(ctx, func(tx *tx) error { return set(ctx, tx, name, value) })
}

func set(ctx context.Context, q querier, name, value string) error {
	_, err := q.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// Lanes loads the lanes of an incident.
func (s *Store) Lanes(ctx context.Context, ref incident.Ref) (lanes []*broadcast.Lane, err error) {
	err = s.look(ctx, func(tx *tx) error {
		lanes, err = (&deskTx{ctx: ctx, tx: tx}).Lanes(ref)
		return err
	})
	return lanes, err
}
