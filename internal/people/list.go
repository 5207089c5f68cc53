package people

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A List is a file of subscribers: CSV with a heading, or JSON Lines, told
// apart by how it begins. Each line stands alone, so that a list can be sent
// in parts and taken up again. Nothing but the columns is kept of it.
type List struct {
	Languages  []string // of the site; a list may name no other
	Language   string   // of who is new where his line names none
	Components []string // ids; a list may name no other
	Any        bool     // it is not known here which languages and components there are
}

// Columns are those of a list. Only the first is required: what is said of nobody
// in the others is as usual for who is new, and stays as it is for all others.
var columns = []string{"chat_id", "language", "components", "impact", "topic"}

// howBegun is how a list with a heading begins.
const howBegun = "begin a CSV with chat_id,language,components,impact,topic"

// maxLine is the longest line of a list, in bytes.
const maxLine = 64 << 10

// A LineError is what is wrong with a line of a list.
type LineError struct {
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// Lines calls each for every line of a list that is not empty, with the
// heading that it stands under, which JSON Lines do not have. It does not read
// ahead, and ends with the first error.
func Lines(r io.Reader, each func(n int, heading, line string) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), maxLine)
	n, heading, begun := 0, "", false
	for lines.Scan() {
		n++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\uFEFF"))
		switch {
		case line == "":
			continue
		case !begun && (!utf8.ValidString(line) || strings.ContainsRune(line, 0)):
			return &LineError{n, errors.New("it is no text in UTF-8: save the list as CSV in UTF-8")}
		case !begun && strings.HasPrefix(line, "["):
			return &LineError{n, errors.New("JSON Lines have one object a line, without [ and ] around them")}
		case !begun && !strings.HasPrefix(line, "{"):
			if _, err := readHeading(line); err != nil {
				return &LineError{n, err}
			}
			heading = line
		default:
			if err := each(n, heading, line); err != nil {
				return err
			}
		}
		begun = true
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return &LineError{n + 1, fmt.Errorf("it has more than %d bytes: this is no list of subscribers", maxLine)}
	}
	return lines.Err()
}

// errQuote is what is wrong with a line where a quotation does not end, after
// which nobody knows where the next one begins.
var errQuote = errors.New("it is no line of a CSV: quote a field that has a comma or a quotation mark")

// Read calls each for every subscriber of a list, with the number of his line,
// and refused for every line that is none. It ends with the first error of
// theirs, and where it cannot be known what the rest of the list says.
func (l *List) Read(r io.Reader, each func(n int, s Subscriber) error, refused func(*LineError) error) error {
	var under []string
	return Lines(r, func(n int, heading, line string) error {
		if under == nil && heading != "" {
			under, _ = readHeading(heading) // which Lines has checked
		}
		s, err := l.line(under, line)
		switch {
		case errors.Is(err, errQuote):
			return &LineError{n, err}
		case err != nil:
			return refused(&LineError{n, err})
		}
		return each(n, s)
	})
}

func (l *List) line(heading []string, line string) (Subscriber, error) {
	if heading == nil {
		return l.json(line)
	}
	return l.csv(heading, line)
}

func readHeading(line string) ([]string, error) {
	names, err := fields(line)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if !slices.Contains(columns, names[i]) || slices.Contains(names[:i], names[i]) {
			return nil, fmt.Errorf("%q is no column, or stands twice: "+howBegun, clip(name))
		}
	}
	if !slices.Contains(names, columns[0]) {
		return nil, errors.New("there is no column chat_id: " + howBegun)
	}
	return names, nil
}

// fields splits one line of a CSV.
func fields(line string) ([]string, error) {
	if !strings.Contains(line, `"`) { // as almost all, of which a reader for each would be thrown away
		return strings.Split(line, ","), nil
	}
	r := csv.NewReader(strings.NewReader(line))
	r.FieldsPerRecord = -1
	names, err := r.Read()
	if err != nil {
		return nil, errQuote
	}
	return names, nil
}

func (l *List) csv(heading []string, line string) (Subscriber, error) {
	values, err := fields(line)
	if err != nil {
		return Subscriber{}, err
	}
	if len(values) > len(heading) {
		return Subscriber{}, fmt.Errorf("it has %d fields, the heading %d", len(values), len(heading))
	}
	var e entry
	for i, v := range values {
		v = strings.TrimSpace(v)
		switch heading[i] {
		case "chat_id":
			e.Chat = json.Number(v)
		case "language":
			e.Language = v
		case "components":
			e.Components = strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' || r == ';' })
		case "impact":
			e.Impact = incident.Impact(v)
		case "topic":
			e.Topic = json.Number(v)
		}
	}
	return l.subscriber(e)
}

// An entry is a line of a list.
type entry struct {
	Chat       json.Number     `json:"chat_id"`
	Language   string          `json:"language"`
	Components []string        `json:"components"`
	Impact     incident.Impact `json:"impact"`
	Topic      json.Number     `json:"topic,omitempty"`
}

func (l *List) json(line string) (Subscriber, error) {
	dec := json.NewDecoder(strings.NewReader(line))
	dec.DisallowUnknownFields()
	var e entry
	if err := dec.Decode(&e); err != nil || dec.InputOffset() != int64(len(line)) {
		return Subscriber{}, errors.New("it is no JSON object with chat_id, language, components (a list), impact and topic")
	}
	return l.subscriber(e)
}

