package templates

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// However little room a message has, each of its lines is its title, its body, or one
// that is known.
func TestFramesHaveEveryLine(t *testing.T) {
	s := mustLoad(t, "")
	for _, m := range rehearsals() {
		m.Body, m.Reason = "We say more soon.", "We say more soon."
		for _, platform := range Platforms {
			for _, language := range []string{"en", "zh-Hans"} {
				frames, err := s.Frames(platform, language, m)
				if err != nil {
					t.Fatal(err)
				}
				known := append(strings.Split(strings.Join(frames, "\n"), "\n"), m.Body, m.Title, clip(m.Title, titleRoom))
				for most := 400; ; most -= 9 {
					text, err := s.Render(platform, language, m, Space{most, utf8.RuneCountInString})
					if err != nil || text.Words {
						break // from there on not even its words are whole
					}
					for line := range strings.SplitSeq(text.String, "\n") {
						if !slices.Contains(known, line) {
							t.Fatalf("%s in %d: the line %q is in none of the frames:\n%s", m.Form, most, line, text.String)
						}
					}
				}
			}
		}
	}
}
