package store

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/allclear-hq/allclear/internal/people"
)

// together is how many lines of a list are looked up, and added, by one
// statement: on PostgreSQL each is a way there and back. The driver of SQLite looks
// for each value of a statement among all of them, so that few go faster.
func (s *Store) together() int {
	if s.path == "" {
		return 250
	}
	return 50
}

// ImportSubscribers stores a list for a bot in one transaction: who is not
// there is added, who is gets what the list says of him, at last, and keeps what it
// does not say. Who stopped, blocked the bot or is gone stays so.
func (s *Store) ImportSubscribers(ctx context.Context, bot string, list []people.Subscriber) (n people.Imported, err error) {
	err = s.change(ctx, func(tx *tx) error {
		n = people.Imported{}
		for part := range slices.Chunk(list, s.together()) {
			if err := s.importPart(ctx, tx, bot, part, &n); err != nil {
				return err
			}
		}
		return nil
	})
	return n, err
}

func (s *Store) importPart(ctx context.Context, tx *tx, bot string, part []people.Subscriber, n *people.Imported) error {
	there, err := subscribersOf(ctx, tx, bot, part)
	if err != nil {
		return err
	}
	var added []people.Subscriber
	place := map[int64]int{} // of a chat among those
	for _, now := range part {
		was := there[now.Chat]
		k, twice := place[now.Chat]
		if twice {
			was = added[k]
		}
		if twice || was.ID != 0 {
			now = now.Since(was)
		}
		switch {
		case twice && same(was, now):
			n.Unchanged++
		case twice:
			n.Changed++
			added[k] = now
		case was.ID == 0:
			n.Added++
			place[now.Chat] = len(added)
			added = append(added, now)
		case was.State != people.Active:
			n.Left++
		case same(was, now):
			n.Unchanged++
		default:
			n.Changed++
			if err := s.putSubscriber(ctx, tx, bot, was, &now); err != nil {
				return err
			}
			there[now.Chat] = now
		}
	}
	return s.addSubscribers(ctx, tx, bot, added)
}

// subscribersOf loads those of a list who are there, by their chats. Each chat is
// asked for by itself, and then who was found: PostgreSQL takes a new table for
// almost empty until it is analysed, and would rather read all of a bot's
// subscribers for each list.
func subscribersOf(ctx context.Context, q querier, bot string, list []people.Subscriber) (map[int64]people.Subscriber, error) {
	args := []any{bot}
	for i := range list {
		args = append(args, list[i].Chat)
	}
	var found []any
	rows, err := q.QueryContext(ctx, idsOf(len(list)), args...)
	err = each(rows, err, func() error {
		var id sql.NullInt64
		err := rows.Scan(&id)
		if id.Valid {
			found = append(found, id.Int64)
		}
		return err
	})
	out := map[int64]people.Subscriber{}
	if err != nil || len(found) == 0 {
		return out, err
	}
	for len(found) < len(list) { // so that there is one statement for lists of a length
		found = append(found, found[0])
	}
	rows, err = q.QueryContext(ctx, `SELECT `+subscriberColumns+` FROM subscriber WHERE id IN `+tuple(len(found)), found...)
	return out, each(rows, err, func() error {
		p, err := scanSubscriber(rows)
		out[p.Chat] = p
		return err
	})
}

// idsOf finds the ids of n chats of a bot; null where there is nobody.
func idsOf(n int) string {
	return `SELECT (SELECT id FROM subscriber WHERE bot = ? AND chat = asked.column1)
		FROM (VALUES (CAST(? AS BIGINT))` + strings.Repeat(`, (?)`, n-1) + `) AS asked`
}

// addSubscribers stores people who are not there yet.
func (s *Store) addSubscribers(ctx context.Context, q querier, bot string, list []people.Subscriber) error {
	if len(list) == 0 {
		return nil
	}
	var values []any
	for i := range list {
		p := &list[i]
		values = append(values, bot, p.Chat, p.Topic, p.Language, rank(p.Impact), componentList(p), spaced(p.Incidents), p.State, s.now().Unix())
	}
	_, err := q.ExecContext(ctx, `INSERT INTO subscriber (bot, chat, topic, language, impact, components, incidents, state, changed) VALUES `+tuples(len(list), 9), values...)
	return err
}
