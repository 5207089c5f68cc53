package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// querier is what *sql.DB and *sql.Tx share.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// js writes a column that holds JSON. The types written here always encode.
func js(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: %T does not encode: %v", v, err))
	}
	return string(b)
}

// each calls row for each row of a query.
func each(rows *sql.Rows, err error, row func() error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(); err != nil {
			return err
		}
	}
	return rows.Err()
}

const incidentColumns = `id, prefix, number, kind, drill, title, impact, status, components, created_at, resolved_at, next_update, begins, ends, pending`

// scanIncident reads incidentColumns.
func scanIncident(scan func(...any) error) (int64, *incident.Incident, error) {
	var i incident.Incident
	var id, created, resolved, next, begins, ends int64
	var components, pending string
	err := scan(&id, &i.Ref.Prefix, &i.Ref.Number, &i.Kind, &i.Drill, &i.Title, &i.Impact, &i.Status, &components, &created, &resolved, &next, &begins, &ends, &pending)
	if err != nil {
		return 0, nil, err
	}
	i.CreatedAt, i.ResolvedAt, i.NextUpdate = moment(created), moment(resolved), moment(next)
	i.Begin, i.End = moment(begins), moment(ends)
	return id, &i, errors.Join(json.Unmarshal([]byte(components), &i.Components), json.Unmarshal([]byte(pending), &i.Pending))
}

// incidentBy loads a whole incident; where is a condition on its columns.
func incidentBy(ctx context.Context, q querier, where string, args ...any) (*incident.Incident, error) {
	row := q.QueryRowContext(ctx, `SELECT `+incidentColumns+` FROM incident WHERE `+where, args...)
	id, i, err := scanIncident(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, desk.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return i, loadUpdates(ctx, q, id, i)
}

// loadUpdates adds what was said to an incident.
func loadUpdates(ctx context.Context, q querier, id int64, i *incident.Incident) error {
	rows, err := q.QueryContext(ctx, `SELECT n, status, impact, components, next_update, template, author, approved_by, published_at, retraction FROM said WHERE incident = ? ORDER BY n`, id)
	err = each(rows, err, func() error {
		var u incident.Update
		var components, approved, retraction string
		var next, published int64
		if err := rows.Scan(&u.N, &u.Status, &u.Impact, &components, &next, &u.Template, &u.Author, &approved, &published, &retraction); err != nil {
			return err
		}
		u.NextUpdate, u.PublishedAt = moment(next), moment(published)
		i.Updates = append(i.Updates, u)
		at := &i.Updates[len(i.Updates)-1]
		return errors.Join(
			json.Unmarshal([]byte(components), &at.Components),
			json.Unmarshal([]byte(approved), &at.ApprovedBy),
			json.Unmarshal([]byte(retraction), &at.Retraction))
	})
	if err != nil {
		return err
	}
	rows, err = q.QueryContext(ctx, `SELECT n, title, body, author, at, typo FROM revision WHERE incident = ? ORDER BY n, r`, id)
	return each(rows, err, func() error {
		var r incident.Revision
		var n int
		var body string
		var at int64
		if err := rows.Scan(&n, &r.Title, &body, &r.Author, &at, &r.Typo); err != nil {
			return err
		}
		r.At = moment(at)
		u := i.Update(n)
		if u == nil {
			return fmt.Errorf("%s: a revision belongs to update %d, which is not there", i.Ref, n)
		}
		if err := json.Unmarshal([]byte(body), &r.Body); err != nil {
			return err
		}
		u.Revisions = append(u.Revisions, r)
		return nil
	})
}

// incidentsBy loads whole incidents.
func incidentsBy(ctx context.Context, q querier, tail string, args ...any) ([]*incident.Incident, error) {
	var ids []int64
	var out []*incident.Incident
	rows, err := q.QueryContext(ctx, `SELECT `+incidentColumns+` FROM incident `+tail, args...)
	err = each(rows, err, func() error {
		id, i, err := scanIncident(rows.Scan)
		ids, out = append(ids, id), append(out, i)
		return err
	})
	if err != nil {
		return nil, err
	}
	for k, id := range ids {
		if err := loadUpdates(ctx, q, id, out[k]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// insertIncident stores a new incident with its updates and returns its row.
func insertIncident(ctx context.Context, q querier, i *incident.Incident) (int64, error) {
	i.Ref.Prefix = incident.Prefix(i.Kind, i.Drill)
	row := q.QueryRowContext(ctx, `SELECT coalesce(max(number), 0) + 1 FROM incident WHERE prefix = ?`, i.Ref.Prefix)
	if err := row.Scan(&i.Ref.Number); err != nil {
		return 0, err
	}
	var id int64
	row = q.QueryRowContext(ctx, `INSERT INTO incident (prefix, number, kind, drill, title, impact, status, components, created_at, resolved_at, next_update, begins, ends, pending)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
		i.Ref.Prefix, i.Ref.Number, i.Kind, i.Drill, i.Title, i.Impact, i.Status, js(i.Components),
		micros(i.CreatedAt), micros(i.ResolvedAt), micros(i.NextUpdate), micros(i.Begin), micros(i.End), js(i.Pending))
	if err := row.Scan(&id); err != nil {
		return 0, err
	}
	for k := range i.Updates {
		if err := insertUpdate(ctx, q, id, &i.Updates[k]); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// saveState stores what an incident is now, without what was said.
func saveState(ctx context.Context, q querier, i *incident.Incident) (id int64, err error) {
	row := q.QueryRowContext(ctx, `UPDATE incident SET title = ?, impact = ?, status = ?, components = ?, resolved_at = ?, next_update = ?, begins = ?, ends = ?, pending = ?
		WHERE prefix = ? AND number = ? RETURNING id`,
		i.Title, i.Impact, i.Status, js(i.Components), micros(i.ResolvedAt), micros(i.NextUpdate), micros(i.Begin), micros(i.End), js(i.Pending),
		i.Ref.Prefix, i.Ref.Number)
	return id, row.Scan(&id)
}

func insertUpdate(ctx context.Context, q querier, id int64, u *incident.Update) error {
	_, err := q.ExecContext(ctx, `INSERT INTO said (incident, n, status, impact, components, next_update, template, author, approved_by, published_at, retraction)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, u.N, u.Status, u.Impact, js(u.Components), micros(u.NextUpdate), u.Template, u.Author, js(u.ApprovedBy), micros(u.PublishedAt), js(u.Retraction))
	for r := 1; r <= len(u.Revisions) && err == nil; r++ {
		err = insertRevision(ctx, q, id, u, r)
	}
	return err
}

func insertRevision(ctx context.Context, q querier, id int64, u *incident.Update, r int) error {
	rev := u.Revision(r)
	_, err := q.ExecContext(ctx, `INSERT INTO revision (incident, n, r, title, body, author, at, typo) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		id, u.N, r, rev.Title, js(rev.Body), rev.Author, micros(rev.At), rev.Typo)
	return err
}
