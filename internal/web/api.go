package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/allclear-hq/allclear/internal/desk"
)

// api is the JSON side. Each file with handlers has those of one kind of thing.
type api struct {
	Config
	gate *gate
}

// An endpoint answers one route for an operator. An error becomes a problem
// document.
type endpoint func(w http.ResponseWriter, r *http.Request, op Operator) error

type route struct {
	pattern string // method and path, as for [http.ServeMux]
	serve   endpoint
}

// routes lists the whole API. openapi.json describes exactly these.
func (a *api) routes() []route {
	return []route{
		{"GET /v1/incidents", a.listIncidents},
		{"POST /v1/incidents", a.openIncident},
		{"GET /v1/incidents/{ref}", a.showIncident},
		{"POST /v1/incidents/{ref}/updates", a.postUpdate},
		{"POST /v1/incidents/{ref}/scope", a.scope},
		{"POST /v1/incidents/{ref}/hold", a.hold},
		{"POST /v1/incidents/{ref}/false_alarm", a.falseAlarm},
		{"POST /v1/ack", a.ack},
		{"POST /v1/incidents/{ref}/updates/{n}/correction", a.correct},
		{"POST /v1/incidents/{ref}/updates/{n}/retraction", a.retract},
		{"GET /v1/drafts", a.listDrafts},
		{"PATCH /v1/drafts/{draft}", a.editDraft},
		{"POST /v1/drafts/{draft}/publish", a.publish},
		{"POST /v1/drafts/{draft}/reject", a.reject},
		{"POST /v1/preview", a.preview},
		{"GET /v1/channels", a.listChannels},
		{"GET /v1/audit", a.listAudit},
		{"GET /v1/export/{ref}", a.export},
		{"GET /v1/deliveries", a.listDeliveries},
		{"POST /v1/deliveries/{id}/retry", a.retry},
		{"POST /v1/deliveries/{id}/skip", a.skip},
		{"POST /v1/deliveries/{id}/posted", a.posted},
		{"POST /v1/freeze", a.freeze},
		{"POST /v1/unfreeze", a.unfreeze},
		{"GET /v1/subscribers/{bot}", a.exportSubscribers},
		{"POST /v1/subscribers/{bot}", a.importSubscribers},
		{"GET /v1/openapi.json", a.openapi},
	}
}

// operatorKey is where a request carries who makes it.
type operatorKey struct{}

// handler serves the routes to operators, and problems to everybody else.
func (a *api) handler() http.Handler {
	mux := http.NewServeMux()
	for _, rt := range a.routes() {
		mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) {
			op, _ := r.Context().Value(operatorKey{}).(Operator)
			if err := rt.serve(w, r, op); err != nil {
				a.fail(w, r, err)
			}
		})
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op, leave, err := a.admit(r)
		if err != nil {
			a.fail(w, r, err)
			return
		}
		defer leave()
		h, pattern := mux.Handler(r)
		routed(w, pattern)
		if pattern == "" {
			noRoute(w, r, h)
			return
		}
		mux.ServeHTTP(w, r.WithContext(withOperator(r.Context(), op)))
	})
}

// admit finds the operator behind a request and lets it in. leave is called
// when it is answered.
func (a *api) admit(r *http.Request) (op Operator, leave func(), err error) {
	if err := a.gate.knock(r); err != nil {
		return op, nil, err
	}
	op, ok := authenticate(a.Operators, r)
	if !ok {
		return op, nil, a.unauthorized(r)
	}
	leave, err = a.gate.enter(r, op.Name)
	return op, leave, err
}

// fail answers with a problem, and logs it once if it is ours.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, internal := asProblem(err)
	switch {
	case internal && gone(r, err):
		a.Log.InfoContext(r.Context(), "a client went away before it was answered", "method", r.Method, "path", r.URL.Path)
		p = refuse(statusGone, "the client went away")
	case internal:
		a.Log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		switch {
		case errors.Is(err, desk.ErrUnknown):
			p = unknown()
		case a.stumbles():
			p = storeless()
		}
	}
	p.write(w)
}

// statusGone is how a request is counted whose client went away: what it is
// answered nobody reads. The number is the one that proxies use for it.
const statusGone = 499

// gone reports whether a request came to nothing because its client went away.
func gone(r *http.Request, err error) bool {
	return errors.Is(r.Context().Err(), context.Canceled) && errors.Is(err, context.Canceled) && !errors.Is(err, desk.ErrUnknown)
}

// stumbles reports whether the last write came to nothing.
func (a *api) stumbles() bool { return a.Stumbled != nil && a.Stumbled() }

// noRoute words what the mux says about a request that it has no route for:
// that there is none, or that its methods are others.
func noRoute(w http.ResponseWriter, r *http.Request, mux http.Handler) {
	said := &statusOnly{header: http.Header{}}
	mux.ServeHTTP(said, r)
	if allow := said.header.Get("Allow"); allow != "" {
		w.Header().Set("Allow", allow)
		refuse(http.StatusMethodNotAllowed, "%s is not possible here: use %s", r.Method, allow).write(w)
		return
	}
	refuse(http.StatusNotFound, "there is nothing at %s: see /v1/openapi.json", r.URL.Path).write(w)
}

// statusOnly takes an answer for its header.
type statusOnly struct{ header http.Header }

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }
func (s *statusOnly) WriteHeader(int)             {}

// said answers a command that publishes: with the incident as it is now, or
// with the draft that waits for other people.
func (a *api) said(w http.ResponseWriter, r *http.Request, answer desk.Answer) error {
	if answer.Draft != nil && answer.State == "draft" {
		d, err := a.draftResource(r.Context(), answer.Draft)
		if err != nil {
			return err
		}
		return reply(w, http.StatusAccepted, map[string]any{"draft": d, "text": answer.Text})
	}
	res := incidentResource(answer.Incident)
	w.Header().Set("Location", "/v1/incidents/"+res.Ref)
	return reply(w, http.StatusCreated, published{res, updateRef(answer.Incident, answer.Update), "published", answer.Warnings, answer.Held})
}
