package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/people"
)

// Only what nobody else can have is ours, and what is not known is not denied.
func TestAddresses(t *testing.T) {
	c := &config.Config{
		Site:     config.Site{URL: "https://Status.example.com:8443", Hosts: []string{"example.com", "www.youtube.com"}},
		Bots:     map[string]config.Bot{"tg": {Kind: config.Telegram}, "x": {Kind: config.Twitter}},
		Channels: []config.Channel{{Bot: "tg", Target: "@example_status"}, {Bot: "tg", Target: "-1001", Drill: true}, {Bot: "tg", Audience: true}},
	}
	want := people.Addresses{Hosts: []string{"status.example.com:8443"}, Accounts: []string{"t.me/example_status"}, Linked: c.Site.Hosts}
	if got := addresses(c); !reflect.DeepEqual(got, want) {
		t.Errorf("we are at %+v, want %+v", got, want)
	}
	c.Channels = append(c.Channels, config.Channel{Bot: "x"}, config.Channel{Bot: "tg", Target: "-1002"})
	want.Vague = []string{"t.me", "twitter.com", "x.com"}
	if got := addresses(c); !reflect.DeepEqual(got, want) {
		t.Errorf("we are at %+v, want %+v", got, want)
	}
}

// Each bot that speaks to the public vouches for the others, and denies nobody while
// it does not know what they are called.
func TestBotsVouchForEachOther(t *testing.T) {
	t.Parallel()
	const crowd, channel = "1000002", "1000003"
	world := newWorld()
	world.Telegram.AddBot(crowd+":demo-crowd-token", "example_alerts_bot")
	world.Telegram.AddBot(channel+":demo-channel-token", "example_news_bot")
	world.Telegram.Faults.Add(sim.Fault{Match: channel + ":demo-channel-token/getMe", Kind: "status", Status: 502, Times: -1})
	other := func(name, token, more string) string {
		return fmt.Sprintf("[bots.%s]\nkind = \"telegram\"\ntoken = %q\napi_url = \"{page}/telegram\"\n\n[[channels]]\nname = \"of-%[1]s\"\nbot = \"%[1]s\"\n%[3]s\n\n", name, token, more)
	}
	s := newServerIn(t, world, "[[rooms]]\nbot = \"tg\"", demoAudience+"\n"+other("crowd", crowd+":demo-crowd-token", "audience = true")+
		other("channel", channel+":demo-channel-token", `target = "@example_news"`)+"[[rooms]]\nbot = \"tg\"")
	says := func(claim, want string) {
		t.Helper()
		s.until(claim+" is answered with "+want, func() bool {
			before := len(world.Telegram.Seen("2001"))
			if _, err := world.Telegram.Say("2001", "2001", "/verify "+claim, sim.Saying{}); err != nil {
				t.Fatal(err)
			}
			var got string
			s.until("an answer", func() bool {
				all := world.Telegram.Seen("2001")
				got = all[len(all)-1].Text
				return len(all) > before+1
			})
			return strings.Contains(got, want)
		})
	}
	says("@example_status_bot", "Yes, this is an official address")
	says("t.me/example_alerts_bot", "Yes, this is an official address")
	says("t.me/example_news_bot", "This cannot be checked here.")
	world.Telegram.Faults.Clear()
	says("t.me/example_news_bot", "Yes, this is an official address")
	says("t.me/evil_bot", "No, this is not ours")
}
