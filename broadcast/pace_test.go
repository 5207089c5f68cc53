package broadcast

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// strict is a platform that refuses what is beyond n requests in any second,
// counted when they arrive.
type strict struct {
	mu      sync.Mutex
	n       int
	arrived []time.Time
	taken   int
	refused int
}

// arrive reports whether a request is taken.
func (s *strict) arrive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.arrived) > 0 && !s.arrived[0].After(now.Add(-time.Second)) {
		s.arrived = s.arrived[1:]
	}
	if len(s.arrived) >= s.n {
		s.refused++
		return false
	}
	s.arrived = append(s.arrived, now)
	s.taken++
	return true
}

func (s *strict) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// paced is how a pacer did against a strict platform.
type paced struct {
	share   float64 // of what was permitted
	refused int
	before  int // people that were written to before something public that waited already
}

// runPaced has as many senders as it takes write to people for a while, with
// answers that take rtt, and up to jitter longer each way. The first request
// of each has to open a connection, which takes a while too. Now and then
// something public is posted.
func runPaced(t testing.TB, rate int, rtt, jitter, length time.Duration) (out paced) {
	p := newPacer(bots.Limits{Account: perSecond(rate), Person: perSecond(1)})
	platform := &strict{n: rate}
	r := rand.New(rand.NewPCG(9, uint64(rate)))
	var mu sync.Mutex
	uneven := func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(r.Int64N(int64(jitter) + 1))
	}
	end := time.Now().Add(length)
	sent := 0
	var senders sync.WaitGroup
	send := func(class Class, target string, opens time.Duration) {
		s, err := p.wait(t.Context(), turn{class: class, target: target, since: time.Now()})
		if err != nil {
			t.Error(err)
		}
		time.Sleep(opens + rtt/2 + uneven())
		platform.arrive()
		time.Sleep(rtt/2 + uneven())
		p.answered(s, time.Now())
	}
	next := func() int {
		mu.Lock()
		defer mu.Unlock()
		sent++
		return sent
	}
	for range int(1.1*float64(rate)*(rtt+2*jitter).Seconds()) + 2 {
		senders.Go(func() {
			for opens := 4 * uneven(); time.Now().Before(end); opens = 0 {
				send(Audience, strconv.Itoa(next()), opens)
			}
		})
	}
	senders.Go(func() {
		for time.Now().Before(end) {
			time.Sleep(730 * time.Millisecond)
			p.mu.Lock()
			before := p.account.taken
			p.mu.Unlock()
			s, err := p.wait(t.Context(), turn{class: Public, target: "channel", since: time.Now()})
			if err != nil {
				t.Error(err)
			}
			out.before = max(out.before, s.n-before)
			senders.Go(func() {
				time.Sleep(rtt/2 + uneven())
				platform.arrive()
				time.Sleep(rtt/2 + uneven())
				p.answered(s, time.Now())
			})
		}
	})
	time.Sleep(2 * time.Second) // until the answers are steady
	first := platform.count()
	time.Sleep(time.Until(end))
	out.share = float64(platform.count()-first) / (float64(rate) * (length - 2*time.Second).Seconds())
	senders.Wait()
	out.refused = platform.refused
	if n := len(p.targets) + len(p.persons.buckets)*len(bucket{}.who); n > 8*rate+200 {
		t.Errorf("%d targets are remembered after %d messages", n, sent)
	}
	return out
}

// An audience gets what the platform permits, to the last two percent, without
// one refusal, and whatever is public goes before it. Where a thousand go in a
// second the program loses another quarter of a percent to its wake-ups, which
// take no time here.
func TestPaceIsThatOfArrivals(t *testing.T) {
	for rate, share := range map[int]float64{30: 0.985, 1000: 0.988} {
		for _, rtt := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
			t.Run(fmt.Sprintf("%d a second, answers after %v", rate, rtt), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					got := runPaced(t, rate, rtt, 10*time.Millisecond, 40*time.Second)
					t.Logf("%.2f %% of the permitted rate, %d refused", got.share*100, got.refused)
					if got.share < share || got.refused > 0 {
						t.Errorf("%.2f %% of the permitted rate with %d refusals, want at least %.1f %% with none", got.share*100, got.refused, share*100)
					}
					if got.before > 0 {
						t.Errorf("%d people were written to while something public waited", got.before)
					}
				})
			})
		}
	}
}

