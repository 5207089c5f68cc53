package broadcast

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A node that takes an account over keeps to the limit that the one before has
// used up in part.
func TestInheritedLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Account: bots.Pace{N: 3, Per: time.Minute}, Target: bots.Pace{N: 20, Per: time.Minute}})
		p.inherit([]Send{{"a", 50 * time.Second}, {"a", 20 * time.Second}, {"b", 10 * time.Second}}, false)
		began := time.Now()
		for _, want := range []time.Duration{10 * time.Second, 40 * time.Second, 50 * time.Second} {
			if _, err := p.wait(t.Context(), turn{target: "c", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if got := time.Since(began); got < want || got > want+3*time.Second {
				t.Errorf("sent after %s, want %s", got, want)
			}
		}
	})
}

// What was written to rooms is on no record, so half of a target's limit counts
// as used for a while.
func TestInheritedTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPacer(bots.Limits{Target: bots.Pace{N: 4, Per: time.Minute}})
		p.inherit(nil, true)
		began := time.Now()
		for k := range 3 {
			if _, err := p.wait(t.Context(), turn{target: "room", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			if late := time.Since(began) >= time.Minute; late != (k == 2) {
				t.Errorf("message %d is sent after %s", k+1, time.Since(began))
			}
		}
		time.Sleep(2 * time.Minute)
		again := time.Now()
		for range 4 {
			if _, err := p.wait(t.Context(), turn{target: "another room", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		if time.Since(again) > 0 {
			t.Errorf("held up for %s", time.Since(again))
		}
	})
}

// journalled is a store that knows when something was sent.
type journalled struct {
	Store
	sent []time.Time
}

func (j *journalled) Sends(_ context.Context, _ string, within time.Duration) (out []Send, err error) {
	for _, at := range j.sent {
		if ago := time.Since(at); ago < within {
			out = append(out, Send{"a", ago})
		}
	}
	return out, nil
}

// limited is a bot that has only limits.
type limited struct {
	bots.Bot
	limits bots.Limits
}

func (l limited) Limits() bots.Limits { return l.limits }

// An account goes to and fro between two nodes, one of which gives it back while
// the other is halted and wakes up late: what was sent counts once for each of
// them, however often that happens.
func TestInheritedAgainAndAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journalled{}
		engine := &Engine{Config: Config{Store: j, Log: slog.New(slog.DiscardHandler)}}
		var nodes []*account
		for range 2 {
			nodes = append(nodes, newAccount(engine, Account{Lease: 10 * time.Second, Bot: limited{limits: bots.Limits{Account: bots.Pace{N: 10, Per: 15 * time.Minute}}}}))
		}
		began := time.Now()
		for k := range 11 {
			a := nodes[k%2]
			if k%2 == 1 && k > 1 {
				a.ended() // it wakes up
			}
			if err := a.learn(t.Context(), Lease{Epoch: int64(k + 1)}); err != nil {
				t.Fatal(err)
			}
			a.extend(time.Now())
			if _, err := a.pacer.wait(t.Context(), turn{target: "a", since: time.Now()}); err != nil {
				t.Fatal(err)
			}
			j.sent = append(j.sent, time.Now())
			if late := time.Since(began) >= 15*time.Minute; late != (k == 10) {
				t.Errorf("request %d is sent after %s", k+1, time.Since(began))
			}
			if k%2 == 0 {
				time.Sleep(time.Second)
				a.ended()
			} else {
				time.Sleep(10 * time.Second)
			}
		}
	})
}
