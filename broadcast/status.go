package broadcast

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Request is one request to a platform and what came of it, for metrics.
type Request struct {
	Account   string
	Channel   string // empty for operators' rooms and people
	Operation string // post, edit, delete, thread, crosspost, pin, find
	Outcome   string // done, or the kind of the fault

	// Shown is the time from the acceptance of words to their being shown,
	// where this request is what showed them; otherwise 0.
	Shown time.Duration
}

// A Status is how an account is doing on this node.
type Status struct {
	Account  string
	Platform string
	Held     time.Time   // since when this node holds the account; zero while it does not
	Heard    time.Time   // when the platform was last heard by listening; zero for never
	Refused  *bots.Fault // why the platform refuses the account; nil once it took something
	Paused   time.Time   // the platform asked for nothing before this
	Left     int         // requests that our own limit leaves room for now; -1 where there is none
	Stated   int         // requests that the platform last said were left; -1 where it said nothing
	Waiting  int         // requests that wait for their turn
}

// Statuses tells how each account is doing, by name.
func (e *Engine) Statuses() []Status {
	out := make([]Status, 0, len(e.accounts))
	for _, a := range e.accounts {
		out = append(out, a.status())
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Account, b.Account) })
	return out
}

// notes is what an account remembers of its platform's answers.
type notes struct {
	mu      sync.Mutex
	held    time.Time
	refused *bots.Fault
	at      time.Time // of refused
	stated  int       // Receipt.Remaining
	until   time.Time // the end of the window that stated is about
}

// holds notes since when the account is held; zero for not any more.
func (n *notes) holds(since time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = since
}

// answered notes what a request came to. Only a refusal of the account itself
// counts, and anything that it takes ends that.
func (n *notes) answered(r bots.Receipt, f *bots.Fault) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case f == nil:
		n.refused = nil
		if !r.Reset.IsZero() {
			n.stated, n.until = r.Remaining, r.Reset
		}
	case f.Kind == bots.Unauthorized && f.Subject == bots.Account:
		n.refused, n.at = f, time.Now()
	}
}

func (a *account) status() Status {
	now := time.Now()
	s := Status{Account: a.Name, Platform: a.Platform, Stated: -1}
	if h, ok := a.Bot.(bots.Heard); ok {
		s.Heard = h.Heard()
	}
	s.Left, s.Waiting, s.Paused = a.pacer.room(now)
	a.notes.mu.Lock()
	defer a.notes.mu.Unlock()
	s.Held = a.notes.held
	if !s.Heard.After(a.notes.at) {
		s.Refused = a.notes.refused
	}
	if a.notes.until.After(now) {
		s.Stated = a.notes.stated
	}
	return s
}

// room is how many requests the account's own limit leaves now, how many wait,
// and until when the platform asked for quiet.
func (p *pacer) room(now time.Time) (left, waiting int, paused time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	left = -1
	if w := &p.account; w.pace.N > 0 {
		left = w.pace.N - w.in(now)
	}
	if p.account.closed.After(now) {
		paused = p.account.closed
	}
	return left, len(p.waiting), paused
}

// observe reports a request, and what it says about the account.
func (a *account) observe(channel, operation string, r bots.Receipt, f *bots.Fault, shown time.Duration) {
	a.notes.answered(r, f)
	if a.engine.Observe == nil {
		return
	}
	outcome := "done"
	if f != nil {
		outcome = string(f.Kind)
	}
	a.engine.Observe(Request{Account: a.Name, Channel: channel, Operation: operation, Outcome: outcome, Shown: shown})
}
