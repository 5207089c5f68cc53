package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

var _ people.Store = (*Store)(nil)

// subscriberColumns are those that scanSubscriber reads.
const subscriberColumns = `id, chat, topic, language, impact, components, incidents, state`

// ofBot is the condition that a subscriber is a bot's, for statements that go
// through very many in the order of their ids. The expression keeps a database
// from the index of chats, with which it would read and sort all of a bot's
// subscribers for each page.
const ofBot = `bot || '' = ?`

// CountSubscribers counts those of a bot who are written to. It looks at all
// of them, so it is for now and then.
func (s *Store) CountSubscribers(ctx context.Context, bot string) (n int, err error) {
	err = s.look(ctx, func(tx *tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FROM subscriber WHERE `+ofBot+` AND state = ?`, bot, people.Active).Scan(&n)
	})
	return n, err
}

// Census counts those of a bot. It looks at all of them too, after it has read of
// which kinds they are, so that this is known when a walk asks. To group them by
// state would have a database sort them all.
func (s *Store) Census(ctx context.Context, bot string) (c people.Census, err error) {
	if err := s.readKinds(ctx, bot); err != nil {
		return c, err
	}
	var n [people.Gone + 1]int
	err = s.look(ctx, func(tx *tx) error {
		return tx.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE state = ?), count(*) FILTER (WHERE state = ?), count(*) FILTER (WHERE state = ?),
			count(*) FILTER (WHERE state = ?), coalesce(min(id), 0), coalesce(max(id), 0) FROM subscriber WHERE `+ofBot,
			people.Active, people.Stopped, people.Blocked, people.Gone, bot).
			Scan(&n[people.Active], &n[people.Stopped], &n[people.Blocked], &n[people.Gone], &c.First, &c.Last)
	})
	c.States = map[people.State]int{}
	for state, n := range n {
		if n > 0 {
			c.States[people.State(state)] = n
		}
	}
	return c, err
}

// NewestSubscriber implements [people.WalkStore].
func (s *Store) NewestSubscriber(ctx context.Context) (id int64, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error { return scan(&id) }, `SELECT coalesce(max(id), 0) FROM subscriber`)
	return id, err
}

// ChangeSubscribers implements [people.Store].
func (s *Store) ChangeSubscribers(ctx context.Context, bot, cursor string, chats []int64, change func(was people.Subscriber) *people.Subscriber) error {
	return s.change(ctx, func(tx *tx) error {
		for _, chat := range chats {
			was, err := subscriberOf(ctx, tx, bot, chat)
			if err != nil {
				return err
			}
			if err := s.putSubscriber(ctx, tx, bot, was, change(was)); err != nil {
				return err
			}
		}
		if cursor == "" {
			return nil
		}
		return set(ctx, tx, cursorOf(bot), cursor)
	})
}

// Subscriber implements [people.Store].
func (s *Store) Subscriber(ctx context.Context, bot string, chat int64) (p people.Subscriber, err error) {
	err = s.look(ctx, func(tx *tx) error {
		p, err = subscriberOf(ctx, tx, bot, chat)
		return err
	})
	return p, err
}

// subscriberOf loads the subscriber of a chat, whose id is 0 if there is none.
func subscriberOf(ctx context.Context, q querier, bot string, chat int64) (people.Subscriber, error) {
	p, err := scanSubscriber(q.QueryRowContext(ctx, `SELECT `+subscriberColumns+` FROM subscriber WHERE bot = ? AND chat = ?`, bot, chat))
	if errors.Is(err, sql.ErrNoRows) {
		return people.Subscriber{Chat: chat}, nil
	}
	return p, err
}

// putSubscriber stores what became of a subscriber.
func (s *Store) putSubscriber(ctx context.Context, tx *tx, bot string, was people.Subscriber, now *people.Subscriber) error {
	switch {
	case now == nil:
		return eraseChat(ctx, tx, bot, was.Chat)
	case same(was, *now) && !now.Came:
		return nil
	case was.ID == 0:
		return s.addSubscribers(ctx, tx, bot, []people.Subscriber{*now})
	}
	at := s.now().Unix()
	if now.Came { // after whatever was sent in this second
		at++
	}
	_, err := tx.ExecContext(ctx, `UPDATE subscriber SET chat = ?, topic = ?, language = ?, impact = ?, components = ?, incidents = ?,
		changed = CASE WHEN state = ? AND ? = 0 THEN changed ELSE ? END, state = ? WHERE id = ?`,
		now.Chat, now.Topic, now.Language, rank(now.Impact), componentList(now), spaced(now.Incidents), now.State, flag(now.Came), at, now.State, was.ID)
	return err
}

