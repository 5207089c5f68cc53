package desk

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Reader is what the desk reads outside a transaction.
type Reader interface {
	Incident(ctx context.Context, ref incident.Ref) (*incident.Incident, error)
	Incidents(ctx context.Context, limit int) ([]*incident.Incident, error) // the newest
	Unresolved(ctx context.Context) ([]*incident.Incident, error)
	Lanes(ctx context.Context, ref incident.Ref) ([]*broadcast.Lane, error)
	Deliveries(ctx context.Context, ref incident.Ref, complete func(*broadcast.Lane)) ([]broadcast.Delivery, error)
	Setting(ctx context.Context, name string) (string, error)
	Freezes(ctx context.Context) ([]Freeze, error)
}

// Bounds of a preview, which is read on a phone in the middle of an outage.
const (
	previewLines = 20
	previewBody  = 8   // lines of the text itself
	previewWidth = 300 // characters of one line of it
	wasLines     = 3   // lines of what a correction replaces
)

// A Preview is a draft as people see it before they agree.
type Preview struct {
	Draft    *Draft
	Incident *incident.Incident // as it would be; nil for a correction
	Before   *incident.Incident // as it is; nil when the draft opens it
	Shown    []broadcast.Preview
	Saying   incident.Saying
	Language string // of texts that name none
	Zone     *time.Location
	Now      time.Time
	Who      []string // operators who may agree
	Crowds   []Crowd
	Held     []string // channels on which a freeze would hold it
	Against  []string // what speaks against the all clear that it gives

	Wrong *incident.Update // what a correction changes, as it is; otherwise nil
	Typo  bool             // it changes no meaning
}

// Preview says what would be shown if a draft were published now.
func (d *Desk) Preview(ctx context.Context, draft *Draft) (*Preview, error) {
	cmd, err := draft.command()
	if err != nil {
		return nil, err
	}
	p := &Preview{Draft: draft, Language: d.Language, Zone: d.Zone, Now: time.Now(), Who: d.reviewers(draft.Author)}
	var only, not []string
	var lanes []*broadcast.Lane
	if draft.Ref != "" {
		ref, err := incident.ParseRef(draft.Ref)
		if err != nil {
			return nil, err
		}
		if p.Before, err = d.Reader.Incident(ctx, ref); err != nil {
			return nil, err
		}
		if lanes, err = d.Reader.Lanes(ctx, ref); err != nil {
			return nil, err
		}
	}
	after := &incident.Incident{}
	switch c := cmd.(type) {
	case Open:
		p.Saying, only, not = c.Saying, c.Only, c.Not
		after = &incident.Incident{Ref: incident.Ref{Prefix: incident.Prefix(c.Kind, c.Drill)}, Kind: c.Kind, Drill: c.Drill, Status: c.Kind.First(), Impact: incident.ImpactNone}
	case Update:
		p.Saying, only, not = c.Says(), c.Only, c.Not
		copied := *p.Before
		after = &copied
		if p.Saying.Status.Ended() {
			p.Against = against(p.Before, lanes)
		}
	case Correct:
		p.Saying, p.Typo = incident.Saying{Title: c.Title, Body: c.Body}, c.Typo
		if _, n, err := incident.ParseUpdateRef(c.Ref); err == nil {
			p.Wrong = p.Before.Update(n)
		}
		return p, d.holdCorrection(ctx, p)
	}
	after.Say(p.Saying, draft.Author, nil, p.Now)
	p.Incident = after
	channels := broadcast.PlanPost(d.Channels, after, only, not)
	if err := d.hold(ctx, p, channels, after.Ref); err != nil {
		return nil, err
	}
	for _, ch := range channels {
		if ch.Audience && d.Crowd != nil {
			crowd, err := d.Crowd(ctx, ch.Name, after.Ref)
			if err != nil {
				return nil, err
			}
			crowd.Frozen = slices.Contains(p.Held, ch.Name)
			p.Crowds = append(p.Crowds, crowd)
		}
	}
	p.Shown, err = d.Render(after, channels, lanes)
	return p, err
}

// hold adds to a preview on which of its channels a freeze would hold it.
func (d *Desk) hold(ctx context.Context, p *Preview, channels []broadcast.Channel, ref incident.Ref) error {
	freezes, err := d.Reader.Freezes(ctx)
	p.Held = heldOn(channels, ref, freezes)
	return err
}

