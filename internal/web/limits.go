package web

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An Allowance is so many requests at once, and so many a second in the long
// run.
type Allowance struct {
	Burst     int
	PerSecond float64
}

// Limits keep anybody who asks a lot from what is needed to answer others and,
// above all, to send.
type Limits struct {
	Operator Allowance     // requests to the API of one operator
	Address  Allowance     // requests to the API from one address
	Guesses  Allowance     // tokens from one address that nobody has
	AtOnce   int           // requests to the API that are worked on at the same time; others wait
	Patience time.Duration // that they wait for, at most
}

// DefaultLimits are generous to scripts, and far below what would delay a post.
func DefaultLimits() Limits {
	return Limits{
		Operator: Allowance{Burst: 500, PerSecond: 100}, Address: Allowance{Burst: 1000, PerSecond: 200}, Guesses: Allowance{Burst: 60, PerSecond: 0.5},
		AtOnce: 16, Patience: 5 * time.Second,
	}
}

// welcomeTime is how long an address from which an operator came is known.
const welcomeTime = 24 * time.Hour

// gate applies limits.
type gate struct {
	Limits
	proxies   []netip.Prefix
	operators buckets
	addresses buckets
	guesses   buckets
	welcome   buckets // addresses that had a right token lately
	work      chan struct{}
}

func newGate(l Limits, proxies []netip.Prefix) *gate {
	return &gate{
		Limits: l, proxies: proxies, work: make(chan struct{}, l.AtOnce),
		operators: buckets{allow: l.Operator}, addresses: buckets{allow: l.Address}, guesses: buckets{allow: l.Guesses},
		welcome: buckets{allow: Allowance{Burst: 1, PerSecond: 1 / welcomeTime.Seconds()}},
	}
}

// knock lets in a request from outside, before anybody knows whose it is. This
// machine itself, which may be a proxy for everybody, is not limited.
func (g *gate) knock(r *http.Request) error {
	addr := client(r, g.proxies)
	if addr.IsLoopback() {
		return nil
	}
	from := network(addr)
	if r.Header.Get("Authorization") != "" && !g.welcome.has(from) && g.guesses.spent(from) {
		return g.guesses.take(from, guesser)
	}
	return g.addresses.take(from, "this address")
}

const guesser = "this address, with tokens that nobody has,"

// guessed notes a token that nobody has. An address that has used up its
// guesses is not even asked for its token, but for those from which operators
// came: a script of theirs with an old token must not lock them out.
func (g *gate) guessed(r *http.Request) error {
	return g.guesses.take(network(client(r, g.proxies)), guesser)
}

// enter lets in an operator's request, when there is room to work on it. leave
// is called when that is done.
func (g *gate) enter(r *http.Request, operator string) (leave func(), err error) {
	_ = g.welcome.take(network(client(r, g.proxies)), "") // remembers it
	if err := g.operators.take(operator, operator); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.Patience)
	defer cancel()
	select {
	case g.work <- struct{}{}:
		return func() { <-g.work }, nil
	case <-ctx.Done():
		p := refuse(http.StatusServiceUnavailable, "too much is asked at once: try again in a moment")
		p.after = time.Second
		return nil, p
	}
}

// buckets are the allowances of many clients.
type buckets struct {
	allow Allowance
	mu    sync.Mutex
	of    map[string]*rate.Limiter
}

// manyBuckets is how many clients are remembered. Beyond it those that have
// not asked for a while are forgotten, which costs them nothing, and if need be
// everybody, which costs us little.
const manyBuckets = 10_000

// take uses up one request of a client's allowance.
func (b *buckets) take(client, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	l := b.of[client]
	if l == nil {
		b.makeRoom(now)
		l = rate.NewLimiter(rate.Limit(b.allow.PerSecond), b.allow.Burst)
		b.of[client] = l
	}
	if l.AllowN(now, 1) {
		return nil
	}
	p := refuse(http.StatusTooManyRequests, "%s asks too often: at most %v requests a second in the long run", name, b.allow.PerSecond)
	p.after = time.Duration((1 - l.TokensAt(now)) / b.allow.PerSecond * float64(time.Second))
	return p
}

// has reports whether a client is known.
func (b *buckets) has(client string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of[client] != nil
}

// spent reports whether a client's allowance is used up.
func (b *buckets) spent(client string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.of[client]
	return l != nil && l.Tokens() < 1
}

func (b *buckets) makeRoom(now time.Time) {
	if b.of != nil && len(b.of) < manyBuckets {
		return
	}
	kept := map[string]*rate.Limiter{}
	for client, l := range b.of {
		if l.TokensAt(now) < float64(b.allow.Burst) {
			kept[client] = l
		}
	}
	if len(kept) >= manyBuckets {
		clear(kept)
	}
	b.of = kept
}

// retryAfter is the header that says when to ask again, in whole seconds.
func retryAfter(d time.Duration) string {
	return fmt.Sprint(max(int(math.Ceil(d.Seconds())), 1))
}
