package main

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// gracefully is what a stop may take here: ten seconds, and whatever a loaded
// machine adds to them. What it must not wait for takes an hour.
const gracefully = time.Minute

// discordRoom makes the room one on Discord too, so that there is a gateway
// session beside the long poll.
var discordRoom = []string{"guild = \"700000000000000001\"", "guild = \"700000000000000001\"\napplication = \"1\"",
	"[[operators]]\nname = \"Ana\"", "[[rooms]]\nbot = \"dc\"\ntarget = \"700000000000000102\"\n\n[[operators]]\nname = \"Ana\""}

// process is the real program, serving.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	log    syncBuffer
	logged chan struct{} // closed when the log has ended
}

// serveProcess starts the program on a configuration file.
func serveProcess(t *testing.T, config string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], append([]string{"serve", "-c", config}, args...)...), logged: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.cmd.Process.Kill(); p.cmd.Wait() })
	address := make(chan string, 1)
	go func() {
		defer close(p.logged)
		serving := regexp.MustCompile(`serving.*address"?[=:]"?(http://[0-9.:]+)`)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			fmt.Fprintln(&p.log, lines.Text())
			if m := serving.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
	}()
	select {
	case p.url = <-address:
	case <-p.logged:
		t.Fatalf("the server did not start:\n%s", p.log.String())
	}
	return p
}

// terminate asks the program to stop and waits until it has.
func (p *process) terminate() (took time.Duration) {
	p.t.Helper()
	began := time.Now()
	p.tellToStop()
	p.ended()
	return time.Since(began)
}

func (p *process) tellToStop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits until the program has stopped.
func (p *process) ended() {
	p.t.Helper()
	<-p.logged
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("it ended with %v:\n%s", err, p.log.String())
	}
}

// inProcess is a server whose life is the real program, with rooms on Telegram
// and Discord.
func inProcess(t *testing.T) (*server, string) {
	t.Helper()
	world := newWorld()
	world.Discord.AddChannel("700000000000000102", "comms", sim.DiscordText)
	s := newServerIn(t, world, discordRoom...)
	file := s.configFile()
	s.running = &running{moved: make(chan struct{})}
	return s, file
}

func TestTerminatedServerLeavesNothingUnsure(t *testing.T) {
	t.Parallel()
	s, file := inProcess(t)
	p := serveProcess(t, file)
	s.url = p.url
	s.until("gateway and long poll", func() bool {
		_, checks := s.readiness()
		return s.world.Discord.Connected() == 1 && checks["account tg"].State == "ok"
	})
	// Every platform has the post and takes two seconds to say so.
	const slow = sim.Duration(2 * time.Second)
	s.world.Discord.Faults.Add(sim.Fault{Match: "POST /discord/api/v9/channels/" + demoNews, Delay: slow, Times: -1})
	s.world.X.Faults.Add(sim.Fault{Match: "POST /2/tweets", Delay: slow, Times: -1})
	s.world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Delay: slow, Times: -1})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--not", "telegram")
	s.until("on their way", func() bool { return s.state("INC-1/1", "x") == "sending" && s.state("INC-1/1", "wechat") == "sending" })
	if took := p.terminate(); took > gracefully {
		t.Errorf("it took %v to stop", took)
	}
	if strings.Contains(p.log.String(), "unsure") || strings.Contains(p.log.String(), "level=ERROR") {
		t.Errorf("its log:\n%s", p.log.String())
	}
	for _, script := range []*sim.Faults{&s.world.Discord.Faults, &s.world.X.Faults, &s.world.WeChat.Faults} {
		script.Clear()
	}
	s.url = serveProcess(t, file).url
	s.until("known after the restart", func() bool { return s.allSent("INC-1") })
	for _, platform := range []string{"discord", "x", "wechat"} {
		if n := strings.Count(strings.Join(s.texts(platform), "\n"), "Nobody can log in"); n != 1 {
			t.Errorf("%s says it %d times:\n%s", platform, n, s.feeds())
		}
	}
}

