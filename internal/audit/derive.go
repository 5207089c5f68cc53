package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// report derives what the records say. It fails on a record that cannot be
// read; what an erased one said is left out.
func (ev *Evidence) report() (*Report, error) {
	r := &Report{Ref: ev.Ref, Updates: []*Update{}, Promises: []Promise{}, Log: []Event{}}
	for i, l := range ev.Lines {
		if l.Erased {
			r.Erased++
		}
		if l.Record == "" {
			continue
		}
		if err := ev.add(r, int64(i+1), l.Record); err != nil {
			return nil, fmt.Errorf("record %d: %w", i+1, err)
		}
	}
	slices.SortStableFunc(r.Updates, func(a, b *Update) int { return cmp.Compare(a.N, b.N) })
	for _, u := range r.Updates {
		u.measure()
		if u.FirstShown != nil && (r.FirstShown == nil || u.FirstShown.Before(*r.FirstShown)) {
			r.FirstShown = u.FirstShown
		}
	}
	if r.FirstShown != nil && len(r.Updates) > 0 && r.Updates[0].AcceptedAt != nil {
		r.FirstDelay = seconds(r.FirstShown.Sub(*r.Updates[0].AcceptedAt))
	}
	r.judgePromises(ev.Time.UTC())
	return r, nil
}

// add puts one record into the report.
func (ev *Evidence) add(r *Report, id int64, text string) error {
	var rec Record
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	switch rec.Verb {
	case VerbSaid:
		return detail(rec, r.addSaid)
	case VerbReworded:
		return detail(rec, r.addReworded)
	case VerbWithdrawn:
		return detail(rec, r.addWithdrawn)
	case VerbDelivery:
		return detail(rec, func(d Delivered) { r.addDelivery(id, rec.At, d, ev.Texts) })
	}
	r.Log = append(r.Log, Event{Record: id, At: rec.At, Who: rec.Actor, Via: rec.Origin, Verb: rec.Verb, Subject: rec.Subject, Note: note(rec)})
	return nil
}

func detail[T any](rec Record, use func(T)) error {
	var v T
	if err := json.Unmarshal([]byte(rec.Detail), &v); err != nil {
		return fmt.Errorf("its detail cannot be read: %w", err)
	}
	use(v)
	return nil
}

// update finds update n, or begins it.
func (r *Report) update(n int) *Update {
	for _, u := range r.Updates {
		if u.N == n {
			return u
		}
	}
	u := &Update{Ref: fmt.Sprintf("%s/%d", r.Ref, n), N: n, ApprovedBy: []string{}, Revisions: []Wording{}, Channels: []Delivery{}}
	r.Updates = append(r.Updates, u)
	return u
}

func (r *Report) addSaid(s Said) {
	r.Facts = s.Facts
	u := r.update(s.Update)
	u.Status, u.Impact, u.Components, u.NextUpdate = s.Status, s.Impact, s.Components, when(s.NextUpdate)
	u.AcceptedAt, u.Author, u.Template = when(s.Wording.At), s.Wording.Author, s.Template
	u.ApprovedBy = append(u.ApprovedBy, s.ApprovedBy...)
	u.Revisions = append(u.Revisions, s.Wording)
}

func (r *Report) addReworded(s Reworded) {
	r.Facts = s.Facts
	u := r.update(s.Update)
	u.Revisions = append(u.Revisions, s.Wording)
}

func (r *Report) addWithdrawn(s Withdrawn) {
	r.Facts = s.Facts
	r.update(s.Update).Retraction = &Retraction{Reason: s.Reason, Author: s.Author, At: s.At, Delete: s.Delete}
}

func (r *Report) addDelivery(id int64, at time.Time, d Delivered, texts map[Hash]string) {
	row := Delivery{Record: id, At: at, Delivered: d}
	if d.Text != nil {
		if text, ok := texts[*d.Text]; ok {
			row.Sent = &text
		}
	}
	if !d.SentAt.IsZero() && !d.AcceptedAt.IsZero() {
		row.Delay = seconds(d.SentAt.Sub(d.AcceptedAt))
	}
	u := r.update(d.Update)
	u.Channels = append(u.Channels, row)
}

// measure says how quickly an update was on its channels. Where a message was
// posted again, the first counts.
func (u *Update) measure() {
	first := map[string]time.Time{}
	for i := range u.Channels {
		d := &u.Channels[i]
		if before, ok := first[d.Channel]; d.Kind == "post" && d.shown() && (!ok || d.SentAt.Before(before)) {
			first[d.Channel] = d.SentAt
		}
	}
	if len(first) == 0 {
		return
	}
	times := make([]time.Time, 0, len(first))
	for _, t := range first {
		times = append(times, t)
	}
	slices.SortFunc(times, time.Time.Compare)
	u.FirstShown = &times[0]
	if u.AcceptedAt != nil {
		u.FirstDelay = seconds(times[0].Sub(*u.AcceptedAt))
	}
	if len(times) > 1 {
		u.Skew = seconds(times[len(times)-1].Sub(times[0]))
	}
}

// judgePromises says what became of each promise, as of a time.
func (r *Report) judgePromises(now time.Time) {
	for _, j := range incident.JudgePromises(r.promising(), now) {
		u := r.Updates[j.By]
		p := Promise{Update: u.Ref, Due: *u.NextUpdate, State: string(j.State), Late: j.Late.Seconds()}
		if j.Came {
			next := r.Updates[j.By+1]
			p.By, p.At = next.Ref, next.AcceptedAt
		}
		r.Promises = append(r.Promises, p)
	}
}

func (r *Report) promising() []incident.Promising {
	said := make([]incident.Promising, len(r.Updates))
	for i, u := range r.Updates {
		said[i] = incident.Promising{At: at(u.AcceptedAt), Due: at(u.NextUpdate), Moves: u.Template == incident.MovedPhrase}
	}
	return said
}

// note is what a command said beside its texts, or why it was refused.
func note(rec Record) string {
	if rec.Subject == Refused {
		return rec.Detail
	}
	var said struct{ Reason, URL, Channel, Delivery, Scope, Release string }
	_ = json.Unmarshal([]byte(rec.Detail), &said) // what is there in another form is no note
	parts := []string{said.Channel, said.Scope, said.Release, said.URL, said.Reason}
	if said.Channel == "" && said.Delivery != "" {
		parts[0] = "delivery " + said.Delivery
	}
	if rec.Draft != "" && rec.Subject != rec.Draft {
		parts = append([]string{rec.Draft}, parts...)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

func when(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}
