package sim

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// discordPlain is what a person sees of a message: markup resolved, escapes
// gone, everything else as it was. It follows Discord's help page "Markdown
// Text 101" and Reference, "Message Formatting", and where these are silent
// the behaviour of simple-markdown, which the clients are built on. name says
// how a user ('@') or channel ('#') is shown.
func discordPlain(s string, name func(sigil byte, id string) string) string {
	return discordReader{name: name}.read(s, true)
}

type discordReader struct {
	name   func(sigil byte, id string) string
	quoted bool // quotes do not nest
}

// read resolves s; lineStart says whether it begins a line.
func (p discordReader) read(s string, lineStart bool) string {
	var b strings.Builder
	for s != "" {
		shown, n := "", 0
		if lineStart {
			shown, n = p.block(s)
		}
		if n == 0 {
			shown, n = p.inline(s)
		}
		if n == 0 {
			_, n = utf8.DecodeRuneInString(s)
			shown = s[:n]
		}
		b.WriteString(shown)
		lineStart = s[n-1] == '\n'
		s = s[n:]
	}
	return b.String()
}

// block reads what only begins a line. Like the other readers it returns what
// is shown and how many bytes that was, or 0 for nothing of its kind.
func (p discordReader) block(s string) (string, int) {
	for _, rule := range []func(string) (string, int){p.quote, p.heading, p.list} {
		if shown, n := rule(s); n > 0 {
			return shown, n
		}
	}
	return "", 0
}

func (p discordReader) quote(s string) (string, int) {
	if p.quoted {
		return "", 0
	}
	p.quoted = true
	if rest, ok := strings.CutPrefix(strings.TrimLeft(s, " "), ">>> "); ok {
		return p.read(rest, true), len(s)
	}
	var lines []string
	n := 0
	for n < len(s) {
		line, _, _ := strings.Cut(s[n:], "\n")
		text, ok := strings.CutPrefix(strings.TrimLeft(line, " "), "> ")
		if !ok {
			break
		}
		lines = append(lines, text)
		n = min(n+len(line)+1, len(s))
	}
	if n == 0 {
		return "", 0
	}
	end := ""
	if s[n-1] == '\n' {
		end = "\n"
	}
	return p.read(strings.Join(lines, "\n"), true) + end, n
}

// heading reads "# ", "## ", "### " and the small print "-# ".
func (p discordReader) heading(s string) (string, int) {
	line, _, _ := strings.Cut(s, "\n")
	mark, text, _ := strings.Cut(strings.TrimLeft(line, " "), " ")
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return "", 0
	case mark == "#", mark == "##", mark == "###":
		return p.read(strings.TrimRight(text, "#"), false), len(line)
	case mark == "-#":
		return p.read(text, false), len(line)
	}
	return "", 0
}

// list reads the items of a list that follow each other. Bullets become dots;
// numbers count on from the first, whatever was written.
func (p discordReader) list(s string) (string, int) {
	var b strings.Builder
	number, n := 0, 0
	for n < len(s) {
		line, _, more := strings.Cut(s[n:], "\n")
		text := strings.TrimLeft(line, " ")
		indent := line[:len(line)-len(text)]
		mark, text, _ := strings.Cut(text, " ")
		text = strings.TrimLeft(text, " ")
		first, isNumber := ordinal(mark)
		if text == "" || !isNumber && mark != "-" && mark != "*" {
			break
		}
		switch {
		case !isNumber:
			mark = "•"
		case number == 0:
			number = first
			mark = strconv.Itoa(number) + "."
		default:
			number++
			mark = strconv.Itoa(number) + "."
		}
		b.WriteString(indent + mark + " " + p.read(text, false))
		n += len(line)
		if more {
			b.WriteByte('\n')
			n++
		}
	}
	return b.String(), n
}

// ordinal reads "12." as 12.
func ordinal(mark string) (int, bool) {
	digits, ok := strings.CutSuffix(mark, ".")
	if !ok || !allDigits(digits) {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil
}

func (p discordReader) inline(s string) (string, int) {
	switch s[0] {
	case '\\':
		return escaped(s)
	case '`':
		return code(s)
	case '<':
		return p.angle(s)
	case '[':
		return p.link(s)
	case 'h':
		return bareURL(s)
	case '*':
		return p.longer(s, doubled(s, "**"), starred(s))
	case '_':
		return p.longer(s, doubled(s, "__"), barred(s))
	case '~':
		return p.delimited(s, "~~", "_")
	case '|':
		return p.delimited(s, "||", "")
	}
	const shrug = `¯\_(ツ)_/¯` // the clients leave its escape alone
	if strings.HasPrefix(s, shrug) {
		return shrug, len(shrug)
	}
	return "", 0
}

// escaped reads a backslash before anything but letters, digits and space.
func escaped(s string) (string, int) {
	r, size := utf8.DecodeRuneInString(s[1:])
	if size == 0 || isASCIIWord(r) && r != '_' || unicode.IsSpace(r) {
		return "", 0
	}
	return s[1 : 1+size], 1 + size
}

func isASCIIWord(r rune) bool {
	return r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

// code reads a block or a span of code, inside which nothing is markup.
func code(s string) (string, int) {
	if body, ok := strings.CutPrefix(s, "```"); ok {
		if end := strings.Index(body, "```"); end > 0 {
			text := body[:end]
			if lang, rest, ok := strings.Cut(text, "\n"); ok && isLanguage(lang) {
				text = rest
			}
			if text = strings.Trim(text, "\n"); text != "" {
				return text, len("```") + end + len("```")
			}
		}
	}
	run := len(s) - len(strings.TrimLeft(s, "`"))
	for i := run; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		closing := len(s[i:]) - len(strings.TrimLeft(s[i:], "`"))
		if closing == run {
			return s[run:i], i + run
		}
		i += closing
	}
	return s[:run], run // no end: they are just backticks
}

func isLanguage(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !isASCIIWord(r) && !strings.ContainsRune("+-.#", r) }) < 0
}

