package templates

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A shape is how much of the body is shown.
type shape int

const (
	whole     shape = iota
	paragraph       // the first
	words           // of the first paragraph
)

// attempts are tried in this order until one fits. Dressing goes before the
// operators' words do: a body is cut only where leaving out local times and
// component names does not help.
func attempts() []attempt {
	return []attempt{
		{whole, full}, {whole, lean},
		{paragraph, full}, {paragraph, lean}, {words, lean},
		{whole, short}, {paragraph, short}, {words, short},
		{whole, bare}, {paragraph, bare}, {words, bare},
		{whole, poor}, {paragraph, poor}, {words, poor},
	}
}

type attempt struct {
	shape shape
	level level
}

// keep is how many characters of a body are worth showing, as long as there
// is still something else to leave out.
const keep = 12

// Render puts a message into words for a platform and language and makes it
// fit into the space. The result never measures more than sp.Max. The error
// says that a text failed or that not even the last line fits.
func (s *Set) Render(platform, language string, m Message, sp Space) (Text, error) {
	m = m.cleaned()
	f := fitter{blocks: s.find(platform, language), message: &m, space: sp}
	text, ok, err := f.fit()
	if err == nil && !ok {
		err = fmt.Errorf("no room in %d for %s as a %s on %s", sp.Max, m.Ref, m.Form, platform)
	}
	if err != nil {
		return Text{}, fmt.Errorf("templates: %w", err)
	}
	return text, nil
}

// refRoom is the length of the longest reference: INC-123456789/999999.
const refRoom = 20

// reference returns a reference as it may stand in the last line, which must
// leave room for the rest: references are short and ASCII.
func reference(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), refRoom)]
}

// cleaned returns the message with every text made plain and all that is to be
// said at length in Body.
func (m Message) cleaned() Message {
	m.Ref, m.Link, m.Original = reference(m.Ref), line(m.Link), line(m.Original)
	m.Title, m.Body = line(m.Title), plain(m.Body)
	ref, link, _ := strings.Cut(line(m.Corrects), " ")
	if ref = reference(ref); ref == "" {
		ref = m.Ref
	}
	m.Corrects = ref + " " + link
	if m.Form == Retraction || m.Form == Tombstone {
		m.Body, m.Original = plain(m.Reason), "" // what is withdrawn is not said again
	}
	if m.Title == m.Body {
		m.Title = "" // the operator wrote one line, which is both
	}
	m.Components = slices.Clone(m.Components)
	for i, name := range m.Components {
		m.Components[i] = inline(name)
	}
	if m.Zone == nil {
		m.Zone = time.UTC
	}
	return m
}

// A fitter makes one message fit.
type fitter struct {
	blocks  *blocks
	message *Message
	space   Space
	places  *cuts // of the first paragraph, once they are needed
}

func (f *fitter) fits(text string) bool { return f.space.Measure(text) <= f.space.Max }

func (f *fitter) fit() (Text, bool, error) {
	body := f.message.Body
	first, _, more := strings.Cut(body, "\n\n")
	fitting := map[shape]bool{whole: f.fits(body), paragraph: more && f.fits(first), words: first != ""}
	for _, try := range attempts() {
		if !fitting[try.shape] {
			continue
		}
		frame, err := f.frame(f.message, try.level, try.shape != whole)
		if err != nil {
			return Text{}, false, err
		}
		text, ok := Text{String: fill(frame, first), Cut: true}, false
		switch try.shape {
		case whole:
			text = Text{String: fill(frame, body)}
			ok = f.fits(text.String)
		case paragraph:
			ok = f.fits(text.String)
		case words:
			text.Words = true
			text.String, ok = f.cutWords(frame, first, try.level)
		}
		if ok {
			return text, true, nil
		}
	}
	return f.titleOnly()
}

// cutWords fills the frame with as much of a paragraph as fits: whole words,
// or single characters of a word that is longer than the room.
func (f *fitter) cutWords(frame, paragraph string, lv level) (string, bool) {
	least := 1
	if lv < poor {
		least = min(keep, utf8.RuneCountInString(paragraph))
	}
	if f.places == nil {
		f.places = new(findCuts(headOf(paragraph, f.space)))
	}
	for _, ends := range [][]int{f.places.words, f.places.clusters} {
		end := longest(ends, func(end int) bool { return f.fits(fill(frame, cutAt(paragraph, end))) })
		if end >= 0 && utf8.RuneCountInString(paragraph[:end]) >= least {
			return fill(frame, cutAt(paragraph, end)), true
		}
	}
	return "", false
}

// titleOnly is the last resort: no body, and as much of the title as fits.
func (f *fitter) titleOnly() (Text, bool, error) {
	m := *f.message
	title := clip(m.Title, titleRoom)
	m.Title, m.Body = "", ""
	best, err := f.frame(&m, poor, true)
	if err != nil || !f.fits(best) {
		return Text{}, false, err
	}
	lengths := make([]int, titleRoom)
	for i := range lengths {
		lengths[i] = i + 1
	}
	longest(lengths, func(n int) bool {
		m.Title = clip(title, n)
		text, failed := f.frame(&m, poor, true)
		if failed != nil {
			err = failed
			return false
		}
		if f.fits(text) {
			best = text
			return true
		}
		return false
	})
	return Text{String: best, Cut: true, Words: true}, true, err
}

// fill puts a body into a frame.
func fill(frame, body string) string { return strings.ReplaceAll(frame, bodyMark, body) }

// frame returns the message with a mark for its body, and with the lines that
// are not left to templates.
func (f *fitter) frame(m *Message, lv level, cut bool) (string, error) {
	text, err := f.blocks.layout(m, lv, cut)
	if err != nil {
		return "", err
	}
	if text != "" {
		text += "\n\n"
	}
	if m.Drill {
		text = drillMark + "\n" + text
	}
	return text + footer(m), nil
}

// layout executes the block of a form on a cleaned message.
func (b *blocks) layout(m *Message, lv level, cut bool) (string, error) {
	v, err := newView(b, m, lv, cut)
	if err != nil {
		return "", err
	}
	text, err := b.run(string(m.Form), v)
	return tidy(text), err
}

// tidy removes spaces at line ends, blank lines around the text and all but
// one of those within it.
func tidy(text string) string {
	var kept []string
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line != "" || len(kept) > 0 && kept[len(kept)-1] != "" {
			kept = append(kept, line)
		}
	}
	return strings.TrimRight(strings.Join(kept, "\n"), "\n")
}
