package telegram_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
)

var (
	_ bots.Listener  = (*telegram.Bot)(nil)
	_ bots.Checker   = (*telegram.Bot)(nil)
	_ bots.Responder = (*telegram.Bot)(nil)
	_ bots.Commander = (*telegram.Bot)(nil)
	_ bots.Messenger = (*telegram.Bot)(nil)
	_ bots.Batcher   = (*telegram.Bot)(nil)
	_ bots.Named     = (*telegram.Bot)(nil)
	_ bots.Ranker    = (*telegram.Bot)(nil)

	_ bots.PrivateCommander = (*telegram.Bot)(nil)
)

// counted is a simulator whose calls that change commands are counted.
type counted struct {
	*sim.Telegram
	mu    sync.Mutex
	calls []string
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if method := path.Base(r.URL.Path); method == "setMyCommands" || method == "deleteMyCommands" {
		c.mu.Lock()
		c.calls = append(c.calls, method)
		c.mu.Unlock()
	}
	c.Telegram.ServeHTTP(w, r)
}

// since returns the calls so far, and forgets them.
func (c *counted) since() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	calls := c.calls
	c.calls = nil
	return calls
}

func botAt(t *testing.T, server *httptest.Server) *telegram.Bot {
	t.Helper()
	b, err := telegram.New(telegram.Config{Name: "tg", Token: token, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSetCommandsOnTheSimulator(t *testing.T) {
	c := &counted{Telegram: sim.NewTelegram()}
	c.AddBot(token, "example_bot")
	for _, chat := range []sim.TelegramChat{{ID: room, Type: "supergroup"}, {ID: forum, Username: "@example_room", Type: "supergroup"}} {
		if _, err := c.AddChat(chat); err != nil {
			t.Fatal(err)
		}
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	b := botAt(t, server)
	show := bots.Command{Name: "show", Description: "What is open", Options: []bots.CommandOption{{Name: "incident"}}}
	update := bots.Command{Name: "update", Description: "Say more", Modal: true}
	set := func(want []string, chats []string, commands ...bots.Command) {
		t.Helper()
		if err := b.SetCommands(t.Context(), chats, commands); err != nil {
			t.Fatal(err)
		}
		if got := c.since(); !slices.Equal(got, want) {
			t.Errorf("calls %q, want %q", got, want)
		}
	}
	rooms := []string{room, "@example_room"}
	set([]string{"setMyCommands", "setMyCommands"}, rooms, show, update)
	set(nil, rooms, show, update) // as after a restart
	set([]string{"setMyCommands"}, rooms[:1], show)
	set([]string{"setMyCommands"}, rooms, show)
	set([]string{"deleteMyCommands", "deleteMyCommands"}, rooms)
	resp, err := http.Post(server.URL+"/bot"+token+"/setMyCommands", "application/json", strings.NewReader(`{"commands":[{"command":"old","description":"by hand"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	c.since()
	set([]string{"deleteMyCommands", "setMyCommands"}, rooms[1:], show) // none for those that are no rooms

	err = b.SetCommands(t.Context(), []string{"-1001000000009", room}, []bots.Command{show})
	if f, ok := errors.AsType[*bots.Fault](err); !ok || f.Subject != bots.Target || !strings.Contains(err.Error(), "-1001000000009") {
		t.Errorf("a chat that is not there: %v", err)
	}
	if got := c.since(); len(got) != 1 {
		t.Errorf("calls %q, want the other chat to get its commands", got)
	}
	for _, name := range []string{"", "Show", "show-me", strings.Repeat("x", 33)} {
		err := b.SetCommands(t.Context(), rooms, []bots.Command{{Name: name, Description: "x"}})
		if bots.AsFault(err).Kind != bots.Rejected || c.since() != nil {
			t.Errorf("/%s: %v, want it rejected unsent", name, err)
		}
	}
}
