package people

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// A body is what an operator wrote, in one language.
type body struct {
	said    []string // sentences
	opening int      // how many of them are in the first paragraph
}

// An extent is how much of a body a text has.
type extent int

const (
	disordered extent = iota // it has not the same order, or something more often
	part
	beginning
	whole
)

// extent is how much a text has of the body of which it has most.
func (p *page) extent(said []string) (most extent) {
	for _, b := range p.bodies {
		most = max(most, p.extentIn(b, said))
	}
	return most
}

// extentIn reads a text along a body. Where a sentence may stand for several things,
// each of them is tried.
func (p *page) extentIn(b body, said []string) (most extent) {
	at := map[place]bool{{}: true}
	before := ""
	for _, s := range said {
		next := map[place]bool{}
		for from := range at {
			for _, to := range p.steps(b, from, s, before) {
				next[to] = true
			}
		}
		at, before = next, s
	}
	for end := range at {
		most = max(most, b.extent(end))
	}
	return most
}

// A place is how far the reading of a text has come in what was said.
type place struct {
	title, body int  // sentences of each that lie behind
	gap         bool // some of the body were left out
	cut         bool // the last one was not read to its end
}

// extent is how much of a body was read on the way to a place.
func (b *body) extent(end place) extent {
	switch {
	case end.body == len(b.said) && !end.gap && !end.cut:
		return whole
	case end.body > 0 && !end.gap && (end.cut || end.body == b.opening):
		return beginning
	}
	return part
}

// steps are the places to which a sentence may lead. What stands around the words of
// the operators leads nowhere; a title stands before the body or behind it.
func (p *page) steps(b body, from place, s, before string) (out []place) {
	if p.says(s) {
		out = append(out, from)
	}
	start, cut := unfinished(s)
	long := cut && utf8.RuneCountInString(start) >= minQuote
	if from.body == 0 || from.body == len(b.said) || from.cut {
		if k := slices.IndexFunc(p.title[from.title:], func(t string) bool { return t == s || long && startsWith(t, start) }); k >= 0 {
			to := from
			to.title += k + 1
			out = append(out, to)
		}
	}
	if from.cut {
		return out
	}
	rest := b.said[from.body:]
	if k := slices.Index(rest, s); k >= 0 {
		out = append(out, place{from.title, from.body + k + 1, from.gap || k > 0, false})
	}
	if !cut {
		return out
	}
	k := slices.IndexFunc(rest, func(t string) bool { return startsWith(t, start) })
	if k == 0 && goesOn(b.said, from.body, start, before) || k >= 0 && long {
		out = append(out, place{from.title, from.body + k + 1, from.gap || k > 0, true})
	}
	return out
}

// unfinished is what is left of a sentence that was cut.
func unfinished(s string) (start string, cut bool) {
	start, cut = strings.CutSuffix(s, "...") // as an ellipsis is normalised
	return strings.TrimSpace(start), cut
}

// begins reports whether a sentence that was cut begins one of the page's. A few
// characters are enough only where they stand behind what is ours too.
func (p *page) begins(s, before string) bool {
	start, cut := unfinished(s)
	switch {
	case !cut:
		return false
	case utf8.RuneCountInString(start) < minQuote:
		return slices.ContainsFunc(p.bodies, func(b body) bool {
			for k := range b.said {
				if goesOn(b.said, k, start, before) {
					return true
				}
			}
			return false
		})
	}
	for whole := range p.words {
		if startsWith(whole, start) {
			return true
		}
	}
	return slices.ContainsFunc(p.title, func(t string) bool { return startsWith(t, start) })
}

// goesOn reports whether a body goes on so at sentence k behind the one before, or
// begins so behind one that stands around it.
func goesOn(said []string, k int, start, before string) bool {
	behind := k > 0 && said[k-1] == before || k == 0 && before != "" && start != ""
	return behind && startsWith(said[k], start)
}
