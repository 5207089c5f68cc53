package incident

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// links refuses links to hosts that are not listed: those with a scheme, and
// names that a platform makes a link of without one.
func (l *linter) links(s string) {
	if len(l.Hosts) == 0 {
		return
	}
	rest := []byte(s)
	for _, m := range schemeForm.FindAllStringIndex(s, -1) {
		l.lead(hostAfter(s[m[1]:]))
		for i := m[0]; i < m[1]+linkLength(s[m[1]:]); i++ {
			rest[i] = ' '
		}
	}
	for _, host := range bareHosts(string(rest)) {
		l.lead(host)
	}
}

// lead refuses a host that is not listed.
func (l *linter) lead(host string) {
	if host == "" || slices.ContainsFunc(l.Hosts, func(listed string) bool { return folded(listed) == host }) {
		return
	}
	l.refuse("leads to %s, which is none of this site's hosts: leave it out, put spaces around what is no link, or add it to hosts", quoted(host))
}

// schemeForm is how a link with a scheme begins. Browsers take any number of
// slashes or backslashes after http (WHATWG URL, "special authority slashes
// state").
var schemeForm = regexp.MustCompile(`(?i)https?:[/\\]+|[a-z][a-z0-9+.-]*://`)

// hostAfter is the host of a link, given what follows its scheme. What stands
// before an @ is a user's name and misleads nobody but the reader. Marks that
// a browser would take into a name stay, so that the name is none of ours.
func hostAfter(s string) string {
	s = s[:authorityLength(s)]
	s = folded(s[strings.LastIndexByte(s, '@')+1:])
	s = strings.TrimRight(s, `.,:;!?'*_~)$&+=-`)
	if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.Trim(s[i+1:], "0123456789") == "" {
		s = s[:i]
	}
	return strings.TrimSuffix(s, ".")
}

// authorityLength is where the user, host and port of a link end.
func authorityLength(s string) int {
	for i, r := range s {
		switch {
		case strings.ContainsRune("/?#\\<>\"`{}|^[]", r) || unicode.IsSpace(r):
			return i
		case strings.ContainsRune(wideDots, r):
			if next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):]); !latin(next) {
				return i // the end of a sentence
			}
		case r > unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)):
			return i
		}
	}
	return len(s)
}

// linkLength is where a link ends for those who make one of it, from what
// follows its scheme.
func linkLength(s string) int {
	from := authorityLength(s)
	end := strings.IndexFunc(s[from:], func(r rune) bool {
		return r > unicode.MaxASCII || r <= ' ' || strings.ContainsRune(`<>"[]{}|`, r)
	})
	if end < 0 {
		return len(s)
	}
	return from + end
}

// wideDots are read as dots between the labels of a name (UTS 46, section 2.3,
// and compatibility forms of the full stop).
const wideDots = "。．｡․﹒"

// folded is a host's name as a browser looks it up: compatibility forms and
// capitals are folded, letters of other scripts stay what they are.
func folded(host string) string {
	host = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(wideDots, r):
			return '.'
		case r == '\u00ad': // soft hyphen, ignored in names
			return -1
		}
		return r
	}, host)
	return strings.ToLower(norm.NFKC.String(host))
}

// latin reports whether r is an ASCII letter or digit, or a full-width one.
func latin(r rune) bool {
	if 'Ａ' <= r && r <= 'ｚ' || '０' <= r && r <= '９' {
		r -= 'Ａ' - 'A'
	}
	return '0' <= r && r <= '9' || 'a' <= r|0x20 && r|0x20 <= 'z'
}

// bareForm is labels with dots between them, of the scripts that are written
// with spaces: in others a name would run into the sentence around it. The
// ideographic full stop is left to the sentences.
var bareForm = regexp.MustCompile(`[0-9０-９A-Za-z\p{Latin}\p{Greek}\p{Cyrillic}\pM\x{ad}_-]+(?:[.．｡․﹒][0-9０-９A-Za-z\p{Latin}\p{Greek}\p{Cyrillic}\pM\x{ad}_-]+)+`)

// bareHosts lists the names in a text that become links, or addresses of
// mail, without a scheme.
func bareHosts(s string) (hosts []string) {
	for _, m := range bareForm.FindAllStringIndex(s, -1) {
		before, after := s[:m[0]], s[m[1]:]
		if strings.HasPrefix(after, "@") {
			continue // the host comes after it
		}
		if missingSpace(s[m[0]:m[1]]) && !strings.HasPrefix(after, "/") {
			continue
		}
		mail := strings.TrimRight(before, "@") != before && len(before) > 1 && latin(rune(before[len(before)-2]))
		path := len(after) > 1 && after[0] == '/' && after[1] > ' '
		if host := bareHost(strings.Trim(folded(s[m[0]:m[1]]), "-_"), mail || path); host != "" {
			hosts = append(hosts, host)
		}
	}
	return hosts
}

// missingSpace reports whether a name is rather the end of a sentence and the
// beginning of the next: "fixed.It".
func missingSpace(name string) bool {
	before, after, _ := strings.Cut(name, ".")
	first, size := utf8.DecodeRuneInString(after)
	return unicode.IsUpper(first) && after[size:] == strings.ToLower(after[size:]) && before != strings.ToUpper(before) && !strings.Contains(after, ".")
}

// bareHost is the part of a name that is read as a host: up to the last label
// that is a top-level domain. Where the surroundings say that it is a host,
// any label of letters will do.
func bareHost(name string, surely bool) string {
	labels := strings.Split(name, ".")
	last := labels[len(labels)-1]
	if labels[0] == "www" || surely && utf8.RuneCountInString(last) > 1 && strings.IndexFunc(last, notLetter) < 0 {
		return name
	}
	for n := len(labels); n > 1; n-- {
		if topLevel(labels[n-1]) {
			return strings.Join(labels[:n], ".")
		}
	}
	return ""
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// topLevel reports whether a label is a top-level domain that platforms make
// links of: a country's, or one of the usual others.
func topLevel(label string) bool {
	if strings.HasPrefix(label, "xn--") {
		return true
	}
	for known := range strings.FieldsSeq(topLevelDomains) {
		if label == known {
			return true
		}
	}
	return false
}

// topLevelDomains are those of countries, then the usual others, from the root
// zone. The rarer ones are known by what surrounds them.
const topLevelDomains = `
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bv bw by bz ca cc cd cf cg ch ci
ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gb gd ge gf gg gh gi gl gm gn gp
gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk
lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe
pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg
th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw рф рус укр бел ελ

com net org info biz edu gov mil int name pro mobi asia tel travel jobs cat coop aero xxx app dev page web xyz online site
website store shop shopping club top vip win bid loan men click link live life world today news blog space tech technology cloud
digital network systems services support help center company agency email chat social team group zone fund finance financial
money cash credit capital exchange trading trade market markets bank gold bet casino poker game games fun icu cyou rest buzz
monster sbs lol cfd quest bond beauty hair skin makeup autos boats homes ink wiki design art studio media video photo photos
pics press review reviews party date science stream download racing accountant webcam ltd inc llc zip mov foo bar run one plus
pub red blue pink black ninja rocks guru expert solutions software academy education community foundation charity global
international directory domains codes computer engineering energy city london tokyo nyc uno gift gifts claims insurance legal
law tax promo sale discount deals bargains rewards secure security ventures holdings investments crypto онлайн сайт орг ком`
