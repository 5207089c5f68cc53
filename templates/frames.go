package templates

import (
	"slices"
	"strings"
)

// Frames are all texts that Render may put around a message's title and body, however
// much room there is. A line that one of them shares with other words is there with
// it, as if a body always had room.
func (s *Set) Frames(platform, language string, m Message) ([]string, error) {
	m = m.cleaned()
	title := m.Title
	if title != "" {
		m.Title = titleMark
	}
	f := fitter{blocks: s.find(platform, language), message: &m}
	var out []string
	for lv := full; lv <= poor; lv++ {
		for _, cut := range []bool{false, true} {
			frame, err := f.frame(&m, lv, cut)
			if err != nil {
				return nil, err
			}
			frame = without(frame, titleMark, bodyMark)
			shown := title
			if lv >= short {
				shown = clip(title, titleRoom)
			}
			out = append(out, fill(strings.ReplaceAll(frame, titleMark, shown), m.Body))
		}
	}
	return out, nil
}

// without is a text without the lines that are one of the marks.
func without(text string, marks ...string) string {
	lines := strings.Split(text, "\n")
	return strings.Join(slices.DeleteFunc(lines, func(line string) bool { return slices.Contains(marks, line) }), "\n")
}

// Counts are the lines that a message has because its incident has moved on, or
// because updates before it are missing, as they are with more and with less room.
func (s *Set) Counts(platform, language string, m Message) ([]string, error) {
	m = Message{Form: m.Form, Kind: m.Kind, Status: m.Status, Impact: m.Impact, At: m.At, Zone: m.Zone, Head: m.Head, Missed: m.Missed}.cleaned()
	without := m
	without.Head, without.Missed = Head{}, 0
	b := s.find(platform, language)
	var out []string
	for lv := range short { // from there on they are left out
		text, err := b.layout(&m, lv, false)
		if err != nil {
			return nil, err
		}
		other, err := b.layout(&without, lv, false)
		if err != nil {
			return nil, err
		}
		others := strings.Split(other, "\n")
		for line := range strings.SplitSeq(text, "\n") {
			if !slices.Contains(others, line) {
				out = append(out, line)
			}
		}
	}
	return out, nil
}
