package templates

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// phrases are the blocks that are a whole text of their own, the same on every
// platform.
var phrases = append(slices.Clone(incident.ApprovedPhrases), incident.ScopePhrase, incident.MovedPhrase)

// A phrase is what such a block sees: words in its language, empty where there
// is nothing to say.
type phrase struct {
	Components        string // one or more names
	Impact, WasImpact string
	Changes           string // a line for each component that changed
	Next, Was         string // promises
}

// Phrase returns a text that nobody typed.
func (s *Set) Phrase(language, name string, p incident.Phrase) (string, error) {
	b := s.find("", language)
	if p.Zone == nil {
		p.Zone = time.UTC
	}
	v := phrase{Impact: b.words["impact."+string(p.Impact)], WasImpact: b.words["impact."+string(p.WasImpact)]}
	names := make([]string, len(p.Components))
	for i, name := range p.Components {
		names[i] = inline(name)
	}
	v.Components = strings.Join(names, b.words["comma"])
	lines := make([]string, len(p.States))
	for i, c := range p.States {
		lines[i] = inline(c.Name) + b.words["colon"] + b.words["component."+string(c.State)]
	}
	v.Changes = strings.Join(lines, "\n")
	c := calendar{words: b, said: p.At, zone: p.Zone}
	var err error
	if v.Next, err = c.moment(p.Next); err != nil {
		return "", err
	}
	if v.Was, err = c.moment(p.Was); err != nil {
		return "", err
	}
	text, err := b.run(name, v)
	return plain(tidy(text)), err
}

// A Pin identifies a text in all its languages, so that who approved it
// approved exactly these words.
type Pin struct {
	SHA256  string // in hexadecimal digits
	Builtin bool   // no override has a part in it
}

// Pin returns the pin of a text that nobody types.
func (s *Set) Pin(name string) Pin { return s.pins[name] }

// pin hashes what a block and all that it calls say in each language.
func (s *Set) pin(name string) string {
	sum := sha256.New()
	for _, k := range slices.SortedFunc(maps.Keys(s.blocks), compareKeys) {
		if k.platform == "" {
			fmt.Fprintf(sum, "%q\n", k.language)
			s.blocks[k].write(sum, name)
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// write writes out a block and those that it calls.
func (b *blocks) write(w io.Writer, name string) {
	root := b.texts.Lookup(name).Root
	fmt.Fprintf(w, "%q %q\n", name, root.String())
	for _, called := range calls(root) {
		b.write(w, called)
	}
}

// rehearsePhrases tries the texts that nobody types.
func rehearsePhrases(s *Set, language string) error {
	at := time.Date(2026, 11, 30, 12, 18, 0, 0, time.UTC)
	examples := []incident.Phrase{
		{At: at, Next: at.Add(time.Hour), Was: at.Add(time.Minute), Zone: time.FixedZone("SGT", 8*60*60), Components: []string{"Login", "Withdrawals"},
			States: []incident.NamedState{{Name: "Login", State: incident.MajorOutage}}, Impact: incident.Critical, WasImpact: incident.Minor},
		{At: at},
	}
	for _, name := range phrases {
		for _, p := range examples {
			text, err := s.Phrase(language, name, p)
			title, body, _ := strings.Cut(text, "\n")
			switch {
			case err != nil:
				return err
			case text == "" && !(name == incident.ScopePhrase && p.Impact == ""):
				return fmt.Errorf("renders empty: say something, or remove the block")
			case name == incident.AckPhrase && (strings.TrimSpace(body) == "" || len([]rune(title)) > incident.MaxTitle):
				return fmt.Errorf("has no title and text: write the title on the first line and the text below")
			}
		}
	}
	return nil
}
