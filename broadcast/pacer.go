package broadcast

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Times that shape the pace.
const (
	quantum = 5 * time.Millisecond   // where sends follow each other faster, this much is let go at once: a wake-up costs more than a send
	arrears = 100 * time.Millisecond // of an even pace that are made up for
)

// pacer shares one account's limits among all who want to send: the most
// urgent class first, within a class the longest waiting. A target that is at
// its own limit holds up only those who wait for it.
//
// The pace is that of arrivals. Requests travel unevenly, so that sends at an
// even pace are now and then refused by a platform that counts strictly. When
// the answer comes, [pacer.answered] corrects the estimate of when the request
// arrived, and a delay on the way is made up for one window later.
type pacer struct {
	mu      sync.Mutex
	limits  bots.Limits
	account window
	even    time.Time // not before this goes the next of those who keep an even pace
	targets map[string]*window
	persons recent
	hushed  map[int64]time.Time // people in whose chats the platform asked for quiet, until when
	routes  map[string]*route
	enough  int // targets, after which those that no longer matter are forgotten
	waiting []*waiter
	timer   *time.Timer
	woke    time.Time // by the timer

	inherited time.Time // when the account came from another life that may have sent what nobody knows of
}

// A turn is a wish to send.
type turn struct {
	class  Class
	target string
	person int64           // the target, in place of its name, of those who write to a million
	route  string          // what shares a limit of which the platform tells what is left
	since  time.Time       // when the wish was first had: the longest waiting of a class goes first
	again  <-chan struct{} // a reason to think again; may be nil
	pass   bool            // not to wait for a person who rests
}

// to is the name of the target.
func (t turn) to() string {
	if t.person != 0 {
		return strconv.FormatInt(t.person, 10)
	}
	return t.target
}

// who is the person that the target is, or 0.
func (t turn) who() int64 {
	if t.person != 0 {
		return t.person
	}
	person, err := strconv.ParseInt(t.target, 10, 64)
	if err != nil {
		return 0
	}
	return person
}

type waiter struct {
	turn
	ready chan slot // capacity 1
}

// A slot is a place in the account's window that was given to a request.
type slot struct {
	pacer *pacer
	n     int // how many were given before
	route int // how many of them to the same route since it is known, if it is
	sent  time.Time
	among *slot // the place among all that the account sends, while another pace is paid for; may be nil
}

func newPacer(l bots.Limits) *pacer {
	return &pacer{limits: l, account: window{pace: l.Account}, targets: map[string]*window{}, persons: newRecent(), hushed: map[int64]time.Time{}, routes: map[string]*route{}}
}

// wait returns when it is t's turn, with the slot that it has taken. It gives
// up with ErrChanged when there is a reason to think again, and with ErrRests
// at once where a person who rests is to be passed.
func (p *pacer) wait(ctx context.Context, t turn) (slot, error) {
	if ctx.Err() != nil {
		return slot{}, context.Cause(ctx)
	}
	p.mu.Lock()
	now := time.Now()
	if len(p.waiting) == 0 { // which is how most of an audience finds it where nothing limits the pace
		if at, target := p.opens(t, now); !at.After(now) {
			s := p.take(t, target, now)
			p.mu.Unlock()
			return s, nil
		}
	}
	if t.pass && p.rests(t, now) > 0 {
		p.mu.Unlock()
		return slot{}, ErrRests
	}
	w := &waiter{turn: t, ready: make(chan slot, 1)}
	at, _ := slices.BinarySearchFunc(p.waiting, t, before)
	p.waiting = slices.Insert(p.waiting, at, w)
	p.grant()
	p.mu.Unlock()
	select {
	case s := <-w.ready:
		return s, nil
	case <-t.again:
		return slot{}, p.leave(w, ErrChanged)
	case <-ctx.Done():
		return slot{}, p.leave(w, context.Cause(ctx))
	}
}

// answered tells that the platform has answered the request in a slot, and when. It
// returns by how much that took longer than the quickest.
func (p *pacer) answered(s slot, at time.Time) (late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.account.answered(s, at)
}

// delay has a person be left alone for as long after a message that was late as
// after any other.
func (p *pacer) delay(person int64, sent time.Time, late time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now, at := time.Now(), sent.Add(late); p.persons.last(person, now).Before(at) { // otherwise he was written to since
		p.note(turn{person: person}, at)
	}
}

// lately is how many requests arrived within the account's window.
func (p *pacer) lately(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.account.in(now)
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
	now := time.Now()
	until := soonEnough(t, now)
	if who := p.private(turn{target: target}); who != 0 {
		p.hush(who, until, now)
		return
	}
	w := &p.account
	if target != "" {
		w = p.window(target)
	}
	w.widen(now)
	w.closed = later(w.closed, until)
}

// hush leaves a person alone until a time.
func (p *pacer) hush(who int64, until, now time.Time) {
	for other, at := range p.hushed { // there are few
		if !at.After(now) {
			delete(p.hushed, other)
		}
	}
	p.hushed[who] = later(p.hushed[who], until)
}

// quiet is until when the platform asked for quiet in a target; it may be past.
func (p *pacer) quiet(target string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	until := p.account.closed
	if w := p.targets[target]; w != nil {
		until = later(until, w.closed)
	}
	return until
}

// rests is how long the person of a turn is not to be written to.
func (p *pacer) rests(t turn, now time.Time) time.Duration {
	return max(0, later(p.personally(t, now), p.target(t).opens(now)).Sub(now))
}

// private is the person whose chat a turn's target is, or 0: where people are
// written to, the chats of groups and channels have no positive numbers.
func (p *pacer) private(t turn) int64 {
	if p.limits.Person.N <= 0 {
		return 0
	}
	return max(0, t.who())
}

