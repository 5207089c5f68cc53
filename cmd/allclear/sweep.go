package main

import (
	"context"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Times of sweeping: not while everything else begins, and then now and then.
const (
	sweepFirst = 10 * time.Minute
	sweepEvery = 6 * time.Hour
)

// sweep keeps the database from growing for ever, until ctx ends.
func (a *app) sweep(ctx context.Context) {
	for wait := sweepFirst; ; wait = sweepEvery {
		bots.Sleep(ctx, wait)
		if ctx.Err() != nil {
			return
		}
		n, err := a.store.Sweep(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			a.log.Warn("old rows stay in the database", "error", err)
		case n > 0:
			a.log.Info("swept the database", "rows", n)
		}
	}
}
