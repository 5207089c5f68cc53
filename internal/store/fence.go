package store

import (
	"context"

	"github.com/allclear-hq/allclear/broadcast"
)

// A freeze is committed with a fence for each account whose audience is being
// told something. Whoever walks there sees it with the walks, begins nothing
// more of what is frozen, and takes it away. Messages to an audience do not ask
// the database one by one, so this is how another node knows that none is begun
// any more.

// raise has the accounts' holders see what was frozen.
func (t *deskTx) raise() error {
	return t.exec(`INSERT INTO fence (account) SELECT DISTINCT account FROM walk WHERE idle = 0`)
}

// Heed takes away the fences of an account up to one that was seen with its
// walks.
func (s *Store) Heed(ctx context.Context, lease broadcast.Lease, fence int64) error {
	return s.change(ctx, func(tx *tx) error {
		if err := holds(ctx, tx, lease); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM fence WHERE account = ? AND id <= ?`, lease.Account, fence)
		return err
	})
}

// Heeded reports whether every other node has seen what was frozen, or has
// nothing that it could begin.
func (s *Store) Heeded(ctx context.Context) (heeded bool, err error) {
	err = s.look(ctx, func(tx *tx) error {
		now, err := s.clock(ctx, tx)
		if err != nil {
			return err
		}
		n := 0
		row := tx.QueryRowContext(ctx, `SELECT count(*) FROM fence JOIN lease ON lease.account = fence.account WHERE owner <> '' AND owner <> ? AND expires > ?
			AND EXISTS (SELECT 1 FROM walk WHERE walk.account = fence.account AND idle = 0)`, s.node, micros(now))
		err = row.Scan(&n)
		heeded = n == 0
		return err
	})
	return heeded, err
}
