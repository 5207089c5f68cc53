package people

import "time"

// A stride is how a round for everybody goes on: it looks at one subscriber after
// the other, and, where that finds almost nobody whom it concerns, asks who comes
// next.
type stride struct {
	round int64
	few   bool // almost nobody was found where it looked last
	end   bool // and there is nobody else for a while
	rest  int  // looks until it is worth to ask again
	wait  int
	at    time.Time     // when it last asked, or began to look
	each  time.Duration // that it took last to look at one of many
	lost  time.Duration // by asking for what is quicker found by looking: as long is only looked
}

// rare is of how many subscribers one must be told for it to be quicker to look
// at all of them.
const rare = 32

// begin begins a look of a round, and reports whether it is to ask who comes next.
func (s *stride) begin(round int64) bool {
	if s.round != round {
		*s = stride{round: round}
	}
	s.at = time.Now()
	return s.end || s.few && s.rest == 0 && s.lost <= 0
}

// looked takes note of how many were found among so many, and whether those were
// all for a while.
func (s *stride) looked(n, found int, end bool) {
	took := time.Since(s.at)
	if s.lost -= took; n >= near {
		s.each = took / time.Duration(n)
	}
	s.few, s.end = found*rare < n, end
	s.rest = max(0, s.rest-1)
	if !s.few {
		s.rest, s.wait, s.lost = 0, 0, 0
	}
}

// jumps takes note of how far off who comes next was. Where everybody is
// concerned and was told already, it asks less and less often; and where people
// chose in very many ways, so that asking takes long, no longer than it looks.
func (s *stride) jumps(ids int64) {
	took := time.Since(s.at)
	s.at = s.at.Add(took)
	if ids > looksAt && took <= s.each*time.Duration(ids) {
		s.rest, s.wait, s.lost = 0, 0, 0
		return
	}
	s.lost = took
	s.wait = min(2*s.wait+1, 64)
	s.rest = s.wait
}
