package people_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// heeding is a store that hears when a walk has seen a freeze.
type heeding struct {
	people.WalkStore
	heard func()
}

func (h *heeding) Heed(ctx context.Context, lease broadcast.Lease, fence int64) error {
	h.heard()
	return h.WalkStore.Heed(ctx, lease, fence)
}

// Another node's freeze is acknowledged soon, and once it is nothing is begun any
// more: only what is on the wire still arrives.
func TestNothingIsBegunOnceAFreezeIsHeeded(t *testing.T) {
	w := newWorld(t, 400)
	w.inFlight = 1
	var then atomic.Int64
	w.between = func(s people.WalkStore) people.WalkStore {
		return &heeding{s, func() { then.CompareAndSwap(0, int64(w.inboxes.told("One."))) }}
	}
	w.start()
	w.subscribe(nil, numbers(1, 5000)...)
	w.publish("One.", incident.Major)
	w.until("some are told", func() bool { return w.inboxes.told("One.") > 50 })
	elsewhere := desk.New(desk.Config{Store: w.store}) // which wakes nobody here
	_, err := elsewhere.Do(t.Context(), desk.Actor{Name: "Ana", Role: desk.Admin}, "freeze", desk.Stop{Reason: "a slip"})
	if err != nil {
		t.Fatal(err)
	}
	w.until("the freeze is heeded", func() bool { return then.Load() > 0 })
	time.Sleep(time.Second) // in which 400 would be told
	if more := int64(w.inboxes.told("One.")) - then.Load(); more > 1 {
		t.Errorf("%d were told after that, want at most the one on the wire", more)
	}
	walks, err := w.store.Walks(t.Context(), "people")
	if err != nil || len(walks) != 1 || walks[0].Fence != 0 {
		t.Errorf("%+v, %v, want a walk whose fence is taken away", walks, err)
	}
}
