package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Evidence collects all that is on record about an incident, of one moment.
// It returns [desk.ErrNotFound] if there is no such incident.
func (s *Store) Evidence(ctx context.Context, ref incident.Ref) (ev audit.Evidence, err error) {
	ev = audit.Evidence{Ref: ref.String(), Texts: map[audit.Hash]string{}}
	err = s.look(ctx, func(tx *tx) error {
		if _, err := incidentBy(ctx, tx, `prefix = ? AND number = ?`, ref.Prefix, ref.Number); err != nil {
			return err
		}
		if err := loadChain(ctx, tx, &ev); err != nil {
			return err
		}
		wanted, err := loadRecords(ctx, tx, &ev)
		if err != nil {
			return err
		}
		return loadTexts(ctx, tx, ref, wanted, ev.Texts)
	})
	return ev, err
}

// loadChain loads the digests of all lines.
func loadChain(ctx context.Context, q querier, ev *audit.Evidence) error {
	rows, err := q.QueryContext(ctx, `SELECT id, digest, at FROM audit ORDER BY id`)
	return each(rows, err, func() error {
		var id, at int64
		var digest string
		if err := rows.Scan(&id, &digest, &at); err != nil {
			return err
		}
		ev.Lines = append(ev.Lines, audit.Line{})
		if id != int64(len(ev.Lines)) {
			return fmt.Errorf("the audit has no line %d: lines were removed", len(ev.Lines))
		}
		ev.Time = moment(at)
		return ev.Lines[id-1].Digest.UnmarshalText([]byte(digest))
	})
}

// loadRecords loads the records about the incident: those that name it, those
// about drafts that became part of it, and freezes while it lasted. It returns
// the digests of texts that they name.
func loadRecords(ctx context.Context, q querier, ev *audit.Evidence) (map[audit.Hash]bool, error) {
	wanted := map[audit.Hash]bool{}
	rows, err := q.QueryContext(ctx, `SELECT id, record FROM audit WHERE incident = ?
		UNION SELECT id, record FROM audit WHERE draft IN (SELECT draft FROM audit WHERE incident = ? AND draft <> '')
		UNION SELECT id, record FROM audit WHERE incident = ?
			AND id BETWEEN (SELECT min(id) FROM audit WHERE incident = ?) AND (SELECT max(id) FROM audit WHERE incident = ?)
		ORDER BY id`, ev.Ref, ev.Ref, everyIncident, ev.Ref, ev.Ref)
	return wanted, each(rows, err, func() error {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return err
		}
		line := &ev.Lines[id-1]
		line.Record, line.Erased = text, text == ""
		if text == "" {
			return nil
		}
		return wantText(text, wanted)
	})
}

// wantText notes the digest of a text that a record names.
func wantText(record string, wanted map[audit.Hash]bool) error {
	var r audit.Record
	var d audit.Delivered
	if err := json.Unmarshal([]byte(record), &r); err != nil || r.Verb != audit.VerbDelivery {
		return err
	}
	err := json.Unmarshal([]byte(r.Detail), &d)
	if err == nil && d.Text != nil {
		wanted[*d.Text] = true
	}
	return err
}

// loadTexts finds texts in the journal of attempts by their digests.
func loadTexts(ctx context.Context, q querier, ref incident.Ref, wanted map[audit.Hash]bool, texts map[audit.Hash]string) error {
	rows, err := q.QueryContext(ctx, `SELECT step FROM attempt JOIN lane ON lane.id = attempt.lane JOIN incident ON incident.id = lane.incident
		WHERE prefix = ? AND number = ?`, ref.Prefix, ref.Number)
	return each(rows, err, func() error {
		var text string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		var step broadcast.Step
		if err := json.Unmarshal([]byte(text), &step); err != nil {
			return err
		}
		if sum := audit.Digest(step.Op.Text); wanted[sum] {
			texts[sum] = step.Op.Text
		}
		return nil
	})
}
