package broadcast

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Retry paces after failures that did nothing, by failures in a row.
var paces = []time.Duration{time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second}

const (
	slowestPace = time.Minute // after the paces above
	giveUp      = 24 * 60     // failures in a row, a day at that pace, after which an operation counts as failed
	cannotLook  = 1 << 10     // Doubt.Looked when reading back failed again and again: a person decides
	lookTries   = 8           // failures in a row, that of the post among them, after which it is not looked for any more
	parentTries = 3           // messages that one post tries to answer before it stands alone
	choreTries  = 3           // after which a chore is given up
	straying    = time.Minute // after which an edit that was never answered does not arrive any more
)

func pace(failures int) time.Duration {
	if failures > len(paces) {
		return slowestPace
	}
	return paces[max(failures, 1)-1]
}

// notBefore is when a rate-limited operation may be tried again: in a while
// where the platform named no time, or one that has passed.
func notBefore(f *bots.Fault, now time.Time) time.Time {
	if f.Until.After(now) {
		return soonEnough(f.Until, now)
	}
	return now.Add(pace(1))
}

// longestQuiet is how long a platform may have us be quiet. One that names a
// later time has slipped, or is asked again once more.
const longestQuiet = 7 * 24 * time.Hour

func soonEnough(t, now time.Time) time.Time {
	if latest := now.Add(longestQuiet); t.After(latest) {
		return latest
	}
	return t
}

// An Outcome is what became of a step: a receipt, or a fault.
type Outcome struct {
	Receipt bots.Receipt
	Fault   *bots.Fault // nil on success
	Found   bool        // of Find and Probe: the post is there
	Looked  bool        // of Probe: it could be told which ids the post may have
	Began   time.Time   // when the attempt was journalled; zero if it never was
	Text    string      // exactly as sent
}

// Apply changes the lane to what holds after a step. It is pure, and the only
// place that says what a receipt or a fault means for a delivery.
func Apply(l *Lane, step Step, out Outcome, now time.Time) {
	e := l.entry(step.Entry)
	switch step.Kind {
	case Settle:
		e.Should = Should{What: Nothing, Why: step.Reason}
	case Assume:
		l.shown(e, Shows{What: Words, Revision: e.Doubt.Revision, Thread: e.Doubt.Thread, Assumed: true}, e.Doubt.Since)
	case Miss:
		e.miss()
	case Find:
		l.looked(e, out, now)
	case Probe:
		l.probed(e, out, now)
	case Do:
		switch {
		case step.Chore != NoChore:
			l.didChore(e, step, out, now)
		case out.Fault == nil:
			e.Try.Attempts++
			l.did(e, step, out, now)
		default:
			if !out.Began.IsZero() {
				e.Try.Attempts++
			}
			l.failed(e, step, out, now)
		}
	}
}

// did records a successful operation on e's message.
func (l *Lane) did(e *Entry, step Step, out Outcome, now time.Time) {
	after := step.After
	switch step.Op.Action {
	case bots.Post:
		after.Message, after.URL, after.Thread = out.Receipt.ID, out.Receipt.URL, step.Op.Thread
		l.shown(e, after, now)
	case bots.Edit:
		if !now.Before(e.Astray) {
			e.Astray = time.Time{}
		}
		if step.Confirm {
			break
		}
		after.Message, after.URL, after.Thread = e.Shows.Message, e.Shows.URL, e.Shows.Thread
		after.First, after.Posted, after.Since = e.Shows.First, e.Shows.Posted, now
		after.Wrong, after.Orphan = now.Sub(e.Shows.Since), e.Shows.Orphan
		if !l.announced(e) {
			after.Wrong += e.Shows.Wrong // readers of the words before that were told nothing
		}
		e.Shows = after
	case bots.Delete:
		e.Shows.What, e.Shows.Wrong, e.Shows.Since = Removed, now.Sub(e.Shows.Since), now
	}
	if step.Head != "" {
		l.Head = step.Head
	}
	e.Try = Try{Attempts: e.Try.Attempts, Again: e.Try.Again, Orphaned: e.Try.Orphaned}
}

