package broadcast

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// threadFirst opens the incident's thread where e is to go into it.
func (n *planner) threadFirst(e *Entry) (Step, bool) {
	root := n.root()
	before := n.Limits.Threads == bots.ThreadFirst && root == nil
	inside := n.Limits.Threads == bots.ThreadFromMessage && root != nil && root.Shows.Message != "" && !n.inChannel(e)
	if !n.Channel.Thread || n.Thread.Done || n.Thread.Given || !before && !inside {
		return Step{}, false
	}
	if n.now.Before(n.Thread.NotBefore) {
		return n.hold(n.Thread.NotBefore)
	}
	return n.openThread(), true
}

func (n *planner) openThread() Step {
	step := Step{Kind: Do, Chore: OpenThread, Class: Tidy, Op: bots.Operation{
		Action: bots.OpenThread, Target: n.Channel.Target, Title: n.Incident.Ref.String() + " " + n.Incident.Title,
	}}
	if root := n.root(); root != nil && n.Limits.Threads == bots.ThreadFromMessage {
		step.Entry, step.Op.Message = root.ID, root.Shows.Message
	}
	return step
}

// chores are what remains when every message is as it should be.
func (n *planner) chores() (Step, bool) {
	root := n.root()
	if root == nil || root.Shows.Message == "" {
		return Step{}, false
	}
	if n.Channel.Thread && n.Limits.Threads == bots.ThreadFromMessage {
		if n.Thread.due(n.now) {
			return n.openThread(), true
		}
		n.chore(n.Thread.Chore)
	}
	if n.Channel.Pin && n.Limits.Pin {
		if n.Pin.due(n.now) {
			return Step{Kind: Do, Chore: PinFirst, Entry: root.ID, Class: Tidy, Op: n.operation(bots.Pin, root)}, true
		}
		n.chore(n.Pin)
	}
	if step, ok := n.crossposts(); ok {
		return step, true
	}
	return n.keepHead(root)
}

// chore has the lane looked at again when c comes due.
func (n *planner) chore(c Chore) {
	if !c.Done && !c.Given {
		n.pass(c.NotBefore)
	}
}

func (n *planner) crossposts() (Step, bool) {
	if !n.Channel.Crosspost || !n.Limits.Crosspost {
		return Step{}, false
	}
	for i := range n.Entries {
		e := &n.Entries[i]
		if e.Shows.What != Words || e.Shows.Thread != "" || e.Shows.Message == "" || !showsAsItShould(e) {
			continue
		}
		if e.Cross.due(n.now) {
			return Step{Kind: Do, Chore: Crosspost, Entry: e.ID, Class: Tidy, Op: n.operation(bots.Crosspost, e)}, true
		}
		n.chore(e.Cross)
	}
	return Step{}, false
}

// keepHead edits the first post when its head line is no longer true. One that
// waits for other words gets its head line with them.
func (n *planner) keepHead(root *Entry) (Step, bool) {
	retracted := n.Incident.Update(root.Update).Retraction != nil
	waits := root.Should.What != Nothing && !showsAsItShould(root)
	if !n.Limits.Edit || root.Shows.What != Words || retracted || waits || root.gaveUp(bots.Edit) || n.head(root) == n.Head {
		return Step{}, false
	}
	if due := later(later(n.HeadEdit.NotBefore, root.Try.NotBefore), n.lastPosted().Add(calm)); n.HeadEdit.Given || n.now.Before(due) {
		if !n.HeadEdit.Given {
			n.pass(due)
		}
		return Step{}, false
	}
	step := Step{Kind: Do, Chore: KeepHead, Entry: root.ID, Class: Tidy, Head: n.head(root), Op: n.operation(bots.Edit, root)}
	step.Say = n.message(root, root.Shows)
	return step, true
}

// lastPosted is when a message was last posted on the channel.
func (n *planner) lastPosted() (t time.Time) {
	for i := range n.Entries {
		t = later(t, n.Entries[i].Shows.First)
	}
	return t
}
