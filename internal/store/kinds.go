package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/allclear-hq/allclear/internal/people"
)

// A kind of subscribers are those of a bot who read one language and chose the
// same: something concerns all of them, or none. Their index has this expression,
// and triggers keep a table of the kinds that there are.
const (
	kindOf  = `language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500)`
	kindCut = 500 // bytes of components
)

const (
	kindsAsked = 256  // by one statement, for people
	soon       = 1000 // who comes within so many ids is found by looking at people as well
)

// readKinds reads the kinds of a bot anew, without those that are gone.
func (s *Store) readKinds(ctx context.Context, bot string) error {
	return s.look(ctx, func(tx *tx) error {
		_, _, err := s.kinds.read(ctx, tx, bot, true)
		return err
	})
}

// NextConcerned is after whom, at place or later, the first subscriber of a bot
// comes of a kind that something concerns, in whatever state. It may name an
// earlier one where somebody comes soon, or where there are very many kinds. It
// returns false where there is none. concerned must not keep what it is asked of.
func (s *Store) NextConcerned(ctx context.Context, bot string, place int64, concerned func(*people.Subscriber) bool) (next int64, ok bool, err error) {
	err = s.look(ctx, func(tx *tx) error {
		known, fit, err := s.kinds.read(ctx, tx, bot, false)
		if err != nil {
			return err
		}
		if fit {
			next, ok, err = nextOfKinds(ctx, tx, bot, place, &known, concerned)
		} else {
			next, ok, err = nextOf(ctx, tx, bot, place)
		}
		return err
	})
	return next, ok, err
}

// nextOfKinds is after whom the next comes of those kinds that something concerns.
func nextOfKinds(ctx context.Context, tx *tx, bot string, place int64, known *kinds, concerned func(*people.Subscriber) bool) (next int64, ok bool, err error) {
	var who people.Subscriber
	names := make([]string, 0, kindsAsked)
	ask := func() error {
		first, found, err := firstOfKinds(ctx, tx, bot, place, names)
		if found && (!ok || first-1 < next) {
			next, ok = first-1, true
		}
		names = names[:0]
		return err
	}
	for _, page := range known.pages {
		for page != "" {
			var name string
			if name, page = known.unpack(page, &who); name == "" {
				if !concerned(&who) {
					continue
				}
				name = kindName(&who)
			}
			if names = append(names, name); len(names) < kindsAsked {
				continue
			}
			if err := ask(); err != nil {
				return 0, false, err
			}
			if ok && next-place < soon {
				return place, true, nil
			}
		}
	}
	return next, ok, ask()
}

// firstOfKinds is the first subscriber of some kinds after a place.
func firstOfKinds(ctx context.Context, tx *tx, bot string, place int64, names []string) (id int64, ok bool, err error) {
	if len(names) == 0 {
		return 0, false, nil
	}
	n := 1 // a power of four, so that there are few statements
	for n < len(names) {
		n *= 4
	}
	args := []any{bot, place}
	for k := range n {
		args = append(args, names[min(k, len(names)-1)])
	}
	var first sql.NullInt64
	err = tx.QueryRowContext(ctx, firstOf(n), args...).Scan(&first)
	return first.Int64, first.Valid, err
}

// firstOf finds the first subscriber of n kinds after a place.
func firstOf(n int) string {
	return `SELECT min(id) FROM (SELECT (SELECT id FROM subscriber WHERE bot = ? AND ` + kindOf + ` = kind.column1 AND id + 0 > ? ORDER BY id + 0 LIMIT 1) AS id
		FROM (VALUES ` + tuples(n, 1) + `) AS kind) AS person`
}

// nextOf is after whom the next subscriber of a bot comes.
func nextOf(ctx context.Context, q querier, bot string, place int64) (next int64, ok bool, err error) {
	err = q.QueryRowContext(ctx, `SELECT id - 1 FROM subscriber WHERE `+ofBot+` AND id > ? ORDER BY id LIMIT 1`, bot, place).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return next, err == nil, err
}
