package broadcast

import (
	"testing"
	"time"
)

// Who was written to is remembered for as long as it matters, and leaves his place
// then.
func TestRecentForgets(t *testing.T) {
	r, at := newRecent(), time.Now()
	for k := range int64(10_000) {
		r.note(1+k, at, time.Second)
		for _, back := range []int64{0, 1, 999} {
			if k >= back && r.last(1+k-back, at).IsZero() {
				t.Fatalf("after %d ms somebody is forgotten", back)
			}
		}
		at = at.Add(time.Millisecond)
	}
	if n := len(r.buckets) * len(bucket{}.who); n > 8*1000 {
		t.Errorf("there is room for %d of 1000 a second", n)
	}
}

// What turns out late, that somebody was written to a while ago, drives nobody out who
// was written to since.
func TestRecentNotesWhatIsPast(t *testing.T) {
	r, at := newRecent(), time.Now()
	const people = 100
	for who := range int64(people) {
		r.note(1+who, at, time.Second)
	}
	for who := range int64(people) {
		r.note(1+people+who, at.Add(-500*time.Millisecond), time.Second)
	}
	for who := range int64(people) {
		if off := r.last(1+who, at).Sub(at).Abs(); off > time.Millisecond {
			t.Fatalf("when %d was written to is off by %v", 1+who, off)
		}
	}
}

// Its clock comes around in seven weeks. What was noted before is still known for
// as long as it matters, and no longer.
func TestRecentComesAround(t *testing.T) {
	r := newRecent()
	around := r.began.Add(1 << 32 * time.Millisecond)
	for _, at := range []time.Time{around.Add(-500 * time.Millisecond), around.Add(-time.Millisecond), around, around.Add(time.Millisecond)} {
		who := at.Unix()<<10 | int64(at.Nanosecond()/1e6)
		r.note(who, at, time.Second)
		for _, after := range []time.Duration{0, 300 * time.Microsecond, 700 * time.Millisecond, 3 * time.Second} {
			if off := r.last(who, at.Add(after)).Sub(at).Abs(); off > time.Millisecond {
				t.Errorf("%v after he was written to, %v from when the clock comes around, it is off by %v", after, at.Sub(around), off)
			}
		}
	}
	if last := r.last(7, around); !last.IsZero() {
		t.Errorf("somebody who was never written to was so at %v", last)
	}
}
