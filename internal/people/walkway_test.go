package people_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// held is a courier whose parcels leave, and are answered when the gate opens.
type held struct {
	gate chan struct{}
	last atomic.Int64
	mu   sync.Mutex
	left []string // in the order in which they did
}

func (c *held) Pack(text string) (bots.Parcel, error) { return bots.Parcel(text), nil }

func (c *held) Deliver(_ context.Context, p bots.Parcel, to bots.Address) (int64, error) {
	if err := to.Leaves(); err != nil {
		return 0, &bots.Fault{Kind: bots.Temporary, Detail: err.Error()}
	}
	c.mu.Lock()
	c.left = append(c.left, string(p))
	c.mu.Unlock()
	<-c.gate
	return c.last.Add(1), nil
}

// saying lists which of the messages that left say some words.
func (c *held) saying(words string) (out []int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for k, text := range c.left {
		if strings.Contains(text, words) {
			out = append(out, k)
		}
	}
	return out
}

// The first words about something as grave do not wait for the batches of what is
// being told. In the end everybody has both.
func TestTheFirstWordsOfSomethingGraveDoNotWait(t *testing.T) {
	const many, flying = 2*people.MaxBatch + 100, 20
	w := newWorld(t, 0)
	c := &held{gate: make(chan struct{})}
	w.courier, w.inFlight, w.counts = c, flying, &counts{}
	w.start()
	for part := range slices.Chunk(numbers(1, many), 500) {
		w.subscribe(nil, part...)
	}
	w.publish("One.", incident.Major)
	w.until("two batches", func() bool { return w.counts.opened() == 2 && len(c.saying("One.")) == flying })
	w.publish("Two.", incident.Major)
	close(c.gate)
	w.idle()
	one, two := c.saying("One."), c.saying("Two.")
	if len(one) != many || len(two) != many {
		t.Fatalf("%d and %d messages, want %d of each", len(one), len(two), many)
	}
	if two[0] != flying {
		t.Errorf("the first words of the second left after %d messages of the first, of which %d were under way", two[0], flying)
	}
}

// Walks beside each other begin well apart, so that none comes to people whom
// another has just written to.
func TestWalksBesideEachOtherBeginApart(t *testing.T) {
	const many, apart = 3000, 20 * 30 // as many as are told in so many seconds
	w := newWorld(t, 30)
	w.start()
	for part := range slices.Chunk(numbers(1, many), 500) {
		w.subscribe(nil, part...)
	}
	var walks []*people.Walk
	for n, words := range []string{"One.", "Two.", "Three."} {
		w.publish(words, incident.Major)
		w.until("a walk has begun", func() bool {
			var err error
			if walks, err = w.store.Walks(t.Context(), "people"); err != nil {
				t.Fatal(err)
			}
			return len(walks) == n+1 && len(walks[n].Rounds) > 0
		})
	}
	var starts []int64
	for _, walk := range walks {
		starts = append(starts, walk.Rounds[0].Start)
	}
	slices.Sort(starts)
	for k := range starts[1:] {
		if starts[k+1]-starts[k] < apart {
			t.Errorf("they begin at %v, want %d between them", starts, apart)
		}
	}
}
