package broadcast

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// margin keeps the arrivals of a window apart by a little more than the
// platform counts, since requests travel unevenly. Where a window lasts long a
// refusal costs long too, so the margin is wider.
func (w *window) margin() time.Duration {
	if w.pace.Per < 30*time.Second {
		return 3 * time.Millisecond
	}
	return w.pace.Per / 60
}

// pacer shares one account's limits among all who want to send: the most
// urgent class first, within a class the longest waiting. A target that is at
// its own limit holds up only those who wait for it.
type pacer struct {
	mu      sync.Mutex
	limits  bots.Limits
	account window
	targets map[string]*window
	waiting []*waiter
	timer   *time.Timer
}

// A turn is a wish to send.
type turn struct {
	class  Class
	target string
	since  time.Time       // when the wish was first had: the longest waiting of a class goes first
	again  <-chan struct{} // a reason to think again; may be nil
}

type waiter struct {
	turn
	ready chan struct{}
}

func newPacer(l bots.Limits) *pacer {
	return &pacer{limits: l, account: window{pace: l.Account}, targets: map[string]*window{}}
}

// wait returns when it is t's turn. The slot is then taken. It gives up with
// ErrChanged when there is a reason to think again.
func (p *pacer) wait(ctx context.Context, t turn) error {
	w := &waiter{turn: t, ready: make(chan struct{})}
	p.mu.Lock()
	at, _ := slices.BinarySearchFunc(p.waiting, t, before)
	p.waiting = slices.Insert(p.waiting, at, w)
	p.grant()
	p.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-t.again:
		return p.leave(w, ErrChanged)
	case <-ctx.Done():
		return p.leave(w, context.Cause(ctx))
	}
}

// before orders waiters: negative for those that go before t, and never zero.
func before(w *waiter, t turn) int {
	if w.class < t.class || w.class == t.class && !w.since.After(t.since) {
		return -1
	}
	return 1
}

// leave ends a wait. A slot that was granted meanwhile is lost.
func (p *pacer) leave(w *waiter, why error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = slices.DeleteFunc(p.waiting, func(x *waiter) bool { return x == w })
	p.grant()
	return why
}

// pause holds back the whole account, or one target, until t.
func (p *pacer) pause(target string, t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &p.account
	if target != "" {
		w = p.target(target)
	}
	w.closed = later(w.closed, t)
}

func (p *pacer) target(name string) *window {
	w := p.targets[name]
	if w == nil {
		w = &window{pace: p.limits.Target}
		p.targets[name] = w
	}
	return w
}

// grant lets go whoever may go now, and sets the timer for the next one.
func (p *pacer) grant() {
	now := time.Now()
	var next time.Time
	for i := 0; i < len(p.waiting); {
		w := p.waiting[i]
		t := p.target(w.target)
		if at := later(p.account.opens(now), t.opens(now)); at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			i++
			continue
		}
		p.account.take(now)
		t.take(now)
		close(w.ready)
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	if !next.IsZero() {
		p.timer = time.AfterFunc(next.Sub(now), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.grant()
		})
	}
}

// window is a sliding window of sends.
type window struct {
	pace   bots.Pace
	sent   []time.Time // the last pace.N sends, a ring once full
	oldest int
	closed time.Time // nothing before this
}

// opens is the earliest time at which another request fits.
func (w *window) opens(now time.Time) time.Time {
	at := later(now, w.closed)
	if w.pace.N > 0 && len(w.sent) == w.pace.N {
		at = later(at, w.sent[w.oldest].Add(w.pace.Per+w.margin()))
	}
	return at
}

func (w *window) take(now time.Time) {
	switch {
	case w.pace.N <= 0:
	case len(w.sent) < w.pace.N:
		w.sent = append(w.sent, now)
	default:
		w.sent[w.oldest] = now
		w.oldest = (w.oldest + 1) % w.pace.N
	}
}
