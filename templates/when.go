package templates

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A clock is what the block "time" sees: one moment or span, in UTC and in
// the site's zone. Local and Zone are empty where UTC alone says it.
type clock struct {
	UTC   string // 13:00, 02:00–04:00
	Local string
	Zone  string // Singapore, CET
}

// A day is what the block "date" sees.
type day struct {
	Year  string // empty where it is the year of the message
	Month string // 1 to 12
	Name  string // Jan to Dec
	Day   string // 1 to 31
}

// A calendar writes times as a reader of a message needs them: with a date
// where the day is not that of the message.
type calendar struct {
	words *blocks
	said  time.Time
	zone  *time.Location
	brief bool // UTC only
}

// moment writes a time, or nothing for the zero time.
func (c *calendar) moment(t time.Time) (string, error) {
	if t.IsZero() {
		return "", nil
	}
	return c.span(t, t)
}

// span writes the time from begin to end.
func (c *calendar) span(begin, end time.Time) (string, error) {
	utc, err := c.spanIn(begin.UTC(), end.UTC(), c.said.UTC())
	if err != nil {
		return "", err
	}
	at := clock{UTC: utc}
	local := begin.In(c.zone)
	if _, offset := local.Zone(); offset != 0 && !c.brief {
		// The local day is told from the last day that was read: the one
		// written for UTC, otherwise that of the message.
		known := c.said.In(c.zone)
		if !sameDay(begin.UTC(), c.said.UTC()) {
			known = begin.UTC()
		}
		if at.Local, err = c.spanIn(local, end.In(c.zone), known); err != nil {
			return "", err
		}
		at.Zone = c.words.zone(local)
	}
	return c.words.run("time", at)
}

// window writes a time from begin to end, or the one of them that is known.
func (c *calendar) window(begin, end time.Time) (window, from, until string, err error) {
	if !begin.IsZero() && end.After(begin) {
		window, err = c.span(begin, end)
		return window, "", "", err
	}
	if from, err = c.moment(begin); err == nil {
		until, err = c.moment(end)
	}
	return "", from, until, err
}

// spanIn writes begin and end, which are in one zone, with the dates that
// differ from the day known to the reader.
func (c *calendar) spanIn(begin, end, known time.Time) (string, error) {
	from, err := c.clockTime(begin, known)
	if err != nil || begin.Equal(end) {
		return from, err
	}
	to, err := c.clockTime(end, begin)
	return from + "–" + to, err
}

func (c *calendar) clockTime(t, known time.Time) (string, error) {
	hour := t.Format("15:04")
	if sameDay(t, known) {
		return hour, nil
	}
	d := day{Month: strconv.Itoa(int(t.Month())), Name: t.Format("Jan"), Day: strconv.Itoa(t.Day())}
	if t.Year() != c.said.In(t.Location()).Year() {
		d.Year = strconv.Itoa(t.Year())
	}
	date, err := c.words.run("date", d)
	return date + " " + hour, err
}

// sameDay reports whether two times show the same date, each in its own zone.
func sameDay(a, b time.Time) bool {
	return a.YearDay() == b.YearDay() && a.Year() == b.Year()
}

// zoneName names the zone of t for people: the city of its tz name, otherwise
// its abbreviation where that is letters, otherwise the offset.
func zoneName(t time.Time) string {
	name := t.Location().String()
	if i := strings.LastIndexByte(name, '/'); i >= 0 && !strings.HasPrefix(name, "Etc/") {
		return strings.ReplaceAll(name[i+1:], "_", " ")
	}
	abbreviation, offset := t.Zone()
	if !strings.ContainsAny(abbreviation, "0123456789+-") && abbreviation != "" {
		return abbreviation
	}
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	if minutes := offset / 60 % 60; minutes != 0 {
		return fmt.Sprintf("UTC%c%d:%02d", sign, offset/3600, minutes)
	}
	return fmt.Sprintf("UTC%c%d", sign, offset/3600)
}
