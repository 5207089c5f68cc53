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

// laneKnown and entryKnown are the JSON columns "known".
type laneKnown struct {
	Thread   broadcast.Thread
	Pin      broadcast.Chore
	Head     string
	HeadEdit broadcast.Chore
	Closed   []string `json:",omitempty"`
}

type entryKnown struct {
	Shows  broadcast.Shows
	Doubt  *broadcast.Doubt `json:",omitempty"`
	Try    broadcast.Try
	Cross  broadcast.Chore
	Astray time.Time `json:",omitzero"`
}

func known(e *broadcast.Entry) entryKnown {
	return entryKnown{e.Shows, e.Doubt, e.Try, e.Cross, e.Astray}
}

// laneBy loads a lane; where is a condition on its columns.
func laneBy(ctx context.Context, q querier, where string, args ...any) (*broadcast.Lane, error) {
	var l broadcast.Lane
	var id int64
	var known string
	row := q.QueryRowContext(ctx, `SELECT lane.id, incident, lane.channel, account, version, known, coalesce(target, '')
		FROM lane LEFT JOIN moved ON moved.channel = lane.channel WHERE `+where, args...)
	err := row.Scan(&l.ID, &id, &l.Channel.Name, &l.Channel.Account, &l.Version, &known, &l.Channel.Target)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, desk.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	var k laneKnown
	if err := json.Unmarshal([]byte(known), &k); err != nil {
		return nil, err
	}
	l.Thread, l.Pin, l.Head, l.HeadEdit, l.Closed = k.Thread, k.Pin, k.Head, k.HeadEdit, k.Closed
	i, err := incidentBy(ctx, q, `id = ?`, id)
	if err != nil {
		return nil, err
	}
	l.Incident = *i
	if l.Frozen, err = frozen(ctx, q, &l); err != nil {
		return nil, err
	}
	return &l, loadEntries(ctx, q, &l)
}

func loadEntries(ctx context.Context, q querier, l *broadcast.Lane) error {
	rows, err := q.QueryContext(ctx, `SELECT id, n, kind, revision, should_what, should_revision, should_why, known, accepted_at FROM entry WHERE lane = ? ORDER BY id`, l.ID)
	return each(rows, err, func() error {
		var e broadcast.Entry
		var known string
		var accepted int64
		if err := rows.Scan(&e.ID, &e.Update, &e.Kind, &e.Revision, &e.Should.What, &e.Should.Revision, &e.Should.Why, &known, &accepted); err != nil {
			return err
		}
		var k entryKnown
		if err := json.Unmarshal([]byte(known), &k); err != nil {
			return err
		}
		e.Shows, e.Doubt, e.Try, e.Cross, e.Astray, e.Accepted = k.Shows, k.Doubt, k.Try, k.Cross, k.Astray, moment(accepted)
		l.Entries = append(l.Entries, e)
		return nil
	})
}

// scopesOf lists the scopes of freezes that hold back a row of lane or walk.
func scopesOf(table string) string {
	return `('all', 'channel:' || channel, 'account:' || account, (SELECT 'incident:' || prefix || '-' || number FROM incident WHERE incident.id = ` + table + `.incident))`
}

// frozen reports whether a fence covers the lane.
func frozen(ctx context.Context, q querier, l *broadcast.Lane) (bool, error) {
	var n int
	row := q.QueryRowContext(ctx, `SELECT count(*) FROM freeze WHERE scope IN ('all', ?, ?, ?)`,
		"channel:"+l.Channel.Name, "account:"+l.Channel.Account, "incident:"+l.Incident.Ref.String())
	err := row.Scan(&n)
	return n > 0, err
}

// saveKnown stores what the engine knows of the lane and of one entry, which
// may be nil.
func saveKnown(ctx context.Context, q querier, l *broadcast.Lane, e *broadcast.Entry) error {
	_, err := q.ExecContext(ctx, `UPDATE lane SET known = ? WHERE id = ?`, js(laneKnown{l.Thread, l.Pin, l.Head, l.HeadEdit, l.Closed}), l.ID)
	if err != nil || e == nil {
		return err
	}
	_, err = q.ExecContext(ctx, `UPDATE entry SET known = ? WHERE id = ?`, js(known(e)), e.ID)
	return err
}

func saveShould(ctx context.Context, q querier, e *broadcast.Entry) error {
	_, err := q.ExecContext(ctx, `UPDATE entry SET should_what = ?, should_revision = ?, should_why = ? WHERE id = ?`,
		e.Should.What, e.Should.Revision, e.Should.Why, e.ID)
	return err
}

// stir marks a lane as changed, so that a step decided before is refused and
// the engine looks at it again.
func stir(ctx context.Context, q querier, lane int64) error {
	_, err := q.ExecContext(ctx, `UPDATE lane SET version = version + 1, idle = 0 WHERE id = ?`, lane)
	return err
}
