package desk

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Ack opens an incident with approved first words, so that nobody has to type
// or agree.
type Ack struct {
	Impact     incident.Impact                    // empty is major
	Components map[string]incident.ComponentState // a state that is empty is the usual one
	NextUpdate time.Time                          // zero is the policy's promise
	NoNext     bool
	Drill      bool
	Only, Not  []string
}

// Hold says with approved words that work goes on, and promises the next
// update anew.
type Hold struct {
	Ref        string // empty means the only incident that is open
	NextUpdate time.Time
	NoNext     bool
	After      string // as of Update
	Only, Not  []string
}

// FalseAlarm ends an incident, with approved words, that was none.
type FalseAlarm struct {
	Ref       string // empty means the only incident that is open
	After     string // as of Update
	Only, Not []string
}

func (Ack) verb() string        { return incident.AckPhrase }
func (Hold) verb() string       { return incident.HoldPhrase }
func (FalseAlarm) verb() string { return incident.FalseAlarmPhrase }

func (c Ack) run(w *work) (Answer, error) {
	c.Impact = cmp.Or(c.Impact, incident.Major)
	s := incident.Saying{Impact: c.Impact, Components: map[string]incident.ComponentState{}, NextUpdate: c.NextUpdate, NoNext: c.NoNext}
	var names []string
	for _, id := range slices.Sorted(maps.Keys(c.Components)) {
		s.Components[id] = cmp.Or(c.Components[id], c.Impact.Component())
		names = append(names, w.Components[id])
	}
	if err := w.known(s.Components); err != nil {
		return Answer{}, err
	}
	if err := w.approvedText(&s, incident.AckPhrase, incident.Phrase{Components: names}); err != nil {
		return Answer{}, err
	}
	for lang, text := range s.Body {
		title, body, _ := strings.Cut(text, "\n")
		s.Body[lang] = strings.TrimSpace(body)
		if lang == w.Language {
			s.Title = title
		}
	}
	return Open{Kind: incident.Outage, Drill: c.Drill, Saying: s, Only: c.Only, Not: c.Not}.run(w)
}

func (c Hold) run(w *work) (Answer, error) {
	i, err := w.open(c.Ref, incident.Outage, incident.Maintenance)
	if err != nil {
		return Answer{}, err
	}
	s := incident.Saying{NextUpdate: c.NextUpdate, NoNext: c.NoNext}
	promise(&s, cmp.Or(w.Next[i.Impact], lastPromise(i)), w.now)
	if err := w.approvedText(&s, incident.HoldPhrase, incident.Phrase{}); err != nil {
		return Answer{}, err
	}
	return Update{Ref: i.Ref.String(), Saying: s, After: c.After, Only: c.Only, Not: c.Not}.run(w)
}

func (c FalseAlarm) run(w *work) (Answer, error) {
	i, err := w.open(c.Ref, incident.Outage)
	if err != nil {
		return Answer{}, err
	}
	s := incident.Saying{Status: incident.Resolved}
	if err := w.approvedText(&s, incident.FalseAlarmPhrase, incident.Phrase{}); err != nil {
		return Answer{}, err
	}
	return Update{Ref: i.Ref.String(), Saying: s, After: c.After, Only: c.Only, Not: c.Not}.run(w)
}

// open is the incident that a command is about, which must not be over and be
// of one of the kinds.
func (w *work) open(ref string, kinds ...incident.Kind) (*incident.Incident, error) {
	i, err := w.target(ref)
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(kinds, i.Kind):
		return nil, refuse(Invalid, "%s is a %s, for which there is no such text: use an update", i.Ref, i.Kind)
	case !i.ResolvedAt.IsZero():
		return nil, refuse(Conflict, "%s is over already", i.Ref)
	}
	return i, nil
}

// lastPromise is how far ahead the last promise reached, as a guess at the
// next one where the policy has none.
func lastPromise(i *incident.Incident) time.Duration {
	for _, u := range slices.Backward(i.Updates) {
		if !u.NextUpdate.IsZero() {
			return u.NextUpdate.Sub(u.PublishedAt)
		}
	}
	return 0
}

// approvedText puts the words of an approved template into s, and its pin.
func (w *work) approvedText(s *incident.Saying, name string, p incident.Phrase) (err error) {
	pin, ok := w.Approved[name]
	if !ok {
		return refuse(Conflict, "there is no approved text for %s here: it is switched off in [policy] %s; write the words yourself", name, name)
	}
	s.Template = name + pinned + pin
	s.Body, err = w.phrase(name, p)
	return err
}

// pinned stands between the name of an approved template and its SHA-256.
const pinned = "@sha256:"

// approvedNow reports whether words need nobody to agree: they are those of an
// approved template, and nothing else is said with them. An incident that is
// opened with them may be of any impact.
func (w *work) approvedNow(i *incident.Incident, s incident.Saying) bool {
	name, pin, ok := strings.Cut(s.Template, pinned)
	if !ok || w.Approved[name] != pin {
		return false
	}
	return len(i.Updates) == 0 || !s.Impact.Worse(i.Impact)
}

// templateName is a template as people read it: template ack, sha256
// 1a2b3c4d5e6f. It is empty for texts that were not approved beforehand.
func templateName(template string) string {
	name, pin, ok := strings.Cut(template, pinned)
	if !ok {
		return ""
	}
	return "template " + name + ", sha256 " + pin[:min(len(pin), 12)]
}

// approvers are those who agreed to what is said, the approved template among
// them.
func (w *work) approvers(i *incident.Incident, s incident.Saying) []string {
	if !w.approvedNow(i, s) {
		return w.approved
	}
	return append(slices.Clone(w.approved), templateName(s.Template))
}
