//go:build unix

package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// keyed makes a request with an Idempotency-Key and returns the answer.
func (s *server) keyed(key, path, body string) (status int, text string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+demoToken)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, string(answer)
}

// toldAlone are the answers that the person behind an interaction on Discord saw.
func (s *server) toldAlone(interaction string) string {
	in, _ := s.world.Discord.Interaction(interaction)
	var texts []string
	for _, a := range in.Answers {
		texts = append(texts, a.Text)
	}
	return strings.Join(texts, "\n")
}

// PostgreSQL goes away for longer than leases last, while posts are under way and
// people speak over HTTP and in both rooms. Nothing is accepted that is not kept,
// everybody is told so at once, and afterwards each command has one effect, or its
// author knows that it has none.
func TestCommandsWhileTheDatabaseIsAway(t *testing.T) {
	for name, database := range map[string]func(*testing.T) (url string, leaves, returns func()){
		"stopped": func(t *testing.T) (string, func(), func()) {
			c := storetest.NewCluster(t)
			return c.URL, c.Stop, c.Start
		},
		"killed": func(t *testing.T) (string, func(), func()) {
			c := storetest.NewCluster(t)
			return c.URL, c.Kill, c.Start
		},
		"silent": func(t *testing.T) (string, func(), func()) {
			l := storetest.NewLine(t, storetest.Postgres(t))
			return l.URL, l.Hang, l.Resume
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, leaves, returns := database(t)
			world, change := withDiscordRoom()
			f := newFleetOf(newServerIn(t, world, change...), url, 1)
			f.until("all accounts are held", func() bool { return len(f.held(f.nodes[0])) == 4 })
			f.slashes(discordAna, "help", nil) // the commands are offered
			f.flush()
			world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Delay: sim.Duration(4 * time.Second), Times: 1})
			world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Delay: sim.Duration(4 * time.Second), Times: 1})
			f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--translation", "zh-Hans=Nobody can log in since noon.")
			f.until("under way", func() bool { return f.state("INC-1/1", "x") == "sending" && f.state("INC-1/1", "wechat") == "sending" })

			leaves()
			f.until("not ready, and why", func() bool {
				status, checks := f.readiness()
				return status == http.StatusServiceUnavailable && strings.Contains(checks["database"].Detail, "nothing is accepted")
			})
			typed := f.types("1001", "/incident minor withdrawals\nWithdrawals are slow", sim.Saying{})
			slashed := f.slashes(discordBo, "update", map[string]string{"incident": "INC-1", "text": "We are looking into it."})
			behind := f.slashes(discordAna, "freeze", map[string]string{"channel": "x", "reason": "the password may be out"})
			const path, body = "/v1/incidents/INC-1/updates", `{"body":"A fix is in place."}`
			asked := time.Now()
			status, text := f.keyed("once", path, body)
			t.Logf("answered %d after %v: %s", status, time.Since(asked).Round(time.Millisecond), text)
			if status != http.StatusServiceUnavailable || !strings.Contains(text, "the database cannot be written now") {
				t.Errorf("over HTTP: %d %s", status, text)
			}
			if page := f.get("/incidents/INC-1"); !strings.Contains(page, "Nobody can log in since noon.") {
				t.Errorf("the page is gone:\n%s", page)
			}
			f.until("the room is told", func() bool { return strings.Contains(f.answered(typed).Text, "This waits") })
			f.until("it has given up its accounts", func() bool { return world.Discord.Connected() == 0 })
			for _, id := range []string{slashed, behind} {
				f.until("it is told that it had no effect", func() bool { return strings.Contains(f.toldAlone(id), "then repeat it") })
			}
			if n := f.ours("→ new incident") + f.ours("→ INC-1/2") + len(f.inDiscord("→")); n != 0 {
				t.Errorf("%d previews of drafts that are not stored", n)
			}
			if n := len(f.feed("telegram")); n != 1 {
				t.Errorf("%d posts on Telegram", n)
			}

			returns()
			f.until("ready", f.ready)
			for range 2 {
				if status, text := f.keyed("once", path, body); status != http.StatusCreated || !strings.Contains(text, `"INC-1/2"`) {
					t.Errorf("repeated: %d %s", status, text)
				}
			}
			f.until("what was typed on Telegram is done", func() bool { return f.ours("D-1 → new incident") == 1 })
			f.settled("INC-1")
			for _, p := range platforms {
				if got := f.state("INC-1/1", p); got != "sent" {
					t.Errorf("/1 is %s on %s, although its answer came", got, p)
				}
				var posts []string
				for _, m := range f.feed(p) {
					if m.Place != discordDesk {
						posts = append(posts, m.Text)
					}
				}
				if len(posts) != 2 || !strings.Contains(posts[0], "Nobody can log in") || !strings.Contains(posts[1], "A fix is in place") {
					t.Errorf("%s shows %q", p, posts)
				}
			}
			if shown := f.must("show"); strings.Contains(shown, "D-2") || strings.Contains(shown, "INC-2") {
				t.Errorf("done more than once:\n%s", shown)
			}
			if _, checks := f.readiness(); checks["frozen"].Name != "" {
				t.Errorf("what its author was told has no effect has one: %+v", checks["frozen"])
			}
		})
	}
}
