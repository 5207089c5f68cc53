package store

import "time"

// leaseRow is who holds an account, or held it last.
type leaseRow struct {
	owner   string
	epoch   int64
	expires time.Time // or when it was given back
	leaving bool      // its holder is about to give it back
	stays   time.Time // before this it is not handed over
	freed   time.Time // when the right of whoever held it before ended
}

// unlike other times, these are those of the database's clock.
type moments struct {
	now time.Time
	ttl time.Duration
}

// longest is more than any lease lasts. Those of some accounts are shorter.
const longest = 20 * time.Second

// held reports whether a lease is valid. One that would last longer than any
// lease does was written before the database's clock was set back.
func (m moments) held(l leaseRow) bool {
	return l.owner != "" && l.expires.After(m.now) && !l.expires.After(m.now.Add(max(longest, 2*m.ttl)))
}

// fresh is how long after its last sign a node counts as alive. Nodes give one
// every quarter of a lease at least.
func (m moments) fresh() time.Time { return m.now.Add(-m.ttl / 2) }

// A choice is what becomes of a node's wish for an account.
type choice int

const (
	refused choice = iota // another node holds it, or should
	taken
	renewed
	handing // renewed once more, to be given back: another node has fewer
)

// choose decides whether a node gets an account. Nodes come to hold equally
// many: a free account goes to one of those that hold the fewest, and a node
// with two more than another hands one over. What nobody else takes up goes to
// anybody after a while, since nodes may be configured differently.
func (m moments) choose(account, me string, leases map[string]leaseRow, others []string) choice {
	count := map[string]int{}
	free := 0 // accounts that are about to be taken by somebody
	for _, l := range leases {
		switch held := m.held(l); {
		case held && !l.leaving:
			count[l.owner]++
		case held || l.expires.After(m.now.Add(-2*m.ttl)):
			free++
		}
	}
	mine, fewest := count[me], count[me]
	for _, node := range others {
		fewest = min(fewest, count[node])
	}
	l, known := leases[account]
	switch {
	case m.held(l) && l.owner != me:
		return refused
	case m.held(l):
		if !l.leaving && mine > fewest+free+1 && m.now.After(l.stays) {
			return handing
		}
		return renewed
	case mine == fewest, known && m.now.Sub(l.expires) > m.ttl/2:
		return taken
	}
	return refused
}

// stay is how long an account stays where it went although other nodes hold
// fewer: they did not want it.
const stay = 10 * time.Minute