// bareURL reads an address, which is shown as it is.
func bareURL(s string) (string, int) {
	if !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "https://") {
		return "", 0
	}
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == '<' })
	if end < 0 {
		end = len(s)
	}
	url := strings.TrimRight(s[:end], `.,:;"']`)
	if strings.HasSuffix(url, "//") || !strings.Contains(url, "//") {
		return "", 0
	}
	return url, len(url)
}

// angle reads what stands in angle brackets: mentions, emoji, times, and
// addresses without a preview.
func (p discordReader) angle(s string) (string, int) {
	end := strings.IndexByte(s, '>')
	if end < 2 {
		return "", 0
	}
	shown := p.reference(s[1:end])
	if shown == "" {
		return "", 0
	}
	return shown, end + 1
}

func (p discordReader) reference(in string) string {
	if strings.HasPrefix(in, "http://") || strings.HasPrefix(in, "https://") {
		if strings.ContainsAny(in, " \n<") {
			return ""
		}
		return in
	}
	if role, ok := strings.CutPrefix(in, "@&"); ok && allDigits(role) {
		return "@role"
	}
	if id := strings.TrimPrefix(in[1:], "!"); in[0] == '@' && allDigits(id) || in[0] == '#' && allDigits(in[1:]) {
		return in[:1] + p.name(in[0], id)
	}
	part := strings.Split(in, ":")
	switch {
	case len(part) == 3 && (part[0] == "" || part[0] == "a") && part[1] != "" && allDigits(part[2]):
		return ":" + part[1] + ":"
	case len(part) == 2 && len(part[0]) > 1 && part[0][0] == '/' && allDigits(part[1]):
		return part[0]
	case (len(part) == 2 || len(part) == 3) && part[0] == "t":
		if sec, err := strconv.ParseInt(part[1], 10, 64); err == nil {
			return time.Unix(sec, 0).UTC().Format("2 January 2006 15:04")
		}
	}
	return ""
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// link reads [text](address). A text that is an address itself is not masked.
func (p discordReader) link(s string) (string, int) {
	depth, mid := 0, -1
	for i := range len(s) {
		switch s[i] {
		case '[':
			depth++
		case ']':
			depth--
		}
		if depth == 0 {
			mid = i
			break
		}
	}
	if mid < 2 || !strings.HasPrefix(s[mid+1:], "(") {
		return "", 0
	}
	size := strings.IndexByte(s[mid+2:], ')')
	if size < 0 {
		return "", 0
	}
	fields := strings.Fields(s[mid+2 : mid+2+size])
	if len(fields) == 0 {
		return "", 0
	}
	target := strings.Trim(fields[0], "<>")
	text := s[1:mid]
	if _, n := bareURL(target); n == 0 || strings.Contains(text, "://") || strings.TrimSpace(text) == "" {
		return "", 0
	}
	return p.read(text, false), mid + 2 + size + 1
}

// longer shows the longer of two spans that begin here, one in double marks
// and one in single ones, each given by its length with marks.
func (p discordReader) longer(s string, double, single int) (string, int) {
	width, n := 2, double
	if single > double {
		width, n = 1, single
	}
	if n == 0 {
		return "", 0
	}
	return p.read(s[width:n-width], false), n
}

// doubled is the length of the span in double marks at the start of s. The
// closing mark is not followed by a third.
func doubled(s, mark string) int {
	if !strings.HasPrefix(s, mark) {
		return 0
	}
	for i := len(mark); i < len(s); i++ {
		if s[i] == '\\' {
			i++
			continue
		}
		end := i + len(mark)
		if i > len(mark) && strings.HasPrefix(s[i:], mark) && (end == len(s) || s[end] != mark[0]) {
			return end
		}
	}
	return 0
}

// starred is the length of the span in single asterisks at the start of s:
// no space after the first nor before the last.
func starred(s string) int {
	for i := 1; i < len(s); i++ {
		space := isSpace(s[i])
		switch {
		case i == 1 && space:
			return 0
		case s[i] == '\\':
			i++
		case strings.HasPrefix(s[i:], "**"):
			i++
		case s[i] == '*' && (i == 1 || isSpace(s[i-1])):
			return 0
		case s[i] == '*':
			return i + 1
		}
	}
	return 0
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// barred is the length of the span in single underscores at the start of s.
// One inside a word does not close it.
func barred(s string) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == '_' && i > 1 && (i+1 == len(s) || !isASCIIWord(rune(s[i+1]))):
			return i + 1
		case strings.HasPrefix(s[i:], "__"):
			i++
		case s[i] == '_':
			return 0
		}
	}
	return 0
}

// delimited reads a span whose mark knows no escapes inside. A closing mark
// followed by notBefore does not count.
func (p discordReader) delimited(s, mark, notBefore string) (string, int) {
	if !strings.HasPrefix(s, mark) {
		return "", 0
	}
	for i := len(mark) + 1; i < len(s); i++ {
		end := i + len(mark)
		if strings.HasPrefix(s[i:], mark) && (notBefore == "" || !strings.HasPrefix(s[end:], notBefore)) {
			return p.read(s[len(mark):i], false), end
		}
	}
	return "", 0
}
