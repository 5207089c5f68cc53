package sim

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// xLimit is the longest post, and xLinkLength what any link counts (X docs,
// "Counting characters").
const (
	xLimit      = 280
	xLinkLength = 23
)

// xLength is the weighted length of a post: after NFC, characters of most
// alphabets count one, others two, an emoji sequence two and a link 23.
func xLength(text string) int {
	text = norm.NFC.String(text)
	n, at := 0, 0
	for _, link := range findLinks(text) {
		n += xWeight(text[at:link.from]) + xLinkLength
		at = link.to
	}
	return n + xWeight(text[at:])
}

// xWeight is the length of a text without links.
func xWeight(s string) int {
	n := 0
	for s != "" {
		size := emojiSequence(s)
		r, one := utf8.DecodeRuneInString(s)
		switch {
		case size > 0:
			n += 2
		case isLight(r):
			n, size = n+1, one
		default:
			n, size = n+2, one
		}
		s = s[size:]
	}
	return n
}

// isLight reports whether a character counts one (configuration v3 of
// twitter-text).
func isLight(r rune) bool {
	return r <= 0x10FF || 0x2000 <= r && r <= 0x200D || 0x2010 <= r && r <= 0x201F || 0x2032 <= r && r <= 0x2037
}

const (
	zeroWidthJoiner = '\u200D'
	emojiSelector   = '\uFE0F'
	keycap          = '\u20E3'
	blackFlag       = '\U0001F3F4'
)

// emojiSequence is how many bytes of s are one emoji made of several
// characters, or 0.
func emojiSequence(s string) int {
	runes := []rune(s[:min(len(s), 120)])
	at := func(i int) rune {
		if i < len(runes) {
			return runes[i]
		}
		return 0
	}
	n := 0
	switch r := at(0); {
	case strings.ContainsRune("0123456789#*", r):
		n = 1
		if at(n) == emojiSelector {
			n++
		}
		if at(n) != keycap {
			return 0
		}
		n++
	case isRegional(r) && isRegional(at(1)):
		n = 2
	case r == blackFlag && isTag(at(1)):
		for n = 1; isTag(at(n)); n++ {
		}
	case isPictograph(r):
		n = pictograph(at, 0)
		for at(n) == zeroWidthJoiner && isPictograph(at(n+1)) {
			n = pictograph(at, n+1)
		}
	}
	if n < 2 {
		return 0 // a single character has its own weight
	}
	return len(string(runes[:n]))
}

// pictograph is where the emoji at i ends, with its presentation and skin tone.
func pictograph(at func(int) rune, i int) int {
	i++
	if 0x1F3FB <= at(i) && at(i) <= 0x1F3FF {
		i++
	}
	if at(i) == emojiSelector {
		i++
	}
	return i
}

func isRegional(r rune) bool { return 0x1F1E6 <= r && r <= 0x1F1FF }
func isTag(r rune) bool      { return 0xE0020 <= r && r <= 0xE007F }

func isPictograph(r rune) bool {
	return 0x1F000 <= r && r <= 0x1FAFF && !isRegional(r) || 0x2190 <= r && r <= 0x21FF || 0x2300 <= r && r <= 0x23FF ||
		0x25A0 <= r && r <= 0x27BF || 0x2900 <= r && r <= 0x297F || 0x2B00 <= r && r <= 0x2BFF ||
		strings.ContainsRune("©®‼⁉™ℹⓂ〰〽㊗㊙", r)
}

// A linkSpan is where a link stands, in bytes.
type linkSpan struct{ from, to int }

