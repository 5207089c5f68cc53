package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Bounds of a list.
const (
	usualList = 50
	maxList   = 1000
)

// limit reads how many lines of a list are wanted.
func limit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usualList, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxList {
		return 0, refuse(http.StatusBadRequest, "limit is %q: it has to be a number from 1 to %d", text, maxList)
	}
	return n, nil
}

// listIncidents answers with what is open and the newest others.
func (a *api) listIncidents(w http.ResponseWriter, r *http.Request, _ Operator) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	incidents, err := a.Store.Incidents(r.Context(), n)
	if err != nil {
		return err
	}
	open := r.URL.Query().Get("open") == "true"
	out := []incidentJSON{}
	for _, i := range incidents {
		if !open || i.ResolvedAt.IsZero() {
			out = append(out, incidentResource(i))
		}
	}
	return reply(w, http.StatusOK, map[string]any{"incidents": out})
}

// ref reads a reference from the path or the query.
func ref(text string) (incident.Ref, error) {
	ref, err := incident.ParseRef(text)
	if err != nil {
		return ref, refuse(http.StatusNotFound, "%s", err)
	}
	return ref, nil
}

func (a *api) showIncident(w http.ResponseWriter, r *http.Request, _ Operator) error {
	ref, err := ref(r.PathValue("ref"))
	if err != nil {
		return err
	}
	i, err := a.Store.Incident(r.Context(), ref)
	if err != nil {
		return noIncident(ref, err)
	}
	return reply(w, http.StatusOK, incidentResource(i))
}

// openIncident opens an incident, a maintenance or a notice.
func (a *api) openIncident(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Open{Kind: word(f, "kind", incident.Kinds), Drill: f.flag("drill"), Saying: f.saying(time.Now())}
	cmd.Saying.Components = f.affected(cmd.Kind, cmd.Saying.Impact)
	cmd.Only, cmd.Not = f.texts("only"), f.texts("not")
	return a.say(w, r, op, f, cmd)
}

// say has the desk carry out a command that publishes, if nothing is wrong
// with the form that it came in.
func (a *api) say(w http.ResponseWriter, r *http.Request, op Operator, f *form, cmd desk.Command) error {
	if err := f.done(); err != nil {
		return err
	}
	answer, err := a.do(r, op, f.body, cmd)
	if err != nil {
		return err
	}
	return a.said(w, r, answer)
}

func (a *api) postUpdate(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Update{Ref: r.PathValue("ref"), Saying: f.saying(time.Now()), After: f.text("after")}
	cmd.Saying.Components = f.states("components")
	cmd.Only, cmd.Not = f.texts("only"), f.texts("not")
	return a.say(w, r, op, f, cmd)
}

// update names the update that a path is about.
func update(r *http.Request) string { return r.PathValue("ref") + "/" + r.PathValue("n") }

func (a *api) correct(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.say(w, r, op, f, desk.Correct{Ref: update(r), Title: f.text("title"), Body: f.wording("body"), Typo: f.flag("typo")})
}

func (a *api) retract(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.say(w, r, op, f, desk.Retract{Ref: update(r), Reason: f.text("reason"), Delete: f.flag("delete")})
}
