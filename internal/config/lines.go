package config

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// A path names a place in a TOML document as one would write it:
// bots.tg.token, channels[2].target, hooks."a b".secret. Different places
// have different paths.
type path string

var indexes = regexp.MustCompile(`\[[0-9]+\]`)

// String is the path for people, who count lines rather than list elements.
func (p path) String() string { return indexes.ReplaceAllString(string(p), "") }

// last is the key at the end of the path.
func (p path) last() string { return strings.TrimPrefix(string(p[len(p.parent()):]), ".") }

// key is the place of a key in the table at p.
func (p path) key(k string) path {
	if !bare(k) {
		k = strconv.Quote(k)
	}
	if p == "" {
		return path(k)
	}
	return p + "." + path(k)
}

// index is the place of the i-th element of the list at p.
func (p path) index(i int) path { return p + path("["+strconv.Itoa(i)+"]") }

// parent is the table or list that holds p.
func (p path) parent() path {
	quoted := false
	for i := len(p) - 1; i >= 0; i-- {
		switch c := p[i]; {
		case c == '"' && !escaped(p[:i]):
			quoted = !quoted
		case !quoted && (c == '.' || c == '['):
			return p[:i]
		}
	}
	return ""
}

// within reports whether p is the place other or in it.
func (p path) within(other path) bool {
	rest, ok := strings.CutPrefix(string(p), string(other))
	return ok && (other == "" || rest == "" || rest[0] == '.' || rest[0] == '[')
}

