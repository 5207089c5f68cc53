package desk

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Command makes a command of what an operator typed. What is unclear is
// refused with the question to answer; nothing is guessed.
func (d *Desk) Command(t incident.Typed, now time.Time) (Command, error) {
	switch t.Verb {
	case "ack":
		return d.ack(t, now)
	case "hold", "false_alarm":
		return d.approved(t, now)
	case "incident":
		return d.openIncident(t, now)
	case "notice":
		return d.openNotice(t, now)
	case "maintenance":
		return d.openMaintenance(t, now)
	case "correct", "typo":
		return Correct{Ref: t.Ref, Body: t.Body, Typo: t.Verb == "typo"}, nil
	case "edit":
		s, err := d.saying(t, now)
		if err == nil && len(s.Body) == 0 && s.NextUpdate.IsZero() && !s.NoNext {
			return nil, refuse(Invalid, "there is no text: say something")
		}
		return Edit{Draft: t.Ref, Saying: s}, err
	case "retract":
		if word, reason := cutWord(t.Text); strings.EqualFold(word, "delete") {
			return Retract{Ref: t.Ref, Reason: reason, Delete: true, Sure: t.Sure}, nil
		}
		return Retract{Ref: t.Ref, Reason: t.Text, Sure: t.Sure}, nil
	case "publish":
		return Publish{Draft: t.Ref, Reason: t.Text}, nil
	case "reject":
		return Reject{Draft: t.Ref, Reason: t.Text}, nil
	case "retry", "skip", "posted":
		return settling(t)
	case "freeze":
		return d.freeze(t), nil
	case "unfreeze":
		return unfreeze(t), nil
	case "scope":
		s, err := d.saying(t, now)
		return Scope{Ref: t.Ref, Change: t.Words, Saying: s}, err
	}
	s, err := d.saying(t, now)
	return Update{Ref: t.Ref, Saying: s}, err
}

// cutWord takes the first word off a text.
func cutWord(s string) (word, rest string) {
	s = strings.TrimSpace(s)
	end := strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '，' })
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimLeft(s[end:], " \t\n,，")
}

// saying is what a typed command wants to be said.
func (d *Desk) saying(t incident.Typed, now time.Time) (incident.Saying, error) {
	due, err := t.Next.Due(now, d.Zone)
	if err != nil {
		return incident.Saying{}, refuse(Invalid, "%s", err)
	}
	return incident.Saying{Title: t.Title, Body: t.Body, Status: t.Status, NextUpdate: due, NoNext: t.Next.None}, nil
}

// ack reads "[impact] [component…]"; its words are approved ones.
func (d *Desk) ack(t incident.Typed, now time.Time) (Command, error) {
	if t.Title != "" {
		return nil, refuse(Invalid, "/ack has words of its own: to write some, use /incident")
	}
	s, err := d.saying(t, now)
	if err != nil {
		return nil, err
	}
	change, err := d.scopeOf(t.Words)
	return Ack{Impact: change.Impact, Components: change.Components, NextUpdate: s.NextUpdate, NoNext: s.NoNext}, err
}

// approved reads what has approved words and no others.
func (d *Desk) approved(t incident.Typed, now time.Time) (Command, error) {
	if len(t.Body) > 0 {
		return nil, refuse(Invalid, "/%s has words of its own: to write some, use /update", t.Verb)
	}
	s, err := d.saying(t, now)
	if t.Verb == incident.FalseAlarmPhrase {
		return FalseAlarm{Ref: t.Ref}, err
	}
	return Hold{Ref: t.Ref, NextUpdate: s.NextUpdate, NoNext: s.NoNext}, err
}

func (d *Desk) openIncident(t incident.Typed, now time.Time) (Command, error) {
	s, err := d.saying(t, now)
	if err != nil {
		return nil, err
	}
	change, err := d.scopeOf(t.Words)
	if unknown, ok := AsRefusal(err); ok && unknown.Ask.What == WhichWord && t.Title == "" {
		return nil, refuse(Invalid, "%q is neither an impact nor a component, and there is no title: write it on the line below /incident, the text below that", unknown.Ask.Word)
	}
	if err != nil {
		return nil, err
	}
	s.Impact, s.Components = change.Impact, change.Components
	for id, state := range s.Components {
		s.Components[id] = cmp.Or(state, s.Impact.Component())
	}
	return Open{Kind: incident.Outage, Saying: s}, nil
}

