package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/twitter"
)

// fast lifts the limits that real accounts have, for tests that post in a
// minute what took years.
var fast = []string{"rate = 100", "rate = 5000", "rate = 10\n", "rate = 5000\n", `guild = "700000000000000001"`, "guild = \"700000000000000001\"\nrate = 5000"}

// noRoom leaves the room out, for tests whose faults must meet a public post
// and not a card.
var noRoom = []string{"[[rooms]]\nbot = \"tg\"\ntarget = \"-1009000000001\"\n", ""}

var replayed = flag.Int("history", 20, "how many of the newest recorded incidents are replayed; 0 is all 200 and more")

func TestRecordedHistoryArrivesWholeOnEveryPlatform(t *testing.T) {
	t.Parallel()
	f, err := os.Open("testdata/history/github.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	history, err := readHistory(f, *replayed)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, append(noRoom, fast...)...)
	var out bytes.Buffer
	e := &env{ctx: t.Context(), out: &out, err: &out, lookup: s.lookup}
	c, err := newClient(e)
	if err != nil {
		t.Fatal(err)
	}
	if err := replay(e, c, history, func(time.Duration) time.Duration { return 0 }); err != nil {
		t.Fatal(err)
	}
	want := said(history)
	if *replayed == 0 && len(want) < 200 || *replayed > 0 && len(want) != *replayed {
		t.Fatalf("%d incidents", len(want))
	}
	for _, p := range platforms {
		t.Run(p, func(t *testing.T) { s.checkHistory(t, p, len(history), want) })
	}
}

// said lists the texts of each incident in the order in which allclear numbers
// them.
func said(history []recorded) [][]recorded {
	var out [][]recorded
	at := map[string]int{}
	for _, u := range history {
		k, ok := at[u.IncidentID]
		if !ok {
			k = len(out)
			at[u.IncidentID] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], u)
	}
	return out
}

// checkHistory checks that a platform shows every update once, in order,
// linked and within its limit.
func (s *server) checkHistory(t *testing.T, platform string, total int, want [][]recorded) {
	s.t = t
	s.until(fmt.Sprintf("%d messages", total), func() bool { return len(s.feed(platform)) >= total })
	feed := s.feed(platform)
	if len(feed) != total {
		t.Fatalf("%d messages, want %d", len(feed), total)
	}
	byRef := map[string][]sim.Seen{}
	for _, m := range feed {
		lines := strings.Split(m.Text, "\n")
		ref, _, _ := strings.Cut(lines[len(lines)-1], " · ")
		byRef[ref] = append(byRef[ref], m)
		if size := measure(platform, m.Raw); size > limit[platform] {
			t.Errorf("%s has %d, over the limit of %d", ref, size, limit[platform])
		}
	}
	for k, updates := range want {
		s.checkThread(t, platform, numbered(updates, want[:k]), updates, byRef)
	}
}

// numbered is the reference of an incident after those before it.
func numbered(updates []recorded, before [][]recorded) string {
	prefix := map[bool]string{true: "MNT", false: "INC"}
	maintenance := updates[0].kind() == "maintenance"
	n := 1
	for _, other := range before {
		if (other[0].kind() == "maintenance") == maintenance {
			n++
		}
	}
	return fmt.Sprintf("%s-%d", prefix[maintenance], n)
}

// checkThread checks one incident's thread.
func (s *server) checkThread(t *testing.T, platform, ref string, updates []recorded, byRef map[string][]sim.Seen) {
	t.Helper()
	var first, last sim.Seen
	for k, u := range updates {
		name := fmt.Sprintf("%s/%d", ref, k+1)
		found := byRef[name]
		if len(found) != 1 {
			t.Errorf("%s is there %d times, want once", name, len(found))
			continue
		}
		m := found[0]
		if !says(platform, m.Text, u.Body) {
			t.Errorf("%s does not say %q: %q", name, u.Body, m.Text)
		}
		if k == 0 {
			first, last = m, m
			continue
		}
		if m.At.Before(last.At) {
			t.Errorf("%s stands before what was said earlier", name)
		}
		linked := map[string]bool{
			"telegram": m.ReplyTo == first.ID, "x": m.ReplyTo == last.ID, "wechat": true,
			"discord": m.Thread == first.ID || m.ReplyTo == first.ID,
		}
		if !linked[platform] {
			t.Errorf("%s is not linked: reply to %q in thread %q", name, m.ReplyTo, m.Thread)
		}
		last = m
	}
}

// says reports whether a message has the whole text, or, where that does not
// fit, its beginning and a mark that there is more. White space is not
// compared.
func says(platform, message, body string) bool {
	message, body = strings.Join(strings.Fields(message), " "), strings.Join(strings.Fields(body), " ")
	if strings.Contains(message, body) {
		return true
	}
	if measure(platform, body) < limit[platform]*2/3 {
		return false // there was room for all of it
	}
	start := []rune(body)[:20]
	return strings.Contains(message, string(start)) && strings.Contains(message, "https://status.example.com/incidents/")
}

var limit = map[string]int{"telegram": 4096, "discord": 2000, "x": 280, "wechat": 2048}

// measure is the length of a text as the platform counts it.
func measure(platform, text string) int {
	switch platform {
	case "x":
		return twitter.Weight(text)
	case "wechat":
		return len(text)
	default:
		return len([]rune(text))
	}
}

func TestBadHistoriesAreRefusedByLine(t *testing.T) {
	good := `{"incident_id":"a","status":"investigating","at":"2023-01-10T17:04:42Z","title":"T","body":"B","impact":"minor"}`
	for name, tt := range map[string]struct{ file, want string }{
		"empty":       {"", "there is no update in it"},
		"not JSON":    {good + "\nhello\n", "line 2 is no JSON object"},
		"no incident": {strings.Replace(good, `"a"`, `""`, 1), "line 1: it has no incident_id"},
		"impact":      {strings.Replace(good, "minor", "huge", 1), `line 1: "huge" is not an impact`},
		"status":      {good + "\n" + strings.Replace(good, "investigating", "broken", 1), `line 2: "broken" is no status`},
	} {
		_, err := readHistory(strings.NewReader(tt.file), 0)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	two, err := readHistory(strings.NewReader(good+"\n\n"+strings.Replace(good, `"a"`, `"b"`, 1)), 1)
	if err != nil || len(two) != 1 || slices.ContainsFunc(two, func(u recorded) bool { return u.IncidentID != "b" }) {
		t.Errorf("limit 1: %v %v", two, err)
	}
}

func FuzzReadHistory(f *testing.F) {
	f.Add([]byte(`{"incident_id":"a","status":"resolved","at":"2023-01-10T17:04:42Z","title":"T","body":"B"}`))
	f.Add([]byte("{}\n[]\nnull\n\"x\""))
	f.Fuzz(func(t *testing.T, b []byte) {
		history, err := readHistory(bytes.NewReader(b), 0)
		if err != nil {
			return
		}
		for _, u := range history {
			if u.IncidentID == "" || !u.kind().Has("resolved") && !u.kind().Has("completed") || len([]rune(u.Title)) > 200 {
				t.Errorf("accepted %+v", u)
			}
		}
	})
}
