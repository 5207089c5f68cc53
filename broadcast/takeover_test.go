package broadcast_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// moody is a store that answers claims as it is told.
type moody struct {
	broadcast.Store
	away     atomic.Bool // it does not answer
	handOver atomic.Bool // the next renewal is the last
	released chan broadcast.Lease
}

func (m *moody) Claim(ctx context.Context, account string, ttl time.Duration) (broadcast.Lease, bool, error) {
	if m.away.Load() {
		<-ctx.Done() // as a database that is cut off
		return broadcast.Lease{}, false, ctx.Err()
	}
	lease, ok, err := m.Store.Claim(ctx, account, ttl)
	if err == nil && ok && m.handOver.CompareAndSwap(true, false) {
		return lease, false, broadcast.ErrHandOver
	}
	return lease, ok, err
}

func (m *moody) Release(ctx context.Context, lease broadcast.Lease) error {
	err := m.Store.Release(ctx, lease)
	m.released <- lease
	return err
}

// moodySite is a site on such a store, and what runs while the account is held.
func moodySite(t *testing.T) (s *site, m *moody, began, ended chan broadcast.Lease) {
	s = newSite(t, "one")
	m = &moody{Store: s.store, released: make(chan broadcast.Lease, 10)}
	s.config.Store = m
	began, ended = make(chan broadcast.Lease, 10), make(chan broadcast.Lease, 10)
	s.while = func(ctx context.Context, lease broadcast.Lease) {
		began <- lease
		<-ctx.Done()
		ended <- lease
	}
	return s, m, began, ended
}

// A store that does not answer: the node stops by its own clock, before anybody
// else can have the account, and goes on when the store is back.
func TestLeaseRunsOut(t *testing.T) {
	s, m, began, ended := moodySite(t)
	s.start()
	first := <-began
	m.away.Store(true)
	if got := <-ended; got != first {
		t.Errorf("%+v ended, want %+v", got, first)
	}
	m.away.Store(false)
	<-began
	s.publish("Nobody can log in.")
	s.waitFor(1, "post sent")
}

// An account that another node should have is given back.
func TestHandOver(t *testing.T) {
	s, m, began, ended := moodySite(t)
	s.config.Lease = time.Second
	s.start()
	first := <-began
	m.handOver.Store(true)
	if got := <-ended; got != first {
		t.Errorf("%+v ended, want %+v", got, first)
	}
	if got := <-m.released; got != first {
		t.Errorf("%+v is given back, want %+v", got, first)
	}
	if second := <-began; second.Epoch <= first.Epoch { // nobody else wanted it
		t.Errorf("epoch %d after %d", second.Epoch, first.Epoch)
	}
}

// away is a store that cannot record for a while, longer than a lease lasts.
type away struct {
	broadcast.Store
	until   atomic.Pointer[time.Time]
	attempt atomic.Bool // was refused
}

func (a *away) Record(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, step broadcast.Step, attempt int64, out broadcast.Outcome) error {
	if time.Now().Before(*a.until.Load()) {
		a.attempt.Store(true)
		return errors.New("the database is away")
	}
	return a.Store.Record(ctx, lease, l, step, attempt, out)
}

func (a *away) Claim(ctx context.Context, account string, ttl time.Duration) (broadcast.Lease, bool, error) {
	if a.attempt.Load() && time.Now().Before(*a.until.Load()) {
		return broadcast.Lease{}, false, errors.New("the database is away")
	}
	return a.Store.Claim(ctx, account, ttl)
}

// The database is away for longer than the lease lasts, after a request was
// answered: the answer is recorded when it is back, and nothing becomes unsure.
func TestAnswerOutlivesTheLease(t *testing.T) {
	s := newSite(t, "one")
	s.config.Lease, s.config.Grace = time.Second, 100*time.Millisecond
	until := time.Now().Add(4 * time.Second)
	a := &away{Store: s.store}
	a.until.Store(&until)
	s.config.Store = a
	s.start()
	s.publish("Nobody can log in.")
	s.waitFor(1, "post sent")
	if !a.attempt.Load() {
		t.Error("the database was there all the time")
	}
	if got := s.platform.texts("Nobody"); len(got) != 1 {
		t.Errorf("%d posts, want 1", len(got))
	}
}

// vague is a store that does not know in time whether it has the first attempt. The
// account is lost meanwhile.
type vague struct {
	*moody
	begun atomic.Int64
}

func (v *vague) Begin(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, a broadcast.Attempt) (int64, error) {
	if v.away.Load() {
		return 0, errors.New("it does not answer")
	}
	id, err := v.moody.Begin(ctx, lease, l, a)
	if v.begun.Add(1) == 1 && err == nil {
		v.away.Store(true)
		return 0, errors.New("it is not known whether this was stored")
	}
	return id, err
}

// What was journalled all the same was not sent: it is sent now, and nobody is asked
// whether it may have arrived.
func TestAttemptThatWasNotKnownToBeJournalled(t *testing.T) {
	s, m, began, ended := moodySite(t)
	s.config.Store = &vague{moody: m}
	s.publish("Nobody can log in.")
	s.start()
	<-began
	<-ended
	m.away.Store(false)
	s.waitFor(1, "post sent")
	if got := s.platform.texts("Nobody"); len(got) != 1 {
		t.Errorf("%d posts, want 1", len(got))
	}
}
