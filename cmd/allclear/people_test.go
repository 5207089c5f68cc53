package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// withAudience adds the subscribers of the demo's Telegram bot.
var withAudience = []string{"[[rooms]]\nbot = \"tg\"", demoAudience + "\n[[rooms]]\nbot = \"tg\""}

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
	s.until("the page invites people", func() bool { return strings.Contains(s.get("/"), `href="https://t.me/example_status_bot"`) })
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

// TestUnsurePeopleAreSettled checks that subscribers whom nobody knows to have
// been told wait for a person, who settles them by a button or from a shell.
func TestUnsurePeopleAreSettled(t *testing.T) {
	t.Parallel()
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`, "[policy]\n", "[policy]\nunsure = { people = \"ask\" }\n"})...)
	for _, person := range []string{"2001", "2002"} {
		if _, err := s.world.Telegram.Start(person, ""); err != nil {
			t.Fatal(err)
		}
		s.told(person, "You are subscribed")
	}
	s.must("freeze", "--scope", "people", "until the card is there")
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.", "--only", "people")
	s.until("a card", func() bool { return s.card("INC-1").Text != "" })
	s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Kind: "cut", Times: -1})
	s.must("unfreeze", "--scope", "people", "--release", "newest")
	s.until("the card asks", func() bool { return strings.Contains(s.card("INC-1").Text, "? /1 people  sent to 2, no answer") })
	if got := s.must("retry", "INC-1/1", "people"); got != "INC-1/1 on people: 2 people are told again." {
		t.Errorf("retried: %s", got)
	}
	s.until("they are asked about again", func() bool { return strings.Contains(s.must("show", "INC-1", "--json"), `"to_settle":2`) })
	if got := s.must("show", "INC-1"); !strings.Contains(got, "2 unsure") {
		t.Errorf("shown:\n%s", got)
	}
	for _, want := range []string{`allclear_audience_unsettled{channel="people",kind="unsure"} 2`, `allclear_audience_walk_people{channel="people"} 0`} {
		s.until(want, func() bool { return strings.Contains(s.get("/metrics"), want+"\n") })
	}
	s.world.Telegram.Faults.Clear()
	s.presses("1001", s.card("INC-1"), "/1 people: send again")
	s.told("2001", "Nobody can log in.")
	s.told("2002", "Nobody can log in.")
	s.until("the card is calm", func() bool { return len(s.card("INC-1").Buttons) == 0 })
	s.mustAnswer("/skip INC-1/1 people they know", "There is nobody to skip: INC-1/1 on people is 2")
}

func (s *server) mustAnswer(command, words string) {
	s.t.Helper()
	if got := s.answered(s.types("1001", command, sim.Saying{})); !strings.Contains(got.Text, words) {
		s.t.Errorf("%s is answered %q", command, got.Text)
	}
}

// TestSubscribersImportAndExport hands twenty thousand people and groups in,
// twice, and out again.
func TestSubscribersImportAndExport(t *testing.T) {
	t.Parallel()
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	const many = 20_000
	var list strings.Builder
	list.WriteString("chat_id,language,components,impact,topic\n")
	for i := range many {
		chat, topic := 5_000_000+i, 0
		if i%5 == 0 {
			chat, topic = -chat, i%7
		}
		fmt.Fprintf(&list, "%d,%s,%s,%s,%d\n", chat, []string{"en", "zh-Hans"}[i%2], []string{"all", "login", "login withdrawals"}[i%3], []string{"none", "critical"}[i%2], topic)
	}
	file := filepath.Join(s.dir, "people.csv")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.must("subscribers", "import", file, "--bot", "tg"); got != "20000 lines: 20000 added, 0 changed, 0 unchanged, 0 had left and stay so" {
		t.Errorf("imported: %s", got)
	}
	if got := s.must("subscribers", "import", file, "--bot", "tg"); got != "20000 lines: 0 added, 0 changed, 20000 unchanged, 0 had left and stay so" {
		t.Errorf("imported again: %s", got)
	}
	out := filepath.Join(s.dir, "out.csv")
	if got := s.must("subscribers", "export", out, "--bot", "tg"); got != "20000 subscribers" {
		t.Errorf("exported: %s", got)
	}
	written, err := os.ReadFile(out)
	if err != nil || string(written) != list.String() {
		t.Errorf("what is exported is not what was imported: %d and %d bytes, %v", len(written), list.Len(), err)
	}
	if got := s.must("subscribers", "export", "-", "--bot", "tg"); got != strings.TrimSpace(list.String()) {
		t.Errorf("to standard output: %d bytes of %d: %.80s", len(got), list.Len(), got)
	}
}

// What is exported and imported where nobody has subscribed has groups told in
// the topics in which they were.
func TestTopicsAreHandedOutAndIn(t *testing.T) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		t.Run(database, func(t *testing.T) {
			t.Parallel()
			change := slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})
			if database == "PostgreSQL" {
				change = append(change, "sqlite:demo.db", storetest.Postgres(t))
			}
			s := newServer(t, change...)
			topics := func() (out []string) {
				all, err := s.app.store.Subscribers(t.Context(), "tg", 0, 10)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range all {
					out = append(out, fmt.Sprintf("%d/%d", p.Chat, p.Topic))
				}
				return out
			}
			want := []string{"2001/0", "-1001234567890/77", "-1001234567891/0"}
			for _, chat := range []people.Subscriber{{Chat: 2001}, {Chat: -1001234567890, Topic: 77}, {Chat: -1001234567891}} {
				chat.Language, chat.All, chat.Impact = "en", true, incident.ImpactNone
				if _, err := s.app.store.ImportSubscribers(t.Context(), "tg", []people.Subscriber{chat}); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range []string{"out.csv", "out.jsonl"} {
				file := filepath.Join(s.dir, name)
				s.must("subscribers", "export", file, "--bot", "tg")
				nobody := func(people.Subscriber) *people.Subscriber { return nil }
				if err := s.app.store.ChangeSubscribers(t.Context(), "tg", "", []int64{2001, -1001234567890, -1001234567891}, nobody); err != nil {
					t.Fatal(err)
				}
				s.must("subscribers", "import", file, "--bot", "tg")
				if got := topics(); !slices.Equal(got, want) {
					t.Errorf("%s: %q come back, want %q", name, got, want)
				}
			}
		})
	}
}

// TestKilledImportAndExport kills the import and the export of a list in the
// middle, and repeats them: everybody is there once, and there is never half a
// list under the name of a whole one.
func TestKilledImportAndExport(t *testing.T) {
	t.Parallel()
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	const many = 40_000
	var list strings.Builder
	list.WriteString("chat_id,language,components,impact,topic\n")
	for i := range many {
		fmt.Fprintf(&list, "%d,en,all,none,0\n", 5_000_000+i)
	}
	in, out := filepath.Join(s.dir, "people.csv"), filepath.Join(s.dir, "out.csv")
	if err := os.WriteFile(in, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	count := func() int {
		n, err := s.app.store.CountSubscribers(t.Context(), "tg")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	s.killed([]string{"subscribers", "import", in, "--bot", "tg"}, func() bool { return count() > 0 })
	if n := count(); n == many {
		t.Fatal("the import had ended before it was killed")
	}
	s.must("subscribers", "import", in, "--bot", "tg")
	if n := count(); n != many {
		t.Errorf("%d people are subscribed, want %d", n, many)
	}
	begun := func() bool {
		files, err := filepath.Glob(filepath.Join(s.dir, ".*out.csv*"))
		return err == nil && len(files) > 0
	}
	s.killed([]string{"subscribers", "export", out, "--bot", "tg"}, begun)
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a killed export left a list: %v", err)
	}
	if got := s.must("subscribers", "export", out, "--bot", "tg"); got != "40000 subscribers" || begun() {
		t.Errorf("exported: %s; a part is left: %t", got, begun())
	}
	if written, err := os.ReadFile(out); err != nil || string(written) != list.String() {
		t.Errorf("what is exported is not what was imported: %d and %d bytes, %v", len(written), list.Len(), err)
	}
}

// killed runs a command as a process of its own, and kills it as soon as when
// holds.
func (s *server) killed(args []string, when func() bool) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "ALLCLEAR_URL="+s.url, "ALLCLEAR_TOKEN="+demoToken)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); !when(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s did nothing for a minute", args)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		s.t.Fatalf("%s had ended before it was killed", args)
	}
}

// TestFaultyImport checks that every mistake names its line and keeps nobody else
// out, and that nothing is sent where the whole list is wrong.
func TestFaultyImport(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	file := filepath.Join(s.dir, "people.csv")
	for _, tt := range []struct {
		text, want string
		people     int // who is subscribed then
	}{
		{"chat_id\n", "people.csv: there is no subscriber in it: correct it and import again", 0},
		{"chat_id\n@ana\n", `people.csv: line 2: chat_id "@ana" is not the number of a chat` + "\n" +
			"people.csv: there is no subscriber in it: correct it and import again", 0},
		{"chat_id\n1001\n\"1002\n1003\n", "people.csv: line 3: it is no line of a CSV: quote a field that has a comma or a quotation mark: correct it and import again", 0},
		{"chat_id,language,topic\n1001,en\n@ana,en\n\n-1002,,General\n\n\n1003,tlh\n1004,en\n", `people.csv: line 3: chat_id "@ana" is not the number of a chat
people.csv: line 5: topic "General" is not the number of a topic: use 0 for the general one, or none
people.csv: line 8: language "tlh" is not one of en, zh-Hans
2 lines imported, 3 refused: correct them and import again (who is imported stays so)`, 2},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := s.faulty("subscribers", "import", file, "--bot", "tg"); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.text, got, tt.want)
		}
		if n, err := s.app.store.CountSubscribers(t.Context(), "tg"); n != tt.people || err != nil {
			t.Errorf("%q: %d subscribers, %v", tt.text, n, err)
		}
	}
	if err := os.WriteFile(file, []byte("chat_id\n1001\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := s.faulty("subscribers", "import", file, "--bot", "dc"); got != `bot "dc" has no audience: the bots with one are tg` {
		t.Errorf("a bot without an audience: %s", got)
	}
}

// faulty runs a command that fails, and returns what it says of that, without how
// far it was.
func (s *server) faulty(args ...string) string {
	s.t.Helper()
	_, err := s.run(args...)
	if err == nil {
		s.t.Errorf("%v succeeds", args)
		return ""
	}
	_, said, _ := strings.Cut(err.Error(), ": ")
	said = regexp.MustCompile(`(?m)^\d+/\d+\n`).ReplaceAllString(said, "")
	return strings.TrimSpace(strings.ReplaceAll(said, "allclear: ", ""))
}

// TestImportOfAListWithEmptyLines checks that they neither part a list nor count as
// people in the record, and that each line keeps its number.
func TestImportOfAListWithEmptyLines(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	file := filepath.Join(s.dir, "people.csv")
	const list = "\nchat_id,language\n\n1001,en\n\n\n1002,tlh\n\n1003,en\n\n"
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	got := s.faulty("subscribers", "import", file, "--bot", "tg")
	if want := `people.csv: line 7: language "tlh" is not one of en, zh-Hans` + "\n2 lines imported, 1 refused"; !strings.HasPrefix(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	audit, err := s.app.store.Audit(t.Context(), 10)
	if err != nil || len(audit) != 1 || !strings.Contains(audit[0].Record.Detail, `"Lines":3`) {
		t.Errorf("on record is %+v, %v", audit, err)
	}
}

// TestImportOfAListFullOfMistakes checks that a list in several parts is imported
// but for its mistakes, of which the first are listed and the others counted.
func TestImportOfAListFullOfMistakes(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`role = "publisher"`, `role = "admin"`})...)
	file := filepath.Join(s.dir, "people.jsonl")
	var list strings.Builder
	for i := range 20_000 {
		language := "en"
		if i%10 == 0 {
			language = "de"
		}
		fmt.Fprintf(&list, `{"chat_id":%d,"language":%q,"components":["login","withdrawals"]}`+"\n", 5_000_000+i, language)
	}
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(s.faulty("subscribers", "import", file, "--bot", "tg"), "\n")
	if len(got) != 22 || got[0] != `people.jsonl: line 1: language "de" is not one of en, zh-Hans` || got[19] != `people.jsonl: line 191: language "de" is not one of en, zh-Hans` ||
		got[20] != "people.jsonl: and 1980 lines more" || got[21] != "18000 lines imported, 2000 refused: correct them and import again (who is imported stays so)" {
		t.Errorf("%d lines: %s", len(got), strings.Join(got, "\n"))
	}
}

// TestStarsThatTelegramDoesNotTake checks that people are told all the same where
// their messages cannot be paid for, that the rooms hear why it takes longer, and
// that the check says so before.
func TestStarsThatTelegramDoesNotTake(t *testing.T) {
	t.Parallel()
	world := newWorld()
	world.Telegram.Strict(true)
	world.Telegram.Limits.Broke = true
	s := newServerIn(t, world, slices.Concat(withAudience, []string{"rate = 100", "paid = 1000"})...)
	const many = 120
	for person := range many {
		if _, err := world.Telegram.Start(strconv.Itoa(3000+person), ""); err != nil {
			t.Fatal(err)
		}
	}
	for person := range many {
		s.told(strconv.Itoa(3000+person), "You are subscribed")
	}
	file := filepath.Join(s.dir, "config.toml")
	if err := os.WriteFile(file, []byte(s.toml), 0o600); err != nil {
		t.Fatal(err)
	}
	const missing = "nothing will be paid for: the bot has 0 Stars, and Telegram wants 10000 for paid broadcasts"
	if code, out, _ := bare(t, nil, "check", "-c", file); code != 1 || !strings.Contains(out, missing) {
		t.Errorf("check: exit %d, %s", code, out)
	}
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.", "--only", "people")
	for person := range many {
		s.told(strconv.Itoa(3000+person), "Nobody can log in.")
	}
	s.until("the room is told", func() bool {
		return strings.Contains(s.room(), "people: Telegram does not take the Stars (Too Many Requests: retry after 1). Everybody is told all the same")
	})
}

// TestCrowdDelaysNobody checks that a crowd at the door of the audience's bot
// keeps neither a public post nor the room waiting.
func TestCrowdDelaysNobody(t *testing.T) {
	const crowd = "1000002"
	world := newWorld()
	world.Telegram.AddBot(crowd+":demo-crowd-token", "example_alerts_bot")
	s := newServerIn(t, world, "[[rooms]]\nbot = \"tg\"", `
[bots.crowd]
kind = "telegram"
token = "`+crowd+`:demo-crowd-token"
api_url = "{page}/telegram"

[[channels]]
name = "people"
bot = "crowd"
audience = true

[[channels]]
name = "alerts"
bot = "crowd"
target = "@example_status"

[[rooms]]
bot = "tg"`)
	const many = 5000
	for i := range many {
		person := strconv.Itoa(1_000_000 + i)
		if _, err := world.Telegram.Say(crowd+"/"+person, person, "/start", sim.Saying{}); err != nil {
			t.Fatal(err)
		}
	}
	s.until("the first answer", func() bool { return len(world.Telegram.Seen(crowd+"/1000000")) == 2 })
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "alerts")
	accepted := time.Now()
	s.mustAnswer("/show", "INC-1")
	s.until("the post", func() bool { return len(s.feed("telegram")) == 1 })
	post := s.feed("telegram")[0].At
	overtaken := 0
	for _, m := range world.Telegram.Seen("") {
		if m.Ours && strings.Contains(m.Text, "/unsubscribe") && m.At.After(accepted) && m.At.Before(post) {
			overtaken++
		}
	}
	if overtaken > 60 { // of 150 that wait to be answered in full
		t.Errorf("%d people were answered before what had been accepted was posted", overtaken)
	}
	s.until("all are subscribed", func() bool {
		n, err := s.running.app.store.CountSubscribers(t.Context(), "crowd")
		return err == nil && n == many
	})
}

// TestRoomBehindManyPeople checks that a room does not start behind more
// people than it should have to wait for.
func TestRoomBehindManyPeople(t *testing.T) {
	s := newServer(t, withAudience...)
	var list []people.Subscriber
	for i := range maxShared + 1 {
		list = append(list, people.Subscriber{Chat: int64(i + 1), Language: "en", Impact: incident.ImpactNone, All: true})
	}
	again := func() error {
		cfg, err := config.Parse(filepath.Join(s.dir, "config.toml"), []byte(s.toml), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		a, err := build(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err == nil {
			a.Close()
		}
		return err
	}
	for _, tt := range []struct {
		n    int
		want string
	}{{maxShared, ""}, {maxShared + 1, "bot tg has 1001 subscribers, and a room"}} {
		if _, err := s.app.store.ImportSubscribers(t.Context(), "tg", list[:tt.n]); err != nil {
			t.Fatal(err)
		}
		s.stop()
		err := again()
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("with %d subscribers: %v", tt.n, err)
		}
		if err == nil {
			s.start()
		}
	}
}

// Components of one name are told apart by their groups.
func TestPeopleChooseAmongGroups(t *testing.T) {
	s := newServer(t, slices.Concat(withAudience, []string{`name = "Trading"`, "name = \"Withdrawals\"\ngroup = \"Cards\""})...)
	if _, err := s.world.Telegram.Start("2001", "trading"); err != nil {
		t.Fatal(err)
	}
	s.told("2001", "You are subscribed to Example Exchange: Withdrawals (Cards).")
}
