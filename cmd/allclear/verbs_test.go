package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// together lets nobody publish alone what is critical.
var together = []string{"[policy]\n", "[policy]\napprovals = { critical = 1 }\n"}

func TestApprovedVerbs(t *testing.T) {
	s := newServer(t, together...)
	if out := s.must("ack", "critical", "login"); out != "INC-1/1 published" {
		t.Errorf("ack: %q", out)
	}
	if out := s.must("hold", "--next", "30m"); out != "INC-1/2 published" {
		t.Errorf("hold: %q", out)
	}
	s.settled("INC-1")
	for _, want := range []string{"Login: we are looking into a problem", "We are aware of a problem with Login and are looking into it.", "We are still working on it.", "我们仍在处理"} {
		if all := s.feeds(); !strings.Contains(all, want) {
			t.Errorf("no channel says %q:\n%s", want, all)
		}
	}
	out := s.must("false_alarm", "INC-1")
	if !strings.HasPrefix(out, "INC-1/3 published") || !strings.Contains(out, "\n! not operational so far: login major outage") {
		t.Errorf("false_alarm: %q", out)
	}
	s.settled("INC-1")
	if out := s.must("show", "INC-1"); !strings.Contains(out, "Promises: 2 kept") || !strings.Contains(out, "This was a false alarm") {
		t.Errorf("show: %s", out)
	}
	if _, err := s.run("hold"); err == nil || !strings.Contains(err.Error(), "nothing is open") {
		t.Errorf("hold of nothing: %v", err)
	}
	if page := s.must("export", "INC-1"); !strings.Contains(page, `Nobody typed it: template ack\@sha256:`) || !strings.Contains(page, "approved by template ack, sha256 ") {
		t.Errorf("the export says:\n%s", page)
	}
}

func TestScopeVerb(t *testing.T) {
	s := newServer(t)
	s.must("incident", "minor", "login", "deposits", "--title", "Login is slow", "--text", "Logins take a minute.", "--next", "2h")
	if out := s.must("scope", "INC-1", "major", "+withdrawals", "-deposits"); out != "Major, deposits operational, withdrawals major outage goes out with the next update of INC-1." {
		t.Errorf("scope: %q", out)
	}
	if out := s.must("show", "INC-1"); !strings.Contains(out, "With the next update: major, deposits operational, withdrawals major outage (") {
		t.Errorf("show: %s", out)
	}
	if _, err := s.run("scope", "INC-1", "+mail"); err == nil || !strings.Contains(err.Error(), `"+mail" is neither an impact nor a component`) {
		t.Errorf("an unknown word: %v", err)
	}
	s.must("update", "INC-1", "We found more.")
	s.settled("INC-1")
	if all := s.feeds(); !strings.Contains(all, "Impact: major (was minor)") || !strings.Contains(all, "Affected: Login, Withdrawals") {
		t.Errorf("the update does not say what is affected:\n%s", all)
	}
	if out := s.must("scope", "INC-1", "login=partial", "--now"); out != "INC-1/3 published" {
		t.Errorf("scope --now: %q", out)
	}
	if out, err := s.runWith(demoToken, "It gets better.", "update", "INC-1", "--next", "2h30m"); err != nil || out != "INC-1/4 published" { // what is piped in is not left out
		t.Errorf("a promise with a text: %q, %v", out, err)
	}
	if out := s.must("update", "INC-1", "--next", "3h"); out != "INC-1/5 published" {
		t.Errorf("a promise alone: %q", out)
	}
	s.settled("INC-1")
	all := s.feeds()
	for _, want := range []string{`What is affected has changed:\nLogin: Partial outage\n\nINC-1/3`, `受影响的服务有变化：\nLogin：部分中断\n\nINC-1/3`, "The next update comes by ", "下次更新不晚于 ", "It gets better."} {
		if !strings.Contains(all, want) {
			t.Errorf("no channel says %q:\n%s", want, all)
		}
	}
	if strings.Contains(all, `).\n\nNext update by`) { // the words have it, so nothing adds it
		t.Errorf("the promise is said twice:\n%s", all)
	}
}

func TestScopeArgs(t *testing.T) {
	for args, want := range map[string]string{
		"scope INC-1 -card --now -m -x": "scope INC-1 card=ok --now -m -x",
		"-c conf scope INC-1 -card":     "-c conf scope INC-1 card=ok",
		"--json scope INC-1 -- -card":   "--json scope INC-1 -- -card",
		"update INC-1 scope -card":      "update INC-1 scope -card",
		"scope INC-1 -m text":           "scope INC-1 -m text",
	} {
		if got := scopeArgs(strings.Fields(args)); !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s is read as %q", args, got)
		}
	}
}

