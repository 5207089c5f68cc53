package sim

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// htmlReader reads the HTML of parse_mode as core.telegram.org/bots/api,
// "HTML style", describes and parse_html of tdlib/td does it.
type htmlReader struct {
	in       string
	pos      int
	out      strings.Builder
	units    int // length of out in UTF-16 code units
	open     []htmlTag
	entities []tgEntity
}

type htmlTag struct {
	name  string
	attrs map[string]string
	units int    // where it began in the shown text
	bytes int    // the same, in bytes
	lang  string // of a pre, from a code inside
}

// parseHTML returns the shown text and its entities.
func parseHTML(s string) (string, []tgEntity, error) {
	h := &htmlReader{in: s}
	for h.pos < len(h.in) {
		if err := h.step(); err != nil {
			return "", nil, err
		}
	}
	if n := len(h.open); n > 0 {
		return "", nil, fmt.Errorf("Can't find end tag corresponding to start tag %q", h.open[n-1].name)
	}
	sortEntities(h.entities)
	return h.out.String(), h.entities, nil
}

func (h *htmlReader) step() error {
	switch rest := h.in[h.pos:]; {
	case strings.HasPrefix(rest, "</"):
		return h.end()
	case rest[0] == '<':
		return h.start()
	case rest[0] == '&':
		if r, n := htmlEntity(rest); n > 0 {
			h.show(r)
			h.pos += n
			return nil
		}
		fallthrough
	default:
		r, n := utf8.DecodeRuneInString(rest)
		h.show(r)
		h.pos += n
		return nil
	}
}

func (h *htmlReader) show(r rune) {
	h.out.WriteRune(r)
	h.units += utf16.RuneLen(r)
}

// htmlEntity reads one of the four names or a number; n is 0 for none.
func htmlEntity(s string) (r rune, n int) {
	body, _, ok := strings.Cut(s[1:], ";")
	if !ok || len(body) > 10 {
		return 0, 0
	}
	n = len(body) + 2
	switch body {
	case "lt":
		return '<', n
	case "gt":
		return '>', n
	case "amp":
		return '&', n
	case "quot":
		return '"', n
	}
	digits, ok := strings.CutPrefix(body, "#")
	base := 10
	if hex, isHex := strings.CutPrefix(strings.ToLower(digits), "x"); isHex {
		digits, base = hex, 16
	}
	code, err := strconv.ParseUint(digits, base, 21)
	if !ok || err != nil || code == 0 || !utf8.ValidRune(rune(code)) {
		return 0, 0
	}
	return rune(code), n
}

// start reads "<name attribute="value">".
func (h *htmlReader) start() error {
	begin := h.pos
	name := strings.ToLower(h.until(begin+1, " \t\n>"))
	if h.pos >= len(h.in) {
		return errorAt(begin, "Unclosed start tag")
	}
	tag := htmlTag{name: name, attrs: map[string]string{}, units: h.units, bytes: h.out.Len()}
	if tag.entity() == "" && name != "span" {
		return errorAt(begin, "Unsupported start tag %q", name)
	}
	for {
		h.skipSpace()
		if h.pos >= len(h.in) {
			return errorAt(begin, "Unclosed start tag")
		}
		if h.in[h.pos] == '>' {
			h.pos++
			break
		}
		if err := h.attribute(begin, &tag); err != nil {
			return err
		}
	}
	if tag.entity() == "" {
		return errorAt(begin, `Tag "span" must have class "tg-spoiler"`)
	}
	h.open = append(h.open, tag)
	return nil
}

// attribute reads one attribute; "expandable" has no value.
func (h *htmlReader) attribute(begin int, tag *htmlTag) error {
	name := strings.ToLower(h.until(h.pos, " \t\n=>"))
	h.skipSpace()
	if h.pos < len(h.in) && h.in[h.pos] != '=' && name != "" {
		tag.attrs[name] = ""
		return nil
	}
	if name == "" {
		return errorAt(begin, "Empty attribute name in the tag %q", tag.name)
	}
	h.pos++
	h.skipSpace()
	if h.pos >= len(h.in) {
		return errorAt(begin, "Unclosed start tag")
	}
	quote := h.in[h.pos]
	if quote != '"' && quote != '\'' {
		tag.attrs[name] = strings.ToLower(h.until(h.pos, " \t\n>"))
		return nil
	}
	raw := h.until(h.pos+1, string(quote))
	if h.pos >= len(h.in) {
		return errorAt(begin, "Unclosed start tag")
	}
	h.pos++
	tag.attrs[name] = unescapeHTML(raw)
	return nil
}

