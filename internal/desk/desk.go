// Package desk is the one place where a command of any origin (chat, HTTP,
// shell) is allowed or refused, carried out and answered. Each verb is one
// small file. A command's effect, its audit record and the key under which it
// may be repeated are committed in one transaction; only then is it answered.
package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Role is what an operator may do. Each role may do what those before it may.
type Role string

// The roles.
const (
	Author    Role = "author"    // drafts
	Reviewer  Role = "reviewer"  // approves
	Publisher Role = "publisher" // publishes
	Admin     Role = "admin"     // lifts freezes, publishes alone in need
)

var roles = []Role{Author, Reviewer, Publisher, Admin}

func (r Role) atLeast(other Role) bool {
	rank := map[Role]int{}
	for i, v := range roles {
		rank[v] = i + 1
	}
	return rank[r] >= rank[other]
}

// An Actor is the operator behind a command.
type Actor struct {
	Name   string
	Role   Role
	Origin string // http, telegram, discord, demo
	Drill  bool   // speaks from a room for drills: everything is a drill

	// Previews makes a draft of everything that would be published, because
	// it was typed where a preview can be shown and a thumb can slip.
	Previews bool
	SaidAt   time.Time // when it was typed, where that may be long ago
}

// A Command is something an operator wants. Its fields are its arguments.
type Command interface {
	verb() string
	run(w *work) (Answer, error)
}

// An Answer is what became of a command.
type Answer struct {
	State    string             // published, draft, done
	Ref      string             // of the incident
	Update   int                // number of the update that was published or changed
	Incident *incident.Incident // as it is now, where the command was about one
	Draft    *Draft             // when other people have to agree first
	Delivery string             // id, where the command was about one
	Text     string             // one line for people
	Warnings []string           // what the operator should know about what was said
	Held     []string           // channels on which a freeze holds it
}

// A Refusal is a command that was not carried out. Nothing was changed.
type Refusal struct {
	Kind RefusalKind
	Text string // what is wrong and what to do, for people

	Since  string // what was published since it was written, for people, where that alone is the Conflict
	Newest int    // number of the newest update, there
	Ask    Ask    // what a room can offer to choose from
}

// A RefusalKind says why.
type RefusalKind int

// The kinds of refusals.
const (
	Invalid   RefusalKind = iota // the command cannot be understood or is not allowed to anybody
	Forbidden                    // not allowed to this operator
	NotFound
	Conflict // it does not fit what is there now
)

func (r *Refusal) Error() string { return r.Text }

