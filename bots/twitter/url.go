package twitter

import (
	"strings"
	"unicode/utf16"
)

// Bounds of a link in twitter-text.
const (
	maxURL      = 4096 // UTF-16 code units, the scheme counted twice as the reference does
	maxTCoSlug  = 40
	defaultHTTP = len("https://")
)

// A span is a part of a text, in runes; end is not included.
type span struct{ start, end int }

// urls finds what X will make a link of, as twitter-text's
// extractUrlsWithIndices does: with a scheme any known or international
// domain, without one only those in ASCII and Latin letters. The spans are in
// order and do not overlap.
func urls(text []rune) []span {
	var found []span
	s := scanner{text, domains(text)}
	for at := 0; at <= len(text); {
		link, ok := s.match(at)
		if !ok {
			at++
			continue
		}
		found = append(found, link.spans()...)
		at = link.end
	}
	return found
}

// A scanner looks for links at ever later places of one text.
type scanner struct {
	text    []rune
	domains []int // see domains
}

// A match is what looks like a link: [http://] domain [:port] [/path] [?query].
type match struct {
	text       []rune
	start, end int
	host, port int // where the domain begins and ends; start == host without scheme
	path       bool
	bound      bool // follows what no domain without scheme may follow
}

// match looks for a link after the character at, which must not be one
// that binds to it (or at the very beginning). The reference sees UTF-16: the
// first half of a character outside the basic plane may precede, the second
// begin a domain.
func (s *scanner) match(at int) (match, bool) {
	if at < len(s.text) && utf16.RuneLen(s.text[at]) == 2 {
		if m, ok := s.matchFrom(at); ok {
			m.bound = false
			return m, true
		}
	}
	if at < len(s.text) && mayPrecede(s.text[at]) {
		if m, ok := s.matchFrom(at + 1); ok {
			return m, true
		}
	}
	if at == 0 {
		return s.matchFrom(0)
	}
	return match{}, false
}

func (s *scanner) matchFrom(start int) (match, bool) {
	text := s.text
	m := match{text: text, start: start, host: start + scheme(text[start:])}
	m.bound = start > 0 && strings.ContainsRune("-_./", text[start-1])
	end := s.domains[m.host]
	if end == 0 {
		return match{}, false
	}
	m.port, m.end = end, end
	if n := run(text, end+1, isDigit); end < len(text) && text[end] == ':' && n > end+1 {
		m.end = n
	}
	if m.end < len(text) && text[m.end] == '/' {
		m.path = true
		m.end = pathEnd(text, m.end+1)
	}
	m.end = queryEnd(text, m.end)
	return m, true
}

// spans are the links in a match: none if it is no valid one, one with a
// scheme, one for each ASCII domain without.
func (m match) spans() []span {
	bare := m.start == m.host
	if !validURL(m.text[m.start:m.end], m.text[m.host:m.port], bare) {
		return nil
	}
	if !bare {
		return m.shortened()
	}
	if m.bound {
		return nil
	}
	found := asciiDomains(m.text[m.host:m.port])
	for i := range found {
		found[i].start += m.host
		found[i].end += m.host
	}
	if n := len(found); n > 0 && m.path {
		found[n-1].end += m.end - m.port
	}
	return found
}

// shortened is the link with a scheme; of X's own short links only slug and
// query belong to it.
func (m match) shortened() []span {
	rest := m.text[m.port:m.end]
	if strings.ToLower(string(m.text[m.host:m.port])) != "t.co" || len(rest) < 2 || rest[0] != '/' || !isAlnum(rest[1]) {
		return []span{{m.start, m.end}}
	}
	slug := run(rest, 1, isAlnum)
	if slug-1 > maxTCoSlug {
		return nil
	}
	return []span{{m.start, m.port + queryEnd(rest, slug)}}
}

