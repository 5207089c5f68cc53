package desk

import (
	"fmt"
	"maps"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Correct gives an update another wording. A typo is edited where that is
// possible and announced nowhere; anything else is also said aloud where the
// wrong words showed for long or cannot be edited.
type Correct struct {
	Ref   string        // INC-12/3
	Title string        // empty keeps it
	Body  incident.Text // empty keeps it; of a typo, so does a language left out
	Typo  bool
}

func (Correct) verb() string { return "correct" }

func (c Correct) run(w *work) (Answer, error) {
	i, u, err := w.updateOf(c.Ref)
	if err != nil {
		return Answer{}, err
	}
	if u.Retraction != nil {
		return Answer{}, refuse(Conflict, "%s was retracted: say what is true in a new update", c.Ref)
	}
	if c.Title == "" && len(c.Body) == 0 {
		return Answer{}, refuse(Invalid, "nothing is corrected: give a text or a title")
	}
	said := incident.Saying{Title: c.Title, Body: c.Body}
	if len(said.Body) == 0 {
		said.Body = u.Newest().Body
	}
	if err := w.check(&said, i); err != nil {
		return Answer{}, err
	}
	rev := c.revision(u.Newest(), said.Body)
	if c.repeats(u.Newest(), rev) {
		return Answer{}, refuse(Conflict, "%s/%d says exactly that already: nothing is corrected", i.Ref, u.N)
	}
	if answer, waits, err := w.draftFirst(c, i, said); waits || err != nil {
		return answer, err
	}
	rev.Author, rev.At = w.author, w.now
	if c.Title != "" && u.N == len(i.Updates) {
		i.Title = c.Title
	}
	u.Revisions = append(u.Revisions, rev)
	if err := w.Revise(i, u.N); err != nil {
		return Answer{}, err
	}
	if err := w.amend(i, u, c.Typo); err != nil {
		return Answer{}, err
	}
	answer := Answer{
		State: "published", Ref: i.Ref.String(), Update: u.N, Incident: i,
		Text: fmt.Sprintf("%s/%d now has revision %d.", i.Ref, u.N, len(u.Revisions)),
	}
	return w.heldWhereShown(answer)
}

// revision is what the update says once it is corrected.
func (c Correct) revision(newest incident.Revision, body incident.Text) incident.Revision {
	rev := incident.Revision{Title: newest.Title, Body: body, Typo: c.Typo}
	if c.Typo { // changes no meaning, so the other languages stand
		rev.Body = maps.Clone(newest.Body)
		maps.Copy(rev.Body, body)
	}
	if c.Title != "" {
		rev.Title = c.Title
	}
	return rev
}

// repeats reports whether rev would say again what newest says. Two people who
// correct the same words at once must not have it announced twice; but what
// was only edited as a typo may still be announced.
func (c Correct) repeats(newest, rev incident.Revision) bool {
	return rev.Title == newest.Title && maps.Equal(rev.Body, newest.Body) && (c.Typo || !newest.Typo)
}

// amend makes every channel that was to show the update show its newest words.
func (w *work) amend(i *incident.Incident, u *incident.Update, typo bool) error {
	lanes, err := w.Lanes(i.Ref)
	if err != nil {
		return err
	}
	revision := len(u.Revisions)
	for _, l := range lanes {
		changed := l.PlanCorrection(u.N, revision, w.Language)
		for _, e := range changed {
			if err := w.Amend(l, e); err != nil {
				return err
			}
		}
		if len(changed) == 0 || typo {
			continue
		}
		e := &broadcast.Entry{Update: u.N, Kind: broadcast.Correct, Revision: revision, Accepted: w.now,
			Should: broadcast.Should{What: broadcast.Words, Revision: revision}}
		if err := w.Deliver(i.Ref, l.Channel, e); err != nil {
			return err
		}
	}
	return nil
}
