package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/internal/people"
)

// A kind of subscribers are those of a bot who read one language and chose the
// same: something concerns all of them, or none. Their index has this expression.
const (
	kindOf  = `language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500)`
	kindCut = 500 // bytes of components
)

// nextOfKinds names the kinds of a bot's subscribers, and the first after a place
// of each. It goes from one kind to the next without looking at those between.
const nextOfKinds = `WITH RECURSIVE kind (name) AS (
		SELECT (SELECT min(` + kindOf + `) FROM subscriber WHERE bot = ?)
		UNION ALL SELECT (SELECT min(` + kindOf + `) FROM subscriber WHERE bot = ? AND ` + kindOf + ` > kind.name) FROM kind WHERE name IS NOT NULL)
	SELECT name, (SELECT id FROM subscriber WHERE bot = ? AND ` + kindOf + ` = kind.name AND id + 0 > ? ORDER BY id + 0 LIMIT 1)
	FROM kind WHERE name IS NOT NULL LIMIT ?`

// maxKinds is how many kinds are looked at: with more of them it is no dearer to
// look at people.
const maxKinds = 1000

// NextConcerned is after whom, at place or later, the first subscriber of a bot
// comes of a kind that something concerns, in whatever state. It returns false
// where there is none.
func (s *Store) NextConcerned(ctx context.Context, bot string, place int64, concerned func(*people.Subscriber) bool) (next int64, ok bool, err error) {
	kinds := 0
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var name string
		var first sql.NullInt64
		if err := scan(&name, &first); err != nil {
			return err
		}
		kinds++
		if first.Valid && (!ok || first.Int64-1 < next) && mayConcern(name, concerned) {
			next, ok = first.Int64-1, true
		}
		return nil
	}, nextOfKinds, bot, bot, bot, place, maxKinds+1)
	if err == nil && kinds > maxKinds {
		return s.nextOf(ctx, bot, place)
	}
	return next, ok, err
}

// nextOf is after whom the next subscriber of a bot comes.
func (s *Store) nextOf(ctx context.Context, bot string, place int64) (next int64, ok bool, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT id - 1 FROM subscriber WHERE `+ofBot+` AND id > ? ORDER BY id LIMIT 1`, bot, place).Scan(&next)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return next, err == nil, err
}

// mayConcern reports whether something concerns a kind, as far as its name tells.
func mayConcern(name string, concerned func(*people.Subscriber) bool) bool {
	part := strings.SplitN(name, "/", 4)
	if len(part) < 4 || len(part[3]) >= kindCut {
		return true
	}
	impact, err := strconv.ParseInt(part[1], 10, 64)
	if err != nil {
		return true
	}
	s := (&subscriberRow{language: part[0], impact: impact, incidents: part[2], components: part[3]}).subscriber()
	return concerned(&s)
}
