// Package templates turns what is to be said into the text of one message on
// one platform in one language, and makes it fit.
//
// The words live in text/template blocks: embedded in the program and, block
// by block, overridable by a directory of the user's own. Everything a reader
// relies on is put there by code and cannot be lost by a template: the last
// line with reference and time, the mark of a drill, and the limit, which the
// result satisfies whatever the operators wrote. Operators' texts are data and
// are never parsed.
//
// The package does no I/O after [Load] and never asks for the time.
package templates

import (
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A Form is the part that a message plays in an incident.
type Form string

// The forms.
const (
	First      Form = "first"      // first post of an incident in a place: carries title and head line
	Update     Form = "update"     // a later post, in the thread where there is one
	Correction Form = "correction" // linked post: an earlier text was wrong, this is the right one
	Retraction Form = "retraction" // new post: an earlier one is withdrawn
	Tombstone  Form = "tombstone"  // replaces the text of a retracted message in place
)

// Forms lists all forms.
var Forms = []Form{First, Update, Correction, Retraction, Tombstone}

// A Message is what one message says, before it is put into words. Only Ref
// and At are needed by every form; what is zero is not mentioned.
type Message struct {
	Form      Form
	Ref       string // INC-12/3, also where the message stands for the whole incident
	Kind      incident.Kind
	Drill     bool
	Title     string
	Status    incident.Status
	WasStatus incident.Status // status before; Update names the status only when it changed
	Impact    incident.Impact
	WasImpact incident.Impact // impact before, where the change is news
	Body      string          // text in this language, or in Original; not shown in a Retraction or Tombstone
	Original  string          // language tag of Body where there was no translation
	At        time.Time       // when it was said
	Zone      *time.Location  // the site's zone; nil is UTC
	Link      string          // where the rest is

	Components []string  // names, where they are news
	NextUpdate time.Time // the promise
	WasNext    time.Time // the promise before, if this one changes it
	Begin, End time.Time // maintenance window
	Missed     int       // earlier updates that are not shown in this place
	Revision   int       // from 2 on the text is marked as edited; leave it 0 where no other was ever shown
	Corrects   string    // reference of what is corrected or retracted, and after a space its link, if any
	Reason     string    // why it is retracted: the text of a Retraction or Tombstone
	Head       Head
}

// A Head is the state of the whole incident, kept current in the first line
// of its first post where the platform can edit.
type Head struct {
	Status  incident.Status
	At      time.Time // when it came to that status
	Updates int       // how many were published
}

// A Space is the room that a platform gives a text.
type Space struct {
	Max     int
	Measure func(string) int
}

// A Text is a message that fits.
type Text struct {
	String string
	Cut    bool // not the whole body is shown: at most its first paragraph
	Words  bool // the cut is within the first paragraph
}

// drillMark is the first line of every message of a drill, in any language.
const drillMark = "DRILL / 演练"

// footer is the last line of a message. It is code, not a template, so that
// every message can be checked against what was published.
func footer(m *Message) string {
	return m.Ref + " · " + m.At.UTC().Format("15:04") + " UTC"
}
