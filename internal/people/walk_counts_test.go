package people_test

import (
	"context"
	"sync"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/people"
)

// counts is a store that counts what a walk asks of it.
type counts struct {
	people.WalkStore
	mu      sync.Mutex
	batches int // opened
	steps   int
	looks   int   // at subscribers and at what they were told
	page    int   // the most subscribers at a time
	seen    int   // subscribers, in all
	widest  int64 // the most ids that were gone over at a time
	rows    int   // the most receipts' rows
}

func (c *counts) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	c.mu.Lock()
	c.steps++
	if step.Open != nil {
		c.batches++
	}
	c.mu.Unlock()
	return c.WalkStore.Walk(ctx, lease, step)
}

func (c *counts) Rows(ctx context.Context, w *people.Walk, lo, hi int64) ([]people.Row, error) {
	rows, err := c.WalkStore.Rows(ctx, w, lo, hi)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	c.rows = max(c.rows, len(rows))
	return rows, err
}

func (c *counts) SubscribersIn(ctx context.Context, bot string, lo, hi int64, limit int) ([]people.Subscriber, error) {
	page, err := c.WalkStore.SubscribersIn(ctx, bot, lo, hi, limit)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	c.page = max(c.page, len(page))
	c.widest = max(c.widest, hi-lo)
	c.seen += len(page)
	return page, err
}

// opened is how many batches were.
func (c *counts) opened() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.batches
}

// lookedAt is how many subscribers were read.
func (c *counts) lookedAt() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen
}