// subscriber checks an entry.
func (l *List) subscriber(e entry) (s Subscriber, err error) {
	if s.Chat, err = strconv.ParseInt(e.Chat.String(), 10, 64); err != nil || s.Chat == 0 || s.Chat > maxChat || s.Chat < -maxChat {
		return s, fmt.Errorf("chat_id %q is not the number of a chat", clip(e.Chat.String()))
	}
	s.Unsaid = Unsaid{e.Language == "", e.Impact == "", len(e.Components) == 0, e.Topic == ""}
	s.Language = cmp.Or(e.Language, l.Language)
	if !l.Any && !slices.Contains(l.Languages, s.Language) {
		return s, fmt.Errorf("language %q is not one of %s", clip(s.Language), strings.Join(l.Languages, ", "))
	}
	s.Impact = cmp.Or(e.Impact, incident.ImpactNone)
	if !slices.Contains(incident.Impacts, s.Impact) {
		return s, fmt.Errorf("impact %q is not one of none, minor, major, critical", clip(string(s.Impact)))
	}
	if !s.Unsaid.Topic {
		if s.Topic, err = topicIn(e.Topic.String()); err != nil {
			return s, err
		}
	}
	switch first := e.Components; {
	case len(first) == 0, len(first) == 1 && first[0] == "all":
		s.All = true
		return s, nil
	case len(first) == 1 && first[0] == "none": // who follows single incidents
		return s, nil
	}
	for _, id := range e.Components {
		if !l.Any && !slices.Contains(l.Components, id) {
			return s, fmt.Errorf("there is no component %q: the components are %s", clip(id), strings.Join(l.Components, ", "))
		}
		if !slices.Contains(s.Components, id) {
			s.Components = append(s.Components, id)
		}
	}
	return s, nil
}

// topicIn reads the topic of an entry. A topic has the number of a message.
func topicIn(text string) (topic int64, err error) {
	topic, err = strconv.ParseInt(text, 10, 32)
	if err != nil || topic < 0 {
		return 0, fmt.Errorf("topic %q is not the number of a topic: use 0 for the general one, or none", clip(text))
	}
	return topic, nil
}

// maxChat is the largest id of a chat: they have at most 52 significant bits
// (core.telegram.org/bots/api#chat).
const maxChat = 1 << 52

// clip shortens what was found where something else was expected.
func clip(s string) string {
	if r := []rune(strings.ToValidUTF8(s, "\uFFFD")); utf8.RuneCountInString(s) > 40 {
		return string(r[:min(40, len(r))]) + "…"
	}
	return s
}

// A Writer writes a list.
type Writer struct {
	w    *bufio.Writer
	csv  *csv.Writer
	json *json.Encoder
}

// NewWriter begins a list, as JSON Lines or as CSV.
func NewWriter(w io.Writer, jsonLines bool) *Writer {
	out := &Writer{w: bufio.NewWriter(w)}
	if jsonLines {
		out.json = json.NewEncoder(out.w)
		return out
	}
	out.csv = csv.NewWriter(out.w)
	_ = out.csv.Write(columns) // Flush says what went wrong
	return out
}

// Add writes a subscriber.
func (w *Writer) Add(s Subscriber) error {
	components := s.Components
	switch {
	case s.All:
		components = []string{"all"}
	case len(components) == 0:
		components = []string{"none"}
	}
	chat, topic := strconv.FormatInt(s.Chat, 10), strconv.FormatInt(s.Topic, 10)
	if w.json != nil {
		return w.json.Encode(entry{json.Number(chat), s.Language, components, s.Impact, json.Number(topic)})
	}
	return w.csv.Write([]string{chat, s.Language, strings.Join(components, " "), string(s.Impact), topic})
}

// Flush ends the list.
func (w *Writer) Flush() error {
	if w.csv != nil {
		w.csv.Flush()
		if err := w.csv.Error(); err != nil {
			return err
		}
	}
	return w.w.Flush()
}

// Imported counts what came of a list.
type Imported struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Left      int `json:"left"` // who stopped, blocked the bot or is gone, and stays so
}

// Lines is how many were read.
func (n *Imported) Lines() int { return n.Added + n.Changed + n.Unchanged + n.Left }

// Add adds the counts of another part.
func (n *Imported) Add(m Imported) {
	n.Added += m.Added
	n.Changed += m.Changed
	n.Unchanged += m.Unchanged
	n.Left += m.Left
}

// mostListed is how many lines are listed of those that are refused, since a
// list may be wrong from its beginning to its end.
const mostListed = 20

// Refused are the lines of a list that are wrong.
type Refused struct {
	Count int       `json:"count"`
	First []BadLine `json:"first"` // in their order, not all where they are many
}

// A BadLine says what is wrong with a line.
type BadLine struct {
	Line   int    `json:"line"`
	Detail string `json:"detail"`
}

// Refuse adds a line, which comes later in the list.
func (r *Refused) Refuse(line int, why error) {
	r.Add(Refused{Count: 1, First: []BadLine{{Line: line, Detail: why.Error()}}})
}

// Add adds those of another part, which comes later in the list.
func (r *Refused) Add(more Refused) {
	r.Count += more.Count
	r.First = append(r.First, more.First[:min(len(more.First), mostListed-len(r.First))]...)
}
