package config

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// text reports whether data is text at all.
func (d *document) text(data []byte) bool {
	if len(bytes.TrimSpace(data)) == 0 {
		d.faults = append(d.faults, finding{0, "the file is empty; write it from config.example.toml"})
	} else if i := invalidUTF8(data); i >= 0 {
		d.faults = append(d.faults, finding{lineOf(data, i), fmt.Sprintf("byte 0x%02x is not UTF-8 text; save the file as UTF-8", data[i])})
	}
	return len(d.faults) == 0
}

// lineOf is the line in which the i-th byte stands.
func lineOf(data []byte, i int) int { return 1 + bytes.Count(data[:i], []byte("\n")) }

// invalidUTF8 returns the place of the first byte that is not UTF-8 text, or
// -1. A zero byte is a sign of UTF-16.
func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 || r == 0 {
			return i
		}
		i += n
	}
	return -1
}

// syntax reports an error of the TOML library.
func (d *document) syntax(data []byte, err error) {
	var pe toml.ParseError
	if !errors.As(err, &pe) { // does not happen when a map is decoded
		d.faults = append(d.faults, finding{0, "not TOML; see https://toml.io for how to write it"})
		return
	}
	// Position.Line is one too many where a line ends too soon.
	start := min(max(pe.Position.Start, 0), len(data))
	d.faults = append(d.faults, finding{lineOf(data, start), reword(pe.Message)})
}

// reword says a message of the library (its lex.go and parse.go) so that it
// tells what to do, and without what it repeats from the file: that may be a
// secret that lacks its quotes.
func reword(message string) string {
	text := strings.Join(strings.Fields(message), " ")
	switch {
	case strings.Contains(text, "out of range"):
		return "a number is too large; if it is an id or a secret, write it in quotes"
	case strings.HasPrefix(text, "unexpected EOF; expected '"):
		return "the closing quotes are missing; text ends with the quotes that began it"
	case strings.HasPrefix(text, "strings cannot contain newlines"):
		return "the closing quote is missing; text in quotes ends on its line"
	case strings.HasPrefix(text, "invalid escape"):
		return `a backslash begins something unknown; write \\ for a backslash, or the text in single quotes`
	case strings.HasPrefix(text, "expected value but found"), strings.HasPrefix(text, "unexpected EOF; expected value"):
		return "a value is missing or lacks quotes; text stands in double quotes"
	case strings.HasPrefix(text, "Key '"):
		return "key " + strings.TrimSuffix(strings.TrimPrefix(text, "Key "), ".") + "; each table and key stands once"
	default:
		return quotation.ReplaceAllStringFunc(text, shorten) + "; see https://toml.io for how to write it"
	}
}

var quotation = regexp.MustCompile(`"[^"]*"|'[^']*'`)

// shorten keeps quotations of single characters.
func shorten(q string) string {
	switch {
	case q == `'\n'`:
		return "the end of the line"
	case utf8.RuneCountInString(q) > 3:
		return "…"
	default:
		return q
	}
}
