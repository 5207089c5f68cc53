package desk

import (
	"errors"
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
	Release string   // newest, all, drop; empty only while nothing is held
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

// Covers reports whether it is of everything, or of a channel or its account.
func (f Freeze) Covers(ch broadcast.Channel) bool {
	return f.Scope == "all" || f.Scope == "channel:"+ch.Name || f.Scope == "account:"+ch.Account
}

// heldOn lists on which of some channels freezes hold what is said about an incident.
func heldOn(channels []broadcast.Channel, ref incident.Ref, freezes []Freeze) (names []string) {
	for _, ch := range channels {
		if slices.ContainsFunc(freezes, func(f Freeze) bool { return f.Covers(ch) || f.Scope == "incident:"+ref.String() }) {
			names = append(names, ch.Name)
		}
	}
	return names
}

// untilLifted says what that means.
func untilLifted(names []string) string {
	return "frozen, so held until an admin lifts it: " + strings.Join(names, ", ")
}

// reached lists the channels and audiences to which an update went, or is to go.
func (w *work) reached(ref incident.Ref, update int) ([]broadcast.Channel, error) {
	lanes, err := w.Lanes(ref)
	if err != nil {
		return nil, err
	}
	all, err := w.Audiences(ref)
	for _, l := range lanes {
		all = append(all, l.Deliveries(nil)...)
	}
	return reachedBy(all, w.Channels, ref, update), err
}

// reachedBy are the channels on which one of some deliveries is that of an update.
func reachedBy(all []broadcast.Delivery, channels []broadcast.Channel, ref incident.Ref, update int) (out []broadcast.Channel) {
	name := fmt.Sprintf("%s/%d", ref, update)
	for _, ch := range channels {
		if slices.ContainsFunc(all, func(d broadcast.Delivery) bool { return d.Channel == ch.Name && d.Update == name }) {
			out = append(out, ch)
		}
	}
	return out
}

// scope writes what a person named in the form in which it is stored.
func (w *work) scope(s string) (string, error) {
	if s == "" || s == "all" {
		return "all", nil
	}
	if ref, err := incident.ParseRef(strings.TrimPrefix(s, "incident:")); err == nil {
		if _, err := w.Incident(ref); errors.Is(err, ErrNotFound) {
			return "", refuse(NotFound, "there is no %s: leave it out to mean everything", ref)
		} else if err != nil {
			return "", err
		}
		return "incident:" + ref.String(), nil
	}
	for _, ch := range w.Channels {
		for _, scope := range []string{"channel:" + ch.Name, "account:" + ch.Account} {
			_, name, _ := strings.Cut(scope, ":")
			if strings.EqualFold(s, name) || strings.EqualFold(s, scope) {
				return scope, nil
			}
		}
	}
	return "", refuse(Invalid, "%q is no channel, account or incident: the channels are %s; leave it out to mean everything", s, strings.Join(w.channelNames(), ", "))
}

func (c Release) run(w *work) (Answer, error) {
	if err := w.require(Admin, "lift a freeze"); err != nil {
		return Answer{}, err
	}
	if len(c.Choose) == 0 && c.Release != "" && !slices.Contains([]string{"newest", "all", "drop"}, c.Release) {
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
	held, err := w.holding(scope)
	if err != nil {
		return Answer{}, err
	}
	if err := c.askRelease(w, held); err != nil {
		return Answer{}, err
	}
	if c.Release == "" {
		c.Release = "newest"
	}
	if err := w.Unfreeze(scope); err != nil {
		return Answer{}, err
	}
	if err := c.checkChoice(held); err != nil {
		return Answer{}, err
	}
	for _, l := range held.lanes {
		if err := w.release(l, c); err != nil {
			return Answer{}, err
		}
	}
	if err := w.DropNews(c.dropped(held.news)); err != nil {
		return Answer{}, err
	}
	return Answer{State: "done", Text: fmt.Sprintf("Released: %s (%s).", scope, c.what())}, nil
}

// what says in a word what is sent.
func (c Release) what() string {
	if n := len(c.Choose); n > 0 {
		return fmt.Sprintf("%d chosen", n)
	}
	return c.Release
}

// checkChoice refuses chosen deliveries that are not held, since all others
// are dropped.
func (c Release) checkChoice(held holding) error {
	items := held.items()
	for _, id := range c.Choose {
		if !slices.ContainsFunc(items, func(i heldItem) bool { return slices.Contains(i.ids, id) }) {
			return refuse(NotFound, "delivery %s is not held by this freeze: choose from the list of deliveries", id)
		}
	}
	return nil
}

// dropped lists the news that an audience is told no more. Who chooses drops nothing
// that could not be chosen.
func (c Release) dropped(news []HeldNews) (out []HeldNews) {
	for _, n := range news {
		drop := c.Release == "drop"
		if len(c.Choose) > 0 {
			drop = len(n.Deliveries) > 0 && !slices.ContainsFunc(n.Deliveries, func(d broadcast.Delivery) bool { return slices.Contains(c.Choose, d.ID) })
		}
		if drop {
			out = append(out, n)
		}
	}
	return out
}

// waiting lists the updates of a lane that were not sent because of a freeze.
func waiting(l *broadcast.Lane) (out []*broadcast.Entry) {
	for k := range l.Entries {
		if e := &l.Entries[k]; e.Kind == broadcast.Say && !e.Shows.Exists() && e.Should.What == broadcast.Words && (e.Doubt == nil || e.Doubt.Again) && !e.GaveUp() {
			out = append(out, e)
		}
	}
	return out
}

// release decides what of a lane is still sent.
func (w *work) release(l *broadcast.Lane, c Release) error {
	held := waiting(l)
	for k, e := range held {
		keep := c.Release == "all" || c.Release == "newest" && k == len(held)-1
		if len(c.Choose) > 0 {
			keep = slices.Contains(c.Choose, fmt.Sprint(e.ID))
		}
		if !keep {
			e.Should = broadcast.Should{What: broadcast.Nothing, Why: broadcast.Superseded}
			if c.Release == "drop" || len(c.Choose) > 0 {
				e.Should.Why = broadcast.Skipped
			}
		}
		e.Try.Again++ // somebody decided: it is not stale
		if err := w.Amend(l, e); err != nil {
			return err
		}
	}
	return nil
}
