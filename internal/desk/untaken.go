package desk

import (
	"context"
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
	key   string
	since time.Time
	told  bool
}

// hear handles an event. Whoever did something that cannot be stored is told so,
// and no command is lost without a word.
func (e *ear) hear(ctx context.Context, ev bots.Event) error {
	err := e.rooms.handle(ctx, e.account, e.out, ev)
	switch {
	case err == nil:
		e.stuck = untaken{}
	case ctx.Err() == nil:
		e.waits(ev)
	case ev.Cursor == "": // the platform does not deliver it again
		e.answer(ev, notTaken)
	}
	return err
}

// waits tells a person, once, that an event is not stored yet.
func (e *ear) waits(ev bots.Event) {
	if e.stuck.key != ev.Key {
		e.stuck = untaken{key: ev.Key, since: time.Now()}
	}
	if !e.stuck.told && time.Since(e.stuck.since) >= waitsAfter {
		e.stuck.told = true
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