// holdCorrection does so where a correction goes: to wherever the update did.
func (d *Desk) holdCorrection(ctx context.Context, p *Preview) error {
	if p.Wrong == nil {
		return nil
	}
	all, err := d.Reader.Deliveries(ctx, p.Before.Ref, func(*broadcast.Lane) {})
	if err != nil {
		return err
	}
	return d.hold(ctx, p, reachedBy(all, d.Channels, p.Before.Ref, p.Wrong.N), p.Before.Ref)
}

// A Crowd is how many people an audience has, and how many of them can be told
// in a second.
type Crowd struct {
	Name      string
	People    int
	Uncounted bool    // nobody has counted them here yet
	Speed     float64 // 0 is without a limit
	Paid      int     // messages that are still paid for, which go first
	PaidSpeed float64 // of these
	Frozen    bool    // nobody is told until an admin lifts it
}

// Takes is how long it takes to tell all of them.
func (c Crowd) Takes() time.Duration {
	return broadcast.Takes(c.People, c.Speed, c.Paid, c.PaidSpeed)
}

// within is how many of them are told in a time.
func (c Crowd) within(d time.Duration) int {
	if c.Paid == 0 {
		return int(d.Seconds() * c.Speed)
	}
	if paid := d.Seconds() * c.PaidSpeed; paid < float64(c.Paid) {
		return int(paid)
	}
	return c.Paid + int((d.Seconds()-float64(c.Paid)/c.PaidSpeed)*c.Speed)
}

// reached says how many people are told by when: people  1.2 M · 36 000 before
// the next update · all in 11 h.
func (c Crowd) reached(next, now time.Time) string {
	switch {
	case c.Uncounted:
		return c.Name + "  not counted yet"
	case c.People == 0:
		return c.Name + "  nobody is subscribed"
	}
	line := c.Name + "  " + broadcast.Count(c.People)
	switch {
	case c.Frozen:
		return line + frozen
	case c.Speed <= 0:
		return line
	}
	all := c.Takes()
	if left := next.Sub(now); !next.IsZero() && left < all {
		line += fmt.Sprintf(" · %s before the next update", broadcast.Count(c.within(left)))
	}
	return line + " · all in " + broadcast.Roughly(all)
}

// reviewers are the operators besides the author who may agree.
func (d *Desk) reviewers(author string) []string {
	var names []string
	for _, o := range d.Operators {
		if o.Name != author && o.Role.atLeast(Reviewer) {
			names = append(names, o.Name)
		}
	}
	return names
}

// Text is the preview: what is said, what changes, who must agree, one line
// for all channels that say exactly this and one per exception.
func (p *Preview) Text() string {
	lines := []string{p.head()}
	if p.Saying.Title != "" {
		lines = append(lines, p.Saying.Title)
	}
	lines = append(lines, p.body()...)
	lines = append(lines, p.was()...)
	lines = append(lines, p.opens()...)
	if due := p.Saying.NextUpdate; !due.IsZero() {
		lines = append(lines, fmt.Sprintf("Next update by %s (in %s)", clock(due, p.Zone), roughly(due.Sub(p.Now))))
	}
	lines = append(lines, p.channels()...)
	lines = append(lines, p.changes()...)
	if len(lines) > previewLines {
		lines = append(lines[:previewLines-1], "…")
	}
	return strings.Join(lines, "\n")
}

