package broadcast

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// Wordings are the messages in which readers of a language may have met
// revision r of update n: as a first post, later beside any update before it,
// or as a correction. What is counted in them is left out: see Heads, and any
// number of updates before it may have been missed.
func Wordings(i *incident.Incident, n, r int, language string, policy Policy) []templates.Message {
	p := reader(i, language, policy)
	var out []templates.Message
	for _, posted := range slices.Compact([]int{r, 1}) { // in these words, or brought to them by an edit
		shown := Shows{What: Words, Revision: r, Posted: posted, First: time.Unix(2, 0)}
		said := Entry{ID: 2, Update: n, Kind: Say, Shows: shown}
		p.Entries = []Entry{said}
		out = append(out, *p.message(&said, shown))
		p.Entries = append(told(n-1, n), said)
		for _, before := range unlike(i, n) {
			p.Incident = beside(i, n, before)
			out = append(out, *p.message(&said, shown))
			if r > 1 {
				out = append(out, *p.message(&Entry{ID: 3, Update: n, Kind: Correct, Shows: shown}, shown))
			}
		}
	}
	return out
}

// unlike lists updates before another, beside which it is told differently: 0
// is none, and stands for no update.
func unlike(i *incident.Incident, n int) (out []int) {
	u, seen := i.Update(n), map[string]bool{}
	for k := range n {
		news := ""
		if before := i.Update(k); before != nil {
			news = fmt.Sprint(before.Status, before.Impact, maps.Equal(before.Components, u.Components))
		}
		if !seen[news] {
			seen[news] = true
			out = append(out, k)
		}
	}
	return out
}

// beside is an incident up to update n as if of those before it only one stood.
// Which did when a message was written may have changed since.
func beside(i *incident.Incident, n, before int) incident.Incident {
	out := *i
	out.Updates = slices.Clone(i.Updates[:n])
	for k := range n - 1 {
		out.Updates[k].Retraction = &incident.Retraction{}
	}
	if u := out.Update(before); u != nil {
		u.Retraction = nil
	}
	return out
}

// A PastHead is what the head line of first posts said at some time.
type PastHead struct {
	templates.Head
	Newest int // the newest update then
}

// Heads are the head lines that first posts of an incident have had where they
// can be edited: one from each update and each withdrawal on.
func Heads(i *incident.Incident) []PastHead {
	var times []time.Time
	for _, u := range i.Updates {
		times = append(times, u.PublishedAt)
		if u.Retraction != nil {
			times = append(times, u.Retraction.At)
		}
	}
	var out []PastHead
	for _, at := range times {
		p := planner{Lane: &Lane{Incident: asOf(i, at)}}
		out = append(out, PastHead{p.headline(), len(p.Incident.Updates)})
	}
	return out
}

// asOf is an incident as it was at a time.
func asOf(i *incident.Incident, at time.Time) incident.Incident {
	was := *i
	was.Updates = nil
	for _, u := range i.Updates {
		if u.PublishedAt.After(at) {
			break
		}
		if u.Retraction != nil && u.Retraction.At.After(at) {
			u.Retraction = nil
		}
		was.Updates = append(was.Updates, u)
	}
	return was
}

// Withdrawals are the messages in which readers of a language may have met the
// retraction of update n, under any title that it had.
func Withdrawals(i *incident.Incident, n int, language string, policy Policy) []templates.Message {
	p := reader(i, language, policy)
	var out []templates.Message
	for r := range i.Update(n).Revisions {
		out = append(out, *p.message(&Entry{Update: n, Kind: Retract}, Shows{What: Words, Revision: r + 1}))
	}
	return append(out, *p.message(&Entry{Update: n, Kind: Say}, Shows{What: Tombstone}))
}

// reader plans for a channel that shows nothing yet.
func reader(i *incident.Incident, language string, policy Policy) *planner {
	return &planner{Lane: &Lane{Channel: Channel{Language: language}, Policy: policy, Incident: *i}}
}
