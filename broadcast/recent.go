package broadcast

import "time"

// recent remembers for a while when somebody was written to last. An audience
// has a million people, so nobody is looked for to be forgotten: whoever was
// written to long enough ago leaves his place to the next with the same bucket.
// To look somebody up and to note him touches one bucket, which is in one place
// of the memory, and has no pointers, in which a collector of garbage would look
// for more.
type recent struct {
	buckets []bucket // as many as a power of two
	began   time.Time
}

// A bucket has a place for each of a few people whose numbers have the same hash.
type bucket [8]noted

// noted is when somebody was written to, since the beginning.
type noted struct {
	who int64 // 0 is nobody
	at  time.Duration
}

func newRecent() recent {
	return recent{buckets: make([]bucket, 8), began: time.Now()}
}

// note remembers that somebody is written to at a time, for as long as is said
// at least.
func (r *recent) note(who int64, at time.Time, long time.Duration) {
	if who == 0 {
		return
	}
	since := at.Sub(r.began)
	for !r.put(noted{who, since}, since-long) {
		r.grow(since - long)
	}
}

// put notes somebody in the place that he has, or of one who was written to
// before old. It returns false where there is none.
func (r *recent) put(n noted, old time.Duration) bool {
	b := r.bucket(n.who)
	free := -1
	for k := range b {
		switch {
		case b[k].who == n.who:
			b[k] = n
			return true
		case b[k].who == 0 || b[k].at < old:
			free = k
		}
	}
	if free >= 0 {
		b[free] = n
	}
	return free >= 0
}

// grow makes room, which is kept, and forgets who was written to before old.
func (r *recent) grow(old time.Duration) {
	was := r.buckets
	r.buckets = make([]bucket, 2*len(was))
	for k := range was {
		for _, n := range was[k] { // half of a bucket goes to either of two
			if n.who != 0 && n.at >= old {
				r.put(n, old)
			}
		}
	}
}

// bucket is where somebody is noted.
func (r *recent) bucket(who int64) *bucket {
	const spread = 0x9e3779b97f4a7c15 // the golden ratio: numbers that follow each other fall apart
	hash := uint64(who) * spread >> 32
	return &r.buckets[hash&uint64(len(r.buckets)-1)]
}

// last is when somebody was written to, or zero if that is long ago.
func (r *recent) last(who int64) time.Time {
	b := r.bucket(who)
	for k := range b {
		if b[k].who == who && who != 0 {
			return r.began.Add(b[k].at)
		}
	}
	return time.Time{}
}
