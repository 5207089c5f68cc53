//go:build unix

package main

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// fleet are several processes of the real program on one PostgreSQL.
type fleet struct {
	*server
	file  string
	nodes []*node
}

// node is one process.
type node struct {
	cmd *exec.Cmd
	url string
	log *syncBuffer
}

// newFleet starts processes on a database, without a room.
func newFleet(t *testing.T, database string, n int) *fleet {
	t.Helper()
	return newFleetOf(newServer(t, noRoom...), database, n)
}

// newFleetOf starts processes in the place of a server.
func newFleetOf(s *server, database string, n int) *fleet {
	s.t.Helper()
	s.stop() // the processes take its place
	s.toml = strings.Replace(s.toml, `url = "sqlite:demo.db"`, fmt.Sprintf("url = %q", database), 1)
	f := &fleet{server: s, file: s.configFile()}
	s.running = &running{moved: make(chan struct{})}
	for range n {
		f.start()
	}
	f.use(0)
	return f
}

// start starts one more process.
func (f *fleet) start() *node {
	f.t.Helper()
	n := &node{cmd: exec.Command(os.Args[0], "serve", "-c", f.file), log: &syncBuffer{}}
	n.cmd.Env = append(os.Environ(), asProgram+"=1")
	r, w := io.Pipe()
	n.cmd.Stderr = io.MultiWriter(n.log, w)
	if err := n.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		n.kill()
		if f.t.Failed() {
			f.t.Logf("log of %s:\n%s", n.url, n.log)
		}
	})
	address := regexp.MustCompile(`msg=serving address=(\S+)`)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			n.url = m[1]
			go io.Copy(io.Discard, r)
			f.nodes = append(f.nodes, n)
			return n
		}
	}
	f.t.Fatalf("a node did not start:\n%s", n.log)
	return nil
}

func (n *node) kill() {
	n.cmd.Process.Kill()
	n.cmd.Wait()
}

// use has commands go to a node.
func (f *fleet) use(k int) { f.url = f.nodes[k].url }

// held are the accounts that a node says it holds.
func (f *fleet) held(n *node) (out []string) {
	f.t.Helper()
	resp, err := http.Get(n.url + "/readyz")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var answer struct {
		Checks []struct{ Name, Detail string }
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		f.t.Fatal(err)
	}
	for _, c := range answer.Checks {
		if name, ok := strings.CutPrefix(c.Name, "account "); ok && strings.HasPrefix(c.Detail, "held here") {
			out = append(out, name)
		}
	}
	return out
}

// spread waits until each account is held once, and no node holds two more than
// another, and returns who holds what.
func (f *fleet) spread(nodes ...*node) map[string]*node {
	f.t.Helper()
	var holder map[string]*node
	f.until("accounts are spread", func() bool {
		holder = map[string]*node{}
		sum, most, least := 0, 0, 100
		for _, n := range nodes {
			held := f.held(n)
			for _, account := range held {
				holder[account] = n
			}
			sum, most, least = sum+len(held), max(most, len(held)), min(least, len(held))
		}
		return sum == 4 && len(holder) == 4 && most-least <= 1
	})
	return holder
}

// others are all nodes but some.
func (f *fleet) others(not ...*node) []*node {
	return slices.DeleteFunc(slices.Clone(f.nodes), func(n *node) bool { return slices.Contains(not, n) })
}

