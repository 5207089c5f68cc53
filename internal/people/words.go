package people

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// wording is an answer in words.
type wording struct {
	text    string
	buttons [][]bots.Button
}

// word puts an answer into words.
func (a *Audience) word(ctx context.Context, p pending) (w wording, err error) {
	lang := p.sub.Language
	if p.short {
		w.text, err = a.Texts.Talk(lang, "busy", a.talk(p))
		return w, err
	}
	switch p.what {
	case statusNow:
		w.text, err = a.status(ctx, p)
	case verdict:
		w.text, err = a.verdict(ctx, p)
	default:
		t := a.talk(p)
		switch p.what {
		case followed:
			t.Ref = p.sub.Incidents[len(p.sub.Incidents)-1]
			err = a.about(ctx, &t)
		case welcome:
			t.Open, err = a.concerning(ctx, p.sub)
		}
		if err == nil {
			w.text, err = a.Texts.Talk(lang, string(p.what), t)
		}
	}
	w.buttons = a.dialogue.menu(a.Texts, lang).rows(p.answer)
	return w, err
}

// talk is what every answer may mention.
func (a *Audience) talk(p pending) templates.Talk {
	t := templates.Talk{
		Site: a.Site, Channel: a.Channel, Page: a.Page, Subscribed: p.sub.known() && p.sub.State == Active, Group: !p.event.Private,
		Topic: p.sub.Topic != 0, Done: p.done, All: p.sub.All,
		Least: p.sub.Impact, Follows: p.sub.Incidents, Language: p.sub.Language, Now: time.Now(), Zone: a.Zone,
	}
	if t.Least == "" {
		t.Least = incident.ImpactNone
	}
	for _, c := range a.Components {
		if slices.Contains(p.sub.Components, c.ID) {
			t.Services = append(t.Services, c.Name)
		}
	}
	return t
}

// about says what is known of an incident, if it was published.
func (a *Audience) about(ctx context.Context, t *templates.Talk) error {
	ref, err := incident.ParseRef(t.Ref)
	if err != nil {
		return err
	}
	i, err := a.news.find(ctx, ref)
	if i != nil {
		t.Title, t.Over, t.Link = i.Title, !i.ResolvedAt.IsZero(), a.Book.link(i)
	}
	return err
}

// concerning lists what goes on that concerns a new subscriber: he was not told
// when it began.
func (a *Audience) concerning(ctx context.Context, s Subscriber) (out []string, err error) {
	all, err := a.news.now(ctx)
	for _, i := range openNow(all) {
		if len(out) < maxOpen && i.Status != incident.Scheduled && s.Concerned(i) {
			out = append(out, i.Ref.String()+" · "+i.Title)
		}
	}
	return out, err
}

// openNow are the incidents that are not over, the worst first, and last what is
// only going to be.
func openNow(all []*incident.Incident) []*incident.Incident {
	open := slices.DeleteFunc(slices.Clone(all), func(i *incident.Incident) bool { return !i.ResolvedAt.IsZero() })
	slices.SortStableFunc(open, func(a, b *incident.Incident) int {
		return cmp.Or(comes(a)-comes(b), b.Impact.Compare(a.Impact))
	})
	return open
}

// comes is 1 for what is only going to be.
func comes(i *incident.Incident) int {
	if i.Status == incident.Scheduled {
		return 1
	}
	return 0
}

const (
	maxOpen    = 5    // incidents that /status tells of
	glance     = 400  // characters of each
	statusRoom = 3500 // characters in all
	quoteRoom  = 2500 // characters of a text with which an answer still fits into a message
)

// status says what is open, in words that were published.
func (a *Audience) status(ctx context.Context, p pending) (string, error) {
	all, err := a.news.now(ctx)
	if err != nil {
		return "", err
	}
	var parts []string
	room, more := statusRoom, false
	for _, i := range openNow(all) {
		text, err := a.open(p, i)
		if err != nil {
			return "", err
		}
		if text == "" {
			continue
		}
		room -= utf8.RuneCountInString(text)
		if more = len(parts) > 0 && (room < 0 || len(parts) == maxOpen); more { // the worst is told in any case
			break
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return a.Texts.Talk(p.sub.Language, "quiet", a.talk(p))
	}
	if more {
		text, err := a.Texts.Talk(p.sub.Language, "more", a.talk(p))
		if err != nil {
			return "", err
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "\n\n"), nil
}

// open is what stands of one incident: its newest update that was not
// withdrawn. It is empty where all were.
func (a *Audience) open(p pending, i *incident.Incident) (string, error) {
	for n := len(i.Updates); n > 0; n-- {
		u := i.Update(n)
		if u.Retraction != nil {
			continue
		}
		t := a.talk(p)
		body, _ := u.Newest().Body.In(p.sub.Language, a.Language)
		t.Ref, t.Title, t.Status, t.Impact, t.Text = fmt.Sprintf("%s/%d", i.Ref, n), i.Title, i.Status, i.Impact, atAGlance(body)
		t.At, t.Next, t.Begin, t.End, t.Link, t.Services = u.PublishedAt, i.NextUpdate, i.Begin, i.End, a.Book.link(i), nil
		for _, c := range a.Components {
			if s, ok := i.Components[c.ID]; ok && s != incident.Operational {
				t.Services = append(t.Services, c.Name)
			}
		}
		return a.Texts.Talk(p.sub.Language, "open", t)
	}
	return "", nil
}

// atAGlance is the first paragraph of a text, or as much of it as is worth
// showing beside others.
func atAGlance(text string) string {
	text, _, _ = strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n")
	return shortened(text, glance)
}

// shortened is a text, or as much of it as there is room for, cut on a word.
func shortened(text string, room int) string {
	if runes := []rune(text); len(runes) > room {
		text = string(runes[:room])
		if i := strings.LastIndexAny(text, " \n"); i > len(text)/2 {
			text = strings.TrimRight(text[:i], " \n")
		}
		text += "…"
	}
	return text
}

// verdict says whether what was asked about is ours.
func (a *Audience) verdict(ctx context.Context, p pending) (string, error) {
	v, err := a.news.verify(ctx, Claim{Text: p.arg, Links: p.event.Links, Beside: p.event.Beside})
	if err != nil {
		return "", err
	}
	t := a.talk(p)
	t.Ref, t.At, t.Link, t.Part, t.More = v.Ref, v.At, v.Link, v.Part || v.Cut, v.More
	body, _ := v.Body.In(p.sub.Language, a.Language)
	t.Text = shortened(body, quoteRoom)
	return a.Texts.Talk(p.sub.Language, v.block(), t)
}

// block names the text that tells of a verdict.
func (v *Verdict) block() string {
	switch {
	case v.Led:
		return "altered-link"
	case v.Beside:
		return "altered-beside"
	case v.Finding == Ours && v.Cut:
		return "ours-beginning"
	case v.Finding == Ours && v.Part:
		return "ours-part"
	}
	return string(v.Finding)
}