// target is the window of a turn's target; nil where nothing limits it, and for
// people, of whom there are too many to have one each.
func (p *pacer) target(t turn) *window {
	switch {
	case t.person == 0 && t.target == "", p.private(t) != 0:
		return nil
	case p.limits.Target.N > 0:
		return p.window(t.to())
	case len(p.targets) > 0: // where the platform asked for quiet
		return p.targets[t.to()]
	}
	return nil
}

func (p *pacer) window(name string) *window {
	w := p.targets[name]
	if w == nil {
		p.forget()
		w = &window{pace: p.limits.Target}
		p.targets[name] = w
		if time.Since(p.inherited) < w.pace.Per {
			for range w.pace.N / 2 {
				w.take(p.inherited)
			}
		}
	}
	return w
}

// forget drops the windows of targets that hold nobody up any more.
func (p *pacer) forget() {
	if len(p.targets) < max(p.enough, 64) {
		return
	}
	now := time.Now()
	for name, w := range p.targets {
		if w.over(now, p.limits.Target.Per) {
			delete(p.targets, name)
		}
	}
	p.enough = 2 * len(p.targets)
}

// grant lets go whoever may go now, and sets the timer for the next one.
func (p *pacer) grant() {
	now := time.Now()
	var next time.Time
	for i := 0; i < len(p.waiting); {
		w := p.waiting[i]
		if at := p.account.opens(now); at.After(now) { // for everybody
			next = at
			break
		}
		at, target := p.opens(w.turn, now)
		if at.After(now) {
			if next.IsZero() || at.Before(next) {
				next = at
			}
			i++
			continue
		}
		w.ready <- p.take(w.turn, target, now)
		p.waiting = slices.Delete(p.waiting, i, i+1)
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	if !next.IsZero() {
		if p.step() < quantum {
			next = later(next, p.woke.Add(quantum))
		}
		p.timer = time.AfterFunc(next.Sub(now), func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.woke = time.Now()
			p.grant()
		})
	}
}

// opens is the earliest time at which a turn may come, and the window of its
// target, which is not looked up where it does not matter yet.
func (p *pacer) opens(t turn, now time.Time) (at time.Time, target *window) {
	at = p.account.opens(now)
	if p.even.After(now) && t.many() {
		return later(at, p.even), nil
	}
	target = p.target(t)
	at = later(later(at, p.evenly(t, now)), p.routes[t.route].opens(now))
	return later(at, p.kept(t, target, now)), target
}

// kept is when a turn may come to its target. Operators may be answered as
// often at once as the platform bears; all others keep the distance that it asks
// for in any chat. A card leaves a part of the window to answers.
func (p *pacer) kept(t turn, target *window, now time.Time) time.Time {
	at := target.opens(now)
	switch {
	case target == nil || t.class == Room:
	case t.class == Card:
		at = later(at, target.roomy(now))
	case p.limits.Person.N > 0:
		at = later(at, target.newest.Add(p.apart()))
	}
	return at
}

// step is the time between two sends at an even pace; 0 where there is no limit.
func (p *pacer) step() time.Duration {
	if p.account.pace.N <= 0 {
		return 0
	}
	return (p.account.pace.Per + p.account.margin()) / time.Duration(p.account.pace.N)
}

// many reports whether a turn is one of thousands: of those who write to people.
func (t turn) many() bool { return t.class == Answer || t.class == Reword || t.class == Audience }

// evenly is when a turn may come. Those who write to people keep an even pace,
// so that something more urgent never finds the window full of them; others need
// not wait for each other.
func (p *pacer) evenly(t turn, now time.Time) time.Time {
	at := p.personally(t, now)
	if t.many() {
		at = later(at, p.even)
	}
	return at
}

// personally is when the person of a turn may be written to: not while the
// platform asked for quiet there, and a while after the last, which an edit of
// what he has counts as too: no platform says that it does not. Operators are
// not kept waiting, nor is what goes to a channel whose name is a number.
func (p *pacer) personally(t turn, now time.Time) time.Time {
	var at time.Time
	if len(p.hushed) > 0 {
		at = p.hushed[p.private(t)]
	}
	if p.limits.Person.N <= 0 || t.person == 0 && !t.many() {
		return at
	}
	last := p.persons.last(t.who(), now)
	if last.IsZero() {
		return at
	}
	return later(at, last.Add(p.apart()))
}

// apart is how long a person is left alone after a message: longer than the
// platform asks for by as much as two messages may differ in how long they travel.
func (p *pacer) apart() time.Duration {
	person := p.limits.Person
	return person.Per/time.Duration(person.N) + p.leeway()
}

// leeway is how much longer a message may travel than another without a word.
func (p *pacer) leeway() time.Duration { return p.limits.Person.Per / 20 }

func (p *pacer) take(t turn, target *window, now time.Time) slot {
	if now.Sub(p.even) > p.account.pace.Per { // nobody was kept waiting: there is nothing to make up for
		p.even = now.Add(-5 * p.step())
	}
	p.even = later(p.even, now.Add(-arrears)).Add(p.step())
	p.write(t, target, now)
	place := p.account.take(now)
	place.pacer, place.route = p, p.route(t).take(now)
	return place
}

// write notes that a turn's target is written to.
func (p *pacer) write(t turn, target *window, now time.Time) {
	if target != nil {
		target.take(now)
	}
	p.note(t, now)
}

// note remembers that the person of a turn is written to.
func (p *pacer) note(t turn, now time.Time) {
	if p.limits.Person.N > 0 {
		p.persons.note(t.who(), now, p.apart())
	}
}
