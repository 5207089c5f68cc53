package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

var walkKills = flag.Int("walk-kills", 10, "how often TestKilledWalk kills the server")

// throng is a Telegram that takes what it has read, whatever becomes of the
// sender, and refuses what is beyond rate in any second.
type throng struct {
	*httptest.Server
	rate    int
	rtt     time.Duration
	mu      sync.Mutex
	last    int64
	got     map[arrival]int
	window  []time.Time
	refused int
	arrived chan struct{} // one for each message
}

// An arrival is what somebody was told.
type arrival struct {
	chat     int64
	incident string
}

var incidentForm = regexp.MustCompile(`INC-\d+`)

func newThrong(t testing.TB, rate int, rtt time.Duration) *throng {
	s := &throng{rate: rate, rtt: rtt, got: map[arrival]int{}, arrived: make(chan struct{}, 1_000_000)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *throng) serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/sendMessage") {
		time.Sleep(200 * time.Millisecond) // a poll, or something about commands
		fmt.Fprint(w, `{"ok":true,"result":[]}`)
		return
	}
	var asked struct {
		Chat int64  `json:"chat_id"`
		Text string `json:"text"`
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil {
		return // cut off before it was written in full
	}
	jitter := time.Duration(rand.Int64N(int64(s.rtt)/10 + 1))
	time.Sleep(s.rtt/2 + jitter)
	id, ok := s.take(arrival{asked.Chat, incidentForm.FindString(asked.Text)})
	time.Sleep(s.rtt / 2)
	if !ok {
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`)
		return
	}
	fmt.Fprintf(w, `{"ok":true,"result":{"message_id":%d,"chat":{"id":%d}}}`, id, asked.Chat)
}

func (s *throng) take(a arrival) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for len(s.window) > 0 && !s.window[0].After(now.Add(-time.Second)) {
		s.window = s.window[1:]
	}
	if len(s.window) >= s.rate {
		s.refused++
		return 0, false
	}
	s.window = append(s.window, now)
	s.last++
	s.got[a]++
	s.arrived <- struct{}{}
	return s.last, true
}

// audienceSite writes the configuration of a site whose bot "tg" has an audience
// "people", and more.
func audienceSite(t testing.TB, dir, database, api, pace, more string) (config string) {
	t.Helper()
	text := fmt.Sprintf(`
[site]
name = "Example"
url = "https://status.example.com"
language = "en"
languages = ["en"]
[store]
url = %q
[web]
listen = "127.0.0.1:0"
[bots.tg]
kind = "telegram"
token = "42:secret"
api_url = %q
%s
[[channels]]
name = "people"
bot = "tg"
language = "en"
audience = true
[[components]]
id = "login"
name = "Login"
%s`, database, api, pace, more)
	config = filepath.Join(dir, "config.toml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config
}

// walkConfig is a configuration with nothing but an audience, and a store with
// so many subscribers and incidents of which nobody was told yet.
func walkConfig(t testing.TB, database, api, pace string, subscribers, incidents int) (config string) {
	t.Helper()
	config = audienceSite(t, t.TempDir(), database, api, pace, "")
	withStore(t, database, func(db *store.Store) {
		for from := int64(1); from <= int64(subscribers); from += 1000 {
			var chats []int64
			for chat := from; chat < min(from+1000, int64(subscribers)+1); chat++ {
				chats = append(chats, chat)
			}
			err := db.ChangeSubscribers(t.Context(), "tg", "", chats, func(was people.Subscriber) *people.Subscriber {
				was.Language, was.All, was.Impact = "en", true, incident.ImpactNone
				return &was
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		d := desk.New(desk.Config{Store: db, Languages: []string{"en"}, Language: "en", Zone: time.UTC,
			Channels: []broadcast.Channel{{Name: "people", Account: "tg", Platform: "telegram", Language: "en", Audience: true}}})
		for n := range incidents {
			_, err := d.Do(t.Context(), desk.Actor{Name: "Ana", Role: desk.Admin}, fmt.Sprint(n),
				desk.Open{Kind: incident.Outage, Saying: incident.Saying{Title: "Logins fail", Impact: incident.Major, Body: incident.Text{"en": "Nobody can log in."}}})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
	return config
}

func withStore(t testing.TB, database string, f func(*store.Store)) {
	t.Helper()
	db, err := store.Open(context.WithoutCancel(t.Context()), database)
	if err != nil {
		t.Fatal(err)
	}
	f(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A server that is killed outright in the middle of a thousand messages a second
// leaves nobody out and tells nobody twice. What was on the wire is unsure, and
// no more than that. So it is whether the pace is paid for, as on Telegram itself,
// or the account's own, and where people are told of two incidents at once.
func TestKilledWalk(t *testing.T) {
	killWalk(t, "sqlite:"+filepath.Join(t.TempDir(), "walk.db"), "paid = 100_000", 1)
}

func TestKilledWalkOfTwoIncidents(t *testing.T) {
	killWalk(t, "sqlite:"+filepath.Join(t.TempDir(), "walk.db"), "paid = 100_000", 2)
}

// The same holds on PostgreSQL for a server that is started again where it was.
func TestKilledWalkOnPostgres(t *testing.T) {
	database := storetest.Postgres(t)
	killWalk(t, database, "rate = 1000", 2)
}

func killWalk(t *testing.T, database, pace string, incidents int) {
	t.Helper()
	const rate, rtt = 1000, 100 * time.Millisecond
	kills := *walkKills
	subscribers := 1200 * (kills + 1) / incidents
	messages := subscribers * incidents
	tg := newThrong(t, rate, rtt)
	config := walkConfig(t, database, tg.URL, pace, subscribers, incidents)
	await := func(n int) {
		t.Helper()
		for range n {
			select {
			case <-tg.arrived:
			case <-time.After(30 * time.Second):
				t.Fatalf("no message for 30 s; %d of %d were told", len(tg.got), messages)
			}
		}
	}
	var waits []time.Duration
	_, kill := program(t, config)
	for range kills {
		await(200 + rand.IntN(800))
		kill()
		killed := time.Now()
		_, kill = program(t, config)
		time.Sleep(time.Until(killed.Add(2 * rtt))) // what was on the wire arrives
		for len(tg.arrived) > 0 {
			<-tg.arrived
		}
		await(1)
		waits = append(waits, time.Since(killed).Round(time.Millisecond))
	}
	slices.Sort(waits)
	t.Logf("killed and started at once it sends after %v, at most %v", waits[len(waits)/2], waits[len(waits)-1])
	done := func() (ok bool) {
		tg.mu.Lock()
		defer tg.mu.Unlock()
		return len(tg.got) == messages
	}
	for quiet := time.Now(); !done() && time.Since(quiet) < 10*time.Second; {
		select {
		case <-tg.arrived:
			quiet = time.Now()
		case <-time.After(100 * time.Millisecond):
		}
	}
	time.Sleep(time.Second) // for the last answers to be kept
	kill()
	twice := 0
	for _, n := range tg.got {
		if n > 1 {
			twice++
		}
	}
	told, unsure := 0, 0
	withStore(t, database, func(db *store.Store) {
		for n := range incidents {
			walks, err := db.WalksOf(context.WithoutCancel(t.Context()), incident.Ref{Prefix: "INC", Number: n + 1})
			if err != nil {
				t.Fatal(err)
			}
			told, unsure = told+walks["people"].Rounds[0].Told, unsure+walks["people"].Rounds[0].Unsure
		}
	})
	lost := messages - len(tg.got)
	t.Logf("%d messages, %d kills: %d told twice, %d not told, %d unsure, %d refused for the rate", messages, kills, twice, lost, unsure, tg.refused)
	if twice > 0 || lost > unsure/20 {
		t.Errorf("%d were told twice and %d not at all, of whom %d are unsure", twice, lost, unsure)
	}
	if atMost := kills * (rate*2*int(rtt/time.Millisecond)/1000 + 50); unsure > atMost {
		t.Errorf("%d are unsure, more than the %d that can have been on the wire", unsure, atMost)
	}
	if told+unsure != messages {
		t.Errorf("%d were told and %d are unsure, of %d", told, unsure, messages)
	}
}
