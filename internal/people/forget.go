package people

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// What is kept of a chat that left by blocking the bot, or that is no more, is
// kept for a while, since many come back.
const (
	keepLeft    = 30 * 24 * time.Hour
	forgetEvery = 24 * time.Hour
	forgetAgain = time.Hour // where it failed
)

// forget erases, once a day, who left long ago.
func (a *Audience) forget(ctx context.Context) {
	for ctx.Err() == nil {
		next := forgetEvery
		n, err := a.Store.ForgetSubscribers(ctx, a.Account, time.Now().Add(-keepLeft))
		switch {
		case err != nil && ctx.Err() == nil:
			next = forgetAgain
			a.Log.Warn("who left long ago is not forgotten: it is tried again", "account", a.Account, "in", next, "error", err)
		case n > 0:
			a.Log.Info("who left long ago is forgotten", "account", a.Account, "subscribers", n)
		}
		bots.Sleep(ctx, next)
	}
}
