package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
)

var _ desk.RoomStore = (*Store)(nil)

// Remember implements [desk.RoomStore].
func (s *Store) Remember(ctx context.Context, m desk.RoomMessage, subject string) error {
	return s.change(ctx, func(tx *tx) error {
		return remember(ctx, tx, m, subject, s.now())
	})
}

func remember(ctx context.Context, q querier, m desk.RoomMessage, subject string, at time.Time) error {
	_, err := q.ExecContext(ctx, `INSERT INTO room_message (account, chat, message, subject, at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (account, chat, message) DO UPDATE SET subject = excluded.subject`, m.Account, m.Chat, m.Message, subject, micros(at))
	return err
}

// Subject implements [desk.RoomStore].
func (s *Store) Subject(ctx context.Context, m desk.RoomMessage) (subject string, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error { return scan(&subject) },
		`SELECT subject FROM room_message WHERE account = ? AND chat = ? AND message = ?`, m.Account, m.Chat, m.Message)
	return subject, err
}

// Messages implements [desk.RoomStore].
func (s *Store) Messages(ctx context.Context, subject string) (out []desk.RoomMessage, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var m desk.RoomMessage
		err := scan(&m.Account, &m.Chat, &m.Message)
		out = append(out, m)
		return err
	}, `SELECT account, chat, message FROM room_message WHERE subject = ? ORDER BY at`, subject)
	return out, err
}

// Card implements [desk.RoomStore].
func (s *Store) Card(ctx context.Context, ref, account, chat string) (message, said string, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error { return scan(&message, &said) },
		`SELECT message, said FROM card WHERE ref = ? AND account = ? AND chat = ?`, ref, account, chat)
	return message, said, err
}

// SetCard implements [desk.RoomStore].
func (s *Store) SetCard(ctx context.Context, ref, account, chat, message, said string) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO card (ref, account, chat, message, said) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (ref, account, chat) DO UPDATE SET message = excluded.message, said = excluded.said`, ref, account, chat, message, said)
		return err
	})
}

// Hear implements [desk.Tx].
func (t *deskTx) Hear(h desk.Heard) error {
	if h.Cursor != "" {
		if err := set(t.ctx, t.tx, cursorOf(h.Account), h.Cursor); err != nil {
			return err
		}
	}
	if h.Key == "" {
		return nil
	}
	return t.exec(`INSERT INTO unanswered (account, key, event, at) VALUES (?, ?, ?, ?) ON CONFLICT (account, key) DO NOTHING`,
		h.Account, h.Key, string(h.Event), micros(t.now()))
}

// Cursor is how far the chats of an account have been read.
func (s *Store) Cursor(ctx context.Context, account string) (string, error) {
	return s.Setting(ctx, cursorOf(account))
}

func cursorOf(account string) string { return "cursor:" + account }

// Owed implements [desk.RoomStore].
func (s *Store) Owed(ctx context.Context, account string) (out []desk.Heard, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		h := desk.Heard{Account: account}
		var event string
		err := scan(&h.Key, &event)
		h.Event = []byte(event)
		out = append(out, h)
		return err
	}, `SELECT key, event FROM unanswered WHERE account = ? ORDER BY at, key`, account)
	return out, err
}

// Answered implements [desk.RoomStore].
func (s *Store) Answered(ctx context.Context, account, key string) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `DELETE FROM unanswered WHERE account = ? AND key = ?`, account, key)
		return err
	})
}

// Ask implements [desk.Tx].
func (t *deskTx) Ask(q *desk.Question) error {
	var id int64
	err := t.tx.QueryRowContext(t.ctx, `SELECT id FROM question WHERE key = ?`, q.Key).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = t.tx.QueryRowContext(t.ctx, `INSERT INTO question (key, question, settled, at) VALUES (?, ?, '', ?) RETURNING id`, q.Key, js(q), micros(t.now())).Scan(&id)
	}
	q.ID = id
	return err
}

// Settle implements [desk.Tx].
func (t *deskTx) Settle(question int64, by string) (first bool, err error) {
	var settled string
	if err := t.tx.QueryRowContext(t.ctx, `SELECT settled FROM question WHERE id = ?`, question).Scan(&settled); err != nil {
		return false, err
	}
	if settled != "" {
		return settled == by, nil
	}
	return true, t.exec(`UPDATE question SET settled = ? WHERE id = ?`, by, question)
}

// Question implements [desk.RoomStore].
func (s *Store) Question(ctx context.Context, id int64) (q *desk.Question, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		q = &desk.Question{}
		err := json.Unmarshal([]byte(text), q)
		q.ID = id
		return err
	}, `SELECT question FROM question WHERE id = ?`, id)
	return q, err
}
