package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// An Ask says what a refused command leaves open, so that a room can offer what
// there is. It is empty where there is nothing to choose.
type Ask struct {
	What Unclear
	Word string // of an unclear word
}

// Unclear is what a command leaves open.
type Unclear string

// What commands leave open.
const (
	WhichIncident Unclear = "incident"
	WhichUpdate   Unclear = "update"
	WhichDelivery Unclear = "delivery"
	WhichDraft    Unclear = "draft"
	WhichImpact   Unclear = "impact"
	WhichWord     Unclear = "word" // one of the closed words is neither an impact nor a component
	WhichRelease  Unclear = "release"
	WhichSure     Unclear = "sure" // whether it is meant at all
)

// unclear is the refusal of a command that leaves something open.
func unclear(what Unclear, format string, args ...any) error {
	return &Refusal{Kind: Invalid, Text: fmt.Sprintf(format, args...), Ask: Ask{What: what}}
}

// unknownWord is the refusal of a closed word that means nothing here.
func unknownWord(word, format string, args ...any) error {
	return &Refusal{Kind: Invalid, Text: fmt.Sprintf(format, args...), Ask: Ask{What: WhichWord, Word: word}}
}

// mostChoices is how many choices a question has at most.
const mostChoices = choiceRows * choicesInRow

// choices are the commands that an unclear one may have meant, the likeliest
// first; nil where there is nothing to choose from.
func (r *Rooms) choices(ctx context.Context, actor Actor, t incident.Typed, ask Ask) ([]Choice, error) {
	switch ask.What {
	case WhichImpact:
		return impactChoices(t), nil
	case WhichWord:
		return wordChoices(t, ask.Word, sortedKeys(r.Desk.Components)), nil
	case WhichRelease:
		return releaseChoices(t), nil
	case WhichSure:
		return sureChoice(t), nil
	case WhichDraft:
		return r.draftChoices(ctx, actor, t)
	case WhichIncident, WhichUpdate, WhichDelivery:
	default:
		return nil, nil
	}
	incidents, err := r.Desk.Reader.Incidents(ctx, 10)
	if err != nil {
		return nil, err
	}
	var out []Choice
	for _, i := range slices.DeleteFunc(incidents, func(i *incident.Incident) bool { return i.Drill != actor.Drill }) {
		switch ask.What {
		case WhichIncident:
			out = append(out, incidentChoice(t, i)...)
		case WhichUpdate:
			out = append(out, updateChoices(t, i)...)
		case WhichDelivery:
			ds, err := r.Desk.Reader.Deliveries(ctx, i.Ref, r.complete)
			if err != nil {
				return nil, err
			}
			out = append(out, deliveryChoices(t, ds, r.Desk.channelNames())...)
		}
	}
	return out[:min(len(out), mostChoices)], nil
}

// complete adds to a lane what its card shows too.
func (r *Rooms) complete(l *broadcast.Lane) {
	if r.Cards != nil {
		r.Cards.Complete(l)
	}
}

func incidentChoice(t incident.Typed, i *incident.Incident) []Choice {
	if !i.ResolvedAt.IsZero() || t.Status != "" && !i.Kind.Has(t.Status) {
		return nil
	}
	t.Ref = i.Ref.String()
	return []Choice{{Label: t.Ref + " " + i.Title, Typed: t}}
}

