package broadcast

import (
	"context"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Send is a request that was journalled a while ago.
type Send struct {
	Target string
	Ago    time.Duration
}

// Late changes the lane to what a late answer proves: that of an attempt which
// was put down as unsure when another node took the account over. It returns
// false if the answer changes nothing, since the doubt is settled.
func Late(l *Lane, step Step, began time.Time, out Outcome) bool {
	e := l.entry(step.Entry)
	if e == nil || step.Chore != NoChore || step.Op.Action != bots.Post || e.Doubt == nil || e.Doubt.Revision != step.After.Revision {
		return false
	}
	switch f := out.Fault; {
	case f == nil:
		l.Landed(e, out.Receipt.ID, out.Receipt.URL)
		return true
	case f.Kind != bots.Unsure && e.Doubt.Since.Equal(began): // nothing was posted by it
		e.Doubt, e.Try.NotBefore = nil, time.Time{}
		if n := (planner{Lane: l}); e.Should.What == Words && n.newer(e, mayShow) {
			e.miss()
		}
		return true
	}
	return false
}

// learn has the pacer take into account what another node, or an earlier life
// of this one, sent in the last minutes. What goes to rooms and people is not
// journalled, so that a target's limit may be half used up already. What was
// sent before this node had the account last counts already.
func (a *account) learn(ctx context.Context, lease Lease) error {
	limits := a.Bot.Limits()
	within := max(limits.Account.Per, limits.Target.Per)
	if within == 0 {
		return nil
	}
	sends, err := a.engine.Store.Sends(ctx, a.Name, within)
	if err != nil {
		return err
	}
	now := time.Now() // after the store's, so that nothing is left out
	if !a.known.IsZero() {
		sends = slices.DeleteFunc(sends, func(s Send) bool { return s.Ago > now.Sub(a.known) })
	}
	a.known = now
	a.pacer.inherit(sends, lease.Epoch > 1)
	return nil
}

// inherit takes over what others sent with the account. used says that there
// may be more than that.
func (p *pacer) inherit(sends []Send, used bool) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range sends {
		t := turn{target: s.Target}
		p.take(t, p.target(t), now.Add(-s.Ago))
	}
	if used { // targets that are not known by now
		p.inherited = now
	}
}

// obeyStill holds back what an earlier life, or another node, was asked to hold
// back: the lanes that were told so remember it, for all that share the limit.
func (a *account) obeyStill(ctx context.Context) error {
	busy, err := a.engine.Store.Busy(ctx, a.Name)
	if err != nil {
		return err
	}
	for _, id := range busy {
		l, err := a.engine.Store.Lane(ctx, id)
		if err != nil {
			return err
		}
		if !a.engine.complete(l) {
			continue
		}
		for _, f := range l.limitsTold(time.Now()) {
			a.obey(bots.Operation{Target: l.Channel.Target}, f)
		}
	}
	return nil
}

// limitsTold are the limits that a lane was told of and that last.
func (l *Lane) limitsTold(now time.Time) (out []*bots.Fault) {
	chore := func(c Chore) {
		if c.Failures == 0 && !c.Done && c.NotBefore.After(now) {
			out = append(out, &bots.Fault{Kind: bots.RateLimited, Subject: bots.Target, Until: c.NotBefore})
		}
	}
	chore(l.Thread.Chore)
	chore(l.Pin)
	chore(l.HeadEdit)
	for i := range l.Entries {
		e := &l.Entries[i]
		chore(e.Cross)
		if f := e.Try.Fault; f != nil && f.Kind == bots.RateLimited && f.Until.After(now) {
			out = append(out, f)
		}
	}
	return out
}
