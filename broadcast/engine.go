package broadcast

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/templates"
)

// Errors with which a store refuses a step. None of them is a failure: the
// lane is looked at afresh.
var (
	ErrChanged = errors.New("what should show has changed")
	ErrFrozen  = errors.New("frozen")
	ErrLost    = errors.New("the account's lease is held by another node")
	ErrGone    = errors.New("the database has lost the incident or the update: a server took over that has not all of it")
)

// ErrHandOver is what Claim returns, with the lease renewed once more, when the
// account should be given back soon: another node has fewer.
var ErrHandOver = errors.New("another node has fewer accounts")

// A Lease is the right to use an account. Every change of what shows compares
// its epoch.
type Lease struct {
	Account string
	Epoch   int64
}

// An Attempt is the journal entry committed before an operation's bytes leave.
type Attempt struct {
	ID    int64
	Lane  int64
	Step  Step // Entry, Chore, Op and After
	Began time.Time
}

// Store is what the engine keeps and reads. Each method is one transaction.
type Store interface {
	// Claim takes or renews the account's lease for ttl. It returns false
	// while another node holds it, or should, and may return ErrHandOver.
	Claim(ctx context.Context, account string, ttl time.Duration) (Lease, bool, error)

	// Release gives the lease back.
	Release(ctx context.Context, lease Lease) error

	// Busy lists the lanes of the account that are not idle.
	Busy(ctx context.Context, account string) ([]int64, error)

	// Lane loads a lane. Channel has only its name, and Target where the
	// platform moved it; settings, limits and policy are the engine's to add.
	Lane(ctx context.Context, id int64) (*Lane, error)

	// Unanswered lists the attempts of the account that have no outcome.
	Unanswered(ctx context.Context, account string) ([]Attempt, error)

	// Sends lists the attempts of the account that were begun within a while,
	// oldest first, by whatever node.
	Sends(ctx context.Context, account string, within time.Duration) ([]Send, error)

	// Shown lists what is known to show on the channels, of late.
	Shown(ctx context.Context, channels []string) ([]Shows, error)

	// Unsure lists the attempts of the account that were begun since a time and
	// have no answer, or had none when they were given up.
	Unsure(ctx context.Context, account string, since time.Time) ([]Attempt, error)

	// Begin journals an attempt and returns its id. It refuses with
	// ErrChanged, ErrFrozen, ErrLost or ErrGone.
	Begin(ctx context.Context, lease Lease, lane *Lane, a Attempt) (int64, error)

	// Record saves what Apply changed in the lane and in the step's entry,
	// and ends the attempt if its id is not zero. An attempt that ended
	// already was recorded before, or put down as unsure by a node that took
	// the account over: then only what Late says is saved. One that the
	// database has lost is recorded as far as it fits what is there; Record
	// refuses with ErrGone where nothing is. Where no attempt protects the
	// step, it refuses with ErrLost or ErrChanged.
	Record(ctx context.Context, lease Lease, lane *Lane, step Step, attempt int64, out Outcome) error

	// Idle marks a lane as having nothing to do. It refuses with ErrChanged.
	Idle(ctx context.Context, lease Lease, lane *Lane) error
}

// An Account is a bot with the channels that it serves.
type Account struct {
	Name     string
	Platform string
	Bot      bots.Bot
	Lease    time.Duration // how long its lease lasts; 0 is as long as the engine's others
}

// Config is what an engine needs.
type Config struct {
	Store    Store
	Accounts []Account
	Channels []Channel
	Policy   Policy
	Texts    *templates.Set
	Log      *slog.Logger
	Lease    time.Duration         // how long a lease lasts; 0 is 10 s
	Grace    time.Duration         // for answers that are under way when the engine stops; 0 is 8 s
	Changed  func(incident string) // called after each recorded outcome, without blocking; may be nil
	Observe  func(Request)         // called after each request to a platform, without blocking; may be nil
}

