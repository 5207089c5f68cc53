package web

import (
	"net/http"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// preview shows what each channel would show. It changes nothing.
func (a *api) preview(w http.ResponseWriter, r *http.Request, _ Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	now := time.Now()
	kind, on, s := word(f, "kind", incident.Kinds), f.text("incident"), f.saying(now)
	if kind == "" {
		kind = incident.Outage
	}
	s.Components = f.affected(kind, s.Impact)
	if err := f.done(); err != nil {
		return err
	}
	if on != "" {
		ref, err := ref(on)
		if err != nil {
			return err
		}
		i, err := a.Store.Incident(r.Context(), ref)
		if err != nil {
			return noIncident(ref, err)
		}
		kind, on = i.Kind, ref.String()
	}
	if text, ok := s.Body[""]; ok {
		s.Body = incident.Text{a.Language: text}
	}
	if err := s.Check(kind, now); err != nil {
		return refuse(http.StatusUnprocessableEntity, "%s", err)
	}
	previews, err := a.Preview(r.Context(), kind, s, on)
	if err != nil {
		return err
	}
	for i := range previews {
		if previews[i].Warnings == nil {
			previews[i].Warnings = []string{}
		}
	}
	return reply(w, http.StatusOK, map[string]any{"channels": previews})
}
