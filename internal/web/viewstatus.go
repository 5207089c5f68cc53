package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// How far back the status page looks.
const (
	pastDays = 15
	pastMost = 20
)

// statusView is the status page.
type statusView struct {
	frame
	State    incident.ComponentState // for the style: the worst there is
	Sentence string
	Notices  []card
	Open     []card
	Planned  []card
	Groups   []group
	Past     []card

	Subscribe string // address; empty where nobody can
	One       []wayIn
}

// A wayIn is where one subscribes to a component.
type wayIn struct{ Name, Link string }

// A card is an incident on the status page, with its newest words.
type card struct {
	summary
	Newest    *words
	UpdateRef string
	N         int
	At        phrase
	Withdrawn string // that an update after it was withdrawn
}

// onCard is a card with what it needs of its page.
type onCard struct {
	W         *tongue
	Base, Own string
	On        card
}

// With is for the template, which can hand over only one value.
func (v statusView) With(c card) onCard { return onCard{v.W, v.Base, v.Own, c} }

// renderStatus renders the status page from what is recent, and forgets what
// is not.
func (p *Pages) renderStatus(now time.Time) error {
	open, past := p.sort(now)
	for _, lang := range p.Languages {
		if err := p.put(pageKey{statusPath, lang}, "status.html", p.statusView(lang, open, past, now)); err != nil {
			return err
		}
	}
	return nil
}

// sort returns what is open, worst first and then newest first, and what ended
// lately, newest first. It drops the rest.
func (p *Pages) sort(now time.Time) (open, past []*incident.Incident) {
	for _, i := range p.recent {
		switch {
		case i.ResolvedAt.IsZero():
			open = append(open, i)
		case i.ResolvedAt.After(now.AddDate(0, 0, -pastDays)):
			past = append(past, i)
		}
	}
	slices.SortFunc(open, func(a, b *incident.Incident) int {
		return cmp.Or(b.Impact.Compare(a.Impact), b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.Ref.Number, a.Ref.Number))
	})
	slices.SortFunc(past, func(a, b *incident.Incident) int {
		return cmp.Or(b.ResolvedAt.Compare(a.ResolvedAt), cmp.Compare(b.Ref.Number, a.Ref.Number))
	})
	past = past[:min(len(past), pastMost)]
	clear(p.recent)
	for _, i := range slices.Concat(open, past) {
		p.recent[i.Ref] = i
	}
	return open, past
}

func (p *Pages) statusView(lang string, open, past []*incident.Incident, now time.Time) statusView {
	w := p.clock(lang)
	v := statusView{frame: p.frame(lang, statusPath, w.Status)}
	states := present(open)
	v.Groups = p.groups(w.tongue, states)
	v.State, v.Sentence = overall(w.tongue, states, open)
	v.Mark = string(v.State)
	for _, i := range open {
		c := p.card(i, w, lang, now)
		switch {
		case i.Kind == incident.Notice:
			v.Notices = append(v.Notices, c)
		case i.Status == incident.Scheduled:
			v.Planned = append(v.Planned, c)
		default:
			v.Open = append(v.Open, c)
		}
	}
	for _, i := range past {
		v.Past = append(v.Past, card{summary: p.summary(i, w, now)})
	}
	slices.SortStableFunc(v.Planned, func(a, b card) int { return cmp.Compare(begins(a), begins(b)) })
	if v.Subscribe = p.invite(""); v.Subscribe != "" && len(p.Components) > 1 {
		for _, c := range p.Components {
			v.One = append(v.One, wayIn{c.Name, p.invite(c.ID)})
		}
	}
	return v
}

// begins is when planned work begins, for sorting; last where nobody said.
func begins(c card) string {
	if len(c.Times) == 0 {
		return "~"
	}
	return c.Times[0].ISO
}

// overall says in one sentence how things are.
func overall(w *tongue, states map[string]incident.ComponentState, open []*incident.Incident) (incident.ComponentState, string) {
	worst := incident.Operational
	for _, s := range states {
		if rank(s) > rank(worst) {
			worst = s
		}
	}
	if rank(worst) > rank(incident.UnderMaintenance) {
		return worst, w.Overall[worst]
	}
	for _, i := range open { // problems that name no component
		if i.Kind == incident.Outage && i.Impact != incident.ImpactNone {
			return incident.DegradedPerformance, w.OverallProblem
		}
		if i.Kind == incident.Maintenance && i.Status != incident.Scheduled {
			worst = incident.UnderMaintenance
		}
	}
	return worst, w.Overall[worst]
}

// card shows the newest update that stands, and that a later one does not.
func (p *Pages) card(i *incident.Incident, w clock, lang string, now time.Time) card {
	c := card{summary: p.summary(i, w, now)}
	for k := len(i.Updates) - 1; k >= 0; k-- {
		u := &i.Updates[k]
		if u.Retraction != nil {
			if c.Withdrawn == "" {
				c.Withdrawn = strings.ReplaceAll(w.WasWithdrawn, "%s", updateRef(i, u.N))
			}
			continue
		}
		text := p.words(u.Newest().Body, lang).shorten()
		c.Newest, c.UpdateRef, c.N = &text, updateRef(i, u.N), u.N
		c.At = w.at("%s", u.PublishedAt, time.Time{})
		break
	}
	return c
}