func TestEditVerbAndFreeze(t *testing.T) {
	s := newServer(t, together...)
	if out := s.must("incident", "critical", "login", "--title", "Login is down", "--text", "Nobody can log in."); !strings.HasPrefix(out, "D-1 waits for 1 more to agree. (allclear publish D-1)") {
		t.Errorf("incident: %q", out)
	}
	if out := s.must("edit", "D-1", "--impact", "major", "Some", "cannot log in."); !strings.HasPrefix(out, "D-1 has new words; earlier approvals are void. (allclear publish D-1)") {
		t.Errorf("edit: %q", out)
	}
	if out, err := s.runWith(demoToken, "Some cannot log in. It gets better.", "edit", "D-1", "--title", "Login is slow"); err != nil || !strings.HasPrefix(out, "D-1 has new words") {
		t.Errorf("edit from standard input: %q, %v", out, err)
	}
	s.must("freeze", "--scope", "x", "wrong", "numbers")
	if out := s.must("publish", "D-1"); !strings.HasPrefix(out, "INC-1/1 published\nheld by a freeze: x") {
		t.Errorf("publish: %q", out)
	}
	if out := s.must("show", "INC-1"); !strings.Contains(out, "Login is slow") || !strings.Contains(out, "It gets better.") {
		t.Errorf("show: %s", out)
	}
}

// A text of one's own is published without anybody else only where its hash is
// in the configuration; what is to be written is said, and check prints it.
func TestOwnApprovedText(t *testing.T) {
	s := newServer(t)
	dir := filepath.Join(s.dir, "templates.d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "en.tmpl"), []byte(`{{define "hold"}}Still on it.{{end}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(s.dir, "own.toml")
	write := func(policy string) {
		t.Helper()
		text := strings.Replace(s.toml, "[site]\n", "[site]\ntemplates = \"templates.d\"\n", 1)
		text = strings.Replace(text, "[policy]\n", "[policy]\n"+policy+"\n", 1)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	_, _, errs := bare(t, nil, "check", "--offline", "-c", file)
	line := regexp.MustCompile(`hold = "hold@sha256:[0-9a-f]{64}"`).FindString(errs)
	if line == "" || !strings.Contains(errs, "nobody has approved it") {
		t.Fatalf("check says %q", errs)
	}
	if code, _, again := bare(t, nil, "serve", "-c", file); code != 2 || again != errs {
		t.Errorf("serve: exit %d, %q", code, again)
	}
	write(strings.Replace(line, "sha256:", "sha256:0", 1)[:len(line)-1] + `"`)
	if code, _, errs := bare(t, nil, "check", "--offline", "-c", file); code != 2 || !strings.Contains(errs, "approves another text than the one that is there") || !strings.Contains(errs, line) {
		t.Errorf("another hash: exit %d, %q", code, errs)
	}
	write(line + "\nack = \"\"")
	code, out, errs := bare(t, nil, "check", "--offline", "-c", file)
	if code != 0 || !strings.Contains(out, line) || !regexp.MustCompile(`ack +switched off`).MatchString(out) || !regexp.MustCompile(`false_alarm +of this release +false_alarm = "false_alarm@sha256:`).MatchString(out) {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
}

// On Discord the same verbs are commands with options: two taps open an
// incident, a change of scope waits or goes out, and the card offers the way
// back.
func TestDiscordRoomTakesTheSameVerbs(t *testing.T) {
	world, change := withDiscordRoom()
	s := newServerIn(t, world, append(change, together...)...)
	s.slashes(discordAna, "ack", map[string]string{"components": "login", "impact": "critical", "next": "30m"})
	s.until("preview of the first words", func() bool { return len(s.inDiscord("approved template ack")) == 1 })
	s.onDiscord(discordAna, s.inDiscord("approved template ack")[0], "Publish")
	s.until("first words", func() bool { return len(s.feed("telegram")) == 1 })

	s.slashes(discordAna, "scope", map[string]string{"incident": "INC-1", "components": "+deposits login=partial"})
	const waits = "Deposits major outage, login partial outage goes out with the next update of INC-1."
	s.until("the change waits", func() bool { return len(s.inDiscord(waits)) == 1 })
	s.onDiscord(discordAna, s.inDiscord(waits)[0], "Say it now")
	s.until("preview of the change", func() bool { return len(s.inDiscord("needs 1 of")) == 1 })
	s.onDiscord(discordBo, s.inDiscord("needs 1 of")[0], "Agree")
	s.until("the change", func() bool { return len(s.feed("telegram")) == 2 })
	if all := s.feeds(); !strings.Contains(all, `What is affected has changed:\nDeposits: Major outage\nLogin: Partial outage`) {
		t.Errorf("no channel says what changed:\n%s", all)
	}

	s.until("the card offers the way back", func() bool {
		cards := s.inDiscord("INC-1 critical")
		return len(cards) == 1 && len(cards[0].Buttons) == 1
	})
	s.onDiscord(discordAna, s.inDiscord("INC-1 critical")[0], "False alarm")
	s.until("preview of the false alarm", func() bool { return len(s.inDiscord("approved template false")) == 1 })
	s.onDiscord(discordAna, s.inDiscord("approved template false")[0], "Publish")
	s.until("the end", func() bool { return len(s.feed("telegram")) == 3 })
}
