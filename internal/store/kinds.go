package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"sync"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// A kind of subscribers are those of a bot who read one language and chose the
// same: something concerns all of them, or none. Their index has this expression,
// and triggers keep a table of the kinds that there are.
const (
	kindOf  = `language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500)`
	kindCut = 500 // bytes of components
)

// kindPage reads the kinds of a bot after an id as one text, since to hand over a
// row of each costs more than to find it. It also says what has that id now.
const kindPage = `SELECT count(*), coalesce(max(id), 0), coalesce(string_agg(name, ';'), ''), coalesce((SELECT name FROM audience_kind WHERE id = ?), '')
	FROM (SELECT id, name FROM audience_kind WHERE ` + ofBot + ` AND id > ? ORDER BY id LIMIT ?) AS page`

const (
	kindsRead  = 1000     // by one statement
	kindsAsked = 256      // by one statement, for people
	kindsRoom  = 12 << 20 // bytes of the names of a bot's kinds that are known; where there are more, people are looked at
	kindsFresh = 1 << 20  // bytes that came after what was read at first, at least, until all is read anew: some is gone since
	soon       = 1000     // who comes within so many ids is found by looking at people as well
)

// A kindBook is what this process knows of kinds. Some may be gone already.
type kindBook struct {
	room, fresh int // bytes
	mu          sync.Mutex
	of          map[string]*kinds // by bot
}

func newKindBook() *kindBook {
	return &kindBook{room: kindsRoom, fresh: kindsFresh, of: map[string]*kinds{}}
}

// kinds are those of a bot.
type kinds struct {
	pages []string // names between semicolons; a page never changes
	last  int64    // the id of the last of them
	name  string   // of the same
	bytes int      // of all pages
	first int      // of those that were read at first
}

// read returns the kinds of a bot, or that there are too many, after it has read
// those that are new, or all of them anew. It is the first to read in its
// transaction: with kinds of a later moment than people, somebody who chose
// something else in between would be found in neither.
func (b *kindBook) read(ctx context.Context, tx *tx, bot string, anew bool) (pages []string, fit bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.of[bot]
	if k == nil || anew || k.bytes-k.first > max(k.first, b.fresh) {
		k = &kinds{}
		b.of[bot] = k
	}
	err = k.read(ctx, tx, bot, b.room)
	return k.pages, k.bytes <= b.room, err
}

func (k *kinds) read(ctx context.Context, tx *tx, bot string, room int) error {
	all := k.last == 0
	for k.bytes <= room {
		var n int
		var last int64
		var page, name string
		if err := tx.QueryRowContext(ctx, kindPage, k.last, bot, k.last, kindsRead).Scan(&n, &last, &page, &name); err != nil {
			return err
		}
		if name != "" && name != k.name { // a standby has taken over that had not received all of this
			*k = kinds{}
			all = true
			continue
		}
		if n > 0 {
			k.pages, k.bytes = append(k.pages, page), k.bytes+len(page)
			k.last, k.name = last, page[strings.LastIndexByte(page, ';')+1:]
		}
		if n < kindsRead {
			if all {
				k.first = k.bytes
			}
			return nil
		}
	}
	k.pages = nil
	return nil
}

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
		pages, fit, err := s.kinds.read(ctx, tx, bot, false)
		if err != nil {
			return err
		}
		if fit {
			next, ok, err = nextOfKinds(ctx, tx, bot, place, pages, concerned)
		} else {
			next, ok, err = nextOf(ctx, tx, bot, place)
		}
		return err
	})
	return next, ok, err
}

// nextOfKinds is after whom the next comes of those kinds that something concerns.
func nextOfKinds(ctx context.Context, tx *tx, bot string, place int64, pages []string, concerned func(*people.Subscriber) bool) (next int64, ok bool, err error) {
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
	for _, page := range pages {
		for name := range strings.SplitSeq(page, ";") {
			if !mayConcern(name, &who, concerned) {
				continue
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

// mayConcern reports whether something concerns a kind, as far as its name tells.
// It uses who for each: there may be a hundred thousand of them.
func mayConcern(name string, who *people.Subscriber, concerned func(*people.Subscriber) bool) bool {
	language, rest, _ := strings.Cut(name, "/")
	number, rest, _ := strings.Cut(rest, "/")
	incidents, components, ok := strings.Cut(rest, "/")
	impact, err := strconv.Atoi(number)
	if !ok || err != nil || len(components) >= kindCut {
		return true
	}
	*who = people.Subscriber{
		Language: language, Impact: incident.Impacts[min(max(impact, 0), len(incident.Impacts)-1)],
		All: components == "", Components: fields(who.Components[:0], components), Incidents: fields(who.Incidents[:0], incidents),
	}
	return concerned(who)
}

// fields appends the words of a text.
func fields(words []string, text string) []string {
	for word := range strings.FieldsSeq(text) {
		words = append(words, word)
	}
	return words
}
