package broadcast

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
)

// profile is a platform and a channel on it.
type profile struct {
	limits  bots.Limits
	channel Channel
	finds   bool
}

func telegram() profile {
	return profile{channel: Channel{Platform: "telegram"}, limits: bots.Limits{
		MaxText: 4096, Measure: utf8.RuneCountInString, Edit: true, Delete: true, DeleteWithin: 48 * time.Hour,
		Replies: bots.ReplyFirst, Threads: bots.ThreadFirst, Pin: true,
	}}
}

func discord() profile {
	return profile{finds: true, channel: Channel{Platform: "discord"}, limits: bots.Limits{
		MaxText: 2000, Measure: utf8.RuneCountInString, Edit: true, Delete: true,
		Replies: bots.ReplyFirst, Threads: bots.ThreadFromMessage, Crosspost: true, Pin: true, Deduplicates: 2 * time.Minute,
	}}
}

func x() profile {
	return profile{finds: true, channel: Channel{Platform: "twitter"}, limits: bots.Limits{
		MaxText: 280, Measure: utf8.RuneCountInString, Delete: true, Replies: bots.ReplyNewest,
	}}
}

func wechat() profile {
	return profile{channel: Channel{Platform: "wechat"}, limits: bots.Limits{MaxText: 2048, Measure: func(s string) int { return len(s) }}}
}

// threaded is the profile with one thread per incident.
func (p profile) threaded() profile {
	p.channel.Thread = true
	return p
}

// platform is one chat on a platform in memory. It is as strict as the real
// ones: what they refuse it refuses.
type platform struct {
	t       testing.TB
	limits  bots.Limits
	target  string // where the chat is; older names of it have moved
	msgs    []*message
	threads map[string]string // id → the message it was opened from
	nonces  map[string]*message
	script  []accident
	hidden  bool // the platform does not find its own messages (yet)
	moves   int
	chaos   func(bots.Action) (accident, bool) // what goes wrong beyond the script; may be nil

	landed func(*message) // called for each new message; may be nil
}

// message is a message as a follower sees it.
type message struct {
	id, text, thread, replyTo string
	at                        time.Time
	deleted, pinned, crossed  bool
}

// accident is what goes wrong with the next request that it matches.
type accident struct {
	action bots.Action // empty is any, and a search
	fault  *bots.Fault
	lands  bool // the request is carried out all the same
}

func newPlatform(t testing.TB, l bots.Limits) *platform {
	return &platform{t: t, limits: l, target: "here", threads: map[string]string{}, nonces: map[string]*message{}}
}

// The accidents.
var (
	lost        = accident{fault: &bots.Fault{Kind: bots.Unsure}}
	unanswered  = accident{fault: &bots.Fault{Kind: bots.Unsure}, lands: true}
	down        = accident{fault: &bots.Fault{Kind: bots.Temporary}}
	refused     = accident{fault: &bots.Fault{Kind: bots.Rejected, Code: "400", Detail: "refused"}}
	forbidden   = accident{fault: &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "401"}}
	noReply     = accident{fault: &bots.Fault{Kind: bots.Gone, Subject: bots.Parent, Code: "403"}}
	nowhere     = accident{fault: &bots.Fault{Kind: bots.Gone, Subject: bots.Target, Code: "404"}}
	noMessage   = accident{fault: &bots.Fault{Kind: bots.Gone, Subject: bots.Message, Code: "404"}}
	anything    = bots.Action("")
	searching   = bots.Action("find")
	unreachable = accident{fault: &bots.Fault{Kind: bots.Temporary}}
)

// fails has the next requests with the action fail, in that order.
func (p *platform) fails(action bots.Action, accidents ...accident) {
	for _, a := range accidents {
		a.action = action
		p.script = append(p.script, a)
	}
}

// slow is a rate limit until t.
func slow(t time.Time) accident {
	return accident{fault: &bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Until: t}}
}

// take returns the accident that is due, if any.
func (p *platform) take(action bots.Action) (accident, bool) {
	for i, a := range p.script {
		if a.action == action || a.action == anything {
			p.script = slices.Delete(p.script, i, i+1)
			return a, true
		}
	}
	if p.chaos != nil {
		return p.chaos(action)
	}
	return accident{}, false
}

func (p *platform) do(op bots.Operation) (bots.Receipt, *bots.Fault) {
	p.t.Helper()
	a, bad := p.take(op.Action)
	if bad && !a.lands {
		return bots.Receipt{}, a.fault
	}
	if op.Target != p.target {
		return bots.Receipt{}, &bots.Fault{Kind: bots.Moved, To: p.target}
	}
	r, f := p.carryOut(op)
	if bad && f == nil {
		return bots.Receipt{}, a.fault
	}
	return r, f
}

