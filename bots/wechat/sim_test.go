package wechat_test

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/wechat"
)

func simulate(t *testing.T) (*sim.WeChat, *wechat.Bot) {
	t.Helper()
	world := sim.NewWeChat()
	world.AddRobot(key)
	server, err := sim.Serve(world)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	bot, err := wechat.New(wechat.Config{Name: "wecom", Key: key, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return world, bot
}

func TestPostOnTheSimulator(t *testing.T) {
	world, bot := simulate(t)
	for _, text := range []string{"提现已恢复。\nINC-12/3 · 12:18 UTC", strings.Repeat("界", 682) + "ab", "<@all> hello"} {
		if _, err := bot.Do(t.Context(), bots.Operation{Action: bots.Post, Text: text}); err != nil {
			t.Fatal(err)
		}
		seen := world.Seen()
		if got := seen[len(seen)-1]; strings.ReplaceAll(got.Text, "\u200b", "") != text || strings.Contains(got.Raw, "<@") {
			t.Errorf("shown %q, want %q", got.Text, text)
		}
	}
}

func TestRefusalsOnTheSimulator(t *testing.T) {
	world, bot := simulate(t)
	post := func() *bots.Fault {
		_, err := bot.Do(t.Context(), bots.Operation{Action: bots.Post, Text: "x"})
		if err == nil {
			return &bots.Fault{}
		}
		return bots.AsFault(err)
	}
	world.PerMinute = 1
	if f := post(); f.Kind != "" {
		t.Fatal(f)
	}
	if f := post(); f.Kind != bots.RateLimited || strings.Contains(f.Detail, "127.0.0.1") {
		t.Errorf("over the limit: %v, want a limit and no address", f)
	}
	world.PerMinute = 0
	world.Faults.Add(sim.Fault{Kind: "status"})
	if f := post(); f.Kind != bots.Temporary || f.Code != "-1" {
		t.Errorf("busy: %v", f)
	}
	world.RemoveRobot(key)
	if f := post(); f.Kind != bots.Unauthorized || f.Code != "93000" {
		t.Errorf("removed: %v", f)
	}
}

func TestLostAnswersOnTheSimulator(t *testing.T) {
	for kind, landed := range map[string]int{"cut": 0, "cut-after": 1, "accept": 1, "truncate": 1, "html": 0} {
		world, bot := simulate(t)
		world.Faults.Add(sim.Fault{Match: "/webhook/send", Kind: kind})
		_, err := bot.Do(t.Context(), bots.Operation{Action: bots.Post, Text: "x"})
		if err == nil || bots.AsFault(err).Kind != bots.Unsure || len(world.Seen()) != landed {
			t.Errorf("%s: %v with %d messages, want it unsure with %d", kind, err, len(world.Seen()), landed)
		}
	}
}
