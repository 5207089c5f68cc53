package main

import (
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// texts are the texts of a feed.
func (s *server) texts(platform string) []string {
	s.t.Helper()
	var out []string
	for _, m := range s.feed(platform) {
		out = append(out, m.Text)
	}
	return out
}

// wantTexts checks that a feed has exactly messages with these words in them.
func (s *server) wantTexts(platform string, words ...string) {
	s.t.Helper()
	got := s.texts(platform)
	ok := len(got) == len(words)
	for i := 0; ok && i < len(words); i++ {
		ok = strings.Contains(got[i], words[i])
	}
	if !ok {
		s.t.Errorf("%s shows\n%q\nwant\n%q", platform, got, words)
	}
}

func (s *server) opened() {
	s.t.Helper()
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	s.settled("INC-1")
}

func TestCorrectionReachesEveryPlatformInItsOwnWay(t *testing.T) {
	s := newServer(t)
	s.opened()
	s.must("correct", "INC-1/1", "Some people cannot log in since noon.")
	s.settled("INC-1")
	const right = "Some people cannot log in"
	s.wantTexts("telegram", right) // edited within a minute: nobody needs to be told
	s.wantTexts("discord", right)
	s.wantTexts("x", "Nobody can log in", right) // cannot be edited
	s.wantTexts("wechat", "Nobody can log in", right)
	if x := s.feed("x"); x[1].ReplyTo != x[0].ID {
		t.Errorf("the correction on X is not linked:\n%s", s.feeds())
	}
	s.until("page", func() bool { return strings.Contains(s.get("/incidents/INC-1"), right) })
}

func TestTypoIsNeverAnnounced(t *testing.T) {
	s := newServer(t)
	s.opened()
	s.must("typo", "INC-1/1", "Nobody can log in since 12:00.")
	s.settled("INC-1")
	s.wantTexts("telegram", "since 12:00")
	s.wantTexts("discord", "since 12:00")
	s.wantTexts("x", "since noon")
	s.wantTexts("wechat", "since noon")
}

func TestRetractionLeavesNoWrongWords(t *testing.T) {
	s := newServer(t)
	s.opened()
	s.must("update", "INC-1", "A disk has failed.")
	s.settled("INC-1")
	s.must("retract", "INC-1/2", "The cause is not known yet.")
	s.settled("INC-1")
	const why = "The cause is not known yet."
	s.wantTexts("telegram", "Nobody can log in", why)
	s.wantTexts("discord", "Nobody can log in", why)
	s.wantTexts("x", "Nobody can log in", why)
	s.wantTexts("wechat", "Nobody can log in", "A disk has failed.", why)
	for _, p := range []string{"telegram", "discord", "x"} {
		if strings.Contains(strings.Join(s.texts(p), "\n"), "disk") {
			t.Errorf("%s still shows what was retracted", p)
		}
	}
	s.until("tombstone on the page", func() bool {
		page := s.get("/incidents/INC-1")
		return strings.Contains(page, why)
	})
}

func TestLeakedDataIsRemoved(t *testing.T) {
	s := newServer(t)
	s.opened()
	s.must("update", "INC-1", "Write to ana@example.com, 555-0100.")
	s.settled("INC-1")
	s.must("retract", "--delete", "INC-1/2", "It named a person.")
	s.settled("INC-1")
	for _, p := range []string{"telegram", "discord", "x"} {
		s.wantTexts(p, "Nobody can log in", "It named a person.")
	}
	s.until("gone from the page", func() bool { return !strings.Contains(s.get("/incidents/INC-1"), "555-0100") })
	if answer := s.must("--json", "show", "INC-1"); strings.Contains(answer, "555-0100") {
		t.Errorf("the API still tells it: %s", answer)
	}
}

// hard are texts that the platforms would like to read as something else, or
// that are hard to count and cut.
var hard = map[string]string{
	"markup":         "**bold** _it_ __u__ ~~s~~ ||sp|| `code` <b>html</b> &amp; [link](https://example.com) # head\n> quote\n- item\n```\nblock\n```\n\\* <@123> <#5> <:x:1> {.Title} %s $1",
	"mentions":       "@everyone @here <@&1> @all please wait, nobody should be pinged by this.",
	"right to left":  "تعذّر تسجيل الدخول منذ الساعة 12:01. نعمل على حلّ المشكلة.\nלא ניתן להתחבר כרגע.",
	"emoji families": "👨‍👩‍👧‍👦 🏳️‍🌈 👍🏽 🇸🇬 ❤️ 1️⃣ " + strings.Repeat("👨‍👩‍👧‍👦", 200),
	"141 CJK":        strings.Repeat("登", 141),
	"one long word":  strings.Repeat("x", 5000),
	"10 000":         strings.Repeat("Word and ümlaut. ", 600) + "\n\n" + strings.Repeat("Second paragraph. ", 20),
	"combining":      strings.Repeat("é̂", 500),
	"first and rest": "The first paragraph stands alone.\n\n" + strings.Repeat("The second says more. ", 200),
	"links":          "See https://example.com/a_b_c?d=*e*&f=~g~ and status.example.com.",
}

func TestHardTextsArriveAsTheyAreWithinEveryLimit(t *testing.T) {
	s := newServer(t, fast...)
	for name, text := range hard {
		t.Run(name, func(t *testing.T) {
			s.t = t
			before := map[string]int{}
			for _, p := range platforms {
				before[p] = len(s.feed(p))
			}
			answer := s.must("notice", "--title", "Hard text", "--", text)
			ref, _, _ := strings.Cut(answer, "/")
			s.settled(ref)
			for _, p := range platforms {
				feed := s.feed(p)[before[p]:]
				if len(feed) != 1 {
					t.Fatalf("%s has %d new messages, want 1", p, len(feed))
				}
				m := feed[0]
				if size := measure(p, m.Raw); size > limit[p] {
					t.Errorf("%s: %d over %d", p, size, limit[p])
				}
				if !strings.Contains(m.Text, ref+"/1 · ") {
					t.Errorf("%s lost its reference: %q", p, m.Text)
				}
				m.Text = strings.ReplaceAll(m.Text, "\u200b", "") // keeps WeCom from mentioning
				if !says(p, m.Text, text) && !strings.Contains(m.Text, "…") {
					t.Errorf("%s shows %q of %q", p, m.Text, text)
				}
				if measure(p, text) < limit[p]/2 && p != "wechat" && !strings.Contains(m.Text, text) && p != "x" {
					t.Errorf("%s changed the text: %q", p, m.Text)
				}
			}
			for _, m := range s.world.Discord.Messages() {
				if len(m.Pings) > 0 {
					t.Errorf("discord pinged %v", m.Pings)
				}
			}
		})
	}
}

func TestFaultsThatSettleThemselves(t *testing.T) {
	second := sim.Duration(time.Second)
	for name, tt := range map[string]struct {
		platform string
		faults   []sim.Fault
	}{
		"telegram 429":           {"telegram", []sim.Fault{{Match: "sendMessage", Kind: "status", Status: 429, RetryAfter: second}}},
		"telegram refused":       {"telegram", []sim.Fault{{Match: "sendMessage", Kind: "status", Status: 429, RetryAfter: second, Times: 2}}},
		"telegram moved":         {"telegram", []sim.Fault{{Match: "sendMessage", Kind: "status", Status: 400, Code: "-1008000000001"}}},
		"discord 429":            {"discord", []sim.Fault{{Match: "/messages", Kind: "status", Status: 429, RetryAfter: second}}},
		"discord global 429":     {"discord", []sim.Fault{{Match: "/messages", Kind: "status", Status: 429, Code: "global", RetryAfter: second}}},
		"discord accepted, cut":  {"discord", []sim.Fault{{Match: "POST", Kind: "cut-after"}}},
		"discord accepted, 502":  {"discord", []sim.Fault{{Match: "POST", Kind: "accept"}}},
		"discord lost":           {"discord", []sim.Fault{{Match: "POST", Kind: "cut"}}},
		"discord truncated":      {"discord", []sim.Fault{{Match: "POST", Kind: "truncate"}}},
		"x 429":                  {"x", []sim.Fault{{Match: "POST /2/tweets", Kind: "status", Status: 429, RetryAfter: second}}},
		"x accepted, 503":        {"x", []sim.Fault{{Match: "POST /2/tweets", Kind: "accept", Status: 503}}},
		"x accepted, cut":        {"x", []sim.Fault{{Match: "POST /2/tweets", Kind: "cut-after"}}},
		"wechat busy":            {"wechat", []sim.Fault{{Match: "send", Kind: "status", Code: "-1"}}},
		"telegram edit answers":  {"telegram", []sim.Fault{{Match: "editMessageText", Kind: "html", Times: 2}}},
		"discord thread answers": {"discord", []sim.Fault{{Match: "/threads", Kind: "accept"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, noRoom...)
			faults := map[string]*sim.Faults{"telegram": &s.world.Telegram.Faults, "discord": &s.world.Discord.Faults, "x": &s.world.X.Faults, "wechat": &s.world.WeChat.Faults}
			faults[tt.platform].Add(tt.faults...)
			s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
			s.must("resolve", "INC-1", "It works again.")
			s.until("both arrived and settled", func() bool { return len(s.feed(tt.platform)) >= 2 && s.allSent("INC-1") })
			s.wantTexts(tt.platform, "Nobody can log in", "It works again.")
			for _, secret := range []string{demoToken, demoBot, demoDiscord, demoRobot, demoKeys.ConsumerSecret, demoKeys.AccessSecret, demoKeys.AccessToken} {
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("the log shows the secret %q", secret)
				}
			}
		})
	}
}

