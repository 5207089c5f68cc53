package store

import (
	"context"
	"time"
)

// How long is kept what only grows and proves nothing any more. What was said,
// what became of it and who did what is kept for ever.
const (
	keepAnswers  = 30 * 24 * time.Hour  // to commands that may be repeated; platforms deliver again for a day
	keepTries    = 30 * 24 * time.Hour  // that changed nothing; those that sent a text, or may have, are on record
	keepLetters  = time.Hour            // that nobody sent in time, since nobody holds their account
	keepMessages = 365 * 24 * time.Hour // what a message in a room is about, so that a reply to it is understood
)

// sweepAtOnce is how many rows go in one transaction: who wants to send waits
// for no more.
const sweepAtOnce = 500

// Sweep deletes what is old and of no use, and returns how many rows that were.
func (s *Store) Sweep(ctx context.Context) (n int64, err error) {
	for _, old := range []struct {
		query string
		keep  time.Duration
	}{
		{`DELETE FROM inbox WHERE key IN (SELECT key FROM inbox WHERE at < ? LIMIT ?)`, keepAnswers},
		{`DELETE FROM attempt WHERE id IN (SELECT id FROM attempt WHERE ended > 0 AND ended < ? AND outcome <> 'done' AND outcome NOT LIKE 'unsure%' LIMIT ?)`, keepTries},
		{`DELETE FROM question WHERE id IN (SELECT id FROM question WHERE at < ? LIMIT ?)`, keepAnswers},
		{`DELETE FROM room_message WHERE (account, chat, message) IN (SELECT account, chat, message FROM room_message WHERE at < ? LIMIT ?)`, keepMessages},
		{`DELETE FROM letter WHERE id IN (SELECT id FROM letter WHERE until < ? LIMIT ?)`, keepLetters},
	} {
		deleted, err := s.sweep(ctx, old.query, s.now().Add(-old.keep))
		n += deleted
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// sweep repeats a deletion until nothing is left to delete.
func (s *Store) sweep(ctx context.Context, query string, before time.Time) (n int64, err error) {
	for {
		var rows int64
		err := s.change(ctx, func(tx *tx) error {
			res, err := tx.ExecContext(ctx, query, micros(before), sweepAtOnce)
			if err != nil {
				return err
			}
			rows, err = res.RowsAffected()
			return err
		})
		n += rows
		if err != nil || rows < sweepAtOnce {
			return n, err
		}
	}
}