// shown records that e's message is there since at.
func (l *Lane) shown(e *Entry, s Shows, at time.Time) {
	s.Since, s.First, s.Posted = at, at, s.Revision
	e.Shows, e.Doubt = s, nil
}

// failed records an operation on e's message that did not succeed.
func (l *Lane) failed(e *Entry, step Step, out Outcome, now time.Time) {
	f, action := out.Fault, step.Op.Action
	e.Try.Fault = f
	retry := func() { e.Try.Failures++; e.Try.NotBefore = now.Add(pace(e.Try.Failures)) }
	switch {
	case f.Kind == bots.RateLimited:
		e.Try.NotBefore = notBefore(f, now)
		e.hushed(f)
	case f.Kind == bots.Moved:
		l.Channel.Target, l.Moved = f.To, true
		retry() // a chat that moves in circles is not followed at full speed
	case f.Kind == bots.Unsure && action == bots.Post:
		if d := e.Doubt; d == nil || d.Again || d.Revision != step.After.Revision || d.Looked == len(lookAfter) {
			e.Doubt = &Doubt{Revision: step.After.Revision, Since: out.Began, Noted: now, ReplyTo: step.Op.ReplyTo, Thread: step.Op.Thread, Text: out.Text, Nonce: step.Op.Nonce}
			e.Try.Failures = 0 // it is looked for soon, however often sending it had failed
			retry()
			break
		}
		retry()
		l.repeated(e, out.Began, now)
	case (f.Kind == bots.Unsure || f.Kind == bots.Temporary) && e.Try.Failures < giveUp:
		e.stray(step, f, now)
		retry()
		l.unheard(e, now)
	case f.Kind == bots.Gone && f.Subject == bots.Parent && action == bots.Post && step.Op.ReplyTo != "":
		l.Closed = append(l.Closed, step.Op.ReplyTo)
		e.Try.Orphaned++
		e.Doubt.refuse()
	case f.Kind == bots.Gone && (f.Subject == bots.Parent || f.Subject == bots.Target) && action == bots.Post && step.Op.Thread != "":
		l.Thread = Thread{Chore: Chore{Given: true}}
		e.Doubt.refuse()
	case f.Kind == bots.Gone && f.Subject == bots.Message && e.Shows.Exists():
		e.Shows.What, e.Shows.Wrong, e.Shows.Since = Removed, now.Sub(e.Shows.Since), now // somebody deleted it
	case f.Code == bots.CodeDuplicate && e.Doubt != nil:
		l.refusedAsDuplicate(e, now)
	default:
		e.Try.Failed, e.Try.FailedFor = action, e.Should
		if e.Doubt != nil && e.Doubt.Looked == len(lookAfter) { // it was not there, and is not taken now
			e.Doubt = nil
		}
	}
}

// stray records that an edit may still arrive.
func (e *Entry) stray(step Step, f *bots.Fault, now time.Time) {
	if f.Kind == bots.Unsure && step.Op.Action == bots.Edit {
		e.Astray = now.Add(straying)
	}
}

// refuse records that the doubtful attempt cannot be repeated as it was.
func (d *Doubt) refuse() {
	if d != nil {
		d.Refused = true
	}
}

// miss gives up a post that is not there and comes too late to be sent again.
func (e *Entry) miss() {
	e.Doubt = nil
	e.Try.Failed, e.Try.FailedFor, e.Try.Fault = bots.Post, e.Should, missing
}

// missing is the fault of a delivery that left, did not arrive and was overtaken.
var missing = &bots.Fault{Kind: bots.Rejected, Detail: "it was lost on the way, which was found out only after newer words had been posted: send it again or skip it"}

// refusedAsDuplicate: the platform says that it has the text of a doubtful
// post. That proves a landing only with a read-back, so it is looked for anew;
// if it is not there even then, a person decides.
func (l *Lane) refusedAsDuplicate(e *Entry, now time.Time) {
	e.Doubt.Duplicate, e.Doubt.Again, e.Doubt.Looked, e.Doubt.LookFrom = true, false, 0, now
}

