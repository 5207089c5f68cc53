package store

import (
	"context"

	"github.com/allclear-hq/allclear/internal/people"
)

// keepResend records that somebody is sent a message once more, unless he was
// erased meanwhile.
func keepResend(ctx context.Context, q querier, round, subscriber int64) error {
	_, err := q.ExecContext(ctx, `INSERT INTO walk_resend (round, subscriber, times) SELECT ?, id, 1 FROM subscriber WHERE id = ?
		ON CONFLICT (round, subscriber) DO UPDATE SET times = walk_resend.times + 1`, round, subscriber)
	return err
}

// forgetResends drops what a round that has ended needs no more.
func forgetResends(ctx context.Context, q querier, round int64) error {
	_, err := q.ExecContext(ctx, `DELETE FROM walk_resend WHERE round = ?`, round)
	return err
}

// Resends is how often people were sent messages of an audience's open rounds
// that nobody answered, and wait for them once more.
func (s *Store) Resends(ctx context.Context, channel string) (map[people.Resend]int, error) {
	out := map[people.Resend]int{}
	rows, err := s.read.QueryContext(ctx, `SELECT round, subscriber, times FROM walk_resend
		WHERE round IN (SELECT walk_round.id FROM walk_round JOIN walk ON walk.id = walk_round.walk WHERE channel = ?)`, channel)
	return out, each(rows, err, func() error {
		var who people.Resend
		var times int
		err := rows.Scan(&who.Round, &who.Subscriber, &times)
		out[who] = times
		return err
	})
}
