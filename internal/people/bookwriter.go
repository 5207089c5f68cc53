package people

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// A writer fills the pages of a book. What is counted in messages is the same on
// many pages of an incident, which may have hundreds: it is put into words once
// for all of them.
type writer struct {
	BookConfig
	heads  map[opening]map[string]int
	missed map[incident.Kind]*missing
}

// An opening is what head lines depend on beside what became of the incident. Times
// are told from the day of the message.
type opening struct {
	incident incident.Ref
	status   incident.Status
	impact   incident.Impact
	day      string
}

// missing says in words that up to so many updates were missed.
type missing struct {
	most  int
	lines map[string]int
}

func newWriter(c BookConfig) *writer {
	return &writer{BookConfig: c, heads: map[opening]map[string]int{}, missed: map[incident.Kind]*missing{}}
}

// write fills a page.
func (w *writer) write(p *page, i *incident.Incident, n, r int) error {
	if r == 0 {
		p.quote(i.Update(n).Retraction.Reason)
		return w.renderAll(p, func(lang string) []templates.Message { return broadcast.Withdrawals(i, n, lang, w.Policy) })
	}
	rev := i.Update(n).Revision(r)
	for _, lang := range slices.Sorted(maps.Keys(rev.Body)) {
		p.quote(rev.Body[lang])
	}
	p.quoteTitle(rev.Title)
	err := w.renderAll(p, func(lang string) []templates.Message { return broadcast.Wordings(i, n, r, lang, w.Policy) })
	if err != nil {
		return err
	}
	if p.heads, err = w.headsOf(i, i.Update(n)); err != nil {
		return err
	}
	p.missed, err = w.missedOf(i.Kind, len(i.Updates)-1)
	return err
}

// renderAll adds what messages say in each language and on each platform.
func (w *writer) renderAll(p *page, messages func(lang string) []templates.Message) error {
	seen := map[string]bool{} // lines: most of them are in many messages
	for _, lang := range w.Languages {
		for _, m := range messages(lang) {
			p.head(m.Title)
			for _, platform := range templates.Platforms {
				texts, err := w.Texts.Frames(platform, lang, m)
				if err != nil {
					return err
				}
				for _, text := range texts {
					p.read(text, seen)
				}
			}
		}
	}
	return nil
}

// read adds the sentences of a text, but for lines that it was seen to have.
func (p *page) read(text string, seen map[string]bool) {
	for line := range strings.Lines(text) {
		if seen[line] {
			continue
		}
		seen[line] = true
		for _, s := range sentences(line) {
			p.sentences[s] = true
		}
	}
}

// headsOf are the head lines that a first post about an update may have had.
func (w *writer) headsOf(i *incident.Incident, u *incident.Update) (map[string]int, error) {
	day := u.PublishedAt.UTC().Format(time.DateOnly)
	if w.Policy.Zone != nil {
		day += u.PublishedAt.In(w.Policy.Zone).Format(time.DateOnly)
	}
	key := opening{i.Ref, u.Status, u.Impact, day}
	if have, ok := w.heads[key]; ok {
		return have, nil
	}
	out := map[string]int{}
	for _, head := range broadcast.Heads(i) {
		m := templates.Message{Form: templates.First, Kind: i.Kind, Status: u.Status, Impact: u.Impact, At: u.PublishedAt, Zone: w.Policy.Zone, Head: head.Head}
		err := w.count(m, func(s string) { out[s] = max(out[s], head.Newest) })
		if err != nil {
			return nil, err
		}
	}
	w.heads[key] = out
	return out, nil
}

// missedOf are the words in which a message may say that updates before it were
// missed, of which there are so many at most.
func (w *writer) missedOf(kind incident.Kind, most int) (map[string]int, error) {
	have := w.missed[kind]
	if have == nil {
		have = &missing{lines: map[string]int{}}
		w.missed[kind] = have
	}
	for ; have.most < most; have.most++ {
		missed := have.most + 1
		for _, form := range []templates.Form{templates.First, templates.Update} {
			err := w.count(templates.Message{Form: form, Kind: kind, Missed: missed}, func(s string) {
				if have.lines[s] == 0 {
					have.lines[s] = missed
				}
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return have.lines, nil
}

// count gives out the sentences in which a message counts, in each language and
// on each platform.
func (w *writer) count(m templates.Message, add func(sentence string)) error {
	for _, lang := range w.Languages {
		for _, platform := range templates.Platforms {
			lines, err := w.Texts.Counts(platform, lang, m)
			if err != nil {
				return err
			}
			for _, line := range lines {
				for _, s := range sentences(line) {
					add(s)
				}
			}
		}
	}
	return nil
}
