package broadcast

import (
	"cmp"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/templates"
)

// Times that decide how a lane goes on.
const (
	calm        = 2 * time.Second // after a post before the head line is edited: newer words must not wait behind it
	wrongEnough = time.Minute     // wrong words visible for longer are corrected aloud, not only edited
)

// lookAfter are the times after an attempt at which its post is looked for,
// where the account's own posts can be read back. The first leaves a slow
// platform time to show it; the last comes before the patience ends, so that
// what was lost is said again in its place.
var lookAfter = []time.Duration{2 * time.Second, 8 * time.Second, 16 * time.Second, 26 * time.Second}

// A StepKind is what a lane does next.
type StepKind int

// The kinds of steps.
const (
	Idle   StepKind = iota // nothing, until what should show changes
	Wait                   // nothing before Until
	Do                     // carry out Op
	Find                   // look for the post that Op made
	Settle                 // Entry should show nothing, for Reason
	Assume                 // Entry is taken to show its doubtful post, by policy
	Probe                  // try whether the post that Op made is one of the next messages
	Miss                   // Entry's doubtful post is not there, and comes too late to be sent again
)

// A ChoreKind names an operation of the lane beside its messages.
type ChoreKind string

// The chores.
const (
	NoChore    ChoreKind = ""
	OpenThread ChoreKind = "thread"
	PinFirst   ChoreKind = "pin"
	Crosspost  ChoreKind = "crosspost"
	KeepHead   ChoreKind = "head"
)

// A Class orders what shares an account's limit, the most urgent first.
type Class int

// The classes.
const (
	Public   Class = iota // posts on public channels
	Amend                 // edits and deletions of what is wrong
	Room                  // operators' rooms
	Card                  // what operators' rooms show of how things stand, which the next such message replaces
	Answer                // answers to people
	Reword                // edits and deletions of what subscribers were told
	Audience              // subscribers
	Tidy                  // threads, pins, crossposts, head lines
)

// A Step is the next thing that a lane does.
type Step struct {
	Kind    StepKind
	Until   time.Time // of Wait
	Entry   int64     // the delivery; of a chore, the message it is about
	Chore   ChoreKind
	Class   Class
	Op      bots.Operation     // of Do and Find; its Text is made from Say, or given
	Say     *templates.Message // what Op says, when it says something
	Confirm bool               // of Do: the message has these words already, unless an edit went astray
	After   Shows              // of Do: what the entry will show (What and Revision)
	Head    string             // of Do: what the first post's head line will say
	Reason  Reason             // of Settle
}

// Next names the single next step of a lane. It is pure: the same lane at the
// same time gives the same step.
func Next(l *Lane, now time.Time) Step {
	n := &planner{Lane: l, now: now}
	if l.Frozen {
		return Step{Kind: Wait}
	}
	for i := range l.Entries {
		if step, ok := n.entry(&l.Entries[i]); ok {
			return step
		}
	}
	if step, ok := n.chores(); ok {
		return step
	}
	if !n.wake.IsZero() {
		return Step{Kind: Wait, Until: n.wake}
	}
	return Step{Kind: Idle}
}

// planner walks a lane once. Its methods return a step and true, or false
// when the lane may go on past what they looked at.
type planner struct {
	*Lane
	now  time.Time
	wake time.Time // the earliest time at which something passed over comes due
}

// pass lets the lane go on, and has it looked at again at t.
func (n *planner) pass(t time.Time) (Step, bool) {
	if !t.IsZero() && (n.wake.IsZero() || t.Before(n.wake)) {
		n.wake = t
	}
	return Step{}, false
}

// hold keeps the lane from going on before t.
func (n *planner) hold(t time.Time) (Step, bool) {
	if !n.wake.IsZero() && n.wake.Before(t) {
		t = n.wake
	}
	return Step{Kind: Wait, Until: t}, true
}

