package broadcast

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A State is where a delivery stands. It is a view over should and shows and
// stored nowhere.
type State string

// The states.
const (
	Pending         State = "pending"
	Sending         State = "sending"
	Sent            State = "sent"
	Failed          State = "failed"
	UnsureState     State = "unsure"
	SupersededState State = "superseded"
	WithdrawnState  State = "withdrawn"
	SkippedState    State = "skipped"
	Held            State = "held"
)

// A Delivery is one row of what was to arrive where, and what became of it.
type Delivery struct {
	ID       string
	Update   string // INC-12/3
	Revision int
	Channel  string
	Action   string // post, edit, correction, tombstone, delete
	State    State
	Message  string // id on the platform
	URL      string
	Attempts int
	Error    string
	Accepted time.Time
	Sent     time.Time
	Until    time.Time // pending: not before this, because the platform asks to wait
	Audience *Progress // of an audience: how far it is; nil for a channel
}

// Edits reports whether it changes messages that an audience has, which notifies nobody.
func (d *Delivery) Edits() bool {
	return d.Audience != nil && (d.Action == string(bots.Edit) || d.Action == string(bots.Delete))
}

// amendSuffix marks the id of the row for an edit or deletion of a message
// whose own row has the plain id.
const amendSuffix = "-amend"

// EntryID reads a delivery's id back to that of the entry behind it.
func EntryID(delivery string) (int64, error) {
	id, err := strconv.ParseInt(strings.TrimSuffix(delivery, amendSuffix), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a delivery: take an id from the list of deliveries", delivery)
	}
	return id, nil
}

// Deliveries is the view of a lane. sending has the entries with an attempt
// under way.
func (l *Lane) Deliveries(sending map[int64]bool) []Delivery {
	var out []Delivery
	for i := range l.Entries {
		e := &l.Entries[i]
		out = append(out, l.posting(e, sending[e.ID]))
		if d, ok := l.amending(e, sending[e.ID]); ok {
			out = append(out, d)
		}
	}
	return out
}

func (l *Lane) row(e *Entry) Delivery {
	d := Delivery{
		ID: strconv.FormatInt(e.ID, 10), Update: fmt.Sprintf("%s/%d", l.Incident.Ref, e.Update), Channel: l.Channel.Name,
		Message: e.Shows.Message, URL: e.Shows.URL, Attempts: e.Try.Attempts, Accepted: e.Accepted,
	}
	if f := e.Try.Fault; f != nil {
		d.Error = f.Error()
		if f.Kind == bots.RateLimited {
			d.Until = e.Try.NotBefore
		}
	}
	d.Until = later(d.Until, l.Quiet)
	return d
}

// acceptedAt is when what e shows, or is to show, was accepted: the wording of
// an edit is younger than the message that it is put into.
func (l *Lane) acceptedAt(e *Entry, revision int, posting bool) time.Time {
	switch u := l.Incident.Update(e.Update); {
	case u == nil || posting:
	case u.Retraction != nil && e.Kind != Retract:
		return u.Retraction.At
	case revision > 0 && revision <= len(u.Revisions):
		return u.Revision(revision).At
	}
	return e.Accepted
}

// posting is the row for the message itself.
func (l *Lane) posting(e *Entry, sending bool) Delivery {
	d := l.row(e)
	d.Action, d.Revision, d.State = string(e.Kind), max(e.Should.Revision, 1), l.state(e, sending)
	if d.State == UnsureState {
		d.Revision = max(e.Doubt.Revision, 1) // of the words that may be there
	}
	if e.Kind == Retract {
		d.Action = "tombstone"
	}
	if e.Shows.What != Nothing {
		d.Revision, d.State, d.Sent, d.Error = e.Shows.Posted, Sent, e.Shows.First, ""
	}
	return d
}

