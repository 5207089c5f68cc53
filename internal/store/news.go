package store

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/allclear-hq/allclear/internal/audit"
)

// News is what happened since somebody looked last, on this node or another.
type News struct {
	Last  int64              // line of the audit up to which this goes
	Refs  []string           // incidents that something happened to
	Lanes map[string][]int64 // by account: what commands gave to do and is not done

	Letters []string // accounts with letters that are not sent
}

// Shared reports whether other nodes may work on this store too.
func (s *Store) Shared() bool { return s.lock == nil }

// News tells what the audit has after a line. With a negative line it only
// tells where the audit ends.
func (s *Store) News(ctx context.Context, after int64) (news News, err error) {
	news.Last = after
	err = s.look(ctx, func(tx *tx) error {
		if after < 0 {
			return tx.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM audit`).Scan(&news.Last)
		}
		if news.Letters, err = lettered(ctx, tx); err != nil {
			return err
		}
		commanded, err := news.read(ctx, tx, after)
		if err != nil || len(commanded) == 0 {
			return err
		}
		return news.lanes(ctx, tx, commanded)
	})
	return news, err
}

// read reads the lines and returns what those of commands concern.
func (n *News) read(ctx context.Context, q querier, after int64) (commanded map[string]bool, err error) {
	commanded = map[string]bool{}
	rows, err := q.QueryContext(ctx, `SELECT id, incident, record FROM audit WHERE id > ? ORDER BY id LIMIT 1000`, after)
	return commanded, each(rows, err, func() error {
		var ref, record string
		if err := rows.Scan(&n.Last, &ref, &record); err != nil {
			return err
		}
		if ref == "" {
			return nil
		}
		if ref != everyIncident && !slices.Contains(n.Refs, ref) {
			n.Refs = append(n.Refs, ref)
		}
		var r audit.Record
		if record == "" { // erased
			return nil
		}
		err := json.Unmarshal([]byte(record), &r)
		if r.Verb != audit.VerbDelivery {
			commanded[ref] = true
		}
		return err
	})
}

// lanes lists those that have something to do.
func (n *News) lanes(ctx context.Context, q querier, commanded map[string]bool) error {
	n.Lanes = map[string][]int64{}
	rows, err := q.QueryContext(ctx, `SELECT lane.id, account, prefix || '-' || number FROM lane JOIN incident ON incident.id = lane.incident WHERE idle = 0`)
	return each(rows, err, func() error {
		var id int64
		var account, ref string
		err := rows.Scan(&id, &account, &ref)
		if commanded[ref] || commanded[everyIncident] {
			n.Lanes[account] = append(n.Lanes[account], id)
		}
		return err
	})
}
