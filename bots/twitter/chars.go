package twitter

import (
	_ "embed"
	"strings"
	"sync"
	"unicode"
)

// The classes of characters that twitter-text builds links from. Its regular
// expressions ignore case, the non-ASCII ones included.

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

func isAlnum(r rune) bool {
	return isDigit(r) || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// mayPrecede reports what a link may follow.
func mayPrecede(r rune) bool {
	return !isAlnum(r) && !isInvalid(r) && !strings.ContainsRune("@＠$#＃", r)
}

// isDomainChar reports what may begin and end a label of a domain.
func isDomainChar(r rune) bool {
	return !strings.ContainsRune(`!'#%&()*+,\-./:;<=>?@[]^_{|}~$`, r) && !isSpace(r) && !isInvalid(r) && !isDirection(r)
}

func isLabelChar(r rune) bool { return r == '-' || r == '_' || isDomainChar(r) }

// isASCIILabel reports what labels of a domain without scheme consist of.
func isASCIILabel(r rune) bool { return r == '-' || isAlnum(r) || isLatin(r) }

func isSpace(r rune) bool {
	switch r {
	case 0x20, 0x85, 0xA0, 0x1680, 0x180E, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
		return true
	}
	return 0x09 <= r && r <= 0x0D || 0x2000 <= r && r <= 0x200A
}

func isDirection(r rune) bool {
	return 0x202A <= r && r <= 0x202E || 0x2066 <= r && r <= 0x2069 || r == 0x061C || r == 0x200E || r == 0x200F
}

func isPathChar(r rune) bool {
	return isAlnum(r) || strings.ContainsRune("!*';:=+,.$/%#[]-–_~@|&", r) || isCyrillic(r) || isLatin(r)
}

func mayEndPath(r rune) bool {
	return isAlnum(r) || strings.ContainsRune("+-=_#/", r) || isCyrillic(r) || isLatin(r)
}

func isQueryChar(r rune) bool {
	return isAlnum(r) || strings.ContainsRune("!?*'@();:&=+$/%#[]-_.,~|", r)
}

func mayEndQuery(r rune) bool { return isAlnum(r) || strings.ContainsRune("-_&=#/", r) }

func isCyrillic(r rune) bool {
	return anyCase(r, func(r rune) bool { return 0x0400 <= r && r <= 0x04FF })
}

// isLatin reports Latin letters with marks, and the marks.
func isLatin(r rune) bool {
	return r >= 0xC0 && anyCase(r, func(r rune) bool {
		switch r {
		case 0xD7, 0xF7:
			return false
		case 0x0253, 0x0254, 0x0256, 0x0257, 0x0259, 0x025B, 0x0263, 0x0268, 0x026F, 0x0272, 0x0289, 0x028B, 0x02BB:
			return true
		}
		return 0xC0 <= r && r <= 0x024F || 0x0300 <= r && r <= 0x036F || 0x1E00 <= r && r <= 0x1EFF
	})
}

func anyCase(r rune, in func(rune) bool) bool { return in(r) || in(unicode.ToUpper(r)) }

//go:embed tlds.txt
var tldText string

// tlds are the top-level domains that twitter-text knows.
var tlds = sync.OnceValue(func() map[string]bool {
	known := make(map[string]bool)
	for line := range strings.Lines(tldText) {
		if !strings.HasPrefix(line, "#") {
			for tld := range strings.FieldsSeq(line) {
				known[tld] = true
			}
		}
	}
	return known
})

const longestTLD = 24 // runes

// tldLength returns the length of the longest top-level domain at the
// beginning of text, or 0: a known one that ends there, or any in punycode.
func tldLength(text []rune) int {
	var lower [longestTLD]rune
	n := copy(lower[:], text)
	for i := range n {
		if l := unicode.ToLower(lower[i]); l > unicode.MaxASCII || lower[i] <= unicode.MaxASCII {
			lower[i] = l
		}
	}
	for ; n > 0; n-- {
		if (n == len(text) || endsTLD(text[n])) && tlds()[string(lower[:n])] {
			return n
		}
	}
	const prefix = "xn--"
	if !strings.HasPrefix(string(lower[:]), prefix) {
		return 0
	}
	end := run(text, len(prefix), func(r rune) bool { return r == '-' || isAlnum(r) })
	if end == len(prefix) {
		return 0
	}
	return end
}

func endsTLD(r rune) bool { return !isAlnum(r) && r != '@' && r != '+' && r != '-' }
