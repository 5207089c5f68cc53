package web

import (
	"encoding/json"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// saying takes what is to be said out of a form. Whether it can be said is the
// desk's to decide.
func (f *form) saying(now time.Time) incident.Saying {
	s := incident.Saying{
		Title:  f.text("title"),
		Status: incident.Status(f.text("status")),
		Impact: word(f, "impact", incident.Impacts),
		Body:   f.wording("body"),
		Begin:  f.moment("scheduled_for"),
		End:    f.moment("scheduled_until"),
	}
	s.NextUpdate, s.NoNext = f.promise(now)
	return s
}

// wording takes a text that is a string, in the site's language, or an object
// of texts by language.
func (f *form) wording(name string) incident.Text {
	v, ok := f.get(name)
	if !ok {
		return nil
	}
	var plain string
	if json.Unmarshal(v.raw, &plain) == nil {
		return incident.Text{"": plain}
	}
	return incident.Text(byName[string](f, name, v, `a string or an object like {"en": "…"}`))
}

// byName reads an object whose values are all strings.
func byName[T ~string](f *form, name string, v field, want string) map[string]T {
	fields, err := members(v.raw, v.at)
	if err != nil {
		if v.raw[0] == '{' {
			f.wrong(name, err.at, "in %s %s", name, err.text)
		} else {
			f.wrong(name, v.at, "%s has to be %s", name, want)
		}
		return nil
	}
	values := make(map[string]T, len(fields))
	for key, m := range fields {
		var s *T
		if json.Unmarshal(m.raw, &s) != nil || s == nil {
			f.wrong(name+"/"+pointerEscape(key), m.at, "%s: the value of %q has to be a string", name, key)
			continue
		}
		values[key] = *s
	}
	return values
}

// moment takes a time.
func (f *form) moment(name string) time.Time {
	v, ok := f.get(name)
	if !ok {
		return time.Time{}
	}
	var s string
	if json.Unmarshal(v.raw, &s) == nil {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.UTC()
		}
	}
	f.wrong(name, v.at, `%s has to be a time like "2026-12-01T02:00:00Z"`, name)
	return time.Time{}
}

// promise takes a time, or how long from now it is, or "none".
func (f *form) promise(now time.Time) (due time.Time, none bool) {
	const name = "next_update"
	v, ok := f.get(name)
	if !ok {
		return time.Time{}, false
	}
	var s string
	if json.Unmarshal(v.raw, &s) == nil {
		if s == "none" {
			return time.Time{}, true
		}
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return t.UTC(), false
		}
		if d, err := time.ParseDuration(s); err == nil && d > 0 {
			return now.Add(d).UTC().Truncate(time.Second), false
		}
	}
	f.wrong(name, v.at, `%s has to be a time like "2026-12-01T02:00:00Z", a duration like "20m", or "none"`, name)
	return time.Time{}, false
}

// states takes the components that an update changes, by id.
func (f *form) states(name string) map[string]incident.ComponentState {
	v, ok := f.get(name)
	if !ok {
		return nil
	}
	states := byName[incident.ComponentState](f, name, v, `an object like {"login": "partial_outage"}`)
	f.checkStates(name, v, states)
	return states
}

func (f *form) checkStates(name string, v field, states map[string]incident.ComponentState) {
	for id, s := range states {
		if !s.Valid() {
			f.wrong(name+"/"+pointerEscape(id), v.at, "%s: %q is not a state: use one of %s", name, s, list(incident.ComponentStates))
		}
	}
}

// affected takes the components that something new affects: by id with their
// states, or only their ids, which then are in the state that fits.
func (f *form) affected(kind incident.Kind, impact incident.Impact) map[string]incident.ComponentState {
	const name = "components"
	v, ok := f.get(name)
	if !ok {
		return nil
	}
	var ids []string
	if json.Unmarshal(v.raw, &ids) == nil {
		states := make(map[string]incident.ComponentState, len(ids))
		for _, id := range ids {
			states[id] = usualState(kind, impact)
		}
		return states
	}
	states := byName[incident.ComponentState](f, name, v, `a list of ids or an object like {"login": "partial_outage"}`)
	f.checkStates(name, v, states)
	return states
}

// usualState is how a component does when only the impact is known.
func usualState(kind incident.Kind, impact incident.Impact) incident.ComponentState {
	switch {
	case kind == incident.Maintenance:
		return incident.UnderMaintenance
	case impact == incident.Critical, impact == incident.Major:
		return incident.MajorOutage
	case impact == incident.Minor:
		return incident.DegradedPerformance
	default:
		return incident.Operational
	}
}