// Engine brings the channels to show what they should. It is safe for use by
// many goroutines.
type Engine struct {
	Config
	accounts map[string]*account
	channels map[string]Channel
}

// New returns an engine that has not started.
func New(c Config) (*Engine, error) {
	if c.Lease == 0 {
		c.Lease = 10 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = 8 * time.Second
	}
	e := &Engine{Config: c, accounts: map[string]*account{}, channels: map[string]Channel{}}
	for _, a := range c.Accounts {
		a.Lease = cmp.Or(a.Lease, c.Lease)
		e.accounts[a.Name] = newAccount(e, a)
	}
	for _, ch := range c.Channels {
		if e.accounts[ch.Account] == nil {
			return nil, fmt.Errorf("channel %s: there is no account %q", ch.Name, ch.Account)
		}
		e.channels[ch.Name] = ch
	}
	return e, nil
}

// While has f run for as long as this node holds the account, each time that it
// does: for what only one node may do, such as listening, or writing to
// subscribers. f must return when its context ends, and is waited for. While is
// called before Run.
func (e *Engine) While(account string, f func(ctx context.Context, lease Lease)) {
	a := e.accounts[account]
	a.while = append(a.while, f)
}

// Run works until ctx ends, then waits up to Grace for the answers that are
// under way.
func (e *Engine) Run(ctx context.Context) {
	var wg sync.WaitGroup
	for _, a := range e.accounts {
		wg.Go(func() { a.run(ctx) })
	}
	wg.Wait()
}

// Wake has the lanes looked at now. Lanes of accounts that another node holds
// are left to it.
func (e *Engine) Wake(lanes map[string][]int64) {
	for name, ids := range lanes {
		if a := e.accounts[name]; a != nil {
			a.wake(ids...)
		}
	}
}

// Say sends a text to an operators' room or a person at once, outside any
// incident: paced, once, not journalled. It refuses with ErrLost where this node
// does not hold the account: only there the pace is known.
func (e *Engine) Say(ctx context.Context, account string, class Class, op bots.Operation) (bots.Receipt, error) {
	a := e.accounts[account]
	if a == nil {
		return bots.Receipt{}, fmt.Errorf("there is no account %q", account)
	}
	place, err := a.wait(ctx, turn{class: class, target: op.Target, route: routeOf(op), since: time.Now()})
	if err != nil {
		return bots.Receipt{}, err
	}
	var refused error
	r, err := a.Bot.Do(bots.BeforeSend(ctx, func() error {
		refused = a.rightful(ctx)
		return refused
	}), op)
	if refused != nil {
		return bots.Receipt{}, refused
	}
	var f *bots.Fault
	if err != nil {
		f = bots.AsFault(err)
	}
	a.came(place, time.Now(), op, f)
	if f == nil {
		a.heed(place, op, r)
	}
	a.observe("", string(op.Action), r, f, 0)
	return r, err
}

// complete adds to a lane what the configuration says about its channel.
func (e *Engine) complete(l *Lane) bool {
	ch, ok := e.channels[l.Channel.Name]
	if !ok {
		return false
	}
	if l.Channel.Target != "" {
		ch.Target = l.Channel.Target
	}
	bot := e.accounts[ch.Account].Bot
	_, finds := bot.(bots.Finder)
	_, probes := bot.(bots.Prober)
	l.Channel, l.Limits, l.Policy, l.CanFind, l.CanProbe = ch, bot.Limits(), e.Policy, finds, probes
	return true
}

// Channel returns a channel's settings.
func (e *Engine) Channel(name string) (Channel, bool) {
	ch, ok := e.channels[name]
	return ch, ok
}

// Complete adds to a lane what the configuration says about its channel, for
// views. A channel that is no longer configured stays as it is.
func (e *Engine) Complete(l *Lane) {
	l.Policy = e.Policy
	if e.complete(l) {
		l.Quiet = e.accounts[l.Channel.Account].pacer.quiet(l.Channel.Target)
	}
}
