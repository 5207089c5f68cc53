package desk

import (
	"fmt"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Retract withdraws an update that was wrong as a whole. It leaves a
// tombstone; with Delete the text itself is removed wherever that is possible.
type Retract struct {
	Ref    string // INC-12/3
	Reason string // told to the public
	Delete bool
	Sure   bool // who typed it in a room was asked whether it is meant
}

func (Retract) verb() string { return "retract" }

func (c Retract) run(w *work) (Answer, error) {
	i, u, err := w.updateOf(c.Ref)
	if err != nil {
		return Answer{}, err
	}
	if u.Retraction != nil {
		return Answer{}, refuse(Conflict, "%s is retracted already", c.Ref)
	}
	if strings.TrimSpace(c.Reason) == "" {
		return Answer{}, refuse(Invalid, "say why it is retracted: the public will read the reason")
	}
	if err := w.require(Publisher, "retract"); err != nil {
		return Answer{}, err
	}
	if err := w.lint(incident.Text{"": c.Reason}, "", i.Status); err != nil {
		return Answer{}, err
	}
	if err := c.askWhetherMeant(w, i, u); err != nil {
		return Answer{}, err
	}
	u.Retraction = &incident.Retraction{Reason: c.Reason, Author: w.author, At: w.now, Delete: c.Delete || w.Retraction == "delete"}
	i.Restate(w.now)
	if err := w.Desk.retract(w, i, u); err != nil {
		return Answer{}, err
	}
	answer := Answer{
		State: "published", Ref: i.Ref.String(), Update: u.N, Incident: i,
		Text: fmt.Sprintf("%s/%d is retracted.", i.Ref, u.N),
	}
	return w.heldWhereShown(answer)
}

// askWhetherMeant has a room look twice: a retraction cannot be taken back, and
// its reference is two characters.
func (c Retract) askWhetherMeant(w *work, i *incident.Incident, u *incident.Update) error {
	if !w.actor.Previews || c.Sure {
		return nil
	}
	said, _ := u.Newest().Body.In(w.Language, w.Language)
	what := "withdraws"
	if c.Delete {
		what = "deletes"
	}
	return unclear(WhichSure, "this %s %s/%d on all channels:\n%s\nThe public will read: %s", what, i.Ref, u.N,
		strings.Join(onPhone(said, wasLines), "\n"), strings.TrimRight(c.Reason, "."))
}

// sureChoice is the button that says so.
func sureChoice(t incident.Typed) []Choice {
	t.Sure = true
	return []Choice{{Label: "Withdraw " + t.Ref, Typed: t}}
}

// retract takes the update back on every channel that was to show it.
func (d *Desk) retract(w *work, i *incident.Incident, u *incident.Update) error {
	if err := w.Tx.Retract(i, u.N); err != nil {
		return err
	}
	lanes, err := w.Lanes(i.Ref)
	if err != nil {
		return err
	}
	for _, l := range lanes {
		changed := l.PlanRetraction(u.N, u.Retraction.Delete)
		for _, e := range changed {
			if err := w.Amend(l, e); err != nil {
				return err
			}
		}
		if len(changed) == 0 {
			continue
		}
		e := &broadcast.Entry{Update: u.N, Kind: broadcast.Retract, Accepted: w.now, Should: broadcast.Should{What: broadcast.Words, Revision: 1}}
		if err := w.Deliver(i.Ref, l.Channel, e); err != nil {
			return err
		}
	}
	return nil
}
