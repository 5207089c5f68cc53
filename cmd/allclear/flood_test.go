package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/crowd"
	"github.com/allclear-hq/allclear/internal/store"
)

var floodSize = flag.Int("flood", 200_000, "how many press Start in BenchmarkFlood, in a minute for each 200 000")

const (
	floodChannel = -1001 // where the public reads
	floodRoom    = -1002 // where operators type, on a bot of its own
	firstFlooder = 1_000_000
)

// A flooded is the real program, with an audience and a public channel on one
// bot and a room on another, and the two Telegrams that it speaks with.
type flooded struct {
	testing.TB
	people, ops *crowd.Crowd
	url         string
	database    string
	kill        func()
	updates     int // of ops

	mu      sync.Mutex
	order   []int64 // chats, as messages came to people
	arrived map[int64]chan time.Time
}

func newFlooded(tb testing.TB, rate float64, way func() time.Duration) *flooded {
	tb.Helper()
	f := &flooded{TB: tb, arrived: map[int64]chan time.Time{floodChannel: make(chan time.Time, 1000), floodRoom: make(chan time.Time, 1000)}}
	listen := func(heard func(chat, message int64)) *crowd.Crowd {
		c, err := crowd.Listen()
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { c.Close() })
		c.Says, c.Way, c.Heard = make(chan string), way, heard
		return c
	}
	f.ops = listen(f.came)
	f.people = listen(func(chat, message int64) {
		f.mu.Lock()
		f.order = append(f.order, chat)
		f.mu.Unlock()
		f.came(chat, message)
	})
	f.url, _, f.kill = programAt(tb, f.config(rate))
	return f
}

func (f *flooded) came(chat, _ int64) {
	if c := f.arrived[chat]; c != nil {
		c <- time.Now()
	}
}

// written are the chats to which the first bot wrote, in order.
func (f *flooded) written() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

func (f *flooded) config(rate float64) string {
	f.Helper()
	dir := f.TempDir()
	f.database = "sqlite:" + filepath.Join(dir, "flood.db")
	return audienceSite(f, dir, f.database, f.people.URL, fmt.Sprint("rate = ", rate), fmt.Sprintf(`[bots.ops]
kind = "telegram"
token = "43:secret"
api_url = %q
[[channels]]
name = "tg-en"
bot = "tg"
target = "%d"
[[rooms]]
bot = "ops"
target = "%d"
[[operators]]
name = "Ana"
role = "admin"
telegram = "1001"
token = %q
`, f.ops.URL, floodChannel, floodRoom, demoToken))
}

// starts has n people more press Start, at most perSecond of them in a second,
// and returns when all were heard. The program gets a hundred at a time, as
// Telegram gives them.
func (f *flooded) starts(ctx context.Context, n, perSecond int) {
	began := time.Now()
	for said := 0; said < n; {
		come := min(n, int(time.Since(began).Seconds()*float64(perSecond)))
		if come == said {
			asleep(time.Millisecond)
			continue
		}
		var updates []string
		for ; said < come && len(updates) < 100; said++ {
			updates = append(updates, startOf(1+said, firstFlooder+said))
		}
		select {
		case f.people.Says <- strings.Join(updates, ","):
		case <-ctx.Done():
			return
		}
	}
}

func startOf(update, chat int) string {
	return fmt.Sprintf(`{"update_id":%d,"message":{"message_id":1,"date":%d,"text":"/start","chat":{"id":%d,"type":"private"},"from":{"id":%d,"is_bot":false,"first_name":"A","language_code":"en"}}}`,
		update, time.Now().Unix(), chat, chat)
}

// runs carries out a command in a shell.
func (f *flooded) runs(args ...string) {
	f.Helper()
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"ALLCLEAR_URL": f.url, "ALLCLEAR_TOKEN": demoToken}[name]
		return v, ok
	}
	var out bytes.Buffer
	e := &env{ctx: context.WithoutCancel(f.Context()), in: strings.NewReader(""), out: &out, err: &out, lookup: lookup}
	if code := run(e, args); code != 0 {
		f.Fatal(out.String())
	}
}

// post publishes an update and returns how long it took until the public read it.
func (f *flooded) post() time.Duration {
	f.Helper()
	began := time.Now()
	f.runs("update", "INC-1", "We are still working on it.", "--only", "tg-en")
	return f.next(floodChannel).Sub(began)
}

