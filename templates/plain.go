package templates

import (
	"strings"
	"unicode"
)

// bodyMark stands for the body while a template is executed. It is a
// noncharacter, which plain removes from every text.
const bodyMark = "\uFDD0"

// titleMark stands for a title that is left out of what is around it.
const titleMark = "\uFDD1"

// Isolates keep a name written from right to left from reordering the line of
// ours in which it stands (UAX #9, "Explicit Directional Isolates").
const (
	firstStrongIsolate = "\u2068"
	popIsolate         = "\u2069"
)

// Plain is a text as messages show it.
func Plain(s string) string { return plain(s) }

// plain makes a text fit to be sent: valid UTF-8 with "\n" line ends, no
// control characters but newline and tab, no noncharacters, no spaces at line
// ends and no blank lines around it. Anything else is kept as written.
func plain(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	s = strings.ReplaceAll(s, "\r\n", "\n")
	s = strings.Map(plainRune, s)
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

func plainRune(r rune) rune {
	switch {
	case r == '\t' || r == '\n':
		return r
	case r == '\r' || r == '\v' || r == '\f' || r == 0x85 || r == 0x2028 || r == 0x2029:
		return '\n'
	case r < ' ' || 0x7F <= r && r < 0xA0:
		return -1
	case 0xFDD0 <= r && r <= 0xFDEF || r&0xFFFE == 0xFFFE:
		return '\uFFFD'
	}
	return r
}

// line is plain for what stands on one line, such as a title.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, plain(s))
	return strings.TrimSpace(s)
}

// inline is line for a name that stands within a line of ours. Where it holds
// letters written from right to left it is isolated.
func inline(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, line(s))
	if strings.ContainsFunc(s, rightToLeft) {
		return firstStrongIsolate + s + popIsolate
	}
	return s
}

// rightToLeft reports whether r lies in a block whose default is right to
// left (DerivedBidiClass.txt).
func rightToLeft(r rune) bool {
	return 0x0590 <= r && r <= 0x08FF || 0xFB1D <= r && r <= 0xFDFF || 0xFE70 <= r && r <= 0xFEFF ||
		0x10800 <= r && r <= 0x10FFF || 0x1E800 <= r && r <= 0x1EFFF
}
