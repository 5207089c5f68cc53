package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Draft is text that wants to become an update and needs other people's
// consent, or was written by somebody who may not publish.
type Draft struct {
	Number     int
	Verb       string
	Command    json.RawMessage
	Ref        string // of the incident; empty when it would open one
	Author     string
	AuthorRole Role
	Base       string // the newest update when it was written
	Digest     string // SHA-256 over the command and its base
	Needs      int    // people besides the author who must agree
	Approvals  []string
	State      string   // open, published, rejected
	Warnings   []string // of how it came about
	Wording    []string // what to warn of in its words
	Drill      bool
	Near       string // an incident with a shared component that was opened just before this one
	Reason     string // of a rejection
	CreatedAt  time.Time
}

// ID is the form in which people see it: D-17.
func (d *Draft) ID() string { return fmt.Sprintf("D-%d", d.Number) }

// draftFirst makes a draft of a command that its author may not, or not
// alone, publish. It returns false when the command may go ahead.
func (w *work) draftFirst(c Command, i *incident.Incident, s incident.Saying) (Answer, bool, error) {
	if w.approved != nil {
		return Answer{}, false, nil // a draft that is being published
	}
	needs := w.needs(i, s)
	alone := i.Drill || needs == 0 && w.actor.Role.atLeast(Publisher)
	if alone && !w.actor.Previews {
		return Answer{}, false, nil
	}
	d := &Draft{Author: w.actor.Name, AuthorRole: w.actor.Role, Needs: needs, State: "open", CreatedAt: w.now, Drill: i.Drill}
	if len(i.Updates) > 0 {
		d.Ref, d.Base = i.Ref.String(), fmt.Sprintf("%s/%d", i.Ref, len(i.Updates))
	} else if near, err := w.near(s.Components); err != nil {
		return Answer{}, false, err
	} else if near != nil {
		d.Near = near.Ref.String()
		d.Warnings = append(d.Warnings, fmt.Sprintf("%s was opened %s ago for the same: %s", near.Ref, roughly(w.now.Sub(near.CreatedAt)), near.Title))
	}
	if age := w.now.Sub(w.actor.SaidAt); !w.actor.SaidAt.IsZero() && age > late {
		d.Warnings = append(d.Warnings, fmt.Sprintf("typed %s ago, at %s UTC: is it still true?", roughly(age), w.actor.SaidAt.UTC().Format("15:04")))
	}
	d.Wording = w.warnings
	if err := w.hold(d, c); err != nil {
		return Answer{}, false, err
	}
	if err := w.AddDraft(d); err != nil {
		return Answer{}, false, err
	}
	return Answer{State: "draft", Draft: d, Text: fmt.Sprintf("%s waits for %s.", d.ID(), d.waitsFor())}, true, nil
}

// needs is how many people besides the author must agree before s is said of i.
func (w *work) needs(i *incident.Incident, s incident.Saying) int {
	impact := i.Impact
	if s.Impact.Worse(impact) {
		impact = s.Impact
	}
	if i.Drill || w.approvedNow(i, s) {
		return 0
	}
	return max(w.Approvals[string(i.Kind)], w.Approvals[string(impact)])
}

// hold puts a command into the draft with the digest of what would be
// published: a new one voids the approvals and the buttons of the one before.
func (w *work) hold(d *Draft, c Command) error {
	command, err := json.Marshal(c)
	if err != nil {
		return err
	}
	d.Verb, d.Command = c.verb(), command
	wrong, err := w.revisionOf(c)
	if err != nil {
		return err
	}
	content, err := json.Marshal(struct {
		Command   json.RawMessage
		Wrong     int `json:",omitempty"`
		Base      string
		Templates string
		Languages []string
		Channels  []string
	}{command, wrong, d.Base, w.Words.Version(), w.Languages, w.destinations(d, c)})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(content)
	if digest := hex.EncodeToString(sum[:]); digest != d.Digest {
		d.Digest, d.Approvals = digest, nil
	}
	return nil
}

// revisionOf is the revision that a correction was written for: after another
// correction of the same words it is to be read again.
func (w *work) revisionOf(c Command) (int, error) {
	fix, ok := c.(Correct)
	if !ok {
		return 0, nil
	}
	_, u, err := w.updateOf(fix.Ref)
	if err != nil {
		return 0, err
	}
	return len(u.Revisions), nil
}

