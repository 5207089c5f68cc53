package desk

import (
	"fmt"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Edit gives a draft other words. It makes a new digest: approvals and old
// buttons are void.
type Edit struct {
	Draft  string          // D-17
	Digest string          // as of Publish
	Saying incident.Saying // what it leaves out stays
}

// Join turns a draft that would open an incident into an update of the one
// that was opened just before.
type Join struct {
	Draft  string
	Digest string
}

func (Edit) verb() string { return "edit" }
func (Join) verb() string { return "join" }

func (c Edit) run(w *work) (Answer, error) {
	d, cmd, err := w.drafted(c.Draft, c.Digest)
	if err != nil {
		return Answer{}, err
	}
	on, said := &incident.Incident{Kind: incident.Outage}, incident.Saying{}
	switch was := cmd.(type) {
	case Open:
		reword(&was.Saying, c.Saying)
		on.Kind, cmd, said = was.Kind, was, was.Saying
	case Update:
		if on, err = w.incidentOf(d.Ref); err != nil {
			return Answer{}, err
		}
		reword(&was.Saying, c.Saying)
		if err := w.compose(&was, on); err != nil {
			return Answer{}, err
		}
		cmd, said = was, was.Saying
	case Correct:
		var u *incident.Update
		if on, u, err = w.updateOf(was.Ref); err != nil {
			return Answer{}, err
		}
		said = incident.Saying{Title: was.Title, Body: was.Body}
		reword(&said, incident.Saying{Title: c.Saying.Title, Body: c.Saying.Body})
		was.Title, was.Body = said.Title, said.Body
		if cmd = was; len(said.Body) == 0 {
			said.Body = u.Newest().Body
		}
	}
	if err := w.check(&said, on); err != nil {
		return Answer{}, err
	}
	d.Wording, d.Author, d.AuthorRole = w.warnings, w.actor.Name, w.actor.Role // whose words they are now
	return w.redraft(d, cmd, "has new words; earlier approvals are void.")
}

// drafted loads an open draft with the command that it holds.
func (w *work) drafted(id, digest string) (*Draft, Command, error) {
	d, err := w.draft(id, digest)
	if err != nil {
		return nil, nil, err
	}
	cmd, err := d.command()
	return d, cmd, err
}

// reword puts new words into a saying; what they leave out stays. Words that
// were approved beforehand are so no more.
func reword(s *incident.Saying, with incident.Saying) {
	if !generated(s.Template) || len(with.Body) > 0 {
		s.Template = ""
	}
	if len(with.Body) > 0 {
		s.Body = with.Body
	}
	if with.Title != "" {
		s.Title = with.Title
	}
	if !with.NextUpdate.IsZero() || with.NoNext {
		s.NextUpdate, s.NoNext = with.NextUpdate, with.NoNext
	}
	if with.Status != "" {
		s.Status = with.Status
	}
	if !with.Begin.IsZero() {
		s.Begin = with.Begin
	}
	if !with.End.IsZero() {
		s.End = with.End
	}
	all := incident.Scope{Impact: with.Impact, Components: with.Components}.Over(incident.Scope{Impact: s.Impact, Components: s.Components})
	s.Impact, s.Components = all.Impact, all.Components
}

func (w *work) redraft(d *Draft, cmd Command, what string) (Answer, error) {
	if _, err := w.refresh(d, cmd); err != nil {
		return Answer{}, err
	}
	d.Approvals = nil
	return Answer{State: "draft", Draft: d, Ref: d.Ref, Text: fmt.Sprintf("%s %s", d.ID(), what)}, w.SaveDraft(d)
}

func (c Join) run(w *work) (Answer, error) {
	d, cmd, err := w.drafted(c.Draft, c.Digest)
	if err != nil {
		return Answer{}, err
	}
	open, ok := cmd.(Open)
	if !ok || d.Near == "" {
		return Answer{}, refuse(Conflict, "%s does not open an incident beside another", d.ID())
	}
	i, err := w.incidentOf(d.Near)
	if err != nil {
		return Answer{}, err
	}
	d.Ref, d.Base, d.Near, d.Warnings = d.Near, fmt.Sprintf("%s/%d", i.Ref, len(i.Updates)), "", nil
	s := open.Saying
	s.Title = "" // the incident keeps its own
	if !s.Impact.Worse(i.Impact) {
		s.Impact = ""
	}
	return w.redraft(d, Update{Ref: d.Ref, Saying: s, Only: open.Only, Not: open.Not}, "is now an update of "+d.Ref+".")
}
