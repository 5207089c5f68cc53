package broadcast

import (
	"errors"
	"sync"
	"time"
)

// unsent are attempts that were not made, since it was not known in time whether
// they were journalled. Found in the journal later, they would be taken for ones
// that may have arrived. It is safe for use by many goroutines.
type unsent struct {
	mu   sync.Mutex
	that map[unmade]bool
}

// unmade names an attempt whose id is not known.
type unmade struct{ lane, began int64 }

// note remembers an attempt, unless the store refused it.
func (u *unsent) note(lane int64, began time.Time, err error) {
	if errors.Is(err, ErrChanged) || errors.Is(err, ErrFrozen) || errors.Is(err, ErrLost) || errors.Is(err, ErrGone) {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.that == nil {
		u.that = map[unmade]bool{}
	}
	u.that[unmade{lane, began.UnixMicro()}] = true // as a store keeps times
}

func (u *unsent) has(t Attempt) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.that[unmade{t.Lane, t.Began.UnixMicro()}]
}

func (u *unsent) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.that = nil
}
