package desk

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Card is an incident at a glance, the same in every room: where it stands,
// what was promised, and for each channel what it shows, with the buttons that
// settle what is open.
type Card struct {
	Text    string
	Buttons [][]bots.Button
}

// Bounds of a card, which is read on a phone.
const (
	cardLines = 20
	cardRows  = 5 // of buttons; what is settled makes room for the next
)

// CardSite is what the cards of a site have in common.
type CardSite struct {
	Zone       *time.Location // of times that people promise
	Simulator  bool           // nothing goes to real platforms
	FalseAlarm bool           // there are approved words for what was no incident
}

// NewCard makes the card of an incident as it is at now.
func NewCard(i *incident.Incident, ds []broadcast.Delivery, site CardSite, now time.Time) Card {
	c := Card{}
	lines := []string{cardHead(i, now)}
	if promise := cardPromise(i, site.Zone, now); promise != "" {
		lines = append(lines, promise)
	}
	u := i.Updates[len(i.Updates)-1]
	by := fmt.Sprintf("/%d %s %s", u.N, u.PublishedAt.UTC().Format("15:04"), u.Author)
	if len(u.ApprovedBy) > 0 {
		by += ", approved " + strings.Join(u.ApprovedBy, ", ")
	}
	if u.Retraction != nil {
		by += ", retracted " + u.Retraction.At.UTC().Format("15:04")
	}
	lines = append(lines, by)
	if !i.Pending.Empty() {
		lines = append(lines, "With the next update: "+i.Pending.String()+" ("+i.Pending.By+")")
	}
	lines = append(lines, c.channels(i, ds, now)...)
	if site.FalseAlarm && mayBeFalse(i) {
		c.Buttons = append(c.Buttons[:min(len(c.Buttons), cardRows-1)], []bots.Button{{Text: "False alarm", Data: press("false", i.Ref.String(), "")}})
	}
	c.Buttons = c.Buttons[:min(len(c.Buttons), cardRows)]
	if site.Simulator {
		lines = append(lines, "SIMULATOR")
	}
	if len(lines) > cardLines {
		lines = append(lines[:cardLines-1], "…")
	}
	c.Text = strings.Join(lines, "\n")
	return c
}

// news is what a card says besides how far audiences are.
func (c Card) news() string {
	lines := strings.Split(c.Text, "\n")
	for k, line := range lines {
		switch {
		case strings.HasPrefix(line, toPeople):
			name, _, _ := strings.Cut(strings.TrimPrefix(line, toPeople), " ")
			lines[k] = name
			for _, end := range []string{frozen, dropped} {
				if strings.HasSuffix(line, end) {
					lines[k] += end
				}
			}
		case strings.HasPrefix(line, "? "): // also how many people need somebody
			lines[k] = strings.Map(func(r rune) rune {
				if unicode.IsDigit(r) {
					return -1
				}
				return r
			}, line)
		}
	}
	for _, row := range c.Buttons {
		for _, b := range row {
			lines = append(lines, b.Text)
		}
	}
	return strings.Join(lines, "\n")
}

// How the line of an audience begins, and ends where it does not go on.
const (
	toPeople = "→ "
	frozen   = " · frozen"
	dropped  = " · skipped"
)

// mayBeFalse reports whether an incident that is open was opened with approved
// first words, before anybody knew for sure.
func mayBeFalse(i *incident.Incident) bool {
	return i.ResolvedAt.IsZero() && strings.HasPrefix(i.Updates[0].Template, incident.AckPhrase+pinned)
}

// cardHead: INC-12 critical · monitoring · 00:31 open · login ✓ withdrawals ▲
func cardHead(i *incident.Incident, now time.Time) string {
	parts := []string{i.Ref.String()}
	if i.Kind == incident.Outage {
		parts[0] += " " + string(i.Impact)
	}
	if i.Drill {
		parts[0] = "DRILL " + parts[0]
	}
	parts = append(parts, word(string(i.Status)))
	end, state := now, "open"
	if !i.ResolvedAt.IsZero() {
		end, state = i.ResolvedAt, "in all"
	}
	minutes := int(end.Sub(i.CreatedAt).Minutes())
	parts = append(parts, fmt.Sprintf("%02d:%02d %s", minutes/60, minutes%60, state))
	var affected []string
	for _, id := range sortedComponents(i) {
		affected = append(affected, id+" "+componentMark(i.Components[id]))
	}
	if len(affected) > 0 {
		parts = append(parts, strings.Join(affected, " "))
	}
	return strings.Join(parts, " · ") + "\n" + short(i.Title, 100)
}

