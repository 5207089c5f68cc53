package store

import (
	"context"
	"slices"

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
// there is added, who is gets what the list says of him, at last. Who stopped,
// blocked the bot or is gone stays so.
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
		now.ID, now.Incidents = was.ID, was.Incidents
		if !now.Placed {
			now.Topic = was.Topic
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

// subscribersOf loads those of a list who are there, by their chats.
func subscribersOf(ctx context.Context, q querier, bot string, list []people.Subscriber) (map[int64]people.Subscriber, error) {
	args := []any{bot}
	for i := range list {
		args = append(args, list[i].Chat)
	}
	out := map[int64]people.Subscriber{}
	rows, err := q.QueryContext(ctx, `SELECT `+subscriberColumns+` FROM subscriber WHERE bot = ? AND chat IN `+tuple(len(list)), args...)
	return out, each(rows, err, func() error {
		p, err := scanSubscriber(rows)
		out[p.Chat] = p
		return err
	})
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
