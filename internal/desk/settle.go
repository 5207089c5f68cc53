package desk

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Which names a delivery: by its id, or by update and channel.
type Which struct {
	Delivery string
	Update   string // INC-12/3
	Channel  string
}

// Retry sends again what failed, or what nobody knows to have arrived.
type Retry struct{ Which }

// Skip gives up a delivery that was not made.
type Skip struct {
	Which
	Reason string
}

// Posted records that a person has posted by hand, or found what was unsure.
type Posted struct {
	Which
	URL string
}

func (Retry) verb() string  { return "retry" }
func (Skip) verb() string   { return "skip" }
func (Posted) verb() string { return "posted" }

func (c Retry) run(w *work) (Answer, error) {
	if d, err := w.audience(c.Which); err != nil {
		return Answer{}, err
	} else if d != nil {
		return w.settleCrowd(d, w.TellAgain, "tell again", "told again")
	}
	return w.settle(c.Which, "is tried again", func(l *broadcast.Lane, e *broadcast.Entry) error {
		doubtful := e.Doubt != nil && !e.Doubt.Again
		if e.Should.What == broadcast.Nothing || !doubtful && !e.GaveUp() && e.Try.NotBefore.IsZero() {
			return refuse(Conflict, "there is nothing to try again: it is %s", stateOf(l, e))
		}
		if e.Doubt != nil && e.Should.What != broadcast.Words {
			return refuse(Conflict, "%s/%d was retracted, so it is not sent again: skip it, or give its link if it is there", l.Incident.Ref, e.Update)
		}
		if e.Doubt != nil { // kept: the platform may answer that it has it already
			e.Doubt.Again = true
		}
		e.Try = broadcast.Try{Attempts: e.Try.Attempts, Again: e.Try.Again + 1}
		return nil
	})
}

func (c Skip) run(w *work) (Answer, error) {
	if d, err := w.audience(c.Which); err != nil {
		return Answer{}, err
	} else if d != nil {
		return w.settleCrowd(d, w.LeaveBe, "skip", "skipped")
	}
	return w.settle(c.Which, "is skipped", func(l *broadcast.Lane, e *broadcast.Entry) error {
		state := stateOf(l, e)
		if state == broadcast.Sent || e.Should.What == broadcast.Nothing {
			return refuse(Conflict, "there is nothing to skip: it is %s", state)
		}
		e.Should = broadcast.Should{What: broadcast.Nothing, Why: broadcast.Skipped}
		e.Doubt = nil
		return nil
	})
}

func (c Posted) run(w *work) (Answer, error) {
	if d, err := w.audience(c.Which); err != nil {
		return Answer{}, err
	} else if d != nil {
		return Answer{}, refuse(Invalid, "%s is an audience and has no single message: retry or skip it", d.Channel)
	}
	u, err := url.Parse(c.URL)
	if c.URL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http") {
		return Answer{}, refuse(Invalid, "%q is no link: copy the address of the message", c.URL)
	}
	return w.settle(c.Which, "is recorded as posted", func(l *broadcast.Lane, e *broadcast.Entry) error {
		if e.Shows.Exists() {
			return refuse(Conflict, "there is nothing to record: it is %s", stateOf(l, e))
		}
		if err := w.isNoOther(l, c.URL); err != nil {
			return err
		}
		if e.Doubt != nil { // it says what was sent then
			l.Landed(e, messageID(c.URL), c.URL)
		} else {
			r := max(e.Should.Revision, 1)
			e.Shows = broadcast.Shows{What: broadcast.Words, Revision: r, Posted: r, URL: c.URL, Message: messageID(c.URL), Since: w.now, First: w.now}
		}
		e.Shows.Assumed = true
		if e.Should.What == broadcast.Nothing {
			e.Should = shouldNow(l, e)
		}
		e.Doubt, e.Try = nil, broadcast.Try{Attempts: e.Try.Attempts, Again: e.Try.Again}
		return nil
	})
}

// isNoOther refuses the link of a message that is another update's: a later
// edit would put these words over that one's.
func (w *work) isNoOther(l *broadcast.Lane, link string) error {
	id := messageID(link)
	if id == "" {
		return nil
	}
	other, err := w.MessageOf(l.Channel.Name, id)
	if err == nil && other != "" {
		return refuse(Conflict, "%s is the message of %s: give the link of the message that says this one", link, other)
	}
	return err
}

