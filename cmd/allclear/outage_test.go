package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// The tokens of two people, so that they can go on without any chat.
const (
	boToken  = "bo-operator-token"
	eveToken = "eve-operator-token"
)

// withOperators is the world with both rooms and five operators, where two
// people have to agree to what is critical.
func withOperators(t *testing.T) (*sim.World, []string) {
	t.Helper()
	world, change := withDiscordRoom()
	for id, name := range map[string]string{"1004": "Dee", "1005": "Eve", "666": "Mallory"} {
		if err := world.Telegram.AddPerson(sim.TelegramPerson{ID: id, Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"1002", "1004", "1005"} { // whoever never wrote to a bot cannot be written to
		if _, err := world.Telegram.Start(id, ""); err != nil {
			t.Fatal(err)
		}
	}
	return world, append(change,
		"[policy]", "[policy]\napprovals = { critical = 1 }",
		`role = "admin"`, "role = \"admin\"\ntoken = \""+boToken+"\"",
		"[[components]]\nid = \"login\"", `
[[operators]]
name = "Dee"
role = "reviewer"
telegram = "1004"

[[operators]]
name = "Eve"
role = "publisher"
telegram = "1005"
token = "`+eveToken+`"

[[components]]
id = "login"`)
}

// as runs the command line as the operator with a token.
func (s *server) as(token string, args ...string) string {
	s.t.Helper()
	var out, errs bytes.Buffer
	lookup := func(name string) (string, bool) {
		if name == "ALLCLEAR_TOKEN" {
			return token, true
		}
		return s.lookup(name)
	}
	if code := run(&env{ctx: s.t.Context(), in: strings.NewReader(""), out: &out, err: &errs, lookup: lookup}, args); code != 0 {
		s.t.Fatalf("allclear %s: exit %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return out.String()
}

// inPrivate waits for a message to a person alone on Telegram with these words.
func (s *server) inPrivate(person, words string) (m sim.Seen) {
	s.t.Helper()
	s.until(words+" to "+person, func() bool {
		for _, m = range s.world.Telegram.Seen(person) {
			if m.Ours && strings.Contains(m.Text, words) {
				return true
			}
		}
		return false
	})
	return m
}

// pressIn presses the button with a label under a message on Telegram, so often.
func (s *server) pressIn(chat, person string, m sim.Seen, label string, times int) {
	s.t.Helper()
	for _, b := range slices.Concat(m.Buttons...) {
		for k := 0; b.Text == label && k < times; k++ {
			if _, err := s.world.Telegram.Press(chat, m.ID, person, b.Data); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

// TestFirstQuarterOfAnOutage is how a team of five lives through it: people
// without the right, buttons pressed twice, a draft overtaken by another, and in
// the end both chats gone.
func TestFirstQuarterOfAnOutage(t *testing.T) {
	t.Parallel()
	world, change := withOperators(t)
	s := newServerIn(t, world, change...)
	s.until("listening", s.listening)

	// An author drafts; those who may agree are asked in private, on both platforms.
	preview := s.answered(s.types("1003", "/incident critical login withdrawals\nLogin is down\nNobody can log in.", sim.Saying{}))
	if !strings.Contains(preview.Text, "needs 1 of Ana, Bo, Dee, Eve") {
		t.Errorf("the preview: %s", preview.Text)
	}
	asked := s.inPrivate("1004", "D-1 → new incident")
	s.until("Bo is asked on Discord", func() bool {
		return slices.ContainsFunc(world.Discord.Seen(), func(m sim.Seen) bool {
			return m.Ours && m.Place != discordDesk && m.Place != demoNews && strings.Contains(m.Text, "D-1 → new incident")
		})
	})

	// Strangers, the author himself and forwarded words change nothing.
	s.pressIn(demoRoom, "666", preview, "Agree", 1)
	s.pressIn(demoRoom, "1003", preview, "Agree", 1)
	if got := s.answered(s.types("666", "/publish D-1", sim.Saying{})); !strings.Contains(got.Text, "is not an operator here") {
		t.Errorf("a stranger is told %q", got.Text)
	}
	if got := s.answered(s.types("1001", "/publish D-1", sim.Saying{Forwarded: true})); !strings.Contains(got.Text, "This was forwarded") {
		t.Errorf("forwarded words are answered %q", got.Text)
	}
	if n := len(s.feed("x")); n != 0 {
		t.Fatalf("%d posts before anybody agreed", n)
	}

	// Dee agrees in private, Ana publishes with a thumb that slips.
	s.pressIn("1004", "1004", asked, "Agree", 1)
	s.until("Dee has agreed", func() bool { return s.ours("agreed Dee") == 1 })
	for _, m := range world.Telegram.Seen(demoRoom) {
		if m.ID == preview.ID {
			s.pressIn(demoRoom, "1001", m, "Publish", 2)
		}
	}
	s.until("published", func() bool { return len(s.feed("x")) == 1 })
	s.until("a calm second answer", func() bool { return s.ours("D-1 is published already") == 1 })
	s.until("cards", func() bool {
		return s.ours("INC-1 critical") == 1 && len(s.inDiscord("/1 ")) == 1 && strings.Contains(s.card("INC-1").Text, "approved Dee")
	})
	if got := s.answered(s.types("1003", "/retract INC-1/1 not so", sim.Saying{})); !strings.Contains(got.Text, "Chen may not retract: ask a publisher.") {
		t.Errorf("an author is told %q", got.Text)
	}

	// Eve's draft is overtaken by Bo's from the other room.
	eves := s.answered(s.types("1005", "/update INC-1 We are looking into it.", sim.Saying{}))
	s.slashes(discordBo, "identified", map[string]string{"incident": "INC-1", "text": "A disk has failed."})
	s.until("Bo's preview", func() bool { return len(s.inDiscord("D-3 → INC-1/2")) == 1 })
	s.onDiscord(discordAna, s.inDiscord("D-3 → INC-1/2")[0], "Agree")
	s.until("Bo's update", func() bool { return len(s.feed("x")) == 2 })
	s.pressIn(demoRoom, "1004", eves, "Agree", 1)
	s.until("Eve is told", func() bool { return s.ours("INC-1/2 was published meanwhile") == 1 })
	for _, m := range world.Telegram.Seen(demoRoom) {
		if strings.Contains(m.Text, "INC-1/2 was published meanwhile") {
			s.pressIn(demoRoom, "1005", m, "Discard", 1)
		}
	}
	s.until("discarded", func() bool { return s.ours("D-2 is rejected.") == 1 })

	// Both chats are gone: two people go on from a shell.
	s.settled("INC-1")
	away := sim.Fault{Kind: "status", Status: 500, Times: -1}
	world.Discord.Faults.Add(away)
	s.telegramGoesAway()
	s.as(eveToken, "resolve", "INC-1", "It works again.")
	s.as(boToken, "publish", "D-4")
	s.until("the all clear where it can be said", func() bool { return len(s.feed("x")) == 3 && len(s.feed("wechat")) == 3 })

	world.Telegram.Faults.Clear()
	world.Discord.Faults.Clear()
	s.until("the cards know", func() bool {
		return strings.Contains(s.card("INC-1").Text, "resolved") && len(s.inDiscord("INC-1 critical · resolved")) == 1
	})
	s.wantTexts("x", "Nobody can log in", "A disk has failed", "It works again")
	if n := s.ours("INC-1 critical"); n != 1 {
		t.Errorf("%d cards on Telegram", n)
	}
}

// When nobody agrees in time the rooms and the admins are told, and an admin may
// publish alone, with a reason that stays on record.
func TestAdminBreaksTheGlassOnDiscord(t *testing.T) {
	t.Parallel()
	world, change := withOperators(t)
	s := newServerIn(t, world, change...)
	s.stop()
	s.wrap = func(a *app) { a.desk.Escalate = time.Millisecond }
	s.start()
	s.until("listening", s.listening)
	s.slashes(discordBo, "incident", map[string]string{"impact": "critical", "components": "login", "title": "Login is down", "text": "Nobody can log in."})
	s.until("both rooms are told", func() bool {
		return s.ours("An admin may publish it alone") == 1 && len(s.inDiscord("An admin may publish it alone")) == 1
	})
	s.inPrivate("1002", "An admin may publish it alone")
	s.slashes(discordBo, "publish", map[string]string{"draft": "D-1", "reason": "nobody is awake"})
	s.until("published", func() bool { return len(s.feed("x")) == 1 })
	s.until("the card says so", func() bool { return strings.Contains(s.card("INC-1").Text, "Bo, alone: nobody is awake") })
}
