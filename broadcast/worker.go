package broadcast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/templates"
)

// A worker takes one lane from step to step until it is idle. Lanes do not wait
// for each other, so a slow answer delays only its own.
type worker struct {
	account *account
	life    context.Context // of the engine
	lease   Lease
	lane    int64
	again   chan struct{} // capacity 1: look again
	since   time.Time     // when it began to wait for the account; zero while it does not
}

// look makes the worker load its lane once more before it waits or ends.
func (w *worker) look() {
	select {
	case w.again <- struct{}{}:
	default:
	}
}

func (w *worker) run(ctx context.Context) {
	defer w.account.stuck.ended(w.lane)
	for ctx.Err() == nil {
		until, err := w.step(ctx)
		if err == nil {
			w.account.stuck.over(w.account.log, "lanes go on", w.lane)
		}
		switch {
		case errors.Is(err, ErrLost), errors.Is(err, ErrGone):
			w.finish(true)
			return
		case errors.Is(err, ErrChanged), errors.Is(err, ErrFrozen):
			continue // what was loaded is old news
		case errors.Is(err, errBusy):
			until = time.Now().Add(busy)
		case err != nil:
			if ctx.Err() == nil {
				w.account.stuck.failed(w.account.log, "a lane cannot go on", w.lane, err)
			}
			until = time.Now().Add(time.Second)
		case until.IsZero():
			if w.finish(false) {
				return
			}
			continue
		}
		w.wait(ctx, until)
	}
	w.finish(true)
}

// wait waits until t or until there is a reason to look again.
func (w *worker) wait(ctx context.Context, t time.Time) {
	d := time.Until(t)
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.again:
	case <-ctx.Done():
	}
}

// finish ends the work, unless it was asked to look again meanwhile.
func (w *worker) finish(anyway bool) bool {
	a := w.account
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-w.again:
		if !anyway {
			return false
		}
	default:
	}
	delete(a.lanes, w.lane)
	return true
}

// step loads the lane and takes its next step. It returns when to take
// another; zero when there is nothing more to do.
func (w *worker) step(ctx context.Context) (time.Time, error) {
	e := w.account.engine
	l, err := e.Store.Lane(ctx, w.lane)
	if err != nil {
		return time.Time{}, err
	}
	if !e.complete(l) {
		return time.Time{}, nil // its channel is no longer configured
	}
	now := time.Now()
	switch step := Next(l, now); step.Kind {
	case Idle:
		return time.Time{}, e.Store.Idle(ctx, w.lease, l)
	case Wait:
		return step.Until, nil
	case Do:
		return now, w.do(ctx, l, step)
	case Find:
		return now, w.find(ctx, l, step)
	case Probe:
		return now, w.probe(ctx, l, step)
	default:
		return now, w.record(ctx, l, step, 0, Outcome{})
	}
}

// do makes the one request of a step and records what came of it.
func (w *worker) do(ctx context.Context, l *Lane, step Step) error {
	a := w.account
	if err := a.compose(l, &step); err != nil {
		return w.record(ctx, l, step, 0, Outcome{Fault: bots.AsFault(err)})
	}
	if step.Op.Action == bots.Post { // before its turn, which a probe that has the place may be waiting for
		if !a.quiet(step.Op.Target, 1, true) {
			return errBusy
		}
		defer a.quiet(step.Op.Target, 1, false)
	}
	place, err := w.turn(ctx, step.Class, step.Op)
	if err != nil {
		return err
	}
	working := ctx
	ctx, cancel := Graceful(ctx, a.engine.Grace)
	defer cancel()
	out := Outcome{Text: step.Op.Text}
	var attempt int64
	var refused error
	var limit *bots.Fault
	receipt, err := a.Bot.Do(bots.BeforeSend(ctx, func() error {
		if refused = a.rightful(working); refused != nil {
			return refused // a connection came to stand when the engine had been stopped
		}
		began := time.Now()
		attempt, refused = a.engine.Store.Begin(ctx, w.lease, l, Attempt{Lane: l.ID, Step: step, Began: began})
		if refused != nil {
			a.unsent.note(l.ID, began, refused)
			return refused
		}
		if limit = a.limited(step.Op.Target); limit != nil {
			return limit // another lane was told of it since this one had its turn
		}
		out.Began = began
		return a.rightful(working) // journalling may take long, and then somebody else has the account
	}), step.Op)
	if refused != nil {
		return refused
	}
	if limit != nil {
		return w.record(ctx, l, step, attempt, Outcome{Fault: limit})
	}
	out.Receipt = receipt
	if err != nil {
		out.Fault = bots.AsFault(err)
	} else {
		a.heed(place, step.Op, receipt)
	}
	a.came(place, time.Now(), step.Op, out.Fault)
	w.log(l, step, attempt, out)
	err = w.record(ctx, l, step, attempt, out)
	a.observe(l.Channel.Name, string(step.Op.Action), out.Receipt, out.Fault, l.took(step, out))
	return err
}

