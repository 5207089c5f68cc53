package people_test

import (
	"context"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/people"
)

// comes has people press Start in the conversation with the first bot.
func comes(tb testing.TB, s *sim.Telegram, from, n int) {
	tb.Helper()
	for i := from; i < from+n; i++ {
		if _, err := s.Start(strconv.Itoa(i), ""); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestFlood checks that everybody of a crowd is subscribed, although only some
// are answered, and that the first to come are.
func TestFlood(t *testing.T) {
	w := newTown(t, nil...)
	const n = 10_000
	comes(t, w.sim, 1_000_000, n)
	w.until("all are subscribed", func() bool {
		count, err := w.store.CountSubscribers(t.Context(), "tg")
		return err == nil && count == n
	})
	w.until("the first is answered", func() bool { return len(w.ours("1000000")) == 1 })
	w.mustSay(w.ours("1000000")[0].Text, "You are subscribed")
}

// TestFloodIsShed checks that a slow account gets short answers after the full
// ones, and then none, while everybody is subscribed.
func TestFloodIsShed(t *testing.T) {
	w := newTownAt(t, 2) // which answers one a second, and keeps 10 and 40 waiting
	const n = 2000
	comes(t, w.sim, 1_000_000, n)
	w.until("all are subscribed", func() bool {
		count, err := w.store.CountSubscribers(t.Context(), "tg")
		return err == nil && count == n
	})
	if waiting := w.audience.Waiting(); waiting > 50 {
		t.Errorf("%d answers wait, want at most 50", waiting)
	}
}

// BenchmarkStarts subscribes a crowd through the simulator and prints how many
// a second, and how long it takes beside reading the same updates and doing
// nothing.
func BenchmarkStarts(b *testing.B) {
	const n = 20_000
	var bare, kept time.Duration
	for range b.N {
		bare += drain(b, n, func(bot *telegram.Bot, ctx context.Context, seen func(int)) {
			bot.ListenBatches(ctx, "", func(_ context.Context, events []bots.Event) (int, error) {
				seen(len(events))
				return len(events), nil
			})
		})
		w := newTownAt(b, 0)
		kept += drain(b, n, func(bot *telegram.Bot, ctx context.Context, seen func(int)) {
			l := people.Listener{Audience: w.audience, Bot: counting{bot, seen}, Rooms: func(bots.Event) bool { return false }}
			l.Listen(ctx, "", func(context.Context, bots.Event) error { return nil })
		})
	}
	b.ReportMetric(float64(n*b.N)/kept.Seconds(), "starts/s")
	b.ReportMetric(kept.Seconds()/bare.Seconds(), "x-of-reading-alone")
	b.ReportMetric(0, "ns/op")
}

// counting tells how many events were handled.
type counting struct {
	*telegram.Bot
	seen func(int)
}

func (c counting) ListenBatches(ctx context.Context, cursor string, handle func(context.Context, []bots.Event) (int, error)) error {
	return c.Bot.ListenBatches(ctx, cursor, func(ctx context.Context, events []bots.Event) (int, error) {
		n, err := handle(ctx, events)
		c.seen(n)
		return n, err
	})
}

// drain measures how long listen takes to hear a crowd that has come already.
func drain(b *testing.B, n int, listen func(*telegram.Bot, context.Context, func(int))) time.Duration {
	b.Helper()
	s := sim.NewTelegram()
	s.AddBot(token, "example_bot")
	comes(b, s, 1_000_000, n)
	server := httptest.NewServer(s)
	defer server.Close()
	bot, err := telegram.New(telegram.Config{Name: "tg", Token: token, APIURL: server.URL})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	began, left := time.Now(), n
	listen(bot, ctx, func(seen int) {
		if left -= seen; left == 0 {
			cancel()
		}
	})
	return time.Since(began)
}
