package desk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// An audience is one delivery to many people. What is settled of it are those
// whom it did not surely reach: the platform did not answer, or refused the
// message. Who cannot be written to any more is none of them.

// audience finds the delivery to an audience that a person means; nil where he
// means a channel.
func (w *work) audience(which Which) (*broadcast.Delivery, error) {
	ref, err := w.audienceRef(which)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := w.maySettle(); err != nil {
		return nil, err
	}
	if _, err := w.incidentOf(ref.String()); err != nil {
		return nil, err
	}
	all, err := w.Audiences(ref)
	if err != nil {
		return nil, err
	}
	var found *broadcast.Delivery
	for k := range all {
		d := &all[k]
		means := !d.Edits() && (d.ID == which.Delivery || strings.EqualFold(d.Channel, which.Channel) && strings.EqualFold(d.Update, which.Update))
		if means && (found == nil || found.Audience.Asks() == 0) { // of several the one that needs settling
			found = d
		}
	}
	if found == nil {
		return nil, refuse(NotFound, "%s was not planned for channel %q", which.Update, which.Channel)
	}
	return found, nil
}

// audienceRef is the incident of which a person means the delivery to an
// audience; ErrNotFound where he means a channel, or nothing that there is.
func (w *work) audienceRef(which Which) (incident.Ref, error) {
	if which.Delivery != "" {
		return w.AudienceOf(which.Delivery)
	}
	ref, n, err := incident.ParseUpdateRef(which.Update)
	named := slices.ContainsFunc(w.Channels, func(ch broadcast.Channel) bool { return ch.Audience && strings.EqualFold(ch.Name, which.Channel) })
	if err != nil || n == 0 || !named {
		return ref, ErrNotFound
	}
	return ref, nil
}

// settleCrowd carries out what was decided about those of an audience who need
// settling, whose number change returns.
func (w *work) settleCrowd(d *broadcast.Delivery, change func(delivery string) (people int, err error), to, done string) (Answer, error) {
	n, err := change(d.ID)
	switch {
	case errors.Is(err, ErrOvertaken):
		return Answer{}, refuse(Conflict, "%s is not told any more: %s", d.Update, err)
	case errors.Is(err, ErrNotFound) || err == nil && n == 0:
		return Answer{}, refuse(Conflict, "there is nobody to %s: %s on %s is %s%s", to, d.Update, d.Channel, d.Audience, halted(*d))
	case err != nil:
		return Answer{}, err
	}
	ref, update, err := incident.ParseUpdateRef(d.Update)
	if err != nil {
		return Answer{}, err
	}
	who := "1 person is"
	if n != 1 {
		who = broadcast.Count(n) + " people are"
	}
	return Answer{State: "done", Ref: ref.String(), Update: update, Delivery: d.ID, Text: fmt.Sprintf("%s on %s: %s %s.", d.Update, d.Channel, who, done)}, nil
}