// escaped reports whether what follows p is escaped by a backslash.
func escaped(p path) bool {
	return (len(p)-len(strings.TrimRight(string(p), `\`)))%2 == 1
}

func bare(k string) bool {
	for i := range len(k) {
		if !bareByte(k[i]) {
			return false
		}
	}
	return k != ""
}

func bareByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
}

// lines finds the line, from 1, of every table, key and list element of a
// document. The TOML library knows positions only of keys whose name occurs
// once, which leaves out lists of tables.
//
// repeated holds the lines that say again what was said: values given twice in
// ways that the library lets pass (a.b = 1, then a = 2), keeping one of them.
//
// src must be a document that the library accepts; for any other the result
// is of no use, but there is one.
func lines(src string) (found, repeated map[path]int) {
	s := &scanner{
		src: strings.TrimPrefix(src, "\ufeff"), line: 1,
		found: map[path]int{}, repeated: map[path]int{},
		tables: map[path]int{}, closed: map[path]bool{},
	}
	var table path
	for s.blank(true); s.pos < len(s.src); s.blank(true) {
		start := s.pos
		switch {
		case s.eat("[["):
			table = s.header(true)
			s.eat("]]")
		case s.eat("["):
			table = s.header(false)
			s.eat("]")
		default:
			s.pair(table)
		}
		if s.pos == start {
			s.pos++ // not TOML
		}
	}
	return s.found, s.repeated
}

type scanner struct {
	src      string
	pos      int
	line     int
	found    map[path]int
	repeated map[path]int
	tables   map[path]int  // number of [[tables]] so far, by the path of their list
	closed   map[path]bool // values, to which nothing can be added
}

// blank skips spaces and, where lines may end, line ends and comments.
func (s *scanner) blank(ends bool) {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t':
			s.pos++
		case ends && c == '\r':
			s.pos++
		case ends && c == '\n':
			s.pos++
			s.line++
		case ends && c == '#':
			s.until("\n")
		default:
			return
		}
	}
}

func (s *scanner) eat(token string) bool {
	if !strings.HasPrefix(s.src[s.pos:], token) {
		return false
	}
	s.pos += len(token)
	return true
}

// until moves to the first of the bytes in stop, or to the end.
func (s *scanner) until(stop string) {
	n := strings.IndexAny(s.src[s.pos:], stop)
	if n < 0 {
		n = len(s.src) - s.pos
	}
	s.pos += n
}

// note remembers the first mention of a place.
func (s *scanner) note(p path) {
	if _, ok := s.found[p]; !ok {
		s.found[p] = s.line
	}
}

// header reads the name of a [table], or of one more of [[tables]], and
// returns its place.
func (s *scanner) header(list bool) path {
	parts := s.dotted()
	var p path
	for i, part := range parts {
		p = p.key(part)
		if s.closed[p] {
			s.repeated[p] = s.line
		}
		last := i == len(parts)-1
		if last && !list {
			s.found[p] = s.line // rather than an earlier [table.inner]
			return p
		}
		s.note(p)
		if last {
			s.tables[p]++
		}
		if n := s.tables[p]; n > 0 {
			p = p.index(n - 1)
			s.note(p)
		}
	}
	return p
}

// pair reads a key and its value in the table at p.
func (s *scanner) pair(p path) {
	parts := s.dotted()
	for i, part := range parts {
		p = p.key(part)
		_, found := s.found[p]
		if s.closed[p] || s.tables[p] > 0 || found && i == len(parts)-1 {
			s.repeated[p] = s.line
		}
		s.note(p)
	}
	if s.eat("=") {
		s.blank(false)
		s.value(p)
	}
	s.closed[p] = true
}

// dotted reads the parts of a key, and the space behind it.
func (s *scanner) dotted() []string {
	var parts []string
	for {
		s.blank(false)
		start := s.pos
		if s.pos < len(s.src) && (s.src[s.pos] == '"' || s.src[s.pos] == '\'') {
			s.text()
		} else {
			for s.pos < len(s.src) && bareByte(s.src[s.pos]) {
				s.pos++
			}
		}
		parts = append(parts, unquote(s.src[start:s.pos]))
		s.blank(false)
		if !s.eat(".") {
			return parts
		}
	}
}

// unquote returns the name that a part of a key means.
func unquote(part string) string {
	if bare(part) {
		return part
	}
	if n := len(part); n >= 2 && !strings.Contains(part, `\`) {
		return part[1 : n-1]
	}
	var doc map[string]any
	if _, err := toml.Decode(part+" = 0", &doc); err == nil {
		for k := range doc {
			return k
		}
	}
	return part
}

// value skips the value at p and notes the places inside it.
func (s *scanner) value(p path) {
	switch {
	case s.pos == len(s.src):
	case s.src[s.pos] == '"' || s.src[s.pos] == '\'':
		s.text()
	case s.eat("["):
		s.sequence("]", func(i int) {
			s.note(p.index(i))
			s.value(p.index(i))
		})
	case s.eat("{"):
		s.sequence("}", func(int) { s.pair(p) })
	default:
		s.until(",]}#\r\n")
	}
}

// sequence reads what stands between commas up to end.
func (s *scanner) sequence(end string, item func(i int)) {
	for i := 0; ; i++ {
		s.blank(true)
		start := s.pos
		if s.eat(end) {
			return
		}
		item(i)
		s.blank(true)
		if !s.eat(",") && s.pos == start {
			return // not TOML
		}
	}
}

// text skips a string of any of the four kinds.
func (s *scanner) text() {
	quote := s.src[s.pos : s.pos+1]
	end, multi := quote, false
	if long := strings.Repeat(quote, 3); s.eat(long) {
		end, multi = long, true
	} else {
		s.pos++
	}
	for s.pos < len(s.src) && !s.eat(end) {
		switch c := s.src[s.pos]; {
		case c == '\n' && !multi:
			return // not TOML
		case c == '\n':
			s.line++
		case c == '\\' && quote == `"` && !strings.HasPrefix(s.src[s.pos+1:], "\n"):
			s.pos++
		}
		s.pos = min(s.pos+1, len(s.src))
	}
	for range 2 { // up to two quotes may stand before the closing three
		if multi {
			s.eat(quote)
		}
	}
}
