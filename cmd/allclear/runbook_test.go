package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// examples are what the runbook writes for what the test has.
var examples = strings.NewReplacer("INC-12", "INC-1", "INC-13", "INC-2", "INC-14", "INC-3", "D-17", "D-1", "D-18", "D-2")

// runbookTokens are the people who act in the runbook: Bo is an admin.
var runbookTokens = map[string]string{"Ana": demoToken, "Bo": "demo-token-of-an-admin"}

// runbook reads the commands of each section.
func runbook(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("../../RUNBOOK.md")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	section := "first"
	for line := range strings.SplitSeq(string(text), "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		if command, ok := strings.CutPrefix(line, "    "); ok {
			out[section] = append(out[section], strings.TrimSpace(command))
		}
	}
	return out
}

var shellWord = regexp.MustCompile(`"[^"]*"|\S+`)

// shellWords splits a command like a shell, as far as the runbook needs it.
func shellWords(command string) (out []string) {
	for _, word := range shellWord.FindAllString(command, -1) {
		out = append(out, strings.Trim(word, `"`))
	}
	return out
}

// newRunbookServer is a server in the middle of an outage of which three
// updates are out.
func newRunbookServer(t *testing.T, change ...string) *server {
	t.Helper()
	s := newServer(t, append(slices.Concat(noRoom, change), "name = \"Bo\"\nrole = \"admin\"", "name = \"Bo\"\nrole = \"admin\"\ntoken = \""+runbookTokens["Bo"]+"\"")...)
	file := s.dir + "/config.toml" // for check
	if err := os.WriteFile(file, []byte(s.toml), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) threeUpdates() {
	s.t.Helper()
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.")
	s.must("update", "INC-1", "A disk has failed.")
	s.must("update", "INC-1", "A fix is in place.")
	s.settled("INC-1")
}

// follow runs commands of the runbook, each by the person whom a comment names
// and otherwise by Bo, an admin. before runs before a command.
func (s *server) follow(commands []string, before func(command string)) {
	s.t.Helper()
	who := "Bo"
	for _, line := range commands {
		if name, ok := strings.CutPrefix(line, "# "); ok {
			who = name
			continue
		}
		command := examples.Replace(line)
		before(command)
		words := shellWords(command)
		switch {
		case words[0] == "curl":
			path, ok := strings.CutPrefix(words[len(words)-1], "${ALLCLEAR_URL:-http://127.0.0.1:8080}")
			if !ok || s.get(path) == "" {
				s.t.Errorf("%s answers nothing", command)
			}
		case words[0] != "allclear":
			s.t.Errorf("%q is no command that is tested", command)
		default:
			switch words[1] {
			case "backup":
				words[2] = s.dir + "/" + words[2]
				fallthrough
			case "check":
				words = append(words, "-c", s.dir+"/config.toml")
			case "store":
				words[3], words[4] = "sqlite:"+s.dir+"/demo.db", "sqlite:"+s.dir+"/moved.db" // TestMoveToPostgres has the real thing
			}
			out, err := s.runAs(runbookTokens[who], words[1:]...)
			if err != nil {
				s.t.Errorf("%s (%s): %v", command, who, err)
			}
			s.t.Logf("$ %s\n%s", command, out)
		}
	}
}

// Each section of the runbook has its case here, by title: what is wrong before
// it is followed, what happens between its commands, and what holds after.
func TestRunbook(t *testing.T) {
	nothing := func(*server, string) {}
	cases := map[string]struct {
		change []string
		before func(s *server)
		each   func(s *server, command string)
		after  func(s *server)
	}{
		"first": {before: (*server).threeUpdates, each: nothing, after: func(s *server) {
			s.until("frozen", func() bool {
				_, checks := s.readiness()
				return strings.HasPrefix(checks["frozen"].Detail, "all is frozen")
			})
		}},
		"The bot is down": {before: func(s *server) {
			s.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Skip: 2, Kind: "status", Status: 403, Times: -1})
			s.threeUpdates()
		}, each: nothing, after: func(s *server) { s.wantState("INC-1/3", "x", "sent") }},
		"A platform is down": {before: func(s *server) {
			s.world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Skip: 1, Kind: "status", Code: "93000", Times: -1})
			s.threeUpdates()
		}, each: func(s *server, command string) {
			switch {
			case strings.Contains(command, "skip"):
				s.wantState("INC-1/2", "wechat", "failed")
			case strings.Contains(command, "retry"):
				s.wantState("INC-1/2", "wechat", "skipped")
				s.wantState("INC-1/3", "wechat", "failed")
				s.world.WeChat.Faults.Clear()
			}
		}, after: func(s *server) { s.until("sent", func() bool { return s.state("INC-1/3", "wechat") == "sent" }) }},
		"An account was stolen": {before: (*server).threeUpdates, each: func(s *server, command string) {
			if strings.Contains(command, "check") {
				s.must("update", "INC-1", "Most people can log in.")
				s.stop()
				s.start()
			}
			if strings.Contains(command, "unfreeze") {
				s.wantState("INC-1/4", "x", "held")
			}
		}, after: func(s *server) {
			s.until("caught up", func() bool { return s.state("INC-1/4", "x") == "sent" })
			s.until("warned", func() bool { return strings.Contains(strings.Join(s.texts("telegram"), "\n"), "not ours") })
			if strings.Contains(strings.Join(s.texts("x"), "\n"), "not ours") {
				s.t.Errorf("the warning is in the wrong places:\n%s", s.feeds())
			}
		}},
		"Wrong words everywhere": {before: (*server).threeUpdates, each: nothing, after: func(s *server) {
			s.settled("INC-1")
			if text := strings.Join(s.texts("telegram"), "\n"); !strings.Contains(text, "Some people cannot log in") || strings.Contains(text, "A disk has failed") {
				s.t.Errorf("telegram shows %s", text)
			}
		}},
		"Unsure deliveries": {before: func(s *server) {
			s.world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Kind: "cut-after", Times: -1})
			for _, component := range []string{"login", "trading", "deposits"} {
				s.must("incident", "major", component, "--title", "It is down", "--text", "Nobody can use it.", "--only", "wechat")
			}
		}, each: func(s *server, command string) {
			update := shellWords(command)[2]
			s.until(update+" is unsure", func() bool { return s.state(update, "wechat") == "unsure" })
			if strings.Contains(command, "retry") {
				s.world.WeChat.Faults.Clear()
			}
		}, after: func(s *server) {
			s.settled("INC-2")
			s.wantState("INC-1/1", "wechat", "sent")
			s.wantState("INC-3/1", "wechat", "skipped")
		}},
		"The chat is down": {change: []string{"[policy]\n", "[policy]\napprovals = { critical = 1 }\n"}, before: func(s *server) {
			s.app.desk.Escalate = time.Nanosecond // as after three minutes
		}, each: func(s *server, command string) {
			if strings.Contains(command, "D-2") {
				if _, err := s.runAs(runbookTokens["Bo"], "incident", "critical", "trading", "--title", "Trading is down", "--text", "Nobody can trade."); err != nil {
					s.t.Error(err)
				}
			}
		}, after: func(s *server) {
			open := s.must("show")
			if !strings.Contains(open, "Login is down") || !strings.Contains(open, "Trading is down") || strings.Contains(open, "D-") {
				s.t.Errorf("open is\n%s", open)
			}
		}},
		"A backup is restored": {before: func(s *server) {
			s.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Skip: 2, Kind: "status", Status: 429, RetryAfter: sim.Duration(time.Minute), Times: -1})
			s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in.")
			s.must("update", "INC-1", "A disk has failed.")
			s.settled("INC-1")
			s.must("update", "INC-1", "A fix is in place.")
			for _, channel := range []string{"telegram", "discord", "wechat"} { // so that the copy has one thing under way
				s.wantState("INC-1/3", channel, "sent")
			}
		}, each: func(s *server, command string) {
			switch {
			case strings.Contains(command, "readyz"):
				s.stop()
				s.toml = strings.Replace(s.toml, "demo.db", "allclear-2026-11-28.db", 1)
				s.world.X.Faults.Clear()
				s.start()
				s.until("held", func() bool { return s.state("INC-1/3", "x") == "held" })
			case strings.Contains(command, "posted"):
				s.wantState("INC-1/3", "x", "held")
			}
		}, after: func(s *server) {
			s.settled("INC-1")
			s.wantState("INC-1/3", "x", "sent")
			s.wantTexts("x", "Nobody can log in", "A disk has failed") // the third is there by hand, as the operator said
		}},
		"Moving to PostgreSQL": {before: (*server).threeUpdates, each: func(s *server, command string) {
			if strings.Contains(command, "store copy") {
				s.stop()
				return
			}
			s.toml = strings.Replace(s.toml, "demo.db", "moved.db", 1)
			s.start()
		}, after: func(s *server) {
			s.must("update", "INC-1", "It works again.")
			s.settled("INC-1")
			s.wantState("INC-1/4", "x", "sent")
		}},
		"The disk is full": {before: (*server).threeUpdates, each: nothing, after: func(*server) {}},
	}
	sections := runbook(t)
	if got, want := slices.Sorted(maps.Keys(sections)), slices.Sorted(maps.Keys(cases)); !slices.Equal(got, want) {
		t.Fatalf("sections with commands are %q, tested are %q", got, want)
	}
	for title, c := range cases {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := newRunbookServer(t, c.change...)
			c.before(s)
			s.follow(sections[title], func(command string) { c.each(s, command) })
			c.after(s)
		})
	}
}

func (s *server) wantState(update, channel, want string) {
	s.t.Helper()
	s.until(update+" on "+channel+" "+want, func() bool { return s.state(update, channel) == want })
}