func sortedComponents(i *incident.Incident) []string {
	ids := make([]string, 0, len(i.Components))
	for id := range i.Components {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func componentMark(s incident.ComponentState) string {
	switch s {
	case incident.Operational:
		return "✓"
	case incident.MajorOutage:
		return "✗"
	default:
		return "▲"
	}
}

// cardPromise is the promise with the time that is left, and what became of
// those before it.
func cardPromise(i *incident.Incident, zone *time.Location, now time.Time) string {
	var parts []string
	kept := i.CountPromises(now)
	switch left := i.NextUpdate.Sub(now); {
	case !i.ResolvedAt.IsZero() || i.NextUpdate.IsZero():
	case left < 0:
		parts = append(parts, fmt.Sprintf("Next update was promised for %s", clock(i.NextUpdate, zone)), roughly(-left)+" late")
	default:
		parts = append(parts, fmt.Sprintf("Next update promised %s", clock(i.NextUpdate, zone)), roughly(left)+" left")
		delete(kept, incident.Open) // which it is
	}
	if s := kept.String(); s != "" {
		parts = append(parts, "promises "+s)
	}
	return capital(strings.Join(parts, " · "))
}

// channels is one line for each channel with what it shows last, and one more
// for each delivery that a person has to settle.
func (c *Card) channels(i *incident.Incident, ds []broadcast.Delivery, now time.Time) []string {
	newest := map[string]broadcast.Delivery{}
	var order []string
	var trouble []string
	for _, d := range ds {
		if d.Edits() {
			continue
		}
		if _, ok := newest[d.Channel]; !ok {
			order = append(order, d.Channel)
		}
		if before, ok := newest[d.Channel]; !ok || !aside(before, d) {
			newest[d.Channel] = d
		}
	}
	for _, d := range ds {
		switch {
		case d.Audience != nil && d.Audience.Asks() > 0:
			trouble = append(trouble, c.unsurePeople(i, d))
		case d.State == broadcast.Failed || d.State == broadcast.UnsureState:
			trouble = append(trouble, c.trouble(i, d))
		}
	}
	var lines, fine []string
	for _, name := range order {
		if d := newest[name]; d.Audience != nil {
			lines = append(lines, fmt.Sprintf(toPeople+"%s %s%s", name, *d.Audience, halted(d)))
			continue
		}
		switch d := newest[name]; d.State {
		case broadcast.Failed, broadcast.UnsureState: // has a line of its own
		case broadcast.Sent:
			fine = append(fine, strings.TrimSpace(fmt.Sprintf("✓ %s %s %s", name, d.Sent.UTC().Format("15:04:05"), d.URL)))
		case broadcast.Pending:
			fine = append(fine, strings.TrimSpace("… "+name+" "+pending(d, now)))
		default:
			fine = append(fine, strings.TrimSpace(fmt.Sprintf("… %s %s %s", name, d.State, short(d.Error, 80))))
		}
	}
	for _, d := range ds {
		if d.Edits() && d.State != broadcast.Sent {
			lines = append(lines, fmt.Sprintf(toPeople+"%s %s %s%s", d.Channel, edits(i, d), *d.Audience, halted(d)))
		}
	}
	lines = append(fine, lines...)
	return append(lines, trouble...)
}

// edits says what is changed of what an audience was told.
func edits(i *incident.Incident, d broadcast.Delivery) string {
	what := "edited"
	if d.Action == string(bots.Delete) {
		what = "deleted"
	}
	return strings.TrimPrefix(d.Update, i.Ref.String()) + " " + what
}

// aside reports whether a correction or withdrawal says less about where a
// channel stands than what came before it: nobody had to be told, or those of an
// audience who had to be are.
func aside(before, d broadcast.Delivery) bool {
	if d.Action != string(broadcast.Correct) && d.Action != "tombstone" {
		return false
	}
	never := d.State == broadcast.SupersededState || d.State == broadcast.WithdrawnState
	if d.Audience == nil {
		return never && before.State == broadcast.Sent
	}
	return never || d.State == broadcast.Sent
}

// halted says why an audience does not go on.
func halted(d broadcast.Delivery) string {
	switch d.State {
	case broadcast.Held:
		return frozen
	case broadcast.SkippedState:
		return dropped
	}
	return ""
}

// pending says why a delivery has not been made yet.
func pending(d broadcast.Delivery, now time.Time) string {
	if d.Until.Sub(now) > shortWait {
		return "waits, as the platform asks, until " + d.Until.UTC().Format("15:04") + " UTC"
	}
	return strings.TrimSpace(string(d.State) + " " + short(d.Error, 80))
}

// shortWait is how long a platform may make us wait without a word about it.
const shortWait = 10 * time.Second

// trouble is a delivery that needs a person, with the buttons that settle it.
func (c *Card) trouble(i *incident.Incident, d broadcast.Delivery) string {
	name := fmt.Sprintf("%s %s", strings.TrimPrefix(d.Update, i.Ref.String()), d.Channel)
	subject := i.Ref.String()
	if d.State == broadcast.UnsureState {
		c.Buttons = append(c.Buttons, []bots.Button{
			{Text: name + ": it is there", Data: press("there", subject, d.ID)},
			{Text: "Send again", Data: press("retry", subject, d.ID)},
			{Text: "Skip", Data: press("skip", subject, d.ID)},
		})
		return fmt.Sprintf("? %s  sent, no answer", name)
	}
	c.Buttons = append(c.Buttons, []bots.Button{
		{Text: name + ": try again", Data: press("retry", subject, d.ID)},
		{Text: "Skip", Data: press("skip", subject, d.ID)},
	})
	return fmt.Sprintf("✗ %s  %s", name, short(d.Error, 120))
}

// unsurePeople are those of an audience who need a person, with the buttons
// that settle them.
func (c *Card) unsurePeople(i *incident.Incident, d broadcast.Delivery) string {
	name := fmt.Sprintf("%s %s", strings.TrimPrefix(d.Update, i.Ref.String()), d.Channel)
	c.Buttons = append(c.Buttons, []bots.Button{
		{Text: name + ": send again", Data: press("retry", i.Ref.String(), d.ID)},
		{Text: "Skip", Data: press("skip", i.Ref.String(), d.ID)},
	})
	var parts []string
	if n := d.Audience.AskUnsure; n > 0 {
		parts = append(parts, "sent to "+broadcast.Count(n)+", no answer")
	}
	if n := d.Audience.AskFailed; n > 0 {
		parts = append(parts, "refused for "+broadcast.Count(n))
	}
	return fmt.Sprintf("? %s  %s", name, strings.Join(parts, " · "))
}
