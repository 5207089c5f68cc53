package desk

import (
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
		return Edit{Draft: t.Ref, Saying: s}, err
	case "retract":
		if word, reason := cutWord(t.Text); strings.EqualFold(word, "delete") {
			return Retract{Ref: t.Ref, Reason: reason, Delete: true}, nil
		}
		return Retract{Ref: t.Ref, Reason: t.Text}, nil
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
		return nil, refuse(Invalid, "what is affected is changed with an update: /update INC-12 …")
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
	return incident.Saying{Title: t.Title, Body: t.Body, Status: t.Status, NextUpdate: due}, nil
}

func (d *Desk) openIncident(t incident.Typed, now time.Time) (Command, error) {
	s, err := d.saying(t, now)
	if err != nil {
		return nil, err
	}
	var affected []string
	for _, word := range t.Words {
		impact := incident.Impact(strings.ToLower(word))
		switch {
		case !impact.Valid():
			affected = append(affected, strings.ToLower(word))
		case s.Impact != "" && s.Impact != impact:
			return nil, unclear(WhichImpact, "there are two impacts, %s and %s: give one", s.Impact, impact)
		default:
			s.Impact = impact
		}
	}
	s.Components = map[string]incident.ComponentState{}
	for _, id := range affected {
		if s.Components[id] = s.Impact.Component(); d.Components[id] == "" {
			return nil, unknownWord(id, "%q is neither an impact nor a component: the impacts are none, minor, major, critical; the components are %s",
				id, strings.Join(sortedKeys(d.Components), ", "))
		}
	}
	if t.Next == (incident.Promise{}) && d.Next[s.Impact] > 0 {
		s.NextUpdate = now.Add(d.Next[s.Impact])
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
	for _, id := range t.Words[3:] {
		s.Components[strings.ToLower(id)] = incident.UnderMaintenance
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
	if ids := strings.FieldsFunc(release, isListGap); len(ids) > 0 && !slices.ContainsFunc(ids, func(s string) bool { return strings.Trim(s, "0123456789") != "" }) {
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