// queryInt is the number that a query of a PostgreSQL database answers.
func queryInt(t testing.TB, database, query string) (n int) {
	t.Helper()
	db, err := sql.Open("pgx", database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestThreeNodes(t *testing.T) {
	t.Parallel()
	f := newFleet(t, storetest.Postgres(t), 3)
	holder := f.spread(f.nodes...)
	f.use(2)
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	f.until("sent", func() bool { return f.allSent("INC-1") })
	f.use(0)
	f.must("update", "INC-1", "A fix is in place.")
	f.until("sent", func() bool { return f.allSent("INC-1") })
	for k := range f.nodes {
		f.use(k)
		f.until("the page of each node shows it", func() bool { return strings.Contains(f.get("/incidents/INC-1"), "A fix is in place.") })
	}

	dead := holder["tg"]
	dead.kill()
	f.url = f.others(dead)[0].url
	died := time.Now()
	f.must("resolve", "INC-1", "Everything works again.")
	f.until("sent after a node's death", func() bool { return f.allSent("INC-1") })
	t.Logf("it took %s to go on; 20 s are promised", time.Since(died).Round(time.Second/10))
	f.spread(f.others(dead)...)
	for _, p := range platforms {
		f.wantTexts(p, "Nobody can log in", "A fix is in place", "Everything works again")
	}
}

// The same key has one effect, whichever nodes take it, and at whatever moment.
func TestKeysHoldOnAllNodes(t *testing.T) {
	f := newFleet(t, storetest.Postgres(t), 2)
	post := func(url string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/incidents",
			strings.NewReader(`{"title":"Login is down","impact":"minor","body":"Nobody can log in."}`))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Authorization", "Bearer "+demoToken)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", "once")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusCreated || !strings.Contains(string(body), `"INC-1"`) {
			t.Errorf("%s: %s, %v", resp.Status, body, err)
		}
	}
	var atOnce sync.WaitGroup
	for k := range 20 {
		atOnce.Go(func() { post(f.nodes[k%2].url) })
	}
	atOnce.Wait()
	post(f.nodes[0].url)
	f.until("sent", func() bool { return f.allSent("INC-1") })
	if got := f.must("show"); strings.Count(got, "INC-") != 1 {
		t.Errorf("open are\n%s", got)
	}
	for _, p := range platforms {
		f.wantTexts(p, "Nobody can log in")
	}
}

// One of two nodes is killed at random moments while people speak to it. What was
// cut off is said to the other one, with its key, and another node comes in the
// place of the dead one. What was accepted shows once, as on one node.
func TestKilledAtAnyMomentOnTwoNodes(t *testing.T) {
	t.Parallel()
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64() >> 16
	}
	for left := *nodeKills; left > 0; left -= killsOnce {
		t.Run(fmt.Sprintf("kill-seed=%d", seed), func(t *testing.T) {
			k := newKilling(t, seed)
			f := newFleetOf(k.server, storetest.Postgres(t), 2)
			k.fall = func() {
				f.nodes[0].kill()
				f.nodes = f.nodes[1:]
				f.use(0)
			}
			for range min(left, killsOnce) {
				k.spoil()
				k.round()
				f.start()
			}
			k.compare(min(left, killsOnce))
		})
		seed++
	}
}

// The holder of an account is halted while a request is under way, and wakes up
// after another has taken the account over: nothing is said twice, and its
// answer settles what was put down as unsure.
func TestHaltedNodeWakesUpLate(t *testing.T) {
	f := newFleet(t, storetest.Postgres(t), 2)
	halted := f.spread(f.nodes...)["tg"]
	f.url = f.others(halted)[0].url
	f.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Delay: sim.Duration(5 * time.Second), Times: 1})
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "telegram")
	f.until("on its way", func() bool { return f.state("INC-1/1", "telegram") == "sending" })
	if err := halted.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	f.until("taken over", func() bool { return f.state("INC-1/1", "telegram") == "unsure" })
	f.must("update", "INC-1", "A fix is in place.")
	if err := halted.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	f.until("the late answer settles it", func() bool { return f.state("INC-1/1", "telegram") == "sent" })
	f.until("sent", func() bool { return f.state("INC-1/2", "telegram") == "sent" })
	f.spread(f.nodes...)
	f.wantTexts("telegram", "Nobody can log in", "A fix is in place")
}