// eraseChat erases a chat with all that names it: the subscriber, what was asked
// of an operator there, what he was sent, and what he did, which is known by its
// key but for presses, whose keys do not have the chat.
func eraseChat(ctx context.Context, q querier, bot string, chat int64) error {
	if err := eraseSubscriber(ctx, q, bot, chat); err != nil {
		return err
	}
	id := strconv.FormatInt(chat, 10)
	keys := strings.NewReplacer("_", `\_`, "%", `\%`).Replace(bot) + ":" + id + "/%"
	return erase(ctx, q, []erasure{
		{`DELETE FROM room_message WHERE account = ? AND chat = ?`, []any{bot, id}},
		{`DELETE FROM card WHERE account = ? AND chat = ?`, []any{bot, id}},
		{`DELETE FROM letter WHERE account = ? AND room = ?`, []any{bot, id}},
		{`DELETE FROM unanswered WHERE account = ? AND event LIKE ?`, []any{bot, `%"Chat":"` + id + `"%`}},
		{`DELETE FROM inbox WHERE key LIKE ? ESCAPE '\'`, []any{keys}},
		{`DELETE FROM question WHERE key LIKE ? ESCAPE '\'`, []any{keys}},
	})
}

// eraseSubscriber erases a subscriber, and which messages did not surely
// reach him. What receipts say of him is a number that from now on is nobody's.
func eraseSubscriber(ctx context.Context, q querier, bot string, chat int64) error {
	const (
		his   = `subscriber IN (SELECT id FROM subscriber WHERE bot = ? AND chat = ?)`
		asked = `SELECT round FROM walk_exception WHERE settled = 0 AND kind = ? AND ` + his
	)
	return erase(ctx, q, []erasure{
		{`UPDATE walk_round SET ask_unsure = ask_unsure - 1 WHERE ask_unsure > 0 AND id IN (` + asked + `)`, []any{"unsure", bot, chat}},
		{`UPDATE walk_round SET ask_failed = ask_failed - 1 WHERE ask_failed > 0 AND id IN (` + asked + `)`, []any{"failed", bot, chat}},
		{`DELETE FROM walk_exception WHERE ` + his, []any{bot, chat}},
		{`DELETE FROM walk_resend WHERE ` + his, []any{bot, chat}},
		{`DELETE FROM subscriber WHERE bot = ? AND chat = ?`, []any{bot, chat}},
	})
}

// An erasure is a statement that erases.
type erasure struct {
	query string
	args  []any
}

func erase(ctx context.Context, q querier, all []erasure) error {
	for _, e := range all {
		if _, err := q.ExecContext(ctx, e.query, e.args...); err != nil {
			return err
		}
	}
	return nil
}

// same reports whether nothing of what is stored differs.
func same(a, b people.Subscriber) bool {
	return a.Chat == b.Chat && a.Topic == b.Topic && a.Language == b.Language && a.Impact == b.Impact && a.State == b.State &&
		componentList(&a) == componentList(&b) && slices.Equal(a.Incidents, b.Incidents)
}

func scanSubscriber(row interface{ Scan(...any) error }) (people.Subscriber, error) {
	var c subscriberRow
	err := row.Scan(c.into()...)
	return c.subscriber(), err
}

// rank is an impact's place among all, least first.
func rank(i incident.Impact) int { return max(slices.Index(incident.Impacts, i), 0) }

// componentList writes the column components.
func componentList(p *people.Subscriber) string {
	switch {
	case p.All:
		return ""
	case len(p.Components) == 0:
		return " "
	}
	return spaced(p.Components)
}

// spaced writes words with a space around each.
func spaced(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ") + " "
}

// MoveSubscriber follows a chat to where its platform moved it. If the new
// place has subscribed already, it stays as it is and the old one is erased.
func (s *Store) MoveSubscriber(ctx context.Context, bot string, from, to int64) error {
	return s.change(ctx, func(tx *tx) error { return s.moveSubscriber(ctx, tx, bot, from, to) })
}