// shouldNow is what a message that was given up is to show once it is there.
func shouldNow(l *broadcast.Lane, e *broadcast.Entry) broadcast.Should {
	u := l.Incident.Update(e.Update)
	switch {
	case e.Kind == broadcast.Retract || u.Retraction == nil:
		return broadcast.Should{What: broadcast.Words, Revision: e.Shows.Revision}
	case u.Retraction.Delete:
		return broadcast.Should{What: broadcast.Removed}
	}
	return broadcast.Should{What: broadcast.Tombstone}
}

// messageID is the last part of a link when it is a number, as it is on every
// platform that has links.
func messageID(link string) string {
	last := path.Base(strings.TrimSuffix(link, "/"))
	if last == "" || strings.Trim(last, "0123456789") != "" {
		return ""
	}
	return last
}

// stateOf is where a delivery stands. A lane here knows nothing of its
// platform's limits, so the view has no row for an edit that failed.
func stateOf(l *broadcast.Lane, e *broadcast.Entry) broadcast.State {
	if e.GaveUp() {
		return broadcast.Failed
	}
	state := broadcast.Sent
	for _, d := range l.Deliveries(nil) {
		if id, _ := broadcast.EntryID(d.ID); id == e.ID {
			state = d.State // the row of an amendment comes last and counts
		}
	}
	return state
}

func (w *work) maySettle() error { return w.require(Publisher, "settle deliveries") }

// settle changes one delivery that is unsure, failed or done by hand.
func (w *work) settle(which Which, what string, change func(*broadcast.Lane, *broadcast.Entry) error) (Answer, error) {
	if err := w.maySettle(); err != nil {
		return Answer{}, err
	}
	l, e, err := w.find(which)
	if err != nil {
		return Answer{}, err
	}
	if err := w.mayTouch(&l.Incident); err != nil {
		return Answer{}, err
	}
	if err := change(l, e); err != nil {
		return Answer{}, err
	}
	if err := w.Tx.Change(l, e); errors.Is(err, ErrSending) {
		return Answer{}, refuse(Conflict, "%s", err)
	} else if err != nil {
		return Answer{}, err
	}
	name := fmt.Sprintf("%s/%d on %s", l.Incident.Ref, e.Update, l.Channel.Name)
	return Answer{State: "done", Ref: l.Incident.Ref.String(), Update: e.Update, Delivery: fmt.Sprint(e.ID), Text: name + " " + what + "."}, nil
}

// find loads the delivery that a person means. Of several for one update and
// channel it is the one that needs settling.
func (w *work) find(which Which) (*broadcast.Lane, *broadcast.Entry, error) {
	if which.Delivery == "" {
		return w.findByChannel(which)
	}
	id, err := broadcast.EntryID(which.Delivery)
	if err != nil {
		return nil, nil, refuse(NotFound, "%s", err)
	}
	l, err := w.LaneOf(id)
	if errors.Is(err, ErrNotFound) {
		return nil, nil, refuse(NotFound, "there is no delivery %s: take an id from the list of deliveries", which.Delivery)
	}
	if err != nil {
		return nil, nil, err
	}
	for k := range l.Entries {
		if l.Entries[k].ID == id {
			return l, &l.Entries[k], nil
		}
	}
	return nil, nil, fmt.Errorf("lane %d lost its entry %d", l.ID, id)
}

func (w *work) findByChannel(which Which) (*broadcast.Lane, *broadcast.Entry, error) {
	ref, n, err := incident.ParseUpdateRef(which.Update)
	if err != nil || n == 0 {
		return nil, nil, refuse(Invalid, "%q names no update: write it like INC-12/3", which.Update)
	}
	lanes, err := w.Lanes(ref)
	if err != nil {
		return nil, nil, err
	}
	var lane *broadcast.Lane
	var entry *broadcast.Entry
	for _, l := range lanes {
		for k := range l.Entries {
			e := &l.Entries[k]
			if strings.EqualFold(l.Channel.Name, which.Channel) && e.Update == n && (entry == nil || stateOf(l, entry) == broadcast.Sent) {
				lane, entry = l, e
			}
		}
	}
	if entry == nil {
		return nil, nil, refuse(NotFound, "%s/%d was not planned for channel %q", ref, n, which.Channel)
	}
	return lane, entry, nil
}
