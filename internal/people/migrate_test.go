package people_test

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// A group that becomes a supergroup with topics while it is told something is told
// in the general topic, once, without a link to what is not there, and after that
// where an administrator wants it.
func TestAGroupBecomesAForumMeanwhile(t *testing.T) {
	for name, of := range map[string]string{"before its turn": "1001", "in its turn": "the group"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, quick)
			w.inFlight = 1 // in the order of subscribing
			var old, moved string
			var once sync.Once
			town, bot := w.simulatedWith(func(town *town, said []byte) string {
				if whose := strings.ReplaceAll(of, "the group", old); old != "" && bytes.Contains(said, []byte("Two.")) && bytes.Contains(said, []byte(whose)) {
					once.Do(func() { moved = town.becomesAForum(old, of == "1001") })
				}
				return ""
			})
			w.start()
			town.store = w.store
			town.settle(bot, w.walker)
			town.listen(bot)
			town.says("1001", "/start")
			group, err := town.sim.AddChat(sim.TelegramChat{Type: "group", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}})
			if err != nil {
				t.Fatal(err)
			}
			town.saysIn(group, "1001", "/subscribe", sim.Saying{})
			w.publish("One.", incident.Major)
			w.idle()
			old = group
			w.update("INC-1", "Two.", "")
			w.idle()
			topic, err := town.sim.AddTopic(moved, "Status")
			if err != nil {
				t.Fatal(err)
			}
			town.saysIn(moved, "1001", "/subscribe", sim.Saying{Thread: topic})
			w.update("INC-1", "Three.", "")
			w.idle()
			w.do(desk.Correct{Ref: "INC-1/2", Typo: true, Body: incident.Text{"en": "Second."}})
			w.idle()
			town.wantSaid(old, []said{{"This chat is subscribed", "", "/subscribe"}, {"One.", "", ""}})
			town.wantSaid(moved, []said{{"Second.", "", ""}, {"This chat is subscribed", topic, "/subscribe"}, {"Three.", topic, "Second."}})
		})
	}
}

// What was said in a group just before it moved counts where it is now, also if
// both are heard at once, by a server that knew nothing of the group.
func TestAGroupStopsAndMoves(t *testing.T) {
	w := newTownAt(t, 0)
	bot := w.audience.Bot.(*telegram.Bot) //nolint:forcetypeassert // newTownAt made it
	stop := w.listen(bot)
	old, err := w.sim.AddChat(sim.TelegramChat{Type: "group", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}})
	if err != nil {
		t.Fatal(err)
	}
	w.saysIn(old, "1001", "/subscribe", sim.Saying{})
	stop()
	if _, err := w.sim.Say(old, "1001", "/unsubscribe", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	moved, err := w.sim.Migrate(old)
	if err != nil {
		t.Fatal(err)
	}
	w.settle(bot, nil)
	defer w.listen(bot)()
	w.until("the group is answered where it is", func() bool { return len(w.ours(moved)) > 0 })
	w.mustSay(w.ours(moved)[0].Text, "There will be no more messages")
	chat, _ := strconv.ParseInt(moved, 10, 64)
	if s, _ := w.subscriber(chat); s.State != people.Stopped {
		t.Errorf("kept: %+v", s)
	}
}

// becomesAForum has a group become a supergroup with topics, and may wait until
// the audience has heard of it.
func (w *town) becomesAForum(group string, heard bool) (moved string) {
	moved, err := w.sim.Migrate(group)
	if err == nil {
		err = w.sim.SetForum(moved, true)
	}
	if err != nil {
		w.Error(err)
		return ""
	}
	chat, _ := strconv.ParseInt(moved, 10, 64)
	for end := time.Now().Add(10 * time.Second); heard && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		_, there := w.subscriber(chat)
		heard = !there
	}
	return moved
}

// said is what is to be found in a chat: words of a message, its topic, and words
// of the message that it answers.
type said struct{ words, topic, answers string }

// wantSaid compares what we said in a chat.
func (w *town) wantSaid(chat string, want []said) {
	w.Helper()
	all := w.sim.Seen(chat)
	ours := slices.DeleteFunc(slices.Clone(all), func(m sim.Seen) bool { return !m.Ours })
	if len(ours) != len(want) {
		w.Fatalf("%s has %d messages %+v, want %q", chat, len(ours), ours, want)
	}
	for k, m := range ours {
		answers := ""
		if i := slices.IndexFunc(all, func(o sim.Seen) bool { return o.ID == m.ReplyTo }); i >= 0 {
			answers = all[i].Text
		}
		if x := want[k]; !strings.Contains(m.Text, x.words) || m.Thread != x.topic || (x.answers == "") != (m.ReplyTo == "") || !strings.Contains(answers, x.answers) {
			w.Errorf("message %d in %s is %q, in topic %q, answers %q; want %q", k+1, chat, m.Text, m.Thread, answers, x)
		}
	}
}
