package people

import (
	"testing"
	"time"
)

// TestPurse checks when it is taken that what is to be paid is not taken, and for
// how long.
func TestPurse(t *testing.T) {
	p := purse{few: 250}
	now := time.Unix(1_800_000_000, 0)
	pass := func(d time.Duration) { now = now.Add(d) }
	tell := func(n int) {
		for range n {
			p.took(now)
		}
	}
	want := func(open bool) {
		t.Helper()
		if p.open(now) != open {
			t.Fatalf("open: %v, want %v", !open, open)
		}
	}
	wait := func(d time.Duration) { p.waited(now.Add(d), now, "too many") }
	news := func(wait time.Duration, first bool) {
		t.Helper()
		if why, until, one := p.news(); why != "too many" || until.Sub(now) != wait || one != first {
			t.Errorf("news %q, for %v, %v, want %v, %v", why, until.Sub(now), one, wait, first)
		}
	}
	want(true)

	// To wait now and then is no sign.
	for range 5 {
		tell(300)
		wait(time.Second)
		pass(2 * time.Second)
		want(true)
	}

	// Many that were on their way are refused together; that counts once.
	tell(30)
	for range 100 {
		wait(time.Second)
	}
	want(true)
	pass(2 * time.Second)
	tell(30)
	wait(time.Second)
	want(false)
	news(purseFirst, true)
	if why, _, _ := p.news(); why != "" {
		t.Errorf("the same again: %q", why)
	}

	// What left before is refused too, and changes nothing.
	pass(2 * time.Second)
	wait(time.Second)
	pass(purseFirst - 2*time.Second)
	want(true)

	// It is tried again in vain, less and less often.
	for _, long := range []time.Duration{20 * time.Minute, 40 * time.Minute, time.Hour, time.Hour} {
		tell(30)
		wait(time.Second)
		want(false)
		news(long, false)
		pass(long)
		want(true)
	}

	// Once it is taken all is as at first.
	tell(300)
	wait(time.Second)
	pass(2 * time.Second)
	tell(30)
	wait(time.Second)
	want(true)
	pass(2 * time.Second)
	tell(30)
	wait(time.Second)
	want(false)
	news(purseFirst, true)

	// Who is kept waiting for long after few messages need not be so twice.
	p = purse{few: 250}
	tell(30)
	wait(30 * time.Second)
	want(false)

	// One who was refused while others were paid for was not for the money.
	p = purse{few: 250}
	was := now
	pass(time.Second)
	tell(1)
	p.refused(was, now, "odd")
	want(true)
	pass(time.Second)
	p.refused(now, now, "no Stars")
	want(false)
}
