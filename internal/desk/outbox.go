package desk

import (
	"context"
	"sync"
	"time"
)

// An outbox sends to rooms in order, beside what is heard meanwhile: a platform
// that makes an answer wait must not make the next command wait too.
type outbox struct {
	ctx     context.Context // of what is sent
	cancel  context.CancelFunc
	mu      sync.Mutex
	jobs    []func()
	sending bool
	all     sync.WaitGroup
}

// lastWords is how long after the end an outbox still sends.
const lastWords = 3 * time.Second

// newOutbox returns an outbox for what is heard until ctx ends. What was added
// by then still has a little time to be sent.
func newOutbox(ctx context.Context) *outbox {
	o := &outbox{}
	o.ctx, o.cancel = context.WithCancel(context.WithoutCancel(ctx))
	context.AfterFunc(ctx, func() { time.AfterFunc(lastWords, o.cancel) })
	return o
}

// add sends something after all that was added before. It does not wait.
func (o *outbox) add(f func(context.Context)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = append(o.jobs, func() { f(o.ctx) })
	if !o.sending {
		o.sending = true
		o.all.Go(o.run)
	}
}

func (o *outbox) run() {
	for {
		o.mu.Lock()
		if len(o.jobs) == 0 {
			o.sending = false
			o.mu.Unlock()
			return
		}
		job := o.jobs[0]
		o.jobs = o.jobs[1:]
		o.mu.Unlock()
		job()
	}
}

// wait returns when everything has been sent or given up.
func (o *outbox) wait() {
	o.all.Wait()
	o.cancel()
}