// was are the words that a correction replaces.
func (p *Preview) was() []string {
	if p.Wrong == nil {
		return nil
	}
	var lines []string
	old := p.Wrong.Newest()
	if p.Saying.Title != "" {
		lines = append(lines, "was: "+old.Title)
	}
	if len(p.Saying.Body) > 0 {
		text, _ := old.Body.In(p.Language, p.Language)
		for k, line := range onPhone(text, wasLines) {
			if k == 0 {
				line = "was: " + line
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// opens is what an opening says besides its words: the window of a
// maintenance, and what is affected.
func (p *Preview) opens() []string {
	var lines []string
	if s := p.Saying; !s.Begin.IsZero() {
		lines = append(lines, fmt.Sprintf("From %s until %s", dated(s.Begin, p.Zone), dated(s.End, p.Zone)))
	}
	if p.Before == nil && len(p.Saying.Components) > 0 {
		lines = append(lines, "Affected: "+incident.Scope{Components: p.Saying.Components}.String())
	}
	return lines
}

// head: D-17 → INC-12/3 after /2 (12:18) · monitoring · by Ana · needs 1 of Bo, Chen
func (p *Preview) head() string {
	d := p.Draft
	parts := []string{d.ID()}
	switch {
	case p.Wrong != nil:
		parts[0] += fmt.Sprintf(" → %s/%d", p.Before.Ref, p.Wrong.N)
		kind := "correction, said aloud"
		if p.Typo {
			kind = "typo, edited silently"
		}
		parts = append(parts, kind, fmt.Sprintf("becomes revision %d", len(p.Wrong.Revisions)+1))
	case p.Before != nil:
		last := p.Before.Updates[len(p.Before.Updates)-1]
		parts[0] += fmt.Sprintf(" → %s/%d after /%d (%s)", p.Before.Ref, last.N+1, last.N, last.PublishedAt.UTC().Format("15:04"))
		parts = append(parts, word(string(p.Incident.Status)))
	default:
		parts[0] += " → new " + string(p.Incident.Kind)
		if p.Incident.Kind == incident.Outage {
			parts = append(parts, string(p.Incident.Impact), word(string(p.Incident.Status)))
		}
	}
	parts = append(parts, "by "+d.Author)
	if name := templateName(p.Saying.Template); name != "" {
		parts = append(parts, "approved "+name)
	}
	if d.Needs > len(d.Approvals) {
		parts = append(parts, fmt.Sprintf("needs %d of %s", d.Needs-len(d.Approvals), strings.Join(p.Who, ", ")))
	}
	if len(d.Approvals) > 0 {
		parts = append(parts, "agreed "+strings.Join(d.Approvals, ", "))
	}
	return strings.Join(parts, " · ")
}

// body is the text in the language of the site, cut for the phone.
func (p *Preview) body() []string {
	text, _ := p.Saying.Body.In(p.Language, p.Language)
	return onPhone(text, previewBody)
}

// onPhone cuts a text to so many lines, none of them long.
func onPhone(text string, most int) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if len(lines) == most {
			return append(lines[:most-1], "…")
		}
		lines = append(lines, short(line, previewWidth))
	}
	return lines
}

// channels is one line for those that say exactly this, and one for each
// exception.
func (p *Preview) channels() []string {
	var same, out []string
	for _, s := range p.Shown {
		if note := exception(s); note != "" {
			out = append(out, fmt.Sprintf("%s  %d/%d · %s", s.Channel.Name, s.Size, s.Limits.MaxText, note))
		} else {
			same = append(same, s.Channel.Name)
		}
	}
	if len(same) > 0 {
		first := "= " + strings.Join(same, "  ") + " say exactly this"
		if len(same) == 1 {
			first = "= " + same[0] + " says exactly this"
		}
		out = append([]string{first}, out...)
	}
	for _, c := range p.Crowds {
		out = append(out, c.reached(p.Saying.NextUpdate, p.Now))
	}
	return out
}

// exception says how a channel differs from what was written.
func exception(s broadcast.Preview) string {
	var notes []string
	switch {
	case s.Text.Words:
		notes = append(notes, "shows the beginning of paragraph 1")
	case s.Text.Cut:
		notes = append(notes, "shows paragraph 1")
	}
	if s.Note != "" {
		notes = append(notes, "no text in "+s.Channel.Language+", shows "+s.Note+" with a note")
	}
	if !s.Limits.Edit {
		notes = append(notes, "cannot be edited")
	}
	if s.Limits.PostCost > 0 {
		notes = append(notes, fmt.Sprintf("$%.3f", s.Limits.PostCost))
	}
	return strings.Join(notes, " · ")
}

// changes are what else changes, and the warnings.
func (p *Preview) changes() []string {
	var out []string
	if len(p.Held) > 0 {
		out = append(out, "! "+untilLifted(p.Held))
	}
	if p.Before != nil && p.Incident != nil {
		if was, is := p.Before.Status, p.Incident.Status; was != is {
			out = append(out, fmt.Sprintf("! changes status %s → %s", word(string(was)), word(string(is))))
		}
		if was, is := p.Before.Impact, p.Incident.Impact; was != is {
			out = append(out, fmt.Sprintf("! changes impact %s → %s", was, is))
		}
	}
	if p.Before != nil && p.Incident != nil && !p.Incident.Status.Ended() {
		if news := (incident.Scope{Components: p.Incident.Components}).News(p.Before); !news.Empty() {
			out = append(out, "! changes what is affected: "+news.String())
		}
	}
	for _, language := range p.dropped() {
		out = append(out, "! leaves out the text in "+language+", which may be wrong too")
	}
	for _, w := range slices.Concat(p.Against, p.Draft.Warnings, p.Draft.Wording) {
		out = append(out, "! "+w)
	}
	return out
}

// dropped are the languages whose text a correction does away with, since it
// gives none of its own.
func (p *Preview) dropped() (out []string) {
	if p.Wrong == nil || p.Typo || len(p.Saying.Body) == 0 {
		return nil
	}
	for language := range p.Wrong.Newest().Body {
		if _, kept := p.Saying.Body[language]; !kept {
			out = append(out, language)
		}
	}
	slices.Sort(out)
	return out
}

// Buttons are what can be done with the draft. Their data carries the digest,
// so that a button under an older wording is recognised.
func (p *Preview) Buttons() [][]bots.Button {
	d := p.Draft
	label := "Publish"
	if d.Needs > len(d.Approvals) {
		label = "Agree"
	}
	rows := [][]bots.Button{{
		{Text: label, Data: press("pub", d.ID(), d.mark())},
		{Text: "Edit", Data: press("edit", d.ID(), d.mark())},
		{Text: "Channels", Data: press("chan", d.ID(), d.mark())},
		{Text: "Each text", Data: press("each", d.ID(), d.mark())},
		{Text: "Discard", Data: press("drop", d.ID(), d.mark())},
	}}
	if p.Incident == nil { // it goes wherever the words that it changes are
		rows[0] = slices.DeleteFunc(rows[0], func(b bots.Button) bool { return b.Text == "Channels" })
	}
	if d.Near != "" {
		rows = append(rows, []bots.Button{{Text: "Add to " + d.Near + " instead", Data: press("join", d.ID(), d.mark())}})
	}
	return rows
}

// Each is what every channel would show, word for word.
func (p *Preview) Each() string {
	var parts []string
	for _, s := range p.Shown {
		parts = append(parts, fmt.Sprintf("▸ %s (%d/%d %s)\n%s", s.Channel.Name, s.Size, s.Limits.MaxText, s.Limits.Unit, s.Text.String))
	}
	if p.Wrong != nil { // where it is shown depends on what shows when it is published
		for _, language := range slices.Sorted(maps.Keys(p.Saying.Body)) {
			parts = append(parts, fmt.Sprintf("▸ %s\n%s", cmp.Or(language, p.Language), p.Saying.Body[language]))
		}
	}
	return short(strings.Join(parts, "\n\n"), 3800)
}

// clock is a time in UTC and in the site's zone.
func clock(t time.Time, zone *time.Location) string {
	s := t.UTC().Format("15:04") + " UTC"
	if zone != nil && t.In(zone).Format("15:04") != t.UTC().Format("15:04") {
		s += " (" + t.In(zone).Format("15:04 MST") + ")"
	}
	return s
}

// dated is a time with its day, in the site's zone and in UTC.
func dated(t time.Time, zone *time.Location) string {
	if zone == nil || zone == time.UTC {
		return t.UTC().Format("Mon 2 Jan 15:04 UTC")
	}
	return t.In(zone).Format("Mon 2 Jan 15:04 MST") + t.UTC().Format(" (2 Jan 15:04 UTC)")
}

// roughly is a duration in whole minutes, or hours and minutes.
func roughly(d time.Duration) string {
	m := int(d.Round(time.Minute).Minutes())
	switch {
	case m < 60:
		return fmt.Sprintf("%d min", m)
	case m%60 == 0:
		return fmt.Sprintf("%d h", m/60)
	default:
		return fmt.Sprintf("%d h %d min", m/60, m%60)
	}
}

// word is a status as people read it.
func word(s string) string { return strings.ReplaceAll(s, "_", " ") }

// short cuts a text to n characters.
func short(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
