package web

import (
	"fmt"
	"strings"
	"time"
)

// A phrase is a text with a time in it. ISO is empty where there is none.
type phrase struct {
	Before, ISO, Time, After string
}

// A clock writes times for a page: in UTC and in the site's zone, with a date
// where the day is not the one that the reader has just read.
type clock struct {
	*tongue
	zone *time.Location
}

// at puts a time into one of the texts with %s. known is a time whose date
// stands beside it; zero for none.
func (c clock) at(text string, when, known time.Time) phrase {
	utc := when.UTC().Format("15:04")
	if known.IsZero() || !sameDay(when.UTC(), known.UTC()) {
		utc = when.UTC().Format(c.Date+" ") + utc
	}
	local := when.In(c.zone).Format("15:04")
	return c.phrase(text, when, utc, local)
}

// window is at for a span of time. Without an end it is where the span begins.
func (c clock) window(text string, begin, end time.Time) phrase {
	if end.IsZero() {
		return c.at(text, begin, time.Time{})
	}
	return c.phrase(text, begin, begin.UTC().Format(c.Date+" ")+c.span(begin, end, time.UTC), c.span(begin, end, c.zone))
}

func (c clock) span(begin, end time.Time, zone *time.Location) string {
	from, to := begin.In(zone), end.In(zone)
	if sameDay(from, to) {
		return from.Format("15:04") + "–" + to.Format("15:04")
	}
	return from.Format("15:04") + " – " + to.Format(c.Date+" 15:04")
}

// phrase joins what is to be read in UTC and in the site's zone.
func (c clock) phrase(text string, when time.Time, utc, local string) phrase {
	before, after, _ := strings.Cut(text, "%s")
	return phrase{before, when.UTC().Format(time.RFC3339), c.both(when, utc, local), after}
}

func (c clock) both(when time.Time, utc, local string) string {
	here := when.In(c.zone)
	if _, offset := here.Zone(); offset == 0 {
		return utc + " UTC"
	}
	if !sameDay(here, when.UTC()) {
		local = here.Format(c.Date+" ") + local
	}
	if name := c.Zones[c.zone.String()]; name != "" {
		return fmt.Sprintf(c.Within, utc, name, local)
	}
	return fmt.Sprintf(c.Within, utc, local, zoneName(here))
}

func sameDay(a, b time.Time) bool { return a.YearDay() == b.YearDay() && a.Year() == b.Year() }

// zoneName names the zone of t: the city of its name (Singapore), otherwise
// its abbreviation where that is letters (CET), otherwise the offset.
func zoneName(t time.Time) string {
	if name := t.Location().String(); strings.Contains(name, "/") && !strings.HasPrefix(name, "Etc/") {
		return strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
	}
	if abbreviation, _ := t.Zone(); abbreviation != "" && !strings.ContainsAny(abbreviation, "0123456789+-") {
		return abbreviation
	}
	return t.Format("UTC-07:00")
}

// duration writes how long something lasted, to the minute.
func (t *tongue) duration(d time.Duration) string {
	minutes := max(int(d.Round(time.Minute)/time.Minute), 1)
	counts := [3]int{minutes / (24 * 60), minutes / 60 % 24, minutes % 60}
	var parts []string
	for i, n := range counts {
		if n > 0 {
			parts = append(parts, fmt.Sprintf(t.Units[i], n))
		}
	}
	return strings.Join(parts, " ")
}