// What is said on any node shows on the one card in the room, which whoever has
// the room's account keeps, also after the one before died. What is typed has
// one effect.
func TestRoomOfSeveralNodes(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	f := newFleetOf(newServer(t), database, 2)
	holder := f.spread(f.nodes...)["tg"]
	f.url = f.others(holder)[0].url
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--next", "4m")
	card := func(words ...string) bool {
		cards, reminders, whole := 0, 0, false
		all, err := f.world.Seen("telegram", demoRoom)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range all {
			if m.Deleted || !m.Ours {
				continue
			}
			if strings.Contains(m.Text, "The next update is promised for") {
				reminders++
			}
			if strings.HasPrefix(m.Text, "INC-1 major") {
				cards++
				whole = !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(m.Text, w) })
			}
		}
		if cards > 1 || reminders > 1 {
			t.Fatalf("%d cards and %d reminders:\n%s", cards, reminders, f.room())
		}
		return whole && reminders == 1
	}
	f.until("the card shows it", func() bool { return card("/1 ", "telegram", "wechat") })
	f.until("it is stored that the room was reminded", func() bool { return queryInt(t, database, `SELECT count(*) FROM letter`) == 0 })
	holder.kill()
	f.must("monitoring", "INC-1", "A fix is in place.", "--next", "2h")
	f.until("the card goes on", func() bool { return card("/2 ", "monitoring") })
}

// PostgreSQL crashes and is away for some seconds in the middle of a broadcast.
func TestDatabaseCrashesInTheMiddle(t *testing.T) {
	t.Parallel()
	c := storetest.NewCluster(t)
	f := newFleet(t, c.URL, 2)
	f.spread(f.nodes...)
	for _, p := range []*sim.Faults{&f.world.Telegram.Faults, &f.world.X.Faults} {
		p.Add(sim.Fault{Match: "", Delay: sim.Duration(2 * time.Second), Times: 2})
	}
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	c.Stop()
	if out, err := f.run("update", "INC-1", "A fix is in place."); err == nil {
		t.Errorf("accepted without a database: %s", out)
	}
	f.until("not ready, and why", func() bool {
		status, checks := f.readiness()
		return status == http.StatusServiceUnavailable && strings.Contains(checks["database"].Detail, "nothing is accepted")
	})
	c.Start()
	f.until("ready", f.ready)
	f.must("update", "INC-1", "A fix is in place.")
	f.until("settled", func() bool { return len(f.unfinished("INC-1")) == 0 })
	for _, p := range platforms {
		f.wantTexts(p, "Nobody can log in", "A fix is in place")
	}
	for _, p := range platforms {
		if got := f.state("INC-1/1", p); got != "sent" {
			t.Errorf("%s is %s although its answer came", p, got)
		}
	}
}

// ready reports whether the node in use says that it is.
func (f *fleet) ready() bool {
	resp, err := http.Get(f.url + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// A server that was killed and is started again has the accounts that it had
// before at once: nothing waits for its leases to end, which would be in an hour.
func TestKilledServerHasItsAccountsAtOnce(t *testing.T) {
	for name, database := range map[string]func(t *testing.T) (url, driver, source string){
		"SQLite": func(t *testing.T) (string, string, string) {
			file := filepath.Join(t.TempDir(), "allclear.db")
			return "sqlite:" + file, "sqlite", file
		},
		"PostgreSQL": func(t *testing.T) (string, string, string) {
			url := storetest.Postgres(t)
			return url, "pgx", url
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, driver, source := database(t)
			f := newFleetOf(newServer(t), url, 1)
			f.until("all accounts are held", func() bool { return len(f.held(f.nodes[0])) == 4 })
			f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
			f.until("sent", func() bool { return f.allSent("INC-1") })
			f.nodes[0].kill()

			db, err := sql.Open(driver, source)
			if err == nil {
				_, err = db.ExecContext(t.Context(), fmt.Sprint("UPDATE lease SET expires = expires + ", time.Hour.Microseconds()))
			}
			if err == nil {
				err = db.Close()
			}
			if err != nil {
				t.Fatal(err)
			}
			typed, died := f.types("1001", "/update INC-1 A fix is in place.", sim.Saying{}), time.Now()
			f.url = f.start().url
			f.presses("1001", f.answered(typed), "Publish")
			f.until("sent", func() bool { return len(f.feed("x")) == 2 && f.allSent("INC-1") }) // in this order: before it is published nothing is unsent
			t.Logf("answered, published and sent %v after it was killed; 5 s are promised to send again", time.Since(died).Round(time.Second/10))
			for _, p := range platforms {
				f.wantTexts(p, "Nobody can log in", "A fix is in place")
			}
		})
	}
}
