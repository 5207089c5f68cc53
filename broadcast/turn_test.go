package broadcast

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// paying is an engine with an account of the free pace 30/s, whose audience is
// paid for.
func paying() *Engine {
	e := unpaid()
	e.Road("tg").SetPace(perSecond(1000))
	return e
}

func unpaid() *Engine {
	limits := bots.Limits{Account: perSecond(30), Person: perSecond(1), Target: bots.Pace{N: 20, Per: time.Minute}}
	return &Engine{accounts: map[string]*account{"tg": {pacer: newPacer(limits)}, "other": {pacer: newPacer(limits)}}}
}

// An audience goes at the pace that is paid for, and everything else at the free
// one. A platform that counts strictly, all requests among the former, refuses
// none.
func TestWhatIsPaidForGoesBesideTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := paying()
		free, all := &strict{n: 30}, &strict{n: 1000}
		send := func(class Class, n int, platform *strict) (took time.Duration) {
			began := time.Now()
			for k := range n {
				place, err := e.Road("tg").Turn(t.Context(), Wish{Class: class, Person: int64(class)*10_000 + int64(k), Since: time.Now()})
				if err != nil {
					t.Error(err)
				}
				all.arrive()
				if platform != all {
					platform.arrive()
				}
				place.Came(time.Now(), nil)
			}
			return time.Since(began)
		}
		var both sync.WaitGroup
		both.Go(func() {
			if took := send(Audience, 3000, all); took > 4*time.Second {
				t.Errorf("3000 messages at 1000 a second took %v", took)
			}
		})
		both.Go(func() {
			if took := send(Answer, 90, free); took < 2*time.Second {
				t.Errorf("90 messages at 30 a second took %v", took)
			}
		})
		both.Wait()
		if free.refused+all.refused > 0 {
			t.Errorf("%d requests were beyond the free limit, %d beyond what is paid for", free.refused, all.refused)
		}
		e.Road("tg").SetPace(perSecond(30))
		if took := send(Audience, 60, free); took < time.Second || free.refused > 0 {
			t.Errorf("60 messages at 30 a second took %v, and %d were refused", took, free.refused)
		}
	})
}

// Nobody gets more than a message a second, whoever pays for which, and what is
// edited of his counts. What another bot tells him does not, nor does who waits
// keep others waiting.
func TestOnePersonIsNotWrittenToTwiceInASecond(t *testing.T) {
	for name, begin := range map[string]func() *Engine{"free": unpaid, "paid": paying} {
		for _, classes := range [][2]Class{{Audience, Answer}, {Answer, Audience}, {Audience, Audience}, {Audience, Reword}, {Reword, Audience}, {Answer, Reword}, {Reword, Reword}} {
			synctest.Test(t, func(t *testing.T) {
				e := begin()
				began := time.Now()
				turn := func(account string, class Class, person int64) time.Duration {
					if _, err := e.Road(account).Turn(t.Context(), Wish{Class: class, Person: person, Since: time.Now()}); err != nil {
						t.Fatal(err)
					}
					return time.Since(began)
				}
				turn("tg", classes[0], 1)
				if took := turn("tg", classes[1], 2); took > time.Second/2 {
					t.Errorf("%s, classes %v: somebody else waited %v", name, classes, took)
				}
				if took := turn("other", classes[1], 1); took > time.Second/2 {
					t.Errorf("%s, classes %v: another bot waited %v", name, classes, took)
				}
				if took := turn("tg", classes[1], 1); took < time.Second {
					t.Errorf("%s, classes %v: two messages within %v", name, classes, took)
				}
			})
		}
	}
}

// A message that was long on its way has its person be left alone from when it may
// have arrived.
func TestAPersonRestsFromWhenAMessageArrived(t *testing.T) {
	for name, e := range map[string]*Engine{"paid for": paying(), "not paid for": unpaid()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e.accounts["tg"].pacer.persons = newRecent() // with the clock of this test
				began := time.Now()
				send := func(person int64, takes time.Duration) {
					place, err := e.Road("tg").Turn(t.Context(), Wish{Class: Audience, Person: person, Since: time.Now()})
					if err != nil {
						t.Fatal(err)
					}
					time.Sleep(takes)
					place.Came(time.Now(), nil)
				}
				send(1, 100*time.Millisecond)
				send(2, 400*time.Millisecond) // 300 of them perhaps on the way there
				send(2, 100*time.Millisecond)
				want := 100*time.Millisecond + 300*time.Millisecond + 1050*time.Millisecond + 100*time.Millisecond
				if took := time.Since(began).Truncate(10 * time.Millisecond); took != want {
					t.Errorf("the second message to a person is answered after %v, want %v", took, want)
				}
			})
		})
	}
}

