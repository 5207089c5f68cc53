package people_test

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/telegram"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/templates"
)

const (
	token = "1000001:test-token"
	group = "-1001234567890"
)

// town is an audience that listens to simulated people.
type town struct {
	testing.TB
	sim       *sim.Telegram
	store     *store.Store
	audience  *people.Audience
	incidents atomic.Pointer[[]*incident.Incident] // published
	dir       string                               // of the store
	log       *logged
}

// logged is a log that may be written and read at the same time.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newTown has people of three components and two languages, and whatever was
// published.
func newTown(t testing.TB, published ...*incident.Incident) *town {
	t.Helper()
	return newTownAt(t, 1000, published...)
}

// newTownAt is newTown with a bot of that rate; with 0 it does not listen.
func newTownAt(t testing.TB, rate float64, published ...*incident.Incident) *town {
	t.Helper()
	w := &town{TB: t, sim: sim.NewTelegram(), dir: t.TempDir(), log: new(logged)}
	w.incidents.Store(&published)
	w.sim.AddBot(token, "example_bot")
	server := httptest.NewServer(w.sim)
	t.Cleanup(server.Close)
	bot, err := telegram.New(telegram.Config{Name: "tg", Token: token, APIURL: server.URL, Rate: rate})
	if err != nil {
		t.Fatal(err)
	}
	if w.store, err = store.Open(t.Context(), "sqlite:"+filepath.Join(w.dir, "allclear.db")); err != nil {
		t.Fatal(err)
	}
	w.settle(bot, nil)
	if rate > 0 {
		w.run(bot)
	} else {
		t.Cleanup(func() { w.store.Close() })
	}
	return w
}

// settle makes the audience of a bot, to which a walker may write.
func (w *town) settle(bot *telegram.Bot, walker *people.Walker) {
	w.Helper()
	languages := []string{"en", "zh-Hans"}
	texts, err := templates.Load("", languages)
	if err != nil {
		w.Fatal(err)
	}
	w.audience = people.New(people.Config{
		Account: "tg", Bot: bot, Store: w.store, Texts: texts, Site: "Example Exchange", Page: "https://status.example.com",
		Channel: "https://t.me/example_status", Language: "en", Languages: languages, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Components: []people.Component{{ID: "login", Name: "Login"}, {ID: "withdrawals", Name: "Withdrawals"}, {ID: "deposits", Name: "Deposits"}},
		Book: people.BookConfig{Texts: texts, Languages: languages, Policy: broadcast.Policy{Language: "en", Zone: time.UTC,
			Component: func(id string) string { return id },
			Link:      func(r incident.Ref) string { return "https://status.example.com/incidents/" + r.String() }},
			Addresses: people.Addresses{Accounts: []string{"t.me/example_status"}}},
		Published: func(context.Context, int) ([]*incident.Incident, error) {
			return slices.Clone(*w.incidents.Load()), nil
		},
		Walker: walker,
		Say:    bot.Do,
	})
}

// run lets the audience listen until the test ends.
func (w *town) run(bot *telegram.Bot) {
	stop := w.listen(bot)
	w.Cleanup(func() {
		stop()
		w.store.Close()
	})
}

// listen lets the audience listen until it is stopped.
func (w *town) listen(bot *telegram.Bot) (stop func()) {
	w.Helper()
	stop = w.hears(bot)
	w.until("the bot knows its name", func() bool { return w.audience.Username() != "" })
	return stop
}