// What answers differ by is margin enough where many requests are on their way
// at once. A moment after they no longer differ the margin is as it was.
func TestMarginIsSparedWhereAnswersDiffer(t *testing.T) {
	for rate, spares := range map[int]bool{30: false, 1000: true} {
		w := window{pace: perSecond(rate)}
		now := time.Now()
		r := rand.New(rand.NewPCG(9, uint64(rate)))
		answer := func(n int, uneven time.Duration) {
			for range n {
				now = now.Add(w.apart())
				s := w.take(now)
				w.answered(s, now.Add(100*time.Millisecond+time.Duration(r.Int64N(int64(uneven))+r.Int64N(int64(uneven)))))
			}
		}
		answer(11*rate, time.Nanosecond)
		calm := w.margin()
		if calm < 2*time.Millisecond {
			t.Errorf("%d a second: the margin is %v with answers alike", rate, calm)
		}
		answer(4*rate, 10*time.Millisecond)
		if got := w.margin(); spares != (got == 0) || !spares && got != calm {
			t.Errorf("%d a second: the margin is %v where answers differ by 20 ms, and %v where they do not", rate, got, calm)
		}
		answer(rate/2, time.Nanosecond)
		if got := w.margin(); got != calm {
			t.Errorf("%d a second: the margin is %v half a second after answers are alike again, want %v", rate, got, calm)
		}
		w.widen(now)
		if got := w.margin(); got != 2*calm {
			t.Errorf("%d a second: the margin is %v after a refusal, want %v", rate, got, 2*calm)
		}
	}
}

// A request that was on its way for longer than a window counts in the one in
// which it arrived, from when its answer says so.
func TestPacerCountsWhatArrivesLate(t *testing.T) {
	const way = 50 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: perSecond(30)})
		platform := &strict{n: 30}
		var all sync.WaitGroup
		send := func(takes time.Duration) {
			s, err := p.wait(t.Context(), turn{class: Public})
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() {
				time.Sleep(takes)
				platform.arrive()
				time.Sleep(way)
				p.answered(s, time.Now())
			})
		}
		for range 20 {
			send(way)
		}
		all.Wait()
		for range 5 {
			send(12 * time.Second)
		}
		for range 60 { // in whose places others follow
			send(way)
		}
		all.Wait()
		began := time.Now()
		for range 60 {
			send(way)
		}
		all.Wait()
		if platform.refused > 0 {
			t.Errorf("%d are refused", platform.refused)
		}
		if took := time.Since(began); took > 2*time.Second+300*time.Millisecond {
			t.Errorf("60 take %v", took)
		}
		all.Wait()
	})
}

// A platform that takes less than it says is not run into again and again: the
// pace comes down to what it takes, and now and then tries more.
func TestPacerFindsTheLimitThatHolds(t *testing.T) {
	const says, takes, minutes = 30, 20, 20
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: perSecond(says)})
		platform := &strict{n: takes}
		end := time.Now().Add(minutes * time.Minute)
		var mu sync.Mutex
		waits := 0
		var until time.Time
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for time.Now().Before(end) {
					s, err := p.wait(t.Context(), turn{class: Audience, since: time.Now()})
					if err != nil {
						t.Error(err)
					}
					time.Sleep(50 * time.Millisecond)
					taken := platform.arrive()
					time.Sleep(50 * time.Millisecond)
					if now := time.Now(); !taken {
						mu.Lock()
						if now.After(until) {
							waits, until = waits+1, now.Add(time.Second)
						}
						mu.Unlock()
						p.pause("", now.Add(time.Second))
					}
					p.answered(s, time.Now())
				}
			})
		}
		all.Wait()
		share := float64(platform.taken) / (takes * minutes * 60)
		if waits > 2*minutes || share < 0.8 {
			t.Errorf("had to wait %d times in %d minutes, and %.2f of what it takes was sent", waits, minutes, share)
		}
	})
}
