package people

import (
	"sync"
	"time"
)

const (
	hintEvery   = 10 * time.Minute // who just talks is told so this often at most
	mendFor     = 5 * time.Minute  // how long somebody may mend what was not understood
	refuseEvery = time.Minute      // who is no administrator of his group is told so this often at most

	maxSeldom = 10_000 // entries that are remembered
)

// seldom remembers what happened lately. It forgets everything when it would
// grow too large, which makes something that is rare a little less rare.
type seldom struct {
	every time.Duration

	mu   sync.Mutex
	last map[string]time.Time
}

// lately reports whether key was noted within the time.
func (s *seldom) lately(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.last[key]
	return ok && time.Since(at) < s.every
}

// note remembers key from now on.
func (s *seldom) note(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || len(s.last) >= maxSeldom {
		s.last = map[string]time.Time{}
	}
	s.last[key] = time.Now()
}
