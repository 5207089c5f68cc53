package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/allclear-hq/allclear/internal/desk"
)

var _ desk.RoomStore = (*Store)(nil)

// Remember implements [desk.RoomStore].
func (s *Store) Remember(ctx context.Context, m desk.RoomMessage, subject string) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO room_message (account, chat, message, subject, at) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (account, chat, message) DO UPDATE SET subject = excluded.subject`, m.Account, m.Chat, m.Message, subject, micros(s.now()))
		return err
	})
}

// Subject implements [desk.RoomStore].
func (s *Store) Subject(ctx context.Context, m desk.RoomMessage) (subject string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT subject FROM room_message WHERE account = ? AND chat = ? AND message = ?`, m.Account, m.Chat, m.Message).Scan(&subject)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return subject, err
}

// Messages implements [desk.RoomStore].
func (s *Store) Messages(ctx context.Context, subject string) (out []desk.RoomMessage, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT account, chat, message FROM room_message WHERE subject = ? ORDER BY at`, subject)
	err = each(rows, err, func() error {
		var m desk.RoomMessage
		err := rows.Scan(&m.Account, &m.Chat, &m.Message)
		out = append(out, m)
		return err
	})
	return out, err
}

// Card implements [desk.RoomStore].
func (s *Store) Card(ctx context.Context, ref, account, chat string) (message, said string, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT message, said FROM card WHERE ref = ? AND account = ? AND chat = ?`, ref, account, chat).Scan(&message, &said)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
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