// updateChoices are the updates of an incident that stand, newest first.
func updateChoices(t incident.Typed, i *incident.Incident) (out []Choice) {
	if named, _, err := incident.ParseUpdateRef(t.Ref); err == nil && named != i.Ref {
		return nil
	}
	for _, u := range slices.Backward(i.Updates) {
		if u.Retraction != nil {
			continue
		}
		t.Ref = fmt.Sprintf("%s/%d", i.Ref, u.N)
		said, _ := u.Newest().Body.In("", "")
		for _, text := range u.Newest().Body {
			if said == "" {
				said = text
			}
		}
		out = append(out, Choice{Label: t.Ref + " " + firstLine(said), Typed: t})
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// deliveryChoices are the deliveries of an incident that somebody has to settle
// and that fit what was typed.
func deliveryChoices(t incident.Typed, ds []broadcast.Delivery, channels []string) (out []Choice) {
	channel, rest := cutWord(t.Text)
	if !slices.ContainsFunc(channels, func(name string) bool { return strings.EqualFold(name, channel) }) {
		channel, rest = "", t.Text
	}
	seen := map[string]bool{}
	for _, d := range ds {
		label := fmt.Sprintf("%s %s %s", d.Update, d.Channel, d.State)
		open := d.State == broadcast.Failed || d.State == broadcast.UnsureState
		if d.Audience != nil && d.Audience.Asks() > 0 {
			label, open = fmt.Sprintf("%s %s, %s people", d.Update, d.Channel, broadcast.Count(d.Audience.Asks())), true
		}
		fits := (t.Ref == "" || strings.EqualFold(t.Ref, d.Update) || strings.HasPrefix(d.Update, strings.ToUpper(t.Ref)+"/")) &&
			(channel == "" || strings.EqualFold(channel, d.Channel))
		if !open || !fits || seen[label] {
			continue
		}
		seen[label] = true
		one := t
		one.Ref, one.Text = d.Update, strings.TrimSpace(d.Channel+" "+rest)
		out = append(out, Choice{Label: label, Typed: one})
	}
	return out
}

func (r *Rooms) draftChoices(ctx context.Context, actor Actor, t incident.Typed) (out []Choice, err error) {
	open, err := r.Store.Drafts(ctx)
	for _, d := range slices.Backward(open) {
		if d.Drill == actor.Drill && len(out) < mostChoices {
			t.Ref = d.ID()
			out = append(out, Choice{Label: d.ID() + " " + cmp.Or(d.Ref, "new") + " by " + d.Author, Typed: t})
		}
	}
	return out, err
}

func impactChoices(t incident.Typed) (out []Choice) {
	words := slices.DeleteFunc(slices.Clone(t.Words), func(w string) bool { return incident.Impact(strings.ToLower(w)).Valid() })
	for _, impact := range slices.Backward(incident.Impacts) {
		t.Words = append([]string{string(impact)}, words...)
		out = append(out, Choice{Label: string(impact), Typed: t})
	}
	return out
}

// wordChoices put what it may have meant in the place of an unknown word, or
// leave it out.
func wordChoices(t incident.Typed, word string, components []string) (out []Choice) {
	at := slices.IndexFunc(t.Words, func(w string) bool { return strings.EqualFold(w, word) })
	if at < 0 {
		return nil
	}
	known := slices.Clone(components)
	for _, impact := range incident.Impacts {
		if t.Verb != "maintenance" { // which has none
			known = append(known, string(impact))
		}
	}
	sign, name, state := scopeParts(word)
	for _, name := range nearest(name, known, 4) {
		one := t
		one.Words = slices.Clone(t.Words)
		if one.Words[at] = name; !incident.Impact(name).Valid() {
			one.Words[at] = sign + name + state
		}
		out = append(out, Choice{Label: one.Words[at], Typed: one})
	}
	t.Words = slices.Delete(slices.Clone(t.Words), at, at+1)
	return append(out, Choice{Label: "Leave it out", Typed: t})
}

// scopeParts splits +deposits and login=partial, so that a name can be put
// right and the rest stays.
func scopeParts(word string) (sign, name, state string) {
	if name = strings.TrimLeft(word, "+-＋－"); name != word {
		sign = word[:len(word)-len(name)]
	}
	if at := strings.IndexAny(name, "=＝"); at >= 0 {
		name, state = name[:at], name[at:]
	}
	return sign, name, state
}

// verbChoices are the commands that an unknown one may have been meant as.
func verbChoices(text string, unknown *incident.UnknownVerb, languages []string) (out []Choice) {
	if unknown.Meant != "" {
		if t, err := incident.ParseTyped(unknown.Meant, languages); err == nil {
			out = append(out, Choice{Label: firstLine(strings.TrimSpace(unknown.Meant)), Typed: t})
		}
		return out
	}
	for _, near := range nearest(unknown.Verb, incident.Verbs(), 4) {
		if distance(near, unknown.Verb) > max(1, min(len(unknown.Verb), len(near))/3) {
			continue
		}
		if t, err := incident.ParseTyped(incident.WithVerb(text, near), languages); err == nil {
			out = append(out, Choice{Label: "/" + near, Typed: t})
		}
	}
	return out
}

// nearest are those of names that look like word, the likeliest first, at most
// n. Where none does, they are the first that there are.
func nearest(word string, names []string, n int) []string {
	word = strings.ToLower(word)
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return distance(word, a) - distance(word, b) })
	far := func(name string) bool { return distance(word, name) > max(len(word), len(name))/2 }
	if k := slices.IndexFunc(names, far); k > 0 {
		names = names[:k]
	}
	return names[:min(n, len(names))]
}

// distance is how many letters have to be added, left out, changed or swapped
// with their neighbour to make b of a. Where one begins with the other, what is
// missing counts once, since people type beginnings.
func distance(a, b string) int {
	if a != b && a != "" && (strings.HasPrefix(b, a) || strings.HasPrefix(a, b)) {
		return 1
	}
	before, last := []int(nil), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
