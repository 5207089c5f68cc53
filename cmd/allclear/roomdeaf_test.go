package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Who takes what is typed away from us is told of in both rooms, once, with what
// to do. What is published goes out all the same.
func TestRoomsAreToldOfAWebhook(t *testing.T) {
	world, change := withDiscordRoom()
	s := newServerIn(t, world, change...)
	s.until("listening", s.listening)
	resp, err := http.PostForm(s.sims.URL+"/telegram/bot"+demoBot+"/setWebhook", url.Values{"url": {"https://elsewhere.example/hook"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	const words = "a webhook is set for this bot; delete it (deleteWebhook)"
	s.until("both rooms are told", func() bool { return s.ours(words) == 1 && len(s.inDiscord(words)) == 1 })
	s.until("it is tried again", func() bool { return strings.Count(s.log.String(), "listening broke off") > 1 })
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.")
	s.settled("INC-1")
	s.wantTexts("telegram", "Nobody can log in")
	s.until("the card", func() bool { return s.ours("✓ telegram") == 1 })
	if n := s.ours(words); n != 1 {
		t.Errorf("told %d times", n)
	}
}
