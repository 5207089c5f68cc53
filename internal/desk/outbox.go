package desk

import (
	"context"
	"sync"
)

// An outbox sends to rooms in order, beside what is heard meanwhile: a platform
// that makes an answer wait must not make the next command wait too.
type outbox struct {
	mu      sync.Mutex
	jobs    []func()
	sending bool
	all     sync.WaitGroup
}

// add sends something after all that was added before. It does not wait, and
// what was added is sent even if ctx ends.
func (o *outbox) add(ctx context.Context, f func(context.Context)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = append(o.jobs, func() { f(context.WithoutCancel(ctx)) })
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
func (o *outbox) wait() { o.all.Wait() }
