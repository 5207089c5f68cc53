package broadcast

import (
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// What people do to a lane, as package desk does it.

func (w *world) deliver(e Entry) {
	e.ID, e.Accepted = int64(len(w.lane.Entries)+1), now()
	w.lane.Entries = append(w.lane.Entries, e)
	w.lane.Version++
	w.still, w.last = 0, nil
}

// publish says something new: words in English.
func (w *world) publish(words string, change ...func(*incident.Saying)) {
	s := incident.Saying{Body: incident.Text{"en": words}}
	if len(w.lane.Incident.Updates) == 0 {
		s.Title = "Logins fail"
	}
	for _, c := range change {
		c(&s)
	}
	u := w.lane.Incident.Say(s, "Ana", nil, now())
	w.deliver(Entry{Update: u.N, Kind: Say, Should: Should{What: Words, Revision: 1}})
}

func status(s incident.Status) func(*incident.Saying) {
	return func(x *incident.Saying) { x.Status = s }
}

func impact(i incident.Impact) func(*incident.Saying) {
	return func(x *incident.Saying) { x.Impact = i }
}

func chinese(words string) func(*incident.Saying) {
	return func(x *incident.Saying) { x.Body["zh-Hans"] = words }
}

func (w *world) correct(update int, words string) { w.revise(update, words, false) }
func (w *world) typo(update int, words string)    { w.revise(update, words, true) }

func (w *world) revise(update int, words string, typo bool) {
	w.reword(update, incident.Text{"en": words}, typo)
}

// reword gives an update another wording in each of the languages.
func (w *world) reword(update int, body incident.Text, typo bool) {
	u := w.lane.Incident.Update(update)
	rev := incident.Revision{Title: u.Newest().Title, Body: body, Author: "Ana", At: now(), Typo: typo}
	u.Revisions = append(u.Revisions, rev)
	r := len(u.Revisions)
	w.lane.Version++
	w.still, w.last = 0, nil
	if changed := w.lane.PlanCorrection(update, r, w.lane.Policy.Language); len(changed) > 0 && !typo {
		w.deliver(Entry{Update: update, Kind: Correct, Revision: r, Should: Should{What: Words, Revision: r}})
	}
}

// retract withdraws an update; with remove its text must go.
func (w *world) retract(update int, reason string, remove bool) {
	i := &w.lane.Incident
	i.Update(update).Retraction = &incident.Retraction{Reason: reason, Author: "Ana", At: now(), Delete: remove}
	i.Restate(now())
	w.lane.Version++
	w.still, w.last = 0, nil
	if changed := w.lane.PlanRetraction(update, remove); len(changed) > 0 {
		w.deliver(Entry{Update: update, Kind: Retract, Should: Should{What: Words, Revision: 1}})
	}
}

// retry sends an entry again, if there is reason to.
func (w *world) retry(id int64) bool {
	e := w.lane.entry(id)
	doubtful := e.Doubt != nil && !e.Doubt.Again
	if e.Should.What == Nothing || !doubtful && e.Try.Failed == "" && e.Try.NotBefore.IsZero() {
		return false
	}
	if e.Doubt != nil && e.Should.What != Words {
		return false
	}
	if e.Doubt != nil {
		e.Doubt.Again = true
	}
	e.Try = Try{Attempts: e.Try.Attempts, Again: e.Try.Again + 1}
	w.still, w.last = 0, nil
	return true
}

// skip gives an entry up, if it is not done.
func (w *world) skip(id int64) bool {
	e := w.lane.entry(id)
	if w.state(id) == Sent || e.Should.What == Nothing {
		return false
	}
	e.Should, e.Doubt = Should{What: Nothing, Why: Skipped}, nil
	return true
}

// posted records a post made by hand, or found by a person.
func (w *world) posted(id int64, message string) bool {
	e := w.lane.entry(id)
	if e.Shows.Exists() || e.Should.What == Nothing && w.lane.Incident.Update(e.Update).Retraction != nil {
		return false
	}
	w.still, w.last = 0, nil
	e.Shows = Shows{What: Words, Revision: max(e.Should.Revision, 1), Message: message, Since: now(), First: now(), Assumed: true}
	if d := e.Doubt; d != nil {
		e.Shows.Revision, e.Shows.Thread, e.Shows.Since, e.Shows.First = d.Revision, d.Thread, d.Since, d.Since
	}
	e.Shows.Posted = e.Shows.Revision
	if e.Should.What == Nothing {
		e.Should = Should{What: Words, Revision: e.Shows.Revision}
	}
	e.Doubt, e.Try = nil, Try{Attempts: e.Try.Attempts, Again: e.Try.Again}
	return true
}

func (w *world) freeze(on bool) { w.lane.Frozen = on }

// state is what people are told of an entry: of its amendment where there is one.
func (w *world) state(id int64) State {
	state := Sent
	for _, d := range w.lane.Deliveries(nil) {
		if n, err := EntryID(d.ID); err == nil && n == id {
			state = d.State
		}
	}
	return state
}

// wantStates compares the states of all deliveries, in order.
func (w *world) wantStates(states ...string) {
	w.t.Helper()
	var have []string
	for _, d := range w.lane.Deliveries(nil) {
		have = append(have, d.Action+" "+string(d.State))
	}
	if strings.Join(have, ", ") != strings.Join(states, ", ") {
		w.t.Fatalf("deliveries are\n\t%q\nwant\n\t%q\nsteps\n%s", have, states, w.history())
	}
}

// timesIn counts the texts that may have arrived with the words in them.
func (w *world) timesIn(words string) int {
	n := 0
	for _, s := range w.said {
		if strings.Contains(s, words) {
			n++
		}
	}
	return n
}

const minute = time.Minute
