//go:build unix

package main

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// soon is what anybody waits for at most who speaks to a server whose database
// says nothing.
const soon = 30 * time.Second

// startOn starts one more process, on another way to the database.
func (f *fleet) startOn(from, to string) *node {
	f.t.Helper()
	text, err := os.ReadFile(f.file)
	if err == nil {
		f.file += "-other.toml"
		err = os.WriteFile(f.file, []byte(strings.Replace(string(text), from, to, 1)), 0o600)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	return f.start()
}

// quick fails where something takes too long.
func (f *fleet) quick(what string, fn func()) {
	f.t.Helper()
	began := time.Now()
	fn()
	took := time.Since(began)
	f.t.Logf("%s: %v", what, took.Round(time.Second/10))
	if took > soon {
		f.t.Errorf("%s took %v", what, took)
	}
}

// The database falls silent for one of two servers, in the middle of a broadcast.
// Its accounts go to the other one and nothing is said twice; whoever speaks to it
// is told so soon; it goes on when packets arrive again, and it stops when it is
// told to.
func TestDatabaseFallsSilentForOneNode(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	line := storetest.NewLine(t, database)
	f := newFleetOf(newServer(t), line.URL, 1)
	cut := f.nodes[0]
	f.until("all accounts are held", func() bool { return len(f.held(cut)) == 4 })
	f.flush()
	f.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Delay: sim.Duration(3 * time.Second), Times: 1})
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	f.until("under way", func() bool { return f.state("INC-1/1", "x") == "sending" && f.state("INC-1/1", "telegram") == "sent" })

	line.Hang()
	silent := time.Now()
	typed := f.types("1001", "/update INC-1 We are looking into it.", sim.Saying{})
	f.quick("the room is told", func() {
		if got := f.answered(typed).Text; !strings.Contains(got, "This waits") {
			t.Errorf("the room is told %q", got)
		}
	})
	other := f.startOn(line.URL, database)
	f.use(1)
	f.until("taken over", func() bool { return len(f.held(other)) == 4 })
	t.Logf("taken over %v after", time.Since(silent).Round(time.Second/10))
	f.until("what was typed is done", func() bool { return f.ours("D-1 → INC-1/2") == 1 })

	f.use(0)
	f.quick("over HTTP", func() {
		if status, text := f.keyed("once", "/v1/incidents/INC-1/updates", `{"body":"A fix is in place."}`); status != http.StatusServiceUnavailable {
			t.Errorf("over HTTP: %d %s", status, text)
		}
	})
	f.quick("show", func() {
		if out, err := f.run("show"); err == nil {
			t.Errorf("show: %s", out)
		} else {
			t.Log(err)
		}
	})
	f.quick("readyz", func() {
		if status, checks := f.readiness(); status != http.StatusServiceUnavailable {
			t.Errorf("ready: %+v", checks)
		} else {
			t.Log(checks["database"].Detail)
		}
	})
	f.quick("metrics and pages", func() {
		if !strings.Contains(f.get("/metrics"), "allclear_attempts_total") || !strings.Contains(f.get("/incidents/INC-1"), "Nobody can log in") {
			t.Error("metrics or pages are gone")
		}
	})

	line.Forget()
	back := time.Now()
	f.until("ready", f.ready)
	t.Logf("ready %v after it could be reached", time.Since(back).Round(time.Second/10))
	f.until("its answer is known", func() bool { return f.state("INC-1/1", "x") == "sent" })
	if status, text := f.keyed("once", "/v1/incidents/INC-1/updates", `{"body":"A fix is in place."}`); status != http.StatusCreated {
		t.Errorf("repeated: %d %s", status, text)
	}
	f.settled("INC-1")
	for _, p := range platforms {
		f.wantTexts(p, "Nobody can log in", "A fix is in place")
	}
	f.spread(f.nodes...)
	line.Hang()
	f.quick("to stop", func() {
		if err := cut.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		_ = cut.cmd.Wait()
	})
}

// The database falls silent for the server that walks. It sends what it had begun
// and no more, another goes on, and nobody is told twice.
func TestDatabaseFallsSilentInAWalk(t *testing.T) {
	const subscribers = 9000
	r := newRelay(t, 1000, 100*time.Millisecond, subscribers)
	config, err := os.ReadFile(r.config)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[*runner]*storetest.Line{}
	for range 2 {
		line := storetest.NewLine(t, r.database)
		if err := os.WriteFile(r.config, []byte(strings.ReplaceAll(string(config), r.database, line.URL)), 0o600); err != nil {
			t.Fatal(err)
		}
		lines[r.start()] = line
	}
	r.await(100)
	cut := r.holder()
	lines[cut].Hang()
	silent := time.Now()
	inDoubt, _ := doubtful(r.open())
	for r.holder() == cut {
		if time.Since(silent) > time.Minute {
			t.Fatal("nobody takes over")
		}
	}
	t.Logf("taken over %v after, %d people in doubt", time.Since(silent).Round(time.Second/10), len(inDoubt))
	lines[cut].Forget()
	round := r.finish(subscribers)
	twice, lost := r.count(subscribers)
	t.Logf("%d told twice, %d not told, %d unsure", twice, lost, round.Unsure)
	more := r.taken() - 2 // of a machine that is too busy to renew a lease in time
	if twice > 0 || lost > round.Unsure || round.Unsure > len(inDoubt)+more*2*people.PacedBatch {
		t.Errorf("%d were told twice and %d not at all; %d are unsure, of %d in the batches that were under way", twice, lost, round.Unsure, len(inDoubt))
	}
}
