package broadcast

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// The limits of a group or channel: so many a minute, and all but answers to
// operators a second apart.
func TestPacerKeepsTheLimitsOfAGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Account: perSecond(30), Target: bots.Pace{N: 4, Per: time.Minute}, Person: perSecond(1)})
		for _, name := range []string{"1", "2", "3"} {
			q.add(name, Public, "@news")
		}
		q.add("answer 1", Room, "-100")
		q.add("answer 2", Room, "-100")
		q.add("elsewhere", Audience, "71")
		q.want("1 0s", "answer 1 0s", "answer 2 0s", "elsewhere 0s", "2 1.05s", "3 2.1s")
		q.add("4", Public, "@news")
		q.add("5", Amend, "@news")
		q.want("4 3.15s", "5 1m1s")
		q.add("a group of the audience", Audience, "-200")
		q.add("the same", Audience, "-200")
		q.want("a group of the audience 1m1s", "the same 1m2.05s")
	})
}

// Cards are edited all the time while something happens. They leave places to
// what operators are answered.
func TestPacerLetsCardsYield(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Target: bots.Pace{N: 4, Per: time.Minute}, Person: perSecond(1)})
		for range 4 {
			q.add("card", Card, "-100")
		}
		q.add("answer", Room, "-100")
		q.want("card 0s", "card 0s", "card 0s", "answer 0s", "card 1m1s")
	})
}

// A chat that asked for quiet is left alone, and no other: of a million people
// none has a window of his own.
func TestPacerHushesAPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(t, bots.Limits{Target: bots.Pace{N: 4, Per: time.Minute}, Person: perSecond(1)})
		q.pacer.pause("71", time.Now().Add(5*time.Second))
		q.add("answer", Answer, "71")
		q.add("operator", Room, "71")
		q.add("other", Audience, "72")
		q.want("other 0s", "operator 5s", "answer 6.05s")
		q.add("news", Audience, "71")
		q.want("news 7.1s")
		q.pacer.pause("72", time.Now().Add(time.Second))
		if len(q.pacer.hushed) != 1 || len(q.pacer.targets) != 0 {
			t.Errorf("%d people and %d targets are remembered", len(q.pacer.hushed), len(q.pacer.targets))
		}
	})
}

// A place in the limit of all that is sent is nobody's window.
func TestWhatIsPaidForSharesNoTarget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: perSecond(1000), Target: bots.Pace{N: 1, Per: time.Minute}, Person: perSecond(1)})
		for range 10 {
			if _, err := p.wait(t.Context(), turn{class: Room, since: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.targets) != 0 {
			t.Error("there is a window for no target")
		}
	})
}
