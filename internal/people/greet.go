package people

import (
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Times of greeting a group into which the bot was put.
const (
	greetAfter = 2 * time.Second
	metFor     = 10 * time.Second // how long a group counts as one that knows us
)

// greet has a group greeted, unless it turns out within a moment that it knows
// us: somebody there has spoken with us, or it was a group before and becomes a
// supergroup. Telegram tells of that in several updates, in no certain order.
func (a *Audience) greet(p pending) {
	time.AfterFunc(greetAfter, func() {
		if !a.met.lately(p.event.Chat) {
			a.answers.add(p)
		}
	})
}

// meet notes of what was heard which chats are new only by their number.
func (a *Audience) meet(events []bots.Event) {
	for _, e := range events {
		if e.Kind == bots.Migrated {
			a.met.note(e.To)
		}
	}
}
