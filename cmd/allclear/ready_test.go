package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/web"
)

// readiness asks /readyz.
func (s *server) readiness() (status int, checks map[string]web.Check) {
	s.t.Helper()
	resp, err := http.Get(s.url + "/readyz")
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Checks []web.Check }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}
	checks = map[string]web.Check{}
	for _, c := range answer.Checks {
		checks[c.Name] = c
	}
	return resp.StatusCode, checks
}

func TestReadyzTellsTheTruth(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.types("1001", "Good morning.", sim.Saying{})
	s.until("ready", func() bool {
		status, checks := s.readiness()
		tg := checks["account tg"]
		return status == http.StatusOK && strings.Contains(tg.Detail, "last heard") && checks["account x"].Detail == "held here"
	})
	if _, checks := s.readiness(); checks["simulator"].State != web.CheckWarning || !strings.Contains(checks["simulator"].Detail, "SIMULATOR: dc, tg, wecom, x") {
		t.Errorf("no word of the simulators: %+v", checks)
	}

	s.must("freeze", "--scope", "x", "the password may be out")
	s.until("frozen", func() bool {
		status, checks := s.readiness()
		return status == http.StatusOK && strings.Contains(checks["frozen"].Detail, "x is frozen by Ana since")
	})
	if _, checks := s.readiness(); strings.Contains(checks["frozen"].Detail, "password") {
		t.Errorf("it tells everybody why: %+v", checks["frozen"])
	}

	s.world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Kind: "status", Code: "93000", Times: -1})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	s.until("refused", func() bool {
		status, checks := s.readiness()
		return status == http.StatusServiceUnavailable && checks["account wecom"].State == web.CheckFailed && strings.Contains(checks["account wecom"].Detail, "93000")
	})
	s.world.WeChat.Faults.Clear()
	s.must("retry", "INC-1/1", "wechat")
	s.until("taken again", func() bool { status, _ := s.readiness(); return status == http.StatusOK })
}

func TestAccountChecks(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	a := &app{config: &config.Config{Rooms: []config.Room{{Bot: "tg"}}}}
	long := now.Add(-time.Hour)
	for name, c := range map[string]struct {
		status broadcast.Status
		held   bool
		want   web.CheckState
		says   string
	}{
		"nobody":          {broadcast.Status{Account: "x"}, false, web.CheckFailed, "no node holds it"},
		"another":         {broadcast.Status{Account: "x"}, true, web.CheckOK, "another node"},
		"here":            {broadcast.Status{Account: "x", Held: long}, true, web.CheckOK, "held here"},
		"refused":         {broadcast.Status{Account: "x", Held: long, Refused: &bots.Fault{Kind: bots.Unauthorized, Code: "401"}}, true, web.CheckFailed, "401"},
		"no room":         {broadcast.Status{Account: "x", Held: long, Heard: long}, true, web.CheckOK, "held here"},
		"just begun":      {broadcast.Status{Account: "tg", Held: now.Add(-deaf / 2)}, true, web.CheckOK, "held here"},
		"never heard":     {broadcast.Status{Account: "tg", Held: long}, true, web.CheckFailed, "1h0m0s"},
		"heard long ago":  {broadcast.Status{Account: "tg", Held: long, Heard: now.Add(-3 * time.Minute)}, true, web.CheckFailed, "3m0s"},
		"heard just now":  {broadcast.Status{Account: "tg", Held: long, Heard: now.Add(-time.Second)}, true, web.CheckOK, "11:59:59"},
		"asked for quiet": {broadcast.Status{Account: "x", Held: long, Paused: now.Add(time.Minute)}, true, web.CheckWarning, "12:01:00"},
	} {
		if got := a.accountCheck(c.status, c.held, now); got.State != c.want || !strings.Contains(got.Detail, c.says) {
			t.Errorf("%s: %+v, want %s with %q", name, got, c.want, c.says)
		}
	}
}
