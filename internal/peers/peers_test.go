// Package peers puts other programs' libraries to the work that allclear does,
// against the same stand-in. It is a module of its own, so that the product
// does not depend on them.
package peers

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nicholas-fedor/shoutrrr"
	"github.com/nikoksr/notify"
	"github.com/nikoksr/notify/service/telegram"

	"github.com/allclear-hq/allclear/bots"
	ours "github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/crowd"
)

const token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsawa" // the one of Telegram's documentation

// elsewhere leads all requests to the crowd: neither library can be told of
// another address.
type elsewhere struct {
	to   *url.URL
	base http.RoundTripper
}

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = e.to.Scheme, e.to.Host, e.to.Host
	return e.base.RoundTrip(r)
}

// divert leads what goes through the default transport to an address.
func divert(tb testing.TB, to string) {
	tb.Helper()
	u, err := url.Parse(to)
	if err != nil {
		tb.Fatal(err)
	}
	was := http.DefaultTransport
	http.DefaultTransport = elsewhere{u, was}
	tb.Cleanup(func() { http.DefaultTransport = was })
}

// listen returns a crowd to which all that the peers send goes, and who was
// told how often.
func listen(tb testing.TB) (*crowd.Crowd, *tally) {
	tb.Helper()
	c, err := crowd.Listen()
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	told := &tally{times: map[int64]int{}}
	c.Heard = told.add
	divert(tb, c.URL)
	return c, told
}

type tally struct {
	mu    sync.Mutex
	times map[int64]int
}

func (t *tally) add(chat, _ int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.times[chat]++
}

// counts says how many chats were told once, and how many more than once.
func (t *tally) counts() (once, twice int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range t.times {
		if n == 1 {
			once++
		} else {
			twice++
		}
	}
	return once, twice
}

// peers send a text to the chats from 1 to n, as their documentation has it.
func peers() map[string]func(tb testing.TB, n int) error {
	return map[string]func(tb testing.TB, n int) error{"shoutrrr": withShoutrrr, "notify": withNotify}
}

func withShoutrrr(tb testing.TB, n int) error {
	tb.Helper()
	chats := make([]string, n)
	for k := range chats {
		chats[k] = fmt.Sprint(k + 1)
	}
	sender, err := shoutrrr.CreateSender("telegram://" + token + "@telegram?chats=" + strings.Join(chats, ","))
	if err != nil {
		tb.Fatal(err)
	}
	for _, err := range sender.Send("Nobody can log in.", nil) {
		if err != nil {
			return err
		}
	}
	return nil
}

func withNotify(tb testing.TB, n int) error {
	tb.Helper()
	t, err := telegram.New(token)
	if err != nil {
		tb.Fatal(err)
	}
	for k := range n {
		t.AddReceivers(int64(k + 1))
	}
	return notify.NewWithServices(t).Send(tb.Context(), "Logins fail", "Nobody can log in.")
}

// BenchmarkPeers sends to a list of chats, where answers come at once and where
// they come after 100 ms, and prints how fast that is as a share of what the
// courier alone does in the same run. The benchmark Walk in internal/people
// prints that share for allclear, which keeps receipts besides.
func BenchmarkPeers(b *testing.B) {
	for name, send := range peers() {
		b.Run(name+"/answers=0ms", func(b *testing.B) { race(b, send, 1000, 0) })
		b.Run(name+"/answers=100ms", func(b *testing.B) { race(b, send, 30, 50*time.Millisecond) })
	}
}

func race(b *testing.B, send func(testing.TB, int) error, n int, way time.Duration) {
	c, _ := listen(b)
	if way > 0 {
		c.Way = func() time.Duration { return way }
	}
	var theirs, courier time.Duration
	for b.Loop() {
		began := time.Now()
		if err := send(b, n); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(began)
		courier += byCourier(b, c.URL, int64(10*n)) / 10
	}
	if taken, _ := c.Count(); taken != 11*n*b.N {
		b.Fatalf("%d messages came of %d", taken, 11*n*b.N)
	}
	b.ReportMetric(courier.Seconds()/theirs.Seconds(), "of-courier")
	b.ReportMetric(float64(n*b.N)/theirs.Seconds(), "people/s")
	b.ReportMetric(0, "ns/op")
}

// byCourier sends as allclear's walk does, over 64 connections.
func byCourier(b *testing.B, url string, n int64) time.Duration {
	b.Helper()
	bot, err := ours.New(ours.Config{Name: "tg", Token: token, APIURL: url})
	if err != nil {
		b.Fatal(err)
	}
	parcel, err := bot.Pack("Nobody can log in.")
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	var next atomic.Int64
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for chat := next.Add(1); chat <= n; chat = next.Add(1) {
				if _, err := bot.Deliver(b.Context(), parcel, bots.Address{Chat: chat}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	return time.Since(began)
}

// What peers do where the first chat of three meets a limit, or its connection
// ends after the message was taken. If that changes, so must what README says.
func TestPeersInTrouble(t *testing.T) {
	for _, c := range []struct {
		peer   string
		answer crowd.Answer
		fails  bool
		told   int
	}{
		{"shoutrrr", crowd.TooMany, true, 0}, // does not wait, and drops the rest of the list
		{"notify", crowd.TooMany, true, 0},
		{"shoutrrr", crowd.TakenDumb, false, 3}, // takes no answer for success
		{"notify", crowd.TakenDumb, true, 1},    // drops the rest of the list
	} {
		t.Run(fmt.Sprintf("%s/%d", c.peer, c.answer), func(t *testing.T) {
			stand, told := listen(t)
			tried := false
			stand.Answer = func(chat int64) crowd.Answer {
				if chat != 1 || tried {
					return crowd.Taken
				}
				tried = true
				return c.answer
			}
			err := peers()[c.peer](t, 3)
			once, twice := told.counts()
			if once+twice != c.told || (err != nil) != c.fails {
				t.Errorf("told once %d, more than once %d, of 3; error %v", once, twice, err)
			}
		})
	}
}

const asPeer = "PEERS_TEST_AS"

// What peers do where they are killed half-way and the same command is given
// again: half are told twice.
func TestPeersKilled(t *testing.T) {
	const n = 60
	if name := os.Getenv(asPeer); name != "" {
		divert(t, os.Getenv(asPeer+"_URL"))
		if err := peers()[name](t, n); err != nil {
			t.Fatal(err)
		}
		return
	}
	for name := range peers() {
		t.Run(name, func(t *testing.T) {
			c, told := listen(t)
			half := make(chan struct{})
			c.Way = func() time.Duration { return 5 * time.Millisecond }
			c.Heard = func(chat, message int64) {
				if told.add(chat, message); message == n/2 {
					close(half)
				}
			}
			command := func() *exec.Cmd {
				cmd := exec.Command(os.Args[0], "-test.run", "^TestPeersKilled$")
				cmd.Env = append(os.Environ(), asPeer+"="+name, asPeer+"_URL="+c.URL)
				return cmd
			}
			first := command()
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			<-half
			first.Process.Kill()
			first.Wait()
			if out, err := command().CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			once, twice := told.counts()
			t.Logf("told once %d, twice %d, of %d", once, twice, n)
			if twice < n/2 {
				t.Errorf("only %d are told twice", twice)
			}
		})
	}
}
