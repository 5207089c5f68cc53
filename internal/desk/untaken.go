package desk

import (
	"context"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// waitsAfter is how long an event cannot be stored before the person is told: a
// database that was started again is back sooner.
const waitsAfter = 2 * time.Second

// What is said of an event that cannot be stored.
const (
	notYet   = "This waits: the database cannot be written now. It is answered as soon as it is done or given up."
	notTaken = "This was not stored before I had to stop listening. Look at /show when I hear again, then repeat it."
)

// untaken is the event that an ear cannot get stored. There is one at most: all
// after it wait for it.
type untaken struct {
	mu    sync.Mutex
	key   string
	since time.Time // zero when there is none
	told  bool
}

// begin notes that an event is to be stored, for the first time or once more.
func (u *untaken) begin(key string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.key != key || u.since.IsZero() {
		u.key, u.since, u.told = key, time.Now(), false
	}
}

// end notes that it is stored.
func (u *untaken) end() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.since = time.Time{}
}

// due reports, once, that an event has not been stored for a while.
func (u *untaken) due(key string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.key != key || u.since.IsZero() || u.told || time.Since(u.since) < waitsAfter {
		return false
	}
	u.told = true
	return true
}

// hear handles an event. Whoever did something that cannot be stored is told so,
// and no command is lost without a word. A database that is away may refuse at
// once, or say nothing for long.
func (e *ear) hear(ctx context.Context, ev bots.Event) error {
	if err := e.rooms.known(ctx, e.account, ev); err != nil {
		return err
	}
	e.stuck.begin(ev.Key)
	silent := time.AfterFunc(waitsAfter, func() { e.waits(ev) })
	err := e.rooms.handle(ctx, e.account, e.out, ev)
	silent.Stop()
	switch {
	case err == nil:
		e.stuck.end()
	case ctx.Err() == nil:
		e.waits(ev)
	case ev.Cursor == "": // the platform does not deliver it again
		e.answer(ev, notTaken)
	}
	return err
}

// waits tells a person, once, that an event is not stored yet.
func (e *ear) waits(ev bots.Event) {
	if e.stuck.due(ev.Key) {
		e.answer(ev, notYet)
	}
}

// answer says something to whoever did something in a room.
func (e *ear) answer(ev bots.Event, text string) {
	room, ok := e.rooms.where(e.account, ev)
	if !ok {
		return
	}
	h := heard{account: e.account, room: room, ev: ev}
	e.out.add(e.account, errand{send: func(ctx context.Context) { e.rooms.tell(ctx, h, text) }})
}
