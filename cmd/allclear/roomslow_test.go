package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// blocked is a store that answers nothing until it is released, or the asker
// gives up.
type blocked struct {
	desk.Store
	desk.Reader
	released chan struct{}
}

func (b blocked) wait(ctx context.Context) error {
	select {
	case <-b.released:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b blocked) Change(ctx context.Context, key string, fn func(desk.Tx) ([]byte, error)) ([]byte, error) {
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	return b.Store.Change(ctx, key, fn)
}

func (b blocked) Incidents(ctx context.Context, limit int) ([]*incident.Incident, error) {
	if err := b.wait(ctx); err != nil {
		return nil, err
	}
	return b.Reader.Incidents(ctx, limit)
}

// Discord waits three seconds for a first answer. It has one whatever the store
// does: commands, buttons, forms and completions.
func TestDiscordIsAnsweredWhileTheStoreIsBlocked(t *testing.T) {
	world, change := withDiscordRoom()
	s := newServerIn(t, world, change...)
	s.slashes(discordAna, "incident", map[string]string{"impact": "critical", "components": "login", "title": "Login is down", "text": "Nobody can log in."})
	s.until("a preview", func() bool { return len(s.inDiscord("D-1 → new incident")) == 1 })
	s.stop()
	b := blocked{released: make(chan struct{})}
	s.wrap = func(a *app) {
		b.Store, b.Reader = a.desk.Store, a.desk.Reader
		a.desk.Store, a.desk.Reader = b, b
	}
	s.start()
	s.until("gateway", func() bool { return world.Discord.Connected() > 0 })
	first := func(what, id string) {
		t.Helper()
		s.until("a first answer to "+what, func() bool {
			in, ok := world.Discord.Interaction(id)
			return ok && in.Answered
		})
	}
	command := s.slashes(discordAna, "update", map[string]string{"text": "Still down."})
	first("a command", command)
	press := s.onDiscord(discordAna, s.inDiscord("D-1 → new incident")[0], "Publish")
	first("a button", press)
	form := s.slashes(discordBo, "notice", nil)
	first("a command that asks for its text", form)
	submitted, err := world.Discord.Submit(form, map[string]string{"title": "No funds are lost", "text": "What is told elsewhere is not true."})
	if err != nil {
		t.Fatal(err)
	}
	first("a form", submitted)
	choices, err := world.Discord.Complete(discordDesk, discordAna, "update", map[string]string{"incident": "IN"}, "incident")
	if err != nil {
		t.Fatal(err)
	}
	first("a completion", choices)
	s.until("who waits is told so, and nothing else", func() bool {
		in, _ := world.Discord.Interaction(command)
		return len(in.Answers) == 1 && strings.HasPrefix(in.Answers[0].Text, "This waits")
	})
	close(b.released)
	s.until("published", func() bool { return len(s.feed("x")) == 1 })
	s.until("a draft of the notice", func() bool { return len(s.inDiscord("→ new notice")) == 1 })
	for _, id := range []string{command, submitted} {
		s.until("nobody waits for an answer", func() bool {
			in, ok := world.Discord.Interaction(id)
			return ok && !in.Thinking
		})
	}
}

// telegramGoesAway has Telegram answer nothing from now on, and ends the poll
// that is under way.
func (s *server) telegramGoesAway() {
	s.t.Helper()
	s.world.Telegram.Faults.Add(sim.Fault{Kind: "cut", Times: -1})
	s.sims.Down()
	s.until("Discord notices", func() bool { return s.world.Discord.Connected() == 0 })
	if err := s.sims.Up(); err != nil {
		s.t.Fatal(err)
	}
}

// A room on Discord works while Telegram is away, and Telegram's is current and
// calm when it is back. What was typed there too long ago is asked about, not
// carried out.
func TestDiscordRoomWorksWhileTelegramIsAway(t *testing.T) {
	t.Parallel()
	world, change := withDiscordRoom()
	s := newServerIn(t, world, change...)
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.")
	s.settled("INC-1")
	s.until("cards", func() bool { return s.ours("INC-1 major") == 1 && len(s.inDiscord("INC-1 major")) == 1 })
	s.telegramGoesAway()
	old := time.Now().Add(-4 * time.Minute)
	s.types("1001", "/update INC-1 Typed while Telegram was away.", sim.Saying{At: old})
	s.types("1001", "/retract INC-1/1 it was wrong", sim.Saying{At: old})
	s.slashes(discordBo, "update", map[string]string{"incident": "INC-1", "text": "Still down."})
	s.until("a preview", func() bool { return len(s.inDiscord("D-1 → INC-1/2")) == 1 })
	s.onDiscord(discordBo, s.inDiscord("D-1 → INC-1/2")[0], "Publish")
	s.until("published elsewhere", func() bool { return len(s.feed("x")) == 2 && len(s.feed("wechat")) == 2 })
	s.until("the card on Discord", func() bool { return len(s.inDiscord("? /2 telegram  sent, no answer")) == 1 })
	world.Telegram.Faults.Clear()
	s.until("the card on Telegram", func() bool { return s.ours("? /2 telegram  sent, no answer") == 1 })
	s.until("a draft with its time", func() bool { return s.ours("! typed 4 min ago") == 1 })
	s.until("a refusal", func() bool { return s.ours("This came 4 min late") == 1 })
	s.presses("1001", s.card("INC-1"), "Send again") // now that it hears again; before, the press would be an old one
	s.until("sent", func() bool { return len(s.feed("telegram")) == 2 })
	if n := s.ours("INC-1 major"); n != 1 {
		t.Errorf("%d cards", n)
	}
	s.wantTexts("x", "Nobody can log in", "Still down.")
}