func TestTerminatedServerWaitsForNobodyForEver(t *testing.T) {
	t.Parallel()
	s, file := inProcess(t)
	p := serveProcess(t, file)
	s.url = p.url
	s.world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Delay: sim.Duration(time.Hour), Times: -1})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "wechat")
	s.until("on its way", func() bool { return s.state("INC-1/1", "wechat") == "sending" })
	// Somebody sends half of a request and no more.
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/incidents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", demoToken)
	if took := p.terminate(); took > gracefully {
		t.Errorf("it took %v to stop", took)
	}
	if answer, err := io.ReadAll(conn); err == nil && len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 4") {
		t.Errorf("half a request is answered %q", answer)
	}
	s.world.WeChat.Faults.Clear()
	s.url = serveProcess(t, file).url
	s.until("nobody can know", func() bool { return s.state("INC-1/1", "wechat") == "unsure" })
	if got := s.must("show"); strings.Count(got, "INC-") != 1 {
		t.Errorf("open are\n%s", got)
	}
}

func TestNoAttemptStartsOnceTheServerStops(t *testing.T) {
	t.Parallel()
	s, file := inProcess(t)
	p := serveProcess(t, file)
	s.url = p.url
	// The pace holds back the second of two posts for a minute.
	s.world.WeChat.Faults.Add(sim.Fault{Match: "/webhook/send", Kind: "status", Status: 429, Code: "45009", RetryAfter: sim.Duration(time.Second), Times: -1})
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "wechat")
	s.until("held back", func() bool { return strings.Contains(p.log.String(), "rate limited") })
	p.terminate()
	s.world.WeChat.Faults.Clear()
	s.wantTexts("wechat")
	s.url = serveProcess(t, file, "--log", "json").url
	s.until("still pending", func() bool {
		return s.state("INC-1/1", "wechat") == "pending" || s.state("INC-1/1", "wechat") == "sent"
	})
}

// A connection to the platform comes to stand when the server has been told to
// stop, and still waits for answers that are under way: nothing is sent on it.
func TestNothingLeavesOnAConnectionThatStandsAfterTheStop(t *testing.T) {
	var requests atomic.Int32
	gate := &gatedListener{asked: make(chan struct{}, 64), open: make(chan struct{})}
	platform := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		io.WriteString(w, `{"errcode":0,"errmsg":"ok"}`)
	}))
	gate.Listener, platform.Listener = platform.Listener, gate
	platform.StartTLS()
	defer platform.Close()
	opened := sync.OnceFunc(func() { close(gate.open) })
	defer opened()
	trusted := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: platform.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", trusted)

	s := newServer(t, append(noRoom, `api_url = "{page}/wechat"`, `api_url = "`+platform.URL+`"`)...)
	file := s.configFile()
	s.running = &running{moved: make(chan struct{})}
	p := serveProcess(t, file)
	s.url = p.url
	s.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.", "--only", "wechat")
	<-gate.asked
	p.tellToStop()
	s.until("stopping", func() bool { // it takes no more requests
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	opened()
	p.ended()
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests on a connection that stood after the stop", n)
	}
	s.url = serveProcess(t, file).url
	s.until("sent after the restart", func() bool { return s.state("INC-1/1", "wechat") == "sent" })
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests after the restart, want 1", n)
	}
}

// gatedListener reads nothing before it is opened, so that a TLS handshake is
// under way for as long.
type gatedListener struct {
	net.Listener
	asked chan struct{} // receives for each connection
	open  chan struct{}
}

func (l *gatedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.asked <- struct{}{}
	return &gatedConn{Conn: c, open: l.open}, nil
}

type gatedConn struct {
	net.Conn
	open chan struct{}
}

func (c *gatedConn) Read(b []byte) (int, error) {
	<-c.open
	return c.Conn.Read(b)
}
