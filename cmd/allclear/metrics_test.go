package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots/sim"
)

func TestMetricsOfAWholeScenario(t *testing.T) {
	s := newServer(t, noRoom...)
	s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Kind: "status", Status: 429, RetryAfter: sim.Duration(1)})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--next", "20m")
	s.must("typo", "INC-1/1", "Nobody can log in since 12:00.")
	if _, err := s.run("retract", "INC-7/1", "There is none."); err == nil {
		t.Fatal("INC-7 was retracted")
	}
	s.settled("INC-1")
	for _, want := range []string{
		`allclear_attempts_total{account="tg",operation="post",outcome="rate_limited"} 1`,
		`allclear_attempts_total{account="tg",operation="post",outcome="done"} 1`,
		`allclear_shown_seconds_count{channel="x"} 1`,
		`allclear_commands_total{origin="http",outcome="published",verb="open"} 1`,
		`allclear_commands_total{origin="http",outcome="refused",verb="retract"} 1`,
		`allclear_account_held{account="dc",platform="discord"} 1`,
		`allclear_account_simulator{account="dc"} 1`,
		`allclear_deliveries{channel="wechat",state="sent"} 1`,
		`allclear_outbox_age_seconds{channel="telegram"} 0`,
		`allclear_promises{state="open"} 1`,
		`allclear_update_skew_seconds_count 1`,
		`allclear_http_requests_total{code="201",route="POST /v1/incidents"} 1`,
		`allclear_http_requests_total{code="404",route="POST /v1/incidents/{ref}/updates/{n}/retraction"} 1`,
	} {
		s.until(want, func() bool { return strings.Contains(s.get("/metrics"), want+"\n") })
	}
	if text := s.get("/metrics"); strings.Contains(text, "noon") || strings.Contains(text, "INC-1") {
		t.Error("what was said is among the metrics")
	}
}

// TestMemoryHasALimit checks that a server collects its garbage more often
// before it takes more memory than is promised.
func TestMemoryHasALimit(t *testing.T) {
	t.Parallel()
	s, file := inProcess(t)
	s.url = serveProcess(t, file).url
	want := fmt.Sprintf("go_gc_gomemlimit_bytes %v\n", float64(memoryLimit))
	if text := s.get("/metrics"); !strings.Contains(text, want) {
		t.Errorf("it does not say %q", want)
	}
}
