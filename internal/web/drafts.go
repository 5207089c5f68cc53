package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

type draftJSON struct {
	ID        string      `json:"id"`
	Verb      string      `json:"verb"`               // open, update, correct
	Incident  string      `json:"incident,omitempty"` // reference; none while it would open one
	Base      string      `json:"base,omitempty"`     // the newest update when it was written
	Digest    string      `json:"digest"`             // of what is agreed to
	Needs     int         `json:"needs"`              // people besides the author who must agree
	Approvals []string    `json:"approvals"`          // of whom these have
	Author    string      `json:"author"`
	State     string      `json:"state"`
	Reason    string      `json:"reason,omitempty"` // of a rejection
	CreatedAt *time.Time  `json:"created_at"`
	Says      *sayingJSON `json:"says"`
	Warnings  []string    `json:"warnings"`
}

// sayingJSON is what a draft would say. What is absent stays as it is.
type sayingJSON struct {
	Kind           incident.Kind                      `json:"kind,omitempty"`
	Drill          bool                               `json:"drill,omitempty"`
	Title          string                             `json:"title,omitempty"`
	Template       string                             `json:"template,omitempty"` // of a text that nobody typed
	Status         incident.Status                    `json:"status,omitempty"`
	Impact         incident.Impact                    `json:"impact,omitempty"`
	Components     map[string]incident.ComponentState `json:"components,omitempty"`
	Body           incident.Text                      `json:"body,omitempty"`
	NextUpdate     *time.Time                         `json:"next_update,omitempty"`
	ScheduledFor   *time.Time                         `json:"scheduled_for,omitempty"`
	ScheduledUntil *time.Time                         `json:"scheduled_until,omitempty"`
	Corrects       string                             `json:"corrects,omitempty"`
	Typo           bool                               `json:"typo,omitempty"`
	Only           []string                           `json:"only,omitempty"`
	Not            []string                           `json:"not,omitempty"`
}

// drafted reads what a draft would say. The command of a draft is stored as
// the JSON of one of the desk's commands.
func drafted(d *desk.Draft) (kind incident.Kind, s incident.Saying, out *sayingJSON, err error) {
	out = &sayingJSON{}
	switch d.Verb {
	case "open":
		var c desk.Open
		err = json.Unmarshal(d.Command, &c)
		kind, s = c.Kind, c.Saying
		out.Kind, out.Drill, out.Only, out.Not = c.Kind, c.Drill, c.Only, c.Not
	case "update":
		var c desk.Update
		err = json.Unmarshal(d.Command, &c)
		s, out.Only, out.Not = c.Says(), c.Only, c.Not
	case "correct":
		var c desk.Correct
		err = json.Unmarshal(d.Command, &c)
		s = incident.Saying{Title: c.Title, Body: c.Body}
		out.Corrects, out.Typo = c.Ref, c.Typo
	default:
		err = fmt.Errorf("%s holds an unknown command %q", d.ID(), d.Verb)
	}
	out.Title, out.Template, out.Status, out.Impact, out.Components, out.Body = s.Title, s.Template, s.Status, s.Impact, s.Components, s.Body
	out.NextUpdate, out.ScheduledFor, out.ScheduledUntil = utc(s.NextUpdate), utc(s.Begin), utc(s.End)
	return kind, s, out, err
}

func (a *api) draftResource(ctx context.Context, d *desk.Draft) (draftJSON, error) {
	res := draftJSON{
		ID: d.ID(), Verb: d.Verb, Incident: d.Ref, Base: d.Base, Digest: d.Digest, Needs: d.Needs, Approvals: d.Approvals,
		Author: d.Author, State: d.State, Reason: d.Reason, CreatedAt: utc(d.CreatedAt), Warnings: []string{},
	}
	if res.Approvals == nil {
		res.Approvals = []string{}
	}
	kind, s, says, err := drafted(d)
	if err != nil {
		return res, err
	}
	res.Says = says
	if d.State == "open" {
		against, err := a.Desk.Against(ctx, d)
		if err != nil {
			return res, err
		}
		res.Warnings = once(against, d.Warnings, d.Wording, a.cautions(ctx, kind, s, d.Ref))
	}
	return res, nil
}

// cautions are what a preview of a draft warns of. That it cannot be previewed
// is one more: the draft itself still has to be seen.
func (a *api) cautions(ctx context.Context, kind incident.Kind, s incident.Saying, ref string) (out []string) {
	previews, err := a.Preview(ctx, kind, s, ref)
	if err != nil {
		p, internal := asProblem(err)
		if internal {
			a.Log.ErrorContext(ctx, "preview of a draft failed", "incident", ref, "err", err)
		}
		return []string{"it cannot be previewed: " + p.Detail}
	}
	for _, p := range previews {
		out = append(out, p.Warnings...)
	}
	return out
}

// once lists lines without those that were there before.
func once(lists ...[]string) []string {
	out := []string{}
	for _, line := range slices.Concat(lists...) {
		if !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

func (a *api) listDrafts(w http.ResponseWriter, r *http.Request, _ Operator) error {
	drafts, err := a.Store.Drafts(r.Context())
	if err != nil {
		return err
	}
	out := make([]draftJSON, len(drafts))
	for i, d := range drafts {
		if out[i], err = a.draftResource(r.Context(), d); err != nil {
			return err
		}
	}
	return reply(w, http.StatusOK, map[string]any{"drafts": out})
}

// editDraft gives a draft other words, which voids approvals.
func (a *api) editDraft(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	cmd := desk.Edit{Draft: r.PathValue("draft"), Digest: f.text("digest"), Saying: f.saying(time.Now())}
	cmd.Saying.Components = f.states("components")
	return a.decided(w, r, op, f, cmd)
}

// publish agrees to a draft. It answers what the request behind the draft
// would have, once nobody else is needed.
func (a *api) publish(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.say(w, r, op, f, desk.Publish{Draft: r.PathValue("draft"), Digest: f.text("digest"), Reason: f.text("reason")})
}

func (a *api) reject(w http.ResponseWriter, r *http.Request, op Operator) error {
	f, err := readForm(w, r)
	if err != nil {
		return err
	}
	return a.decided(w, r, op, f, desk.Reject{Draft: r.PathValue("draft"), Reason: f.text("reason")})
}

// decided carries out a command about a draft and shows what became of it.
func (a *api) decided(w http.ResponseWriter, r *http.Request, op Operator, f *form, cmd desk.Command) error {
	if err := f.done(); err != nil {
		return err
	}
	answer, err := a.do(r, op, f.body, cmd)
	if err != nil {
		return err
	}
	d, err := a.draftResource(r.Context(), answer.Draft)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, map[string]any{"draft": d, "text": answer.Text})
}
