package store

import (
	"context"
	"encoding/json"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// mostLetters is how many are kept. So many wait where a platform is away for
// long, and then only the newest are worth reading.
const mostLetters = 1000

// Write implements [desk.Tx].
func (t *deskTx) Write(l desk.Letter) error {
	var id int64
	err := t.tx.QueryRowContext(t.ctx, `INSERT INTO letter (account, room, draft, letter, tries, until) VALUES (?, ?, ?, ?, 0, ?) RETURNING id`,
		l.Account, l.Room, l.Draft, js(l), micros(l.Until)).Scan(&id)
	if err != nil {
		return err
	}
	if _, ok := t.touched[l.Account]; !ok {
		t.touched[l.Account] = nil // without a lane its holder is woken too
	}
	return t.exec(`DELETE FROM letter WHERE id <= ?`, id-mostLetters)
}

// Showing implements [desk.Tx].
func (t *deskTx) Showing(draft string) ([]string, error) {
	return texts(t.tx.QueryContext(t.ctx, `SELECT account FROM room_message WHERE subject = ? UNION SELECT account FROM letter WHERE draft = ? ORDER BY 1`, draft, draft))
}

// Once implements [desk.Tx].
func (t *deskTx) Once(name, what string) (first bool, err error) {
	told, err := settingOf(t.ctx, t.tx, name)
	if err != nil || told == what {
		return false, err
	}
	return true, set(t.ctx, t.tx, name, what)
}

// Letters implements [desk.RoomStore].
func (s *Store) Letters(ctx context.Context, account string) (out []desk.Letter, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var l desk.Letter
		var text string
		if err := scan(&l.ID, &l.Tries, &text); err != nil {
			return err
		}
		out = append(out, l)
		return json.Unmarshal([]byte(text), &out[len(out)-1])
	}, `SELECT id, tries, letter FROM letter WHERE account = ? ORDER BY id`, account)
	return out, err
}

// BeginLetter implements [desk.RoomStore].
func (s *Store) BeginLetter(ctx context.Context, lease broadcast.Lease, id int64) (ok bool, err error) {
	err = s.change(ctx, func(tx *tx) error {
		if err := holds(ctx, tx, lease); err != nil {
			return err
		}
		var err error
		ok, err = changed(tx.ExecContext(ctx, `UPDATE letter SET tries = tries + 1 WHERE id = ? AND tries < ?`, id, desk.MostTries))
		return err
	})
	return ok && err == nil, err
}

// SpareLetter implements [desk.RoomStore].
func (s *Store) SpareLetter(ctx context.Context, lease broadcast.Lease, id int64) error {
	return s.change(ctx, func(tx *tx) error {
		if err := holds(ctx, tx, lease); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE letter SET tries = tries - 1 WHERE id = ?`, id)
		return err
	})
}

// EndLetter implements [desk.RoomStore].
func (s *Store) EndLetter(ctx context.Context, id int64, draft string, shows desk.RoomMessage) error {
	return s.change(ctx, func(tx *tx) error {
		if shows.Message != "" {
			if err := remember(ctx, tx, shows, draft, s.now()); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `DELETE FROM letter WHERE id = ?`, id)
		return err
	})
}

// lettered lists the accounts that have letters.
func lettered(ctx context.Context, q querier) ([]string, error) {
	return texts(q.QueryContext(ctx, `SELECT DISTINCT account FROM letter`))
}
