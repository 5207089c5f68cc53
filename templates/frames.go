package templates

import (
	"slices"
	"strings"
)

// Frames are all texts that Render may make of a message, however much room
// there is, as if its body always had room.
func (s *Set) Frames(platform, language string, m Message) ([]string, error) {
	m = m.cleaned()
	f := fitter{blocks: s.find(platform, language), message: &m}
	var out []string
	for lv := full; lv <= poor; lv++ {
		for _, cut := range []bool{false, true} {
			frame, err := f.frame(&m, lv, cut)
			if err != nil {
				return nil, err
			}
			out = append(out, fill(frame, m.Body))
		}
	}
	return out, nil
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