func (w *town) until(what string, done func() bool) {
	w.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			w.Fatalf("never: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *town) person(id, language string) {
	w.Helper()
	if err := w.sim.AddPerson(sim.TelegramPerson{ID: id, Name: "Zora Quill", Username: "zora_quill", Language: language}); err != nil {
		w.Fatal(err)
	}
}

// says has a person say something in private, and returns the answer.
func (w *town) says(person, text string) sim.Seen {
	return w.saysIn(person, person, text, sim.Saying{})
}

func (w *town) saysIn(chat, person, text string, how sim.Saying) sim.Seen {
	w.Helper()
	before := len(w.ours(chat))
	if _, err := w.sim.Say(chat, person, text, how); err != nil {
		w.Fatal(err)
	}
	w.until("an answer to "+text, func() bool { return len(w.ours(chat)) > before })
	all := w.ours(chat)
	return all[len(all)-1]
}

// ours are the answers in a chat.
func (w *town) ours(chat string) (out []sim.Seen) {
	for _, m := range w.sim.Seen(chat) {
		if m.Ours {
			out = append(out, m)
		}
	}
	return out
}

// presses presses the button with a label and returns what the message became.
func (w *town) presses(person string, m sim.Seen, label string) sim.Seen {
	w.Helper()
	for _, b := range slices.Concat(m.Buttons...) {
		if b.Text != label {
			continue
		}
		query, err := w.sim.Press(m.Place, m.ID, person, b.Data)
		if err != nil {
			w.Fatal(err)
		}
		w.until("an end to the wait after "+label, func() bool { _, ok := w.sim.Answered(query); return ok })
		for _, now := range w.sim.Seen(m.Place) {
			if now.ID == m.ID {
				return now
			}
		}
	}
	w.Fatalf("no button %q under %q: %v", label, m.Text, m.Buttons)
	return m
}

// subscriber is what is kept of a chat.
func (w *town) subscriber(chat int64) (people.Subscriber, bool) {
	w.Helper()
	all, err := w.store.Subscribers(w.Context(), "tg", 0, 1000)
	if err != nil {
		w.Fatal(err)
	}
	for _, s := range all {
		if s.Chat == chat {
			return s, true
		}
	}
	return people.Subscriber{}, false
}

func (w *town) mustSay(text string, words ...string) {
	w.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			w.Errorf("it does not say %q:\n%s", word, text)
		}
	}
}

// outage is an open incident.
func outage(number int, title, body string, components ...string) *incident.Incident {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: number}, Kind: incident.Outage, Status: incident.Investigating, CreatedAt: time.Now()}
	states := map[string]incident.ComponentState{}
	for _, id := range components {
		states[id] = incident.MajorOutage
	}
	i.Say(incident.Saying{Title: title, Impact: incident.Critical, Components: states, Body: incident.Text{"en": body, "zh-Hans": "目前无法登录，请稍候。"}}, "Ana", nil, time.Now())
	return i
}

func TestSubscribeAndChoose(t *testing.T) {
	w := newTown(t)
	w.person("2001", "en")
	w.mustSay(w.says("2001", "/start").Text, "You are subscribed to Example Exchange: all services.", "https://t.me/example_status", "/unsubscribe")
	s, _ := w.subscriber(2001)
	if !s.All || s.Impact != incident.ImpactNone || s.Language != "en" || s.State != people.Active {
		t.Errorf("kept: %+v", s)
	}
	m := w.says("2001", "/settings")
	w.mustSay(m.Text, "Services: all services", "Severity: everything", "Language: English")
	m = w.presses("2001", m, "Services")
	m = w.presses("2001", m, "✓ Deposits")
	m = w.presses("2001", m, "✓ Login")
	m = w.presses("2001", m, "✓ Withdrawals") // the last one stays
	w.mustSay(m.Text, "At least one service must stay chosen")
	m = w.presses("2001", m, "Login")
	m = w.presses("2001", m, "Back")
	w.mustSay(m.Text, "Services: Login, Withdrawals")
	m = w.presses("2001", m, "Severity")
	m = w.presses("2001", m, "major and worse")
	m = w.presses("2001", m, "Language")
	m = w.presses("2001", m, "简体中文")
	w.mustSay(m.Text, "服务：Login、Withdrawals", "严重程度：较大及以上", "语言：简体中文")
	s, _ = w.subscriber(2001)
	if s.All || !slices.Equal(s.Components, []string{"login", "withdrawals"}) || s.Impact != incident.Major || s.Language != "zh-Hans" {
		t.Errorf("kept: %+v", s)
	}
	if n := len(w.ours("2001")); n != 2 {
		t.Errorf("%d messages, want the menu to stay in one", n)
	}
	w.mustSay(w.says("2001", "/unsubscribe").Text, "您不会再收到消息")
	if s, _ = w.subscriber(2001); s.State != people.Stopped || s.Impact != incident.Major {
		t.Errorf("kept after leaving: %+v", s)
	}
	w.says("2001", "/subscribe")
	if s, _ = w.subscriber(2001); s.State != people.Active || !slices.Equal(s.Components, []string{"login", "withdrawals"}) {
		t.Errorf("kept after coming back: %+v", s)
	}
}

func TestLanguageOfTheApp(t *testing.T) {
	w := newTown(t)
	for person, tt := range map[string]struct{ app, want string }{
		"2001": {"zh-hans", "zh-Hans"}, "2002": {"zh-CN", "zh-Hans"}, "2003": {"de", "en"}, "2004": {"", "en"}, "2005": {"en-GB", "en"}, "2006": {"nonsense!", "en"},
		"2007": {"zh", "zh-Hans"}, "2008": {"zh-TW", "zh-Hans"}, // who would rather read English chooses it
	} {
		w.person(person, tt.app)
		w.says(person, "/start")
		if s, _ := w.subscriber(int64(2000 + int(person[3]-'0'))); s.Language != tt.want {
			t.Errorf("an app in %q is answered in %q", tt.app, s.Language)
		}
	}
}

