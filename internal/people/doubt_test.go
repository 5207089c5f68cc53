package people_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// doubts is a store that looks after each step how many people it knows nothing
// of, as another node would that has to go on.
type doubts struct {
	people.WalkStore
	mu      sync.Mutex
	most    int  // people at a time
	largest int  // batch
	seen    bool // enough: it looks no more
	err     error
}

func (d *doubts) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	err := d.WalkStore.Walk(ctx, lease, step)
	open, failed := d.OpenBatches(ctx, "people")
	n := 0
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen {
		return err
	}
	for _, b := range open {
		d.largest = max(d.largest, len(b.People))
		for _, p := range b.People {
			if !p.Kept {
				n++
			}
		}
	}
	d.most = max(d.most, n)
	if d.err == nil {
		d.err = failed
	}
	return err
}

// However late some answers are, others are told meanwhile, and never more than
// two batches are in doubt.
func TestAtMostTwoBatchesAreInDoubt(t *testing.T) {
	w := newWorld(t, 400)
	d := &doubts{}
	w.between = func(s people.WalkStore) people.WalkStore { d.WalkStore = s; return d }
	w.start()
	const n = 800
	w.subscribe(nil, numbers(1, n)...)
	late := []int64{5, 150, 320}
	answer := make(chan struct{})
	w.inboxes.refusing(func(chat int64) string {
		if slices.Contains(late, chat) {
			select {
			case <-answer:
			case <-time.After(time.Minute):
			}
		}
		return ""
	})
	w.publish("One.", incident.Major)
	w.until("most are told although some answers are late", func() bool { return w.inboxes.told("One.") >= 600 })
	d.mu.Lock()
	d.seen = true // once the late answers have come, batches are as large as for slow ones
	d.mu.Unlock()
	close(answer)
	w.idle()
	for chat := int64(1); chat <= n; chat++ {
		w.want(chat, "One.")
	}
	walks, err := w.store.WalksOf(t.Context(), incident.Ref{Prefix: "INC", Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r := walks["people"].Rounds[0]; r.Told+r.Unsure != n || r.Failed != 0 {
		t.Errorf("the round is %+v, want %d told", r, n)
	}
	w.update("INC-1", "Two.", "")
	w.idle()
	for chat := int64(1); chat <= n; chat++ {
		if !slices.Contains(late, chat) {
			w.want(chat, "One.", ">Two.")
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// Two of the size that a batch may have, which is a little more than the
	// largest one has while answers get slower. Without a bound it would be four.
	if d.err != nil || d.most > 3*d.largest {
		t.Errorf("%d were in doubt at a time, with batches of up to %d, %v", d.most, d.largest, d.err)
	}
	t.Logf("at most %d were in doubt, with batches of up to %d", d.most, d.largest)
}
