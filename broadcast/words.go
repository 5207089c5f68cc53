package broadcast

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// operation addresses an action on e's message: where it goes or lives, and
// what it answers.
func (n *planner) operation(action bots.Action, e *Entry) bots.Operation {
	op := bots.Operation{Action: action, Target: n.Channel.Target}
	if action != bots.Post {
		op.Message, op.Thread = e.Shows.Message, e.Shows.Thread
		return op
	}
	op.MentionedOnly = n.Channel.MentionedOnly
	op.Nonce = n.nonce(e, e.Should.Revision)
	switch {
	case n.Limits.Threads == bots.ThreadFirst:
		op.Thread = n.Thread.ID
	case n.Thread.ID != "" && !n.inChannel(e):
		op.Thread = n.Thread.ID
		return op // inside the thread nothing needs a reply
	}
	op.ReplyTo = n.parent(e)
	return op
}

// parent is the message that e answers when it is posted. Where those at one end
// of the thread are gone, the last one that is tried is that at the other.
func (n *planner) parent(e *Entry) string {
	first := n.Limits.Replies == bots.ReplyFirst
	if e.Try.Orphaned == parentTries-1 {
		first = !first
	}
	var parent *Entry
	switch {
	case n.Limits.Replies == bots.NoReplies, e.Try.Orphaned >= parentTries:
	case first:
		parent = n.oldest()
	default:
		parent = n.Lane.newest()
	}
	if parent == nil {
		return ""
	}
	return parent.Shows.Message
}

// inChannel reports whether e goes to the channel itself, because followers
// do not see inside the thread: first posts, what got worse, what was wrong,
// and the end.
func (n *planner) inChannel(e *Entry) bool {
	if n.Limits.Threads != bots.ThreadFromMessage || e.Kind != Say || n.isFirst(e) {
		return true
	}
	return n.Incident.Raised(e.Update) || n.Incident.Update(e.Update).Status.Ended()
}

// isFirst reports whether e is, or would become, the first post of its
// incident on the channel.
func (n *planner) isFirst(e *Entry) bool {
	root := n.root()
	return e.Kind == Say && (root == nil || root.ID == e.ID)
}

// nonce names one wording of one delivery for the platform, the same however
// often it is attempted, until a person asks for it to be sent again.
func (n *planner) nonce(e *Entry, revision int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d %s %s %d %d %d %d",
		n.Incident.Ref, e.Update, n.Channel.Name, e.Kind, e.ID, revision, e.Try.Again, e.Accepted.UnixNano()))
	return base64.RawURLEncoding.EncodeToString(sum[:])[:25]
}

// message is what e says when it shows after.
func (n *planner) message(e *Entry, after Shows) *templates.Message {
	i := &n.Incident
	u := i.Update(e.Update)
	revision := max(after.Revision, 1)
	if after.What == Tombstone {
		revision = len(u.Revisions)
	}
	rev := u.Revision(revision)
	m := &templates.Message{
		Form: n.form(e, after), Ref: fmt.Sprintf("%s/%d", i.Ref, u.N), Kind: i.Kind, Drill: i.Drill,
		Title: rev.Title, Status: u.Status, Impact: u.Impact, At: u.PublishedAt, Zone: n.Policy.Zone,
		NextUpdate: u.NextUpdate, Begin: i.Begin, End: i.End, Link: n.Policy.Link(i.Ref),
	}
	n.compare(m, u)
	switch { // what generated words say is not said twice
	case revision > 1 || m.Form != templates.Update:
	case u.Template == incident.ScopePhrase:
		m.WasImpact, m.Components = "", nil
	case u.Template == incident.MovedPhrase:
		m.NextUpdate = time.Time{}
	}
	if e.Shows.Exists() && e.Shows.Posted < revision {
		m.Revision = revision // another wording was read here
	}
	var in string
	m.Body, in = rev.Body.In(n.Channel.Language, n.Policy.Language)
	if in != n.Channel.Language {
		m.Original = in
	}
	if e.Kind != Say {
		m.Corrects = m.Ref
		m.At = rev.At
	}
	if u.Retraction != nil && (e.Kind == Retract || after.What == Tombstone) {
		m.Reason, m.At = u.Retraction.Reason, u.Retraction.At
		m.Body, m.Original, m.Components, m.NextUpdate = "", "", nil, time.Time{}
	}
	if e.Kind == Say {
		m.Missed = n.missed(e)
		if n.Limits.Edit { // elsewhere a head line could not be kept true
			m.Head = n.headline()
		}
	}
	if m.Form == templates.First && m.Head.At.After(u.PublishedAt) {
		m.NextUpdate = time.Time{} // newer updates have kept or changed it
	}
	return m
}

// form is which text a message needs.
func (n *planner) form(e *Entry, after Shows) templates.Form {
	switch {
	case after.What == Tombstone:
		return templates.Tombstone
	case e.Kind == Correct:
		return templates.Correction
	case e.Kind == Retract:
		return templates.Retraction
	case n.isFirst(e):
		return templates.First
	default:
		return templates.Update
	}
}

// compare adds what is news in u beside the update before it that was said
// here. To who reads a first post all is new, and nothing was otherwise.
func (n *planner) compare(m *templates.Message, u *incident.Update) {
	before := n.before(u.N)
	if before == nil || m.Form == templates.First {
		m.Components = n.components(u)
	}
	if before == nil || m.Form == templates.First {
		return
	}
	m.WasStatus = before.Status
	if before.Impact != u.Impact {
		m.WasImpact = before.Impact
	}
	if !maps.Equal(before.Components, u.Components) {
		m.Components = n.components(u)
	}
}

// before is the last update before another that stands and was not left out
// here, or nil.
func (n *planner) before(update int) *incident.Update {
	for k := update - 1; k > 0; k-- {
		u, e := n.Incident.Update(k), n.post(k)
		leftOut := e != nil && e.Should.What == Nothing && !e.Shows.Exists()
		if u.Retraction == nil && !leftOut {
			return u
		}
	}
	return nil
}

// missed counts the updates that were dropped since this channel last showed
// something, because newer ones made them pointless.
func (n *planner) missed(e *Entry) int {
	count := 0
	for i := range n.Entries {
		f := &n.Entries[i]
		if f.ID == e.ID {
			break
		}
		switch {
		case f.Kind != Say:
		case f.Shows.Exists():
			count = 0
		case f.Should.Why == Superseded:
			count++
		}
	}
	return count
}

// components are the names of what u says is affected, in a steady order.
func (n *planner) components(u *incident.Update) []string {
	ids := make([]string, 0, len(u.Components))
	for id, state := range u.Components {
		if state != incident.Operational {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	for k, id := range ids {
		ids[k] = n.Policy.Component(id)
	}
	return ids
}

// headline is what the head line of a first post says now.
func (n *planner) headline() templates.Head {
	i := &n.Incident
	for k := len(i.Updates); k > 0; k-- {
		if u := i.Update(k); u.Retraction == nil {
			return templates.Head{Status: u.Status, At: u.PublishedAt, Updates: i.Visible()}
		}
	}
	return templates.Head{}
}

// head identifies what the head line should say, and on which message.
func (n *planner) head(e *Entry) string {
	h := n.headline()
	return fmt.Sprintf("%s %d %d %d", h.Status, h.At.Unix(), h.Updates, e.ID)
}

// headOf is what the head line says once e has been posted or edited: nothing
// new unless e is the first post.
func (n *planner) headOf(e *Entry) string {
	if n.isFirst(e) {
		return n.head(e)
	}
	return ""
}
