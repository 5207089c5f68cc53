package people

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/allclear-hq/allclear/templates"
)

// sentences are the parts of a text that must each be the same for it to be
// the same: lines, as messages show them, and sentences within them. What a copy changes (case,
// spaces, compatible forms of a character, marks that cannot be seen) is made
// alike, and so is a full stop at the end, which is easily left behind. What turns the
// order around in which they are read is not: with it our own characters may say
// something else. Nor is what leads elsewhere in a link.
func sentences(text string) (out []string) {
	for line := range strings.Lines(templates.Plain(text)) {
		begin := 0
		runes := []rune(alike(line))
		for i, r := range runes {
			if ends(r) && (i+1 == len(runes) || unicode.IsSpace(runes[i+1]) || r > unicode.MaxLatin1) {
				out = appendSentence(out, string(runes[begin:i+1]))
				begin = i + 1
			}
		}
		out = appendSentence(out, string(runes[begin:]))
	}
	return out
}

// alike is a line without what a copy changes.
func alike(line string) string {
	leftwards := strings.ContainsFunc(line, rightToLeft)
	words := strings.Fields(line)
	for i, word := range words {
		words[i] = alikeWord(word, leftwards)
	}
	return strings.Join(words, " ")
}

// wide is punctuation that parts words without a space. It is in no address.
const wide = "，、；：。！？（）「」『』《》【】“”"

func alikeWord(word string, leftwards bool) string {
	var out strings.Builder
	for i := strings.IndexAny(word, wide); i >= 0; i = strings.IndexAny(word, wide) {
		_, size := utf8.DecodeRuneInString(word[i:])
		out.WriteString(alikePart(word[:i], leftwards))
		out.WriteString(word[i : i+size])
		word = word[i+size:]
	}
	out.WriteString(alikePart(word, leftwards))
	return out.String()
}

func alikePart(part string, leftwards bool) string {
	out := strings.Map(func(r rune) rune { return visible(r, leftwards) }, strings.ToLower(norm.NFKC.String(part)))
	if isLink(out) {
		return exact(part, leftwards)
	}
	return out
}

// isLink reports whether a word has in it what an app makes a link: an address, an
// account or the name of a host.
func isLink(word string) bool {
	if strings.Contains(word, "://") || strings.Contains(word, "@") {
		return true
	}
	parts := strings.Split(word, ".")
	return slices.ContainsFunc(parts[1:], func(part string) bool { return strings.IndexFunc(part+"..", notLetter) >= 2 })
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// exact is a word that is a link: all but the case of its host matters, and a mark of
// direction before and behind it.
func exact(word string, leftwards bool) string {
	word = strings.TrimFunc(word, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) && visible(r, leftwards) < 0 })
	path := pathOf(word)
	address := strings.TrimRight(word[path:], "…")
	return strings.ToLower(norm.NFKC.String(word[:path])) + address + norm.NFKC.String(word[path+len(address):])
}

// pathOf is where the path begins in a word that is a link; its end if there is none.
func pathOf(word string) int {
	host := 0
	if i := strings.Index(word, "://"); i >= 0 {
		host = i + len("://")
	}
	if i := strings.IndexAny(word[host:], "/?#"); i >= 0 {
		return host + i
	}
	return len(word)
}

// startsWith reports whether a sentence of ours starts with what is left of one that
// was cut. A link has to be left whole: a part of it leads elsewhere. It may go on in a
// script without spaces, in which a message is cut anywhere.
func startsWith(sentence, start string) bool {
	rest, ok := strings.CutPrefix(sentence, start)
	word := start
	if i := strings.LastIndexAny(start, " "+wide); i >= 0 {
		_, size := utf8.DecodeRuneInString(start[i:])
		word = start[i+size:]
	}
	if !ok || !isLink(word) {
		return ok
	}
	last, _ := utf8.DecodeLastRuneInString(word[pathOf(word):])
	next, _ := utf8.DecodeRuneInString(strings.TrimLeft(rest, ",;:"))
	return next == utf8.RuneError || unicode.Is(unicode.Han, next) || strings.ContainsRune(" "+wide, next) || unicode.Is(unicode.Han, last)
}

func appendSentence(out []string, s string) []string {
	s = strings.Join(strings.Fields(s), " ")
	if !strings.HasSuffix(s, "..") { // which says that it was cut
		s = strings.TrimRight(s, ".。 ")
	}
	if s != "" {
		return append(out, s)
	}
	return out
}

func ends(r rune) bool { return strings.ContainsRune(".!?。！？", r) }

// visible drops what cannot be seen and makes all spaces alike. In a line that is
// read leftwards marks of that direction change nothing.
func visible(r rune, leftwards bool) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case overrides(r), !leftwards && turns(r):
		return r
	case unicode.Is(unicode.Cf, r) || unicode.IsControl(r):
		return -1
	}
	return r
}

// overrides reports whether a character has all that follow shown in one direction,
// whatever they are (UAX #9, "Explicit Directional Overrides").
func overrides(r rune) bool { return r == '\u202D' || r == '\u202E' }

// turns reports whether a character has others read from right to left: an
// embedding, an isolate or a mark.
func turns(r rune) bool { return r == '\u202B' || r == '\u2067' || r == '\u200F' || r == '\u061C' }

// rightToLeft reports whether a character is a letter that is written so.
func rightToLeft(r rune) bool {
	return unicode.IsLetter(r) && unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
}
