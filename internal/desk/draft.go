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
	State      string // open, published, rejected
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
	impact := i.Impact
	if s.Impact.Worse(impact) {
		impact = s.Impact
	}
	needs := max(w.Approvals[string(i.Kind)], w.Approvals[string(impact)])
	if i.Drill || needs == 0 && w.actor.Role.atLeast(Publisher) {
		return Answer{}, false, nil
	}
	command, err := json.Marshal(c)
	if err != nil {
		return Answer{}, false, err
	}
	d := &Draft{Verb: c.verb(), Command: command, Author: w.actor.Name, AuthorRole: w.actor.Role, Needs: needs, State: "open", CreatedAt: w.now}
	if len(i.Updates) > 0 {
		d.Ref, d.Base = i.Ref.String(), fmt.Sprintf("%s/%d", i.Ref, len(i.Updates))
	}
	sum := sha256.Sum256(append(command, d.Base...))
	d.Digest = hex.EncodeToString(sum[:])
	if err := w.AddDraft(d); err != nil {
		return Answer{}, false, err
	}
	return Answer{State: "draft", Draft: d, Text: fmt.Sprintf("%s waits for %s.", d.ID(), d.waitsFor())}, true, nil
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
	Digest string // what the operator has read; empty is not checked
	Reason string // of an admin who publishes alone
}

// Reject ends a draft.
type Reject struct {
	Draft  string
	Reason string
}

func (Publish) verb() string { return "publish" }
func (Reject) verb() string  { return "reject" }

func (c Publish) run(w *work) (Answer, error) {
	if err := w.require(Reviewer, "agree to drafts"); err != nil {
		return Answer{}, err
	}
	d, err := w.draft(c.Draft)
	if err != nil {
		return Answer{}, err
	}
	if c.Digest != "" && c.Digest != d.Digest {
		return Answer{}, refuse(Conflict, "%s has changed since you read it: read it again", d.ID())
	}
	if w.actor.Name != d.Author && !slices.Contains(d.Approvals, w.actor.Name) {
		d.Approvals = append(d.Approvals, w.actor.Name)
	}
	agreed := len(d.Approvals) >= d.Needs
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
	return w.publish(d)
}

// publish carries out the command behind a draft.
func (w *work) publish(d *Draft) (Answer, error) {
	if d.Ref != "" {
		i, err := w.incidentOf(d.Ref)
		if err != nil {
			return Answer{}, err
		}
		if err := checkAfter(i, d.Base); err != nil {
			return Answer{}, err
		}
	}
	cmd, err := d.command()
	if err != nil {
		return Answer{}, err
	}
	answer, err := cmd.run(w)
	if err != nil {
		return Answer{}, err
	}
	d.State = "published"
	return answer, w.SaveDraft(d)
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
	d, err := w.draft(c.Draft)
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

// draft loads a draft that is still open. Drills need no drafts, so a room for
// drills has none.
func (w *work) draft(id string) (*Draft, error) {
	if w.actor.Drill {
		return nil, refuse(Forbidden, "%s is no drill: decide on it in a room that is not for drills", strings.ToUpper(id))
	}
	number, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(id), "D"), "-"))
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
	if d.State != "open" {
		return nil, refuse(Conflict, "%s is %s already", d.ID(), d.State)
	}
	return d, nil
}
