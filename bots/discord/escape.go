package discord

import (
	"math"
	"strings"
	"unicode/utf8"
)

// content is text as it is sent: without white space at the ends, which
// Discord cuts off, and with a backslash before each character that its
// clients would read as markup (Reference, "Message Formatting", and Discord's
// help article "Markdown Text 101").
//
// A backslash before punctuation is never shown, so that one too many does no
// harm to what people see, except in a link: links are kept as they are.
func content(text string) string {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	var b strings.Builder
	b.Grow(len(text) + len(text)/16)
	w := words{text: text, named: strings.LastIndex(text, "]("), mark: lineMark(text), glued: -1}
	links := bareLinks(text)
	for i := 0; i < len(text); i++ {
		if len(links) > 0 && i == links[0].start {
			b.WriteString(text[i:links[0].end])
			w.glued = links[0].run
			i, links = links[0].end-1, links[1:]
			continue
		}
		w.linkAfter = len(links) > 0
		if w.isMarkup(i) {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
		if text[i] == '\n' {
			w.mark = i + 1 + lineMark(text[i+1:])
		}
	}
	return b.String()
}

// link is where a text has a link that clients recognise without brackets
// around it. Nothing in it is markup. The run goes on to the next white space
// or "<", over punctuation that is no part of the link. A scheme with nothing
// behind it counts, since a backslash would be taken for its host.
type link struct{ start, end, run int }

func bareLinks(text string) []link {
	const mark = "://"
	var links []link
	glued := -1 // a "<" that directly follows a link: the scheme after it gets a backslash
	for from := 0; ; {
		i := strings.Index(text[from:], mark)
		if i < 0 {
			return links
		}
		i += from
		l := link{start: from + schemeStart(text[from:i]), run: runEnd(text, i+len(mark))}
		l.end = i + len(mark) + len(strings.TrimRight(text[i+len(mark):l.run], `.,:;"']`))
		if l.start == i || l.start == glued+1 && glued >= 0 {
			from = i + len(mark)
			continue
		}
		links, from = append(links, l), l.end
		if strings.HasPrefix(text[l.run:], "<") {
			glued = l.run
		}
	}
}

// schemeStart returns where the scheme at the end of s begins, or len(s).
func schemeStart(s string) int {
	for _, scheme := range []string{"https", "http"} {
		if strings.HasSuffix(s, scheme) {
			return len(s) - len(scheme)
		}
	}
	return len(s)
}

// runEnd returns where white space or "<" follows, from i on.
func runEnd(text string, i int) int {
	for i < len(text) && text[i] != '<' && !isSpaceAt(text, i) {
		i++
	}
	return i
}

// isSpaceAt reports whether white space begins at i.
func isSpaceAt(text string, i int) bool {
	r, _ := utf8.DecodeRuneInString(text[i:])
	return strings.ContainsRune("\t\n\v\f\r \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff", r)
}

// words is a text and what is known of it at the byte that is looked at.
type words struct {
	text      string
	named     int  // where the last "](" is, without which no bracket opens a link
	glued     int  // where the last link ran into a "<" or white space; a backslash here would become part of the link
	mark      int  // the mark that makes this line a heading, a quote or an item; before the line for none
	linkAfter bool // a link follows, whose inside is not escaped
}

// isMarkup reports whether the byte at i has to be escaped.
func (w *words) isMarkup(i int) bool {
	rest := w.text[i+1:]
	if w.glued >= 0 && i > w.glued && w.isBracketed(i) {
		return true
	}
	switch c := w.text[i]; c {
	case '\\', '*', '`':
		return true
	case '_': // inside a word it is only itself, unless a "_" in a link could end what it begins
		return w.linkAfter || i == 0 || !isWord(w.text[i-1]) || rest == "" || !isWord(rest[0])
	case '~', '|': // in pairs: struck out, hidden
		return strings.HasPrefix(rest, string(c)) || i > 0 && w.text[i-1] == c
	case '[':
		return i < w.named
	case '<': // a mention, an emoji, a time, a command, a link
		return i != w.glued && rest != "" && (strings.IndexByte("@#:/", rest[0]) >= 0 || isWord(rest[0]))
	case ':':
		return namesEmoji(rest)
	}
	return i == w.mark
}

// isBracketed reports whether i is the first mark inside a "<" that could not
// be escaped itself: without it, "<@1>" or "<t:1>" means nothing.
func (w *words) isBracketed(i int) bool {
	if w.text[w.glued] != '<' || strings.IndexByte("@#:/", w.text[i]) < 0 {
		return false
	}
	return strings.IndexFunc(w.text[w.glued+1:i], func(r rune) bool { return r > 0x7f || !isWord(byte(r)) }) < 0
}

// namesEmoji reports whether rest, after a colon, is an emoji's name and
// another colon. No name is longer than 64 bytes.
func namesEmoji(rest string) bool {
	for i := range min(len(rest), 64) {
		switch c := rest[i]; {
		case c == ':':
			return i > 0
		case !isWord(c) && strings.IndexByte("_+-~", c) < 0:
			return false
		}
	}
	return false
}

// isWord reports whether c is an ASCII letter or digit: what counts as part
// of a word beside an underscore.
func isWord(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// lineMark returns where text has the mark that makes its first line a
// heading, small text, a quote or an item of a list, or a negative number.
// White space must follow the mark.
func lineMark(text string) int {
	line := strings.TrimLeft(text, " \t\u00a0\u3000")
	indent := len(text) - len(line)
	number := len(line) - len(strings.TrimLeft(line, "0123456789"))
	if number > 0 && strings.HasPrefix(line[number:], ".") && endsMark(line[number+1:]) {
		return indent + number
	}
	for _, mark := range []string{"#", "##", "###", "-#", "-", ">", ">>>"} {
		if strings.HasPrefix(line, mark) && endsMark(line[len(mark):]) {
			return indent
		}
	}
	return math.MinInt
}

func endsMark(rest string) bool { return rest == "" || isSpaceAt(rest, 0) }

// title is text as the name of a thread: one line, at most as long as is
// allowed. Names have no markup.
func title(text string) string {
	name := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(text, "�")), " "))
	if len(name) > maxTitle {
		name = append(name[:maxTitle-1], '…')
	}
	return strings.TrimSpace(string(name))
}
