package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

var (
	kills    = flag.Int("kills", 24, "how often the server is killed")
	killSeed = flag.Uint64("kill-seed", 0, "draw faults and moments from this seed")
)

// killing is a server that is killed again and again while people speak.
type killing struct {
	*server
	*rand.Rand
	file     string // configuration
	kill     func()
	accepted []string // references
}

// TestKilledAtAnyMoment kills the real program at random moments while its
// requests fail in every way, and compares what was accepted with what
// followers see: each update is there once. Where nobody can know, it is shown
// as unsure until a person decides.
func TestKilledAtAnyMoment(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64() >> 16
	}
	t.Logf("-kill-seed %d", seed)
	k := &killing{server: newServer(t, append(noRoom, fast...)...), Rand: rand.New(rand.NewPCG(seed, 0))}
	k.file = k.configFile()
	k.running = &running{moved: make(chan struct{})}
	k.url, k.kill = program(t, k.file)
	for n := range *kills {
		k.spoil()
		k.round(n)
	}
	for _, f := range k.faults() {
		f.Clear()
	}
	restarted := time.Now()
	k.knowable()
	t.Logf("%d updates accepted through %d kills; all that can be known was known %v after the last", len(k.accepted), *kills, time.Since(restarted).Round(time.Second))
	unsure := k.settleUnsure()
	t.Logf("%d deliveries were left to a person", unsure)
	for _, ref := range k.accepted {
		for _, p := range platforms {
			k.wantOnce(ref, p)
		}
	}
}

func (k *killing) faults() []*sim.Faults {
	return []*sim.Faults{&k.world.Telegram.Faults, &k.world.Discord.Faults, &k.world.X.Faults, &k.world.WeChat.Faults}
}

// spoil has some of the next requests go wrong.
func (k *killing) spoil() {
	ms := func(most int) sim.Duration { return sim.Duration(time.Duration(k.IntN(most)) * time.Millisecond) }
	for i, f := range k.faults() {
		f.Clear()
		kinds := []sim.Fault{
			{Kind: "cut-after"}, {Kind: "cut"}, {Kind: "accept"}, {Kind: "truncate"},
			{Kind: "slow", Spread: ms(900)}, {Delay: ms(600)}, {Kind: "status", Status: 429, RetryAfter: sim.Duration(time.Second)},
		}
		if k.IntN(3) > 0 {
			x := kinds[k.IntN(len(kinds))]
			if i == 3 && x.Status != 0 {
				x = sim.Fault{Kind: "status", Code: "-1"} // its limit is that of a whole minute
			}
			x.Match, x.Skip = []string{"sendMessage", "POST", "POST /2/tweets", "send"}[i], k.IntN(2)
			f.Add(x)
		}
	}
}

// round publishes something, kills the server meanwhile, and starts it again.
// The command is repeated until it is answered, as a client would.
func (k *killing) round(n int) {
	k.t.Helper()
	after := time.Duration(k.IntN(400)) * time.Millisecond
	answered := make(chan string, 1)
	url := k.url
	go func() {
		ref, _ := k.open(url, n) // asked again below
		answered <- ref
	}()
	time.Sleep(after) // the moment is random on purpose
	k.kill()
	k.url, k.kill = program(k.t, k.file)
	ref := <-answered
	var err error
	for try := 0; ref == "" && try < 20; try++ {
		ref, err = k.open(k.url, n)
	}
	if ref == "" {
		k.t.Fatalf("command %d is not accepted: %v", n, err)
	}
	k.accepted = append(k.accepted, ref)
}

// open sends command n once and returns the reference.
func (k *killing) open(url string, n int) (string, error) {
	body := fmt.Sprintf(`{"kind":"notice","title":"Notice %d","body":"These are words %d."}`, n, n)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/incidents", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+demoToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", fmt.Sprintf("command-%d", n))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	var answer struct{ Ref string }
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("%s: %s", resp.Status, text)
	}
	return answer.Ref, nil
}

// knowable waits until nothing is pending, and nothing is unsure on X and
// Discord, which takes no longer than a minute.
func (k *killing) knowable() {
	k.t.Helper()
	deadline := time.Now().Add(2 * time.Minute) // a minute on a machine with nothing else to do
	for {
		open := k.list(func(d delivery) bool {
			return d.State == "pending" || d.State == "sending" || d.State == "unsure" && (d.Channel == "x" || d.Channel == "discord")
		})
		if len(open) == 0 {
			return
		}
		if time.Now().After(deadline) {
			k.t.Fatalf("not settled: %+v\n%s", open, k.feeds())
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// list are the deliveries of all that was accepted of which ok holds.
func (k *killing) list(ok func(delivery) bool) (out []delivery) {
	k.t.Helper()
	c, err := newClient(&env{ctx: k.t.Context(), lookup: k.lookup})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, ref := range k.accepted {
		all, err := c.deliveries(&env{ctx: k.t.Context()}, ref)
		if err != nil {
			k.t.Fatal(err)
		}
		for _, d := range all {
			if ok(d) {
				out = append(out, d)
			}
		}
	}
	return out
}

// settleUnsure decides what nobody can know, as people do who look: what is
// there is recorded, the rest is sent again.
func (k *killing) settleUnsure() int {
	k.t.Helper()
	unsure := k.list(func(d delivery) bool { return d.State == "unsure" })
	for _, d := range unsure {
		ref, _, _ := strings.Cut(d.Update, "/")
		if said := k.said(ref, d.Channel); len(said) > 0 {
			k.must("posted", d.Update, d.Channel, "https://t.me/example_status/"+said[0].ID)
		} else {
			k.must("retry", d.Update, d.Channel)
		}
	}
	k.until("sent", func() bool { return len(k.list(func(d delivery) bool { return d.State != "sent" })) == 0 })
	return len(unsure)
}

// said are the messages on a platform that carry a reference.
func (k *killing) said(ref, platform string) []sim.Seen {
	return slices.DeleteFunc(k.feed(platform), func(m sim.Seen) bool { return !strings.Contains(m.Text, ref+"/1 · ") })
}

// wantOnce: an update is there, once.
func (k *killing) wantOnce(ref, platform string) {
	k.t.Helper()
	if said := k.said(ref, platform); len(said) != 1 {
		rows := k.list(func(d delivery) bool { return strings.HasPrefix(d.Update, ref+"/") && d.Channel == platform })
		k.t.Errorf("%s is %d times on %s: %+v\n%+v", ref, len(said), platform, said, rows)
	}
}
