package store

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/internal/people"
)

// keepResend records that somebody is sent a message once more, unless he was
// erased meanwhile.
func keepResend(ctx context.Context, q querier, round, subscriber int64) error {
	_, err := q.ExecContext(ctx, `INSERT INTO walk_resend (round, subscriber, times) SELECT ?, id, 1 FROM subscriber WHERE id = ?
		ON CONFLICT (round, subscriber) DO UPDATE SET times = walk_resend.times + 1`, round, subscriber)
	return err
}

// forgetResend records that somebody does not wait any more.
func forgetResend(ctx context.Context, q querier, round, subscriber int64) error {
	_, err := q.ExecContext(ctx, `DELETE FROM walk_resend WHERE round = ? AND subscriber = ?`, round, subscriber)
	return err
}

// passResend has somebody who waits in a round do so in another, which tells him.
func passResend(ctx context.Context, q querier, from, to, subscriber int64) error {
	_, err := q.ExecContext(ctx, `INSERT INTO walk_resend (round, subscriber, times) SELECT ?, subscriber, times FROM walk_resend WHERE round = ? AND subscriber = ?
		ON CONFLICT (round, subscriber) DO NOTHING`, to, from, subscriber)
	if err != nil {
		return err
	}
	return forgetResend(ctx, q, from, subscriber)
}

// endResends has those be unsure who still wait when a round ends: newer words
// made it pointless, or they have left.
func endResends(ctx context.Context, q querier, now time.Time, round int64) error {
	ended, err := q.ExecContext(ctx, `INSERT INTO walk_exception (round, subscriber, kind, detail, at) SELECT round, subscriber, 'unsure', ?, ? FROM walk_resend WHERE round = ?
		ON CONFLICT (round, subscriber) DO NOTHING`, "no answer came, and it was not sent again before the round ended", micros(now), round)
	if err != nil {
		return err
	}
	n, err := ended.RowsAffected()
	if err == nil && n > 0 {
		_, err = q.ExecContext(ctx, `UPDATE walk_round SET unsure = unsure + ?, ask_unsure = ask_unsure + ? WHERE id = ?`, n, n, round)
	}
	if err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `DELETE FROM walk_resend WHERE round = ?`, round)
	return err
}

// Resends is how often people were sent messages of an audience's open rounds
// that nobody answered, and wait for them once more.
func (s *Store) Resends(ctx context.Context, channel string) (map[people.Resend]int, error) {
	out := map[people.Resend]int{}
	return out, s.lookOnce(ctx, func(scan func(...any) error) error {
		var who people.Resend
		var times int
		err := scan(&who.Round, &who.Subscriber, &times)
		out[who] = times
		return err
	}, `SELECT round, subscriber, times FROM walk_resend
		WHERE round IN (SELECT walk_round.id FROM walk_round JOIN walk ON walk.id = walk_round.walk WHERE channel = ?)`, channel)
}
