package broadcast

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
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

// A store that is away is told of when that begins, every ten seconds, and when
// it is over, although it is asked twice a second.
func TestOutageIsLoggedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		var log bytes.Buffer
		a := newAccount(&Engine{Config: Config{
			Store: &flickering{from: now.Add(20 * time.Second), to: now.Add(55 * time.Second)},
			Log:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
		}}, Account{Name: "bot", Bot: limited{limits: bots.Limits{}}, Lease: 10 * time.Second})
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
