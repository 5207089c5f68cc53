package people

// A stride is how a round for everybody goes on: it looks at one subscriber after
// the other, and, where that finds almost nobody whom it concerns, asks who comes
// next.
type stride struct {
	round int64
	few   bool // almost nobody was found where it looked last
	end   bool // and there is nobody else for a while
	rest  int  // looks until it is worth to ask again
	wait  int
}

// rare is of how many subscribers one must be told for it to be quicker to look
// at all of them.
const rare = 32

// asks reports whether a round asks who comes next.
func (s *stride) asks(round int64) bool {
	if s.round != round {
		*s = stride{round: round}
	}
	return s.end || s.few && s.rest == 0
}

// looked takes note of how many were found among so many, and whether those were
// all for a while.
func (s *stride) looked(n, found int, end bool) {
	s.few, s.end = found*rare < n, end
	s.rest = max(0, s.rest-1)
	if !s.few {
		s.rest, s.wait = 0, 0
	}
}

// jumps takes note of how far off who comes next was. Where everybody is
// concerned and was told already, it asks less and less often.
func (s *stride) jumps(ids int64) {
	if ids > looksAt {
		s.rest, s.wait = 0, 0
		return
	}
	s.wait = min(2*s.wait+1, 64)
	s.rest = s.wait
}
