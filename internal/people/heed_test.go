package people

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// ranks is a bot that knows who is an administrator of a group.
type ranks struct {
	bots.Bot
	admins map[string]bool
	asked  int
	err    error
}

func (r *ranks) Limits() bots.Limits { return bots.Limits{Account: bots.Pace{N: 30, Per: time.Second}} }

func (r *ranks) Admin(_ context.Context, _, person string) (bool, error) {
	r.asked++
	return r.admins[person], r.err
}

// A message that was not understood can be mended for a few minutes, also if both
// are heard at once, and as long as it still is not understood.
func TestForHowLongACommandIsMended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Config{Account: "tg", Bot: new(ranks), Language: "en", Languages: []string{"en"}})
		hear := func(kind bots.EventKind, message, text string, want bool) {
			t.Helper()
			e := a.mended(a.dialogue, bots.Event{Kind: kind, Chat: "1", Message: message, Text: text, Private: true})
			if got := a.heeded(t.Context(), a.dialogue, e); got != want {
				t.Errorf("%s %q is heeded: %t", kind, text, got)
			}
		}
		hear(bots.Said, "1", "/subscrib", true)
		hear(bots.Edited, "1", "/subscrbe", true)
		hear(bots.Edited, "2", "/subscribe", false) // which is not known
		time.Sleep(4 * time.Minute)
		hear(bots.Edited, "1", "/subscrib", true)
		time.Sleep(4 * time.Minute)
		hear(bots.Edited, "1", "/subscribe", true)
		time.Sleep(2 * time.Minute)
		hear(bots.Edited, "1", "/unsubscribe", false)
		hear(bots.Said, "3", "/unsubscribe", true)
		hear(bots.Edited, "3", "/unsubscribe", false)
	})
}

// What is answered as a command is not taken for one that was mistyped.
func TestCommandsAreComplete(t *testing.T) {
	d := &dialogue{language: "en", languages: []string{"en"}}
	for _, text := range []string{"/start", "/start INC-12", "/subscribe", "/unsubscribe", "/stop", "/settings", "/status", "/verify", "/verify x", "/help", "/helpp", "help", ""} {
		_, answer := d.said(Subscriber{Chat: 1}, bots.Event{Text: text, Private: true})
		mistyped := answer.what == noCommand || answer.what == hint || answer.what == wordless || answer.what == verifyHow
		if complete(text, "") == mistyped {
			t.Errorf("%q is answered with %s and complete: %t", text, answer.what, complete(text, ""))
		}
	}
}

// Whoever is an administrator now may change what a group is told. Somebody who is
// none any more is believed to be one for ten seconds, since Telegram does not say
// so by itself where the bot is none. Who has become one is believed to be none
// for a minute, however often he tries.
func TestWhoIsAnAdministratorNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bot := &ranks{admins: map[string]bool{"1001": true}}
		a := New(Config{Account: "tg", Bot: bot, Language: "en", Languages: []string{"en"}, Log: slog.New(slog.DiscardHandler)})
		try := func(person string, want bool, asked int) {
			t.Helper()
			e := bots.Event{Kind: bots.Said, Chat: "-1", Person: person, Text: "/subscribe"}
			if got := a.heeded(t.Context(), a.dialogue, e); got != want || bot.asked != asked {
				t.Errorf("%s is heeded: %t, after %d questions; want %t, %d", person, got, bot.asked, want, asked)
			}
		}
		try("1001", true, 1)
		try("1002", false, 2)
		bot.admins = map[string]bool{"1002": true}
		for range 2 {
			time.Sleep(4 * time.Second)
			try("1001", true, 2)
			try("1002", false, 2)
		}
		time.Sleep(3 * time.Second)
		try("1001", false, 3)
		time.Sleep(48 * time.Second)
		try("1002", false, 3)
		time.Sleep(2 * time.Second)
		try("1002", true, 4)
		bot.err = errors.New("no answer")
		try("1003", false, 5)
		bot.err, bot.admins["1003"] = nil, true
		time.Sleep(time.Minute)
		try("1003", true, 6)
	})
}

// Who speaks as a channel is not the group, and silences nobody who speaks as it.
func TestWhoSpeaksAsTheGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := New(Config{Account: "tg", Bot: new(ranks), Language: "en", Languages: []string{"en"}})
		for range 2 {
			for as, want := range map[string]bool{"-1": true, "-77": false, "-78": false} {
				e := bots.Event{Kind: bots.Said, Chat: "-1", As: as, Text: "/unsubscribe"}
				if got := a.heeded(t.Context(), a.dialogue, e); got != want {
					t.Errorf("who speaks as %s is heeded: %t", as, got)
				}
			}
		}
		if n := a.Waiting(); n != 2 {
			t.Errorf("%d are told that they may not, want each channel once", n)
		}
	})
}