// until reads from a position up to one of the stops, which stays.
func (h *htmlReader) until(from int, stops string) string {
	h.pos = from
	if n := strings.IndexAny(h.in[from:], stops); n >= 0 {
		h.pos += n
	} else {
		h.pos = len(h.in)
	}
	return h.in[from:h.pos]
}

func (h *htmlReader) skipSpace() {
	for h.pos < len(h.in) && strings.IndexByte(" \t\n\r", h.in[h.pos]) >= 0 {
		h.pos++
	}
}

func unescapeHTML(s string) string {
	var b strings.Builder
	for s != "" {
		if s[0] == '&' {
			if r, n := htmlEntity(s); n > 0 {
				b.WriteRune(r)
				s = s[n:]
				continue
			}
		}
		b.WriteByte(s[0])
		s = s[1:]
	}
	return b.String()
}

// end reads "</name>".
func (h *htmlReader) end() error {
	begin := h.pos
	if len(h.open) == 0 {
		return errorAt(begin, "Unexpected end tag")
	}
	name := strings.ToLower(h.until(begin+2, " \t\n>"))
	h.skipSpace()
	if h.pos >= len(h.in) || h.in[h.pos] != '>' {
		return errorAt(begin, "Unclosed end tag")
	}
	h.pos++
	tag := h.open[len(h.open)-1]
	if name != "" && name != tag.name {
		return fmt.Errorf("Unmatched end tag at byte offset %d, expected \"</%s>\", found \"</%s>\"", begin, tag.name, name)
	}
	h.open = h.open[:len(h.open)-1]
	h.mark(tag)
	return nil
}

// mark makes the entity of a closed tag.
func (h *htmlReader) mark(tag htmlTag) {
	e := tgEntity{Type: tag.entity(), Offset: tag.units, Length: h.units - tag.units}
	switch {
	case e.Length == 0:
		return
	case tag.name == "a":
		href, ok := tag.attrs["href"]
		if !ok {
			href = h.out.String()[tag.bytes:]
		}
		if e.URL = linkTarget(href); e.URL == "" {
			return
		}
	case tag.name == "code" && len(h.open) > 0 && h.open[len(h.open)-1].name == "pre":
		h.open[len(h.open)-1].lang, _ = strings.CutPrefix(tag.attrs["class"], "language-")
		return
	case tag.name == "pre":
		e.Language = tag.lang
	case tag.name == "tg-emoji":
		e.EmojiID = tag.attrs["emoji-id"]
	}
	h.entities = append(h.entities, e)
}

// linkTarget is the address of a text link, or empty where Telegram would not
// make it a link.
func linkTarget(href string) string {
	u, err := url.Parse(strings.TrimSpace(href))
	switch {
	case err != nil:
		return ""
	case u.Scheme == "tg":
		return u.String()
	case u.Scheme == "":
		u, err = url.Parse("http://" + strings.TrimSpace(href))
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.Contains(u.Host, ".") {
		return ""
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u.String()
}

// entity is the type of entity that a tag makes; empty for unknown tags, and
// for a span until its class is known.
func (tag htmlTag) entity() string {
	switch tag.name {
	case "b", "strong":
		return "bold"
	case "i", "em":
		return "italic"
	case "u", "ins":
		return "underline"
	case "s", "strike", "del":
		return "strikethrough"
	case "tg-spoiler":
		return "spoiler"
	case "span":
		if tag.attrs["class"] == "tg-spoiler" {
			return "spoiler"
		}
	case "a":
		return "text_link"
	case "code", "pre":
		return tag.name
	case "tg-emoji":
		return "custom_emoji"
	case "blockquote":
		if _, ok := tag.attrs["expandable"]; ok {
			return "expandable_blockquote"
		}
		return "blockquote"
	}
	return ""
}