func (n *planner) entry(e *Entry) (Step, bool) {
	switch {
	case e.Should.What == Nothing:
		return Step{}, false
	case e.Shows.What == Removed:
		return Step{}, false
	case e.Shows.Exists():
		return n.amend(e)
	case e.Should.What != Words && e.Doubt == nil:
		return settle(e, Withdrawn)
	case e.Doubt != nil:
		return n.doubtful(e)
	case e.Kind == Correct:
		return n.announce(e, n.correctionNeeded(e), Superseded)
	case e.Kind == Retract:
		return n.announce(e, n.retractionNeeded(e), Withdrawn)
	default:
		return n.say(e)
	}
}

func settle(e *Entry, why Reason) (Step, bool) {
	return Step{Kind: Settle, Entry: e.ID, Reason: why}, true
}

// amend brings a message that exists to show what it should. After an edit that
// was never answered the newest words are put there once more, when it cannot
// arrive any more: it might have undone them.
func (n *planner) amend(e *Entry) (Step, bool) {
	action, after := n.amendment(e)
	there := e.Shows.like(after)
	due := e.Try.NotBefore
	if there {
		due = later(due, later(e.Astray, n.HeadEdit.NotBefore))
	}
	switch {
	case action == "" || there && e.Astray.IsZero() || e.Shows.Message == "" || e.gaveUp(action):
		return Step{}, false
	case n.now.Before(due):
		return n.pass(due)
	}
	step := Step{Kind: Do, Entry: e.ID, Class: Amend, After: after, Op: n.operation(action, e), Confirm: there}
	if action == bots.Edit {
		step.Say = n.message(e, after)
		step.Head = n.headOf(e)
	}
	return step, true
}

// amendment is the action that brings e nearest to what it should show, given
// what the platform can take back.
func (n *planner) amendment(e *Entry) (bots.Action, Shows) {
	removable := n.Limits.Removes(e.Shows.First, n.now)
	switch {
	case e.Should.What == Nothing: // given up
	case e.Should.What == Words && n.Limits.Edit:
		return bots.Edit, Shows{What: Words, Revision: e.Should.Revision}
	case e.Should.What == Tombstone && n.Limits.Edit, e.Should.What == Removed && n.Limits.Edit && !removable:
		return bots.Edit, Shows{What: Tombstone}
	case e.Should.What != Words && removable:
		return bots.Delete, Shows{What: Removed}
	}
	return "", Shows{}
}

// doubtful deals with a post that left and was never answered.
func (n *planner) doubtful(e *Entry) (Step, bool) {
	d := e.Doubt
	overtaken := e.Kind == Correct && n.laterCorrection(e)
	wanted := e.Should.What == Words && !e.GaveUp() && !overtaken
	alone := !n.newer(e, mayShow)
	repeatable := !d.Refused && d.Revision == e.Should.Revision && n.now.Sub(d.Since) < n.Limits.Deduplicates
	var wake time.Time
	switch {
	case wanted && d.Again:
		return n.say(e)
	case overtaken && d.Again:
		return settle(e, Superseded)
	case wanted && alone && repeatable:
		if wake = e.Try.NotBefore; !n.now.Before(wake) {
			return n.repeat(e), true
		}
	case n.CanFind && d.Looked < len(lookAfter):
		wake = later(d.looksFrom().Add(lookAfter[d.Looked]), e.Try.NotBefore)
		if !n.now.Before(wake) {
			return Step{Kind: Find, Entry: e.ID, Class: Amend, Op: n.original(e)}, true
		}
	case n.CanFind && d.Looked != cannotLook: // looked for to the end, and not there
		return n.lost(e, wanted, overtaken, alone)
	case n.CanProbe && !d.Probed:
		wake = later(d.Since.Add(probeAfter), e.Try.NotBefore)
		if !n.now.Before(wake) {
			return Step{Kind: Probe, Entry: e.ID, Class: Amend, Op: n.original(e)}, true
		}
	case wanted && n.Policy.Unsure == "assume":
		return Step{Kind: Assume, Entry: e.ID}, true
	case wanted && alone && n.Policy.Unsure == "resend" && !d.Duplicate:
		return n.say(e)
	}
	return n.bePatient(e, wake)
}

