//go:build unix

package people_test

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/crowd"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// BenchmarkWalk tells 200 000 people as fast as it goes, with all that a walk
// does besides: receipts are kept, the journal is written. Beside it, in the
// same round, over as many connections and with as long a text, one loop makes as
// many requests with the courier that the walk uses, and one with net/http, as
// anybody would. The walk also goes by net/http in place of its courier. Each loop
// runs before its walk and after it, and the mean counts: what a machine can do
// changes from one moment to the next. The stand-in is in another process: what it
// costs, and what whoever sends costs it, is not counted. What is printed are medians
// of the rounds; -benchtime 9x makes nine.
//
//	of-courier  how fast the walk is, as a share of the courier alone
//	of-plain    as a share of net/http alone
//	by-plain    how fast the walk by net/http is, as a share of net/http alone
//	µs-on-top   of CPU for each message, more than the courier takes
//	µs-courier  of CPU for each message by the courier, and µs-plain by the client
//	µs-alone    of CPU for each message by the walk, where nothing is carried.
//	            It is no difference between two that are much larger, and so
//	            means something on a machine that has other work too
//	B/person    that the database grows by
func BenchmarkWalk(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(gcPercent))
	for name, url := range map[string]func() string{
		"sqlite":   func() string { return "" },
		"postgres": func() string { return storetest.Postgres(b) },
	} {
		b.Run(name, func(b *testing.B) {
			const n = 200_000
			perPerson := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / n / 1e3 }
			rounds := crowd.Medians{}
			for b.Loop() {
				courier := courierLoop(b, n)
				walk, grown := walkOnce(b, n, url(), false)
				courier = between(courier, courierLoop(b, n))
				plain := plainLoop(b, n)
				by, _ := walkOnce(b, n, url(), true)
				plain = between(plain, plainLoop(b, n))
				rounds.Add("of-courier", courier.wall.Seconds()/walk.wall.Seconds())
				rounds.Add("of-plain", plain.wall.Seconds()/walk.wall.Seconds())
				rounds.Add("by-plain", plain.wall.Seconds()/by.wall.Seconds())
				rounds.Add("µs-on-top", perPerson(walk.cpu-courier.cpu))
				rounds.Add("µs-alone", perPerson(walkAlone(b, n, url()).cpu))
				rounds.Add("µs-courier", perPerson(courier.cpu))
				rounds.Add("µs-plain", perPerson(plain.cpu))
				rounds.Add("people/s", n/walk.wall.Seconds())
				rounds.Add("B/person", float64(grown)/n)
			}
			rounds.Report(b)
		})
	}
}

// gcPercent is what the program sets, for the walk and those beside it.
const gcPercent = 400

// connections is how many requests are in flight where nothing limits the pace.
const connections = 64

// A cost is what something took.
type cost struct{ wall, cpu time.Duration }

// between is the mean of two costs.
func between(a, b cost) cost { return cost{(a.wall + b.wall) / 2, (a.cpu + b.cpu) / 2} }

// measure runs f and says what it took of this whole process.
func measure(f func()) cost {
	wall, cpu := time.Now(), used()
	f()
	return cost{time.Since(wall), used() - cpu}
}

