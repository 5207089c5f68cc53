package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of what can be said.
const (
	MaxTitle = 200    // characters
	MaxBody  = 20_000 // characters in one language
)

// A Saying is what an operator wants to be said: the content of an update
// before it is published. Zero fields leave things as they are.
type Saying struct {
	Title      string
	Status     Status
	Impact     Impact
	Components map[string]ComponentState // those that change
	Body       Text
	NextUpdate time.Time // zero promises nothing
	NoNext     bool      // that it promises nothing is worth saying
	Template   string    // of a text that nobody typed: name, and @sha256: with its pin where it is approved
	Begin, End time.Time // the window of a maintenance
}

// Check says what is wrong with a saying about a kind of thing, and what to
// do, or returns nil. now is compared with the promise.
func (s *Saying) Check(k Kind, now time.Time) error {
	if n := utf8.RuneCountInString(s.Title); n > MaxTitle {
		return fmt.Errorf("the title has %d characters: shorten it to %d", n, MaxTitle)
	}
	if strings.ContainsAny(s.Title, "\r\n") {
		return fmt.Errorf("the title has more than one line: keep it to one")
	}
	if s.Status != "" && !k.Has(s.Status) {
		return fmt.Errorf("no %s can be %q: use %s", k, s.Status, OneOf(k.Statuses()))
	}
	if s.Impact != "" && !s.Impact.Valid() {
		return fmt.Errorf("%q is not an impact: use %s", s.Impact, OneOf(Impacts))
	}
	for id, state := range s.Components {
		if !state.Valid() {
			return fmt.Errorf("%q is not a state of component %s: use %s", state, id, OneOf(ComponentStates))
		}
	}
	if !s.NextUpdate.IsZero() && !s.NextUpdate.After(now) {
		return fmt.Errorf("the next update is promised for %s, which has passed: give a later time", s.NextUpdate.UTC().Format(time.RFC3339))
	}
	if !s.Begin.IsZero() && !s.End.IsZero() && !s.End.After(s.Begin) {
		return fmt.Errorf("the maintenance ends before it begins: give a later end")
	}
	return s.Body.Check()
}

// Check says what is wrong with a text, or returns nil.
func (t Text) Check() error {
	if len(t) == 0 {
		return fmt.Errorf("there is no text: say something")
	}
	for lang, s := range t {
		if strings.TrimSpace(s) == "" {
			return fmt.Errorf("the text in %q is empty: say something or leave the language out", lang)
		}
		if n := utf8.RuneCountInString(s); n > MaxBody {
			return fmt.Errorf("the text in %q has %d characters: shorten it to %d", lang, n, MaxBody)
		}
	}
	return nil
}

// Valid reports whether i is one of the impacts.
func (i Impact) Valid() bool {
	return slices.Contains(Impacts, i)
}

// Valid reports whether s is one of the component states.
func (s ComponentState) Valid() bool {
	return slices.Contains(ComponentStates, s)
}

// Say adds an update to the record and returns it. The saying must have
// passed Check. What it leaves open stays as it was; an all clear makes the
// components operational again unless it says otherwise.
func (i *Incident) Say(s Saying, author string, approvedBy []string, at time.Time) *Update {
	if s.Title != "" {
		i.Title = s.Title
	}
	if s.Impact != "" {
		i.Impact = s.Impact
	}
	if s.Status != "" {
		i.Status = s.Status
	}
	if !s.Begin.IsZero() {
		i.Begin = s.Begin
	}
	if !s.End.IsZero() {
		i.End = s.End
	}
	i.Components = maps.Clone(i.Components)
	if i.Components == nil {
		i.Components = map[string]ComponentState{}
	}
	if s.Status.Ended() {
		for id := range i.Components {
			i.Components[id] = Operational
		}
	}
	maps.Copy(i.Components, s.Components)
	i.NextUpdate, i.Pending = s.NextUpdate, Scope{}
	switch ended := i.Status.Ended(); {
	case ended && i.ResolvedAt.IsZero():
		i.ResolvedAt = at
	case !ended:
		i.ResolvedAt = time.Time{}
	}
	i.Updates = append(i.Updates, Update{
		N: len(i.Updates) + 1, Status: i.Status, Impact: i.Impact, Components: maps.Clone(i.Components),
		NextUpdate: s.NextUpdate, Template: s.Template, Author: author, ApprovedBy: approvedBy, PublishedAt: at,
		Revisions: []Revision{{Title: i.Title, Body: s.Body, Author: author, At: at}},
	})
	return &i.Updates[len(i.Updates)-1]
}

// Restate makes the record's state that of its last update that stands, after
// a retraction at the given time. When none stands the matter is over: it was
// wrong as a whole.
func (i *Incident) Restate(at time.Time) {
	for k := len(i.Updates); k > 0; k-- {
		u := i.Update(k)
		if u.Retraction != nil {
			continue
		}
		i.Status, i.Impact, i.NextUpdate = u.Status, u.Impact, u.NextUpdate
		i.Components, i.Title = maps.Clone(u.Components), u.Newest().Title
		switch ended := u.Status.Ended(); {
		case ended && i.ResolvedAt.IsZero():
			i.ResolvedAt = u.PublishedAt
		case !ended:
			i.ResolvedAt = time.Time{}
		}
		return
	}
	i.NextUpdate = time.Time{}
	if i.ResolvedAt.IsZero() {
		i.ResolvedAt = at
	}
}
