package audit

import (
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A Report is what the records of one incident say, for people. It has no
// other source. Durations are in seconds.
type Report struct {
	Ref        string     `json:"ref"`
	Facts                 // as they are at the head of the chain
	FirstShown *time.Time `json:"first_shown"` // the first words on any channel
	FirstDelay *float64   `json:"first_post_delay"`
	Updates    []*Update  `json:"updates"`
	Promises   []Promise  `json:"promises"`
	Log        []Event    `json:"log"`
	Erased     int        `json:"erased,omitempty"` // records that are no longer there
}

// An Update is one thing said, and what became of it.
type Update struct {
	Ref        string                             `json:"ref"`
	N          int                                `json:"-"`
	Status     incident.Status                    `json:"status"`
	Impact     incident.Impact                    `json:"impact"`
	Components map[string]incident.ComponentState `json:"components"`
	NextUpdate *time.Time                         `json:"next_update"`
	Template   string                             `json:"template,omitempty"` // of a text that nobody typed
	AcceptedAt *time.Time                         `json:"accepted_at"`
	Author     string                             `json:"author"`
	ApprovedBy []string                           `json:"approved_by"`
	Revisions  []Wording                          `json:"revisions"`
	Retraction *Retraction                        `json:"retraction"`
	FirstShown *time.Time                         `json:"first_shown"`
	FirstDelay *float64                           `json:"first_post_delay"` // from accepted to first shown
	Skew       *float64                           `json:"skew"`             // from the first channel to the last
	Channels   []Delivery                         `json:"channels"`         // in the order of what happened
}

// A Retraction withdraws an update.
type Retraction struct {
	Reason string    `json:"reason"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`
	Delete bool      `json:"delete,omitempty"`
}

// A Delivery is what happened to a message on a channel.
type Delivery struct {
	Record int64     `json:"record"` // the line of the audit
	At     time.Time `json:"at"`     // when it was recorded
	Delivered
	Delay *float64 `json:"delay"` // from accepted to shown
	Sent  *string  `json:"text"`  // exactly as sent; null where it is not kept
}

// shown reports whether the delivery says that a message is there for the
// first time.
func (d *Delivery) shown() bool {
	switch d.State {
	case "sent", "found", "posted", "assumed":
		return d.Action == "post" && !d.SentAt.IsZero()
	}
	return false
}

// A Promise is the time by which the next update was due, and what became of
// that. An update counts from when it was accepted: then the status page has it.
type Promise struct {
	Update string     `json:"update"` // that promised
	Due    time.Time  `json:"due"`
	State  string     `json:"state"` // kept, moved, broken, open
	By     string     `json:"by,omitempty"`
	At     *time.Time `json:"at,omitempty"`   // of the next update
	Late   float64    `json:"late,omitempty"` // of a broken promise; with no next update, up to the head of the chain
}

// An Event is a command: carried out, or refused.
type Event struct {
	Record  int64     `json:"record"`
	At      time.Time `json:"at"`
	Who     string    `json:"who"`
	Via     string    `json:"via"`
	Verb    string    `json:"verb"`
	Subject string    `json:"subject"`
	Note    string    `json:"note,omitempty"` // a reason, a link, or what a refusal said
}
