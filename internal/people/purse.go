package people

import (
	"sync"
	"time"
)

// A purse knows whether a platform takes what is to be paid. The Stars are the
// bot's, and paid broadcasts want ten thousand of them at least and to be switched on
// (core.telegram.org/bots/api#paid-broadcasts). What comes of it where that is
// not so is written nowhere. So either sign is heeded: that a message is refused
// and taken at no cost, and that the account has to wait again and again after
// hardly more messages than go at no cost. Then nothing is paid for for a while,
// longer each time: whoever hits a limit again and again is kept waiting longer and longer.
// Its zero value takes everything. It is safe for use by many goroutines.
type purse struct {
	mu     sync.Mutex
	few    int           // messages after which it is not for want of Stars that the account has to wait
	told   int           // messages that were paid for since it had to wait last
	last   time.Time     // when the last of them was there
	until  time.Time     // when it may go on: until then nothing new is learnt
	waits  int           // that came after few messages, in a row
	closed time.Time     // nothing is paid for before this
	long   time.Duration // that it was closed for last; 0 is never, since what is paid for was taken
	why    string        // it was closed, until somebody asks
}

// Times for which nothing is paid for.
const (
	purseFirst = 10 * time.Minute
	purseMost  = time.Hour
)

// The first time that an account has to wait after few messages it may be for
// somebody else who used the bot; not the second time in a row, nor where it is
// for long.
const (
	maxWaits = 2
	longWait = 5 * time.Second
)

// took notes that a message that was paid for is there.
func (p *purse) took(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = now
	if p.told++; p.told >= p.few {
		p.waits, p.long = 0, 0
	}
}

// waited notes that a message which was to be paid for was refused, and that the
// account has to wait until a time. It reports whether nothing is paid for now.
func (p *purse) waited(until, now time.Time, why string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.until) { // it left before that was known
		return now.Before(p.closed)
	}
	p.until = later(until, now.Add(time.Second))
	if p.told < p.few {
		p.waits++
	}
	if p.told = 0; p.waits >= maxWaits || p.waits > 0 && until.Sub(now) > longWait {
		p.close(now, why)
	}
	return now.Before(p.closed)
}

// refused notes that somebody was told at no cost after the same message, which
// was to be paid for, was refused at a time. It was not for the money if others
// were paid for since.
func (p *purse) refused(at, now time.Time, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last.Before(at) {
		p.close(now, why)
	}
}

// close has nothing be paid for for a while.
func (p *purse) close(now time.Time, why string) {
	if now.Before(p.closed) {
		return
	}
	p.long = longer(p.long, purseFirst, purseMost)
	p.closed, p.why = now.Add(p.long), why
}

// open reports whether anything is paid for.
func (p *purse) open(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !now.Before(p.closed)
}

// news says why it was closed and until when, once, and whether it was open until
// then: it may just have been tried again in vain.
func (p *purse) news() (why string, until time.Time, first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	why, p.why = p.why, ""
	return why, p.closed, p.long == purseFirst
}
