package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// The test binary is the real program when this is set, so that it can be
// killed like one.
const asProgram = "ALLCLEAR_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// program starts "allclear serve" as a process and returns its address and a
// function that kills it outright.
func program(t testing.TB, config string) (url string, kill func()) {
	t.Helper()
	url, _, kill = programAt(t, config)
	return url, kill
}

// programAt is program, with the process's id.
func programAt(t testing.TB, config string) (url string, pid int, kill func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "-c", config)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		cmd.Process.Kill()
		cmd.Wait()
	}
	t.Cleanup(kill)
	lines := bufio.NewScanner(stderr)
	address := regexp.MustCompile(`msg=serving address=(\S+)`)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() { // keep reading, so that the process never waits for us
				for lines.Scan() {
				}
			}()
			return m[1], cmd.Process.Pid, kill
		}
	}
	t.Fatal("the server did not start")
	return "", 0, nil
}

// configFile writes a configuration for a process on free ports.
func (s *server) configFile() string {
	s.t.Helper()
	s.stop() // the process takes its place
	file := filepath.Join(s.dir, "config.toml")
	text := s.toml + "\n[web]\nlisten = \"127.0.0.1:0\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

func TestKilledServerGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	s := newServer(t, noRoom...)
	file := s.configFile()
	const hang = sim.Duration(time.Hour)
	// Telegram and Discord have the request and never answer; X refuses
	// connections, so nothing was sent there; WeChat is done.
	s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Delay: hang})
	s.world.Discord.Faults.Add(sim.Fault{Match: "POST", Delay: hang})
	s.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Kind: "status", Status: 429, RetryAfter: sim.Duration(2 * time.Second)})
	var kill func()
	s.running = &running{moved: make(chan struct{})}
	s.url, kill = program(t, file)
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	s.until("on their way", func() bool {
		return s.state("INC-1/1", "wechat") == "sent" && s.state("INC-1/1", "telegram") == "sending" && s.state("INC-1/1", "discord") == "sending"
	})
	kill()

	s.world.Telegram.Faults.Clear()
	s.world.Discord.Faults.Clear()
	restarted := time.Now()
	s.url, _ = program(t, file)
	s.until("settled", func() bool {
		return s.state("INC-1/1", "discord") == "sent" && s.state("INC-1/1", "x") == "sent" && s.state("INC-1/1", "telegram") == "unsure"
	})
	t.Logf("it took %v to go on; 5 s are promised", time.Since(restarted).Round(time.Second/10))
	for _, p := range []string{"discord", "x", "wechat"} {
		s.wantTexts(p, "Nobody can log in")
	}
	s.wantTexts("telegram") // nobody can know; a person decides
	s.must("retry", "INC-1/1", "telegram")
	s.until("sent", func() bool { return s.state("INC-1/1", "telegram") == "sent" })
	s.wantTexts("telegram", "Nobody can log in")
}

// A post on X that was never answered is looked for after the restart: one that
// is there is not said again, and one that is not there is.
func TestKilledServerFindsOutWhatXHas(t *testing.T) {
	const hang = sim.Duration(time.Hour)
	for name, fault := range map[string]sim.Fault{
		"it is there": {Match: "POST /2/tweets", Kind: "slow", Spread: hang},
		"it is lost":  {Match: "POST /2/tweets", Delay: hang},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, noRoom...)
			file := s.configFile()
			s.world.X.Faults.Add(fault)
			var kill func()
			s.running = &running{moved: make(chan struct{})}
			s.url, kill = program(t, file)
			s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "x")
			s.until("on its way", func() bool {
				return s.state("INC-1/1", "x") == "sending" && (fault.Kind == "" || len(s.feed("x")) == 1)
			})
			s.must("update", "INC-1", "We know the cause.", "--only", "x")
			kill()
			s.world.X.Faults.Clear()
			s.url, _ = program(t, file)
			s.until("known", func() bool { return s.allSent("INC-1") }) // within a minute, on a machine with nothing else to do
			s.wantTexts("x", "Nobody can log in", "We know the cause.")
		})
	}
}

func TestSecondServerOnTheSameFileIsRefused(t *testing.T) {
	s := newServer(t)
	file := filepath.Join(s.dir, "second.toml")
	if err := os.WriteFile(file, []byte(s.toml), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := s.run("serve", "-c", file)
	if err == nil || !strings.Contains(err.Error(), "is in use by another allclear") || !strings.Contains(err.Error(), "exit 1") {
		t.Errorf("got %v", err)
	}
}

func TestStoppingWaitsForAnswersUnderWay(t *testing.T) {
	t.Parallel()
	s := newServer(t, noRoom...)
	s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Delay: sim.Duration(time.Second)})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "telegram")
	s.until("on its way", func() bool { return s.state("INC-1/1", "telegram") == "sending" })
	s.stop()
	s.start()
	s.until("known after the restart", func() bool { return s.state("INC-1/1", "telegram") == "sent" })
	s.wantTexts("telegram", "Nobody can log in")
}

func TestRefusedConnectionsAreNotAttempts(t *testing.T) {
	t.Parallel()
	s := newServer(t, noRoom...)
	s.sims.Down()
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	s.until("tried in vain", func() bool { return strings.Contains(s.log.String(), "nothing was sent") })
	s.stop()
	s.start()
	if err := s.sims.Up(); err != nil {
		t.Fatal(err)
	}
	s.until("sent", func() bool { return s.allSent("INC-1") })
	for _, p := range platforms {
		s.wantTexts(p, "Nobody can log in")
	}
}

func TestDemoPlaysItsStoryAndEnds(t *testing.T) {
	t.Parallel()
	var out syncBuffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e := &env{ctx: ctx, in: strings.NewReader(""), out: &out, err: &out, lookup: func(string) (string, bool) { return "", false }}
	if code := run(e, []string{"demo", "--exit", "--pace", "300ms", "--listen", "127.0.0.1:0"}); code != 0 {
		t.Fatalf("exit %d:\n%s", code, out.String())
	}
	for _, s := range story {
		if !strings.Contains(out.String(), s.title) {
			t.Errorf("the terminal does not tell %q:\n%s", s.title, out.String())
		}
	}
}

func TestDemoStopsOnInterrupt(t *testing.T) {
	pr, pw, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "demo", "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.Stdout = pw
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pw.Close()
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(pr)
	page := ""
	for lines.Scan() && page == "" {
		if _, after, ok := strings.Cut(lines.Text(), "Watch and type here:"); ok {
			page = strings.TrimSpace(after)
		}
	}
	resp, err := http.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the page answers %s", resp.Status)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}
