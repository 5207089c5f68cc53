package desk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Update says something more about an incident. With Saying.Status it also
// changes where it stands; resolving is an update with status resolved. Without
// a text it says, in generated words, what is affected or when the next update
// comes.
type Update struct {
	Ref    string // empty means the only incident that is open
	Saying incident.Saying
	Scope  incident.Scope // that waited for it; what Saying says of it goes before
	After  string         // reference of the newest update that the author knew; empty is not checked
	Only   []string
	Not    []string
}

func (Update) verb() string { return "update" }

// Says is all that the update says.
func (c Update) Says() incident.Saying {
	s := c.Saying
	all := incident.Scope{Impact: s.Impact, Components: s.Components}.Over(c.Scope)
	s.Impact, s.Components = all.Impact, all.Components
	return s
}

func (c Update) run(w *work) (Answer, error) {
	i, err := w.target(c.Ref)
	if err != nil {
		return Answer{}, err
	}
	if err := w.checkAfter(i, c.After); err != nil {
		return Answer{}, err
	}
	if w.approved == nil { // what is published from a draft was composed there
		if err := w.compose(&c, i); err != nil {
			return Answer{}, err
		}
	}
	if err := w.check(&c.Saying, i); err != nil {
		return Answer{}, err
	}
	channels, err := w.plan(i, c.Only, c.Not)
	if err != nil {
		return Answer{}, err
	}
	said := c.Says()
	if answer, waits, err := w.draftFirst(c, i, said); waits || err != nil {
		return answer, err
	}
	if said.Status.Ended() {
		lanes, err := w.Lanes(i.Ref)
		if err != nil {
			return Answer{}, err
		}
		w.against = against(i, lanes)
	}
	i.Say(said, w.author, w.approvers(i, said), w.now)
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
func (w *work) checkAfter(i *incident.Incident, after string) error {
	if after == "" {
		return nil
	}
	ref, n, err := incident.ParseUpdateRef(after)
	if err != nil || ref != i.Ref || n == 0 {
		return refuse(Invalid, "after is %q: write the newest update you know, like %s/%d", after, i.Ref, len(i.Updates))
	}
	if newest := len(i.Updates); n < newest {
		return &Refusal{
			Kind: Conflict, Since: since(i, n, w.Language), Newest: newest,
			Text: fmt.Sprintf("%s/%d was published meanwhile: read it and say what is still true", i.Ref, newest),
		}
	} else if n > newest {
		return refuse(Invalid, "there is no %s: the newest is %s/%d", after, i.Ref, newest)
	}
	return nil
}

// Of what was said meanwhile a room shows so much, for a phone.
const (
	sinceUpdates = 3
	sinceLines   = 4 // of the text of each
)

// since is what was said after update n, the newest last.
func since(i *incident.Incident, n int, language string) string {
	var lines []string
	if more := len(i.Updates) - n - sinceUpdates; more > 0 {
		n += more
		lines = append(lines, fmt.Sprintf("(%d before these: /show %s)", more, i.Ref))
	}
	for _, u := range i.Updates[n:] {
		lines = append(lines, fmt.Sprintf("/%d %s UTC · %s · by %s", u.N, u.PublishedAt.UTC().Format("15:04"), word(string(u.Status)), u.Author))
		if u.Retraction != nil {
			lines = append(lines, "retracted: "+short(u.Retraction.Reason, previewWidth))
			continue
		}
		text, _ := u.Newest().Body.In(language, language)
		lines = append(lines, onPhone(text, sinceLines)...)
	}
	return strings.Join(lines, "\n")
}
