package people

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
)

// A round that finds almost nobody asks who comes next: at once where that saves
// looking, and where it saves nothing less and less often.
func TestAStrideAsksWhereThatSavesLooking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const round = 1
		var s stride
		if s.begin(round) {
			t.Error("it asks before it has looked")
		}
		s.looked(1000, 500, false)
		if s.begin(round) {
			t.Error("it asks though half of them are told")
		}
		for range 3 {
			s.looked(1000, 1, false)
			if !s.begin(round) {
				t.Error("it does not ask though almost nobody is told, and asking saved looking")
			}
			s.jumps(1_000_000)
		}
		looks := []int{}
		for n := 0; len(looks) < 4; n++ {
			s.looked(1000, 0, false)
			if s.begin(round) {
				looks = append(looks, n)
				s.jumps(3)
			}
		}
		if looks[0] != 0 || looks[3] < 10 {
			t.Errorf("where asking saves nothing it asks after %v looks", looks)
		}
		s.looked(10, 0, true)
		if !s.begin(round) {
			t.Error("it does not ask where nobody else is for a while")
		}
		if s.begin(round + 1) {
			t.Error("another round asks before it has looked")
		}
	})
}

// Where asking takes long, since people chose in very many ways, a round asks on
// as long as each time it finds who is further off than it looks meanwhile;
// otherwise it asks no longer than it looks.
func TestAStrideThatAsksSlowly(t *testing.T) {
	const ask, look = 40 * time.Millisecond, time.Millisecond // at a thousand
	for far, most := range map[int64]time.Duration{100_000: 10 * ask, 5000: 120 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			var s stride
			asking, looking := time.Duration(0), time.Duration(0)
			for looking < 80*time.Millisecond && asking < most {
				if s.begin(1) {
					time.Sleep(ask)
					asking += ask
					s.jumps(far)
				}
				time.Sleep(look)
				looking += look
				s.looked(1000, 1, false)
			}
			if asking > most || far == 100_000 && looking > 11*look || far == 5000 && looking < 80*time.Millisecond {
				t.Errorf("for who is %d ids off it asks %v and looks %v", far, asking, looking)
			}
		})
	}
}

// Who is passed over is counted as far as a census tells.
func TestPeopleBetweenTwoIDs(t *testing.T) {
	var nobody *Census
	c := &Census{States: map[State]int{Active: 500, Stopped: 100}, First: 1001, Last: 2000}
	for _, tt := range []struct {
		c      *Census
		lo, hi int64
		want   int
	}{{nobody, 0, 10, 0}, {c, 0, 1000, 0}, {c, 0, 1100, 50}, {c, 1500, 5000, 250}, {c, 0, 9000, 500}, {c, 2000, 3000, 0}, {&Census{}, 0, 10, 0}} {
		if got := tt.c.between(tt.lo, tt.hi); got != tt.want {
			t.Errorf("between %d and %d are %d, want %d", tt.lo, tt.hi, got, tt.want)
		}
	}
}

// uncounted is a store that cannot count for a while.
type uncounted struct {
	WalkStore
	asked  []time.Duration // since it began
	began  time.Time
	newest atomic.Int64
}

func (u *uncounted) Census(context.Context, string) (Census, error) {
	u.asked = append(u.asked, time.Since(u.began))
	if len(u.asked) <= 3 {
		return Census{}, errors.New("the database is away")
	}
	return Census{States: map[State]int{Active: 7}}, nil
}

func (u *uncounted) NewestSubscriber(context.Context) (int64, error) { return u.newest.Load(), nil }

// A count that fails is tried again within seconds, and said; until it succeeds
// nothing is known.
func TestACountThatFailsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said := &heard{Handler: slog.DiscardHandler}
		s := &uncounted{began: time.Now()}
		w := &Walker{WalkerConfig: WalkerConfig{Channel: broadcast.Channel{Name: "people", Account: "tg"}, Store: s, Log: slog.New(said)}}
		ctx, stop := context.WithCancel(t.Context())
		go w.Count(ctx)
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if n := w.Numbers(); n.States != nil || n.People != 0 {
			t.Errorf("while nobody has counted: %+v", n)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if n := w.Numbers(); n.People != 7 || len(said.lines) != 3 {
			t.Errorf("counted %+v, said %q", n, said.lines)
		}
		time.Sleep(countEvery)
		synctest.Wait()
		stop()
		if len(s.asked) != 5 || s.asked[4] != 7*time.Second+countEvery {
			t.Errorf("counted after %v", s.asked)
		}
	})
}

// Who came by the hundred is counted at once, and not only ten minutes later;
// one among hundreds is not waited for.
func TestAnAudienceThatGrewIsCountedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &uncounted{began: time.Now(), asked: make([]time.Duration, 3)}
		w := &Walker{WalkerConfig: WalkerConfig{Channel: broadcast.Channel{Name: "people", Account: "tg"}, Store: s, Log: slog.New(slog.DiscardHandler)}}
		ctx, stop := context.WithCancel(t.Context())
		go w.Count(ctx)
		time.Sleep(time.Minute)
		s.newest.Store(1_000_000)
		time.Sleep(countedFor)
		synctest.Wait()
		if n := len(s.asked); n != 5 {
			t.Errorf("counted %d times, want once at the start and once when a list was imported", n-3)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		stop()
		if n := len(s.asked); n != 5 {
			t.Errorf("counted %d times, though nobody came", n-3)
		}
	})
	c := &Census{States: map[State]int{Active: 900, Stopped: 100}}
	if c.outgrown(10) || !c.outgrown(11) {
		t.Error("a hundredth is where a census is outgrown")
	}
	left := &Census{States: map[State]int{Stopped: 100, Blocked: 1}}
	if nobody := (&Census{}); !left.outgrown(0) || nobody.outgrown(0) || !nobody.outgrown(1) {
		t.Error("where all have left, one who comes back is not seen by new ids")
	}
}

// heard keeps what is logged.
type heard struct {
	slog.Handler
	lines []string
}

func (h *heard) Enabled(context.Context, slog.Level) bool { return true }

func (h *heard) Handle(_ context.Context, r slog.Record) error {
	h.lines = append(h.lines, r.Message)
	return nil
}
