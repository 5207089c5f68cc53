package desk

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Bounds of what waits to be sent to one account's chats. While a platform is
// away nothing piles up, and what is sent when it is back is not stale.
const (
	outboxLimit = 100 // messages, after which the oldest is left out
	outboxAge   = late
)

// An outbox sends to chats, for each account in order, beside what is heard
// meanwhile: a platform that makes an answer wait makes neither the next
// command wait nor what goes to other platforms.
type outbox struct {
	ctx    context.Context // of what is sent
	cancel context.CancelFunc
	log    *slog.Logger
	mu     sync.Mutex
	lanes  map[string][]errand // by account; present while somebody sends
	all    sync.WaitGroup
}

// An errand is something to be sent.
type errand struct {
	send  func(context.Context)
	after func(context.Context) // when it was sent or left out; may be nil
	since time.Time
}

// lastWords is how long after the end an outbox still sends.
const lastWords = 3 * time.Second

// newOutbox returns an outbox for what is heard until ctx ends. What was added
// by then still has a little time to be sent.
func newOutbox(ctx context.Context, log *slog.Logger) *outbox {
	o := &outbox{log: log, lanes: map[string][]errand{}}
	o.ctx, o.cancel = lasting(ctx)
	return o
}

// lasting is a context for what is under way when ctx ends: it ends a little
// later, or when it is canceled.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, cancel) })
	return longer, cancel
}

// add sends something after all that was added for the account before. It does
// not wait.
func (o *outbox) add(account string, e errand) {
	o.mu.Lock()
	defer o.mu.Unlock()
	e.since = time.Now()
	lane, sending := o.lanes[account]
	if len(lane) == outboxLimit {
		o.log.Warn("an answer was left out: too many wait", "account", account)
		lane = lane[1:]
	}
	o.lanes[account] = append(lane, e)
	if !sending {
		o.all.Go(func() { o.run(account) })
	}
}

func (o *outbox) run(account string) {
	for {
		o.mu.Lock()
		lane := o.lanes[account]
		if len(lane) == 0 {
			delete(o.lanes, account)
			o.mu.Unlock()
			return
		}
		e := lane[0]
		o.lanes[account] = lane[1:]
		o.mu.Unlock()
		o.send(account, e)
	}
}

// send does an errand, or leaves it out where nobody would understand any more
// what it answers.
func (o *outbox) send(account string, e errand) {
	if age := time.Since(e.since); age > outboxAge {
		o.log.Warn("an answer was left out: it waited too long", "account", account, "waited", age.Round(time.Second))
	} else {
		e.send(o.ctx)
	}
	if e.after != nil && o.ctx.Err() == nil {
		o.all.Go(func() { e.after(o.ctx) }) // which is not waited for: the database may be away
	}
}

// wait returns when everything has been sent or given up.
func (o *outbox) wait() {
	o.all.Wait()
	o.cancel()
}
