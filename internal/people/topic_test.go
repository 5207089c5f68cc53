package people_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// A group with topics is told in the topic in which it subscribed, and in the
// general one while that takes nothing.
func TestATopicIsTold(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1)
	w.subscribe(func(s *people.Subscriber) { s.Topic = 77 }, -2)
	w.publish("One.", incident.Major)
	w.idle()
	w.inboxes.mu.Lock()
	w.inboxes.closed = 77
	w.inboxes.mu.Unlock()
	w.update("INC-1", "Two.", "")
	w.idle()
	w.inboxes.mu.Lock()
	w.inboxes.closed = 0
	w.inboxes.mu.Unlock()
	w.update("INC-1", "Three.", "")
	w.idle()
	w.want(1, "One.", ">Two.", ">Three.")
	w.want(-2, "One.", "Two.", ">Three.")
	for k, want := range []int64{77, 0, 77} {
		if got := w.inboxes.of(-2)[k].topic; got != want {
			t.Errorf("message %d went into topic %d, want %d", k+1, got, want)
		}
	}
}

// What an administrator types in a topic is answered there, and decides where
// messages go; his menus do not.
func TestTheTopicOfAGroup(t *testing.T) {
	w := newTown(t)
	bot := sim.Membership{Status: "administrator", Denied: []string{"can_manage_topics"}}
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Forum: true, Admins: []string{"1001"}, Bot: bot}); err != nil {
		t.Fatal(err)
	}
	topics := map[string]string{}
	for _, name := range []string{"Status", "Other"} {
		id, err := w.sim.AddTopic(group, name)
		if err != nil {
			t.Fatal(err)
		}
		topics[id], topics[name] = name, id
	}
	told := func(want string) {
		t.Helper()
		if s, _ := w.subscriber(-1001234567890); topics[strconv.FormatInt(s.Topic, 10)] != want {
			t.Errorf("the group is told in %q, want %q", topics[strconv.FormatInt(s.Topic, 10)], want)
		}
	}
	in := func(topic string) sim.Saying { return sim.Saying{Thread: topics[topic]} }
	m := w.saysIn(group, "1001", "/subscribe", in("Status"))
	w.mustSay(m.Text, "This chat is subscribed", "into this topic")
	if m.Thread != topics["Status"] {
		t.Errorf("answered in topic %q", topics[m.Thread])
	}
	told("Status")
	m = w.saysIn(group, "1001", "/settings", in("Other"))
	m = w.presses("1001", m, "Services")
	m = w.presses("1001", m, "✓ All services")
	told("Status")
	m = w.saysIn(group, "1001", "/unsubscribe", in("Other"))
	w.presses("1001", m, "Subscribe")
	told("Other")
	w.saysIn(group, "1001", "/subscribe", sim.Saying{})
	told("")
}

// What a group is told is the group's affair: it stays when the administrator who
// subscribed it is none any more, and another goes on with his menu.
func TestAnotherAdministratorGoesOn(t *testing.T) {
	w := newTown(t)
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Admins: []string{"1001", "1003"}, Bot: sim.Membership{Status: "member"}}); err != nil {
		t.Fatal(err)
	}
	w.saysIn(group, "1001", "/subscribe", sim.Saying{})
	m := w.saysIn(group, "1001", "/settings", sim.Saying{})
	if err := w.sim.SetAdmin(group, "1001", false); err != nil {
		t.Fatal(err)
	}
	m = w.presses("1003", m, "Severity")
	w.presses("1003", m, "only critical")
	if s, _ := w.subscriber(-1001234567890); s.State != people.Active || s.Impact != incident.Critical {
		t.Errorf("kept: %+v", s)
	}
	w.saysIn(group, "1003", "/unsubscribe", sim.Saying{})
	if s, _ := w.subscriber(-1001234567890); s.State != people.Stopped {
		t.Errorf("kept: %+v", s)
	}
}

// A group into which the bot is put is greeted, once: not when it becomes a
// supergroup, into which Telegram says that the bot is put, and not where somebody
// has spoken with the bot already.
func TestAGroupIsGreetedOnce(t *testing.T) {
	w := newTown(t)
	add := func(kind string) string {
		id, err := w.sim.AddChat(sim.TelegramChat{Type: kind, Admins: []string{"1001"}, Bot: sim.Membership{Status: "left"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.sim.SetBot(id, sim.Membership{Status: "member"}); err != nil {
			t.Fatal(err)
		}
		return id
	}
	greeted := func(chat string) bool {
		return slices.ContainsFunc(w.ours(chat), func(m sim.Seen) bool { return m.Text == "An administrator can subscribe this group with /subscribe." })
	}
	first, subscribed, hasty := add("group"), add("group"), add("supergroup")
	w.saysIn(hasty, "1001", "/start@example_bot", sim.Saying{})
	w.until("greeted", func() bool { return greeted(first) && greeted(subscribed) })
	w.saysIn(subscribed, "1001", "/subscribe", sim.Saying{})
	var moved []string
	for _, old := range []string{first, subscribed} {
		to, err := w.sim.Migrate(old)
		if err != nil {
			t.Fatal(err)
		}
		moved = append(moved, to)
	}
	last := add("supergroup")
	w.until("the last one is greeted", func() bool { return greeted(last) })
	for _, chat := range append(moved, hasty) {
		if greeted(chat) {
			t.Errorf("%s is greeted: %+v", chat, w.ours(chat))
		}
	}
}

// Nothing that people and groups call themselves, or ask about, is in what we say:
// it might rearrange our words, or pretend to be some.
func TestNamesAreNotRepeated(t *testing.T) {
	const odd = "\u202EExample\u200B \u2066\u05E9\u05DC\u05D5\u05DD\u2069 Status\u200F"
	w := newTown(t, outage(12, "Login is down", "Nobody can log in at the moment.", "login"))
	if err := w.sim.AddPerson(sim.TelegramPerson{ID: "2001", Name: odd, Language: "en"}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Title: odd, Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}}); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"/start " + odd, "/verify " + odd, "/verify @" + odd, "/status " + odd, "/help " + odd, "/settings " + odd, odd, "/" + odd, "/unsubscribe " + odd} {
		w.says("2001", text)
	}
	w.saysIn(group, "2001", "/subscribe "+odd, sim.Saying{})
	w.saysIn(group, "1001", "/subscribe "+odd, sim.Saying{})
	for _, m := range append(w.ours("2001"), w.ours(group)...) {
		if strings.ContainsFunc(m.Text, func(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Hebrew) }) {
			t.Errorf("it says %+q", m.Text)
		}
	}
}

// Whose question is deleted, or whose topic is closed, before he is answered is
// answered all the same.
func TestAQuestionThatIsGone(t *testing.T) {
	for words, want := range map[string]string{"message to be replied not found": "topic", "TOPIC_CLOSED": "general"} {
		w := newTown(t)
		if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Forum: true, Bot: sim.Membership{Status: "member"}}); err != nil {
			t.Fatal(err)
		}
		topic, err := w.sim.AddTopic(group, "Status")
		if err != nil {
			t.Fatal(err)
		}
		w.sim.Faults.Add(sim.Fault{Match: "sendMessage", Kind: "status", Status: 400, Message: "Bad Request: " + words})
		m := w.saysIn(group, "1001", "/status", sim.Saying{Thread: topic})
		where := map[string]string{topic: "topic", "": "general"}[m.Thread]
		if where != want || m.ReplyTo != "" {
			t.Errorf("%s: answered in %q, to message %q", words, where, m.ReplyTo)
		}
	}
}
