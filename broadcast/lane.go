package broadcast

import (
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Channel is a place where updates appear.
type Channel struct {
	Name          string
	Account       string // the bot that posts there
	Platform      string // telegram, discord, twitter, wechat
	Target        string // chat or channel id on the platform
	Language      string
	Thread        bool // one thread per incident
	Crosspost     bool // publish to following servers
	Pin           bool // pin the first post
	MentionedOnly bool // only accounts mentioned may reply
	Drill         bool // shows drills, and nothing else
	Audience      bool // the subscribers of the account, who are walked to and have no lanes
}

// A Lane is one incident on one channel: everything that Next needs.
type Lane struct {
	ID       int64
	Version  int64 // changes whenever what should show changes
	Channel  Channel
	Limits   bots.Limits
	Policy   Policy
	Incident incident.Incident
	Entries  []Entry // in the order in which they were accepted
	Thread   Thread
	Pin      Chore
	Head     string // what the first post's head line says; see Lane.head
	HeadEdit Chore
	Closed   []string // ids of messages that could not be answered: they are gone, or nobody may
	Moved    bool     // the platform moved the target in this step
	Frozen   bool
	CanFind  bool // the account's own posts can be read back
	CanProbe bool // a message can be asked whether it is a certain post

	Quiet time.Time // until when the platform asked the account or target for quiet; zero where that is not known
}

// Policy is what the operators decided beforehand.
type Policy struct {
	Unsure      string // of public posts without an answer: ask, assume, resend
	Hold        bool   // wait for a translation instead of showing the original
	EditOnly    bool   // correct by editing alone where that is possible
	Language    string // of texts that have none in the channel's language
	Zone        *time.Location
	Link        func(incident.Ref) string // where the rest of an incident is
	Component   func(id string) string    // a component's name
	NoStaleNews time.Duration             // how far behind a channel may be before only the newest is said
}

// An EntryKind is what a delivery is for.
type EntryKind string

// The kinds of deliveries. Edits are not among them: an edit is a post or a
// correction whose wording should be another than it shows.
const (
	Say     EntryKind = "post"       // an update
	Correct EntryKind = "correction" // a linked post that gives the right wording
	Retract EntryKind = "retraction" // a linked post that withdraws
)

// An Entry is a delivery: one message that should show on one channel.
type Entry struct {
	ID       int64
	Update   int
	Kind     EntryKind
	Revision int // of a correction: the wording that it announces
	Should   Should
	Shows    Shows
	Doubt    *Doubt
	Try      Try
	Cross    Chore // crossposting the message
	Accepted time.Time
	Astray   time.Time // until when an edit that was never answered may arrive and bring older words; zero if there is none
}

// What a message shows, or should.
type What string

// What can show.
const (
	Nothing   What = ""
	Words     What = "words"
	Tombstone What = "tombstone"
	Removed   What = "removed" // was there and is deleted
)

// Should is what a message is to show.
type Should struct {
	What     What
	Revision int    // of Words
	Why      Reason // of Nothing
}

// A Reason says why nothing should show.
type Reason string

// The reasons.
const (
	Superseded Reason = "superseded" // newer words made it pointless
	Withdrawn  Reason = "withdrawn"  // retracted before it was sent
	Skipped    Reason = "skipped"    // a person said so
)

// Shows is what a message does show.
type Shows struct {
	What     What
	Revision int           // of Words
	Message  string        // id on the platform; empty where there is none
	Thread   string        // id of the thread it is in; empty for the channel itself
	URL      string        // public link
	Since    time.Time     // when it began to show this
	First    time.Time     // when it was first posted
	Posted   int           // the revision that was posted first
	Wrong    time.Duration // how long wordings before this one had shown since one was last announced
	Orphan   bool          // a first post that was found after another had taken its place
	Assumed  bool          // by policy or a person's word, not by an answer
}

// Exists reports whether there is a message on the platform.
func (s Shows) Exists() bool { return s.What == Words || s.What == Tombstone }

// like reports whether a message that shows s needs nothing to show after.
func (s Shows) like(after Shows) bool {
	return s.What == after.What && (s.What != Words || s.Revision == after.Revision)
}

// A Doubt is a post that left and was never answered: it may show.
type Doubt struct {
	Revision  int
	Since     time.Time // when the attempt began
	Noted     time.Time // when it was clear that there is no answer, also not to its repetition; or until when a limit forbids asking
	ReplyTo   string
	Thread    string
	Text      string    // exactly as sent, to find or repeat it
	Nonce     string    // as sent: what is decided meanwhile does not change it
	Again     bool      // a person has it sent again, whether it is there or not
	Duplicate bool      // another attempt was refused as a duplicate
	Refused   bool      // repeating it was refused, for its thread or parent is gone: only a search can tell
	Looked    int       // up to which of the times in lookAfter it was looked for in vain
	Unheard   bool      // the last look for it, or its repetition, had no answer
	LookFrom  time.Time // from when these times count, if not from Since
	Probed    bool      // it was tried whether the next messages are it
}

// looksFrom is from when the times count at which the post is looked for.
func (d *Doubt) looksFrom() time.Time { return later(d.Since, d.LookFrom) }

// Try is how the present operation on a message goes.
type Try struct {
	Attempts  int       // requests made for this delivery, ever
	Failures  int       // in a row; paces the next try
	NotBefore time.Time // of the next one
	Fault     *bots.Fault
	Failed    bots.Action // the action that was refused for good; empty while there is hope
	FailedFor Should      // what it was to bring about; something else gets another chance
	Again     int         // how often a person asked to send it again
	Orphaned  int         // parents that could not be answered; after parentTries it is posted without one
}

// A Chore is an operation of the lane beside its messages: opening the
// thread, pinning, crossposting, keeping the head line current. It never
// holds up a message for longer than it takes.
type Chore struct {
	Done      bool
	Given     bool // given up
	Failures  int
	NotBefore time.Time
}

func (c Chore) due(now time.Time) bool { return !c.Done && !c.Given && !now.Before(c.NotBefore) }

// Thread is the lane's thread.
type Thread struct {
	ID string
	Chore
}

// GaveUp reports whether what the message is to show now was refused for good.
func (e *Entry) GaveUp() bool { return e.Try.Failed != "" && e.Try.FailedFor == e.Should }

// gaveUp reports whether the action was refused for what it is to show now.
func (e *Entry) gaveUp(action bots.Action) bool { return e.GaveUp() && e.Try.Failed == action }

// entry returns the entry with the id, or nil.
func (l *Lane) entry(id int64) *Entry {
	for i := range l.Entries {
		if l.Entries[i].ID == id {
			return &l.Entries[i]
		}
	}
	return nil
}

// post returns the entry that posts update n, or nil.
func (l *Lane) post(n int) *Entry {
	for i := range l.Entries {
		if e := &l.Entries[i]; e.Kind == Say && e.Update == n {
			return e
		}
	}
	return nil
}

// root is the message of the incident that has been on the channel for longest,
// to which replies, thread and head line are tied; nil when there is none. An
// older update that was posted later does not take its place, nor does one
// inside a thread that was opened from it, nor one that is only assumed to be
// there: without its id nothing can be tied to it.
func (l *Lane) root() *Entry {
	return l.earliest(func(e *Entry) bool {
		tied := e.Shows.Message != "" || l.Limits.Replies == bots.NoReplies
		return tied && e.Shows.Exists() && !e.Shows.Orphan
	})
}

// oldest is the message that new ones answer where all answer the first: the
// root, unless that turned out to be gone before anybody said so.
func (l *Lane) oldest() *Entry { return l.earliest(l.answerable) }

// earliest is the message in the channel itself that was posted first of those
// that are fit, or nil.
func (l *Lane) earliest(fit func(*Entry) bool) *Entry {
	var first *Entry
	for i := range l.Entries {
		e := &l.Entries[i]
		if e.Kind == Say && fit(e) && !l.inside(e) && (first == nil || e.Shows.First.Before(first.Shows.First)) {
			first = e
		}
	}
	return first
}

// inside reports whether e is where followers of the channel do not see it.
func (l *Lane) inside(e *Entry) bool {
	return l.Limits.Threads == bots.ThreadFromMessage && e.Shows.Thread != ""
}

// announced reports whether a message of its own gave the words that e shows.
func (l *Lane) announced(e *Entry) bool {
	for i := range l.Entries {
		f := &l.Entries[i]
		if f.Kind == Correct && f.Update == e.Update && f.Revision == e.Shows.Revision && f.Shows.Exists() {
			return true
		}
	}
	return false
}

// answerable reports whether a reply to e's message is worth trying.
func (l *Lane) answerable(e *Entry) bool {
	return e.Shows.Exists() && e.Shows.Message != "" && !e.Shows.Orphan && !slices.Contains(l.Closed, e.Shows.Message)
}

// newest is the message that was posted last, still exists and can be
// answered where new ones go, or nil.
func (l *Lane) newest() *Entry {
	var last *Entry
	for i := range l.Entries {
		e := &l.Entries[i]
		if l.answerable(e) && !l.inside(e) && (last == nil || !e.Shows.First.Before(last.Shows.First)) {
			last = e
		}
	}
	return last
}
