package incident

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	xlanguage "golang.org/x/text/language"
	"golang.org/x/text/width"
)

// A Typed is a command as an operator typed it, taken apart but not yet
// carried out.
type Typed struct {
	Verb   string   // without the slash: incident, update, correct …
	Ref    string   // INC-12, INC-12/3 or D-17 as typed; empty when none was
	Words  []string // closed words of an opening verb, or of scope: impact, components, dates
	Title  string
	Body   Text   // by language; "" is the language of the site
	Text   string // everything after the reference, for verbs that take a reason
	Status Status // from the verb, or from "monitoring:" as first word
	Next   Promise
	Sure   bool // the person was asked whether this is meant; never typed
}

// Verbs and what follows them.
var (
	opening  = []string{"ack", "incident", "maintenance", "notice"}
	speaking = []string{"update", "correct", "typo", "edit", "hold", "false_alarm"}
	reasons  = []string{"retract", "publish", "reject", "retry", "skip", "posted", "freeze", "unfreeze", "show", "help"}
	statuses = map[string]Status{
		"investigating": Investigating, "identified": Identified, "monitoring": Monitoring, "resolve": Resolved, "resolved": Resolved,
		"postmortem": Postmortem, "begin": InProgress, "verifying": Verifying, "complete": Completed, "completed": Completed, "close": Closed, "closed": Closed,
	}
)

// space and gap are what keyboards put between words: ideographic and
// no-break spaces too, and commas and colons of both widths.
const (
	space = `[\s\p{Z}]`
	gap   = `[\s\p{Z}，,：:]`
)

var (
	commandForm  = regexp.MustCompile(`^` + space + `*[/／]([A-Za-z_][A-Za-z0-9_]{0,31})(?:@([A-Za-z0-9_]+))?()(?:` + gap + `|$)`)
	gluedForm    = regexp.MustCompile(`^` + space + `*[/／]([A-Za-z_]{1,32})(?:@([A-Za-z0-9_]+))?[^A-Za-z0-9_/／]`)
	slashForm    = regexp.MustCompile(`^` + space + `*[/／]`)
	updateRef    = regexp.MustCompile(`^(?i)((?:INC|MNT|NTC|DRL)-?[1-9][0-9]{0,8}(?:[/／][1-9][0-9]{0,5})?|D-?[1-9][0-9]{0,8})(?:` + gap + `+|$)`)
	almostRef    = regexp.MustCompile(`^(?i)(?:(?:INC|MNT|NTC|DRL)[^\pL\pN]?` + space + `?[0-9]|D-[0-9])\S{0,20}`)
	statusPrefix = regexp.MustCompile(`^(?i)(investigating|identified|monitoring|resolved|postmortem|scheduled|in[ _]progress|verifying|completed|published|closed)\s*[:：]` + space + `*`)
	languageLine = regexp.MustCompile(`^([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*[:：]\s*$`)
)

// ErrNoCommand is returned for a text that is no command at all.
var ErrNoCommand = fmt.Errorf("this is no command")

// ParseTyped takes a typed command apart. languages are those of the site: a
// line with only one of them, or its first part ("zh:"), begins its text.
func ParseTyped(text string, languages []string) (Typed, error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	m := commandForm.FindStringSubmatchIndex(text)
	if m == nil {
		return Typed{}, glued(text)
	}
	t := Typed{Verb: strings.ToLower(text[m[2]:m[3]])}
	rest := strings.TrimLeftFunc(text[m[6]:], func(r rune) bool { return r != '\n' && isGap(r) })
	t.Status = statuses[t.Verb]
	var err error
	switch {
	case !isVerb(t.Verb):
		if err = stuck(text); err == nil {
			err = &UnknownVerb{Verb: t.Verb}
		}
	case slices.Contains(opening, t.Verb):
		err = t.open(rest, languages)
	case t.Verb == "scope":
		err = t.scope(rest, languages)
	case slices.Contains(reasons, t.Verb):
		err = t.takeRef(strings.TrimSpace(rest))
	default:
		err = t.speak(rest, languages)
	}
	return t, err
}

// Addressee is the bot that a command names, as in "/show@some_bot"; empty when
// it names none.
func Addressee(text string) string {
	for _, form := range []*regexp.Regexp{commandForm, gluedForm} {
		if m := form.FindStringSubmatch(text); m != nil {
			return m[2]
		}
	}
	return ""
}

// An UnknownVerb is a word that looks like a command and is none.
type UnknownVerb struct {
	Verb  string
	Meant string // the command with the space that a reference stuck to Verb lacks; empty where none is
}

func (u *UnknownVerb) Error() string {
	if u.Meant != "" {
		return notCarriedOut(u.Verb).Error()
	}
	return fmt.Sprintf("/%s is no command: see /help", u.Verb)
}

// Verbs lists all verbs, in order.
func Verbs() []string {
	return slices.Sorted(slices.Values(slices.Concat(opening, []string{"scope"}, speaking, reasons, slices.Collect(maps.Keys(statuses)))))
}

// WithVerb is a typed command with another verb.
func WithVerb(text, verb string) string {
	if m := commandForm.FindStringSubmatchIndex(text); m != nil {
		return "/" + verb + text[m[6]:]
	}
	return text
}

func isVerb(s string) bool {
	return statuses[s] != "" || s == "scope" || slices.Contains(opening, s) || slices.Contains(speaking, s) || slices.Contains(reasons, s)
}

func isGap(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("，,：:", r) }

