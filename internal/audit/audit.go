// Package audit is the record that cannot be changed unnoticed: a chain of
// lines, one for each command, refusal, publication and delivery, and signed
// exports of it that anybody can check.
//
// A line of the chain is the digest of a record, and the hash of a line covers
// the hash before it and that digest. So a record can be erased, because it
// holds personal data, and the chain still holds; and an export of one incident
// proves its place in the whole by the digests of all other records, of which
// it shows nothing: a random salt in each record keeps its digest from being
// guessed.
//
// An export has nothing but records, the texts whose digests they name, and a
// report that is derived from these. Verifying derives the report again, so
// that what people read is what the records say.
package audit

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A Record is what one line of the audit says.
type Record struct {
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"`
	Origin   string    `json:"origin"`
	Verb     string    `json:"verb"`
	Subject  string    `json:"subject"` // what it is about: INC-12/3, D-17, or refused
	Detail   string    `json:"detail"`  // JSON, or the text of a refusal
	Incident string    `json:"incident,omitempty"`
	Draft    string    `json:"draft,omitempty"`
}

// Refused is the subject of a command that was refused.
const Refused = "refused"

// The verbs of records that are no commands: what became of commands. Their
// actor is [Self], but for who said something.
const (
	VerbSaid      = "said"      // an update was published; the detail is a Said
	VerbReworded  = "reworded"  // it got another wording; a Reworded
	VerbWithdrawn = "withdrawn" // it was retracted; a Withdrawn
	VerbDelivery  = "delivery"  // a channel showed something, or will not; a Delivered
	VerbRechained = "rechained" // an older form of the chain was taken over; a Rechained
)

// Self is the actor of what the server does by itself.
const Self = "allclear"

// Facts are what an incident is after something was said.
type Facts struct {
	Kind       incident.Kind                      `json:"kind"`
	Drill      bool                               `json:"drill,omitempty"`
	Title      string                             `json:"title"`
	Impact     incident.Impact                    `json:"impact"`
	Status     incident.Status                    `json:"status"`
	Components map[string]incident.ComponentState `json:"components"`
	CreatedAt  time.Time                          `json:"created_at"`
	ResolvedAt time.Time                          `json:"resolved_at,omitzero"`
	Begin      time.Time                          `json:"scheduled_for,omitzero"`
	End        time.Time                          `json:"scheduled_until,omitzero"`
}

// Wording is one revision of an update.
type Wording struct {
	Revision int           `json:"revision"`
	Title    string        `json:"title"`
	Text     incident.Text `json:"text"` // by language
	Author   string        `json:"author"`
	At       time.Time     `json:"at"`
	Typo     bool          `json:"typo,omitempty"`
}

// Said is the detail of an update.
type Said struct {
	Facts      Facts                              `json:"facts"`
	Update     int                                `json:"update"`
	Status     incident.Status                    `json:"status"`
	Impact     incident.Impact                    `json:"impact"`
	Components map[string]incident.ComponentState `json:"components"`
	NextUpdate time.Time                          `json:"next_update,omitzero"` // the promise
	Template   string                             `json:"template,omitempty"`   // of a text that nobody typed
	ApprovedBy []string                           `json:"approved_by"`
	Wording    Wording                            `json:"wording"`
}

// Reworded is the detail of a correction.
type Reworded struct {
	Facts   Facts   `json:"facts"`
	Update  int     `json:"update"`
	Wording Wording `json:"wording"`
}

// Withdrawn is the detail of a retraction.
type Withdrawn struct {
	Facts  Facts     `json:"facts"`
	Update int       `json:"update"`
	Reason string    `json:"reason"`
	Author string    `json:"author"`
	At     time.Time `json:"at"`
	Delete bool      `json:"delete,omitempty"` // the text itself was to go
}

// Delivered is the detail of what became of a message on a channel.
type Delivered struct {
	Update     int       `json:"update"`
	Channel    string    `json:"channel"`
	Platform   string    `json:"platform,omitempty"`
	Delivery   string    `json:"delivery"` // its id
	Kind       string    `json:"kind"`     // of the message: post, correction, retraction
	Action     string    `json:"action"`   // post, edit, tombstone, delete, head
	State      string    `json:"state"`    // sent, found, posted, assumed, gone, unsure, failed, superseded, withdrawn, skipped
	Revision   int       `json:"revision,omitempty"`
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
	SentAt     time.Time `json:"sent_at,omitzero"` // when it began to show
	Message    string    `json:"message,omitempty"`
	URL        string    `json:"url,omitempty"`
	Error      string    `json:"error,omitempty"`
	Text       *Hash     `json:"text_sha256,omitempty"` // of the text exactly as sent
}

// Rechained is the detail of the line that follows lines taken over from a
// chain over records: hash = SHA-256(hash before in hex, record).
type Rechained struct {
	Lines  int64  `json:"lines"`
	Head   string `json:"head"`             // of that chain
	Broken int64  `json:"broken,omitempty"` // the first line that did not follow from those before it
}

// A Hash is a SHA-256. As text it is 64 small hexadecimal digits. The zero
// Hash stands before the first line.
type Hash [sha256.Size]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("%.80q is no SHA-256 in hexadecimal digits", text)
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("%q is no SHA-256: %w", text, err)
	}
	return nil
}

// Digest is the SHA-256 of a record or of a text as sent.
func Digest(text string) Hash { return sha256.Sum256([]byte(text)) }

// Link is the hash of a line: SHA-256(hash of the line before, digest).
func Link(before, digest Hash) Hash {
	return sha256.Sum256(append(before[:], digest[:]...))
}

// sealed is a record in the form in which it is kept.
type sealed struct {
	Record
	Salt string `json:"salt"`
}

// Seal writes a record in the form in which it is kept, and its digest. What
// the parts of a record hold always encodes.
func Seal(r Record) (text string, digest Hash, err error) {
	b, err := json.Marshal(sealed{r, rand.Text()})
	return string(b), Digest(string(b)), err
}