// used is the CPU time of this process.
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestMain lets the test's binary be a crowd.
func TestMain(m *testing.M) {
	if os.Getenv(asCrowd) != "" {
		if err := beCrowd(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const asCrowd = "ALLCLEAR_TEST_AS_CROWD"

// beCrowd says where it listens, and to each line with a number how many messages
// it has taken as soon as there are so many.
func beCrowd(in io.Reader, out io.Writer) error {
	c, err := crowd.Listen()
	if err != nil {
		return err
	}
	defer c.Close()
	more := make(chan struct{}, 1)
	c.Heard = func(_, _ int64) {
		select {
		case more <- struct{}{}:
		default:
		}
	}
	fmt.Fprintln(out, c.URL)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return err
		}
		taken, _ := c.Count()
		for ; taken < n; taken, _ = c.Count() {
			<-more
		}
		fmt.Fprintln(out, taken)
	}
	return nil
}

// listeners are a crowd in another process that says when so many have a message.
type listeners struct {
	URL   string
	all   chan struct{}
	ask   io.Writer
	lines *bufio.Scanner
}

func newListeners(tb testing.TB, n int64) listeners {
	tb.Helper()
	cmd := exec.CommandContext(tb.Context(), os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), asCrowd+"=1"), os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { in.Close(); cmd.Wait() })
	l := listeners{all: make(chan struct{}), ask: in, lines: bufio.NewScanner(out)}
	l.lines.Scan()
	l.URL = l.lines.Text()
	fmt.Fprintln(in, n)
	go func() {
		l.lines.Scan()
		close(l.all)
	}()
	return l
}

// count is how many messages were taken, once all were.
func (l listeners) count() string {
	<-l.all
	fmt.Fprintln(l.ask, 0)
	l.lines.Scan()
	return l.lines.Text()
}

