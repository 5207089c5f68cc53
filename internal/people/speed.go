package people

import "time"

// speed measures how fast people are told, by walk.
type speed struct {
	since map[int64]time.Time
	n     map[int64]int
	last  map[int64]float64
}

// measured is for how long a speed is measured.
const measured = 5 * time.Second

func (s *speed) add(now time.Time, walk int64, n int) {
	if s.since == nil {
		s.since, s.n, s.last = map[int64]time.Time{}, map[int64]int{}, map[int64]float64{}
	}
	if s.since[walk].IsZero() {
		s.since[walk] = now
		return
	}
	s.n[walk] += n
	if d := now.Sub(s.since[walk]); d >= measured {
		s.last[walk] = float64(s.n[walk]) / d.Seconds()
		s.since[walk], s.n[walk] = now, 0
	}
}

// forget has a walk measured anew.
func (s *speed) forget(walk int64) {
	delete(s.since, walk)
	delete(s.n, walk)
	delete(s.last, walk)
}

func (s *speed) of(now time.Time, walk int64) float64 {
	if d := now.Sub(s.since[walk]); s.last[walk] == 0 && !s.since[walk].IsZero() && d > time.Second {
		return float64(s.n[walk]) / d.Seconds()
	}
	return s.last[walk]
}
