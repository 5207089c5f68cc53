package broadcast

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// queue collects who was let go when.
type queue struct {
	t     *testing.T
	pacer *pacer
	began time.Time
	done  chan string
}

func newQueue(t *testing.T, l bots.Limits) *queue {
	return &queue{t: t, pacer: newPacer(l), began: time.Now(), done: make(chan string, 1000)}
}

// add has somebody wait for a turn.
func (q *queue) add(name string, class Class, target string) {
	go func() {
		if _, err := q.pacer.wait(q.t.Context(), turn{class: class, target: target, route: routeOf(bots.Operation{Target: target}), since: time.Now()}); err != nil {
			if q.t.Context().Err() == nil { // otherwise the test is over
				q.t.Errorf("%s: %v", name, err)
			}
			return
		}
		q.done <- fmt.Sprintf("%s %v", name, time.Since(q.began).Round(10*time.Millisecond))
	}()
	synctest.Wait() // it has queued up
}

// want compares the next ones to be let go.
func (q *queue) want(names ...string) {
	q.t.Helper()
	for _, name := range names {
		if got := <-q.done; got != name {
			q.t.Fatalf("%q goes, want %q", got, name)
		}
	}
}

func perSecond(n int) bots.Pace { return bots.Pace{N: n, Per: time.Second} }

func TestPacerWithoutLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{})
		for range 100 {
			q.add("a", Audience, "here")
		}
		for range 100 {
			q.want("a 0s")
		}
	})
}

func TestPacerLetsTheMostUrgentGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(1)})
		q.add("first", Tidy, "a")
		q.add("tidy", Tidy, "a")
		q.add("person", Audience, "b")
		q.add("answer", Answer, "c")
		q.add("other person", Audience, "d")
		q.add("room", Room, "e")
		q.add("amend", Amend, "f")
		q.add("public", Public, "g")
		q.want("first 0s", "public 1.01s", "amend 2.01s", "room 3.02s", "answer 4.02s", "person 5.03s", "other person 6.04s", "tidy 7.04s")
	})
}

func TestPacerKeepsTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, per = 7, 3 * time.Second
		p := newPacer(bots.Limits{Account: bots.Pace{N: n, Per: per}})
		r := rand.New(rand.NewPCG(1, 2))
		var sent []time.Time
		for range 200 {
			if r.IntN(4) == 0 {
				time.Sleep(time.Duration(r.IntN(4000)) * time.Millisecond)
			}
			if _, err := p.wait(t.Context(), turn{class: Public, since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
		}
		for i := n; i < len(sent); i++ {
			if d := sent[i].Sub(sent[i-n]); d <= per {
				t.Fatalf("requests %d to %d went within %v, which is more than %d in %v", i-n, i, d, n, per)
			}
		}
		if slack := sent[len(sent)-1].Sub(sent[0]); slack > 200/n*per*2 {
			t.Errorf("200 requests took %v", slack)
		}
	})
}

func TestPacerTargetsDoNotBlockOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(100), Target: bots.Pace{N: 1, Per: 10 * time.Second}})
		q.add("a", Public, "a")
		q.add("a again", Public, "a")
		q.add("b", Audience, "b")
		q.add("c", Tidy, "c")
		q.want("a 0s", "b 0s", "c 0s", "a again 10.01s")
	})
}

func TestPacerWritesToAPersonOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(1000), Person: perSecond(1)})
		q.add("answer", Answer, "71")
		q.add("news", Audience, "71")
		q.add("other", Audience, "72")
		q.add("room", Room, "71")  // operators are not kept waiting
		q.add("edit", Amend, "71") // of a channel that is named by a number
		q.want("answer 0s", "other 0s", "room 0s", "edit 0s", "news 1.05s")
	})
}

// An audience begins at an even pace: a hundred requests at once, each with a
// connection to open, would keep the first of them waiting.
func TestPacerBeginsEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: perSecond(1000)})
		for range 2 {
			began := time.Now()
			for range 51 {
				if _, err := p.wait(t.Context(), turn{class: Audience, since: time.Now()}); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(began); took < 45*time.Millisecond {
				t.Errorf("51 requests at 1000 a second are let go within %v", took)
			}
			time.Sleep(2 * time.Second) // nobody writes
		}
	})
}

// How long the way is gets known from the quickest answer, which need not be the
// first one; then it is known of earlier requests too.
func TestPacerLearnsHowLongTheWayIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: perSecond(2)})
		began := time.Now()
		send := func() slot {
			s, err := p.wait(t.Context(), turn{class: Public, since: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		first := send()
		time.Sleep(300 * time.Millisecond)
		p.answered(first, time.Now()) // it had to open a connection
		second := send()
		time.Sleep(100 * time.Millisecond)
		p.answered(second, time.Now())
		third := send()
		if after := third.sent.Sub(began); after <= 1200*time.Millisecond {
			t.Errorf("the third goes after %v, want a second after the first can have arrived, at 200 ms", after)
		}
	})
}