func (p *platform) carryOut(op bots.Operation) (bots.Receipt, *bots.Fault) {
	p.t.Helper()
	switch op.Action {
	case bots.Post:
		return p.post(op)
	case bots.OpenThread:
		return p.open(op)
	}
	m := p.message(op.Message)
	if m == nil && op.Action == bots.Delete {
		return bots.Receipt{}, nil // it is gone, as it should be
	}
	if m == nil {
		return bots.Receipt{}, noMessage.fault
	}
	switch {
	case op.Action == bots.Edit && p.limits.Edit:
		p.checkText(op.Text)
		m.text = op.Text
	case op.Action == bots.Delete && p.limits.Delete:
		m.deleted = true
	case op.Action == bots.Pin && p.limits.Pin:
		m.pinned = true
	case op.Action == bots.Crosspost && p.limits.Crosspost:
		m.crossed = true
	default:
		p.t.Fatalf("the platform does not offer %q", op.Action)
	}
	return bots.Receipt{ID: m.id}, nil
}

func (p *platform) post(op bots.Operation) (bots.Receipt, *bots.Fault) {
	p.t.Helper()
	p.checkText(op.Text)
	if m := p.nonces[op.Nonce]; m != nil && time.Since(m.at) < p.limits.Deduplicates {
		return p.receipt(m), nil
	}
	if _, ok := p.threads[op.Thread]; op.Thread != "" && !ok {
		return bots.Receipt{}, nowhere.fault
	}
	if parent := p.message(op.ReplyTo); op.ReplyTo != "" && (parent == nil || parent.thread != op.Thread) {
		return bots.Receipt{}, noReply.fault
	}
	if p.limits.Replies == bots.ReplyNewest && slices.ContainsFunc(p.visible(), func(m *message) bool { return m.text == op.Text }) {
		return bots.Receipt{}, &bots.Fault{Kind: bots.Rejected, Code: bots.CodeDuplicate}
	}
	m := &message{id: strconv.Itoa(len(p.msgs) + 1), text: op.Text, thread: op.Thread, replyTo: op.ReplyTo, at: time.Now()}
	p.msgs = append(p.msgs, m)
	p.nonces[op.Nonce] = m
	if p.landed != nil {
		p.landed(m)
	}
	return p.receipt(m), nil
}

func (p *platform) receipt(m *message) bots.Receipt {
	if p.limits.Replies == bots.NoReplies {
		return bots.Receipt{}
	}
	return bots.Receipt{ID: m.id, URL: "https://example.com/" + m.id}
}

func (p *platform) checkText(s string) {
	p.t.Helper()
	if n := p.limits.Measure(s); n > p.limits.MaxText || n == 0 {
		p.t.Fatalf("a text measures %d of %d: %q", n, p.limits.MaxText, s)
	}
}

func (p *platform) open(op bots.Operation) (bots.Receipt, *bots.Fault) {
	p.t.Helper()
	switch {
	case p.limits.Threads == bots.NoThreads:
		p.t.Fatal("the platform has no threads")
	case p.limits.Threads == bots.ThreadFromMessage && op.Message == "":
		p.t.Fatal("a thread is to be opened from no message")
	case p.limits.Threads == bots.ThreadFromMessage && p.message(op.Message) == nil:
		return bots.Receipt{}, noMessage.fault
	}
	id := fmt.Sprintf("t%d", len(p.threads)+1)
	for have, from := range p.threads {
		if from == op.Message && from != "" {
			id = have
		}
	}
	p.threads[id] = op.Message
	return bots.Receipt{ID: id}, nil
}

// find looks for a post, as the account itself could.
func (p *platform) find(op bots.Operation) Outcome {
	if a, bad := p.take(searching); bad {
		return Outcome{Fault: a.fault}
	}
	for _, m := range p.visible() {
		if !p.hidden && (m.text == op.Text || p.nonces[op.Nonce] == m) {
			return Outcome{Found: true, Receipt: p.receipt(m)}
		}
	}
	return Outcome{}
}

// move gives the chat another id.
func (p *platform) move() {
	p.moves++
	p.target = fmt.Sprintf("there-%d", p.moves)
}

// message returns what has the id and is not deleted, or nil.
func (p *platform) message(id string) *message {
	for _, m := range p.msgs {
		if m.id == id && !m.deleted {
			return m
		}
	}
	return nil
}

func (p *platform) visible() []*message {
	var out []*message
	for _, m := range p.msgs {
		if !m.deleted {
			out = append(out, m)
		}
	}
	return out
}

// String is the form that [world.want] compares.
func (m *message) String() string {
	var b strings.Builder
	b.WriteString(m.id)
	if m.replyTo != "" {
		b.WriteString(" >" + m.replyTo)
	}
	if m.thread != "" {
		b.WriteString(" #" + m.thread)
	}
	if m.pinned {
		b.WriteString(" pinned")
	}
	if m.crossed {
		b.WriteString(" published")
	}
	return b.String() + ": " + strings.Join(strings.Fields(m.text), " ")
}
