package people

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// roundPrefix begins the id of a round's row.
const roundPrefix = "round-"

// RoundID reads a row's id back to that of the round behind it.
func RoundID(delivery string) (int64, bool) {
	digits, ok := strings.CutPrefix(delivery, roundPrefix)
	id, err := strconv.ParseInt(digits, 10, 64)
	return id, ok && err == nil
}

// Deliveries is the view of a walk: a row for each round, with what was told
// once more, one for an update that no round has begun to tell, and one for each
// whose messages are changed.
func (w *Walk) Deliveries(channel string) (out []broadcast.Delivery) {
	begun := map[int]bool{}
	at := map[Round]int{} // rows, by what their rounds are about
	for _, r := range w.Rounds {
		about := Round{Kind: r.Kind, Update: r.Update, Revision: r.Revision}
		if k, ok := at[about]; ok && r.Again {
			w.addAgain(&out[k], &r)
			continue
		}
		at[about] = len(out)
		begun[r.Update] = begun[r.Update] || r.Kind == broadcast.Say && r.State != RoundSuperseded
		d := w.delivery(channel, r.Kind, r.Update)
		d.ID = roundPrefix + strconv.FormatInt(r.ID, 10)
		d.Revision = max(r.Revision, 1)
		if u := w.Incident.Update(r.Update); u != nil && r.Kind == broadcast.Correct && r.Revision <= len(u.Revisions) {
			d.Accepted = u.Revision(r.Revision).At
		}
		d.Audience = &broadcast.Progress{Told: r.Told, Unsure: r.Unsure, Failed: r.Failed, Passed: r.passed(), People: r.Audience}
		w.ask(&d, &r)
		switch {
		case r.State == RoundDone:
			d.State = broadcast.Sent
		case w.skips(&r):
			d.State = broadcast.SkippedState
		case r.State == RoundSuperseded || w.held(&r) && !w.Stands(&r): // nothing is planned under a freeze
			d.State = broadcast.SupersededState
		case w.Frozen:
			d.State = broadcast.Held
		default:
			d.State = broadcast.Sending
			d.Audience.Speed, d.Audience.Paid, d.Audience.Unpaid = r.Speed, r.Budget, r.Unpaid
		}
		out = append(out, d)
	}
	if u := w.newest(); u != nil && !begun[u.N] {
		d := w.delivery(channel, broadcast.Say, u.N)
		d.ID, d.Revision, d.State, d.Audience = fmt.Sprintf("walk-%d-%d", w.ID, u.N), len(u.Revisions), broadcast.Pending, &broadcast.Progress{}
		switch {
		case u.N <= w.Dropped:
			d.State = broadcast.SkippedState
		case w.Frozen:
			d.State = broadcast.Held
		}
		out = append(out, d)
	}
	return append(out, w.editings(channel)...)
}

// An Editing is how far the messages about an update are that are brought to show
// something else.
type Editing struct {
	Update, Shows int
	Of, Done      int // people
}

// Editings lists the updates whose messages are to be changed, or were.
func (w *Walk) Editings() (out []Editing) {
	for _, u := range w.amended() {
		out = append(out, Editing{Update: u.N, Shows: should(u)})
	}
	return out
}

// editings are a row for each update whose messages are changed where they are.
func (w *Walk) editings(channel string) (out []broadcast.Delivery) {
	for _, e := range w.Edits {
		if e.Of == 0 {
			continue
		}
		d := w.delivery(channel, broadcast.Say, e.Update)
		u := w.Incident.Update(e.Update)
		d.ID, d.Action, d.Revision = fmt.Sprintf("edits-%d-%d", w.ID, e.Update), string(bots.Edit), len(u.Revisions)
		if d.Accepted = u.Revision(len(u.Revisions)).At; u.Retraction != nil {
			d.Accepted = u.Retraction.At
		}
		if e.Shows == ShowsNothing {
			d.Action = string(bots.Delete)
		}
		d.Audience = &broadcast.Progress{Told: e.Done, Passed: e.Done, People: e.Of}
		switch {
		case e.Done == e.Of:
			d.State = broadcast.Sent
		case w.Frozen:
			d.State = broadcast.Held
		default:
			d.State = broadcast.Sending
			for _, r := range w.Rounds { // edits are never paid for
				d.Audience.Speed = cmp.Or(r.Unpaid, r.Speed, d.Audience.Speed)
			}
		}
		out = append(out, d)
	}
	return out
}

// skips reports whether the rest of a round was dropped. It says so itself from when
// it is looked at next, unless newer words were said by then.
func (w *Walk) skips(r *Round) bool {
	return r.State == RoundSkipped || r.State == RoundOpen && w.Stands(r) && w.dropped(r)
}

// held reports whether a freeze holds a round, or held it and was lifted.
func (w *Walk) held(r *Round) bool { return w.Frozen || r.Update <= w.Dropped }

// passed is about how many people had their turn. Who had it once more, after the
// round went back for somebody, counts twice; nobody reads of more than there are.
func (r *Round) passed() int {
	if r.Audience == 0 {
		return r.Passed
	}
	return min(r.Passed, r.Audience)
}

// addAgain adds to a row what was told once more.
func (w *Walk) addAgain(d *broadcast.Delivery, r *Round) {
	d.Audience.Told += r.Told
	d.Audience.Unsure += r.Unsure
	d.Audience.Failed += r.Failed
	w.ask(d, r)
	ended := d.State == broadcast.Sent || d.State == broadcast.SkippedState
	switch {
	case r.State != RoundOpen || !ended || w.skips(r) || w.held(r) && !w.Stands(r):
	case w.Frozen:
		d.State = broadcast.Held
	default:
		d.State = broadcast.Sending
	}
}

// ask adds whom a person has to settle: once newer words are said nobody has,
// for those are what everybody gets.
func (w *Walk) ask(d *broadcast.Delivery, r *Round) {
	if w.Stands(r) {
		d.Audience.AskUnsure += r.AskUnsure
		d.Audience.AskFailed += r.AskFailed
	}
}

func (w *Walk) delivery(channel string, kind broadcast.EntryKind, update int) broadcast.Delivery {
	d := broadcast.Delivery{Update: fmt.Sprintf("%s/%d", w.Incident.Ref, update), Channel: channel, Action: string(kind)}
	if kind == broadcast.Retract {
		d.Action = "tombstone"
	}
	if u := w.Incident.Update(update); u != nil {
		d.Accepted = u.PublishedAt
		if kind == broadcast.Retract && u.Retraction != nil {
			d.Accepted = u.Retraction.At
		}
	}
	return d
}
