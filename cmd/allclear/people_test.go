package main

import (
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
)

// withAudience adds the subscribers of the demo's Telegram bot.
var withAudience = []string{"[[rooms]]\nbot = \"tg\"", "[[channels]]\nname = \"people\"\nbot = \"tg\"\naudience = true\n\n[[rooms]]\nbot = \"tg\""}

// told waits for an answer to a person that has these words.
func (s *server) told(person, words string) sim.Seen {
	s.t.Helper()
	var found sim.Seen
	s.until("a subscriber is told "+words, func() bool {
		for _, m := range s.world.Telegram.Seen(person) {
			if m.Ours && strings.Contains(m.Text, words) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// TestSubscribersAndRoomOnOneBot checks that people and operators who use one
// bot are each understood.
func TestSubscribersAndRoomOnOneBot(t *testing.T) {
	s := newServer(t, withAudience...)
	if _, err := s.world.Telegram.Start("2001", ""); err != nil {
		t.Fatal(err)
	}
	s.told("2001", "You are subscribed to Example Exchange: all services.")
	s.told("2001", "https://t.me/example_status")
	s.mustAnswer("/show", "Nothing is open.")
	s.opened()
	if _, err := s.world.Telegram.Say("2001", "2001", "/status", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	s.told("2001", "Nobody can log in since noon.")
	if _, err := s.world.Telegram.Say("2001", "2001", "/verify Nobody can log in since noon.", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	s.told("2001", "Yes, this is what we said in INC-1/1")
}

func (s *server) mustAnswer(command, words string) {
	s.t.Helper()
	if got := s.answered(s.types("1001", command, sim.Saying{})); !strings.Contains(got.Text, words) {
		s.t.Errorf("%s is answered %q", command, got.Text)
	}
}
