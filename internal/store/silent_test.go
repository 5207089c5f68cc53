package store

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// soonEnough is what anything may take while the database says nothing, with what
// a loaded machine adds.
const soonEnough = 25 * time.Second

// overLine is a store with a line to its database, whose connections all were used.
func overLine(t *testing.T) (*Store, *storetest.Line) {
	t.Helper()
	line := storetest.NewLine(t, storetest.Postgres(t))
	s := mustOpenURL(t, line.URL)
	for name, err := range s.askAll(t.Context()) {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	return s, line
}

// askAll asks everything of a store, several times at once, and returns what went
// wrong with it.
func (s *Store) askAll(ctx context.Context) map[string]error {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[string]error{}
	for name, ask := range map[string]func() error{
		"Set":       func() error { return s.Set(ctx, "name", "value") },
		"Claim":     func() error { _, _, err := s.Claim(ctx, "birds", minute); return err },
		"Incidents": func() error { _, err := s.Incidents(ctx, 9); return err },
		"Setting":   func() error { _, err := s.Setting(ctx, "name"); return err },
		"Drafts":    func() error { _, err := s.Drafts(ctx); return err },
		"Freezes":   func() error { _, err := s.Freezes(ctx); return err },
		"Question":  func() error { _, err := s.Question(ctx, 1); return err },
		"Busy":      func() error { _, err := s.Busy(ctx, "birds"); return err },
	} {
		for range 2 {
			all.Go(func() {
				err := ask()
				mu.Lock()
				defer mu.Unlock()
				out[name] = errors.Join(out[name], err)
			})
		}
	}
	all.Wait()
	return out
}

// within fails unless fn returns in time.
func within(t *testing.T, limit time.Duration, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	began := time.Now()
	go func() { fn(); close(done) }()
	select {
	case <-done:
		t.Logf("%s: %v", what, time.Since(began).Round(time.Second/10))
	case <-time.After(limit):
		t.Fatalf("%s: not within %v", what, limit)
	}
}

// A router in between has forgotten all connections while nobody used them. They
// are replaced without a word.
func TestForgottenConnections(t *testing.T) {
	t.Parallel()
	s, line := overLine(t)
	time.Sleep(time.Second) // by which connections count as not used
	line.Forget()
	within(t, soonEnough, "all that is asked", func() {
		for name, err := range s.askAll(t.Context()) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The database says nothing any more, and neither does what is between. Whoever
// asks is told in time, and when it is back all goes on within seconds.
func TestSilentDatabase(t *testing.T) {
	t.Parallel()
	s, line := overLine(t)
	line.Hang()
	for _, when := range []string{"at first", "later"} {
		within(t, soonEnough, when, func() {
			for name, err := range s.askAll(context.WithoutCancel(t.Context())) {
				if err == nil {
					t.Errorf("%s succeeds", name)
				}
			}
		})
	}
	line.Resume()
	within(t, 2*connecting, "when it is back", func() {
		for well := false; !well && t.Context().Err() == nil; {
			well = true
			for name, err := range s.askAll(t.Context()) {
				if err != nil { // of an attempt to connect that began before
					t.Logf("%s: %v", name, err)
					well = false
				}
			}
		}
	})
	line.Hang()
	within(t, connecting, "to close", func() { s.Close() })
}

// The database falls silent in the middle of a transaction that is then given up.
func TestGivenUpInSilence(t *testing.T) {
	t.Parallel()
	s, line := overLine(t)
	refusal := errors.New("refused")
	within(t, soonEnough, "to give up", func() {
		_, err := s.Change(t.Context(), "", func(desk.Tx) ([]byte, error) { line.Hang(); return nil, refusal })
		if !errors.Is(err, refusal) {
			t.Errorf("the error is %v", err)
		}
	})
}

// The database falls silent before it has heard of a commit, and is back soon, for
// new connections alone. What the caller is told is what happened.
func TestCommitInSilence(t *testing.T) {
	t.Parallel()
	s, line := overLine(t)
	within(t, soonEnough, "to know", func() {
		err := s.change(t.Context(), func(tx *tx) error {
			err := set(t.Context(), tx, "name", "lost")
			line.Hang()
			time.AfterFunc(answering/2, line.Forget)
			return err
		})
		if err == nil || strings.Contains(err.Error(), "not known") {
			t.Errorf("the commit did not arrive: %v", err)
		}
	})
	if name, err := s.Setting(t.Context(), "name"); name != "value" || err != nil {
		t.Errorf("it is %q, %v", name, err)
	}
}