// Follow implements [people.WalkStore].
func (s *Store) Follow(ctx context.Context, lease broadcast.Lease, subscriber int64, m people.Move) (himself bool, err error) {
	err = s.change(ctx, func(tx *tx) error {
		if err := holds(ctx, tx, lease); err != nil {
			return err
		}
		if err := s.moveSubscriber(ctx, tx, lease.Account, m.From, m.To); err != nil {
			return err
		}
		there, err := subscriberOf(ctx, tx, lease.Account, m.To)
		himself = there.ID == subscriber
		return err
	})
	return himself && err == nil, err
}

func (s *Store) moveSubscriber(ctx context.Context, q querier, bot string, from, to int64) error {
	there, err := subscriberOf(ctx, q, bot, to)
	if err != nil || from == to {
		return err
	}
	if there.ID != 0 {
		return eraseSubscriber(ctx, q, bot, from)
	}
	if err := s.forgetMessages(ctx, q, bot, from); err != nil {
		return err
	}
	_, err = q.ExecContext(ctx, `UPDATE subscriber SET chat = ? WHERE bot = ? AND chat = ?`, to, bot, from)
	return err
}

// takenUp is how long after the end of an incident more may be said about it: a
// postmortem, or what proves that it is not over.
const takenUp = 60 * 24 * time.Hour

// forgetMessages forgets in which messages a chat that moves was told of what is
// not over, or not for long. They stay where it was; under their numbers the new place has others,
// or none, to which nothing is to be linked.
func (s *Store) forgetMessages(ctx context.Context, q querier, bot string, chat int64) error {
	was, err := subscriberOf(ctx, q, bot, chat)
	if err != nil || was.ID == 0 {
		return err
	}
	without := map[int64][]byte{} // by row
	rows, err := q.QueryContext(ctx, `SELECT id, receipts FROM walk_batch WHERE is_open = 0 AND lo < ? AND hi >= ? AND walk IN
		(SELECT walk.id FROM walk JOIN incident ON incident.id = walk.incident WHERE account = ? AND (resolved_at = 0 OR resolved_at > ?))`,
		was.ID, was.ID, bot, micros(s.now().Add(-takenUp)))
	err = each(rows, err, func() error {
		var id int64
		var receipts []byte
		if err := rows.Scan(&id, &receipts); err != nil {
			return err
		}
		less, err := people.WithoutMessage(receipts, was.ID)
		without[id] = less
		return err
	})
	for id, receipts := range without {
		if err == nil {
			_, err = q.ExecContext(ctx, `UPDATE walk_batch SET receipts = ? WHERE id = ?`, receipts, id)
		}
	}
	return err
}

// MarkSubscriber records that a chat cannot be written to any more: it has
// blocked the bot, or is gone. What a person said himself is left alone, and so
// is who has asked to be written to after that was sent which he refused.
func (s *Store) MarkSubscriber(ctx context.Context, bot string, chat int64, state people.State, sent time.Time) error {
	return s.change(ctx, func(tx *tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE subscriber SET state = ?, changed = ? WHERE bot = ? AND chat = ? AND state = ? AND changed <= ?`,
			state, s.now().Unix(), bot, chat, people.Active, sent.Unix())
		return err
	})
}

// ForgetSubscribers erases those of a bot who blocked it, or are gone, since
// before that time. It returns how many there were.
func (s *Store) ForgetSubscribers(ctx context.Context, bot string, before time.Time) (n int, err error) {
	var chats []int64
	err = s.look(ctx, func(tx *tx) error { // looking for them keeps no writer waiting
		rows, err := tx.QueryContext(ctx, `SELECT chat FROM subscriber WHERE `+ofBot+` AND state IN (?, ?) AND changed < ?`, bot, people.Blocked, people.Gone, before.Unix())
		return each(rows, err, func() error {
			var chat int64
			err := rows.Scan(&chat)
			chats = append(chats, chat)
			return err
		})
	})
	for part := range slices.Chunk(chats, forgetStep) {
		if err != nil {
			break
		}
		err = s.ChangeSubscribers(ctx, bot, "", part, func(was people.Subscriber) *people.Subscriber {
			if was.State == people.Active || was.State == people.Stopped { // came back meanwhile
				return &was
			}
			n++
			return nil
		})
	}
	return n, err
}

// forgetStep is how many are erased in one transaction.
const forgetStep = 200
