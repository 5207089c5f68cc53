package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// What policy makes of a post that nobody can know to be there: it is left to
// a person, taken to be there, or sent again, then perhaps for the second time.
func TestUnsurePolicies(t *testing.T) {
	for _, tt := range []struct {
		policy, fault string
		state         string
		seen          int
	}{
		{"ask", "cut", "unsure", 0},
		{"ask", "cut-after", "unsure", 1},
		{"assume", "cut", "sent", 0},
		{"assume", "cut-after", "sent", 1},
		{"resend", "cut", "sent", 1},
		{"resend", "cut-after", "sent", 2},
	} {
		for _, p := range []string{"telegram", "wechat"} {
			t.Run(fmt.Sprint(tt.policy, " ", tt.fault, " ", p), func(t *testing.T) {
				t.Parallel()
				s := newServer(t, append(noRoom, "[policy]\n", fmt.Sprintf("[policy]\nunsure = { public = %q }\n", tt.policy))...)
				s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Kind: tt.fault})
				s.world.WeChat.Faults.Add(sim.Fault{Match: "send", Kind: tt.fault})
				s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", p)
				s.until(tt.state, func() bool { return s.state("INC-1/1", p) == tt.state })
				if got := len(s.feed(p)); got != tt.seen {
					t.Errorf("%d messages, want %d:\n%s", got, tt.seen, s.feeds())
				}
				s.must("resolve", "INC-1", "It works again.", "--only", p) // goes out all the same, after 30 s at most
				s.within(time.Minute, "all clear", func() bool { return s.state("INC-1/2", p) == "sent" })
			})
		}
	}
}

// On X and Discord policy has nothing to decide: what is there is found, and
// what is not is said again.
func TestUnsurePolicyIsNotNeededWhereThePlatformKnows(t *testing.T) {
	for _, policy := range []string{"ask", "assume", "resend"} {
		for _, fault := range []string{"cut", "cut-after"} {
			t.Run(policy+" "+fault, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, append(noRoom, "[policy]\n", fmt.Sprintf("[policy]\nunsure = { public = %q }\n", policy))...)
				s.world.Discord.Faults.Add(sim.Fault{Match: "POST", Kind: fault})
				s.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Kind: fault})
				s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "x", "--only", "discord")
				s.within(time.Minute, "sent", func() bool { return s.allSent("INC-1") })
				s.wantTexts("x", "Nobody can log in")
				s.wantTexts("discord", "Nobody can log in")
			})
		}
	}
}

// In a Telegram channel a post without an answer is found by an edit that
// changes nothing, where that cannot change anything else.
func TestTelegramChannelIsProbed(t *testing.T) {
	t.Parallel()
	s := newServer(t, noRoom...)
	if err := s.world.Telegram.SetBot("-1008000000001", sim.Membership{Denied: []string{"can_edit_messages"}}); err != nil {
		t.Fatal(err)
	}
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "telegram")
	s.settled("INC-1")
	s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Kind: "cut-after"}, sim.Fault{Match: "sendMessage", Kind: "cut"})
	s.must("update", "INC-1", "We know the cause.", "--only", "telegram")
	s.until("found", func() bool { return s.state("INC-1/2", "telegram") == "sent" })
	s.must("update", "INC-1", "It is being fixed.", "--only", "telegram")
	s.until("not found", func() bool { return s.state("INC-1/3", "telegram") == "unsure" })
	s.wantTexts("telegram", "Nobody can log in", "We know the cause.")
	s.until("said so", func() bool {
		return strings.Contains(s.must("show", "INC-1"), "the next messages of the channel are not it")
	})
}
