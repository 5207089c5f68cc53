package broadcast

import "github.com/allclear-hq/allclear/bots"

// announce posts a correction or retraction if it is needed: yes, no, or not
// known yet.
func (n *planner) announce(e *Entry, needed verdict, why Reason) (Step, bool) {
	switch needed {
	case yes:
		return n.say(e)
	case no:
		return settle(e, why)
	default:
		return Step{}, false
	}
}

type verdict int

const (
	no verdict = iota
	unknown
	yes
)

func when(b bool) verdict {
	if b {
		return yes
	}
	return no
}

// correctionNeeded: wrong words that could not be edited, or showed for long,
// are corrected in a message of their own, since an edit notifies nobody.
func (n *planner) correctionNeeded(e *Entry) verdict {
	main := n.post(e.Update)
	switch {
	case main == nil || n.laterCorrection(e):
		return no
	case main.Doubt != nil:
		return when(main.Doubt.Revision < e.Revision)
	case main.Shows.What == Removed:
		return yes
	case !main.Shows.Exists() || main.Shows.Posted >= e.Revision:
		if main.Should.What == Words && !main.GaveUp() && !main.Shows.Exists() {
			return unknown // will be posted, with the right words
		}
		return no
	case !n.Limits.Edit || main.gaveUp(bots.Edit) || main.Should.What == Nothing || main.Shows.Message == "":
		return yes
	case main.Shows.Revision < e.Revision:
		return unknown // the edit comes first
	}
	return when(!n.Policy.EditOnly && main.Shows.Wrong > wrongEnough)
}

// retractionNeeded: words that were deleted, could not be changed, or showed
// for long are withdrawn in a message of their own. Corrections had such words
// too.
func (n *planner) retractionNeeded(e *Entry) verdict {
	needed := no
	for i := range n.Entries {
		if f := &n.Entries[i]; f.Update == e.Update && f.Kind != Retract {
			needed = max(needed, n.withdrawalNeeded(f))
		}
	}
	return needed
}

func (n *planner) withdrawalNeeded(e *Entry) verdict {
	switch {
	case e.Doubt != nil, e.Shows.What == Removed:
		return yes
	case e.Shows.What == Tombstone:
		return when(e.Shows.Since.Sub(e.Shows.First) > wrongEnough)
	case e.Shows.What == Nothing:
		return no
	}
	action, _ := n.amendment(e)
	return when(action == "" || e.gaveUp(action) || e.Shows.Message == "").orUnknown()
}

// orUnknown turns "not for now" into "not known yet".
func (v verdict) orUnknown() verdict {
	if v == no {
		return unknown
	}
	return v
}

// laterCorrection reports whether another correction of the same update, with
// newer words, is in the lane.
func (n *planner) laterCorrection(e *Entry) bool {
	for i := range n.Entries {
		f := &n.Entries[i]
		if f.Kind == Correct && f.Update == e.Update && f.Revision > e.Revision && f.Should.What == Words {
			return true
		}
	}
	return false
}
