package broadcast_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// halting is the store of a process that is halted when its first attempt has
// been committed, and wakes up when its lease is over.
type halting struct {
	broadcast.Store
	halted atomic.Bool // it cannot renew its lease
	begun  atomic.Int32

	mu   sync.Mutex
	lost bool          // the account is not held: a slow machine may lose it before
	over chan struct{} // closed when the process wakes up
}

func newHalting(s broadcast.Store) *halting { return &halting{Store: s, over: make(chan struct{})} }

// while runs while the account is held.
func (h *halting) while(ctx context.Context, _ broadcast.Lease) {
	h.holds(true)
	<-ctx.Done()
	h.holds(false)
}

func (h *halting) holds(yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = !yes
	h.wake()
}

// wake ends the halt where the lease is over. The mutex is held.
func (h *halting) wake() {
	if !h.lost || !h.halted.Load() {
		return
	}
	select {
	case <-h.over:
	default:
		close(h.over)
	}
}

// halt returns when the lease is over.
func (h *halting) halt() {
	h.mu.Lock()
	h.halted.Store(true)
	h.wake()
	h.mu.Unlock()
	<-h.over
}

func (h *halting) Claim(ctx context.Context, account string, ttl time.Duration) (broadcast.Lease, bool, error) {
	if h.halted.Load() {
		return broadcast.Lease{}, false, errors.New("halted")
	}
	return h.Store.Claim(ctx, account, ttl)
}

func (h *halting) Begin(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, a broadcast.Attempt) (int64, error) {
	id, err := h.Store.Begin(ctx, lease, l, a)
	if h.begun.Add(1) == 1 {
		h.halt()
	}
	return id, err
}

// A process is halted between the commit of an attempt and its bytes, and wakes
// up when another node may have taken the post for lost and sent it again.
func TestHaltedBetweenCommitAndBytes(t *testing.T) {
	s := newSite(t, "one")
	s.config.Lease = time.Second
	h := newHalting(s.store)
	s.config.Store, s.while = h, h.while
	s.publish("Nobody can log in.")
	s.start()
	<-h.over
	end := time.Now().Add(10 * time.Second)
	for open := 1; open > 0; {
		attempts, err := s.store.Unanswered(t.Context(), "bot")
		if err != nil || time.Now().After(end) {
			t.Fatalf("the attempt has no end: %v", err)
		}
		open = len(attempts)
	}
	if got := s.states(1); got != "post pending" {
		t.Errorf("the delivery is %q, want post pending", got)
	}
	if got := s.platform.texts(""); len(got) != 0 {
		t.Errorf("sent without a right to: %q", got)
	}
	h.halted.Store(false)
	s.waitFor(1, "post sent")
	if got := s.platform.texts("Nobody"); len(got) != 1 {
		t.Errorf("%d posts, want 1", len(got))
	}
}

// prober is a bot whose probe is one request for each id. It is halted before the
// second one until its lease is over.
type prober struct {
	*bot
	halt func()
}

func (p *prober) Probe(ctx context.Context, op bots.Operation, ids []string) (bots.Receipt, bool, error) {
	for i, id := range ids {
		if i == 1 {
			p.halt()
		}
		// Without the context's end: after a halt it may come later than this.
		_, err := p.Do(context.WithoutCancel(ctx), bots.Operation{Action: bots.Edit, Target: op.Target, Message: id, Text: "probe " + id})
		if err != nil {
			return bots.Receipt{}, false, err
		}
	}
	return bots.Receipt{}, false, nil
}

// A process is halted in the middle of a probe, and wakes up when another node
// may have posted to the channel: the next id may be that of its message.
func TestHaltedInAProbe(t *testing.T) {
	s := newSite(t, "one")
	s.config.Lease = time.Second
	h := newHalting(s.store)
	h.begun.Store(1) // attempts are not halted
	s.config.Store, s.while = h, h.while
	probed := make(chan struct{})
	s.config.Accounts[0].Bot = &prober{bot: s.bot(), halt: func() {
		h.halt()
		close(probed)
	}}
	s.start()
	s.publish("one")
	s.waitFor(1, "post sent")
	s.platform.mu.Lock()
	s.platform.answer = func(w http.ResponseWriter, op bots.Operation) bool {
		if op.Action != bots.Post {
			return false
		}
		http.Error(w, "", http.StatusBadGateway)
		return true
	}
	s.platform.mu.Unlock()
	s.update("two")
	<-probed
	s.halt()
	if got := s.platform.texts("probe"); len(got) != 1 {
		t.Errorf("probed %q, want no more than the first", got)
	}
}
