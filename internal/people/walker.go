package people

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// WalkStore keeps walks. It is implemented by [*store.Store].
type WalkStore interface {
	// Walks loads the walks of an audience that have something to do.
	Walks(ctx context.Context, channel string) ([]*Walk, error)
	// OpenBatches loads what an earlier life left open.
	OpenBatches(ctx context.Context, channel string) ([]*Batch, error)
	// Walk takes a step. What ended is kept; what is to be opened is refused
	// with broadcast.ErrChanged, ErrFrozen or, with everything else, ErrLost.
	Walk(ctx context.Context, lease broadcast.Lease, step Step) error
	// Follow keeps where the platform moved somebody, before the step that closes
	// his batch. It returns false where he is not who is there now: another
	// subscriber is, or nobody. With another's lease it is refused with ErrLost.
	Follow(ctx context.Context, lease broadcast.Lease, subscriber int64, m Move) (himself bool, err error)
	// Heed tells other nodes that nothing is begun any more that was frozen when
	// a fence was raised, and before.
	Heed(ctx context.Context, lease broadcast.Lease, fence int64) error
	// Rows loads what people between two ids were told.
	Rows(ctx context.Context, w *Walk, lo, hi int64) ([]Row, error)
	// Again lists whom a round tells once more, from after somebody on.
	Again(ctx context.Context, round, after int64, limit int) ([]int64, error)
	// Resends is how often people were sent something that an audience is being
	// told without an answer, and wait for it once more.
	Resends(ctx context.Context, channel string) (map[Resend]int, error)
	// Vacant is how long ago the right of who held the account before ended,
	// where that is known.
	Vacant(ctx context.Context, account string) (ago time.Duration, known bool, err error)
	// NextTold is after whom the next people begin who were told anything.
	NextTold(ctx context.Context, w *Walk, place int64) (next int64, ok bool, err error)
	// Outdated finds people whose message shows something else than it should, and no
	// tombstone, but not those of some rows.
	Outdated(ctx context.Context, walk int64, update, shows int, but []int64) (*Row, error)
	// SubscribersIn lists those of a bot after lo, up to hi.
	SubscribersIn(ctx context.Context, bot string, lo, hi int64, limit int) ([]Subscriber, error)
	// NextConcerned is after whom the first comes whom something may concern.
	NextConcerned(ctx context.Context, bot string, place int64, concerned func(*Subscriber) bool) (next int64, ok bool, err error)
	Census(ctx context.Context, bot string) (Census, error)
	// NewestSubscriber is the largest id of a subscriber, whichever bot he is of.
	NewestSubscriber(ctx context.Context) (int64, error)
}

// Road is the way to the platform. It is implemented by [*broadcast.Road].
type Road interface {
	Turn(ctx context.Context, wish broadcast.Wish) (broadcast.Place, error)
	SetPace(pace bots.Pace)
	Wrote(people []int64, at time.Time)
	Rightful(now time.Time) error
	Write(ch broadcast.Channel, i *incident.Incident, language string, l broadcast.Letter) (string, error)
}

// Rules are an operator's choices about what is told.
type Rules struct {
	EditOnly   bool // wrong words are corrected by editing alone
	Translated bool // who reads a language in which an update is not written waits until it is
}

// WalkerConfig is what a walker needs.
type WalkerConfig struct {
	Channel broadcast.Channel // the audience
	Bot     bots.Bot          // a Courier
	Store   WalkStore
	Road    Road // of its account
	Journal *Journal
	Rules
	Resend   bool      // what left without an answer is sent again, instead of taken to be there
	Ask      bool      // what is unsure in the end is shown until a person settles it
	InFlight int       // requests that wait for answers at most; 0 is as many as the pace needs
	Paid     int       // Stars for each incident, a tenth for each message
	PaidPace bots.Pace // of what is paid for
	Language string
	// Public reports whether each public channel has an answer about an update.
	Public  func(ctx context.Context, ref incident.Ref, update int) (bool, error)
	Changed func(ref string)                       // after each step, without blocking; may be nil
	Tell    func(ctx context.Context, text string) // says something about the audience in the rooms; may be nil
	Log     *slog.Logger
}

