package model

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store"
)

// journal is the engine's store as a process that may die sees it.
type journal struct {
	*store.Store
	life *life
}

// gone reports whether the process is dead, so that nothing it does counts.
func (l *life) gone() bool {
	select {
	case <-l.dead:
		return true
	default:
		return false
	}
}

// boundary is passed by the engine. It reports whether the process is dead.
func (j *journal) boundary(point, account string) bool {
	return j.life.crosses(point, account)
}

// crosses is passed by whoever does. It reports whether the process is dead.
func (l *life) crosses(point, account string) bool {
	died := l.boundary(point, account)
	l.gate.wait()
	return died || l.gone()
}

func (j *journal) Claim(ctx context.Context, account string, ttl time.Duration) (broadcast.Lease, bool, error) {
	j.life.gate.wait()
	switch {
	case j.life.gone():
		return broadcast.Lease{}, false, errDead
	case j.life.isStolen(account):
		return broadcast.Lease{}, false, nil
	}
	return j.Store.Claim(ctx, account, ttl)
}

func (w *world) isStolen(account string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.stolen[account])
}

func (j *journal) Release(ctx context.Context, lease broadcast.Lease) error {
	j.life.gate.wait()
	if j.life.gone() {
		return errDead
	}
	return j.Store.Release(ctx, lease)
}

func (j *journal) Lane(ctx context.Context, id int64) (*broadcast.Lane, error) {
	j.life.gate.wait()
	return j.Store.Lane(ctx, id)
}

func (j *journal) Busy(ctx context.Context, account string) ([]int64, error) {
	j.life.gate.wait()
	return j.Store.Busy(ctx, account)
}

func (j *journal) Idle(ctx context.Context, lease broadcast.Lease, lane *broadcast.Lane) error {
	j.life.gate.wait()
	return j.Store.Idle(ctx, lease, lane)
}

func (j *journal) Begin(ctx context.Context, lease broadcast.Lease, lane *broadcast.Lane, a broadcast.Attempt) (int64, error) {
	time.Sleep(j.life.lag(lease.Account))
	if j.boundary("before begin", lease.Account) {
		return 0, broadcast.ErrLost
	}
	known := j.life.before(lane)
	id, err := j.Store.Begin(ctx, lease, lane, a)
	if err == nil {
		j.life.attempted(known, lane, a)
		j.alone(lane)
	}
	if err == nil && j.boundary("after begin", lease.Account) {
		return 0, broadcast.ErrLost
	}
	return id, err
}

// alone: on a lane nothing begins while something has no outcome, whichever node
// began it.
func (j *journal) alone(l *broadcast.Lane) {
	open, err := j.Store.Unanswered(context.Background(), l.Channel.Account)
	open = slices.DeleteFunc(open, func(a broadcast.Attempt) bool { return a.Lane != l.ID })
	if err != nil || len(open) > 1 {
		j.life.note(func() {
			j.life.wrong("%d attempts are under way for %s on %s: %v", len(open), l.Incident.Ref, l.Channel.Name, err)
		})
	}
}

var errFull = errors.New("the disk is full")

func (j *journal) Record(ctx context.Context, lease broadcast.Lease, lane *broadcast.Lane, step broadcast.Step, attempt int64, out broadcast.Outcome) error {
	j.life.gate.wait()
	switch {
	case j.life.gone(), attempt != 0 && j.boundary("before record", lease.Account):
		runtime.Goexit() // who cannot record tries for ever, and the dead do not
	case attempt != 0 && j.life.forget():
		return errFull
	}
	err := j.Store.Record(ctx, lease, lane, step, attempt, out)
	if err == nil {
		j.life.recorded(j.life, lane, step, out)
	}
	if err == nil && attempt != 0 && j.boundary("after record", lease.Account) {
		runtime.Goexit()
	}
	return err
}

func (w *world) lag(account string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.lags[account]; time.Now().Before(l.until) {
		return l.each
	}
	return 0
}

func (w *world) forget() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.forgets--
	return w.forgets >= 0
}

// deskStore is the desk's store as a process that may die sees it.
type deskStore struct {
	*store.Store
	life *life
}

func (s *deskStore) Change(ctx context.Context, key string, fn func(desk.Tx) ([]byte, error)) ([]byte, error) {
	if s.life.gone() || s.life.boundary("before command", "") {
		return nil, errDead
	}
	answer, err := s.Store.Change(ctx, key, fn)
	if s.life.gone() || s.life.boundary("after command", "") {
		return nil, errDead
	}
	return answer, err
}
