package broadcast

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// account holds a lease and walks the lanes of its channels while it has it.
type account struct {
	Account
	engine *Engine
	log    *slog.Logger // which names the account
	pacer  *pacer
	paid   atomic.Pointer[pacer] // of an audience, while another pace is paid for
	notes  notes
	while  []func(context.Context, Lease) // run while there is a lease
	outage outage                         // of the store, when the lease is asked for
	stuck  outages                        // lanes whose step failed
	unsent unsent                         // attempts that may be journalled all the same
	untold outages                        // lanes whose outcome could not be recorded
	known  time.Time                      // until when all is known that was sent with the account; zero if nothing is

	until atomic.Pointer[time.Time] // by this node's own clock it may use the account; nil before it ever did

	mu     sync.Mutex
	lanes  map[int64]*worker // running
	start  func(lane int64)  // nil while there is no lease
	places map[string]int    // posts under way by target, or -1: see quiet
}

func newAccount(e *Engine, a Account) *account {
	return &account{Account: a, engine: e, log: e.Log.With("account", a.Name), pacer: newPacer(a.Bot.Limits()), lanes: map[int64]*worker{}, places: map[string]int{}}
}

// run claims the account, works while it holds it, and tries again when it
// does not.
func (a *account) run(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		lease, ok, err := a.claim(ctx)
		if ok && err == nil {
			a.hold(ctx, lease, began)
		}
		bots.Sleep(ctx, a.Lease/5)
	}
}

// claim asks for the lease, or for more of it.
func (a *account) claim(ctx context.Context) (Lease, bool, error) {
	lease, ok, err := a.engine.Store.Claim(ctx, a.Name, a.Lease)
	switch {
	case err == nil, errors.Is(err, ErrHandOver):
		a.outage.over(a.log, "the account's lease can be asked for again")
	case ctx.Err() == nil:
		a.outage.failed(a.log, "cannot ask for the account's lease", err)
	}
	return lease, ok, err
}

// hold works under a lease until ctx ends or the lease is lost.
func (a *account) hold(ctx context.Context, lease Lease, renewed time.Time) {
	if err := errors.Join(a.recover(ctx, lease), a.learn(ctx, lease), a.obeyStill(ctx)); err != nil {
		if ctx.Err() == nil {
			a.log.Error("cannot take over the account", "error", err)
		}
		return
	}
	walking, stop := context.WithCancel(ctx)
	defer stop()
	// By this node's own clock, which nobody sets, its right ends a little
	// before the lease does: also when the store does not answer.
	fuse := time.AfterFunc(a.extend(renewed), stop)
	var walks sync.WaitGroup // and what else runs under the lease
	for _, f := range a.while {
		walks.Go(func() { f(walking, lease) })
	}
	a.notes.holds(time.Now())
	a.setStart(func(id int64) {
		w := &worker{account: a, life: ctx, lease: lease, lane: id, again: make(chan struct{}, 1)}
		a.lanes[id] = w
		walks.Go(func() { w.run(walking) })
	})
	a.keep(walking, lease, fuse)
	if !fuse.Stop() && ctx.Err() == nil {
		a.log.Warn("the account's lease has run out")
	}
	a.setStart(nil)
	a.notes.holds(time.Time{})
	stop()
	walks.Wait()
	a.ended()
	giving, done := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
	defer done()
	if err := a.engine.Store.Release(giving, lease); err != nil {
		a.log.Warn("cannot release the account", "error", err)
	}
}

// giveBack is how long it may take to release an account; it ends by itself.
const giveBack = 2 * time.Second

// right is for how long this node uses the account after it asked for the lease.
func (a *account) right() time.Duration { return a.Lease * 9 / 10 }

// extend notes that the lease was asked for, and is had, and returns for how long
// from now.
func (a *account) extend(asked time.Time) time.Duration {
	until := asked.Add(a.right())
	a.until.Store(&until)
	return time.Until(until)
}

// ended notes until when nobody else can have used the account.
func (a *account) ended() {
	a.known = time.Now()
	if until := *a.until.Load(); until.Before(a.known) {
		a.known = until
	}
}

// rightful refuses what is about to leave when the right to the account has
// ended, or the engine was stopped.
func (a *account) rightful(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return a.may(time.Now())
}

// may refuses with ErrLost when the right to the account has ended. In a process
// that was halted and wakes up the clock tells before the fuse has had its turn.
func (a *account) may(now time.Time) error {
	if until := a.until.Load(); until == nil || !now.Before(*until) {
		return ErrLost
	}
	return nil
}

// keep renews the lease, and starts what other nodes left to do, until ctx
// ends, the lease is lost or the account is to be handed over.
func (a *account) keep(ctx context.Context, lease Lease, fuse *time.Timer) {
	for ok := true; ok && ctx.Err() == nil; ok = a.renew(ctx, lease, fuse) {
		a.wakeBusy(ctx)
		bots.Sleep(ctx, a.Lease/4)
	}
}

