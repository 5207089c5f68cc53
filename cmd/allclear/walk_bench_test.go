package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/crowd"
	"github.com/allclear-hq/allclear/internal/store"
)

var mostPeople = flag.Int("walk-people", 1_000_000, "the largest audience of BenchmarkAudience; 5000000 takes minutes")

// BenchmarkAudience starts the real program with audiences of different sizes
// and a Telegram that answers after 100 ms with up to 10 ms of jitter each way,
// and refuses what is beyond the rate in any second. It publishes an update, and
// watches the first seconds of the walk.
//
//	of-rate    messages that arrived, as a share of what was permitted
//	refused    messages, for the rate: should be 0
//	of-a-core  CPU that the program used meanwhile
//	peak-MiB   memory that it ever had
//	ms-first   from the answer to Publish until the first message arrived
//	ms-start   from /start until its answer arrived, meanwhile
func BenchmarkAudience(b *testing.B) {
	for _, rate := range []int{30, 1000} {
		for _, people := range []int{1, 10_000, 1_000_000, 5_000_000} {
			if people > *mostPeople || rate == 30 && people != 10_000 {
				continue
			}
			b.Run(fmt.Sprintf("rate=%d/people=%d", rate, people), func(b *testing.B) {
				var sum watched
				for b.Loop() {
					sum = sum.plus(watchAudience(b, rate, people))
				}
				n := float64(b.N)
				if people > rate {
					b.ReportMetric(sum.share/n, "of-rate")
					b.ReportMetric(sum.core/n, "of-a-core")
					b.ReportMetric(sum.start/n, "ms-start")
				}
				b.ReportMetric(sum.refused/n, "refused")
				b.ReportMetric(sum.peak/n, "peak-MiB")
				b.ReportMetric(sum.first/n, "ms-first")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// watched is what was seen of one program.
type watched struct{ share, refused, core, peak, first, start float64 }

func (w watched) plus(o watched) watched {
	return watched{w.share + o.share, w.refused + o.refused, w.core + o.core, w.peak + o.peak, w.first + o.first, w.start + o.start}
}

const newcomer = 900_000_000 // a chat that is in no audience

func watchAudience(b *testing.B, rate, people int) (seen watched) {
	c, err := crowd.Listen()
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	c.Rate, c.Says = rate, make(chan string, 1)
	c.Way = func() time.Duration { return 50*time.Millisecond + rand.N(10*time.Millisecond) }
	var first, answered atomic.Int64
	c.Heard = func(chat, _ int64) {
		if now := time.Now().UnixNano(); chat == newcomer {
			answered.CompareAndSwap(0, now)
		} else {
			first.CompareAndSwap(0, now)
		}
	}
	url, pid, kill := programAt(b, audienceConfig(b, c.URL, rate, people))
	defer kill()
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"ALLCLEAR_URL": url, "ALLCLEAR_TOKEN": demoToken}[name]
		return v, ok
	}
	var out bytes.Buffer
	e := &env{ctx: b.Context(), in: strings.NewReader(""), out: &out, err: &out, lookup: lookup}
	if code := run(e, []string{"incident", "major", "login", "--title", "Logins fail", "--text", "Nobody can log in."}); code != 0 {
		b.Fatal(out.String())
	}
	published := time.Now()
	mustSoon(b, "a first message", func() bool { return first.Load() != 0 })
	seen.first = float64(first.Load()-published.UnixNano()) / 1e6
	if people > rate {
		asleep(2 * time.Second) // the walk is under way
		c.Says <- fmt.Sprintf(`{"update_id":7,"message":{"message_id":1,"date":1700000000,"text":"/start","chat":{"id":%d,"type":"private"},"from":{"id":%d,"is_bot":false,"first_name":"A","language_code":"en"}}}`, newcomer, newcomer)
		asked := time.Now()
		cpu, before := cpuOf(b, pid), taken(c)
		mustSoon(b, "an answer to /start", func() bool { return answered.Load() != 0 })
		seen.start = float64(answered.Load()-asked.UnixNano()) / 1e6
		asleep(6*time.Second - time.Since(asked))
		took := time.Since(asked).Seconds()
		seen.share = (taken(c) - before) / took / float64(rate)
		seen.core = (cpuOf(b, pid) - cpu).Seconds() / took
	}
	_, refused := c.Count()
	seen.refused, seen.peak = float64(refused), peakOf(b, pid)
	return seen
}

func asleep(d time.Duration) { time.Sleep(d) }

func taken(c *crowd.Crowd) float64 {
	n, _ := c.Count()
	return float64(n)
}

func mustSoon(b *testing.B, what string, ok func() bool) {
	b.Helper()
	for end := time.Now().Add(time.Minute); !ok(); asleep(time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("%s did not come within a minute", what)
		}
	}
}

// audienceConfig is a configuration with an operator and an audience of so
// many, whom it puts into the database directly: a million takes seconds.
func audienceConfig(b *testing.B, api string, rate, people int) string {
	b.Helper()
	dir := b.TempDir()
	file := filepath.Join(dir, "walk.db")
	config := audienceSite(b, dir, "sqlite:"+file, api, float64(rate), fmt.Sprintf(`[[operators]]
name = "Ana"
role = "publisher"
token = %q
`, demoToken))
	withStore(b, "sqlite:"+file, func(*store.Store) {}) // its tables
	db, err := sql.Open("sqlite", file)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(context.WithoutCancel(b.Context()), `WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < ?)
		INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed) SELECT 'tg', k, 'en', 0, '', '', 0, 0 FROM n`, people)
	if err != nil {
		b.Fatal(err)
	}
	return config
}

// cpuOf is the CPU time that a process has used.
func cpuOf(b *testing.B, pid int) time.Duration {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("there is no /proc here")
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// peakOf is the most memory that a process ever had, in MiB.
func peakOf(b *testing.B, pid int) float64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("there is no /proc here")
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _ := strconv.Atoi(strings.Fields(rest)[0])
	return float64(kib) / 1024
}