func TestDeepLinks(t *testing.T) {
	w := newTown(t, outage(12, "Login is down", "Nobody can log in at the moment.", "login"))
	w.mustSay(w.says("2001", "/start INC-12").Text, "You will be told how INC-12 goes on: Login is down.")
	if s, _ := w.subscriber(2001); s.All || len(s.Components) > 0 || !slices.Equal(s.Incidents, []string{"INC-12"}) {
		t.Errorf("kept: %+v", s)
	}
	m := w.presses("2001", w.ours("2001")[0], "Subscribe to everything")
	w.mustSay(m.Text, "Services: all services", "Also following: INC-12")
	w.mustSay(w.says("2002", "/start deposits").Text, "You are subscribed to Example Exchange: Deposits.")
	w.mustSay(w.says("2002", "/start "+people.Payload("login")).Text, "Login, Deposits")
	w.mustSay(w.says("2003", "/start "+people.Payload("INC-12 ")).Text, "how INC-12 goes on") // in base64url
	w.mustSay(w.says("2004", "/start ../../etc").Text, "all services")
	w.says("2005", "/start")
	w.says("2005", "/start INC-12")
	if s, _ := w.subscriber(2005); !s.All || !slices.Equal(s.Incidents, []string{"INC-12"}) {
		t.Errorf("who has everything keeps it: %+v", s)
	}
}

func TestStatusAndVerify(t *testing.T) {
	secret := outage(13, "Exercise", "The cellar is flooded as far as we pretend.")
	secret.Drill, secret.Ref.Prefix = true, "DRL"
	w := newTown(t)
	w.mustSay(w.says("2001", "/status").Text, "Nothing is open at the moment.")
	w.incidents.Store(&[]*incident.Incident{outage(12, "Login is down", "Nobody can log in at the moment.\n\nMore follows.", "login"), secret})
	w.until("news", func() bool { return !strings.Contains(w.says("2001", "/status").Text, "Nothing is open") })
	status := w.says("2001", "/status").Text
	w.mustSay(status, "Login is down", "Investigating · critical · Login", "Nobody can log in at the moment.", "INC-12/1", "https://status.example.com/incidents/INC-12")
	if strings.Contains(status, "cellar") {
		t.Errorf("a drill is told to everybody: %s", status)
	}
	w.person("2002", "zh")
	w.mustSay(w.says("2002", "/status").Text, "目前无法登录，请稍候。")
	for claim, want := range map[string]string{
		"Nobody can log in at the moment. More follows.":      "Yes, this is what we said in INC-12/1",
		"Nobody can log in at the moment. Send coins instead": "but it is not what we said",
		"@example_status":                             "official address of Example Exchange: https://t.me/example_status",
		"free coins for everybody who is quick":       "No, this is not ours",
		"The cellar is flooded as far as we pretend.": "No, this is not ours",
	} {
		w.mustSay(w.says("2001", "/verify "+claim).Text, want)
	}
	w.mustSay(w.says("2001", "/verify").Text+w.says("2001", "/verify inc-12").Text, "Send /verify followed by", "INC-12 is a reference of ours")
	w.mustSay(w.saysIn("2001", "2001", "Nobody can log in at the moment.", sim.Saying{Forwarded: true}).Text, "This is the beginning of what we said in INC-12/1")
	if _, kept := w.subscriber(2001); kept {
		t.Error("who only asks is kept")
	}
}

func TestChatter(t *testing.T) {
	w := newTown(t)
	w.mustSay(w.says("2001", "hello").Text, "not read by anybody")
	for range 5 {
		if _, err := w.sim.Say("2001", "2001", "hello?", sim.Saying{}); err != nil {
			t.Fatal(err)
		}
	}
	w.mustSay(w.says("2001", "/help").Text, "/verify")
	if n := len(w.ours("2001")); n != 2 {
		t.Errorf("%d answers, want one to all chatter and one to the command", n)
	}
}