// After a refusal the pace is a little slower for some minutes.
func TestPacerIsMoreCarefulAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window{pace: perSecond(30)}
		usual := w.margin()
		w.widen(time.Now())
		if got := w.margin(); got != 2*usual {
			t.Errorf("the margin is %v, want twice %v", got, usual)
		}
		for range 100 {
			w.widen(time.Now())
		}
		if got := w.margin(); got != usual+w.pace.Per {
			t.Errorf("after many refusals the margin is %v, want the window's %v more", got, w.pace.Per)
		}
		w.closed = time.Now().Add(time.Second)
		w.wide = 0
		w.widen(time.Now())
		if got := w.margin(); got != usual {
			t.Errorf("the margin is %v after a refusal of what was on its way, want %v", got, usual)
		}
		w.wide = w.pace.Per / 10
		for range 10 {
			time.Sleep(time.Minute + time.Second)
			w.narrow(time.Now())
		}
		if got := w.margin(); got > usual+time.Millisecond {
			t.Errorf("ten minutes later the margin is %v, want about %v", got, usual)
		}
	})
}

// An account whose limit changes keeps to both: what was sent under the old one
// counts under the new one.
func TestPacerPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{})
		q.pacer.pause("a", time.Now().Add(20*time.Second))
		q.add("a", Public, "a")
		q.add("b", Public, "b")
		q.want("b 0s")
		q.pacer.pause("", time.Now().Add(5*time.Second))
		q.pacer.pause("", time.Now().Add(time.Second)) // a shorter pause does not end a longer one
		q.add("b", Public, "b")
		q.want("b 5s", "a 20s")
	})
}

func TestPacerPauseOfThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(1)})
		q.add("first", Public, "a")
		q.add("second", Public, "a")
		q.pacer.pause("", time.Now().Add(30*time.Second))
		q.want("first 0s", "second 30s")
	})
}

func TestPacerGivesUpAWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(1)})
		q.add("first", Public, "a")
		stopped := errors.New("stopped")
		ctx, stop := context.WithCancelCause(t.Context())
		again := make(chan struct{}, 1)
		ended := make(chan error, 2)
		go func() {
			_, err := q.pacer.wait(ctx, turn{class: Public, target: "a", since: time.Now()})
			ended <- err
		}()
		synctest.Wait()
		stop(stopped)
		if err := <-ended; !errors.Is(err, stopped) {
			t.Errorf("the wait ends with %v, want its cause", err)
		}
		go func() {
			_, err := q.pacer.wait(t.Context(), turn{class: Public, target: "a", since: time.Now(), again: again})
			ended <- err
		}()
		synctest.Wait()
		again <- struct{}{}
		if err := <-ended; !errors.Is(err, ErrChanged) {
			t.Errorf("the wait ends with %v, want ErrChanged", err)
		}
		q.add("second", Public, "a")
		q.want("first 0s", "second 1.01s") // neither kept a slot
		q.pacer.mu.Lock()
		defer q.pacer.mu.Unlock()
		if n := len(q.pacer.waiting); n != 0 {
			t.Errorf("%d still wait", n)
		}
	})
}

// Who gave up before takes no slot, though he could have gone at once.
func TestPacerGivesNothingToThoseWhoGaveUp(t *testing.T) {
	stopped := errors.New("stopped")
	ctx, stop := context.WithCancelCause(t.Context())
	stop(stopped)
	p := newPacer(bots.Limits{Account: perSecond(1000)})
	for range 100 {
		if _, err := p.wait(ctx, turn{class: Public, target: "a", since: time.Now()}); !errors.Is(err, stopped) {
			t.Fatalf("the wait ends with %v, want its cause", err)
		}
	}
	if p.account.taken > 0 {
		t.Errorf("%d slots are taken", p.account.taken)
	}
}

// A turn that comes at once costs no more than to remember when it was.
func TestPacerAllocatesLittle(t *testing.T) {
	p := newPacer(bots.Limits{Person: perSecond(1)})
	chat := 0
	each := testing.AllocsPerRun(1000, func() {
		chat++
		s, err := p.wait(t.Context(), turn{class: Audience, person: int64(chat), since: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
		p.answered(s, time.Now())
	})
	if each > 0 {
		t.Errorf("%v allocations for each turn, want none", each)
	}
}

func TestPacerKeepsThePlaceOfThoseWhoComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(1)})
		q.add("first", Public, "a")
		since := time.Now()
		time.Sleep(100 * time.Millisecond)
		q.add("late", Public, "a")
		go func() {
			q.pacer.wait(t.Context(), turn{class: Public, target: "a", since: since})
			q.done <- "early"
		}()
		q.want("first 0s", "early", "late 2.01s")
	})
}

// Whatever the limits and whoever waits, everybody goes in the end, and no
// class goes before a more urgent one to the same target: but for cards, whom
// what is less urgent may overtake while they leave places free.
func TestPacerForgetsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 4))
		for range 50 {
			q := newQueue(t, bots.Limits{Account: perSecond(1), Target: bots.Pace{N: r.IntN(4), Per: time.Duration(r.IntN(9)) * time.Second}})
			q.pacer.pause("", time.Now().Add(10*time.Second))
			const n = 20
			for range n {
				c := Class(r.IntN(int(Tidy) + 1))
				q.add(fmt.Sprint(int(c)), c, "here")
			}
			var went []Class
			for range n {
				name, _, _ := strings.Cut(<-q.done, " ")
				c, _ := strconv.Atoi(name)
				went = append(went, Class(c))
			}
			if others := slices.DeleteFunc(went, func(c Class) bool { return c == Card }); !slices.IsSorted(others) {
				t.Errorf("in this order: %v", others)
			}
		}
	})
}

func TestHeadersHoldBackBeforeARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{pacer: newPacer(bots.Limits{})}
		q := &queue{t: t, pacer: a.pacer, began: time.Now(), done: make(chan string, 10)}
		a.heed(slot{route: -1}, bots.Operation{Target: "a"}, bots.Receipt{Remaining: 1, Reset: time.Now().Add(time.Minute)})
		a.heed(slot{route: -1}, bots.Operation{Target: "b"}, bots.Receipt{Remaining: 0, Reset: time.Now().Add(4 * time.Second)})
		a.heed(slot{route: -1}, bots.Operation{Target: "c"}, bots.Receipt{}) // says nothing
		a.obey(bots.Operation{Target: "d"}, &bots.Fault{Kind: bots.RateLimited, Subject: bots.Target, Until: time.Now().Add(6 * time.Second)})
		a.obey(bots.Operation{Target: "e"}, &bots.Fault{Kind: bots.Temporary, Subject: bots.Account, Until: time.Now().Add(time.Hour)})
		for _, target := range []string{"d", "c", "b", "a"} {
			q.add(target, Public, target)
		}
		q.want("c 0s", "a 0s", "b 4s", "d 6s")
		a.obey(bots.Operation{Target: "a"}, &bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Until: time.Now().Add(10 * time.Second)})
		q.add("other", Public, "z")
		q.want("other 16s")
	})
}

// Where a platform tells what is left of its limits the first request to a place
// goes alone, and the others when its answer came, or did not come for a while.
func TestFirstGoesAloneWhereThePlatformTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{pacer: newPacer(bots.Limits{Tells: true})}
		began := time.Now()
		ask := func(target string) (slot, time.Duration) {
			s, err := a.pacer.wait(t.Context(), turn{class: Room, target: target, route: routeOf(bots.Operation{Target: target}), since: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			return s, time.Since(began)
		}
		first, _ := ask("a")
		if _, at := ask("b"); at != 0 {
			t.Errorf("another place waited until %v", at)
		}
		time.AfterFunc(100*time.Millisecond, func() {
			a.heed(first, bots.Operation{Target: "a"}, bots.Receipt{Remaining: 1, Reset: time.Now().Add(5 * time.Second)})
		})
		if _, at := ask("a"); at != 100*time.Millisecond {
			t.Errorf("the second went at %v, and was to wait for the answer to the first", at)
		}
		if _, at := ask("b"); at != ahead {
			t.Errorf("what waits for an answer that does not come went at %v", at)
		}
		third, _ := ask("c")
		a.heed(third, bots.Operation{Target: "c"}, bots.Receipt{})
		if _, at := ask("c"); at != ahead {
			t.Errorf("where the answer says nothing of a limit the next went at %v", at)
		}
	})
}

// A slip in a header does not silence a channel for years. Nothing was refused:
// if the platform means it, it will say so.
func TestAbsurdWindowIsNotHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{pacer: newPacer(bots.Limits{})}
		q := &queue{t: t, pacer: a.pacer, began: time.Now(), done: make(chan string, 10)}
		a.heed(slot{route: -1}, bots.Operation{Target: "a"}, bots.Receipt{Reset: time.Unix(1<<33, 0)})
		a.heed(slot{route: -1}, bots.Operation{Target: "b"}, bots.Receipt{Reset: time.Now().Add(24 * time.Hour)})
		for _, target := range []string{"a", "b"} {
			q.add(target, Public, target)
		}
		q.want("a 0s", "b 24h0m0s")
	})
}

// What a platform says is left of a limit is shared by all who send at once.
func TestRemainingIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, per, way = 5, 5 * time.Second, 50 * time.Millisecond
		p := newPacer(bots.Limits{Tells: true})
		var mu sync.Mutex
		var used int
		var reset time.Time
		request := func() (left int, until time.Time) {
			mu.Lock()
			defer mu.Unlock()
			if !time.Now().Before(reset) {
				used, reset = 0, time.Now().Add(per)
			}
			if used++; used > limit {
				t.Error("a request is refused")
			}
			return max(limit-used, 0), reset
		}
		send := func() {
			s, err := p.wait(t.Context(), turn{class: Public, target: "a", route: "post a", since: time.Now()})
			if err != nil {
				t.Error(err)
			}
			time.Sleep(way)
			left, until := request()
			time.Sleep(way)
			p.heed(s, "post a", left, until)
		}
		begin := time.Now()
		var all sync.WaitGroup
		for range 45 {
			all.Go(send)
		}
		all.Wait()
		if took := time.Since(begin); took > 9*(per+2*way) {
			t.Errorf("45 requests at 5 in 5 s took %v", took)
		}
	})
}
