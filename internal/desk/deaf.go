package desk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Times of listening.
const (
	relisten     = 3 * time.Second  // how long a room stays deaf after listening broke off
	relistenBusy = 30 * time.Second // at most, while somebody else hears what is meant for us
	relistenNot  = 2 * time.Minute  // at most, while we are refused: platforms count such attempts
	hearsAgain   = time.Minute      // of listening without a break, after which all is well again
)

// ear is whether an account hears what is typed, as its rooms know it.
type ear struct {
	rooms   *Rooms
	account string
	out     *outbox
	stuck   untaken

	mu     sync.Mutex
	breaks int  // in a row, without a while in between in which all was well
	deaf   bool // and the rooms were told
}

// refused reports whether listening ended because the platform will not have
// us, or gives what is meant for us to somebody else.
func refused(f bots.Fault) bool { return f.Kind == bots.Unauthorized || f.Code == "409" }

// broke tells the rooms, once, that an account does not hear. That somebody else
// hears instead is told the second time: when one server takes the place of
// another, both do for a moment.
func (e *ear) broke(ctx context.Context, f bots.Fault) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.deaf || !refused(f) {
		return
	}
	if e.breaks++; e.breaks == 1 && f.Kind != bots.Unauthorized {
		return
	}
	e.deaf = e.tell(ctx, fmt.Sprintf("What is typed through %s does not all arrive: %s. Publishing goes on; so do commands from a shell.", e.account, f.Detail))
}

// fine tells the rooms that it hears again, if they think otherwise.
func (e *ear) fine(ctx context.Context) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.breaks = 0
	if e.deaf {
		e.deaf = !e.tell(ctx, fmt.Sprintf("What is typed through %s arrives again.", e.account))
	}
}

// tell says something in all rooms but those for drills, unless that cannot be
// stored.
func (e *ear) tell(ctx context.Context, text string) bool {
	if err := e.rooms.Tell(ctx, false, text); err != nil {
		e.rooms.Log.Warn("the rooms were not told", "account", e.account, "error", err)
		return false
	}
	return true
}

// Listen hears one account until ctx ends, and waits for the answers that are
// under way.
func (r *Rooms) Listen(ctx context.Context, account string, bot bots.Listener) {
	out := newOutbox(ctx, r.Log)
	defer out.wait()
	r.catchUp(ctx, account, out)
	e := &ear{rooms: r, account: account, out: out}
	pause := relisten
	for ctx.Err() == nil {
		began := time.Now()
		cursor, err := r.Cursor(ctx, account)
		if err == nil {
			well := time.AfterFunc(hearsAgain, func() { e.fine(ctx) })
			err = bot.Listen(ctx, cursor, e.hear)
			well.Stop()
		}
		if ctx.Err() != nil {
			return
		}
		r.Log.Warn("listening broke off", "account", account, "error", err)
		if time.Since(began) > hearsAgain {
			pause = relisten
		}
		e.broke(ctx, faultOf(err))
		bots.Sleep(ctx, pause)
		pause = nextPause(pause, faultOf(err))
	}
}

// nextPause is how long to wait after one more attempt in vain.
func nextPause(pause time.Duration, f bots.Fault) time.Duration {
	switch {
	case !refused(f):
		return relisten
	case f.Kind == bots.Unauthorized:
		return min(2*pause, relistenNot)
	}
	return min(2*pause, relistenBusy)
}