func TestBlockedAndBack(t *testing.T) {
	w := newTown(t)
	w.says("2001", "/start")
	if err := w.sim.Block("2001"); err != nil {
		t.Fatal(err)
	}
	state := func(chat int64, want people.State) func() bool {
		return func() bool { s, ok := w.subscriber(chat); return ok && s.State == want }
	}
	w.until("blocked", state(2001, people.Blocked))
	w.says("2001", "/settings") // which unblocks
	w.until("back", state(2001, people.Active))
	w.says("2002", "/start")
	if err := w.sim.Deactivate("2002"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sim.Say("2002", "2002", "/help", sim.Saying{}); err != nil {
		t.Fatal(err)
	}
	w.until("gone", state(2002, people.Gone))
}

func TestGroups(t *testing.T) {
	w := newTown(t)
	if _, err := w.sim.AddChat(sim.TelegramChat{ID: group, Type: "supergroup", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}}); err != nil {
		t.Fatal(err)
	}
	w.person("1002", "en")
	w.mustSay(w.saysIn(group, "1002", "/subscribe@example_bot", sim.Saying{}).Text, "Only administrators of this group")
	if _, kept := w.subscriber(-1001234567890); kept {
		t.Fatal("a member subscribed the group")
	}
	w.mustSay(w.saysIn(group, "1001", "/subscribe", sim.Saying{}).Text, "This chat is subscribed")
	if s, _ := w.subscriber(-1001234567890); !s.All {
		t.Errorf("kept: %+v", s)
	}
	m := w.saysIn(group, "1001", "/settings@example_bot", sim.Saying{})
	m = w.presses("1001", m, "Severity")
	m = w.presses("1001", m, "only critical")
	w.mustSay(m.Text, "Severity: only critical")
	w.mustSay(w.saysIn(group, "1001", "/unsubscribe", sim.Saying{Anonymous: true}).Text, "There will be no more messages")
	before := len(w.ours(group))
	for _, text := range []string{"/subscribe@other_bot", "just talking", "/publish D-1"} {
		if _, err := w.sim.Say(group, "1001", text, sim.Saying{}); err != nil {
			t.Fatal(err)
		}
	}
	w.saysIn(group, "1001", "/status", sim.Saying{})
	if n := len(w.ours(group)) - before; n != 1 {
		t.Errorf("%d answers to what is not for us and one command", n)
	}
	if err := w.sim.Kick(group); err != nil {
		t.Fatal(err)
	}
}

func TestMigratedGroup(t *testing.T) {
	w := newTown(t)
	old, err := w.sim.AddChat(sim.TelegramChat{Type: "group", Admins: []string{"1001"}, Bot: sim.Membership{Status: "member"}})
	if err != nil {
		t.Fatal(err)
	}
	w.saysIn(old, "1001", "/subscribe", sim.Saying{})
	moved, err := w.sim.Migrate(old)
	if err != nil {
		t.Fatal(err)
	}
	w.until("the group is followed", func() bool {
		all, err := w.store.Subscribers(t.Context(), "tg", 0, 10)
		return err == nil && len(all) == 1 && moved == strconv.FormatInt(all[0].Chat, 10)
	})
}

// TestEraseByButton checks that the last button of the settings leaves
// nothing, after it was asked twice.
func TestEraseByButton(t *testing.T) {
	w := newTown(t)
	w.says("2001", "/start")
	w.says("2002", "/start")
	m := w.presses("2001", w.says("2001", "/settings"), "Delete my data")
	w.mustSay(m.Text, "Delete everything that is kept about this chat?")
	if _, kept := w.subscriber(2001); !kept {
		t.Fatal("erased before it was confirmed")
	}
	m = w.presses("2001", m, "Yes, delete it")
	w.mustSay(m.Text, "Everything that was kept about this chat is deleted.")
	if s, kept := w.subscriber(2001); kept {
		t.Errorf("still kept: %+v", s)
	}
	if _, kept := w.subscriber(2002); !kept {
		t.Error("somebody else was erased")
	}
	w.says("2001", "/start")
	if s, kept := w.subscriber(2001); !kept || s.ID != 3 {
		t.Errorf("who comes back is somebody new: %+v", s)
	}
}

// TestNoNamesAreKept checks that neither the store nor the log learns who a
// person is, or what he typed.
func TestNoNamesAreKept(t *testing.T) {
	w := newTown(t)
	w.person("7314159265", "en")
	for _, text := range []string{"/start", "/verify a very peculiar rumour", "my peculiar secret", "/settings", "/unsubscribe"} {
		w.says("7314159265", text)
	}
	if err := w.sim.Block("7314159265"); err != nil {
		t.Fatal(err)
	}
	w.says("7314159265", "/subscribe")
	files, err := os.ReadDir(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(w.dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"Zora", "Quill", "zora_quill", "peculiar"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s holds %q", f.Name(), word)
			}
		}
	}
	for _, word := range []string{"Zora", "quill", "peculiar", "7314159265"} {
		if strings.Contains(w.log.String(), word) {
			t.Errorf("the log says %q:\n%s", word, w.log.String())
		}
	}
}