// loop calls f for each of n chats, from as many goroutines as there are
// connections.
func loop(b *testing.B, n int64, f func(chat int64) error) cost {
	b.Helper()
	var next atomic.Int64
	var group sync.WaitGroup
	return measure(func() {
		for range connections {
			group.Go(func() {
				for chat := next.Add(1); chat <= n; chat = next.Add(1) {
					if err := f(chat); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		group.Wait()
	})
}

const benchWords = "Nobody can log in. We are looking into it, and say more within half an hour."

// benchText is what people read then, or as long.
const benchText = "Investigating · major\nLogins fail\n\n" + benchWords + "\n\nAffected: login\n\nINC-1/1 · 21:37 UTC"

// plainLoop is what anybody would write.
func plainLoop(b *testing.B, n int64) cost {
	c := newListeners(b, n)
	plain := newStock(c.URL)
	defer plain.client.CloseIdleConnections()
	took := loop(b, n, func(chat int64) error { return plain.post(b.Context(), chat, benchText) })
	mustHear(b, c, n)
	return took
}

// stock sends with net/http's client, as it comes.
type stock struct {
	client http.Client
	url    string
	sent   atomic.Int64
}

func newStock(api string) *stock {
	transport := &http.Transport{MaxIdleConnsPerHost: connections}
	return &stock{client: http.Client{Transport: transport}, url: api + "/bot42:secret/sendMessage"}
}

func (s *stock) post(ctx context.Context, chat int64, text string) error {
	body := fmt.Sprintf(`{"chat_id":%d,"text":%q,"link_preview_options":{"is_disabled":true}}`, chat, text)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// Pack is a courier's.
func (s *stock) Pack(text string) (bots.Parcel, error) { return bots.Parcel(text), nil }

// Deliver is a courier's. It numbers the messages itself: answers are not read.
func (s *stock) Deliver(ctx context.Context, p bots.Parcel, to bots.Address) (int64, error) {
	if err := to.Leaves(); err != nil {
		return 0, &bots.Fault{Kind: bots.Temporary, Detail: err.Error()}
	}
	if err := s.post(ctx, to.Chat, string(p)); err != nil {
		return 0, &bots.Fault{Kind: bots.Unsure, Detail: err.Error()}
	}
	return s.sent.Add(1), nil
}

// courierLoop sends as the walk does, and keeps nothing.
func courierLoop(b *testing.B, n int64) cost {
	c := newListeners(b, n)
	tg, err := telegram.New(telegram.Config{Name: bot, Token: "42:secret", APIURL: c.URL})
	if err != nil {
		b.Fatal(err)
	}
	parcel, err := tg.Pack(benchText)
	if err != nil {
		b.Fatal(err)
	}
	took := loop(b, n, func(chat int64) error {
		_, err := tg.Deliver(b.Context(), parcel, bots.Address{Chat: chat})
		return err
	})
	mustHear(b, c, n)
	return took
}

func mustHear(b testing.TB, c listeners, n int64) {
	b.Helper()
	if taken := c.count(); taken != strconv.FormatInt(n, 10) {
		b.Fatalf("%s messages came of %d", taken, n)
	}
}

// walkOnce publishes an update to n people and waits until all are told and
// their receipts are kept. It says by how much the database grew. The
// messages go by net/http if that is asked for.
func walkOnce(b testing.TB, n int64, url string, byStock bool) (took cost, grown int64) {
	w := newWorld(b, 0)
	w.url = url
	c := newListeners(b, n)
	w.api = c.URL
	if byStock {
		w.courier = newStock(c.URL)
	}
	before := w.people(n)
	took = w.tell(c.all)
	mustHear(b, c, n)
	grown = w.size() - before
	w.halt()
	return took, grown
}

// walkAlone does the same with a courier that carries nothing.
func walkAlone(b testing.TB, n int64, url string) cost {
	w := newWorld(b, 0)
	w.url = url
	all := make(chan struct{})
	w.courier = &nowhere{last: n, all: all}
	w.people(n)
	took := w.tell(all)
	w.halt()
	return took
}

// people starts a walk whose audience are so many, which it has counted, and says
// how large its database is.
func (w *world) people(n int64) int64 {
	w.inFlight = connections
	w.start()
	for from := int64(1); from <= n; from += 1000 {
		var list []people.Subscriber
		for _, chat := range numbers(from, min(from+999, n)) {
			list = append(list, people.Subscriber{Chat: chat, Language: "en", Impact: incident.ImpactNone, All: true})
		}
		if _, err := w.store.ImportSubscribers(w.t.Context(), bot, list); err != nil {
			w.t.Fatal(err)
		}
	}
	w.until("everybody is counted", func() bool { return int64(w.walker.Numbers().People) == n })
	return w.size()
}

// tell publishes an update and waits until all have it and nothing more is to
// be kept.
func (w *world) tell(all <-chan struct{}) cost {
	return measure(func() {
		w.publish(benchWords, incident.Major)
		<-all
		w.idle()
	})
}

// nowhere is a courier whose parcels are there as soon as they leave.
type nowhere struct {
	message, last int64
	all           chan struct{} // closed after the last one
}

func (c *nowhere) Pack(text string) (bots.Parcel, error) { return bots.Parcel(text), nil }

func (c *nowhere) Deliver(_ context.Context, _ bots.Parcel, to bots.Address) (int64, error) {
	if err := to.Leaves(); err != nil {
		return 0, &bots.Fault{Kind: bots.Temporary, Detail: err.Error()}
	}
	message := atomic.AddInt64(&c.message, 1)
	if message == c.last {
		close(c.all)
	}
	return message, nil
}

// size is how large the database is, with everything in its place: on
// PostgreSQL without the maps of free room and the dead rows that its own
// cleaning leaves sooner or later, 24 KiB and more for each table.
func (w *world) size() int64 {
	w.t.Helper()
	query := `PRAGMA wal_checkpoint(TRUNCATE)`
	if w.url != "" {
		query = `VACUUM FULL walk, walk_round, walk_batch, walk_exception`
	}
	db := w.db()
	defer db.Close()
	ctx := context.WithoutCancel(w.t.Context())
	if _, err := db.ExecContext(ctx, query); err != nil {
		w.t.Fatal(err)
	}
	if w.url == "" {
		info, err := os.Stat(w.file)
		if err != nil {
			w.t.Fatal(err)
		}
		return info.Size()
	}
	var size int64
	err := db.QueryRowContext(ctx, `SELECT sum(pg_total_relation_size(oid)) FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relname LIKE 'walk%' AND relkind = 'r'`).Scan(&size)
	if err != nil {
		w.t.Fatal(err)
	}
	return cmp.Or(size, 0)
}