func refuse(kind RefusalKind, format string, args ...any) error {
	return &Refusal{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// AsRefusal returns the Refusal in err's chain, if there is one.
func AsRefusal(err error) (*Refusal, bool) { return errors.AsType[*Refusal](err) }

// ErrNotFound is what a Tx returns for something that is not there.
var ErrNotFound = errors.New("not found")

// ErrUnknown is what a Store returns when a change may be stored now, or be so
// later. Made again with its key it has one effect.
var ErrUnknown = errors.New("it is not known whether this was stored")

// Store keeps what the desk decides.
type Store interface {
	// Change runs fn in one write transaction and stores the answer under
	// key, unless key is empty. If key is known, fn does not run and the
	// stored answer is returned.
	Change(ctx context.Context, key string, fn func(Tx) ([]byte, error)) ([]byte, error)
}

// Tx is one write transaction. What it reads is what holds.
type Tx interface {
	Incident(ref incident.Ref) (*incident.Incident, error)
	Unresolved() ([]*incident.Incident, error)
	// Create stores a new incident and gives it the next number.
	Create(i *incident.Incident) error
	// Keep stores the incident's present state, where nothing was said.
	Keep(i *incident.Incident) error
	// Save stores the incident's present state and its newest update.
	Save(i *incident.Incident) error
	// Revise stores the newest revision of update n, and the incident's state.
	Revise(i *incident.Incident, n int) error
	// Retract stores the retraction of update n, and the incident's state.
	Retract(i *incident.Incident, n int) error

	// Lanes loads the lanes of an incident.
	Lanes(ref incident.Ref) ([]*broadcast.Lane, error)
	// Deliver adds an entry to the incident's lane on a channel, which it
	// opens if need be, and sets the entry's id.
	Deliver(ref incident.Ref, ch broadcast.Channel, e *broadcast.Entry) error
	// Announce makes an update known to an audience.
	Announce(ref incident.Ref, audience broadcast.Channel, update int) error
	// Audiences lists where the audiences of an incident stand.
	Audiences(ref incident.Ref) ([]broadcast.Delivery, error)
	// AudienceOf is the incident that a delivery to an audience is about.
	AudienceOf(delivery string) (incident.Ref, error)
	// TellAgain has those told once more whom a delivery to an audience did
	// not surely reach. It returns how many they are, or ErrOvertaken.
	TellAgain(delivery string) (people int, err error)
	// LeaveBe settles that they are not.
	LeaveBe(delivery string) (people int, err error)
	// Change stores an entry that the desk changed. It returns ErrSending
	// while an attempt on it is under way and what is known of it changes.
	Change(lane *broadcast.Lane, e *broadcast.Entry) error
	// Amend stores what entries should show, whatever is under way.
	Amend(lane *broadcast.Lane, e *broadcast.Entry) error
	// LaneOf loads the lane that has the entry.
	LaneOf(entry int64) (*broadcast.Lane, error)
	// MessageOf names the update (INC-12/3) whose message on a channel has
	// the id; it is empty where none is known to.
	MessageOf(channel, message string) (string, error)

	Freeze(scope, reason, by string, at time.Time) error
	Unfreeze(scope string) error
	// HeldNews lists what audiences in the scope of a freeze are not told because
	// of one.
	HeldNews(scope string) ([]HeldNews, error)
	// DropNews has audiences told nothing of what a freeze held.
	DropNews(news []HeldNews) error
	Freezes() ([]Freeze, error)
	// HeldLanes loads the lanes in the scope of a freeze that have something to do.
	HeldLanes(scope string) ([]*broadcast.Lane, error)

	AddDraft(d *Draft) error
	Draft(number int) (*Draft, error)
	SaveDraft(d *Draft) error

	// Hear stores how far a chat has been read, and the event while it has no
	// answer.
	Hear(h Heard) error
	// Ask stores a question and sets its id. An event that is heard once more
	// raises the same question.
	Ask(q *Question) error
	// Settle records which event answered a question. It reports false when
	// another did before.
	Settle(question int64, by string) (first bool, err error)

	// Write stores a letter.
	Write(l Letter) error
	// Showing lists the accounts with messages that show a draft, and those with
	// letters about it.
	Showing(draft string) (accounts []string, err error)
	// Once reports whether a thing is told for the first time under a name, or
	// was something else before, and remembers it.
	Once(name, what string) (first bool, err error)

	Audit(r Record) error
	// Touched lists the lanes that this transaction gave something to do, by
	// account. An account with a letter alone has none.
	Touched() map[string][]int64
}

// ErrSending is returned for an entry with an attempt under way.
var ErrSending = errors.New("it is being sent at this moment; try again when it has an answer")

// ErrOvertaken is returned for news that is not to be told any more.
var ErrOvertaken = errors.New("newer words were said, or these were withdrawn")

// A Freeze keeps everything in its scope from being sent.
type Freeze struct {
	Scope  string // all, channel:NAME, account:NAME, incident:REF
	Reason string
	By     string
	At     time.Time
}

// HeldNews is what an audience is not told of an incident because of a freeze.
type HeldNews struct {
	Walk       int64
	Channel    string
	Deliveries []broadcast.Delivery // in the order in which they were said; none where it is only what was found wrong
}

// A Record is what one line of the audit says.
type Record = audit.Record

// An AuditLine is one line of the audit with the hash that covers it and all
// lines before it.
type AuditLine struct {
	ID     int64
	Record Record
	Hash   string
}

// Config is what the desk needs to know.
type Config struct {
	Store      Store
	Reader     Reader
	Render     func(i *incident.Incident, channels []broadcast.Channel, lanes []*broadcast.Lane) ([]broadcast.Preview, error)
	Operators  []Operator
	Channels   []broadcast.Channel
	Components map[string]string // names by id
	Languages  []string
	Language   string         // of texts that name none
	Zone       *time.Location // in which people type times
	Hosts      []string       // that links in texts may lead to; empty allows all
	Approvals  map[string]int // by impact or kind
	Words      Words
	Approved   map[string]string // SHA-256 by name of the approved templates; the others are switched off
	Next       map[incident.Impact]time.Duration
	Retraction string        // tombstone or delete
	Escalate   time.Duration // after which an admin may publish a draft alone; 0 is 3 minutes
	Wake       func(lanes map[string][]int64)
	Obeyed     func()                                                                      // after a freeze is committed; returns when nothing is begun any more elsewhere that it stops
	Changed    func(ref string)                                                            // after a change is committed; without blocking
	Crowd      func(ctx context.Context, audience string, ref incident.Ref) (Crowd, error) // of an incident, without a number before it is opened; nil where nobody knows
	Counted    func(origin, verb, outcome string)                                          // after each command; outcome is its answer's state, refused or failed
}

// Desk takes commands. It is safe for use by many goroutines.
type Desk struct{ Config }

// New returns a desk.
func New(c Config) *Desk {
	if c.Escalate == 0 {
		c.Escalate = 3 * time.Minute
	}
	if c.Wake == nil {
		c.Wake = func(map[string][]int64) {}
	}
	if c.Obeyed == nil {
		c.Obeyed = func() {}
	}
	if c.Changed == nil {
		c.Changed = func(string) {}
	}
	if c.Counted == nil {
		c.Counted = func(string, string, string) {}
	}
	return &Desk{Config: c}
}

// work is one command being carried out.
type work struct {
	*Desk
	Tx
	actor    Actor
	now      time.Time
	approved []string // who agreed to the draft that is being published
	author   string   // of that draft; otherwise the actor
	warnings []string // of the words that it says
	against  []string // what speaks against the all clear that it says
}

// Do carries out a command. key names it for repetition: the same key has one
// effect and one answer. An error that is a *[Refusal] is for the operator's
// eyes; any other means that nothing is known to be stored.
func (d *Desk) Do(ctx context.Context, actor Actor, key string, cmd Command) (Answer, error) {
	return d.do(ctx, actor, key, cmd, nil)
}

// An outcome is what is stored of a command under its key. Refusals are only
// stored for commands that were heard in a chat, where the same key is the same
// words; over HTTP a refused command may be mended and sent again.
type outcome struct {
	Answer
	Refused *Refusal `json:",omitempty"`
}

// do carries out a command that was heard, or not, in a chat. What was heard is
// stored with the command's effect or refusal.
func (d *Desk) do(ctx context.Context, actor Actor, key string, cmd Command, from *hearing) (Answer, error) {
	answer, err := d.carryOut(ctx, actor, key, cmd, from)
	became := answer.State
	if _, refused := AsRefusal(err); refused {
		became = "refused"
	} else if err != nil {
		became = "failed"
	}
	d.Counted(actor.Origin, cmd.verb(), became)
	return answer, err
}

func (d *Desk) carryOut(ctx context.Context, actor Actor, key string, cmd Command, from *hearing) (Answer, error) {
	var touched map[string][]int64
	var seen about
	fresh := false
	stored, err := d.Store.Change(ctx, key, func(tx Tx) ([]byte, error) {
		fresh, seen = true, about{Tx: tx}
		w := &work{Desk: d, Tx: &seen, actor: actor, author: actor.Name, now: time.Now().UTC().Truncate(time.Microsecond)}
		if err := from.settle(tx); err != nil {
			return nil, err
		}
		answer, err := d.attempt(w, cmd)
		if err != nil {
			return nil, err
		}
		if err := from.write(tx, answer); err != nil {
			return nil, err
		}
		touched = tx.Touched()
		return outcome{Answer: answer}.stored(from.hear(tx))
	})
	if refused, ok := errors.AsType[*Refusal](err); ok {
		return Answer{}, errors.Join(err, d.recordRefusal(ctx, actor, key, cmd, seen, refused, from))
	}
	if err == nil && !fresh { // a repetition, which may have come another way
		err = d.heardAgain(ctx, from)
	}
	if err != nil {
		return Answer{}, err
	}
	var was outcome
	if err := json.Unmarshal(stored, &was); err != nil {
		return Answer{}, fmt.Errorf("stored answer of %q: %w", key, err)
	}
	if was.Refused != nil {
		return Answer{}, was.Refused
	}
	d.Wake(touched)
	if _, stops := cmd.(Stop); stops { // a repetition is answered no earlier than the first
		d.Obeyed()
	}
	if was.Ref != "" {
		d.Changed(was.Ref)
	}
	return was.Answer, nil
}

func (o outcome) stored(err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(o)
}

// attempt runs the command and audits it.
func (d *Desk) attempt(w *work, cmd Command) (Answer, error) {
	if err := w.checkAge(cmd); err != nil {
		return Answer{}, err
	}
	answer, err := cmd.run(w)
	if err != nil {
		return Answer{}, err
	}
	detail, err := json.Marshal(cmd)
	if err != nil {
		return Answer{}, err
	}
	answer.Warnings = append(append(answer.Warnings, w.warnings...), w.against...)
	subject := answer.Ref
	if answer.Update != 0 {
		subject = fmt.Sprintf("%s/%d", answer.Ref, answer.Update)
	}
	r := Record{At: w.now, Actor: w.actor.Name, Origin: w.actor.Origin, Verb: cmd.verb(), Subject: subject, Detail: string(detail), Incident: answer.Ref}
	return answer, w.Audit(r)
}

// checkAge refuses what was said too long ago, unless it becomes a draft first,
// where somebody still looks at it.
func (w *work) checkAge(cmd Command) error {
	age := w.now.Sub(w.actor.SaidAt)
	if w.actor.SaidAt.IsZero() || age <= late || drafts(cmd) {
		return nil
	}
	return refuse(Conflict, "this came %s late, so it was not carried out: repeat it if you still mean it", roughly(age))
}

// recordRefusal keeps the refusal on record. The refused command changed
// nothing, so this is a transaction of its own.
func (d *Desk) recordRefusal(ctx context.Context, actor Actor, key string, cmd Command, seen about, r *Refusal, from *hearing) error {
	if from == nil {
		key = ""
	}
	_, err := d.Store.Change(ctx, key, func(tx Tx) ([]byte, error) {
		seen.Tx = tx
		err := seen.Audit(Record{At: time.Now().UTC().Truncate(time.Microsecond), Actor: actor.Name, Origin: actor.Origin, Verb: cmd.verb(), Subject: audit.Refused, Detail: r.Text})
		if err != nil {
			return nil, err
		}
		return outcome{Refused: r}.stored(from.hear(tx))
	})
	return err
}

// require refuses operators below a role.
func (w *work) require(role Role, what string) error {
	if !w.actor.Role.atLeast(role) {
		article := "a"
		if role == Author || role == Admin {
			article = "an"
		}
		return refuse(Forbidden, "%s may not %s: ask %s %s", w.actor.Name, what, article, role)
	}
	return nil
}

// incidentOf loads an incident or says that there is none. A room for drills
// reaches only drills.
func (w *work) incidentOf(ref string) (*incident.Incident, error) {
	r, err := incident.ParseRef(ref)
	if err != nil {
		return nil, refuse(Invalid, "%s", err)
	}
	i, err := w.Incident(r)
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(NotFound, "there is no %s: see what is open with show", r)
	}
	if err != nil {
		return nil, err
	}
	return i, w.mayTouch(i)
}

// mayTouch keeps commands from rooms for drills off what is none.
func (w *work) mayTouch(i *incident.Incident) error {
	if w.actor.Drill && !i.Drill {
		return refuse(Forbidden, "%s is no drill: speak of it in a room that is not for drills", i.Ref)
	}
	return nil
}

// updateOf loads the incident and finds the update that a reference names.
func (w *work) updateOf(ref string) (*incident.Incident, *incident.Update, error) {
	r, n, err := incident.ParseUpdateRef(ref)
	if err != nil && strings.TrimSpace(ref) == "" {
		return nil, nil, unclear(WhichUpdate, "%s", err)
	}
	if err != nil {
		return nil, nil, refuse(Invalid, "%s", err)
	}
	i, err := w.incidentOf(r.String())
	if err != nil {
		return nil, nil, err
	}
	if n == 0 {
		return nil, nil, unclear(WhichUpdate, "%s names no update: write %s/%d, for example", r, r, max(len(i.Updates), 1))
	}
	u := i.Update(n)
	if u == nil {
		return nil, nil, refuse(NotFound, "%s has no update %d: the newest is %s/%d", r, n, r, len(i.Updates))
	}
	return i, u, nil
}
