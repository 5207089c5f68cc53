package telegram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

// TestBatches checks that what arrives together is handed over together, and
// that what was not handled, and nothing else, comes again.
func TestBatches(t *testing.T) {
	said := func(id int) string {
		return fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"from":{"id":1},"chat":{"id":1,"type":"private"},"date":1,"text":"%d"}}`, id, id, id)
	}
	batch := `{"ok":true,"result":[` + strings.Join([]string{said(1), said(2), `{"update_id":3,"poll":{}}`, said(4), `{"update_id":5,"poll":{}}`}, ",") + `]}`
	s, bot := listen(t, batch, batch, `{"ok":true,"result":[{"update_id":6,"poll":{}}]}`)
	ctx, cancel := context.WithCancel(t.Context())
	var got []string
	refused := false
	ended := make(chan error, 1)
	go func() {
		ended <- bot.ListenBatches(ctx, "", func(_ context.Context, events []bots.Event) (int, error) {
			var texts []string
			for _, e := range events {
				texts = append(texts, e.Text)
			}
			got = append(got, strings.Join(texts, " "))
			if !refused {
				refused = true
				return 2, errors.New("not now")
			}
			return len(events), nil
		})
	}()
	<-s.idle
	cancel()
	<-ended
	if want := []string{"1 2 4", "1 2 4"}; !slices.Equal(got, want) {
		t.Errorf("batches %q, want %q", got, want)
	}
	if want := []string{"", "4", "6", "7"}; !slices.Equal(s.asked, want) {
		t.Errorf("asked from %q, want %q", s.asked, want)
	}
}

func TestPeopleOnTheSimulator(t *testing.T) {
	c := &counted{Telegram: sim.NewTelegram()}
	c.AddBot(token, "example_bot")
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	bot := botAt(t, server)
	commands := map[string][]bots.Command{
		"":   {{Name: "start", Description: "Begin"}},
		"zh": {{Name: "start", Description: "开始"}},
	}
	for range 2 {
		if err := bot.SetPrivateCommands(t.Context(), commands); err != nil {
			t.Fatal(err)
		}
	}
	if calls := c.since(); !slices.Equal(calls, []string{"setMyCommands", "setMyCommands"}) {
		t.Errorf("calls %q, want each list set once", calls)
	}
	if name, err := bot.Username(t.Context()); name != "example_bot" || err != nil {
		t.Errorf("it is called %q, %v", name, err)
	}
	if _, err := c.AddChat(sim.TelegramChat{ID: room, Type: "supergroup", Admins: []string{"1001"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Say(room, "1002", "hello", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	if got, err := bot.Admins(t.Context(), room); !slices.Equal(got, []string{"1001"}) || err != nil {
		t.Errorf("administrators: %q, %v", got, err)
	}
	if got, err := bot.Admins(t.Context(), "-404"); len(got) > 0 || bots.AsFault(err).Kind != bots.Gone {
		t.Errorf("administrators of a group that is not there: %q, %v", got, err)
	}
}
