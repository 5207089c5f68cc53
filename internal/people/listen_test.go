package people_test

import (
	"context"
	"sync"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/people"
)

// hears lets the audience listen until it is stopped, whether it knows its name or
// not.
func (w *town) hears(bot *telegram.Bot) (stop func()) {
	w.Helper()
	cursor, err := w.store.Cursor(w.Context(), "tg")
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan struct{}, 2)
	go func() {
		w.audience.Run(ctx)
		done <- struct{}{}
	}()
	go func() {
		l := people.Listener{Audience: w.audience, Bot: bot, Rooms: func(bots.Event) bool { return false }}
		l.Listen(ctx, cursor, func(context.Context, bots.Event) error { return nil })
		done <- struct{}{}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
		<-done
	})
	w.Cleanup(stop)
	return stop
}

// What an administrator picks from the menu of commands, which adds the bot's name,
// is not taken for another bot's while we do not know that name yet. What was said
// before it is heard meanwhile.
func TestACommandWaitsForOurName(t *testing.T) {
	w := newTownAt(t, 0)
	const ours = -1001234567890 // the group
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}}); err != nil {
		t.Fatal(err)
	}
	for _, said := range []struct{ chat, person, text string }{
		{"1002", "1002", "/start"},
		{group, "1001", "/subscribe@example_bot"},
		{group, "1001", "/unsubscribe@another_bot"},
		{"1002", "1002", "/unsubscribe"},
	} {
		if _, err := w.sim.Say(said.chat, said.person, said.text, sim.Saying{}); err != nil {
			t.Fatal(err)
		}
	}
	w.sim.Faults.Add(sim.Fault{Match: "getMe", Kind: "status", Status: 502, Times: -1})
	w.hears(w.audience.Bot.(*telegram.Bot)) //nolint:forcetypeassert // newTownAt made it
	w.until("what is clear is heard", func() bool { _, ok := w.subscriber(1002); return ok })
	if _, ok := w.subscriber(ours); ok {
		t.Error("the group is subscribed, although nobody knows whom it spoke to")
	}
	w.sim.Faults.Clear()
	w.until("all is heard", func() bool { s, _ := w.subscriber(1002); return s.State == people.Stopped })
	if s, ok := w.subscriber(ours); !ok || s.State != people.Active {
		t.Errorf("the group is subscribed: %t, and %s", ok, s.State)
	}
}
