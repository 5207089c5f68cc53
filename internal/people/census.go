package people

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Census is how many subscribers a bot has.
type Census struct {
	States      map[State]int
	First, Last int64 // the ids between which they are
}

// Times of a census, which looks at everybody.
const (
	countEvery = 10 * time.Minute
	countAgain = time.Second     // after a count that failed; twice as long after each further one
	countedFor = 5 * time.Second // after which it is asked whether many have come since
)

// outgrown reports whether a census does not hold any more where so many ids
// were given since: after a list was imported nobody wants to wait for the next.
// Where all have left it never does, since who comes back gets no new id.
func (c *Census) outgrown(since int64) bool {
	n := 0
	for _, k := range c.States {
		n += k
	}
	return since > int64(n/100) || n > 0 && c.States[Active] == 0
}

// Count counts the audience until ctx ends: now and then, soon again where that
// fails, and where many have come. It does so whoever holds the account, since
// previews are made elsewhere too.
func (w *Walker) Count(ctx context.Context) {
	again := countAgain
	for ctx.Err() == nil {
		newest, err := w.Store.NewestSubscriber(ctx)
		var c Census
		if err == nil {
			c, err = w.Store.Census(ctx, w.Channel.Account)
		}
		switch {
		case err == nil:
			w.census.Store(&c)
			again = countAgain
			w.hold(ctx, &c, newest)
		case ctx.Err() == nil:
			w.Log.Warn("an audience was not counted: it is tried again", "channel", w.Channel.Name, "in", again, "error", err)
			bots.Sleep(ctx, again)
			again = min(2*again, countEvery)
		}
	}
}

// hold returns when a census has to be taken again, before which the newest id
// was this one.
func (w *Walker) hold(ctx context.Context, c *Census, newest int64) {
	for end := time.Now().Add(countEvery); ctx.Err() == nil && time.Now().Before(end); {
		bots.Sleep(ctx, countedFor)
		if now, err := w.Store.NewestSubscriber(ctx); err == nil && c.outgrown(now-newest) {
			return
		}
	}
}

// between is about how many people there are who are written to between two ids;
// 0 where nobody has counted.
func (c *Census) between(lo, hi int64) int {
	if c == nil {
		return 0
	}
	lo, hi = max(lo, c.First-1), min(hi, c.Last)
	if lo >= hi {
		return 0
	}
	return int(float64(c.States[Active]) * float64(hi-lo) / float64(c.Last-c.First+1))
}
