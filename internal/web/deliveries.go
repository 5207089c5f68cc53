package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// noIncident says that there is no such incident, if that is what err means.
func noIncident(ref incident.Ref, err error) error {
	if errors.Is(err, desk.ErrNotFound) {
		return refuse(http.StatusNotFound, "there is no %s: see what is open with show, or GET /v1/incidents", ref)
	}
	return err
}

func (a *api) listDeliveries(w http.ResponseWriter, r *http.Request, _ Operator) error {
	text := r.URL.Query().Get("incident")
	if text == "" {
		return refuse(http.StatusBadRequest, "say of which incident: add ?incident=INC-12, for example")
	}
	ref, err := ref(text)
	if err != nil {
		return err
	}
	deliveries, err := a.Store.Deliveries(r.Context(), ref, a.Complete)
	if err != nil {
		return noIncident(ref, err)
	}
	out := make([]deliveryJSON, len(deliveries))
	for i := range deliveries {
		out[i] = deliveryResource(&deliveries[i])
	}
	return reply(w, http.StatusOK, map[string]any{"deliveries": out})
}

func which(r *http.Request) desk.Which { return desk.Which{Delivery: r.PathValue("id")} }

func (a *api) retry(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.settle(w, r, op, f, desk.Retry{Which: which(r)})
}

func (a *api) skip(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Skip{Which: which(r), Reason: f.text("reason")}
	if strings.TrimSpace(cmd.Reason) == "" && f.problems == nil {
		f.wrong("reason", 0, "reason is missing: say why it is skipped")
	}
	return a.settle(w, r, op, f, cmd)
}

func (a *api) posted(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.settle(w, r, op, f, desk.Posted{Which: which(r), URL: f.text("url")})
}

// settle carries out a command about one delivery and shows it as it is then.
func (a *api) settle(w http.ResponseWriter, r *http.Request, op Operator, f *form, cmd desk.Command) error {
	if err := f.done(); err != nil {
		return err
	}
	answer, err := a.do(r, op, f.body, cmd)
	if err != nil {
		return err
	}
	ref, err := incident.ParseRef(answer.Ref)
	if err != nil {
		return err
	}
	deliveries, err := a.Store.Deliveries(r.Context(), ref, a.Complete)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]any{"state": answer.State, "text": answer.Text, "delivery": settled(deliveries, answer.Delivery)})
}

// settled finds the delivery that an answer is about. An edit of a message is
// a row of its own that comes after the message's, and is what was settled.
func settled(deliveries []broadcast.Delivery, id string) *deliveryJSON {
	var out *deliveryJSON
	entry, err := broadcast.EntryID(id)
	for i := range deliveries {
		if e, bad := broadcast.EntryID(deliveries[i].ID); deliveries[i].ID == id || err == nil && bad == nil && e == entry {
			res := deliveryResource(&deliveries[i])
			out = &res
		}
	}
	return out
}
