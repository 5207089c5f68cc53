package broadcast

import "time"

// recent remembers for a while when somebody was written to last. An audience
// has a million people, so nobody is looked for to be forgotten: whoever was
// written to long enough ago leaves his place to the next with the same bucket.
// To look somebody up and to note him touches one bucket, which is in one place
// of the memory, and has no pointers, in which a collector of garbage would look
// for more.
//
// What is kept of a person are 32 bits, so that now and then somebody is taken for
// another: among a thousand a second, for one in some millions. He is left alone
// for a moment without need. Nobody is left alone too little, to the millisecond.
type recent struct {
	buckets []bucket // as many as a power of two
	began   time.Time
}

// A bucket has a place for each of a few people whose hash ends alike.
type bucket [16]noted

// noted is when somebody was written to.
type noted struct {
	who uint32 // his hash
	at  uint32 // in milliseconds of the clock; 0 is never
}

func newRecent() recent {
	return recent{buckets: make([]bucket, 4), began: time.Now()}
}

// hashOf spreads people: numbers that follow each other fall apart.
func hashOf(who int64) uint32 {
	const golden = 0x9e3779b97f4a7c15 // the ratio, of 64 bits
	return uint32(uint64(who) * golden >> 32)
}

// clock counts milliseconds, begun ones too. It comes around in seven weeks, when
// it passes 0 by.
func (r *recent) clock(at time.Time) uint32 {
	return max(1, uint32((at.Sub(r.began)+time.Millisecond)/time.Millisecond))
}

// since is how long before now something was.
func since(at, now uint32) time.Duration { return time.Duration(now-at) * time.Millisecond }

// note remembers that somebody is written to at a time, for as long as is said
// at least.
func (r *recent) note(who int64, at time.Time, long time.Duration) {
	if who == 0 {
		return
	}
	now := r.clock(at)
	for !r.put(noted{hashOf(who), now}, now, long) {
		r.grow(now, long)
	}
}

// put notes somebody in the place that he has, or of one who was written to
// longer ago than is said. It returns false where there is none.
func (r *recent) put(n noted, now uint32, long time.Duration) bool {
	b := r.bucket(n.who)
	free := -1
	for k := range b {
		switch {
		case b[k].at == 0:
			free = k
		case b[k].who == n.who:
			b[k] = n
			return true
		case since(b[k].at, now) > long:
			free = k
		}
	}
	if free >= 0 {
		b[free] = n
	}
	return free >= 0
}

// grow makes room, which is kept, and forgets who was written to longer ago.
func (r *recent) grow(now uint32, long time.Duration) {
	was := r.buckets
	r.buckets = make([]bucket, 2*len(was))
	for k := range was {
		for _, n := range was[k] { // half of a bucket goes to either of two
			if n.at != 0 && since(n.at, now) <= long {
				r.put(n, now, long)
			}
		}
	}
}

// bucket is where somebody is noted.
func (r *recent) bucket(hash uint32) *bucket { return &r.buckets[int(hash)&(len(r.buckets)-1)] }

// last is when somebody was written to, or zero if that is long ago.
func (r *recent) last(who int64, now time.Time) time.Time {
	hash := hashOf(who)
	b := r.bucket(hash)
	for k := range b {
		if b[k].who == hash && b[k].at != 0 && who != 0 {
			return now.Add(-since(b[k].at, r.clock(now)))
		}
	}
	return time.Time{}
}