// scheme returns the length of http:// or https:// at the beginning.
func scheme(text []rune) int {
	for _, s := range []string{"https://", "http://"} {
		if len(text) >= len(s) && strings.ToLower(string(text[:len(s)])) == s {
			return len(s)
		}
	}
	return 0
}

// domains says for each place in text where the longest domain that begins
// there ends, or 0: labels, each with a dot, and a top-level domain. The last
// label before that has no underscore. It reads the text once, from its end.
func domains(text []rune) []int {
	ends := make([]int, len(text)+1)
	dot, tld, scored := len(text), 0, -1 // of the label at i: what ends it, what follows, its last underscore
	for i := len(text) - 1; i >= 0; i-- {
		r := text[i]
		switch {
		case r == '.':
			dot, tld, scored = i, tldLength(text[i+1:]), -1
		case r == '_' && scored < 0:
			scored = i
		case !isLabelChar(r):
			dot = len(text) // nothing ends a label here
		case dot == len(text) || !isDomainChar(r) || !isDomainChar(text[dot-1]):
		case ends[dot+1] > 0:
			ends[i] = ends[dot+1]
		case tld > 0 && scored < 0:
			ends[i] = dot + 1 + tld
		}
	}
	return ends
}

// asciiDomains finds the domains without other than ASCII and Latin letters.
func asciiDomains(text []rune) []span {
	var found []span
	for at := 0; at < len(text); {
		end, label := 0, at
		for {
			dot := run(text, label, isASCIILabel)
			if dot == label || dot == len(text) || text[dot] != '.' {
				label = dot
				break
			}
			label = dot + 1
			if n := tldLength(text[label:]); n > 0 {
				end = label + n
			}
		}
		if end > 0 {
			found = append(found, span{at, end})
		}
		at = max(at+1, end)
		if end == 0 {
			at = max(at, label) // no part of these labels is a domain either
		}
	}
	return found
}

// validURL checks the lengths that DNS and X allow.
func validURL(url, domain []rune, bare bool) bool {
	length := len(utf16.Encode(url)) + scheme(url)
	if bare {
		length += defaultHTTP
	}
	if length > maxURL {
		return false
	}
	for label := range strings.SplitSeq(string(domain), ".") {
		if n := punycodeLength(label); n < 1 || n > 63 {
			return false
		}
	}
	return !strings.HasPrefix(string(domain), "xn--") || len(asciiDomains(domain)) > 0
}

// pathEnd returns where a path ends that goes on at at: after the last
// character that may end one and the pairs of parentheses right after it.
func pathEnd(text []rune, at int) int {
	end := at
	for at < len(text) {
		if n := balanced(text[at:]); n > 0 {
			at += n
			continue
		}
		if !isPathChar(text[at]) {
			break
		}
		at++
		if mayEndPath(text[at-1]) {
			end = at
		}
	}
	for n := balanced(text[end:]); n > 0; n = balanced(text[end:]) {
		end += n
	}
	return end
}

// balanced returns the length of a pair of parentheses at the beginning, which
// may hold one more pair.
func balanced(text []rune) int {
	if len(text) == 0 || text[0] != '(' {
		return 0
	}
	at := run(text, 1, isPathChar)
	if at < len(text) && text[at] == '(' {
		inner := run(text, at+1, isPathChar)
		if inner == at+1 || inner == len(text) || text[inner] != ')' {
			return 0
		}
		at = run(text, inner+1, isPathChar)
	}
	if at == 1 || at == len(text) || text[at] != ')' {
		return 0
	}
	return at + 1
}

// queryEnd returns where a query at at ends, or at if there is none.
func queryEnd(text []rune, at int) int {
	if at >= len(text) || text[at] != '?' {
		return at
	}
	end := run(text, at+1, isQueryChar)
	for ; end > at+1; end-- {
		if mayEndQuery(text[end-1]) {
			return end
		}
	}
	return at
}

// run returns where the characters that are in end, from at on.
func run(text []rune, at int, in func(rune) bool) int {
	for at < len(text) && in(text[at]) {
		at++
	}
	return at
}