// lost deals with a post that is known not to be there.
func (n *planner) lost(e *Entry, wanted, overtaken, alone bool) (Step, bool) {
	switch {
	case overtaken:
		return settle(e, Superseded)
	case e.Should.What != Words: // retracted meanwhile
		return settle(e, Withdrawn)
	case wanted && alone:
		return n.say(e)
	case wanted && n.newer(e, shows): // it is not news any more
		return Step{Kind: Miss, Entry: e.ID}, true
	}
	return n.bePatient(e, time.Time{})
}

// original is the operation whose outcome is in doubt.
func (n *planner) original(e *Entry) bots.Operation {
	op := n.operation(bots.Post, e)
	op.Text, op.ReplyTo, op.Thread = e.Doubt.Text, e.Doubt.ReplyTo, e.Doubt.Thread
	op.Nonce = cmp.Or(e.Doubt.Nonce, n.nonce(e, e.Doubt.Revision))
	return op
}

// repeat makes the doubtful attempt again, for a platform that recognises it.
func (n *planner) repeat(e *Entry) Step {
	return Step{Kind: Do, Entry: e.ID, Class: Public, Op: n.original(e), After: Shows{What: Words, Revision: e.Doubt.Revision}}
}

// say posts a message that is not there.
func (n *planner) say(e *Entry) (Step, bool) {
	switch {
	case e.GaveUp():
		return Step{}, false
	case n.untranslated(e):
		return Step{}, false
	case n.stale(e):
		return settle(e, Superseded)
	case n.now.Before(e.Try.NotBefore):
		return n.hold(e.Try.NotBefore)
	}
	if step, ok := n.threadFirst(e); ok {
		return step, true
	}
	after := Shows{What: Words, Revision: e.Should.Revision}
	step := Step{Kind: Do, Entry: e.ID, Class: Public, After: after, Op: n.operation(bots.Post, e)}
	step.Say = n.message(e, after)
	step.Head = n.headOf(e)
	return step, true
}

// untranslated reports whether e waits for a translation.
func (n *planner) untranslated(e *Entry) bool {
	if !n.Policy.Hold || e.Kind != Say || e.Should.What != Words {
		return false
	}
	_, ok := n.Incident.Update(e.Update).Revision(e.Should.Revision).Body[n.Channel.Language]
	return !ok
}

// stale reports whether newer words are waiting behind e, which is too old to
// be news. Corrections, retractions, the all clear and what a person asked to
// send again are never stale.
func (n *planner) stale(e *Entry) bool {
	if e.Kind != Say || e.Try.Again > 0 || n.now.Sub(e.Accepted) <= n.Policy.NoStaleNews || n.Incident.Update(e.Update).Status.Ended() {
		return false
	}
	for i := range n.Entries {
		f := &n.Entries[i]
		if f.Kind == Say && f.Update > e.Update && f.Should.What == Words && !f.GaveUp() && !n.untranslated(f) {
			return true
		}
	}
	return false
}

// shows reports whether e's message exists.
func shows(e *Entry) bool { return e.Shows.Exists() }

// mayShow reports whether e's message exists, or is in doubt and was not yet
// looked for to the end.
func mayShow(e *Entry) bool {
	return shows(e) || e.Doubt != nil && e.Doubt.Looked != len(lookAfter)
}

// newer reports whether something that was accepted after e is so.
func (n *planner) newer(e *Entry, so func(*Entry) bool) bool {
	after := false
	for i := range n.Entries {
		f := &n.Entries[i]
		if after && so(f) {
			return true
		}
		after = after || f.ID == e.ID
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
