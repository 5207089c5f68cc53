package desk

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Scope says that what is affected has changed. With a text, or Now, it is an
// update; otherwise the change waits and goes out with the next one, whoever
// writes that.
type Scope struct {
	Ref       string          // empty means the only incident that is open
	Change    []string        // as typed: critical +deposits login=partial -card
	Saying    incident.Saying // text and promise
	Now       bool            // with generated words; of what waits, where Change is empty
	Drop      bool            // takes back what waits
	After     string          // as of Update
	Only, Not []string
}

func (Scope) verb() string { return "scope" }

func (c Scope) run(w *work) (Answer, error) {
	i, err := w.target(c.Ref)
	if err != nil {
		return Answer{}, err
	}
	change, err := w.scopeOf(c.Change)
	if err != nil {
		return Answer{}, err
	}
	switch {
	case i.Kind == incident.Notice:
		return Answer{}, refuse(Invalid, "%s is a notice, which affects nothing: use an update", i.Ref)
	case c.Drop:
		return w.dropScope(i)
	case change.Empty() && (!c.Now || i.Pending.Empty()):
		return Answer{}, refuse(Invalid, "say what has changed, like critical +deposits login=partial -card: %s", w.closedWords())
	case c.Now || len(c.Saying.Body) > 0:
		news := change.News(i)
		c.Saying.Impact, c.Saying.Components = news.Impact, news.Components
		if len(c.Saying.Body) == 0 && news.Empty() && i.Pending.Empty() {
			return Answer{}, refuse(Conflict, "%s says that already: nothing would change", i.Ref)
		}
		return Update{Ref: i.Ref.String(), Saying: c.Saying, After: c.After, Only: c.Only, Not: c.Not}.run(w)
	}
	return w.waitWithScope(i, change)
}

// waitWithScope keeps a change for the next update. It goes on top of what
// waits already; what is so by now, or again, is left out.
func (w *work) waitWithScope(i *incident.Incident, change incident.Scope) (Answer, error) {
	if !i.ResolvedAt.IsZero() {
		return Answer{}, refuse(Conflict, "%s is over: say what has changed in an update", i.Ref)
	}
	impact := cmp.Or(change.Impact, i.Pending.Impact, i.Impact) // that will hold
	for id, state := range change.Components {
		change.Components[id] = cmp.Or(state, i.Kind.Usual(impact))
	}
	pending := change.Over(i.Pending).News(i)
	if pending.Equal(i.Pending) {
		return Answer{}, refuse(Conflict, "%s says that already: nothing would change", i.Ref)
	}
	i.Pending = pending
	if pending.Empty() {
		i.Pending = incident.Scope{}
		return Answer{State: "done", Ref: i.Ref.String(), Incident: i, Text: fmt.Sprintf("%s is as it was said: nothing waits any more.", i.Ref)}, w.Keep(i)
	}
	i.Pending.By, i.Pending.At = w.actor.Name, w.now
	return Answer{State: "done", Ref: i.Ref.String(), Incident: i, Text: fmt.Sprintf("%s goes out with the next update of %s.", capital(pending.String()), i.Ref)}, w.Keep(i)
}

func (w *work) dropScope(i *incident.Incident) (Answer, error) {
	if i.Pending.Empty() {
		return Answer{}, refuse(Conflict, "nothing waits for the next update of %s", i.Ref)
	}
	was := i.Pending
	i.Pending = incident.Scope{}
	return Answer{State: "done", Ref: i.Ref.String(), Incident: i, Text: fmt.Sprintf("%s is taken back: it is not said.", capital(was.String()))}, w.Keep(i)
}

// scopeOf reads the closed words of a change.
func (d *Desk) scopeOf(words []string) (incident.Scope, error) {
	s, err := incident.ParseScope(words, d.component)
	if unknown, ok := errors.AsType[*incident.UnknownWord](err); ok {
		return s, unknownWord(unknown.Word, "%s: %s", unknown, d.closedWords())
	}
	if two, ok := errors.AsType[*incident.TwoImpacts](err); ok {
		return s, unclear(WhichImpact, "%s", two)
	}
	if err != nil {
		return s, refuse(Invalid, "%s", err)
	}
	return s, nil
}

// component finds the id that a person means.
func (d *Desk) component(word string) (id string, ok bool) {
	for id := range d.Components {
		if strings.EqualFold(id, word) {
			return id, true
		}
	}
	return word, false
}

// closedWords are what may stand on the line of ack, incident and scope.
func (d *Desk) closedWords() string {
	return "the impacts are none, minor, major, critical; the components are " + strings.Join(sortedKeys(d.Components), ", ")
}
