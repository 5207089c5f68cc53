package web

import (
	"net/http"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// ack opens an incident with approved first words.
func (a *api) ack(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Ack{Impact: word(f, "impact", incident.Impacts), Drill: f.flag("drill")}
	if cmd.Impact == "" {
		cmd.Impact = incident.Major
	}
	cmd.Components = f.affected(incident.Outage, cmd.Impact)
	cmd.NextUpdate, cmd.NoNext = f.promise(time.Now())
	cmd.Only, cmd.Not = f.texts("only"), f.texts("not")
	return a.say(w, r, op, f, cmd)
}

func (a *api) hold(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Hold{Ref: r.PathValue("ref"), After: f.text("after")}
	cmd.NextUpdate, cmd.NoNext = f.promise(time.Now())
	cmd.Only, cmd.Not = f.texts("only"), f.texts("not")
	return a.say(w, r, op, f, cmd)
}

func (a *api) falseAlarm(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.say(w, r, op, f, desk.FalseAlarm{Ref: r.PathValue("ref"), After: f.text("after"), Only: f.texts("only"), Not: f.texts("not")})
}

// scope changes what is affected: with the next update, or at once.
func (a *api) scope(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Scope{Ref: r.PathValue("ref"), Change: f.texts("change"), Saying: incident.Saying{Body: f.wording("body")},
		Now: f.flag("now"), Drop: f.flag("drop"), After: f.text("after"), Only: f.texts("only"), Not: f.texts("not")}
	cmd.Saying.NextUpdate, cmd.Saying.NoNext = f.promise(time.Now())
	if err := f.done(); err != nil {
		return err
	}
	answer, err := a.do(r, op, f.body, cmd)
	if err != nil {
		return err
	}
	if answer.State != "done" {
		return a.said(w, r, answer)
	}
	return reply(w, http.StatusOK, map[string]any{"state": answer.State, "text": answer.Text, "incident": incidentResource(answer.Incident)})
}