// findLinks finds what X makes links of: addresses with a scheme, and bare
// domains with a known ending.
func findLinks(s string) []linkSpan {
	var links []linkSpan
	before := ' '
	for i := 0; i < len(s); {
		if n := linkLength(s[i:], before); n > 0 {
			links = append(links, linkSpan{i, i + n})
			i += n
			before, _ = utf8.DecodeLastRuneInString(s[:i])
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		before = r
		i += size
	}
	return links
}

// linkLength is how long the link at the start of s is, or 0.
func linkLength(s string, before rune) int {
	if before < utf8.RuneSelf && (isASCIIWord(before) && before != '_' || strings.ContainsRune("@$#", before)) || before == '＠' || before == '＃' {
		return 0
	}
	scheme := 0
	for _, p := range []string{"https://", "http://"} {
		if len(s) >= len(p) && strings.EqualFold(s[:len(p)], p) {
			scheme = len(p)
		}
	}
	if scheme == 0 && strings.ContainsRune("-_./", before) {
		return 0
	}
	host, labels := hostLength(s[scheme:], scheme > 0)
	if host == 0 {
		return 0
	}
	n := scheme + host
	n += portLength(s[n:])
	path := pathLength(s[n:])
	// Without scheme and path, "example.io" is taken for words; "t.co" is not.
	ending := strings.ToLower(s[scheme+host-2 : scheme+host])
	isShort := labels == 2 && s[scheme+host-3] == '.' && ending != "co" && ending != "tv"
	if scheme == 0 && path == 0 && isShort {
		return 0
	}
	return n + path
}

// hostLength finds the longest run of labels that ends in a known top-level
// domain, and how many labels that are.
func hostLength(s string, anyScript bool) (length, labels int) {
	at, count := 0, 0
	for at < len(s) {
		size := strings.IndexFunc(s[at:], func(r rune) bool {
			return !isASCIIWord(r) && r != '-' && !(anyScript && r > unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsMark(r)))
		})
		if size < 0 {
			size = len(s) - at
		}
		label := s[at : at+size]
		if label == "" || label[0] == '-' || label[size-1] == '-' {
			break
		}
		count++
		at += size
		if count > 1 && isTopLevel(label) && !strings.HasPrefix(s[at:], "@") {
			length, labels = at, count
		}
		if !strings.HasPrefix(s[at:], ".") {
			break
		}
		at++
	}
	return length, labels
}

func portLength(s string) int {
	if !strings.HasPrefix(s, ":") {
		return 0
	}
	digits := len(s[1:]) - len(strings.TrimLeft(s[1:], "0123456789"))
	if digits == 0 {
		return 0
	}
	return 1 + digits
}

// pathLength is the length of path and query. Punctuation at the end, and
// anything in a script without spaces between words, is not part of them.
func pathLength(s string) int {
	n := 0
	if strings.HasPrefix(s, "/") {
		n = runLength(s, "!*';:=+,.$/%#[]-_~@|&()", "=_#/+-)")
	}
	if strings.HasPrefix(s[n:], "?") {
		if q := runLength(s[n+1:], "!?*'@();:&=+$/%#[]-_.,~|", "-_&=#/"); q > 0 {
			n += 1 + q
		}
	}
	return n
}

// runLength is the length of the run of letters, digits and marks at the start
// of s that ends in a letter, a digit or one of ends. A closing bracket
// without its opening one ends the run.
func runLength(s, marks, ends string) int {
	end, depth := 0, 0
	for i, r := range s {
		word := isASCIIWord(r) && r != '_' || 0xC0 <= r && r <= 0x24F || 0x400 <= r && r <= 0x4FF
		if !word && !strings.ContainsRune(marks, r) {
			break
		}
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth < 0 {
			break
		}
		if (word || strings.ContainsRune(ends, r)) && depth == 0 {
			end = i + utf8.RuneLen(r)
		}
	}
	return end
}

// isTopLevel knows the country codes and the endings that services use.
func isTopLevel(label string) bool {
	const known = " ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz " +
		"ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr " +
		"ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp " +
		"ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz " +
		"na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sj sk sl sm sn so sr ss st su sv sx sy sz " +
		"tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw " +
		"academy agency app art biz blog blue business capital cash center chat city cloud club codes com community company consulting coop " +
		"credit design dev digital directory edu email energy events exchange exposed expert express fail family finance financial fund fyi games gg global " +
		"gold gov group guide guru help host house icu inc info ink int investments jobs lat legal life link live llc loan loans lol ltd market marketing markets media " +
		"mil mobi money name net network news ninja one online org page partners pay photos plus pro pub report review reviews rocks run sale school science " +
		"services shop site social software solutions space status store studio support systems tax team tech technology tips today tools top trade trading tube " +
		"vip ventures video watch website wiki win work works world wtf xyz zone "
	return label != "" && strings.Contains(known, " "+strings.ToLower(label)+" ")
}