// glued is the error for a text that is not formed like a command. A verb with
// something stuck to it may have been meant as one.
func glued(text string) error {
	if m := gluedForm.FindStringSubmatch(text); m != nil && isVerb(strings.ToLower(m[1])) {
		return notCarriedOut(strings.ToLower(m[1]))
	}
	if err := stuck(text); err != nil {
		return err
	}
	return ErrNoCommand
}

func notCarriedOut(verb string) error {
	return fmt.Errorf("this was not carried out: leave a space after /%s", verb)
}

// stuck is the error for a verb with a reference right behind it; nil where that
// is not what a text begins with.
func stuck(text string) error {
	m := slashForm.FindString(text)
	word, verb := text[len(m):], ""
	for _, v := range Verbs() {
		if len(v) > len(verb) && len(v) <= len(word) && strings.EqualFold(word[:len(v)], v) {
			verb = v
		}
	}
	at := len(m) + len(verb)
	if rest := text[at:]; m == "" || verb == "" || !updateRef.MatchString(rest) && !almostRef.MatchString(width.Fold.String(rest)) {
		return nil
	}
	return &UnknownVerb{Verb: verb, Meant: text[:at] + " " + text[at:]}
}

// open reads an opening verb: closed words on its line, then title and text.
func (t *Typed) open(rest string, languages []string) error {
	line, below, _ := strings.Cut(rest, "\n")
	t.Words = closedWords(line)
	below = strings.TrimSpace(below)
	title, body, _ := strings.Cut(below, "\n")
	if _, begins, err := language(title, languages); err != nil {
		return err
	} else if begins {
		return fmt.Errorf("the title comes before the languages: write it on the line below /%s", t.Verb)
	}
	if _, promises, err := promise(title); promises || err != nil {
		title, body = "", below
	}
	t.Title = strings.TrimSpace(title)
	if err := t.readBody(body, languages); err != nil {
		return err
	}
	if len(t.Body) == 0 && t.Title != "" {
		t.Body = Text{"": t.Title}
	}
	return nil
}

// closedWords splits a line that has no text of its own.
func closedWords(line string) []string {
	return strings.FieldsFunc(line, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",，、", r) })
}

// scope reads a reference and closed words; everything below is text.
func (t *Typed) scope(rest string, languages []string) error {
	line, below, _ := strings.Cut(rest, "\n")
	if err := t.takeRef(strings.TrimSpace(line)); err != nil {
		return err
	}
	t.Words, t.Text = closedWords(t.Text), ""
	return t.readBody(below, languages)
}

// speak reads a verb whose text follows the reference.
func (t *Typed) speak(rest string, languages []string) error {
	if err := t.takeRef(strings.TrimSpace(rest)); err != nil {
		return err
	}
	rest, t.Text = t.Text, ""
	if m := statusPrefix.FindStringSubmatch(rest); m != nil && t.Verb == "update" {
		t.Status, rest = Status(strings.ReplaceAll(strings.ToLower(m[1]), " ", "_")), rest[len(m[0]):]
	}
	return t.readBody(rest, languages)
}

// takeRef takes a reference off the front; what follows is Text. What only
// resembles a reference is asked about, so that it is not published as text
// about another incident; a freeze takes it for its reason and stops everything.
func (t *Typed) takeRef(rest string) error {
	if m := updateRef.FindStringSubmatch(rest); m != nil {
		t.Ref = strings.ToUpper(strings.ReplaceAll(m[1], "／", "/"))
		rest = rest[len(m[0]):]
	} else if s := almostRef.FindString(width.Fold.String(rest)); s != "" && t.Verb != "freeze" {
		return fmt.Errorf("%q is not a reference: write it like INC-12, INC-12/3 or D-17, and a space after it", s)
	}
	t.Text = strings.TrimSpace(rest)
	return nil
}

// readBody splits a text by language and takes the promise out of it.
func (t *Typed) readBody(text string, languages []string) error {
	lang := ""
	lines := map[string][]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		l, begins, err := language(line, languages)
		if err != nil {
			return err
		}
		next, promises, err := promise(line)
		switch {
		case err != nil:
			return err
		case begins:
			lang = l
		case promises && t.Next != (Promise{}) && t.Next != next:
			return fmt.Errorf("the next update is promised for two times: give one")
		case promises:
			t.Next = next
		default:
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
	return nil
}

// language recognises a line that begins the text of a language. One that
// the site does not have, or has in several forms, is an error.
func language(line string, languages []string) (tag string, begins bool, err error) {
	m := languageLine.FindStringSubmatch(strings.TrimSpace(line))
	if m == nil {
		return "", false, nil
	}
	var forms []string
	for _, l := range languages {
		base, _, _ := strings.Cut(l, "-")
		switch {
		case strings.EqualFold(m[1], l):
			return l, true, nil
		case strings.EqualFold(m[1], base):
			forms = append(forms, l)
		}
	}
	switch _, unknown := xlanguage.Parse(m[1]); {
	case len(forms) == 1:
		return forms[0], true, nil
	case len(forms) > 1:
		return "", false, fmt.Errorf("%q could be any of %s: write which", m[1], strings.Join(forms, ", "))
	case len(m[1]) == 3 || unknown != nil: // a heading such as "ETA:"
		return "", false, nil //nolint:nilerr // no language, so a heading
	}
	return "", false, fmt.Errorf("%q is not a language of this site: use one of %s", m[1], strings.Join(languages, ", "))
}

// TakesRef reports whether the command may leave its reference to the message
// that it answers: the preview of a draft, or the card of an incident.
func (t Typed) TakesRef(draft bool) bool {
	if draft {
		return slices.Contains([]string{"edit", "publish", "reject"}, t.Verb)
	}
	return t.Status != "" || slices.Contains([]string{"update", "scope", "hold", "false_alarm", "show"}, t.Verb)
}
