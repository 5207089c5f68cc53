package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/desk"
)

// A death ends what rooms do at one step: from then on nothing is stored and
// nothing is sent, as if the process had been killed.
type death struct {
	at string // heard, stored, answered, acknowledged

	mu   sync.Mutex
	on   bool // it may happen now
	dead bool
	done chan struct{}
}

var errDead = errors.New("the process is dead")

func newDeath(at string) *death { return &death{at: at, done: make(chan struct{})} }

// arm has it happen the next time that the step is reached.
func (d *death) arm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.on = true
}

// reached says that a step was reached, and returns an error if the process is
// dead after it.
func (d *death) reached(step string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.on && !d.dead && d.at == step {
		d.dead = true
		close(d.done)
	}
	if d.dead {
		return errDead
	}
	return nil
}

// wrap puts the death between the rooms and everything that they touch.
func (d *death) wrap(a *app) {
	a.desk.Store = dyingDesk{a.desk.Store, d}
	a.rooms.Store = dyingRooms{a.rooms.Store, d}
	a.rooms.Cards.Store = a.rooms.Store
	say, respond := a.rooms.Say, a.rooms.Respond
	a.rooms.Say = func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
		if err := d.reached("saying"); err != nil {
			return bots.Receipt{}, err
		}
		r, err := say(ctx, account, op)
		if op.ReplyTo == "" && op.Action == bots.Post {
			return r, err // no answer
		}
		return r, errors.Join(err, d.reached("answered"))
	}
	a.rooms.Cards.Say = func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
		if err := d.reached("saying"); err != nil {
			return bots.Receipt{}, err
		}
		return say(ctx, account, op)
	}
	a.rooms.Respond = func(ctx context.Context, account, key, text string) error {
		if err := d.reached("saying"); err != nil {
			return err
		}
		err := respond(ctx, account, key, text)
		return errors.Join(err, d.reached("answered"))
	}
}

type dyingDesk struct {
	desk.Store
	death *death
}

func (s dyingDesk) Change(ctx context.Context, key string, fn func(desk.Tx) ([]byte, error)) ([]byte, error) {
	if err := s.death.reached("heard"); err != nil {
		return nil, err
	}
	answer, err := s.Store.Change(ctx, key, fn)
	if _, refused := desk.AsRefusal(err); refused { // rolled back: the refusal is stored next
		return answer, err
	}
	return answer, errors.Join(err, s.death.reached("stored"))
}

type dyingRooms struct {
	desk.RoomStore
	death *death
}

func (s dyingRooms) Answered(ctx context.Context, account, key string) error {
	if err := s.death.reached("answering"); err != nil {
		return err
	}
	return errors.Join(s.RoomStore.Answered(ctx, account, key), s.death.reached("acknowledged"))
}

func (s dyingRooms) Remember(ctx context.Context, m desk.RoomMessage, subject string) error {
	if err := s.death.reached("remembering"); err != nil {
		return err
	}
	return s.RoomStore.Remember(ctx, m, subject)
}

var deaths = []string{"heard", "stored", "answered", "acknowledged"}

// die starts a server that dies at a step of what act does, then a second one
// on the same file.
func (s *server) die(at string, act func()) {
	s.t.Helper()
	d := newDeath(at)
	s.stop()
	s.wrap = d.wrap
	s.start()
	s.until("a life", func() bool { return s.listening() })
	d.arm()
	act()
	select {
	case <-d.done:
	case <-s.t.Context().Done():
	}
	s.stop()
	s.wrap = nil
	s.start()
	s.until("a second life", func() bool { return s.listening() })
}

// listening reports whether both rooms are heard.
func (s *server) listening() bool {
	if s.world.Discord.Connected() == 0 {
		return false
	}
	listener, ok := s.app.bots["tg"].(bots.Heard)
	return ok && !listener.Heard().IsZero()
}

// ours counts the messages of the bot in the Telegram room with these words.
func (s *server) ours(words string) (n int) {
	for _, m := range s.world.Telegram.Seen(demoRoom) {
		if m.Ours && !m.Deleted && strings.Contains(m.Text, words) {
			n++
		}
	}
	return n
}

