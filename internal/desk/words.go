package desk

import (
	"maps"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Words have the texts that nobody types.
type Words interface {
	// Phrase returns one of them in a language.
	Phrase(language, name string, p incident.Phrase) (string, error)
	// Version changes whenever the same message might be put differently.
	Version() string
}

// phrase words something in every language of the site.
func (w *work) phrase(name string, p incident.Phrase) (incident.Text, error) {
	p.At, p.Zone = w.now, w.Zone
	text := incident.Text{}
	for _, lang := range w.Languages {
		s, err := w.Words.Phrase(lang, name, p)
		if err != nil {
			return nil, err
		}
		text[lang] = s
	}
	return text, nil
}

// generated reports whether a text is made anew whenever what it says changes.
func generated(template string) bool {
	return template == incident.ScopePhrase || template == incident.MovedPhrase
}

// compose completes an update of i: with what waits for it, and with words
// where there is something to say and nobody typed any.
func (w *work) compose(c *Update, i *incident.Incident) (err error) {
	c.Ref, c.Scope = i.Ref.String(), i.Pending
	if c.Saying.Status.Ended() {
		c.Scope = incident.Scope{} // that it was worse is no news once it is over
	}
	s := &c.Saying
	if generated(s.Template) {
		s.Body, s.Template = nil, ""
	}
	if len(s.Body) > 0 || s.Status != "" || s.Title != "" {
		return nil
	}
	said := c.Says()
	news := incident.Scope{Impact: said.Impact, Components: said.Components}.News(i)
	switch {
	case !news.Empty():
		if !s.NoNext && (s.NextUpdate.IsZero() || s.NextUpdate.Equal(i.NextUpdate)) {
			s.NextUpdate = stillDue(i, w.now) // what was promised stands
		}
		s.Template = incident.ScopePhrase
		s.Body, err = w.phrase(s.Template, w.changed(news, i))
	case said.Impact != "" || len(said.Components) > 0:
		return refuse(Conflict, "%s says that already: nothing would change", i.Ref)
	case !s.NextUpdate.IsZero() && reads(s.NextUpdate) == reads(i.NextUpdate), s.NoNext && i.NextUpdate.IsZero():
		return refuse(Conflict, "that is what %s promises already: nothing would change", i.Ref)
	case !s.NextUpdate.IsZero() || s.NoNext:
		s.Template = incident.MovedPhrase
		s.Body, err = w.phrase(s.Template, incident.Phrase{Next: s.NextUpdate, Was: i.NextUpdate})
	}
	return err
}

// reads is a time as people read it, who see no seconds.
func reads(t time.Time) int64 { return t.Truncate(time.Minute).Unix() }

// stillDue is the promise of an incident that was not broken yet.
func stillDue(i *incident.Incident, now time.Time) time.Time {
	if i.NextUpdate.After(now) {
		return i.NextUpdate
	}
	return time.Time{}
}

// changed is what a change of scope says.
func (w *work) changed(news incident.Scope, i *incident.Incident) incident.Phrase {
	p := incident.Phrase{}
	if news.Impact != "" {
		p.Impact, p.WasImpact = news.Impact, i.Impact
	}
	for _, id := range slices.Sorted(maps.Keys(news.Components)) {
		p.States = append(p.States, incident.NamedState{Name: w.Components[id], State: news.Components[id]})
	}
	return p
}
