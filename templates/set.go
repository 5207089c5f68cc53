package templates

import (
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template"
	"time"

	"golang.org/x/text/language"

	"github.com/allclear-hq/allclear/internal/incident"
)

// english is the language whose words stand in for missing ones.
const english = "en"

// Platforms lists the platforms that texts can be written for. Any other
// platform gets the texts that are meant for all.
var Platforms = []string{"telegram", "discord", "twitter", "wechat"}

// A Set holds the blocks of every platform and language. It is safe for
// concurrent use.
type Set struct {
	blocks  map[key]*blocks
	version string
	pins    map[string]Pin
}

type key struct{ platform, language string }

// blocks are the texts of one platform and language.
type blocks struct {
	language string
	words    map[string]string // blocks without fields
	texts    *template.Template
	trees    source
}

// Version is a digest of all texts, overrides included: it changes whenever
// the same message might be put differently.
func (s *Set) Version() string { return s.version }

// Status returns the word for a status, for people.
func (s *Set) Status(language string, status incident.Status) string {
	return s.find("", language).words["status."+string(status)]
}

// Impact returns the word for an impact, for people.
func (s *Set) Impact(language string, impact incident.Impact) string {
	return s.find("", language).words["impact."+string(impact)]
}

// Component returns the words for the state of a component, for people.
func (s *Set) Component(language string, state incident.ComponentState) string {
	return s.find("", language).words["component."+string(state)]
}

// find returns the blocks of the platform in the nearest language there is.
func (s *Set) find(platform, language string) *blocks {
	if !slices.Contains(Platforms, platform) {
		platform = ""
	}
	for _, tag := range slices.Backward(lineage(language)) {
		if b := s.blocks[key{platform, tag}]; b != nil {
			return b
		}
	}
	return s.blocks[key{platform, english}] // not reached: lineage begins with English
}

// lineage returns the languages whose texts make up those of a language, from
// the most general: en, zh, zh-Hans, zh-CN.
func lineage(tag string) []string {
	tags := []string{english}
	if t, err := language.Parse(tag); err == nil {
		base, _ := t.Base()
		script, _ := t.Script()
		tags = append(tags, base.String(), base.String()+"-"+script.String())
	}
	tags = append(tags, tag)
	slices.Reverse(tags) // a tag that is named twice counts as the more general
	var unique []string
	for i, tag := range tags {
		if !slices.Contains(tags[i+1:], tag) {
			unique = append(unique, tag)
		}
	}
	slices.Reverse(unique)
	return unique
}

// newSet layers the sources: what is for one language goes before what is for
// a more general one, then what is for one platform before what is for all,
// then an override before what is embedded.
func newSet(builtin, overrides sources, languages []string, sum []byte) (*Set, error) {
	s := &Set{blocks: map[key]*blocks{}, version: hex.EncodeToString(sum)}
	for _, language := range languages {
		for _, platform := range append([]string{""}, Platforms...) {
			merged := source{}
			for _, tag := range lineage(language) {
				for _, name := range []string{tag, platform + "." + tag} {
					maps.Copy(merged, builtin[name])
					maps.Copy(merged, overrides[name])
				}
			}
			if err := checkCycles(merged); err != nil {
				return nil, err
			}
			b, err := newBlocks(language, merged)
			if err != nil {
				return nil, err
			}
			s.blocks[key{platform, language}] = b
		}
	}
	s.pins = map[string]Pin{}
	for _, name := range phrases {
		s.pins[name] = Pin{SHA256: s.pin(name), Builtin: true}
	}
	return s, nil
}

func newBlocks(language string, merged source) (*blocks, error) {
	b := &blocks{language: language, words: map[string]string{}, texts: template.New(""), trees: merged}
	for name, tree := range merged {
		if isWord(name) {
			b.words[name] = strings.Trim(tree.Root.String(), "\n")
		}
		if _, err := b.texts.AddParseTree(name, tree); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// run executes a block that stands on its own line or within one.
func (b *blocks) run(name string, data any) (string, error) {
	var out strings.Builder
	if err := b.texts.ExecuteTemplate(&out, name, data); err != nil {
		return "", fmt.Errorf("text %q in %s: %w", name, b.language, err)
	}
	return out.String(), nil
}

// zone names the zone of t.
func (b *blocks) zone(t time.Time) string {
	if word := b.words["zone."+t.Location().String()]; word != "" {
		return word
	}
	return inline(zoneName(t))
}
