package people

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Bounds of asking who the administrators of a group are.
const (
	askTime  = time.Second      // how long all that was heard at once waits for the answers
	trustFor = 10 * time.Second // how long an answer counts: some presses of a menu

	maxCouncils = 1000 // groups whose answer is remembered
)

// A council is who the administrators of a group were when that was asked. The
// others of the group may be many, and cost no question each.
type council struct {
	asked    time.Time
	answered chan struct{} // closed once people and err are as they stay
	people   []string
	err      error
}

// has reports whether a person is an administrator, as far as that is known.
func (c *council) has(person string) bool { return c.known() && slices.Contains(c.people, person) }

// known reports whether it is known who the administrators are.
func (c *council) known() bool { return c != nil && c.err == nil }

// settled reports whether there is an answer, or will be none.
func (c *council) settled() bool {
	select {
	case <-c.answered:
		return true
	default:
		return false
	}
}

// lasts reports whether nothing is to be asked again yet. After a fault that is
// as soon as the platform permits it.
func (c *council) lasts() bool {
	if c.settled() && c.err != nil {
		return time.Now().Before(bots.AsFault(c.err).Until)
	}
	return time.Since(c.asked) < trustFor
}

// wait waits for the answer, but not so long that others notice it who are heard
// in the same moment, and reports whether there is one. It may come later.
func (c *council) wait(ctx context.Context) bool {
	ctx, done := context.WithDeadline(ctx, c.asked.Add(askTime))
	defer done()
	select {
	case <-c.answered:
	case <-ctx.Done():
	}
	return c.settled()
}

// councils remembers the councils of groups for a short time. It forgets them all
// when it would grow too large, and then some are asked about again.
type councils struct {
	mu sync.Mutex
	of map[string]*council // by group
}

// get returns the council of a group, and whether it is new and is to be asked.
func (cs *councils) get(group string) (c *council, fresh bool) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c = cs.of[group]; c != nil && c.lasts() {
		return c, false
	}
	if cs.of == nil || len(cs.of) >= maxCouncils {
		cs.of = map[string]*council{}
	}
	c = &council{asked: time.Now(), answered: make(chan struct{})}
	cs.of[group] = c
	return c, true
}

// convene returns the councils of the groups in which events ask for what only an
// administrator may do, as far as there are answers. All that are not known are
// asked about at the same time.
func (l *Listener) convene(ctx context.Context, d *dialogue, events []bots.Event) map[string]*council {
	ranker, ok := l.Audience.Bot.(bots.Ranker)
	if !ok {
		return nil
	}
	all := map[string]*council{}
	for _, e := range events {
		if all[e.Chat] != nil || e.As != "" || !l.ours(e) || d.heeds(e) != administrators {
			continue
		}
		c, fresh := l.councils.get(e.Chat)
		if all[e.Chat] = c; fresh {
			go l.ask(ctx, ranker, e.Chat, c)
		}
	}
	for group, c := range all {
		if !c.wait(ctx) {
			delete(all, group) // what comes later counts for what is heard later
		}
	}
	return all
}

// ask asks who the administrators of a group are. Of one that has moved they are
// the same where it is now.
func (a *Audience) ask(ctx context.Context, ranker bots.Ranker, group string, c *council) {
	defer close(c.answered)
	ctx, done := context.WithTimeout(ctx, trustFor)
	defer done()
	c.people, c.err = ranker.Admins(ctx, group)
	if f, ok := errors.AsType[*bots.Fault](c.err); ok && f.Kind == bots.Moved {
		c.people, c.err = ranker.Admins(ctx, f.To)
	}
	if c.err != nil && !errors.Is(c.err, context.Canceled) {
		a.Log.Debug("it cannot be told who is an administrator", "account", a.Account, "error", c.err)
	}
}