// destinations are the channels that a draft is for, with what decides how they
// put it.
func (w *work) destinations(d *Draft, c Command) (out []string) {
	var only, not []string
	switch c := c.(type) {
	case Open:
		only, not = c.Only, c.Not
	case Update:
		only, not = c.Only, c.Not
	}
	for _, ch := range broadcast.PlanPost(w.Channels, &incident.Incident{Drill: d.Drill}, only, not) {
		out = append(out, strings.Join([]string{ch.Name, ch.Account, ch.Platform, ch.Target, ch.Language}, " "))
	}
	return out
}

// refresh brings a draft in line with what holds now: the change of scope that
// waits, texts and channels, and how many people must agree. It reports whether
// something else would be published than was read.
func (w *work) refresh(d *Draft, cmd Command) (changed bool, err error) {
	on, said := &incident.Incident{Kind: incident.Outage, Drill: d.Drill, Impact: incident.ImpactNone}, incident.Saying{}
	switch c := cmd.(type) {
	case Open:
		on.Kind, said = c.Kind, c.Saying
	case Update:
		if on, err = w.incidentOf(d.Ref); err != nil {
			return false, err
		}
		if err := w.compose(&c, on); err != nil {
			return false, err
		}
		cmd, said = c, c.Says()
	case Correct:
		on, _, err = w.updateOf(c.Ref)
	}
	if err != nil {
		return false, err
	}
	d.Needs = w.needs(on, said)
	was := d.Digest
	err = w.hold(d, cmd)
	return d.Digest != was, err
}

// mark is the part of the digest that fits under a button.
func (d *Draft) mark() string { return d.Digest[:12] }

// Times that rooms are careful about.
const (
	late     = 2 * time.Minute  // older words are not published without another look
	together = 15 * time.Minute // two incidents within this, with a shared component, are probably one
)

// near is an incident that was opened just now with one of the components.
func (w *work) near(components map[string]incident.ComponentState) (*incident.Incident, error) {
	open, err := w.Unresolved()
	if err != nil {
		return nil, err
	}
	for _, i := range open {
		if i.Kind != incident.Outage || i.Drill != w.actor.Drill || w.now.Sub(i.CreatedAt) > together {
			continue
		}
		for id := range components {
			if _, shared := i.Components[id]; shared {
				return i, nil
			}
		}
	}
	return nil, nil
}

func (d *Draft) waitsFor() string {
	if missing := d.Needs - len(d.Approvals); missing > 0 {
		return fmt.Sprintf("%d more to agree", missing)
	}
	return "a publisher"
}

// Publish agrees to a draft and, when nobody else is needed, publishes it.
type Publish struct {
	Draft  string // D-17
	Digest string // what the operator has read, or its beginning; empty is not checked
	Anyway bool   // although something was published since it was written
	Seen   int    // with Anyway, the number of the newest update that the operator has read; 0 is not checked
	Reason string // of an admin who publishes alone
}

// Reject ends a draft.
type Reject struct {
	Draft  string
	Digest string // as of Publish
	Reason string
}

func (Publish) verb() string { return "publish" }
func (Reject) verb() string  { return "reject" }

func (c Publish) run(w *work) (Answer, error) {
	if err := w.require(Reviewer, "agree to drafts"); err != nil {
		return Answer{}, err
	}
	d, err := w.draft(c.Draft, c.Digest)
	if err != nil {
		return Answer{}, err
	}
	cmd, err := d.command()
	if err != nil {
		return Answer{}, err
	}
	if changed, err := w.refresh(d, cmd); err != nil {
		return Answer{}, err
	} else if changed {
		return Answer{State: "draft", Draft: d, Ref: d.Ref, Text: d.ID() + " would say something else than when it was read: read it again."}, w.SaveDraft(d)
	}
	if w.actor.Name != d.Author && !slices.Contains(d.Approvals, w.actor.Name) {
		d.Approvals = append(d.Approvals, w.actor.Name)
	}
	agreed := len(d.Approvals) >= d.Needs
	if left := d.CreatedAt.Add(w.Escalate).Sub(w.now); !agreed && w.actor.Role == Admin && c.Reason != "" && left > 0 {
		return Answer{}, refuse(Forbidden, "%s may still find somebody to agree: an admin may publish it alone in %s", d.ID(), left.Round(time.Second))
	}
	alone := !agreed && w.actor.Role == Admin && strings.TrimSpace(c.Reason) != ""
	mayPublish := w.actor.Role.atLeast(Publisher) || d.AuthorRole.atLeast(Publisher)
	if !alone && (!agreed || !mayPublish) {
		if err := w.SaveDraft(d); err != nil {
			return Answer{}, err
		}
		return Answer{State: "draft", Draft: d, Ref: d.Ref, Text: fmt.Sprintf("%s waits for %s.", d.ID(), d.waitsFor())}, nil
	}
	w.author, w.approved = d.Author, append([]string{}, d.Approvals...)
	if alone {
		w.approved = append(w.approved, fmt.Sprintf("%s, alone: %s", w.actor.Name, c.Reason))
	}
	return w.publish(d, c)
}

