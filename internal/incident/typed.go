package incident

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Typed is a command as an operator typed it, taken apart but not yet
// carried out.
type Typed struct {
	Verb   string   // without the slash: incident, update, correct …
	Ref    string   // INC-12, INC-12/3 or D-17 as typed; empty when none was
	Words  []string // closed words of an opening verb: impact, components, dates
	Title  string
	Body   Text   // by language; "" is the language of the site
	Text   string // everything after the reference, for verbs that take a reason
	Status Status // from the verb, or from "monitoring:" as first word
	Next   Promise
}

// A Promise is when the next update is due, as typed. The zero Promise was
// not given.
type Promise struct {
	In   time.Duration // from now
	At   string        // "14:30" or "14:30 zone"
	None bool          // "next none"
}

// Verbs and what follows them.
var (
	opening  = []string{"incident", "maintenance", "notice", "scope"}
	speaking = []string{"update", "correct", "typo"}
	reasons  = []string{"retract", "publish", "reject", "retry", "skip", "posted", "freeze", "unfreeze", "show", "help"}
	statuses = map[string]Status{
		"investigating": Investigating, "identified": Identified, "monitoring": Monitoring, "resolve": Resolved, "resolved": Resolved,
		"postmortem": Postmortem, "begin": InProgress, "verifying": Verifying, "complete": Completed, "completed": Completed, "close": Closed, "closed": Closed,
	}
)

var (
	commandForm  = regexp.MustCompile(`^\s*[/／]([A-Za-z_]+)(?:@[A-Za-z0-9_]+)?()(?:[\s，,：:]|$)`)
	updateRef    = regexp.MustCompile(`^(?i)(?:(?:INC|MNT|NTC|DRL)-?[1-9][0-9]{0,8}(?:/[1-9][0-9]{0,5})?|D-[1-9][0-9]{0,8})(?:[\s，,：:]+|$)`)
	statusPrefix = regexp.MustCompile(`^(?i)(investigating|identified|monitoring|resolved|postmortem|verifying|completed|closed)\s*[:：]\s*`)
	languageLine = regexp.MustCompile(`^([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*[:：]\s*$`)
	nextLine     = regexp.MustCompile(`^(?i)next\s+(?:update\s+)?(none|[0-9]+\s*(?:m|min|minutes?|h|hours?)|[0-9]{1,2}[:：][0-9]{2}(?:\s+\S+)?)\s*\.?$`)
)

// ErrNoCommand is returned for a text that is no command at all.
var ErrNoCommand = fmt.Errorf("this is no command")

// ParseTyped takes a typed command apart. languages are those of the site: a
// line with only one of them, or its first part ("zh:"), begins its text.
func ParseTyped(text string, languages []string) (Typed, error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	m := commandForm.FindStringSubmatchIndex(text)
	if m == nil {
		return Typed{}, ErrNoCommand
	}
	t := Typed{Verb: strings.ToLower(text[m[2]:m[3]])}
	rest := strings.TrimLeft(text[m[4]:], " \t，,：:")
	switch status, isStatus := statuses[t.Verb]; {
	case isStatus:
		t.Status = status
		t.speak(rest, languages)
	case slices.Contains(opening, t.Verb):
		t.open(rest, languages)
	case slices.Contains(speaking, t.Verb):
		t.speak(rest, languages)
	case slices.Contains(reasons, t.Verb):
		t.takeRef(strings.TrimSpace(rest))
	default:
		return t, fmt.Errorf("/%s is no command: see /help", t.Verb)
	}
	return t, nil
}

// open reads an opening verb: closed words on its line, then title and text.
func (t *Typed) open(rest string, languages []string) {
	line, below, _ := strings.Cut(rest, "\n")
	t.Words = strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t,，、", r) })
	title, body, _ := strings.Cut(strings.TrimSpace(below), "\n")
	t.Title = strings.TrimSpace(title)
	if t.readBody(body, languages); len(t.Body) == 0 && t.Title != "" {
		t.Body = Text{"": t.Title}
	}
}

// speak reads a verb whose text follows the reference.
func (t *Typed) speak(rest string, languages []string) {
	t.takeRef(strings.TrimSpace(rest))
	rest = t.Text
	if m := statusPrefix.FindStringSubmatch(rest); m != nil && t.Verb == "update" {
		t.Status, rest = Status(strings.ToLower(m[1])), rest[len(m[0]):]
	}
	t.readBody(rest, languages)
	t.Text = ""
}

// takeRef takes a reference off the front; what follows is Text.
func (t *Typed) takeRef(rest string) {
	if ref := updateRef.FindString(rest); ref != "" {
		t.Ref = strings.ToUpper(strings.TrimRight(ref, " \t\n，,：:"))
		rest = rest[len(ref):]
	}
	t.Text = strings.TrimSpace(rest)
}

// readBody splits a text by language and takes the promise off its end.
func (t *Typed) readBody(text string, languages []string) {
	lang := ""
	lines := map[string][]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if l, ok := language(line, languages); ok {
			lang = l
		} else if m := nextLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			t.Next = promise(m[1])
		} else {
			lines[lang] = append(lines[lang], line)
		}
	}
	for l, part := range lines {
		if s := strings.TrimSpace(strings.Join(part, "\n")); s != "" {
			if t.Body == nil {
				t.Body = Text{}
			}
			t.Body[l] = s
		}
	}
}

// language recognises a line that begins the text of a language.
func language(line string, languages []string) (string, bool) {
	m := languageLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return "", false
	}
	for _, l := range languages {
		base, _, _ := strings.Cut(l, "-")
		if strings.EqualFold(m[1], l) || strings.EqualFold(m[1], base) {
			return l, true
		}
	}
	return "", false
}

func promise(s string) Promise {
	s = strings.ToLower(strings.ReplaceAll(s, "：", ":"))
	if s == "none" {
		return Promise{None: true}
	}
	if strings.Contains(s, ":") {
		return Promise{At: s}
	}
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz \t")
	unit := strings.TrimSpace(s[len(digits):])
	digits = strings.TrimSpace(digits)
	n, err := time.ParseDuration(digits + unit[:1])
	if err != nil || n > 30*24*time.Hour {
		return Promise{}
	}
	return Promise{In: n}
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
		loc, err := time.LoadLocation(zoneName(strings.TrimSpace(name)))
		if err != nil {
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
		due = due.AddDate(0, 0, 1)
	}
	return due.UTC(), nil
}

func zoneName(s string) string {
	if strings.EqualFold(s, "utc") || strings.EqualFold(s, "gmt") {
		return "UTC"
	}
	area, city, ok := strings.Cut(s, "/")
	if !ok || area == "" || city == "" {
		return s
	}
	return strings.ToUpper(area[:1]) + area[1:] + "/" + strings.ToUpper(city[:1]) + city[1:]
}
