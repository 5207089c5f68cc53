package desk

import (
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/incident"
)

// about is a transaction that notes which incident and which draft a command
// asks for, so that the audit can name them even where it is refused.
type about struct {
	Tx
	incident, draft string
}

func (a *about) Incident(ref incident.Ref) (*incident.Incident, error) {
	i, err := a.Tx.Incident(ref)
	if err == nil && a.incident == "" {
		a.incident = i.Ref.String()
	}
	return i, err
}

func (a *about) Lanes(ref incident.Ref) ([]*broadcast.Lane, error) {
	lanes, err := a.Tx.Lanes(ref)
	if len(lanes) > 0 && a.incident == "" {
		a.incident = lanes[0].Incident.Ref.String()
	}
	return lanes, err
}

func (a *about) LaneOf(entry int64) (*broadcast.Lane, error) {
	l, err := a.Tx.LaneOf(entry)
	if err == nil && a.incident == "" {
		a.incident = l.Incident.Ref.String()
	}
	return l, err
}

func (a *about) Draft(number int) (*Draft, error) {
	d, err := a.Tx.Draft(number)
	if err == nil {
		a.note(d)
	}
	return d, err
}

func (a *about) AddDraft(d *Draft) error {
	err := a.Tx.AddDraft(d)
	if err == nil {
		a.note(d)
	}
	return err
}

// note takes down a draft and the incident that it is about, which may be none
// yet.
func (a *about) note(d *Draft) {
	a.draft = d.ID()
	if a.incident == "" {
		a.incident = d.Ref
	}
}

// Audit adds to the record what it is about.
func (a *about) Audit(r audit.Record) error {
	r.Draft = a.draft
	if r.Incident == "" {
		r.Incident = a.incident
	}
	if r.Subject == "" {
		r.Subject = r.Draft
	}
	return a.Tx.Audit(r)
}
