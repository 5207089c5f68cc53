package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Open opens an incident, maintenance or notice with its first update.
type Open struct {
	Kind   incident.Kind
	Drill  bool
	Saying incident.Saying
	Only   []string // channels; empty is all
	Not    []string
}

func (Open) verb() string { return "open" }

func (c Open) run(w *work) (Answer, error) {
	if c.Kind == "" {
		c.Kind = incident.Outage
	}
	if !slices.Contains(incident.Kinds, c.Kind) {
		return Answer{}, refuse(Invalid, "%q is not a kind: use %s", c.Kind, incident.OneOf(incident.Kinds))
	}
	c.Drill = c.Drill || w.actor.Drill
	i := &incident.Incident{Kind: c.Kind, Drill: c.Drill, Impact: incident.ImpactNone, Status: c.Kind.First(), CreatedAt: w.now}
	if c.Saying.Impact == "" && c.Kind == incident.Outage {
		return Answer{}, unclear(WhichImpact, "say how bad it is, the impact: %s", incident.OneOf(incident.Impacts))
	}
	if strings.TrimSpace(c.Saying.Title) == "" {
		return Answer{}, refuse(Invalid, "there is no title: say in a few words what is wrong")
	}
	if c.Saying.Status == "" {
		c.Saying.Status = i.Status
	}
	if w.approved == nil { // a draft has its promise, or none
		w.PromiseFirst(c.Kind, &c.Saying, w.now)
	}
	if err := w.check(&c.Saying, i); err != nil {
		return Answer{}, err
	}
	channels, err := w.plan(i, c.Only, c.Not)
	if err != nil {
		return Answer{}, err
	}
	if answer, waits, err := w.draftFirst(c, i, c.Saying); waits || err != nil {
		return answer, err
	}
	i.Say(c.Saying, w.author, w.approvers(i, c.Saying), w.now)
	if err := w.Create(i); err != nil {
		return Answer{}, err
	}
	return w.published(i, channels)
}

// PromiseFirst has the first words about something new promise the next update
// by the policy, unless they say themselves when it comes, or that none does.
func (d *Desk) PromiseFirst(k incident.Kind, s *incident.Saying, now time.Time) {
	if k == incident.Outage {
		promise(s, d.Next[s.Impact], now)
	}
}

// promise has s promise the next update within a time, unless it says itself
// when that comes. Nothing more is expected after an all clear.
func promise(s *incident.Saying, within time.Duration, now time.Time) {
	if within > 0 && s.NextUpdate.IsZero() && !s.NoNext && !s.Status.Ended() {
		s.NextUpdate = now.Add(within)
	}
}

// plan lists the channels that an update goes to.
func (w *work) plan(i *incident.Incident, only, not []string) ([]broadcast.Channel, error) {
	for _, name := range slices.Concat(only, not) {
		if !slices.ContainsFunc(w.Channels, func(ch broadcast.Channel) bool { return ch.Name == name }) {
			return nil, refuse(Invalid, "there is no channel %q: the channels are %s", name, strings.Join(w.channelNames(), ", "))
		}
	}
	for _, ch := range w.Channels {
		switch named := slices.Contains(only, ch.Name); {
		case named && ch.Drill && !i.Drill:
			return nil, refuse(Invalid, "channel %q is for drills and nothing else: leave it out", ch.Name)
		case named && !ch.Drill && i.Drill:
			return nil, refuse(Invalid, "channel %q is not for drills: leave it out", ch.Name)
		}
	}
	channels := broadcast.PlanPost(w.Channels, i, only, not)
	if i.Drill && len(channels) == 0 {
		return nil, refuse(Invalid, "no channel is marked for drills: set drill = true on one")
	}
	return channels, nil
}

func (d *Desk) channelNames() []string {
	names := make([]string, len(d.Channels))
	for i, ch := range d.Channels {
		names[i] = ch.Name
	}
	return names
}

// check completes and checks what is to be said about i.
func (w *work) check(s *incident.Saying, i *incident.Incident) error {
	if text, ok := s.Body[""]; ok { // a text that names no language
		delete(s.Body, "")
		if _, twice := s.Body[w.Language]; twice {
			return refuse(Invalid, "the text is given both with language %q and without: give it once", w.Language)
		}
		s.Body[w.Language] = text
	}
	for lang := range s.Body {
		if !slices.Contains(w.Languages, lang) {
			return refuse(Invalid, "%q is not a language of this site: use one of %s", lang, strings.Join(w.Languages, ", "))
		}
	}
	if err := w.known(s.Components); err != nil {
		return err
	}
	if err := s.Check(i.Kind, w.now); err != nil {
		return refuse(Invalid, "%s", err)
	}
	if err := w.lint(s.Body, s.Title, cmp.Or(s.Status, i.Status)); err != nil {
		return err
	}
	if s.Template != "" { // words of ours are chosen with care, and refused all the same
		w.warnings = nil
	}
	w.warnings = append(w.warnings, farWindow(s, w.now, w.Zone)...)
	return nil
}

// farWindow warns of a maintenance that is over already, or is far away: the
// public reads its day without a year.
func farWindow(s *incident.Saying, now time.Time, zone *time.Location) []string {
	const far = 180 * 24 * time.Hour
	if zone == nil {
		zone = time.UTC
	}
	switch {
	case !s.End.IsZero() && s.End.Before(now):
		return []string{"the maintenance would be over already: it ends " + s.End.In(zone).Format("2 Jan 2006 15:04 MST")}
	case s.Begin.Sub(now) > far:
		return []string{"the maintenance is far away: it begins " + s.Begin.In(zone).Format("2 Jan 2006 15:04 MST")}
	}
	return nil
}

// known refuses components that there are not.
func (w *work) known(components map[string]incident.ComponentState) error {
	for id := range components {
		if _, ok := w.Components[id]; !ok {
			return refuse(Invalid, "there is no component %q: the components are %s", id, strings.Join(sortedKeys(w.Components), ", "))
		}
	}
	return nil
}

// published delivers the newest update of i and answers.
func (w *work) published(i *incident.Incident, channels []broadcast.Channel) (Answer, error) {
	u := &i.Updates[len(i.Updates)-1]
	for _, ch := range channels {
		if ch.Audience {
			if err := w.Announce(i.Ref, ch, u.N); err != nil {
				return Answer{}, err
			}
			continue
		}
		e := &broadcast.Entry{Update: u.N, Kind: broadcast.Say, Accepted: w.now, Should: broadcast.Should{What: broadcast.Words, Revision: 1}}
		if err := w.Deliver(i.Ref, ch, e); err != nil {
			return Answer{}, err
		}
	}
	answer := Answer{
		State: "published", Ref: i.Ref.String(), Update: u.N, Incident: i,
		Text: fmt.Sprintf("%s/%d is published on %s.", i.Ref, u.N, count(len(channels), "channel")),
	}
	return w.held(answer, channels)
}

// held says on which of the channels a freeze holds what was published.
func (w *work) held(answer Answer, channels []broadcast.Channel) (Answer, error) {
	freezes, err := w.Freezes()
	if err != nil {
		return Answer{}, err
	}
	if answer.Held = heldOn(channels, answer.Incident.Ref, freezes); len(answer.Held) > 0 {
		answer.Text += " " + capital(untilLifted(answer.Held)) + "."
	}
	return answer, nil
}

// heldWhereShown says so of an update that was changed wherever it had been published.
func (w *work) heldWhereShown(answer Answer) (Answer, error) {
	channels, err := w.reached(answer.Incident.Ref, answer.Update)
	if err != nil {
		return Answer{}, err
	}
	return w.held(answer, channels)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