// A group gets no more than twenty messages in a minute, whatever they are and
// whoever pays for which, its edits counted. A person gets more, and neither he nor
// a room waits for a group.
func TestAGroupTakesTwentyAMinute(t *testing.T) {
	for name, begin := range map[string]func() *Engine{"free": unpaid, "paid": paying} {
		synctest.Test(t, func(t *testing.T) {
			e := begin()
			began := time.Now()
			turn := func(chat int64, k int) time.Duration {
				class := []Class{Audience, Answer, Reword}[k%3]
				if _, err := e.Road("tg").Turn(t.Context(), Wish{Class: class, Person: chat, Since: time.Now()}); err != nil {
					t.Fatal(err)
				}
				return time.Since(began)
			}
			for k := range 20 {
				turn(-5, k)
			}
			if took := turn(5, 0); took > 30*time.Second {
				t.Errorf("%s: a person waited %v", name, took)
			}
			if _, err := e.Road("tg").Turn(t.Context(), Wish{Class: Audience, Person: -5, Since: time.Now(), Pass: true}); !errors.Is(err, ErrRests) {
				t.Errorf("%s: a group that has had twenty messages is not passed over: %v", name, err)
			}
			for k := range 25 {
				turn(5, k)
			}
			if took := time.Since(began); took > 50*time.Second {
				t.Errorf("%s: 25 more messages to a person took until %v", name, took)
			}
			if took := turn(-5, 0); took < time.Minute || took > 63*time.Second {
				t.Errorf("%s: the 21st message to a group goes after %v", name, took)
			}
			if _, err := e.accounts["tg"].wait(t.Context(), roomTurn("-5")); err != nil || time.Since(began) > 63*time.Second {
				t.Errorf("%s: a room waits until %v, %v", name, time.Since(began), err)
			}
		})
	}
}

func roomTurn(target string) turn { return turn{class: Room, target: target, since: time.Now()} }

// A group whose members may write only now and then refuses for a long time; that
// holds up nobody else.
func TestARefusalOfAGroupIsItsOwn(t *testing.T) {
	for name, begin := range map[string]func() *Engine{"free": unpaid, "paid": paying} {
		synctest.Test(t, func(t *testing.T) {
			e := begin()
			began := time.Now()
			turn := func(chat int64) Place {
				p, err := e.Road("tg").Turn(t.Context(), Wish{Class: Audience, Person: chat, Since: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			turn(-5).Came(time.Now(), &bots.Fault{Kind: bots.RateLimited, Subject: bots.Target, Until: began.Add(time.Hour)})
			turn(6).Came(time.Now(), nil)
			if took := time.Since(began); took > time.Second {
				t.Errorf("%s: somebody else waited %v", name, took)
			}
			turn(-5)
			if took := time.Since(began); took < time.Hour {
				t.Errorf("%s: the group is written to after %v", name, took)
			}
		})
	}
}

// Something that waits for its turn at the pace that is paid for keeps its
// person from being written to meanwhile.
func TestNothingGoesBetweenAPersonAndHisTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := paying()
		e.Road("tg").SetPace(perSecond(1))
		at := make(chan time.Time, 2)
		turn := func(class Class, person int64) {
			if _, err := e.Road("tg").Turn(t.Context(), Wish{Class: class, Person: person, Since: time.Now()}); err != nil {
				t.Error(err)
			}
			at <- time.Now()
		}
		turn(Audience, 1)
		<-at
		go turn(Audience, 2) // waits for a second
		time.Sleep(995 * time.Millisecond)
		go turn(Answer, 2)
		first, second := <-at, <-at
		if gap := second.Sub(first); gap < time.Second {
			t.Errorf("two messages within %v", gap)
		}
	})
}

// A refusal of what is paid for holds back all that the account sends, and the
// other way round.
func TestARefusalHoldsBackBothPaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, classes := range [][2]Class{{Audience, Answer}, {Answer, Audience}} {
			e := paying()
			place, err := e.Road("tg").Turn(t.Context(), Wish{Class: classes[0], Person: 1, Since: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			place.Came(time.Now(), &bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Until: began.Add(7 * time.Second)})
			if _, err := e.Road("tg").Turn(t.Context(), Wish{Class: classes[1], Person: 2, Since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < 7*time.Second {
				t.Errorf("classes %v: the other pace went on after %v", classes, took)
			}
		}
	})
}

// However many messages of subscribers are to be edited, who asks something has
// his answer next, and so has the room.
func TestEditsOfAnAudienceKeepNobodyWaiting(t *testing.T) {
	for name, begin := range map[string]func() *Engine{"free": unpaid, "paid": paying} {
		synctest.Test(t, func(t *testing.T) {
			e := begin()
			ctx, stop := context.WithCancel(t.Context())
			var edits sync.WaitGroup
			for k := range 500 {
				edits.Go(func() {
					_, _ = e.Road("tg").Turn(ctx, Wish{Class: Reword, Person: int64(1000 + k), Since: time.Now()})
				})
			}
			time.Sleep(5 * time.Second)
			for k, class := range []Class{Answer, Room, Public} {
				began := time.Now()
				if _, err := e.Road("tg").Turn(t.Context(), Wish{Class: class, Person: int64(1 + k), Since: began}); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 100*time.Millisecond {
					t.Errorf("%s: class %v waited %v among edits at 30 a second", name, class, took)
				}
			}
			stop()
			edits.Wait()
		})
	}
}