// allSent reports whether every delivery of an incident was sent.
func (s *server) allSent(ref string) bool {
	list := s.deliveries(ref)
	for _, d := range list {
		if d.State != "sent" {
			return false
		}
	}
	return len(list) > 0
}

// state is the state of an update's delivery on a channel.
func (s *server) state(update, channel string) string {
	ref, _, _ := strings.Cut(update, "/")
	for _, d := range s.deliveries(ref) {
		if d.Update == update && d.Channel == channel {
			return d.State
		}
	}
	return ""
}

func TestWhatNobodyCanKnowIsUnsureUntilAPersonSettlesIt(t *testing.T) {
	for name, tt := range map[string]struct {
		fault sim.Fault
		args  []string
		state string
		seen  int
	}{
		"it is there":  {sim.Fault{Match: "sendMessage", Kind: "cut-after"}, []string{"posted", "INC-1/1", "telegram", "https://t.me/example_status/1"}, "sent", 1},
		"send again":   {sim.Fault{Match: "sendMessage", Kind: "cut"}, []string{"retry", "INC-1/1", "telegram"}, "sent", 1},
		"never mind":   {sim.Fault{Match: "sendMessage", Kind: "cut"}, []string{"skip", "INC-1/1", "telegram", "said by phone"}, "skipped", 0},
		"HTML instead": {sim.Fault{Match: "sendMessage", Kind: "html"}, []string{"retry", "INC-1/1", "telegram"}, "sent", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, noRoom...)
			s.world.Telegram.Faults.Add(tt.fault)
			s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
			s.until("unsure", func() bool { return s.state("INC-1/1", "telegram") == "unsure" })
			s.must(tt.args...)
			s.until(tt.state, func() bool { return s.state("INC-1/1", "telegram") == tt.state })
			if got := len(s.feed("telegram")); got != tt.seen {
				t.Errorf("%d messages, want %d", got, tt.seen)
			}
			s.must("resolve", "INC-1", "It works again.")
			s.until("all clear", func() bool { return s.state("INC-1/2", "telegram") == "sent" })
		})
	}
}
