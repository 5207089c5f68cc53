package main

import (
	"bytes"
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/crowd"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

var mostPeople = flag.Int("walk-people", 1_000_000, "the largest audience of BenchmarkAudience; 5000000 takes minutes")

var kindsOfPeople = flag.Int("walk-kinds", 1, "in how many ways people chose, about, in BenchmarkAudience")

// BenchmarkPace starts the real program with an audience of 30 000 and a
// Telegram that answers after 20, 100 or 300 ms, up to 10 ms sooner or later, and
// refuses what is beyond the rate in any second: 30, and 1000 that are paid for.
// It publishes an update, and watches the walk for twenty seconds. The Telegram is
// in another process than the program.
//
//	of-rate    messages that arrived, as a share of what was permitted
//	refused    messages, for the rate, from the first on: should be 0
//	of-a-core  CPU that the program used meanwhile
func BenchmarkPace(b *testing.B) {
	for _, rate := range []int{30, 1000} {
		for _, answers := range []time.Duration{20 * time.Millisecond, 100 * time.Millisecond, 300 * time.Millisecond} {
			b.Run(fmt.Sprintf("rate=%d/answers=%v", rate, answers), func(b *testing.B) {
				rounds := crowd.Medians{}
				for b.Loop() {
					t := beginTelling(b, "", rate, 30_000, answers)
					asleep(2 * time.Second) // the walk is under way
					t.watch(20 * time.Second)
					_, refused := t.crowd.Count()
					rounds.Add("of-rate", t.share)
					rounds.Add("refused", float64(refused))
					rounds.Add("of-a-core", t.core)
					t.end()
				}
				rounds.Report(b)
			})
		}
	}
}

// BenchmarkAudience does the same with audiences of different sizes, at 1000 a
// second and answers after 100 ms, on SQLite and on PostgreSQL.
//
//	peak-MiB   memory that the program ever had
//	ms-first   from the answer to Publish until the first message arrived
//	of-one     the same as a multiple of what it takes with one person
//	ms-start   from /start until its answer arrived, meanwhile
//	ms-second  from the answer to Publish of a second incident, which concerns
//	           nobody but the last of them all, until he has it, meanwhile
func BenchmarkAudience(b *testing.B) {
	for name, database := range map[string]func() string{
		"sqlite":   func() string { return "" },
		"postgres": func() string { return storetest.Postgres(b) },
	} {
		for _, people := range []int{10_000, 1_000_000, 5_000_000} {
			if people > *mostPeople {
				continue
			}
			b.Run(fmt.Sprintf("%s/people=%d", name, people), func(b *testing.B) {
				rounds := crowd.Medians{}
				for b.Loop() {
					one := beginTelling(b, database(), 1000, 1, 100*time.Millisecond)
					one.end()
					t := beginTelling(b, database(), 1000, people, 100*time.Millisecond)
					rounds.Add("of-one", t.first.Seconds()/one.first.Seconds())
					rounds.Add("ms-first", t.first.Seconds()*1e3)
					asleep(2 * time.Second) // the walk is under way
					rounds.Add("ms-start", t.start().Seconds()*1e3)
					rounds.Add("ms-second", t.second().Seconds()*1e3)
					rounds.Add("peak-MiB", peakOf(b, t.pid))
					t.end()
				}
				rounds.Report(b)
			})
		}
	}
}

// telling is a program that has begun to tell an audience something.
type telling struct {
	b        *testing.B
	crowd    *crowd.Crowd
	rate     int
	pid      int
	kill     func()
	first    time.Duration        // from the answer to Publish until the first message arrived
	answered atomic.Int64         // when a newcomer was answered
	last     atomic.Int64         // when the last of them all was told
	publish  func(args ...string) // a command of the program's
	share    float64              // of the rate, while it was watched
	core     float64              // CPU, meanwhile
}

const newcomer = 900_000_000 // a chat that is in no audience

// beginTelling starts the program, publishes an update once it knows how many
// people there are, and returns when the first has it.
func beginTelling(b *testing.B, database string, rate, people int, answers time.Duration) *telling {
	c, err := crowd.Listen()
	if err != nil {
		b.Fatal(err)
	}
	t := &telling{b: b, crowd: c, rate: rate}
	c.Rate, c.Says = rate, make(chan string, 1)
	c.Way = func() time.Duration { return answers/2 - 5*time.Millisecond + rand.N(10*time.Millisecond) }
	var first atomic.Int64
	c.Heard = func(chat, _ int64) {
		switch now := time.Now().UnixNano(); chat {
		case newcomer:
			t.answered.CompareAndSwap(0, now)
		case int64(people) + 1:
			t.last.CompareAndSwap(0, now)
		default:
			first.CompareAndSwap(0, now)
		}
	}
	var url string
	url, t.pid, t.kill = programAt(b, audienceConfig(b, database, c.URL, rate, people))
	mustSoon(b, "the number of people", func() bool {
		return strings.Contains(metricsOf(b, url), fmt.Sprintf(`state="active"} %v`, float64(people+1)))
	})
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"ALLCLEAR_URL": url, "ALLCLEAR_TOKEN": demoToken}[name]
		return v, ok
	}
	t.publish = func(args ...string) {
		var out bytes.Buffer
		e := &env{ctx: b.Context(), in: strings.NewReader(""), out: &out, err: &out, lookup: lookup}
		if code := run(e, args); code != 0 {
			b.Fatal(out.String())
		}
	}
	t.publish("incident", "major", "login", "--title", "Logins fail", "--text", "Nobody can log in.")
	published := time.Now()
	mustSoon(b, "a first message", func() bool { return first.Load() != 0 })
	t.first = time.Unix(0, first.Load()).Sub(published)
	return t
}

