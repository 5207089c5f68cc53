package people

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// faultyOnce is a store in which nobody can be forgotten at first.
type faultyOnce struct {
	Store
	asked chan time.Time
	once  bool
}

func (s *faultyOnce) ForgetSubscribers(context.Context, string, time.Time) (int, error) {
	s.asked <- time.Now()
	if !s.once {
		s.once = true
		return 0, errors.New("the disk is full")
	}
	return 1, nil
}

// Who left long ago is not kept for a day more where the database fails once.
func TestForgettingIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		s := &faultyOnce{asked: make(chan time.Time)}
		a := Audience{Config: Config{Account: "tg", Store: s, Log: slog.New(slog.DiscardHandler)}}
		go a.forget(ctx)
		first, second, third := <-s.asked, <-s.asked, <-s.asked
		if second.Sub(first) != forgetAgain || third.Sub(second) != forgetEvery {
			t.Errorf("tried again after %s, and then after %s", second.Sub(first), third.Sub(second))
		}
	})
}