// flush returns when all that was typed on Telegram before has been answered.
func (s *server) flush() {
	s.t.Helper()
	s.answered(s.types("1001", "/help", sim.Saying{}))
}

// A command typed on Telegram has one effect and an answer, wherever the
// process dies between hearing it and having answered it.
func TestTelegramCommandSurvivesADeath(t *testing.T) {
	for _, at := range deaths {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			world, change := withDiscordRoom()
			s := newServerIn(t, world, change...)
			s.die(at, func() { s.types("1001", "/incident critical login\nLogin is down", sim.Saying{}) })
			s.until("an answer", func() bool { return s.ours("D-1 → new incident") > 0 })
			s.flush()
			if n := s.ours("D-1 → new incident"); n != 1 && at != "answered" || n > 2 {
				t.Errorf("%d previews", n)
			}
			if n := s.ours("D-2"); n != 0 {
				t.Errorf("%d previews of a second draft", n)
			}
		})
	}
}

// So has a press. Whoever presses just before the process dies is asked to press
// again, where nothing was done.
func TestTelegramPressSurvivesADeath(t *testing.T) {
	for _, at := range deaths {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			world, change := withDiscordRoom()
			s := newServerIn(t, world, change...)
			preview := s.answered(s.types("1001", "/incident critical login\nLogin is down", sim.Saying{}))
			s.die(at, func() { s.presses("1001", preview, "Publish") })
			s.flush()
			if at == "heard" {
				if n := len(s.feed("x")); n != 0 {
					t.Errorf("%d posts by a press from before the restart", n)
				}
				s.presses("1001", preview, "Publish")
			}
			s.until("published", func() bool { return len(s.feed("x")) == 1 })
			s.settled("INC-1")
			if n := len(s.feed("x")); n != 1 {
				t.Errorf("%d posts", n)
			}
		})
	}
}

// What is refused or asked back is so once, and heard after a death as well.
func TestTelegramQuestionSurvivesADeath(t *testing.T) {
	for _, at := range deaths {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			world, change := withDiscordRoom()
			s := newServerIn(t, world, change...)
			s.die(at, func() { s.types("1001", "/incident login\nLogin is down", sim.Saying{}) })
			s.until("a question", func() bool { return s.ours("Say how bad it is") > 0 })
			s.flush()
			var question sim.Seen
			for _, m := range s.world.Telegram.Seen(demoRoom) {
				if strings.Contains(m.Text, "Say how bad it is") {
					question = m
				}
			}
			s.presses("1001", question, "major")
			s.until("a draft", func() bool { return s.ours("D-1 → new incident · major") == 1 })
		})
	}
}

// On Discord nothing is delivered again. What was stored has one effect and is
// answered, in the room where the person alone cannot be told any more; what was
// not has none, and is used again.
func TestDiscordCommandSurvivesADeath(t *testing.T) {
	for _, at := range deaths {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			world, change := withDiscordRoom()
			s := newServerIn(t, world, change...)
			incident := map[string]string{"impact": "critical", "components": "login", "title": "Login is down", "text": "Nobody can log in."}
			s.slashes(discordAna, "help", nil) // the commands are offered
			s.die(at, func() { s.slashes(discordAna, "incident", incident) })
			if at == "heard" {
				s.slashes(discordAna, "incident", incident)
			}
			s.until("an answer", func() bool { return len(s.inDiscord("D-1 → new incident")) > 0 })
			preview := s.inDiscord("D-1 → new incident")
			if n := len(preview); n != 1 && at != "answered" || n > 2 {
				t.Errorf("%d previews", n)
			}
			s.die(at, func() { s.onDiscord(discordAna, preview[len(preview)-1], "Publish") })
			if at == "heard" {
				s.onDiscord(discordAna, preview[len(preview)-1], "Publish")
			}
			s.until("published", func() bool { return len(s.feed("x")) == 1 })
			if at == "stored" {
				s.until("an answer in the room", func() bool { return len(s.inDiscord("INC-1/1 is published on 4 channels.")) > 0 })
			}
			s.settled("INC-1")
			if n := len(s.feed("x")); n != 1 || len(s.inDiscord("D-2")) != 0 {
				t.Errorf("%d posts, %d second drafts", n, len(s.inDiscord("D-2")))
			}
		})
	}
}