// renew renews the lease and puts the fuse off, however often it has to ask. It
// returns false when the account is not to be used any more.
func (a *account) renew(ctx context.Context, lease Lease, fuse *time.Timer) bool {
	for ctx.Err() == nil {
		asked := time.Now()
		got, ok, err := a.claim(ctx)
		switch {
		case errors.Is(err, ErrHandOver):
			a.log.Info("handing the account over", "why", err)
			return false
		case err == nil && (!ok || got != lease):
			a.log.Warn("lost the account to another node")
			return false
		case err == nil:
			return fuse.Reset(a.extend(asked)) // unless it has burnt
		}
		bots.Sleep(ctx, a.Lease/20)
	}
	return false
}

// setStart allows new walks, or with nil ends them.
func (a *account) setStart(start func(lane int64)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.start = start
}

// wake has lanes looked at: a worker looks again, others start. Without
// the lease that is left to whoever has it, who lists the busy lanes.
func (a *account) wake(ids ...int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		switch w := a.lanes[id]; {
		case w != nil:
			w.look()
		case a.start != nil:
			a.start(id)
		}
	}
}

// wakeBusy wakes every lane that has something to do: at the start, and now
// and then in case another node took a command.
func (a *account) wakeBusy(ctx context.Context) {
	ids, err := a.engine.Store.Busy(ctx, a.Name)
	if err != nil && ctx.Err() == nil {
		a.log.Error("cannot list lanes", "error", err)
	}
	a.wake(ids...)
}

// recover settles what an earlier life left without an answer: those attempts
// may have been carried out.
func (a *account) recover(ctx context.Context, lease Lease) error {
	open, err := a.engine.Store.Unanswered(ctx, a.Name)
	if err != nil {
		return err
	}
	defer a.unsent.forget() // whoever has the lease sees all that was journalled before
	for _, t := range open {
		l, err := a.engine.Store.Lane(ctx, t.Lane)
		if err != nil {
			return err
		}
		a.engine.complete(l)
		out := Outcome{Began: t.Began, Text: t.Step.Op.Text,
			Fault: &bots.Fault{Kind: bots.Unsure, Detail: "the process ended before an answer came"}}
		if a.unsent.has(t) {
			out = Outcome{Text: out.Text, Fault: &bots.Fault{Kind: bots.Temporary, Detail: "nothing was sent: it was not known in time whether the attempt was journalled"}}
		}
		Apply(l, t.Step, out, time.Now())
		if err := a.engine.Store.Record(ctx, lease, l, t.Step, t.ID, out); err != nil {
			return err
		}
		a.engine.Log.Warn("unanswered attempt", "ref", l.Incident.Ref, "channel", l.Channel.Name, "operation", t.Step.Op.Action, "attempt", t.ID)
	}
	return nil
}

// came takes note of what came back from a request: an answer, whose time says
// when the request arrived, or a fault. It returns how much later than others it
// may have arrived.
func (a *account) came(place slot, at time.Time, op bots.Operation, f *bots.Fault) (late time.Duration) {
	if f == nil || f.Kind != bots.Unsure && f.Kind != bots.Temporary {
		late = place.pacer.answered(place, at)
		if among := place.among; among != nil {
			among.pacer.answered(*among, at)
		}
	}
	if f != nil {
		a.obey(op, f)
	}
	return late
}

// obey holds back what the platform asked to hold back.
func (a *account) obey(op bots.Operation, f *bots.Fault) {
	if f.Kind != bots.RateLimited {
		return
	}
	switch f.Subject {
	case bots.Account:
		a.pause("", f.Until)
	case bots.Target:
		a.pause(op.Target, f.Until)
	}
}

// pause holds back the whole account, or one target, until t.
func (a *account) pause(target string, t time.Time) {
	a.pacer.pause(target, t)
	if paid := a.paid.Load(); paid != nil {
		paid.pause(target, t)
	}
}

// limited is the limit that the platform told of and that lasts, for what is
// about to leave; nil if there is none.
func (a *account) limited(target string) *bots.Fault {
	until := a.pacer.quiet(target)
	if !until.After(time.Now()) {
		return nil
	}
	return &bots.Fault{Kind: bots.RateLimited, Subject: bots.Target, Until: until, Detail: "not sent, since the platform asks to wait"}
}

// longestWindow is the longest window of a limit that answers tell of. Platforms
// count by the day at most, and clocks differ.
const longestWindow = 25 * time.Hour

// heed holds back before the platform has to ask. A window that ends later than
// any does is a slip: nothing was refused.
func (a *account) heed(place slot, op bots.Operation, r bots.Receipt) {
	switch {
	case r.Reset.IsZero():
		a.pacer.untold(routeOf(op))
	case time.Until(r.Reset) < longestWindow:
		a.pacer.heed(place, routeOf(op), r.Remaining, r.Reset)
	}
}
