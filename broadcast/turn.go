package broadcast

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Wish is to write to a person, of those who write to many by themselves.
type Wish struct {
	Class  Class
	Person int64     // his chat; a negative one is that of a group
	Since  time.Time // when it was first had
	Pass   bool      // not to wait for him with ErrRests, if he was written to a moment ago
	Free   bool      // at no cost, though another pace is paid for
}

// ErrRests says that a person is not to be written to for a moment.
var ErrRests = errors.New("the person was written to a moment ago")

// A Place is a request's place in the limits of its account.
type Place struct {
	account *account
	slot    slot
	person  int64
}

// A Road is the way to the platform with one account, for those who send by
// themselves.
type Road struct{ account *account }

// Road is that of an account, which the engine must have.
func (e *Engine) Road(account string) *Road { return &Road{e.accounts[account]} }

// Turn waits until a request may be made. What came of it must be told to the
// place.
func (r *Road) Turn(ctx context.Context, wish Wish) (Place, error) {
	a := r.account
	t := turn{class: wish.Class, person: wish.Person, since: wish.Since, pass: wish.Pass}
	p := Place{account: a, person: wish.Person}
	var err error
	if paid := a.paid.Load(); paid != nil && wish.Class == Audience && !wish.Free {
		p.slot, err = a.beside(ctx, paid, t)
	} else {
		p.slot, err = a.wait(ctx, t)
	}
	return p, err
}

// wait waits for a turn at the account's own pace. While another is paid for,
// that is the limit of all that the account sends
// (core.telegram.org/bots/faq#how-can-i-message-all-of-my-bot-39s-subscribers-at-once),
// so the request needs a place in it as well, before the audience.
func (a *account) wait(ctx context.Context, t turn) (slot, error) {
	s, err := a.pacer.wait(ctx, t)
	paid := a.paid.Load()
	if err != nil || paid == nil {
		return s, err
	}
	among, err := paid.wait(ctx, turn{class: t.class, since: t.since, again: t.again})
	s.among = &among
	return s, err
}

// beside waits for a turn at the pace that is paid for. Such messages do not
// count among those at the account's own pace, but a person still gets one at a
// time.
func (a *account) beside(ctx context.Context, paid *pacer, t turn) (slot, error) {
	for rest := a.pacer.reserve(t); rest > 0; rest = a.pacer.reserve(t) {
		if t.pass {
			return slot{}, ErrRests
		}
		bots.Sleep(ctx, rest)
		if ctx.Err() != nil {
			return slot{}, context.Cause(ctx)
		}
	}
	s, err := paid.wait(ctx, t)
	if err == nil {
		a.pacer.wrote(t)
	}
	return s, err
}

// reserve is how long the person of a turn is not to be written to. If that is
// over it notes that he is, so that nothing else goes to him before the turn.
func (p *pacer) reserve(t turn) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	rest := p.rests(t, now)
	if rest <= 0 {
		p.note(t, now)
	}
	return rest
}

// wrote notes a message that goes to a target beside the account's own pace.
func (p *pacer) wrote(t turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.write(t, p.target(t), time.Now())
}

// Came tells what came of the request, and when: nil is a success. A limit that
// somebody in an audience met holds back the whole account: a platform does not say
// whose limit it is, and with a million people it is hardly that of one. That of a
// group is its own: its members can let nobody write more than once an hour.
func (p Place) Came(at time.Time, f *bots.Fault) {
	var op bots.Operation
	if f != nil {
		op.Target = strconv.FormatInt(p.person, 10)
		if f.Kind == bots.RateLimited && p.person > 0 {
			p.account.pause("", f.Until)
		}
	}
	late := p.account.came(p.slot, at, op, f)
	if pacer := p.account.pacer; pacer.limits.Person.N > 0 && late > pacer.leeway()/2 {
		pacer.delay(p.person, p.slot.sent, late)
	}
}

// Wrote notes that people were written to until a time, by an earlier life.
func (r *Road) Wrote(people []int64, at time.Time) {
	p := r.account.pacer
	ago := max(0, time.Since(at)) // a clock may have been put back
	p.mu.Lock()
	defer p.mu.Unlock()
	at = time.Now().Add(-ago)
	for _, person := range people {
		p.note(turn{person: person}, at)
	}
}

// SetPace changes the pace at which an audience is written to, where another
// than the account's own is paid for. All else that the account sends is not
// paid for and keeps to its own.
func (r *Road) SetPace(pace bots.Pace) {
	a := r.account
	if pace == a.pacer.limits.Account {
		a.paid.Store(nil)
		return
	}
	limits := a.pacer.limits
	limits.Account = pace
	paid := newPacer(limits)
	now := time.Now()
	for range a.pacer.lately(now) {
		paid.account.take(now)
	}
	a.paid.Store(paid)
}

// Rightful refuses with ErrLost what is about to leave when this node's right to
// the account has ended. It must be asked in the last moment.
func (r *Road) Rightful(now time.Time) error { return r.account.may(now) }
