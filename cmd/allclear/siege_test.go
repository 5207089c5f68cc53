package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/web"
)

// dial opens a connection to the server and says something.
func (s *server) dial(t *testing.T, said string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, said); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestHugeBodiesAndHeadersAreRefused(t *testing.T) {
	s := newServer(t, noRoom...)
	const ten = 10 << 20
	conn := s.dial(t, fmt.Sprintf("POST /v1/incidents HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{\"title\":\"", demoToken, ten))
	go io.Copy(conn, io.LimitReader(endless{}, ten)) // until the server hangs up
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusRequestEntityTooLarge || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("10 MB are answered %s %v", resp.Status, resp.Header)
	}
	conn = s.dial(t, "GET / HTTP/1.1\r\nHost: x\r\nCookie: "+strings.Repeat("x", 200<<10)+"\r\n\r\n")
	resp, err = http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("200 KB of headers are answered %s", resp.Status)
	}
	if got := s.must("show"); got != "Nothing is open." {
		t.Errorf("open is %q", got)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestSlowClientsAreCutOff(t *testing.T) {
	s := newServer(t, noRoom...)
	conn := s.dial(t, "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ") // and never the rest
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(conn)
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		t.Error("a client that never ends its headers is waited for")
	}
}

// Ten thousand requests, while two hundred connections say nothing at all, do
// not keep an update from the channels.
func TestManyRequestsDoNotStopPosting(t *testing.T) {
	s := newServer(t, noRoom...)
	for range 200 {
		s.dial(t, "G")
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}, Timeout: time.Minute}
	var answers [600]atomic.Int64 // by status
	var siege sync.WaitGroup
	jobs := make(chan string)
	for range 100 {
		siege.Go(func() {
			for path := range jobs {
				req, _ := http.NewRequestWithContext(t.Context(), "GET", s.url+path, nil)
				req.Header.Set("Authorization", "Bearer "+demoToken)
				resp, err := client.Do(req)
				if err != nil {
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				answers[resp.StatusCode].Add(1)
			}
		})
	}
	start := time.Now()
	paths := []string{"/", "/v1/incidents", "/v1/deliveries?incident=INC-1", "/readyz", "/metrics", "/incidents/INC-1", "/nothing", "/v1/audit"}
	began := make(chan struct{})
	siege.Go(func() {
		defer close(jobs)
		for i := range 10_000 {
			if i == 1000 {
				close(began)
			}
			jobs <- paths[i%len(paths)]
		}
	})
	<-began
	// A person in a room, or anybody with an allowance of his own, still gets through.
	answer, err := s.app.desk.Do(t.Context(), ana(), "", opening())
	if err != nil || answer.Ref != "INC-1" {
		t.Fatalf("%+v, %v", answer, err)
	}
	s.until("on every channel", func() bool {
		for _, p := range platforms {
			if !strings.Contains(strings.Join(s.texts(p), "\n"), "Nobody can log in") {
				return false
			}
		}
		return true
	})
	siege.Wait()
	// Three of eight go to the API; a slow machine may ask no more than it may.
	allowed := web.DefaultLimits().Operator
	most := float64(allowed.Burst) + allowed.PerSecond*time.Since(start).Seconds()
	if ok, limited := answers[200].Load(), answers[429].Load(); ok == 0 || limited == 0 && 10_000*3/8 > most {
		t.Errorf("%d were answered and %d limited", ok, limited)
	}
	for status := 500; status < 600; status++ {
		if n := answers[status].Load(); n > 0 && status != http.StatusServiceUnavailable {
			t.Errorf("%d answers %d", n, status)
		}
	}
}

func TestConnectionsBeyondTheLimitWaitForTheirTurn(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newLimitListener(inner, 2)
	accepted := make(chan net.Conn)
	ended := make(chan error, 1)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				ended <- err
				return
			}
			accepted <- c
		}
	}()
	for range 3 {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	first := <-accepted
	<-accepted
	select {
	case <-accepted:
		t.Fatal("a third connection is open")
	case <-time.After(100 * time.Millisecond):
	}
	first.Close()
	first.Close() // again, which gives no second place
	<-accepted
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting ended with %v", err)
	}
	for files, want := range map[int]int{0: mostConnections, 1024: 512, 8: 16, 1 << 20: mostConnections} {
		if got := connections(files); got != want {
			t.Errorf("with %d files %d connections, want %d", files, got, want)
		}
	}
}

// A page that nobody reads fills the buffers, and then the writing ends.
func TestUnreadAnswersHoldNothingUp(t *testing.T) {
	s := newServer(t, noRoom...)
	s.world.Telegram.Faults.Add(sim.Fault{Match: "sendMessage", Delay: sim.Duration(100 * time.Millisecond)})
	for range 50 {
		s.dial(t, strings.Repeat("GET / HTTP/1.1\r\nHost: x\r\n\r\n", 1000))
	}
	s.opened()
	s.wantTexts("telegram", "Nobody can log in")
}

// ana and opening are a command that comes by another way than HTTP.
func ana() desk.Actor { return desk.Actor{Name: "Ana", Role: desk.Publisher, Origin: "telegram"} }

func opening() desk.Command {
	return desk.Open{Kind: incident.Outage, Saying: incident.Saying{
		Title: "Login is down", Impact: incident.Major, Body: incident.Text{"en": "Nobody can log in since noon."},
	}}
}
