package desk

import (
	"fmt"
	"slices"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Update says something more about an incident. With Saying.Status it also
// changes where it stands; resolving is an update with status resolved.
type Update struct {
	Ref    string // empty means the only incident that is open
	Saying incident.Saying
	After  string // reference of the newest update that the author knew; empty is not checked
	Only   []string
	Not    []string
}

func (Update) verb() string { return "update" }

func (c Update) run(w *work) (Answer, error) {
	i, err := w.target(c.Ref)
	if err != nil {
		return Answer{}, err
	}
	if err := checkAfter(i, c.After); err != nil {
		return Answer{}, err
	}
	if err := w.check(&c.Saying, i); err != nil {
		return Answer{}, err
	}
	channels, err := w.plan(i, c.Only, c.Not)
	if err != nil {
		return Answer{}, err
	}
	c.Ref = i.Ref.String()
	if answer, waits, err := w.draftFirst(c, i, c.Saying); waits || err != nil {
		return answer, err
	}
	i.Say(c.Saying, w.author, w.approved, w.now)
	if err := w.Save(i); err != nil {
		return Answer{}, err
	}
	return w.published(i, channels)
}

// target is the incident that a command names, or the only one that is open:
// in a room for drills the only drill, elsewhere the only one that is none.
func (w *work) target(ref string) (*incident.Incident, error) {
	if ref != "" {
		return w.incidentOf(ref)
	}
	open, err := w.Unresolved()
	if err != nil {
		return nil, err
	}
	open = slices.DeleteFunc(open, func(i *incident.Incident) bool { return i.Drill != w.actor.Drill })
	switch len(open) {
	case 0:
		return nil, refuse(Conflict, "nothing is open: open an incident first")
	case 1:
		return open[0], nil
	}
	refs := ""
	for _, i := range open {
		refs += fmt.Sprintf(" %s", i.Ref)
	}
	return nil, unclear(WhichIncident, "which one? Name one of:%s", refs)
}

// checkAfter refuses words that were written before others were published.
func checkAfter(i *incident.Incident, after string) error {
	if after == "" {
		return nil
	}
	ref, n, err := incident.ParseUpdateRef(after)
	if err != nil || ref != i.Ref || n == 0 {
		return refuse(Invalid, "after is %q: write the newest update you know, like %s/%d", after, i.Ref, len(i.Updates))
	}
	if n != len(i.Updates) {
		return &Refusal{Kind: Conflict, Overtaken: true, Text: fmt.Sprintf("%s/%d was published meanwhile: read it and say what is still true", i.Ref, len(i.Updates))}
	}
	return nil
}