// looked records a search for a doubtful post.
func (l *Lane) looked(e *Entry, out Outcome, now time.Time) {
	switch {
	case out.Fault != nil && out.Fault.Kind == bots.RateLimited:
		e.Try.NotBefore = notBefore(out.Fault, now)
		e.hushed(out.Fault)
	case out.Fault != nil:
		l.couldNotLook(e, out.Fault, now)
	case out.Found:
		l.Landed(e, out.Receipt.ID, out.Receipt.URL)
	default:
		e.Doubt.lookedInVain(now)
		e.Try.Failures = 0
	}
}

// couldNotLook has a search made again, until it failed too often. One that is
// refused says no more when it is made again within a minute.
func (l *Lane) couldNotLook(e *Entry, f *bots.Fault, now time.Time) {
	e.Try.Failures++
	e.Try.NotBefore = now.Add(pace(e.Try.Failures))
	e.Doubt.Unheard = f.Kind == bots.Temporary || f.Kind == bots.Unsure
	if again := l.hurry(e, now); !again && e.Try.Failures >= lookTries {
		e.Doubt.Looked = cannotLook
	}
}

// lookedInVain: a look counts for all times that have passed. Where the
// platform says that it has the text, not finding it proves nothing: X shows a post
// when the server that is asked knows of it ("eventually consistent", says its
// engineering blog on Manhattan). It is looked for until a thread does not wait for
// it any more. Without that word of the platform a post that was not found is sent
// again at once: most were lost, and one that was not is refused as a duplicate.
func (d *Doubt) lookedInVain(now time.Time) {
	d.Unheard = false
	d.Looked++
	for d.Looked < len(lookAfter) && now.Sub(d.looksFrom()) >= lookAfter[d.Looked] {
		d.Looked++
	}
	last := len(lookAfter) - 1
	switch {
	case d.Looked <= last || !d.Duplicate:
	case now.Before(d.Since.Add(longest - hurried)):
		d.Looked, d.LookFrom = last, now.Add(hurried-lookAfter[last])
	default:
		d.Looked = cannotLook
	}
}

// Landed records that the doubtful post is there after all: it was found, or a
// person says so. A first post whose place another has taken meanwhile is an
// orphan.
func (l *Lane) Landed(e *Entry, message, url string) {
	s := Shows{What: Words, Revision: e.Doubt.Revision, Message: message, URL: url, Thread: e.Doubt.Thread}
	n := planner{Lane: l}
	s.Orphan = e.Doubt.ReplyTo == "" && e.Doubt.Thread == "" && n.newer(e, shows)
	l.shown(e, s, e.Doubt.Since)
	e.Try = Try{Attempts: e.Try.Attempts, Again: e.Try.Again}
}

// didChore records a chore. One that fails for good is given up and shows in
// nothing but the lane; the messages stand.
func (l *Lane) didChore(e *Entry, step Step, out Outcome, now time.Time) {
	c := l.choreOf(e, step.Chore)
	f := out.Fault
	switch {
	case f == nil:
		*c = Chore{Done: true}
	case f.Kind == bots.RateLimited:
		c.NotBefore = notBefore(f, now)
		return
	case f.Kind == bots.Moved:
		l.Channel.Target, l.Moved = f.To, true
		c.NotBefore = now.Add(pace(1))
		return
	case f.Kind == bots.Gone && f.Subject == bots.Message && e != nil:
		e.Shows.What = Removed
		return
	case f.Kind == bots.Temporary, f.Kind == bots.Unsure && step.Op.Action.Repeatable(),
		f.Kind == bots.Unsure && step.Op.Message != "": // a thread from a message is there or is made, never twice
		e.stray(step, f, now)
		c.Failures++
		c.NotBefore = now.Add(pace(c.Failures))
		c.Given = c.Failures >= choreTries && step.Chore == OpenThread
		return
	default:
		c.Given = true
		return
	}
	switch step.Chore {
	case OpenThread:
		l.Thread.ID = out.Receipt.ID
	case KeepHead:
		l.Head = step.Head
		*c = Chore{}
	}
}

func (l *Lane) choreOf(e *Entry, kind ChoreKind) *Chore {
	switch kind {
	case OpenThread:
		return &l.Thread.Chore
	case PinFirst:
		return &l.Pin
	case KeepHead:
		return &l.HeadEdit
	default:
		return &e.Cross
	}
}
