package desk

import (
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Stop drops the fence: nothing in its scope is sent any more once the
// command is answered. Any operator may do it.
type Stop struct {
	Scope  string // a channel, an account, a reference; empty is everything
	Reason string
}

// Release lifts the fence. It sends nothing by itself but what it says.
type Release struct {
	Scope   string
	Release string   // newest, all, drop; empty is newest
	Choose  []string // delivery ids to send; the others are dropped
}

func (Stop) verb() string    { return "freeze" }
func (Release) verb() string { return "unfreeze" }

func (c Stop) run(w *work) (Answer, error) {
	scope, err := w.scope(c.Scope)
	if err != nil {
		return Answer{}, err
	}
	if strings.TrimSpace(c.Reason) == "" {
		return Answer{}, refuse(Invalid, "say why: the reason stands beside everything that is held")
	}
	if err := w.Tx.Freeze(scope, c.Reason, w.actor.Name, w.now); err != nil {
		return Answer{}, err
	}
	return Answer{State: "done", Text: fmt.Sprintf("Frozen: %s. Nothing of it is sent until an admin lifts it.", scope)}, nil
}

// scope writes what a person named in the form in which it is stored.
func (w *work) scope(s string) (string, error) {
	if s == "" || s == "all" {
		return "all", nil
	}
	if ref, err := incident.ParseRef(s); err == nil {
		return "incident:" + ref.String(), nil
	}
	for _, ch := range w.Channels {
		switch s {
		case ch.Name, "channel:" + ch.Name:
			return "channel:" + ch.Name, nil
		case ch.Account, "account:" + ch.Account:
			return "account:" + ch.Account, nil
		}
	}
	return "", refuse(Invalid, "%q is no channel, account or incident: the channels are %s; leave it out to freeze everything", s, strings.Join(w.channelNames(), ", "))
}

func (c Release) run(w *work) (Answer, error) {
	if err := w.require(Admin, "lift a freeze"); err != nil {
		return Answer{}, err
	}
	if c.Release == "" {
		c.Release = "newest"
	}
	if len(c.Choose) == 0 && !slices.Contains([]string{"newest", "all", "drop"}, c.Release) {
		return Answer{}, refuse(Invalid, `release is %q: use "newest", "all", "drop" or a list of delivery ids`, c.Release)
	}
	scope, err := w.scope(c.Scope)
	if err != nil {
		return Answer{}, err
	}
	freezes, err := w.Freezes()
	if err != nil {
		return Answer{}, err
	}
	if !slices.ContainsFunc(freezes, func(f Freeze) bool { return f.Scope == scope }) {
		return Answer{}, refuse(Conflict, "%s is not frozen", scope)
	}
	if err := w.Unfreeze(scope); err != nil {
		return Answer{}, err
	}
	open, err := w.HeldLanes(scope)
	if err != nil {
		return Answer{}, err
	}
	for _, l := range open {
		if err := w.release(l, c); err != nil {
			return Answer{}, err
		}
	}
	return Answer{State: "done", Text: fmt.Sprintf("%s is released (%s).", scope, c.Release)}, nil
}

// release decides what of a lane is still sent.
func (w *work) release(l *broadcast.Lane, c Release) error {
	var waiting []*broadcast.Entry
	for k := range l.Entries {
		if e := &l.Entries[k]; e.Kind == broadcast.Say && !e.Shows.Exists() && e.Should.What == broadcast.Words && e.Doubt == nil && e.Try.Failed == "" {
			waiting = append(waiting, e)
		}
	}
	for k, e := range waiting {
		keep := c.Release == "all" || c.Release == "newest" && k == len(waiting)-1
		if len(c.Choose) > 0 {
			keep = slices.Contains(c.Choose, fmt.Sprint(e.ID))
		}
		if !keep {
			e.Should = broadcast.Should{What: broadcast.Nothing, Why: broadcast.Superseded}
			if c.Release == "drop" || len(c.Choose) > 0 {
				e.Should.Why = broadcast.Skipped
			}
		}
		if err := w.Amend(l, e); err != nil {
			return err
		}
	}
	return nil
}
