package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
)

// types types into the simulated room and returns the id of the message.
func (s *server) types(person, text string, said sim.Saying) string {
	s.t.Helper()
	id, err := s.world.Telegram.Say(demoRoom, person, text, said)
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

// answered waits for the bot's answer to a message and returns it.
func (s *server) answered(id string) sim.Seen {
	s.t.Helper()
	var answer sim.Seen
	s.until("an answer", func() bool {
		for _, m := range s.world.Telegram.Seen(demoRoom) {
			if m.ReplyTo == id && m.Ours && !m.Deleted {
				answer = m
				return true
			}
		}
		return false
	})
	return answer
}

// presses presses the button with a label under a message.
func (s *server) presses(person string, m sim.Seen, label string) {
	s.t.Helper()
	for _, b := range slices.Concat(m.Buttons...) {
		if b.Text == label {
			if _, err := s.world.Telegram.Press(demoRoom, m.ID, person, b.Data); err != nil {
				s.t.Fatal(err)
			}
			return
		}
	}
	s.t.Fatalf("no button %q under %q", label, m.Text)
}

// card is the newest card of an incident in the room.
func (s *server) card(ref string) (card sim.Seen) {
	for _, m := range s.world.Telegram.Seen(demoRoom) {
		if m.Ours && !m.Deleted && strings.HasPrefix(m.Text, ref+" ") {
			card = m
		}
	}
	return card
}

func TestRoomFromFirstWordsToAllClear(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	typed := s.types("1001", "/incident critical login withdrawals\nLogin is down\nNobody can log in.\nzh:\n目前无法登录。\nnext 20m", sim.Saying{})
	preview := s.answered(typed)
	for _, want := range []string{"D-1 → new incident · critical", "Nobody can log in.", "say exactly this", "x  ", "cannot be edited"} {
		if !strings.Contains(preview.Text, want) {
			t.Errorf("the preview does not say %q:\n%s", want, preview.Text)
		}
	}
	if n := len(s.feed("telegram")); n != 0 {
		t.Fatalf("%d public messages before anybody pressed Publish", n)
	}
	s.presses("1001", preview, "Publish")
	s.until("card", func() bool {
		card := s.card("INC-1")
		return strings.Contains(card.Text, "✓ telegram") && strings.Contains(card.Text, "✓ wechat") && strings.Contains(card.Text, "min left")
	})
	// A reply to the card needs no reference.
	reply := s.types("1002", "/resolve It works again.", sim.Saying{ReplyTo: s.card("INC-1").ID})
	second := s.answered(reply)
	if !strings.Contains(second.Text, "! changes status investigating → resolved") {
		t.Errorf("the preview: %s", second.Text)
	}
	s.presses("1002", second, "Publish")
	s.until("all clear", func() bool { return len(s.feed("x")) == 2 && len(s.feed("discord")) == 2 })
	s.until("the card says so", func() bool { return strings.Contains(s.card("INC-1").Text, "resolved") })
	cards := 0
	for _, m := range s.world.Telegram.Seen(demoRoom) {
		if strings.HasPrefix(m.Text, "INC-1 ") && !m.Deleted && m.Ours && m.ReplyTo == "" {
			cards++
		}
	}
	if cards != 1 {
		t.Errorf("%d cards, want one that is edited in place", cards)
	}
}

func TestRoomRefusesCalmly(t *testing.T) {
	s := newServer(t)
	if err := s.world.Telegram.AddPerson(sim.TelegramPerson{ID: "666", Name: "Mallory"}); err != nil {
		t.Fatal(err)
	}
	for text, tt := range map[string]struct {
		person string
		said   sim.Saying
		want   string
	}{
		"/resolve INC-1 over":                {"666", sim.Saying{}, "is not an operator here"},
		"/update INC-1 forwarded":            {"1001", sim.Saying{Forwarded: true}, "This was forwarded"},
		"/update INC-9 nothing":              {"1001", sim.Saying{}, "There is no INC-9"},
		"/incident dreadful login\nIt broke": {"1001", sim.Saying{}, `"dreadful" is neither an impact nor a component`},
	} {
		if got := s.answered(s.types(tt.person, text, tt.said)); !strings.Contains(got.Text, tt.want) {
			t.Errorf("%q is answered %q, want %q", text, got.Text, tt.want)
		}
	}
	s.types("1001", "just talking", sim.Saying{})
	if n := len(s.feed("telegram")); n != 0 {
		t.Errorf("%d public messages", n)
	}
}

func TestRoomSettlesUnsureByButton(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.world.WeChat.Faults.Add(sim.Fault{Kind: "cut-after"})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.", "--only", "wechat")
	s.until("the card asks", func() bool { return len(s.card("INC-1").Buttons) > 0 })
	card := s.card("INC-1")
	if !strings.Contains(card.Text, "? /1 wechat  sent, no answer") {
		t.Errorf("the card: %s", card.Text)
	}
	s.presses("1001", card, "/1 wechat: it is there")
	s.until("settled", func() bool { return s.state("INC-1/1", "wechat") == "sent" })
	s.wantTexts("wechat", "Nobody can log in.")
	s.until("the card is calm again", func() bool { return len(s.card("INC-1").Buttons) == 0 })
}

// The room on Discord, and its operators.
const (
	discordDesk = "700000000000000202"
	discordAna  = "500000000000000001"
	discordBo   = "500000000000000002"
)

// withDiscordRoom is the world of the demo with a room on Discord too, and the
// changes of the configuration that go with it.
func withDiscordRoom() (world *sim.World, change []string) {
	world = newWorld()
	application := world.Discord.AddBot(demoDiscord, "example-status")
	world.Discord.AddChannel(discordDesk, "comms", sim.DiscordText)
	world.Discord.AddPerson(discordAna, "Ana")
	world.Discord.AddPerson(discordBo, "Bo")
	return world, []string{
		"[[operators]]\nname = \"Ana\"", "[[rooms]]\nbot = \"dc\"\ntarget = \"" + discordDesk + "\"\n\n[[operators]]\nname = \"Ana\"",
		`guild = "700000000000000001"`, "guild = \"700000000000000001\"\napplication = \"" + application + "\"",
		`telegram = "1001"`, "telegram = \"1001\"\ndiscord = \"" + discordAna + "\"",
		`telegram = "1002"`, "telegram = \"1002\"\ndiscord = \"" + discordBo + "\"",
	}
}

// inDiscord lists what the bot shows in the room on Discord and that has these
// words in it, oldest first.
func (s *server) inDiscord(words string) (out []sim.Seen) {
	for _, m := range s.world.Discord.Seen() {
		if m.Place == discordDesk && m.Ours && !m.Deleted && strings.Contains(m.Text, words) {
			out = append(out, m)
		}
	}
	return out
}

// slashes uses a slash command in the room on Discord as soon as it is offered.
func (s *server) slashes(person, command string, options map[string]string) (interaction string) {
	s.t.Helper()
	s.until("/"+command, func() bool {
		if s.world.Discord.Connected() == 0 {
			return false
		}
		var err error
		interaction, err = s.world.Discord.Slash(discordDesk, person, command, options)
		return err == nil
	})
	return interaction
}

// onDiscord presses the button with a label under a message.
func (s *server) onDiscord(person string, m sim.Seen, label string) (interaction string) {
	s.t.Helper()
	for _, b := range slices.Concat(m.Buttons...) {
		if b.Text == label {
			id, err := s.world.Discord.Press(m.ID, person, b.Data)
			if err != nil {
				s.t.Fatal(err)
			}
			return id
		}
	}
	s.t.Fatalf("no button %q under %q", label, m.Text)
	return ""
}

func TestDiscordRoomTakesSlashCommands(t *testing.T) {
	t.Parallel()
	world, change := withDiscordRoom()
	s := newServerIn(t, world, change...)
	s.until("gateway", func() bool { return world.Discord.Connected() > 0 })
	asked := s.slashes(discordAna, "incident", map[string]string{"impact": "critical", "components": "login", "title": "Login is down", "text": "Nobody can log in."})
	s.until("preview", func() bool { return len(s.inDiscord("D-1 → new incident")) == 1 })
	s.until("nobody waits for an answer", func() bool {
		in, ok := world.Discord.Interaction(asked)
		return ok && in.Answered && !in.Thinking
	})
	s.onDiscord(discordAna, s.inDiscord("D-1 → new incident")[0], "Publish")
	s.until("published", func() bool { return len(s.feed("telegram")) == 1 && len(s.feed("x")) == 1 })
	s.until("card", func() bool { return len(s.inDiscord("✓ telegram")) == 1 })
	s.until("card on Telegram", func() bool { return strings.Contains(s.card("INC-1").Text, "✓ telegram") })
}