// took is the time from the acceptance of words until this step showed them; 0
// where it is not that which it did.
func (l *Lane) took(step Step, out Outcome) time.Duration {
	e := l.entry(step.Entry)
	if out.Fault != nil || step.Chore != NoChore || step.Confirm || e == nil {
		return 0
	}
	return max(e.Shows.Since.Sub(l.acceptedAt(e, e.Shows.Revision, step.Op.Action == bots.Post)), time.Nanosecond)
}

// errBusy: a probe and posts do not go to the same place at the same time.
var errBusy = errors.New("the place is busy")

// busy is after how long a place that was busy is looked at again.
const busy = 200 * time.Millisecond

// skew is how far a platform's clock may be from ours.
const skew = time.Minute

// turn waits for the account. When the lane changes meanwhile it is looked at
// afresh, so that news does not wait behind a chore; its place is kept.
func (w *worker) turn(ctx context.Context, class Class, op bots.Operation) (slot, error) {
	if w.since.IsZero() {
		w.since = time.Now()
	}
	place, err := w.account.wait(ctx, turn{class: class, target: op.Target, route: routeOf(op), since: w.since, again: w.again})
	if err == nil {
		w.since = time.Time{}
	}
	return place, err
}

// find looks for the post of a doubtful attempt.
func (w *worker) find(ctx context.Context, l *Lane, step Step) error {
	a := w.account
	place, err := w.turn(ctx, step.Class, bots.Operation{})
	if err != nil {
		return err
	}
	finder := a.Bot.(bots.Finder) // Next names Find only where CanFind
	var out Outcome
	out.Receipt, out.Found, err = finder.Find(ctx, step.Op, l.entry(step.Entry).Doubt.Since.Add(-skew))
	if err != nil {
		out.Fault = bots.AsFault(err)
	}
	a.came(place, time.Now(), step.Op, out.Fault)
	w.log(l, step, 0, out)
	a.observe(l.Channel.Name, "find", out.Receipt, out.Fault, 0)
	return w.record(ctx, l, step, 0, out)
}

func (w *worker) record(ctx context.Context, l *Lane, step Step, attempt int64, out Outcome) error {
	Apply(l, step, out, time.Now())
	e := w.account.engine
	defer w.account.untold.ended(w.lane)
	for {
		// What happened is recorded even when the engine is being stopped.
		err := e.Store.Record(context.WithoutCancel(ctx), w.lease, l, step, attempt, out)
		if err == nil {
			w.account.untold.over(w.account.log, "outcomes are recorded again", w.lane)
			break
		}
		if errors.Is(err, ErrGone) {
			w.account.log.Error("what was sent cannot be recorded", "lane", w.lane, "attempt", attempt, "message", out.Receipt.ID, "error", err)
			return err
		}
		// Without this record nobody knows whether it was sent, so that it is
		// tried for as long as the process lives, even if the lease does not.
		if attempt == 0 || ctx.Err() != nil && w.life.Err() != nil {
			return err
		}
		w.account.untold.failed(w.account.log, "cannot record an outcome", w.lane, err)
		bots.Sleep(context.WithoutCancel(ctx), time.Second)
	}
	if e.Changed != nil {
		e.Changed(l.Incident.Ref.String())
	}
	return nil
}

// compose makes the text of a step. What cannot be rendered is refused before
// anything is sent; templates are checked at the start, so this is rare.
func (a *account) compose(l *Lane, step *Step) error {
	if step.Say == nil {
		return nil
	}
	limits := l.Limits
	text, err := a.engine.Texts.Render(l.Channel.Platform, l.Channel.Language, *step.Say, templates.Space{Max: limits.MaxText, Measure: limits.Measure})
	if err != nil {
		return fmt.Errorf("%s on %s: %w", step.Say.Ref, l.Channel.Name, err)
	}
	step.Op.Text = text.String
	return nil
}

// Graceful returns a context that outlives ctx by grace: an answer that is
// under way when the engine stops is still waited for.
func Graceful(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return out, func() { stop(); cancel() }
}

// log writes the one line about a request. It has no words of the update:
// drafts and retracted texts are not for those who read logs.
func (w *worker) log(l *Lane, step Step, attempt int64, out Outcome) {
	ref := l.Incident.Ref.String()
	if e := l.entry(step.Entry); e != nil {
		ref = fmt.Sprintf("%s/%d", ref, e.Update)
	}
	log := w.account.engine.Log.With("ref", ref, "channel", l.Channel.Name, "operation", step.Op.Action, "delivery", step.Entry, "attempt", attempt)
	if step.Chore != NoChore {
		log = log.With("chore", step.Chore)
	}
	switch {
	case out.Fault != nil:
		log.Warn("not done", "fault", out.Fault.Error())
	case step.Kind == Find, step.Kind == Probe:
		log.Info("looked for", "found", out.Found)
	default:
		log.Info("done", "message", out.Receipt.ID)
	}
}