// publish carries out the command behind a draft.
func (w *work) publish(d *Draft, c Publish) (Answer, error) {
	if d.Ref != "" {
		i, err := w.incidentOf(d.Ref)
		if err != nil {
			return Answer{}, err
		}
		known := d.Base
		if c.Anyway {
			known = c.known(d)
		}
		if err := w.checkAfter(i, known); err != nil {
			return Answer{}, err
		}
	}
	cmd, err := d.command()
	if err != nil {
		return Answer{}, err
	}
	if u, ok := cmd.(Update); ok && c.Anyway {
		u.After = ""
		cmd = u
	}
	answer, err := cmd.run(w)
	if err != nil {
		return Answer{}, err
	}
	d.State = "published"
	return answer, w.SaveDraft(d)
}

// known is the newest update that who publishes anyway has read; empty is not
// checked.
func (c Publish) known(d *Draft) string {
	if c.Seen == 0 {
		return ""
	}
	return fmt.Sprintf("%s/%d", d.Ref, c.Seen)
}

func (d *Draft) command() (Command, error) {
	switch d.Verb {
	case Open{}.verb():
		return decode[Open](d.Command)
	case Update{}.verb():
		return decode[Update](d.Command)
	case Correct{}.verb():
		return decode[Correct](d.Command)
	}
	return nil, fmt.Errorf("%s holds an unknown command %q", d.ID(), d.Verb)
}

func decode[C Command](b []byte) (Command, error) {
	var c C
	err := json.Unmarshal(b, &c)
	return c, err
}

func (c Reject) run(w *work) (Answer, error) {
	d, err := w.draft(c.Draft, c.Digest)
	if err != nil {
		return Answer{}, err
	}
	if w.actor.Name != d.Author {
		if err := w.require(Reviewer, "reject others' drafts"); err != nil {
			return Answer{}, err
		}
	}
	d.State, d.Reason = "rejected", c.Reason
	return Answer{State: "done", Draft: d, Ref: d.Ref, Text: d.ID() + " is rejected."}, w.SaveDraft(d)
}

// draft loads a draft that is still open. What was drafted in a room for drills
// is decided there, and nothing else is.
//
// A digest, or its beginning, must be that of the words as they are now, so
// that a button under older words does nothing.
func (w *work) draft(id, digest string) (*Draft, error) {
	number, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(id), "D"), "-"))
	if id == "" {
		return nil, unclear(WhichDraft, "say which draft: write it like D-17")
	}
	if err != nil {
		return nil, refuse(Invalid, "%q is no draft: write it like D-17", id)
	}
	d, err := w.Draft(number)
	if errors.Is(err, ErrNotFound) {
		return nil, refuse(NotFound, "there is no draft %s", strings.ToUpper(id))
	}
	if err != nil {
		return nil, err
	}
	if w.actor.Drill && !d.Drill {
		return nil, refuse(Forbidden, "%s is no drill: decide on it in a room that is not for drills", d.ID())
	}
	if w.actor.Previews && d.Drill && !w.actor.Drill {
		return nil, refuse(Forbidden, "%s is a drill: decide on it in its own room", d.ID())
	}
	if d.State != "open" {
		return nil, refuse(Conflict, "%s is %s already", d.ID(), d.State)
	}
	if !strings.HasPrefix(d.Digest, digest) {
		return nil, refuse(Conflict, "%s has changed since you read it: read it again", d.ID())
	}
	return d, nil
}
