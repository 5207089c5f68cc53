package bots

import (
	"context"
	"time"
)

// Sleep waits for d, or until ctx ends, which it leaves to its caller to ask.
func Sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
