package broadcast

import (
	"maps"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A route is what shares a limit that the platform tells us of with each
// answer: on Discord and X one kind of request to one place. A nil route is one
// of which nothing was told.
type route struct {
	left  int       // requests that the platform takes
	until time.Time // before this
	taken int       // requests since it is known
	told  bool      // the platform ever told of it
}

// ahead is how long others wait for the answer of the one that goes first in a
// new window, and tells what is left of it.
const ahead = time.Second

// sameWindow is how far the ends of one window may be apart, as answers tell
// them. The shortest windows last some seconds.
const sameWindow = time.Second

// manyRoutes is how many are known before those that are at rest are forgotten.
const manyRoutes = 1000

// routeOf names the route of an operation.
func routeOf(op bots.Operation) string {
	return string(op.Action) + " " + op.Target + " " + op.Thread
}

// opens is the earliest time at which another request fits.
func (r *route) opens(now time.Time) time.Time {
	if r == nil || r.left > 0 {
		return now
	}
	return later(now, r.until)
}

// take counts a request, and returns how many were taken before.
func (r *route) take(now time.Time) int {
	switch {
	case r == nil:
		return -1
	case now.Before(r.until):
		r.left--
	default:
		r.left, r.until = 0, now.Add(ahead)
	}
	r.taken++
	return r.taken - 1
}

// route is the route of a turn that is taken; nil where nothing is known of it, nor
// will be.
func (p *pacer) route(t turn) *route {
	r := p.routes[t.route]
	if r == nil && t.route != "" && p.limits.Tells {
		r = p.open(t.route)
	}
	return r
}

// open makes a route known.
func (p *pacer) open(name string) *route {
	if len(p.routes) >= manyRoutes { // each thread is one
		maps.DeleteFunc(p.routes, func(_ string, r *route) bool { return time.Since(r.until) > time.Minute })
	}
	r := &route{}
	p.routes[name] = r
	return r
}

// untold lets the next request to a route go, since an answer said nothing of a
// limit.
func (p *pacer) untold(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.routes[name]; r != nil && !r.told {
		r.until = time.Time{}
		p.grant()
	}
}

// heed has a route stay within what the platform says is left of its limit
// until a time: less what was sent after the request that it answered.
func (p *pacer) heed(s slot, name string, left int, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.routes[name]
	if r == nil {
		r = p.open(name)
	}
	r.told = true
	left -= r.taken - s.route - 1
	switch apart := until.Sub(r.until); {
	case apart > sameWindow:
		r.left, r.until = left, until
	case apart >= -sameWindow: // answers, and requests, overtake each other
		r.left, r.until = min(r.left, left), later(r.until, until)
	}
	p.grant()
}
