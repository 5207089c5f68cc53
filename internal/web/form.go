package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBody is the largest body of a request, in bytes.
const maxBody = 1 << 20

// A form is the JSON object of a request. Its fields are taken out one by one;
// what is wrong with them is collected, and done reports all of it at once.
// Names are exact, nothing may be given twice, and nothing may be left over.
type form struct {
	body     []byte
	fields   map[string]field
	known    []string
	problems []fieldError
}

// A field is a value in a body.
type field struct {
	raw json.RawMessage
	at  int // its offset in the body
}

// readForm reads the body of a request.
func readForm(w http.ResponseWriter, r *http.Request) (*form, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLong, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes: shorten it", tooLong.Limit)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "the body did not arrive whole: send it again")
	}
	if len(body) > 0 {
		media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || media != "application/json" {
			return nil, refuse(http.StatusUnsupportedMediaType, "the body is not marked as JSON: send Content-Type: application/json")
		}
	}
	return parseForm(body)
}

// parseForm reads a body. An empty one is an empty object.
func parseForm(body []byte) (*form, error) {
	f := &form{body: body}
	if len(bytes.TrimSpace(body)) == 0 {
		return f, nil
	}
	if at := invalidUTF8(body); at >= 0 {
		return nil, f.malformed(at, "this is not UTF-8")
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		at := len(body)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = max(int(syntax.Offset)-1, 0)
		}
		return nil, f.malformed(at, err.Error())
	}
	fields, err := members(whole, bytes.IndexByte(body, '{'))
	if err != nil {
		return nil, f.malformed(err.at, err.text)
	}
	f.fields = fields
	return f, nil
}

func invalidUTF8(b []byte) int {
	for i := 0; i < len(b); {
		r, size := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// malformed refuses a body that is no JSON object.
func (f *form) malformed(at int, what string) error {
	e := f.fault("", at, "%s", what)
	p := refuse(http.StatusBadRequest, "the body is not the JSON object that is expected here: line %d: %s", e.Line, what)
	p.Errors = []fieldError{e}
	return p
}

func (f *form) fault(name string, at int, format string, args ...any) fieldError {
	e := fieldError{Detail: fmt.Sprintf(format, args...), Offset: at, Line: 1 + bytes.Count(f.body[:at], []byte("\n"))}
	if name != "" {
		e.Pointer = "#/" + name
	}
	return e
}

// wrong notes what is wrong with a field.
func (f *form) wrong(name string, at int, format string, args ...any) {
	f.problems = append(f.problems, f.fault(name, at, format, args...))
}

// A memberError is why a text is no object that can be used.
type memberError struct {
	at   int
	text string
}

// members splits a valid JSON text that begins at base into the members of
// its object.
func members(text json.RawMessage, base int) (map[string]field, *memberError) {
	base = max(base, 0)
	text = bytes.TrimSpace(text)
	if !bytes.HasPrefix(text, []byte("{")) {
		return nil, &memberError{base, "it begins with something else than {"}
	}
	fields := map[string]field{}
	dec := json.NewDecoder(bytes.NewReader(text))
	if _, err := dec.Token(); err != nil {
		return nil, &memberError{base, err.Error()}
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, &memberError{base, err.Error()}
		}
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return nil, &memberError{base, err.Error()}
		}
		at := base + int(dec.InputOffset()) - len(raw)
		if _, twice := fields[name.(string)]; twice {
			return nil, &memberError{at, fmt.Sprintf("%q is given twice", name)}
		}
		fields[name.(string)] = field{raw, at}
	}
	return fields, nil
}

// get takes a field out of the form. A field that is null was not given.
func (f *form) get(name string) (field, bool) {
	f.known = append(f.known, name)
	v, ok := f.fields[name]
	return v, ok && string(v.raw) != "null"
}

// take decodes a field of a plain type; want says in words what it has to be.
func take[T any](f *form, name, want string) (value T) {
	v, ok := f.get(name)
	if !ok {
		return value
	}
	if err := json.Unmarshal(v.raw, &value); err != nil {
		f.wrong(name, v.at, "%s has to be %s", name, want)
		var zero T
		return zero
	}
	return value
}

func (f *form) text(name string) string    { return take[string](f, name, "a string") }
func (f *form) flag(name string) bool      { return take[bool](f, name, "true or false") }
func (f *form) texts(name string) []string { return take[[]string](f, name, "a list of strings") }

// word takes a field that has to be one of some words.
func word[T ~string](f *form, name string, words []T) T {
	v, ok := f.get(name)
	if !ok {
		return ""
	}
	var s T
	if json.Unmarshal(v.raw, &s) != nil || !slices.Contains(words, s) {
		f.wrong(name, v.at, "%s has to be one of %s", name, list(words))
		return ""
	}
	return s
}

func list[T ~string](words []T) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = fmt.Sprintf("%q", string(w))
	}
	return strings.Join(quoted, ", ")
}

// done refuses the form if anything is wrong with it.
func (f *form) done() error {
	for name, v := range f.fields {
		if !slices.Contains(f.known, name) {
			f.wrong(pointerEscape(name), v.at, "%q is not known here: %s", name, f.expected())
		}
	}
	if len(f.problems) == 0 {
		return nil
	}
	slices.SortFunc(f.problems, func(a, b fieldError) int { return a.Offset - b.Offset })
	first := f.problems[0]
	p := refuse(http.StatusUnprocessableEntity, "line %d: %s", first.Line, first.Detail)
	if more := len(f.problems) - 1; more > 0 {
		p.Detail += fmt.Sprintf(" (and %d more in errors)", more)
	}
	p.Errors = f.problems
	return p
}

func (f *form) expected() string {
	if len(f.known) == 0 {
		return "no fields are expected"
	}
	return "the fields are " + strings.Join(f.known, ", ")
}

// pointerEscape writes a name as one step of a JSON pointer in a URI fragment.
func pointerEscape(name string) string {
	name = strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	return strings.NewReplacer("%", "%25", " ", "%20", "\"", "%22", "#", "%23").Replace(name)
}