// amending is the row for an edit or deletion, if there was or is to be one.
func (l *Lane) amending(e *Entry, sending bool) (Delivery, bool) {
	if e.Shows.What == Nothing {
		return Delivery{}, false
	}
	action, after := (&planner{Lane: l, now: time.Now()}).amendment(e)
	d := l.row(e)
	d.ID += amendSuffix
	d.Revision, d.Accepted = e.Shows.Revision, l.acceptedAt(e, max(after.Revision, e.Shows.Revision), false)
	switch {
	case e.Shows.What == Removed:
		d.Action, d.State, d.Sent = "delete", Sent, e.Shows.Since
		return d, true
	case e.Should.What == Nothing && e.Try.Failed == "", action != "" && e.Shows.like(after), showsAsItShould(e):
		if e.Shows.What == Words && e.Shows.Revision == e.Shows.Posted {
			return d, false
		}
		d.Action, d.State, d.Sent, d.Error = "edit", Sent, e.Shows.Since, ""
		if e.Shows.What == Tombstone {
			d.Action = "tombstone"
		}
		return d, true
	case e.Should.What == Nothing: // a person gave it up
		d.Action, d.State = string(e.Try.Failed), SkippedState
		if e.Try.Failed == bots.Edit && l.Incident.Update(e.Update).Retraction != nil {
			d.Action = "tombstone"
		}
		return d, true
	case action == "" || e.Shows.Message == "":
		return d, false // the platform cannot; a message of its own says it
	}
	d.Revision, d.State = max(after.Revision, e.Shows.Revision), l.state(e, sending)
	d.Action = map[What]string{Words: "edit", Tombstone: "tombstone", Removed: "delete"}[after.What]
	return d, true
}

func showsAsItShould(e *Entry) bool {
	return e.Should.What == e.Shows.What && (e.Should.What != Words || e.Should.Revision == e.Shows.Revision)
}

// state is where the present operation on e's message stands.
func (l *Lane) state(e *Entry, sending bool) State {
	switch {
	case sending:
		return Sending
	case e.Should.What == Nothing:
		return map[Reason]State{Superseded: SupersededState, Withdrawn: WithdrawnState, Skipped: SkippedState}[e.Should.Why]
	case e.Doubt != nil && (!e.Doubt.Again || e.Should.What != Words):
		return UnsureState
	case e.GaveUp():
		return Failed
	case l.Frozen, l.awaitsTranslation(e):
		return Held
	case l.obvious(e):
		return WithdrawnState
	default:
		return Pending
	}
}

// awaitsTranslation reports whether e is held for a translation, its own or
// that of the post that it corrects.
func (l *Lane) awaitsTranslation(e *Entry) bool {
	n := &planner{Lane: l}
	main := l.post(e.Update)
	return n.untranslated(e) || e.Kind == Correct && main != nil && main.Shows.What == Nothing && n.untranslated(main)
}

// obvious reports whether e was retracted before it was sent, which Next is
// about to record.
func (l *Lane) obvious(e *Entry) bool { return e.Shows.What == Nothing && e.Should.What != Words }

// PlanPost lists the channels that show an incident's next update: those for
// drills if it is one and the others if not, limited by only and without not.
func PlanPost(channels []Channel, i *incident.Incident, only, not []string) []Channel {
	var out []Channel
	for _, ch := range channels {
		listed := len(only) == 0 || slices.Contains(only, ch.Name)
		if ch.Drill == i.Drill && listed && !slices.Contains(not, ch.Name) {
			out = append(out, ch)
		}
	}
	return out
}

// PlanCorrection changes what the entries of an update should show to its
// newest revision. It leaves alone those that it changes nothing for, such as
// English ones when only a translation was added. fallback is the language of
// texts that have none in the channel's. Where entries changed, the lane may
// need a linked correction.
func (l *Lane) PlanCorrection(update, revision int, fallback string) (changed []*Entry) {
	u := l.Incident.Update(update)
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Update != update || e.Kind == Retract || e.Should.What != Words || l.sameWords(u.Revision(e.Should.Revision), u.Revision(revision), fallback) {
			continue
		}
		e.Should.Revision = revision
		changed = append(changed, e)
	}
	return changed
}

// sameWords reports whether the channel's readers learn nothing from another
// wording. What was only edited as a typo is not yet announced, so that its
// words are news even where they are the same.
func (l *Lane) sameWords(was, is incident.Revision, fallback string) bool {
	before, in := was.Body.In(l.Channel.Language, fallback)
	after, now := is.Body.In(l.Channel.Language, fallback)
	return before == after && in == now && was.Title == is.Title && (is.Typo || !was.Typo)
}

// PlanRetraction changes what the entries of an update should show to its
// tombstone, or to nothing where the text itself must go.
func (l *Lane) PlanRetraction(update int, remove bool) (changed []*Entry) {
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Update != update || e.Should.What == Nothing && !e.Shows.Exists() {
			continue
		}
		e.Should = Should{What: Tombstone}
		if remove {
			e.Should.What = Removed
		}
		e.Try.NotBefore, e.Try.Failures = time.Time{}, 0
		changed = append(changed, e)
	}
	return changed
}
