package broadcast

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// flickering is a store that cannot be reached for a while.
type flickering struct {
	Store
	from, to time.Time
}

func (f *flickering) Claim(_ context.Context, account string, _ time.Duration) (Lease, bool, error) {
	if now := time.Now(); !now.Before(f.from) && now.Before(f.to) {
		return Lease{}, false, errors.New("connection refused")
	}
	return Lease{Account: account, Epoch: 1}, true, nil
}

func (f *flickering) Release(context.Context, Lease) error                         { return nil }
func (f *flickering) Busy(context.Context, string) ([]int64, error)                { return nil, nil }
func (f *flickering) Unanswered(context.Context, string) ([]Attempt, error)        { return nil, nil }
func (f *flickering) Sends(context.Context, string, time.Duration) ([]Send, error) { return nil, nil }

// logging is an account that writes what it logs, without times.
func logging(to io.Writer, s Store) *account {
	log := slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	return newAccount(&Engine{Config: Config{Store: s, Log: log}}, Account{Name: "bot", Bot: limited{limits: bots.Limits{}}, Lease: 10 * time.Second})
}

// A store that is away is told of when that begins, every ten seconds, and when
// it is over, although it is asked twice a second.
func TestOutageIsLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		var log bytes.Buffer
		a := logging(&log, &flickering{from: now.Add(20 * time.Second), to: now.Add(55 * time.Second)})
		ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
		defer stop()
		a.run(ctx)
		want := []string{
			`level=WARN msg="cannot ask for the account's lease" account=bot error="connection refused"`,
			`level=WARN msg="the account's lease has run out" account=bot`,
			`level=ERROR msg="cannot ask for the account's lease" account=bot error="connection refused" for=11s`,
			`level=ERROR msg="cannot ask for the account's lease" account=bot error="connection refused" for=21s`,
			`level=ERROR msg="cannot ask for the account's lease" account=bot error="connection refused" for=31s`,
			`level=INFO msg="the account's lease can be asked for again" account=bot after=37s`,
		}
		if got := strings.TrimSpace(log.String()); got != strings.Join(want, "\n") {
			t.Errorf("the log says\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	})
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// laneless is a store from which lanes cannot be loaded for a while, nor one of
// them for longer.
type laneless struct {
	flickering
	until, last time.Time
}

// many is how many lanes an account has.
const many = 100

func (s *laneless) Lane(_ context.Context, id int64) (*Lane, error) {
	if now := time.Now(); now.Before(s.until) || id == 1 && now.Before(s.last) {
		return nil, errors.New("connection refused")
	}
	return &Lane{}, nil // of a channel that is not configured
}

// However many lanes a store that is away holds up, one line tells of it now and
// then, and one when the last of them goes on.
func TestOutageOfManyLanesIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		var log bytes.Buffer
		a := logging(&log, &laneless{until: now.Add(15500 * time.Millisecond), last: now.Add(25500 * time.Millisecond)})
		var all sync.WaitGroup
		for id := range int64(many) {
			w := &worker{account: a, life: t.Context(), lane: id + 1}
			all.Go(func() { w.run(t.Context()) })
		}
		all.Wait()
		lines := strings.Split(strings.TrimSpace(log.String()), "\n")
		want := []string{
			`level=WARN msg="a lane cannot go on" account=bot lane=`,
			`level=ERROR msg="a lane cannot go on" account=bot lane=`,
			`level=ERROR msg="a lane cannot go on" account=bot lane=1 lanes=1 error="connection refused" for=20s`,
			`level=INFO msg="lanes go on" account=bot after=26s`,
		}
		ok := len(lines) == len(want)
		for k := 0; ok && k < len(want); k++ {
			ok = strings.HasPrefix(lines[k], want[k])
		}
		if !ok || !strings.HasSuffix(lines[1], `lanes=100 error="connection refused" for=10s`) {
			t.Errorf("the log says\n%s\nwant lines like\n%s", log.String(), strings.Join(want, "\n"))
		}
	})
}

// unrecording is a store that keeps no outcome for a while.
type unrecording struct {
	flickering
	until time.Time
}

func (s *unrecording) Record(context.Context, Lease, *Lane, Step, int64, Outcome) error {
	if time.Now().Before(s.until) {
		return errors.New("connection refused")
	}
	return nil
}

// The same holds for what was sent and cannot be recorded.
func TestOutageOfManyRecordsIsLoggedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := logging(&log, &unrecording{until: time.Now().Add(15500 * time.Millisecond)})
		var all sync.WaitGroup
		for id := range int64(many) {
			w := &worker{account: a, life: t.Context(), lane: id}
			all.Go(func() {
				l := &Lane{Entries: []Entry{{ID: 1}}}
				if err := w.record(t.Context(), l, Step{Kind: Settle, Entry: 1}, id+1, Outcome{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if got := log.String(); strings.Count(got, "\n") != 3 || !strings.Contains(got, "lanes=100 ") || !strings.Contains(got, `msg="outcomes are recorded again" account=bot after=16s`) {
			t.Errorf("the log says\n%s", got)
		}
	})
}

// forgetting is a store that has lost a lane.
type forgetting struct{ flickering }

func (f *forgetting) Lane(context.Context, int64) (*Lane, error) { return nil, ErrGone }
func (f *forgetting) Record(context.Context, Lease, *Lane, Step, int64, Outcome) error {
	return ErrGone
}

// What belongs to a lane that the store has lost is said once and given up: it is
// not there to be recorded, however often that is tried.
func TestLostLaneIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a, began := logging(&log, &forgetting{}), time.Now()
		w := &worker{account: a, life: t.Context(), lane: 7}
		out := Outcome{Receipt: bots.Receipt{ID: "701"}}
		if err := w.record(t.Context(), &Lane{Entries: []Entry{{ID: 1}}}, Step{Kind: Do, Entry: 1, Op: bots.Operation{Action: bots.Post}}, 1, out); !errors.Is(err, ErrGone) {
			t.Error(err)
		}
		w.run(t.Context())
		if took := time.Since(began); took > 0 {
			t.Errorf("it takes %v", took)
		}
		want := `level=ERROR msg="what was sent cannot be recorded" account=bot lane=7 attempt=1 message=701 error="` + ErrGone.Error() + "\"\n"
		if log.String() != want {
			t.Errorf("the log says\n%s\nwant\n%s", log.String(), want)
		}
	})
}
