package templates

import (
	"unicode"
	"unicode/utf8"
)

// clusterEnd returns the length in bytes of the first user-perceived
// character of s, so that a cut never splits a flag, a family or an accent.
// It follows the rules of UAX #29 that cutting needs: line ends, controls,
// Hangul syllables, marks, joiners, emoji modifiers and flags. It joins
// whatever follows a zero-width joiner, where the standard asks for two
// pictographs: such a cluster is at worst too long, never split.
func clusterEnd(s string) int {
	before, end := utf8.DecodeRuneInString(s)
	class := breakClass(before)
	flag := class == regional // an unpaired half of a flag
	for end < len(s) {
		r, size := utf8.DecodeRuneInString(s[end:])
		next := breakClass(r)
		if !joins(class, next) && !(before == '\r' && r == '\n') && !(flag && next == regional) {
			break
		}
		flag = next == regional && !flag
		before, class = r, next
		end += size
	}
	return end
}

// A class is a Grapheme_Cluster_Break property.
type class uint8

const (
	other    class = iota
	control        // includes CR and LF
	extend         // marks, selectors, modifiers
	joiner         // ZWJ
	regional       // half of a flag
	hangulL
	hangulV
	hangulT
	hangulLV
	hangulLVT
)

// joins reports whether there is no break between two neighbours.
func joins(a, b class) bool {
	if a == control || b == control {
		return false
	}
	if b == extend || b == joiner || a == joiner {
		return true
	}
	switch a {
	case hangulL:
		return b == hangulL || b == hangulV || b == hangulLV || b == hangulLVT
	case hangulV, hangulLV:
		return b == hangulV || b == hangulT
	case hangulT, hangulLVT:
		return b == hangulT
	}
	return false
}

func breakClass(r rune) class {
	switch {
	case r < 0x300:
		if r < ' ' || 0x7F <= r && r < 0xA0 || r == 0xAD {
			return control
		}
		return other
	case 0x3400 <= r && r <= 0x9FFF: // the bulk of Chinese, without a look at the tables
		return other
	case r == 0x200D:
		return joiner
	case 0x1F1E6 <= r && r <= 0x1F1FF:
		return regional
	case 0x1F3FB <= r && r <= 0x1F3FF:
		return extend
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Mc, unicode.Other_Grapheme_Extend):
		return extend
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp):
		return control
	}
	return hangulClass(r)
}

func hangulClass(r rune) class {
	switch {
	case 0x1100 <= r && r <= 0x115F || 0xA960 <= r && r <= 0xA97C:
		return hangulL
	case 0x1160 <= r && r <= 0x11A7 || 0xD7B0 <= r && r <= 0xD7C6:
		return hangulV
	case 0x11A8 <= r && r <= 0x11FF || 0xD7CB <= r && r <= 0xD7FB:
		return hangulT
	case 0xAC00 <= r && r <= 0xD7A3 && (r-0xAC00)%28 == 0:
		return hangulLV
	case 0xAC00 <= r && r <= 0xD7A3:
		return hangulLVT
	}
	return other
}
