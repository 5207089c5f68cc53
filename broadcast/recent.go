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

// A bucket has a place for each of a few people whose hash ends alike: their hashes,
// and when they were written to, in milliseconds of the clock; 0 is never. It is as
// long as what a processor fetches at once.
type bucket struct{ who, at [8]uint32 }

// place is where somebody is noted; -1 where he is not.
func (b *bucket) place(who uint32) int {
	for k := range b.who {
		if b.who[k] == who && b.at[k] != 0 {
			return k
		}
	}
	return -1
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

// matters reports whether something still does that was so long ago, or a little
// later than what is noted now.
func matters(at, now uint32, long time.Duration) bool {
	return min(since(at, now), since(now, at)) <= long
}

// note remembers that somebody is written to at a time, for as long as is said
// at least.
func (r *recent) note(who int64, at time.Time, long time.Duration) {
	if who == 0 {
		return
	}
	now := r.clock(at)
	for !r.put(hashOf(who), now, now, long) {
		r.grow(now, long)
	}
}

// put notes that somebody was written to, in the place that he has, or of one who
// was longer ago than is said. It returns false where there is none.
func (r *recent) put(who, at, now uint32, long time.Duration) bool {
	b := r.bucket(who)
	place := b.place(who)
	for k := 0; place < 0 && k < len(b.at); k++ {
		if b.at[k] == 0 || !matters(b.at[k], now, long) {
			place = k
		}
	}
	if place >= 0 {
		b.who[place], b.at[place] = who, at
	}
	return place >= 0
}

// grow makes room, which is kept, and forgets who was written to longer ago.
func (r *recent) grow(now uint32, long time.Duration) {
	was := r.buckets
	r.buckets = make([]bucket, 2*len(was))
	for k := range was {
		b := &was[k]
		for place, at := range b.at { // half of a bucket goes to either of two
			if at != 0 && matters(at, now, long) {
				r.put(b.who[place], at, now, long)
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
	if k := b.place(hash); k >= 0 && who != 0 {
		return now.Add(-since(b.at[k], r.clock(now)))
	}
	return time.Time{}
}
