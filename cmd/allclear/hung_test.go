//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// The standby that each commit waits for is away in the middle of a broadcast. When
// the standby is given up all goes on, and nothing is done twice.
func TestCommitsWaitForAStandby(t *testing.T) {
	t.Parallel()
	c := storetest.NewCluster(t)
	f := newFleet(t, c.URL, 1)
	f.until("all accounts are held", func() bool { return len(f.held(f.nodes[0])) == 4 })
	f.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Delay: sim.Duration(3 * time.Second), Times: 1})
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	c.SQL("ALTER SYSTEM SET synchronous_standby_names = 'away'", "SELECT pg_reload_conf()")
	said := []string{"Nobody can log in"} // until the server heeds that
	update := func() (int, string) {
		n := fmt.Sprint(len(said))
		return f.keyed("once-"+n, "/v1/incidents/INC-1/updates", fmt.Sprintf(`{"body":"Step %s is done."}`, n))
	}
	for {
		status, text := update()
		if status != http.StatusCreated {
			t.Log(status, text) // its outcome is not known, or it waited in vain for those before it
			break
		}
		said = append(said, fmt.Sprintf("Step %d is done", len(said)))
	}
	c.SQL("ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
	f.until("ready", f.ready)
	if status, text := update(); status != http.StatusCreated {
		t.Errorf("repeated: %d %s", status, text)
	}
	said = append(said, fmt.Sprintf("Step %d is done", len(said)))
	f.settled("INC-1")
	for _, p := range platforms {
		f.wantTexts(p, said...)
		for n := range said {
			if got := f.state(fmt.Sprintf("INC-1/%d", n+1), p); got != "sent" {
				t.Errorf("%d on %s is %s", n+1, p, got)
			}
		}
	}
}

// A command of which nobody knows whether it was done is not to be repeated blindly.
func TestClientTellsThatACommandMayBeDone(t *testing.T) {
	t.Parallel()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusServiceUnavailable)
		if calls == 1 {
			io.WriteString(w, `{"title":"Outcome Unknown","detail":"it is not known"}`)
			return
		}
		io.WriteString(w, `{"title":"Service Unavailable","detail":"the database cannot be written now"}`)
	}))
	defer server.Close()
	var out bytes.Buffer
	code := run(&env{ctx: t.Context(), in: strings.NewReader(""), out: &out, err: &out, lookup: func(name string) (string, bool) {
		return map[string]string{"ALLCLEAR_URL": server.URL, "ALLCLEAR_TOKEN": "token"}[name], true
	}}, []string{"update", "INC-1", "A fix is in place."})
	if code == 0 || !strings.Contains(out.String(), `look with "allclear show" before you repeat it`) {
		t.Errorf("exit %d: %s", code, out.String())
	}
}
