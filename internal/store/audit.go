package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Audit appends a line.
func (t *deskTx) Audit(r desk.Record) error { return appendAudit(t.ctx, t.tx, r) }

// everyIncident stands in the column incident for what may concern all.
const everyIncident = "*"

// concerns is the incident that a record is exported with.
func concerns(r audit.Record) string {
	if r.Incident == "" && r.Subject != audit.Refused && (r.Verb == "freeze" || r.Verb == "unfreeze") {
		return everyIncident
	}
	return r.Incident
}

// appendAudit adds a line whose hash covers its digest and the line before it.
func appendAudit(ctx context.Context, q querier, r audit.Record) error {
	var id int64
	var last string
	var before audit.Hash
	switch err := q.QueryRowContext(ctx, `SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1`).Scan(&id, &last); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return err
	default:
		if err := before.UnmarshalText([]byte(last)); err != nil {
			return fmt.Errorf("line %d of the audit: %w", id, err)
		}
	}
	text, digest, err := audit.Seal(r)
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `INSERT INTO audit (id, record, digest, hash, at, incident, draft) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id+1, text, digest.String(), audit.Link(before, digest).String(), micros(r.At), concerns(r), r.Draft)
	return err
}

// facts are what an incident is now.
func facts(i *incident.Incident) audit.Facts {
	return audit.Facts{
		Kind: i.Kind, Drill: i.Drill, Title: i.Title, Impact: i.Impact, Status: i.Status, Components: i.Components,
		CreatedAt: i.CreatedAt.UTC(), ResolvedAt: i.ResolvedAt.UTC(), Begin: i.Begin.UTC(), End: i.End.UTC(),
	}
}

func wording(u *incident.Update, r int) audit.Wording {
	rev := u.Revision(r)
	return audit.Wording{Revision: r, Title: rev.Title, Text: rev.Body, Author: rev.Author, At: rev.At.UTC(), Typo: rev.Typo}
}

func auditSaid(ctx context.Context, q querier, i *incident.Incident, u *incident.Update) error {
	return appendAudit(ctx, q, audit.Record{
		At: u.PublishedAt.UTC(), Actor: u.Author, Origin: audit.Self, Verb: audit.VerbSaid,
		Subject: updateRef(i, u.N), Incident: i.Ref.String(),
		Detail: js(audit.Said{
			Facts: facts(i), Update: u.N, Status: u.Status, Impact: u.Impact, Components: u.Components,
			NextUpdate: u.NextUpdate.UTC(), Template: u.Template, ApprovedBy: u.ApprovedBy, Wording: wording(u, 1),
		}),
	})
}

func auditReworded(ctx context.Context, q querier, i *incident.Incident, u *incident.Update) error {
	w := wording(u, len(u.Revisions))
	return appendAudit(ctx, q, audit.Record{
		At: w.At, Actor: w.Author, Origin: audit.Self, Verb: audit.VerbReworded,
		Subject: updateRef(i, u.N), Incident: i.Ref.String(), Detail: js(audit.Reworded{Facts: facts(i), Update: u.N, Wording: w}),
	})
}

func auditWithdrawn(ctx context.Context, q querier, i *incident.Incident, u *incident.Update) error {
	r := u.Retraction
	return appendAudit(ctx, q, audit.Record{
		At: r.At.UTC(), Actor: r.Author, Origin: audit.Self, Verb: audit.VerbWithdrawn,
		Subject: updateRef(i, u.N), Incident: i.Ref.String(),
		Detail: js(audit.Withdrawn{Facts: facts(i), Update: u.N, Reason: r.Reason, Author: r.Author, At: r.At.UTC(), Delete: r.Delete}),
	})
}

func updateRef(i *incident.Incident, n int) string { return fmt.Sprintf("%s/%d", i.Ref, n) }

// rechain takes over an audit whose hashes covered the records themselves, and
// says so in a line of its own, which keeps the old head. What was said before
// there were lines for it gets them now. It runs after all migrations, once.
func (s *Store) rechain(ctx context.Context, tx *tx) error {
	const name = "audit:rechained"
	var done int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM setting WHERE name = ?`, name).Scan(&done); err != nil || done > 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO setting (name, value) VALUES (?, 'done')`, name); err != nil {
		return err
	}
	old, err := oldLines(ctx, tx)
	if err != nil || len(old) == 0 {
		return err
	}
	did, err := takeOver(ctx, tx, old)
	if err != nil {
		return err
	}
	r := audit.Record{At: s.now().UTC(), Actor: audit.Self, Origin: audit.Self, Verb: audit.VerbRechained, Detail: js(did)}
	return errors.Join(appendAudit(ctx, tx, r), auditHistory(ctx, tx))
}

// takeOver gives old lines their digests and new hashes.
func takeOver(ctx context.Context, q querier, old []oldLine) (audit.Rechained, error) {
	var hash audit.Hash
	did := audit.Rechained{Lines: int64(len(old))}
	for k, l := range old {
		if l.hash != audit.Digest(did.Head+l.record).String() && did.Broken == 0 {
			did.Broken = l.id
		}
		did.Head = l.hash
		digest := audit.Digest(l.record)
		hash = audit.Link(hash, digest)
		_, err := q.ExecContext(ctx, `UPDATE audit SET id = ?, digest = ?, hash = ?, at = ?, incident = ? WHERE id = ?`,
			k+1, digest.String(), hash.String(), micros(l.At), l.Incident, l.id)
		if err != nil {
			return did, err
		}
	}
	return did, nil
}

// oldLine is a line of an audit whose hashes covered the records.
type oldLine struct {
	id           int64
	record, hash string
	audit.Record
}

func oldLines(ctx context.Context, q querier) (out []oldLine, err error) {
	rows, err := q.QueryContext(ctx, `SELECT id, record, hash FROM audit ORDER BY id`)
	err = each(rows, err, func() error {
		var l oldLine
		if err := rows.Scan(&l.id, &l.record, &l.hash); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(l.record), &l.Record); err != nil {
			return fmt.Errorf("line %d of the audit: %w", l.id, err)
		}
		if ref, _, err := incident.ParseUpdateRef(l.Subject); err == nil {
			l.Incident = ref.String()
		}
		l.Incident = concerns(l.Record)
		out = append(out, l)
		return nil
	})
	return out, err
}

// auditHistory adds lines for everything that was ever said.
func auditHistory(ctx context.Context, q querier) error {
	all, err := incidentsBy(ctx, q, `ORDER BY id`)
	if err != nil {
		return err
	}
	for _, i := range all {
		for k := range i.Updates {
			u := &i.Updates[k]
			first := *u
			first.Revisions = u.Revisions[:1]
			if err := auditSaid(ctx, q, i, &first); err != nil {
				return err
			}
			for r := 2; r <= len(u.Revisions); r++ {
				first.Revisions = u.Revisions[:r]
				if err := auditReworded(ctx, q, i, &first); err != nil {
					return err
				}
			}
			if u.Retraction == nil {
				continue
			}
			if err := auditWithdrawn(ctx, q, i, u); err != nil {
				return err
			}
		}
	}
	return nil
}
