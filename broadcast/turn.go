package broadcast

import (
	"context"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Place is a request's place in the limits of its account.
type Place struct {
	account *account
	slot    slot
	class   Class
	target  string
}

// Turn waits until a request to target may be made, for those who send to many
// by themselves. What came of it must be told to the place. since is when the
// wish was first had.
func (e *Engine) Turn(ctx context.Context, account string, class Class, target string, since time.Time) (Place, error) {
	a := e.accounts[account]
	if a == nil {
		return Place{}, fmt.Errorf("there is no account %q", account)
	}
	t := turn{class: class, target: target, since: since}
	wait := a.pacer.wait
	if paid := a.paid.Load(); paid != nil && class == Audience {
		wait = func(ctx context.Context, t turn) (slot, error) { return a.beside(ctx, paid, t) }
	}
	s, err := wait(ctx, t)
	return Place{account: a, slot: s, class: class, target: target}, err
}

// beside waits for a turn at the pace that is paid for. Such messages do not
// count among the others, but a person still gets one at a time.
func (a *account) beside(ctx context.Context, paid *pacer, t turn) (slot, error) {
	for {
		rest := a.pacer.rests(t.target)
		if rest <= 0 {
			break
		}
		sleep(ctx, rest)
		if ctx.Err() != nil {
			return slot{}, context.Cause(ctx)
		}
	}
	s, err := paid.wait(ctx, t)
	if err == nil {
		a.pacer.wrote(t.target)
	}
	return s, err
}

// wrote notes a message that goes to a target beside the account's own pace.
func (p *pacer) wrote(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(target, p.target(target), time.Now())
}

// Came tells what came of the request: nil is a success. A limit that somebody
// in an audience met holds back the whole account: a platform does not say
// whose limit it is, and with a million people it is hardly that of one.
func (p Place) Came(f *bots.Fault) {
	if f != nil && f.Kind == bots.RateLimited && p.class == Audience {
		p.account.pause("", f.Until)
	}
	p.account.came(p.slot, bots.Operation{Target: p.target}, f)
}

// Rests is how long a person is not to be written to, having been a moment ago.
func (e *Engine) Rests(account, target string) time.Duration {
	a := e.accounts[account]
	if a == nil {
		return 0
	}
	return a.pacer.rests(target)
}

// SetPace changes the pace at which an audience is written to, where another
// than the account's own is paid for. All else that the account sends is not
// paid for and keeps to its own.
func (e *Engine) SetPace(account string, pace bots.Pace) {
	a := e.accounts[account]
	switch {
	case a == nil:
	case pace == a.pacer.limits.Account:
		a.paid.Store(nil)
	default:
		limits := a.pacer.limits
		limits.Account = pace
		a.paid.Store(newPacer(limits))
	}
}
