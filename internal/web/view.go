package web

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"github.com/allclear-hq/allclear/internal/incident"
)

// frame is what every page has.
type frame struct {
	W       *tongue
	Lang    string
	Own     string // language of what has only one: names, titles, reasons
	Site    string
	Base    string // before every path
	Path    string
	Title   string
	Warning words
	Others  []languageLink
	Mark    string // the icon of the page in the browser
}

// clock speaks a language and tells the site's time.
func (p *Pages) clock(lang string) clock { return clock{speak(lang), p.Zone} }

type languageLink struct{ Tag, Name string }

func (p *Pages) frame(lang, path, title string) frame {
	f := frame{W: speak(lang), Lang: lang, Own: p.Language, Site: p.Site, Base: p.base, Path: path, Title: title}
	f.Warning = words{Text: p.Warning[lang], Lang: lang}
	if f.Warning.Text == "" {
		f.Warning = words{Text: p.Warning[p.Language], Lang: p.Language}
	}
	for _, l := range p.Languages {
		f.Others = append(f.Others, languageLink{l, display.Self.Name(language.Make(l))})
	}
	return f
}

// words is a text of the operators, or a part of it, in the language it is in.
type words struct {
	Text string
	Lang string
	Note string // that it is no translation
	More bool   // not all of it is here
}

// words picks the text for readers of lang.
func (p *Pages) words(t incident.Text, lang string) words {
	text, in := t.In(lang, p.Language)
	w := words{Text: text, Lang: in}
	if in != lang {
		w.Note = strings.ReplaceAll(speak(lang).Original, "%s", languageName(in, lang))
	}
	return w
}

func languageName(tag, in string) string {
	if namer := display.Languages(language.Make(in)); namer != nil {
		if name := namer.Name(language.Make(tag)); name != "" {
			return name
		}
	}
	return tag
}

// glance is how many characters of a text the status page shows at most.
const glance = 700

// shorten leaves the first paragraph of a long text, or as many of its words
// as fit.
func (w words) shorten() words {
	if utf8.RuneCountInString(w.Text) <= glance {
		return w
	}
	w.More = true
	if first, _, ok := strings.Cut(strings.ReplaceAll(w.Text, "\r\n", "\n"), "\n\n"); ok {
		w.Text = first
	}
	if runes := []rune(w.Text); len(runes) > glance {
		cut := string(runes[:glance])
		if space := strings.LastIndexAny(cut, " \n"); space > len(cut)/2 {
			cut = cut[:space]
		}
		w.Text = cut + "…"
	}
	return w
}

// part is a component with its state.
type part struct {
	Name  string
	State incident.ComponentState
	Words string
}

type group struct {
	Name  string
	Parts []part
}

// rank orders the states by how bad they are. Planned work is less of a
// problem than anything that is not planned.
func rank(s incident.ComponentState) int {
	return slices.Index([]incident.ComponentState{incident.Operational, incident.UnderMaintenance,
		incident.DegradedPerformance, incident.PartialOutage, incident.MajorOutage}, s)
}

// present is how the components do according to everything that goes on now.
func present(open []*incident.Incident) map[string]incident.ComponentState {
	now := map[string]incident.ComponentState{}
	for _, i := range open {
		if i.Status == incident.Scheduled {
			continue // what is only planned has not begun
		}
		for id, s := range i.Components {
			if old, known := now[id]; !known || rank(s) > rank(old) {
				now[id] = s
			}
		}
	}
	return now
}

// groups lists the components as they are configured, with their states.
func (p *Pages) groups(w *tongue, now map[string]incident.ComponentState) []group {
	var out []group
	for _, c := range p.Components {
		k := slices.IndexFunc(out, func(g group) bool { return g.Name == c.Group })
		if k < 0 {
			k = len(out)
			out = append(out, group{Name: c.Group})
		}
		state := cmp.Or(now[c.ID], incident.Operational)
		out[k].Parts = append(out[k].Parts, part{c.Name, state, w.States[state]})
	}
	return out
}

// affected lists the components that an incident says are not as they should
// be, in the order of the configuration.
func (p *Pages) affected(w *tongue, states map[string]incident.ComponentState) []part {
	var out []part
	for _, c := range p.Components {
		if s := states[c.ID]; s != "" && s != incident.Operational {
			out = append(out, part{c.Name, s, w.States[s]})
		}
	}
	return out
}

// summary is what an incident's own page and the status page both say of it.
type summary struct {
	Ref, Path, Title string
	Kind, Status     string
	Impact           string // empty where it says nothing
	Severity         string // for the style: an impact, or maintenance, notice, over
	Parts            []part
	Times            []phrase
	Promise          *phrase
}

func (p *Pages) summary(i *incident.Incident, w clock, now time.Time) summary {
	s := summary{
		Ref: i.Ref.String(), Path: incidentPath(i.Ref), Title: i.Title, Kind: w.Kinds[i.Kind], Status: w.Statuses[i.Status],
		Severity: string(i.Impact), Times: p.times(i, w),
	}
	if i.Kind != incident.Outage {
		s.Severity = string(i.Kind)
	}
	if i.Kind == incident.Outage && i.Impact != incident.ImpactNone {
		s.Impact = w.Impacts[i.Impact]
	}
	if !i.ResolvedAt.IsZero() {
		s.Severity = "over"
		return s
	}
	s.Parts = p.affected(w.tongue, i.Components)
	if i.Status == incident.Scheduled { // they are not in that state yet, and no symbol says it either
		for k := range s.Parts {
			s.Parts[k].State, s.Parts[k].Words = incident.UnderMaintenance, ""
		}
	}
	if !i.NextUpdate.IsZero() {
		text := w.NextUpdate
		if !i.NextUpdate.After(now) {
			text = w.NextDue
		}
		promise := w.at(text, i.NextUpdate, lastSaid(i))
		s.Promise = &promise
	}
	return s
}

// lastSaid is when the newest update that stands was published.
func lastSaid(i *incident.Incident) time.Time {
	for _, v := range slices.Backward(i.Updates) {
		if v.Retraction == nil {
			return v.PublishedAt
		}
	}
	return time.Time{}
}

// times says when it began and ended, and for what time it is planned.
func (p *Pages) times(i *incident.Incident, w clock) []phrase {
	var out []phrase
	switch {
	case i.Kind == incident.Maintenance && !i.Begin.IsZero():
		out = append(out, w.window(w.Window, i.Begin, i.End))
	case i.Kind == incident.Outage:
		out = append(out, w.at(w.Began, i.CreatedAt, time.Time{}))
	}
	if i.ResolvedAt.IsZero() {
		return out
	}
	if i.Kind != incident.Outage {
		return append(out, w.at(w.Ended, i.ResolvedAt, time.Time{}))
	}
	ended := w.at(w.Ended, i.ResolvedAt, i.CreatedAt)
	ended.After += strings.ReplaceAll(w.Lasted, "%s", w.duration(i.ResolvedAt.Sub(i.CreatedAt)))
	return append(out, ended)
}

// renderMissing renders the page for addresses that are none.
func (p *Pages) renderMissing() error {
	for _, lang := range p.Languages {
		f := p.frame(lang, missingPath, speak(lang).Missing)
		if err := p.put(pageKey{missingPath, lang}, "missing.html", struct{ frame }{f}); err != nil {
			return err
		}
	}
	return nil
}
