package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

var (
	kills     = flag.Int("kills", 24, "how often the server is killed")
	nodeKills = flag.Int("node-kills", 4, "how often one of two nodes is killed")
	killSeed  = flag.Uint64("kill-seed", 0, "draw faults and moments from this seed")
)

// killing is a server that is killed again and again while people speak.
type killing struct {
	*server
	*rand.Rand
	fall     func() // ends the server that people speak to; another is there for them
	accepted []*told
	commands int
	settled  map[string]bool // update and channel: a person has decided what came of it
}

// killsOnce is how often one server is killed: an account on X may post 100 times
// in 15 minutes, and no more than that is read back.
const killsOnce = 24

// TestKilledAtAnyMoment kills the real program at random moments while people
// open incidents, go on, correct, withdraw and give the all clear, and while
// requests fail in every way. Then what was accepted is compared with what
// followers see: nothing is lost, nothing is there twice, the last accepted
// words show last, in one thread, in order. Where nobody can know, it is shown as
// unsure until a person decides.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64() >> 16
	}
	for left := *kills; left > 0; left -= killsOnce {
		t.Run(fmt.Sprintf("kill-seed=%d", seed), func(t *testing.T) { killedAtAnyMoment(t, seed, min(left, killsOnce)) })
		seed++
	}
}

func killedAtAnyMoment(t *testing.T, seed uint64, times int) {
	k := newKilling(t, seed)
	file := k.configFile()
	k.running = &running{moved: make(chan struct{})}
	url, kill := program(t, file)
	k.url = url
	k.fall = func() {
		kill()
		k.url, kill = program(t, file)
	}
	for range times {
		k.spoil()
		k.round()
	}
	k.compare(times)
}

func newKilling(t *testing.T, seed uint64) *killing {
	t.Helper()
	return &killing{server: newServer(t, append(append(noRoom, fast...), english...)...), Rand: rand.New(rand.NewPCG(seed, 0)), settled: map[string]bool{}}
}

// compare compares what was accepted with what followers see in the end.
func (k *killing) compare(kills int) {
	k.t.Helper()
	for _, f := range k.faults() {
		f.Clear()
	}
	since := time.Now()
	k.knowable()
	k.t.Logf("%d commands on %d incidents accepted through %d kills; all that can be known was known %v after the last",
		k.commands, len(k.accepted), kills, time.Since(since).Round(time.Second))
	k.t.Logf("%d deliveries were left to a person", k.settleUnsure())
	for _, i := range k.accepted {
		k.checkRecord(i)
		for _, p := range platforms {
			k.checkFollowers(i, p)
		}
	}
}

// english has every channel in one language, so that the words are the same.
var english = []string{"bot = \"wecom\"\nlanguage = \"zh-Hans\"\n", "bot = \"wecom\"\n"}

func (k *killing) faults() []*sim.Faults {
	return []*sim.Faults{&k.world.Telegram.Faults, &k.world.Discord.Faults, &k.world.X.Faults, &k.world.WeChat.Faults}
}

// spoilt are the requests that go wrong, by platform as in faults.
var spoilt = [][]string{
	{"sendMessage", "sendMessage", "editMessageText", "deleteMessage", "pinChatMessage"},
	{"/messages", "/messages", "PATCH", "DELETE", "/threads", "/crosspost"},
	{"POST /2/tweets", "POST /2/tweets", "DELETE /2/tweets"},
	{"send"},
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
			x.Match, x.Skip = spoilt[i][k.IntN(len(spoilt[i]))], k.IntN(2)
			f.Add(x)
		}
	}
}

// round has people speak, and the server fall meanwhile. A command is repeated
// until it is answered, as a client would.
func (k *killing) round() {
	k.t.Helper()
	after := time.Duration(k.IntN(600)) * time.Millisecond
	speaking := make(chan *command, 1)
	url := k.url
	go func() {
		for range 3 {
			c := k.command()
			if err := k.send(url, c); err != nil {
				speaking <- c // said again below
				return
			}
			c.accepted()
		}
		speaking <- nil
	}()
	time.Sleep(after) // the moment is random on purpose
	k.fall()
	c := <-speaking
	if c == nil {
		return
	}
	var err error
	for range 20 {
		if err = k.send(k.url, c); err == nil {
			c.accepted()
			return
		}
	}
	k.t.Fatalf("%s %s is not accepted: %v", c.path, c.body, err)
}
