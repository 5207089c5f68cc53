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
	s, err := a.pacer.wait(ctx, turn{class: class, target: target, since: since})
	return Place{account: a, slot: s, class: class, target: target}, err
}

// Came tells what came of the request: nil is a success. A limit that somebody
// in an audience met holds back the whole account: a platform does not say
// whose limit it is, and with a million people it is hardly that of one.
func (p Place) Came(f *bots.Fault) {
	if f != nil && f.Kind == bots.RateLimited && p.class == Audience {
		p.account.pacer.pause("", f.Until)
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

// SetPace changes an account's limit, as where another one is paid for.
func (e *Engine) SetPace(account string, pace bots.Pace) {
	if a := e.accounts[account]; a != nil {
		a.pacer.setPace(pace)
	}
}
