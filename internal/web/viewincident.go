package web

import (
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// incidentView is the page of one incident.
type incidentView struct {
	frame
	On      summary
	Updates []updateView // newest first

	Follow string // address that subscribes to it; empty where nobody can, or it is over
}

type updateView struct {
	N         int
	Ref       string
	Status    string
	Title     string // of the incident as it was worded then, where that is another
	At        phrase
	Text      words
	Corrected *phrase
	Earlier   []wording // newest first
	Withdrawn *phrase
	Reason    string
	Removed   bool
}

// A wording is a text that was replaced.
type wording struct {
	At    phrase
	Title string // where that was another
	Text  words
}

// renderIncident renders the page of an incident.
func (p *Pages) renderIncident(i *incident.Incident, now time.Time) error {
	for _, lang := range p.Languages {
		if err := p.put(pageKey{incidentPath(i.Ref), lang}, "incident.html", p.incidentView(i, lang, now)); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pages) incidentView(i *incident.Incident, lang string, now time.Time) incidentView {
	w := p.clock(lang)
	v := incidentView{
		frame: p.frame(lang, incidentPath(i.Ref), i.Title+" · "+i.Ref.String()), On: p.summary(i, w, now),
	}
	v.Mark = "operational"
	for k := len(i.Updates) - 1; k >= 0; k-- {
		v.Updates = append(v.Updates, p.updateView(i, &i.Updates[k], w, lang))
	}
	if v.On.Severity != "over" {
		v.Follow = p.invite(i.Ref.String())
		v.Mark = string(usualState(i.Kind, i.Impact))
	}
	return v
}

func (p *Pages) updateView(i *incident.Incident, u *incident.Update, w clock, lang string) updateView {
	newest := u.Newest()
	v := updateView{N: u.N, Ref: updateRef(i, u.N), Status: w.Statuses[u.Status], At: w.at("%s", u.PublishedAt, time.Time{})}
	if u.Retraction != nil {
		at := w.at(w.Withdrawn, u.Retraction.At, u.PublishedAt)
		v.Withdrawn, v.Reason, v.Removed = &at, u.Retraction.Reason, u.Retraction.Delete
	}
	if v.Removed {
		return v // nothing of what it said is shown again
	}
	v.Text = p.words(newest.Body, lang)
	if newest.Title != i.Title {
		v.Title = newest.Title
	}
	for r := len(u.Revisions) - 2; r >= 0; r-- {
		old := u.Revisions[r]
		e := wording{At: w.at("%s", old.At, u.PublishedAt), Text: p.words(old.Body, lang)}
		if old.Title != u.Revisions[r+1].Title {
			e.Title = old.Title
		}
		v.Earlier = append(v.Earlier, e)
	}
	if len(v.Earlier) > 0 {
		at := w.at(w.Corrected, newest.At, u.PublishedAt)
		v.Corrected = &at
	}
	return v
}
