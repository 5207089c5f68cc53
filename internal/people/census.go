package people

import (
	"context"
	"time"
)

// A Census is how many subscribers a bot has.
type Census struct {
	States      map[State]int
	First, Last int64 // the ids between which they are
}

// Times of a census, which looks at everybody.
const (
	countEvery = 10 * time.Minute
	countAgain = time.Second // after a count that failed; twice as long after each further one
)

// count counts the audience now and then, and soon again where that fails.
func (w *Walker) count(ctx context.Context) {
	again := countAgain
	for ctx.Err() == nil {
		c, err := w.Store.Census(ctx, w.Channel.Account)
		switch {
		case err == nil:
			w.census.Store(&c)
			again = countAgain
			pause(ctx, countEvery)
		case ctx.Err() == nil:
			w.Log.Warn("an audience was not counted: it is tried again", "channel", w.Channel.Name, "in", again, "error", err)
			pause(ctx, again)
			again = min(2*again, countEvery)
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
