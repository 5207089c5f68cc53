package incident

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// A Promise is when the next update is due, as typed. The zero Promise was
// not given.
type Promise struct {
	In   time.Duration // from now
	At   string        // "14:30" or "14:30 zone"
	None bool          // "next none"
}

// longest is how far ahead a promise may reach.
const longest = 30 * 24 * time.Hour

const nextWords = `^(?i)next` + space + `+(?:update` + space + `+)?(?:(?:in|at|by)` + space + `+)?`

// nextSpelt are times in words, which are not read.
const nextSpelt = `(?:(?:half` + space + `+)?(?:an?|one|two|three|a few|few)` + space + `+(?:minutes?|hours?|days?)|never|tonight|tomorrow|noon|midnight)`

var (
	nextNone  = regexp.MustCompile(nextWords + `none` + space + `*\.?$`)
	nextIn    = regexp.MustCompile(nextWords + `([0-9]{1,20})` + space + `*(?:(m|mins?|minutes?)|(?:h|hrs?|hours?))` + space + `*\.?$`)
	nextAt    = regexp.MustCompile(nextWords + `([0-9]{1,2}[:：][0-9]{2})(?:` + space + `+(\S{1,40}?))?` + space + `*\.?$`)
	nextOther = regexp.MustCompile(nextWords + `(?:[0-9]\S{0,20}(?:` + space + `+\S{1,20})?|` + nextSpelt + `)` + space + `*\.?$`)
)

// promise recognises a line that only says when the next update is due. A line
// that seems to say so in another form is an error; sentences are text.
func promise(line string) (p Promise, ok bool, err error) {
	line = strings.TrimSpace(line)
	if nextNone.MatchString(line) {
		return Promise{None: true}, true, nil
	}
	if m := nextIn.FindStringSubmatch(line); m != nil {
		unit := time.Hour
		if m[2] != "" {
			unit = time.Minute
		}
		n, err := strconv.ParseInt(m[1], 10, 64)
		switch {
		case err != nil || n > int64(longest/unit):
			return Promise{}, false, fmt.Errorf("%q is too far ahead: promise the next update in at most 30 days", line)
		case n == 0:
			return Promise{}, false, fmt.Errorf("%q promises it for now: say how long it will take, or next none", line)
		}
		return Promise{In: time.Duration(n) * unit}, true, nil
	}
	if m := nextAt.FindStringSubmatch(line); m != nil {
		return Promise{At: strings.TrimSpace(strings.ReplaceAll(m[1], "：", ":") + " " + m[2])}, true, nil
	}
	if nextOther.MatchString(line) {
		return Promise{}, false, fmt.Errorf("%q is not understood: write next 20m, next 2h, next 14:30 or next none", line)
	}
	return Promise{}, false, nil
}

// Due is when a promise made now falls due; zero when it promises nothing.
// Times of day are in the named zone, otherwise in zone, on the next day if
// they have passed.
func (p Promise) Due(now time.Time, zone *time.Location) (time.Time, error) {
	switch {
	case p.In > 0:
		return now.Add(p.In), nil
	case p.At == "":
		return time.Time{}, nil
	}
	clock, name, named := strings.Cut(p.At, " ")
	if named {
		loc, ok := zoneOf(name)
		if !ok {
			return time.Time{}, fmt.Errorf("%q is no time zone: write UTC or a name like Asia/Singapore", name)
		}
		zone = loc
	}
	t, err := time.ParseInLocation("15:04", clock, zone)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is no time of day: write it like 14:30", clock)
	}
	y, m, d := now.In(zone).Date()
	due := time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, zone)
	if !due.After(now) {
		due = time.Date(y, m, d+1, t.Hour(), t.Minute(), 0, 0, zone)
	}
	return due.UTC(), nil
}

// zoneOf finds a time zone by its name in any case. The server's own, which a
// reader cannot know, is none.
func zoneOf(name string) (*time.Location, bool) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, false
	}
	for _, s := range []string{name, strings.ToUpper(name), titled(name)} {
		if loc, err := time.LoadLocation(s); err == nil {
			return loc, true
		}
	}
	return nil, false
}

// titled capitalises each word of a name as the zone database does:
// America/New_York, Asia/Ho_Chi_Minh.
func titled(s string) string {
	begin := true
	return strings.Map(func(r rune) rune {
		first := begin
		begin = r == '/' || r == '_' || r == '-'
		if first {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}
