package people

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// PerStar is how many paid messages cost a Star
// (core.telegram.org/bots/api#sendmessage).
const PerStar = 10

// Budget is how many messages of a walk will still be paid for, as far as is
// known; nil is a walk that has not begun.
func (w *Walker) Budget(walk *Walk) int {
	if walk == nil {
		walk = &Walk{}
	}
	if !w.purse.open(time.Now()) {
		return 0
	}
	return w.unspent(walk)
}

// unspent is how many messages of a walk there is money for.
func (w *Walker) unspent(walk *Walk) int { return max(w.Paid*PerStar-walk.Paid, 0) }

// unpaid reports whether the budget of what a walk goes on with is spent. Edits
// have none.
func (r *run) unpaid(c *upcoming) bool { return c.round != nil && r.Paid > 0 && r.Budget(c.walk) == 0 }

// pay decides whether the next batch of a walk is paid for: while there is
// money. It returns false where that changes and batches at the
// other pace are still open.
func (r *run) pay(w *Walk) bool {
	if r.Paid <= 0 {
		return true
	}
	pays := r.Budget(w) > 0
	if pays == r.paying {
		return true
	}
	if slices.ContainsFunc(r.open, func(j *job) bool { return !r.beside(j.batch) }) {
		return false
	}
	r.setPaying(pays)
	return true
}

// reckon notes how much of a round is still paid for, and how fast the rest goes.
func (r *run) reckon(w *Walk, round *Round) {
	if r.Paid <= 0 {
		return
	}
	round.Budget, round.Unpaid = r.Budget(w), r.pace.Rate()
	for _, j := range r.open {
		if j.batch.Paid && j.batch.Walk == w.ID {
			round.Budget += len(j.batch.People)
		}
	}
}

// unspend has a walk pay for others in place of those whose messages surely cost
// nothing.
func (r *run) unspend(c *Closing) {
	if w := r.walkOf(c.Batch); w != nil {
		w.Paid -= c.Unspent
	}
}

// stopPaying ends what is being paid for where the platform does not take it: who
// was not told yet is told at no cost.
func (r *run) stopPaying(ctx context.Context) {
	if r.purse.open(time.Now()) {
		return
	}
	for _, j := range r.open {
		if j.batch.Paid {
			j.cancel()
		}
	}
	why, until, first := r.purse.news()
	if why == "" {
		return
	}
	r.Log.Warn("the platform does not take what is to be paid: people are told at no cost", "channel", r.Channel.Name, "answer", why, "until", until)
	if first {
		r.Tell(ctx, fmt.Sprintf("Telegram does not take the Stars (%s). Everybody is told all the same, at no cost and more slowly; it is tried again at %s UTC. "+
			"Paid broadcasts want 10 000 Stars on the bot's balance, and to be switched on in @BotFather.", why, until.UTC().Format("15:04")))
	}
}

func (r *run) setPaying(pays bool) {
	r.paying = pays
	if pays {
		r.Road.SetPace(r.PaidPace)
		return
	}
	r.Road.SetPace(r.pace)
	// Telegram does not say whether what was paid for counts among what is not.
	r.until = later(r.until, time.Now().Add(r.PaidPace.Per+leeway))
}
