package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/incident"
)

// withHosts lets texts link to the status page only.
var withHosts = []string{"languages = [\"en\", \"zh-Hans\"]", "languages = [\"en\", \"zh-Hans\"]\nhosts = [\"status.example.com\"]"}

func TestStoryPassesTheLint(t *testing.T) {
	for _, s := range story {
		if s.who == "" {
			continue // a stranger's words
		}
		typed, err := incident.ParseTyped(s.text, []string{"en", "zh-Hans"})
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := incident.Lint(typed.Body, typed.Title, incident.LintContext{Hosts: []string{"status.example.com"}}); len(got) > 0 {
			t.Errorf("%s %q", s.title, got)
		}
	}
}

func TestForeignLinksReachNobody(t *testing.T) {
	s := newServer(t, withHosts...)
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "See https://status.example.com/incidents/INC-1.")
	const bad, why = "Claim at https://status.example.com@evil.test now.", `leads to "evil.test"`
	for _, args := range [][]string{
		{"incident", "minor", "login", "--title", "More", "--text", bad},
		{"update", "INC-1", bad},
		{"resolve", "INC-1", bad},
		{"correct", "INC-1/1", bad},
		{"retract", "INC-1/1", bad},
	} {
		if out, err := s.run(args...); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("allclear %s: %q, %v; want a refusal with %s", args[0], out, err, why)
		}
	}
	s.must("update", "INC-1", "Still down.")
	s.settled("INC-1")
	if all := s.feeds(); strings.Contains(all, "evil") {
		t.Errorf("a refused text was sent:\n%s", all)
	}
}

func TestPreviewLintsToo(t *testing.T) {
	s := newServer(t, withHosts...)
	e := &env{ctx: t.Context(), lookup: s.lookup}
	c, err := newClient(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.call(t.Context(), http.MethodPost, "/v1/preview", map[string]any{"body": "Write to help@evil.test."}, nil); err == nil || !strings.Contains(err.Error(), `leads to "evil.test"`) {
		t.Errorf("%v, want a refusal", err)
	}
	var answer struct {
		Channels []struct {
			Text     string
			Warnings []string
		}
	}
	if _, err := c.call(t.Context(), http.MethodPost, "/v1/preview", map[string]any{"title": "x", "impact": "critical", "body": "Back by 14:00."}, &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Channels) == 0 {
		t.Fatal("no channel is previewed")
	}
	for _, ch := range answer.Channels {
		if !strings.Contains(strings.Join(ch.Warnings, "\n"), `gives the time "14:00" without a zone`) {
			t.Errorf("warned of %q, want the time", ch.Warnings)
		}
		if !strings.Contains(ch.Text, "ext update by ") && !strings.Contains(ch.Text, "下次更新") {
			t.Errorf("it promises nothing, against the policy: %s", ch.Text)
		}
	}
}
