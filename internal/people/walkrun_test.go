package people_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// goneStore is a store that cannot be reached for a while, from the first step on
// for which that is to begin.
type goneStore struct {
	people.WalkStore
	begins func(people.Step) bool
	long   time.Duration
	mu     sync.Mutex
	began  time.Time
}

var errGoneStore = errors.New("the database cannot be reached")

func (s *goneStore) reach(step people.Step) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() && s.begins(step) {
		s.began = time.Now()
	}
	if time.Since(s.began) < s.long {
		return errGoneStore
	}
	return nil
}

func (s *goneStore) Walk(ctx context.Context, lease broadcast.Lease, step people.Step) error {
	if err := s.reach(step); err != nil {
		return err
	}
	return s.WalkStore.Walk(ctx, lease, step)
}

func (s *goneStore) Walks(ctx context.Context, channel string) ([]*people.Walk, error) {
	if err := s.reach(people.Step{}); err != nil {
		return nil, err
	}
	return s.WalkStore.Walks(ctx, channel)
}

func (s *goneStore) OpenBatches(ctx context.Context, channel string) ([]*people.Batch, error) {
	if err := s.reach(people.Step{}); err != nil {
		return nil, err
	}
	return s.WalkStore.OpenBatches(ctx, channel)
}

// Nobody is passed over when the database cannot be reached as a round is to go
// back, or a batch to be opened, while the account has to wait for so long that there
// is no speed any more.
func TestTheDatabaseIsGoneForAWhile(t *testing.T) {
	for name, begins := range map[string]func(step people.Step, waits time.Duration) bool{
		"as a round goes back": func(step people.Step, waits time.Duration) bool {
			return waits > stalled-time.Second && len(step.Close) > 0 && step.Close[0].Back
		},
		"as a batch is opened": func(step people.Step, waits time.Duration) bool {
			return waits > stalled-time.Second && step.Open != nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 100)    // slow enough for a speed to be known
			var refused atomic.Int64 // when the account was told to wait
			w.between = func(s people.WalkStore) people.WalkStore {
				return &goneStore{WalkStore: s, long: 3 * time.Second, begins: func(step people.Step) bool {
					at := refused.Load()
					return at > 0 && begins(step, time.Since(time.Unix(0, at)))
				}}
			}
			w.inboxes.refusing(func(int64) string {
				if w.inboxes.told("One.") < 300 || refused.Load() > 0 && time.Since(time.Unix(0, refused.Load())) > time.Second {
					return ""
				}
				refused.CompareAndSwap(0, time.Now().UnixNano())
				return `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 20","parameters":{"retry_after":20}}`
			})
			w.start()
			w.subscribe(nil, numbers(1, 400)...)
			w.publish("One.", incident.Critical)
			w.idle()
			if n, p := w.inboxes.told("One."), w.progress("INC-1/1"); n != 400 || p.Told != 400 {
				t.Errorf("%d of 400 are told: %+v", n, p)
			}
		})
	}
}

// stalled is after how long without anybody told a speed is none any more.
const stalled = 10 * time.Second