func (d *Desk) openNotice(t incident.Typed, now time.Time) (Command, error) {
	s, err := d.saying(t, now)
	if len(t.Words) > 0 && err == nil {
		return nil, refuse(Invalid, "write the title on the line below /notice")
	}
	return Open{Kind: incident.Notice, Saying: s}, err
}

// openMaintenance reads "2026-12-01 02:00 04:00 component …".
func (d *Desk) openMaintenance(t incident.Typed, now time.Time) (Command, error) {
	s, err := d.saying(t, now)
	if err != nil {
		return nil, err
	}
	const form = "write the window like 2026-12-01 02:00 04:00, in " // + zone
	if len(t.Words) < 3 {
		return nil, refuse(Invalid, form+"%s", d.Zone)
	}
	day := t.Words[0]
	begin, err1 := time.ParseInLocation("2006-01-02 15:04", day+" "+t.Words[1], d.Zone)
	end, err2 := time.ParseInLocation("2006-01-02 15:04", day+" "+t.Words[2], d.Zone)
	if err1 != nil || err2 != nil {
		return nil, refuse(Invalid, form+"%s", d.Zone)
	}
	if end.Before(begin) {
		end = end.AddDate(0, 0, 1) // over midnight
	}
	s.Begin, s.End = begin.UTC(), end.UTC()
	s.Components = map[string]incident.ComponentState{}
	for _, word := range t.Words[3:] {
		id, ok := d.component(word)
		if !ok {
			return nil, unknownWord(word, "there is no component %q: the components are %s", word, strings.Join(sortedKeys(d.Components), ", "))
		}
		s.Components[id] = incident.UnderMaintenance
	}
	return Open{Kind: incident.Maintenance, Saying: s}, nil
}

// settling reads "INC-12/3 channel …".
func settling(t incident.Typed) (Command, error) {
	channel, rest := cutWord(t.Text)
	which := Which{Update: t.Ref, Channel: channel}
	switch {
	case t.Ref == "" || channel == "":
		return nil, unclear(WhichDelivery, "say which: /%s INC-12/3 channel", t.Verb)
	case t.Verb == "retry":
		return Retry{which}, nil
	case t.Verb == "skip":
		return Skip{which, rest}, nil
	}
	return Posted{which, rest}, nil
}

// freeze reads "[channel|account|incident] why": an unknown word freezes
// everything and becomes the reason.
func (d *Desk) freeze(t incident.Typed) Command {
	if _, err := incident.ParseRef(t.Ref); err == nil {
		return Stop{Scope: t.Ref, Reason: t.Text}
	}
	first, rest := cutWord(t.Text)
	known := slices.ContainsFunc(d.names(), func(name string) bool { return strings.EqualFold(name, first) })
	if known && t.Ref == "" && rest != "" {
		return Stop{Scope: first, Reason: rest}
	}
	return Stop{Reason: strings.TrimSpace(t.Ref + " " + t.Text)}
}

// unfreeze reads "[channel|account|incident] [newest|all|drop|ids]"; "all"
// alone is the scope.
func unfreeze(t incident.Typed) Command {
	scope, release := t.Ref, t.Text
	if scope == "" {
		scope, release = cutWord(t.Text)
	}
	if word := strings.ToLower(scope); release == "" && (word == "newest" || word == "drop") {
		scope, release = "", word
	}
	if ids := strings.FieldsFunc(release, isListGap); len(ids) > 0 && !slices.ContainsFunc(ids, func(s string) bool { return !strings.ContainsAny(s, "0123456789") }) {
		return Release{Scope: scope, Choose: ids}
	}
	return Release{Scope: scope, Release: strings.ToLower(release)}
}

func isListGap(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == '，' }

// names are the channels and accounts.
func (d *Desk) names() (names []string) {
	for _, ch := range d.Channels {
		names = append(names, ch.Name, ch.Account)
	}
	return names
}