// Times of a walker.
const (
	publicFirst = 15 * time.Second       // that an audience waits for public channels
	stretch     = 250 * time.Millisecond // of sending in a batch
	ahead       = 200 * time.Millisecond // that a batch goes on after the answers to the one before it are expected: time to open the next
	patience    = 2 * time.Second        // that somebody in a batch waits for his turn; then who he is and what he wants is read again
	slowAfter   = time.Second            // without an answer, after which a batch no longer keeps others from being opened
	lookEvery   = 250 * time.Millisecond // at what other nodes did
	troubled    = time.Second            // of rest after a request that did not leave
	lateEvery   = 5 * time.Second        // that those are tried again who have to wait for long
	barredFor   = time.Minute            // of rest where the account cannot write at all
)

// maxBatches batches are being sent at the same time: with two, one is sent while
// the last answers of the other are awaited.
const maxBatches = 2

// mostOpen batches are open, with those of which late answers are awaited.
const mostOpen = 6

// Walker writes to the audience of one bot while its account is held here.
type Walker struct {
	WalkerConfig
	courier bots.Courier
	pace    bots.Pace
	stirred chan struct{}          // capacity 1: look again
	census  atomic.Pointer[Census] // nil while nobody has counted
	sent    atomic.Int64
	unsure  atomic.Int64
	left    leavers
	purse   purse
	outage  outage
	trouble atomic.Pointer[trouble] // nil while messages get through
	keeping sync.Mutex              // held while the store takes a step

	gate sync.RWMutex                  // held to read while a message leaves
	shut atomic.Pointer[chan struct{}] // closed when the gate opens; nil while it is open
}

// NewWalker returns a walker. Its bot must be a Courier.
func NewWalker(c WalkerConfig) (*Walker, bool) {
	courier, ok := c.Bot.(bots.Courier)
	if c.Changed == nil {
		c.Changed = func(string) {}
	}
	if c.Tell == nil {
		c.Tell = func(context.Context, string) {}
	}
	w := &Walker{WalkerConfig: c, courier: courier, pace: c.Bot.Limits().Account, stirred: make(chan struct{}, 1)}
	w.purse.few = int(max(c.PaidPace.Rate()/4, 3*w.pace.Rate()))
	return w, ok
}

// Look has the walker see what was said, corrected, retracted or frozen. When
// it returns no message is begun before that was seen.
func (w *Walker) Look() {
	w.gate.Lock()
	if w.shut.Load() == nil {
		shut := make(chan struct{})
		w.shut.Store(&shut)
	}
	w.gate.Unlock()
	select {
	case w.stirred <- struct{}{}:
	default:
	}
}

// let opens the gate.
func (w *Walker) let() {
	w.gate.Lock()
	defer w.gate.Unlock()
	if shut := w.shut.Swap(nil); shut != nil {
		close(*shut)
	}
}

// pass waits while the gate is shut. What passes may find it shut when it is to
// leave, but takes no connection up to wait there.
func (w *Walker) pass(ctx context.Context) error {
	for shut := w.shut.Load(); shut != nil; shut = w.shut.Load() {
		select {
		case <-*shut:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// leave runs f, with which a message leaves now, unless ctx or the right to the
// account has ended. While the gate is shut it waits.
func (w *Walker) leave(ctx context.Context, f func(now time.Time)) error {
	for {
		if err := w.pass(ctx); err != nil {
			return err
		}
		w.gate.RLock()
		if w.shut.Load() == nil {
			now := time.Now()
			err := w.Road.Rightful(now)
			if err == nil {
				f(now)
			}
			w.gate.RUnlock()
			return err
		}
		w.gate.RUnlock()
	}
}

// Numbers are what is counted for people who watch.
type Numbers struct {
	People int           // who are written to; 0 while nobody has counted
	States map[State]int // subscribers; nil while nobody has counted
	Sent   int           // since the start
	Unsure int
}

// Numbers tells what was counted.
func (w *Walker) Numbers() Numbers {
	n := Numbers{Sent: int(w.sent.Load()), Unsure: int(w.unsure.Load())}
	if c := w.census.Load(); c != nil {
		n.States, n.People = c.States, c.States[Active]
	}
	return n
}

// Run walks until ctx ends.
func (w *Walker) Run(ctx context.Context, lease broadcast.Lease) {
	r := newRun(ctx, w, lease)
	for ctx.Err() == nil {
		err := r.work(ctx)
		if ctx.Err() != nil || errors.Is(err, broadcast.ErrLost) {
			break
		}
		w.Log.Error("an audience is not written to for a moment", "channel", w.Channel.Name, "error", err)
		r.at = time.Time{} // what was not answered may or may not have been stored
		bots.Sleep(ctx, time.Second)
	}
	r.end()
}
