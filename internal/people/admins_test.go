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

// Whoever is an administrator now may change what a group is told. That is asked
// once a minute: so long somebody is believed to be one who is none any more, and
// none who has become one, however often he tries.
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
			time.Sleep(29 * time.Second)
			try("1001", true, 2)
			try("1002", false, 2)
		}
		time.Sleep(2 * time.Second)
		try("1001", false, 3)
		try("1002", true, 4)
		bot.err = errors.New("no answer")
		try("1003", false, 5)
		bot.err, bot.admins["1003"] = nil, true
		time.Sleep(time.Minute)
		try("1003", true, 6)
	})
}
