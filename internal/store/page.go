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
// costs more than to find it. Each part that is joined costs as well, and almost
// everybody is active, follows all components and no single incident, and is no
// topic of a group. That is left out, and the impact is the letter between two
// numbers: "17b5000|en". Anybody else's line is "17b-100|7|0| login ||en". No
// column has a separator in it. SQLite has the lines made, in the index
// subscriber_line, to which the expression before the bot's name leads; PostgreSQL,
// which has none, goes through its rows (see ofBot). SQLite plans a statement anew
// each time that its limit is a bare parameter, hence the sum.
const subscriberPage = `SELECT coalesce(string_agg(line, ';'), '') FROM (
	SELECT id || CASE impact WHEN 0 THEN 'a' WHEN 1 THEN 'b' WHEN 2 THEN 'c' ELSE 'd' END || chat ||
		CASE WHEN components || incidents = '' AND topic = 0 AND state = 0 THEN '|'
			ELSE '|' || topic || '|' || state || '|' || components || '|' || incidents || '|' END || language AS line
	FROM subscriber WHERE '' || bot = ? AND id > ? AND id <= ? ORDER BY id LIMIT ? + 0) page`

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
	var id, impact, chat, rest bool
	c.id, line, id = leading(line)
	if impact = line != "" && 'a' <= line[0] && line[0] <= 'd'; impact {
		c.impact, line = int64(line[0]-'a'), line[1:]
	}
	c.chat, line, chat = leading(line)
	line, rest = strings.CutPrefix(line, "|")
	if !id || !impact || !chat || !rest {
		return false
	}
	if c.language = line; !strings.Contains(line, "|") {
		return true
	}
	part := strings.Split(line, "|")
	if len(part) != 5 {
		return false
	}
	var err, bad error
	c.topic, err = strconv.ParseInt(part[0], 10, 64)
	c.state, bad = strconv.ParseInt(part[1], 10, 64)
	c.components, c.incidents, c.language = part[2], part[3], part[4]
	return err == nil && bad == nil
}

// leading reads the number with which a text begins, and returns the rest.
func leading(text string) (n int64, rest string, ok bool) {
	end := 0
	for end < len(text) && (text[end] == '-' || '0' <= text[end] && text[end] <= '9') {
		end++
	}
	n, err := strconv.ParseInt(text[:end], 10, 64)
	return n, text[end:], err == nil
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
