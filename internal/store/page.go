package store

import (
	"context"
	"errors"
	"math"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// subscriberPage reads subscribers in the order of their ids, as one text with a
// line for each: a walk reads a million, and to hand over a row of eight columns
// costs more than to find it. No column has a separator in it.
const subscriberPage = `SELECT coalesce(string_agg(line, ';'), '') FROM (
	SELECT concat_ws('|', id, chat, topic, impact, state, language, components, incidents) AS line
	FROM subscriber WHERE ` + ofBot + ` AND id > ? AND id <= ? ORDER BY id LIMIT ?) page`

// Subscribers lists those of a bot in the order of their ids, from after on, at
// most limit of them, in whatever state.
func (s *Store) Subscribers(ctx context.Context, bot string, after int64, limit int) ([]people.Subscriber, error) {
	return s.SubscribersIn(ctx, bot, after, math.MaxInt64, limit)
}

// SubscribersIn lists those after lo, up to hi.
func (s *Store) SubscribersIn(ctx context.Context, bot string, lo, hi int64, limit int) (out []people.Subscriber, err error) {
	err = s.lookOnce(ctx, func(scan func(...any) error) error {
		var text string
		if err := scan(&text); err != nil {
			return err
		}
		out, err = readPage(text, limit)
		return err
	}, subscriberPage, bot, lo, hi, limit)
	return out, err
}

var errPage = errors.New("a subscriber that cannot be read: the database is damaged")

// readPage reads what a page says of so many subscribers at most.
func readPage(text string, limit int) ([]people.Subscriber, error) {
	out := make([]people.Subscriber, 0, limit)
	language := ""
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, ";")
		var c subscriberRow
		if !c.read(line) {
			return nil, errPage
		}
		if c.language != language { // which outlives the page
			language = strings.Clone(c.language)
		}
		c.language = language
		out = append(out, c.subscriber())
	}
	return out, nil
}

// read reads a line of a page.
func (c *subscriberRow) read(line string) bool {
	ok := true
	next := func() (column string) {
		var more bool
		column, line, more = strings.Cut(line, "|")
		ok = ok && more
		return column
	}
	number := func() int64 {
		n, err := strconv.ParseInt(next(), 10, 64)
		ok = ok && err == nil
		return n
	}
	c.id, c.chat, c.topic, c.impact, c.state = number(), number(), number(), number(), number()
	c.language, c.components = next(), next()
	c.incidents = line
	return ok && !strings.Contains(line, "|")
}

// A subscriberRow is where a row is read into.
type subscriberRow struct {
	id, chat, topic, impact, state  int64
	language, components, incidents string
}

func (c *subscriberRow) into() []any {
	return []any{&c.id, &c.chat, &c.topic, &c.language, &c.impact, &c.components, &c.incidents, &c.state}
}

func (c *subscriberRow) subscriber() people.Subscriber {
	return people.Subscriber{
		ID: c.id, Chat: c.chat, Topic: c.topic, Language: c.language, State: people.State(c.state),
		Impact: incident.Impacts[min(max(int(c.impact), 0), len(incident.Impacts)-1)],
		All:    c.components == "", Components: strings.Fields(c.components), Incidents: strings.Fields(c.incidents),
	}
}
