package web

import (
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// The types here are what the API shows. They change only by addition.

type incidentJSON struct {
	Ref            string                             `json:"ref"`
	Kind           incident.Kind                      `json:"kind"`
	Title          string                             `json:"title"`
	Impact         incident.Impact                    `json:"impact"`
	Status         incident.Status                    `json:"status"`
	Components     map[string]incident.ComponentState `json:"components"`
	CreatedAt      *time.Time                         `json:"created_at"`
	ResolvedAt     *time.Time                         `json:"resolved_at"`
	NextUpdate     *time.Time                         `json:"next_update"`
	ScheduledFor   *time.Time                         `json:"scheduled_for,omitempty"`
	ScheduledUntil *time.Time                         `json:"scheduled_until,omitempty"`
	Pending        *pendingJSON                       `json:"pending,omitempty"`
	Promises       incident.PromiseCount              `json:"promises"` // what became of them
	Updates        []updateJSON                       `json:"updates"`  // oldest first
}

// pendingJSON is a change of what is affected that goes out with the next
// update.
type pendingJSON struct {
	Impact     incident.Impact                    `json:"impact,omitempty"`
	Components map[string]incident.ComponentState `json:"components,omitempty"`
	By         string                             `json:"by"`
}

type updateJSON struct {
	Ref              string          `json:"ref"`
	Revision         int             `json:"revision"` // 2 and more are corrections
	Status           incident.Status `json:"status"`
	Body             incident.Text   `json:"body"` // null where it was retracted and deleted
	Author           string          `json:"author"`
	Template         string          `json:"template,omitempty"` // of a text that nobody typed
	ApprovedBy       []string        `json:"approved_by"`
	PublishedAt      *time.Time      `json:"published_at"`
	RetractedAt      *time.Time      `json:"retracted_at"`
	RetractionReason string          `json:"retraction_reason,omitempty"`
}

// published is the answer to words that have become an update.
type published struct {
	incidentJSON
	Update   string   `json:"update"` // the one that was published or changed
	State    string   `json:"state"`
	Warnings []string `json:"warnings,omitempty"` // of the words that were published
	Held     []string `json:"held,omitempty"`     // channels on which a freeze holds it
}

func incidentResource(i *incident.Incident) incidentJSON {
	res := incidentJSON{
		Ref: i.Ref.String(), Kind: i.Kind, Title: i.Title, Impact: i.Impact, Status: i.Status,
		Components: i.Components, CreatedAt: utc(i.CreatedAt), ResolvedAt: utc(i.ResolvedAt), NextUpdate: utc(i.NextUpdate),
		ScheduledFor: utc(i.Begin), ScheduledUntil: utc(i.End), Updates: make([]updateJSON, len(i.Updates)),
		Promises: i.CountPromises(time.Now()),
	}
	if res.Components == nil {
		res.Components = map[string]incident.ComponentState{}
	}
	if !i.Pending.Empty() {
		res.Pending = &pendingJSON{i.Pending.Impact, i.Pending.Components, i.Pending.By}
	}
	for k := range i.Updates {
		res.Updates[k] = updateResource(i, &i.Updates[k])
	}
	return res
}

func updateResource(i *incident.Incident, u *incident.Update) updateJSON {
	res := updateJSON{
		Ref: updateRef(i, u.N), Revision: len(u.Revisions), Status: u.Status, Body: u.Newest().Body,
		Template: u.Template, Author: u.Author, ApprovedBy: u.ApprovedBy, PublishedAt: utc(u.PublishedAt),
	}
	if res.ApprovedBy == nil {
		res.ApprovedBy = []string{}
	}
	if u.Retraction != nil {
		res.RetractedAt, res.RetractionReason = utc(u.Retraction.At), u.Retraction.Reason
		if u.Retraction.Delete {
			res.Body = nil
		}
	}
	return res
}

func updateRef(i *incident.Incident, n int) string { return fmt.Sprintf("%s/%d", i.Ref, n) }

// utc is a time as the API shows it; null for none.
func utc(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Microsecond)
	return &t
}

type deliveryJSON struct {
	ID         string          `json:"id"`
	Update     string          `json:"update"`
	Revision   int             `json:"revision"`
	Channel    string          `json:"channel"`
	Action     string          `json:"action"`
	State      broadcast.State `json:"state"`
	Ref        *messageJSON    `json:"ref"` // null where no message is known
	Attempts   int             `json:"attempts"`
	Error      string          `json:"error,omitempty"`
	AcceptedAt *time.Time      `json:"accepted_at"`
	SentAt     *time.Time      `json:"sent_at"`
	Audience   *audienceJSON   `json:"audience,omitempty"`
}

// audienceJSON is how far an audience is.
type audienceJSON struct {
	Told   int     `json:"told"`
	Unsure int     `json:"unsure"`
	Failed int     `json:"failed"`
	Asks   int     `json:"to_settle"`
	Passed int     `json:"passed"`
	People int     `json:"people"`
	Speed  float64 `json:"per_second"`
	Paid   int     `json:"paid"`
	Unpaid float64 `json:"unpaid_per_second"`
	Left   float64 `json:"seconds_left"`
}

type messageJSON struct {
	ID  string `json:"id"`
	URL string `json:"url"`
}

func deliveryResource(d *broadcast.Delivery) deliveryJSON {
	res := deliveryJSON{
		ID: d.ID, Update: d.Update, Revision: d.Revision, Channel: d.Channel, Action: d.Action, State: d.State,
		Attempts: d.Attempts, Error: d.Error, AcceptedAt: utc(d.Accepted), SentAt: utc(d.Sent),
	}
	if d.Message != "" || d.URL != "" {
		res.Ref = &messageJSON{d.Message, d.URL}
	}
	if p := d.Audience; p != nil {
		res.Audience = &audienceJSON{p.Told, p.Unsure, p.Failed, p.Asks(), p.Passed, p.People, p.Speed, p.Paid, p.Unpaid, p.Left().Seconds()}
	}
	return res
}

type freezeJSON struct {
	Scope  string     `json:"scope"`
	Reason string     `json:"reason"`
	By     string     `json:"by"`
	At     *time.Time `json:"at"`
}

func freezeResources(freezes []desk.Freeze) []freezeJSON {
	out := make([]freezeJSON, len(freezes))
	for i, f := range freezes {
		out[i] = freezeJSON{f.Scope, f.Reason, f.By, utc(f.At)}
	}
	return out
}

type auditJSON struct {
	ID string `json:"id"`
	desk.Record
	Hash string `json:"hash"` // covers this line and all before it
}

func auditResource(l *desk.AuditLine) auditJSON {
	return auditJSON{ID: fmt.Sprint(l.ID), Record: l.Record, Hash: l.Hash}
}