// watch counts for a while what arrives and what that costs.
func (t *telling) watch(d time.Duration) {
	began, cpu, before := time.Now(), cpuOf(t.b, t.pid), taken(t.crowd)
	asleep(d)
	took := time.Since(began).Seconds()
	t.share = (taken(t.crowd) - before) / took / float64(t.rate)
	t.core = (cpuOf(t.b, t.pid) - cpu).Seconds() / took
}

// start has somebody press Start, and returns how long his answer takes.
func (t *telling) start() time.Duration {
	t.crowd.Says <- fmt.Sprintf(`{"update_id":7,"message":{"message_id":1,"date":1700000000,"text":"/start","chat":{"id":%d,"type":"private"},"from":{"id":%d,"is_bot":false,"first_name":"A","language_code":"en"}}}`, newcomer, newcomer)
	asked := time.Now()
	mustSoon(t.b, "an answer to /start", func() bool { return t.answered.Load() != 0 })
	return time.Unix(0, t.answered.Load()).Sub(asked)
}

// second publishes something that concerns nobody but the last of them all, and
// returns when he has it.
func (t *telling) second() time.Duration {
	t.publish("incident", "critical", "deposits", "--title", "Deposits fail", "--text", "No deposits arrive.")
	published := time.Now()
	mustSoon(t.b, "a message to the last of them all", func() bool { return t.last.Load() != 0 })
	return time.Unix(0, t.last.Load()).Sub(published)
}

func (t *telling) end() {
	t.kill()
	t.crowd.Close()
}

func metricsOf(b *testing.B, url string) string {
	b.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
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

// audienceConfig is a configuration with an operator and an audience of so many
// and one who chose something else, whom it puts into the database directly: a
// million takes seconds. Without a database it is a file.
func audienceConfig(b *testing.B, database, api string, rate, people int) string {
	b.Helper()
	dir := b.TempDir()
	driver, source := "pgx", database
	if database == "" {
		driver, source = "sqlite", filepath.Join(dir, "walk.db")
		database = "sqlite:" + source
	}
	pace := fmt.Sprint("rate = ", rate)
	if rate > 30 {
		pace += "\npaid = 100_000"
	}
	config := audienceSite(b, dir, database, api, pace, fmt.Sprintf(`[[components]]
id = "deposits"
name = "Deposits"
[[operators]]
name = "Ana"
role = "publisher"
token = %q
`, demoToken))
	withStore(b, database, func(*store.Store) {}) // its tables
	db, err := sql.Open(driver, source)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	ctx := context.WithoutCancel(b.Context())
	login := "' login '" // and whatever else somebody chose
	for bit := 1; bit < *kindsOfPeople; bit *= 2 {
		login += fmt.Sprintf(" || CASE WHEN k / %d %% 2 = 1 THEN 'service-%d ' ELSE '' END", bit, bit)
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed)
		WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k <= %d)
		SELECT 'tg', k, 'en', 0, CASE WHEN k <= %d THEN %s ELSE ' deposits ' END, '', 0, 0 FROM n`, people, people, login))
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
