package bots

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// A FaultKind answers "what now?" after an operation that did not succeed.
type FaultKind string

// The kinds of faults.
const (
	Temporary    FaultKind = "temporary"    // nothing was done; the same request may work later
	RateLimited  FaultKind = "rate_limited" // nothing was done; not before Until
	Rejected     FaultKind = "rejected"     // nothing was done; the same request will never work
	Gone         FaultKind = "gone"         // Subject no longer exists, or is closed to us
	Moved        FaultKind = "moved"        // the target is now To
	Unauthorized FaultKind = "unauthorized" // the account cannot do this at all: token, permission, money
	Unsure       FaultKind = "unsure"       // the request left; whether it was carried out is unknown
)

// A Subject is the thing a fault is about.
type Subject string

// The subjects. The zero Subject is the operation itself.
const (
	Account Subject = "account" // a limit or refusal of the whole account
	Target  Subject = "target"  // the chat or channel
	Message Subject = "message" // the message to edit, delete, crosspost, pin or open a thread from
	Parent  Subject = "parent"  // the message to reply to: gone, or replying to it is refused
)

// CodeDuplicate is the Code of a Rejected fault with which a platform refuses
// a text because it already has it. It proves that an earlier attempt landed
// only together with that attempt's journal entry.
const CodeDuplicate = "duplicate"

// A Fault is why an operation did not succeed. It never contains a secret.
type Fault struct {
	Kind    FaultKind
	Subject Subject
	Until   time.Time // RateLimited: the earliest time for another try
	To      string    // Moved: the new target
	Code    string    // the platform's own code ("403", "50013", "45009"), or CodeDuplicate
	Detail  string    // the platform's own words, on one line, at most 300 bytes
}

// Error says what happened, in one line.
func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(string(f.Kind), "_", " "))
	if f.Subject != "" {
		fmt.Fprintf(&b, " (%s)", f.Subject)
	}
	if f.Code != "" {
		fmt.Fprintf(&b, " %s", f.Code)
	}
	if f.Detail != "" {
		fmt.Fprintf(&b, ": %s", f.Detail)
	}
	if f.To != "" {
		fmt.Fprintf(&b, ", now %s", f.To)
	}
	if !f.Until.IsZero() {
		fmt.Fprintf(&b, ", not before %s", f.Until.UTC().Format(time.RFC3339))
	}
	return b.String()
}

// AsFault returns the Fault in err's chain. An error without one came from
// our own code before anything was sent, and counts as Rejected.
func AsFault(err error) *Fault {
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Kind: Rejected, Detail: OneLine(err.Error())}
}

// OneLine makes foreign words fit for an error or a log: one line, no control
// characters, at most 300 bytes.
func OneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	s = strings.ToValidUTF8(s, "�")
	const limit = 300
	if len(s) <= limit {
		return s
	}
	s = s[:limit-len("…")]
	return strings.ToValidUTF8(s, "") + "…"
}
