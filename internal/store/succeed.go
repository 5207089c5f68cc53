package store

import "context"

// succeed has this node hold what the one before on its seat held, which is dead
// and will not give it back: nothing waits for those leases to end. They have a
// new epoch, by which whatever that one began and is still on its way is refused.
// A node that stands in for others does not go by this: it cannot know whether
// they are dead.
func (s *Store) succeed(ctx context.Context) error {
	if s.seat == nil {
		return nil
	}
	if before := s.seat.Before(); before != "" {
		if err := s.inherit(ctx, before); err != nil {
			return err
		}
	}
	_ = s.seat.Keep(s.node) // otherwise the next one waits for the leases
	return nil
}

func (s *Store) inherit(ctx context.Context, before string) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE lease SET owner = ?, epoch = epoch + 1, leaving = 0 WHERE owner = ?`, s.node, before)
		if err == nil {
			_, err = tx.ExecContext(ctx, `DELETE FROM node WHERE name = ?`, before)
		}
		return err
	})
}