// types has Ana ask for a draft in the room, and returns how long it took until
// its preview was there.
func (f *flooded) types() time.Duration {
	f.Helper()
	for len(f.arrived[floodRoom]) > 0 { // cards
		<-f.arrived[floodRoom]
	}
	f.updates++
	began := time.Now()
	f.ops.Says <- fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"date":%d,"text":"/update INC-1 A fix is in place.","chat":{"id":%d,"type":"supergroup"},"from":{"id":1001,"is_bot":false,"first_name":"Ana"}}}`,
		f.updates, 5000+f.updates, time.Now().Unix(), floodRoom)
	return f.next(floodRoom).Sub(began)
}

func (f *flooded) next(chat int64) time.Time {
	f.Helper()
	select {
	case at := <-f.arrived[chat]:
		return at
	case <-time.After(time.Minute):
		f.Fatalf("nothing came to %d for a minute", chat)
		return time.Time{}
	}
}

// subscribed is how many the program kept, once it is dead.
func (f *flooded) subscribed() (n int) {
	f.Helper()
	f.kill()
	withStore(f, f.database, func(db *store.Store) {
		var err error
		if n, err = db.CountSubscribers(context.WithoutCancel(f.Context()), "tg"); err != nil {
			f.Fatal(err)
		}
	})
	return n
}

// TestAFloodKeepsNobodyElseWaiting checks that a public post goes before all
// whose answers wait already, that operators are answered in their room
// meanwhile, and that everybody is subscribed, answered or not.
func TestAFloodKeepsNobodyElseWaiting(t *testing.T) {
	f := newFlooded(t, 2, nil) // answers one a second, and keeps 50 waiting
	f.runs("incident", "major", "login", "--title", "Logins fail", "--text", "Nobody can log in.", "--only", "tg-en")
	f.next(floodChannel)
	const n = 3000
	f.starts(t.Context(), n, 1_000_000)
	answered := len(f.written())
	f.post()
	before := slices.Index(f.written()[answered:], floodChannel)
	if before > 5 { // whose turn it was while the command was on its way
		t.Errorf("%d people were answered before the public read what was published", before)
	}
	f.types()
	if got := f.subscribed(); got != n {
		t.Errorf("%d of %d who pressed Start are subscribed", got, n)
	}
}

// BenchmarkFlood has people press Start in a conversation with the real
// program, 200 000 in a minute, and measures how long a public post of the
// same bot and a preview in a room take, meanwhile and, in the same run, before
// that.
//
//	starts/s  that were heard and kept, of the 3 333 that came
//	post-x    a public post, beside one without a flood; post-ms the slowest
//	room-x    a preview in the room, likewise; room-ms
//	answered  people who got an answer, of all
func BenchmarkFlood(b *testing.B) {
	const perSecond = 200_000 / 60
	var starts, post, room, answered float64
	var slowPost, slowRoom time.Duration
	for b.Loop() {
		f := newFlooded(b, 30, func() time.Duration { return 10*time.Millisecond + rand.N(5*time.Millisecond) })
		f.runs("incident", "major", "login", "--title", "Logins fail", "--text", "Nobody can log in.", "--only", "tg-en")
		f.next(floodChannel)
		var quiet, loud [2][]time.Duration
		round := func(into *[2][]time.Duration) {
			into[0] = append(into[0], f.post())
			asleep(4 * time.Second) // a chat takes 20 messages a minute, and the room has a card too
			into[1] = append(into[1], f.types())
			asleep(4 * time.Second)
		}
		for range 3 {
			round(&quiet)
		}
		done := make(chan time.Duration, 1)
		began := time.Now()
		go func() {
			f.starts(b.Context(), *floodSize, perSecond)
			done <- time.Since(began)
		}()
		for len(done) == 0 {
			round(&loud)
		}
		took := <-done
		starts += float64(*floodSize) / took.Seconds()
		taken, _ := f.people.Count()
		answered += float64(taken-1-len(quiet[0])-len(loud[0])) / float64(*floodSize)
		post += middle(loud[0]).Seconds() / middle(quiet[0]).Seconds()
		room += middle(loud[1]).Seconds() / middle(quiet[1]).Seconds()
		slowPost, slowRoom = max(slowPost, slices.Max(loud[0])), max(slowRoom, slices.Max(loud[1]))
		if got := f.subscribed(); got != *floodSize {
			b.Errorf("%d of %d are subscribed", got, *floodSize)
		}
	}
	n := float64(b.N)
	b.ReportMetric(starts/n, "starts/s")
	b.ReportMetric(post/n, "post-x")
	b.ReportMetric(float64(slowPost)/1e6, "post-ms")
	b.ReportMetric(room/n, "room-x")
	b.ReportMetric(float64(slowRoom)/1e6, "room-ms")
	b.ReportMetric(answered/n, "answered")
	b.ReportMetric(0, "ns/op")
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
