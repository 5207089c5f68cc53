package incident

import (
	"unicode"
)

// Characters that take no room.
const (
	zeroWidthSpace     = '\u200b'
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
	wordJoiner         = '\u2060'
	byteOrderMark      = '\ufeff'
)

// hidden refuses characters that turn the direction of reading around, and
// such as cannot be seen, where the writing does without them.
func (l *linter) hidden(s string) {
	runes := []rune(s)
	seen := map[rune]bool{} // one line for each is enough
	for i, r := range runes {
		if seen[r] {
			continue
		}
		switch {
		case turns(r):
			l.refuse("has %U, which turns the direction of reading, %s: delete it", r, placeOf(runes, i))
		case zeroWidth(r) && !needed(runes, i):
			l.refuse("has %U, which cannot be seen, %s: delete it", r, placeOf(runes, i))
		default:
			continue
		}
		seen[r] = true
	}
}

// turns reports whether r is an embedding, override or isolate of the
// bidirectional algorithm (UAX 9), or ends one.
func turns(r rune) bool {
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

func zeroWidth(r rune) bool {
	switch r {
	case zeroWidthSpace, zeroWidthNonJoiner, zeroWidthJoiner, wordJoiner, byteOrderMark:
		return true
	}
	return false
}

// placeOf says where in a text something stands that cannot be seen.
func placeOf(runes []rune, i int) string {
	if i == 0 {
		return "at the beginning"
	}
	return "after " + quoted(string(runes[max(0, i-12):i]))
}

// needed reports whether the zero-width character at i has work to do there.
func needed(runes []rune, i int) bool {
	before, base, after := rune(0), rune(0), rune(0)
	if i > 0 {
		before = runes[i-1]
	}
	if i+1 < len(runes) {
		after = runes[i+1]
	}
	for k := i - 1; k >= 0; k-- { // marks belong to no script of their own
		if base = runes[k]; !unicode.IsMark(base) {
			break
		}
	}
	switch runes[i] {
	case zeroWidthJoiner:
		return pictured(before) && pictured(after) || joins(base)
	case zeroWidthNonJoiner:
		return joins(base)
	case zeroWidthSpace:
		return spaceless(base) && spaceless(after)
	}
	return false
}

// pictured reports whether r is part of an emoji that may be joined to another
// (UTS 51): a picture, an arrow, a skin tone, or the sign for showing it in colour.
func pictured(r rune) bool {
	const colourful, lightest, darkest = '\ufe0f', '\U0001f3fb', '\U0001f3ff'
	return r == colourful || lightest <= r && r <= darkest || r >= '←' && unicode.In(r, unicode.So, unicode.Sm)
}

// joins reports whether r is of a script whose letters take different shapes
// beside a joiner or non-joiner.
func joins(r rune) bool {
	return unicode.In(r, unicode.Arabic, unicode.Syriac, unicode.Mongolian, unicode.Nko, unicode.Mandaic, unicode.Adlam,
		unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
		unicode.Kannada, unicode.Malayalam, unicode.Sinhala, unicode.Khmer, unicode.Myanmar, unicode.Balinese, unicode.Javanese,
		unicode.Meetei_Mayek, unicode.Newa)
}

// spaceless reports whether r is of a script that is written without spaces
// and may be broken into lines only at word ends that it does not show.
func spaceless(r rune) bool {
	return unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Balinese,
		unicode.Javanese, unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham)
}
