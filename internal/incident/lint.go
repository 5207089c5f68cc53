package incident

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// A LintContext is what Lint has to know besides the words.
type LintContext struct {
	Status Status   // that the words come with
	Hosts  []string // that links may lead to, each exactly one host; empty allows all

	Languages []string // of the site, which begin with a line of their own
}

// easyTitle is how long a title may be before the author is warned.
const easyTitle = 80 // characters

// Lint reads words as a tired person's best colleague would before they are
// published. Refusals are what must never be public: links to foreign hosts,
// wallet addresses, characters that hide or turn words, unfilled placeholders
// and secrets. Warnings are what is probably not meant. Each is one line that
// names what was found, where, and what to do, without the secrets themselves.
//
// An empty title is not looked at. The result depends on nothing but the
// arguments.
func Lint(text Text, title string, c LintContext) (refusals, warnings []string) {
	l := &linter{LintContext: c}
	if title != "" {
		l.where = "the title"
		l.read(title)
		if n := utf8.RuneCountInString(title); n > easyTitle {
			l.warn("has %d characters: up to %d are easy to read on a phone", n, easyTitle)
		}
	}
	for _, lang := range slices.Sorted(maps.Keys(text)) {
		l.where = "the text"
		if lang != "" {
			l.where = fmt.Sprintf("the text in %q", lang)
		}
		l.read(text[lang])
	}
	return l.refusals, l.warnings
}

// A linter collects what is found in one place after the other.
type linter struct {
	LintContext
	where              string // the title, the text in "en"
	refusals, warnings []string
}

func (l *linter) read(s string) {
	l.secrets(s)
	l.hidden(s)
	l.links(s)
	l.wallets(s)
	l.placeholders(s)
	l.delicate(s)
	l.times(s)
	l.promised(s)
	l.begins(s)
}

// refuse notes a finding once.
func (l *linter) refuse(format string, args ...any) {
	l.refusals = l.note(l.refusals, format, args...)
}

// warn notes a finding once.
func (l *linter) warn(format string, args ...any) {
	l.warnings = l.note(l.warnings, format, args...)
}

func (l *linter) note(found []string, format string, args ...any) []string {
	line := l.where + " " + fmt.Sprintf(format, args...)
	if slices.Contains(found, line) {
		return found
	}
	return append(found, line)
}

// quoted is a part of a text as a finding shows it: on one line, with what
// cannot be seen made visible, and not too long.
func quoted(s string) string {
	const long = 40 // characters
	if runes := []rune(s); len(runes) > long {
		s = string(runes[:long-1]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// hinted is enough of a secret or an address to find it in the text.
func hinted(s string) string {
	const shown = 4 // characters
	if runes := []rune(s); len(runes) > shown {
		s = string(runes[:shown]) + "…"
	}
	return fmt.Sprintf("%q", s)
}
