package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"github.com/allclear-hq/allclear/bots"
)

// patience says how long a connection to the gateway is waited for.
type patience struct {
	dial    time.Duration // for TCP and the upgrade
	ready   time.Duration // from the start to READY
	silence time.Duration // without an acknowledged heartbeat
	watch   time.Duration // between two looks at the heartbeat
	pause   time.Duration // before the first new attempt at anything
	again   time.Duration // at most, before an event is given to its handler again
	longest time.Duration // at most, before a new connection: well under 1000 a day
	settled time.Duration // a connection that held this long was a good one
}

func defaultPatience() patience {
	return patience{
		dial: 10 * time.Second, ready: 30 * time.Second,
		silence: 100 * time.Second, // Discord asks for a heartbeat every 41 s: two were lost
		watch:   time.Second,
		pause:   time.Second, again: 30 * time.Second, longest: 2 * time.Minute, settled: 5 * time.Minute,
	}
}

// Close codes (Topics, "Gateway Close Event Codes") after which another
// attempt is pointless.
const (
	wrongToken        = 4004
	invalidShard      = 4010
	invalidIntents    = 4013
	disallowedIntents = 4014
)

func final(code int) bool {
	return code == wrongToken || code >= invalidShard && code <= disallowedIntents
}

func closeCode(err error) int {
	if ce, ok := errors.AsType[*websocket.CloseError](err); ok {
		return ce.Code
	}
	return 0
}

func refusedBy(code int) *bots.Fault {
	f := &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: strconv.Itoa(code), Detail: "the gateway refuses the bot"}
	switch code {
	case wrongToken:
		f.Detail = "the gateway refuses the token; take the present one from the developer portal"
	case invalidIntents, disallowedIntents:
		f.Detail = "the gateway refuses the intents; look at the application's settings"
	}
	return f
}

// connection is one connection to the gateway.
//
// The library waits for ever for HELLO and READY in Open, and Close waits for
// a write, both holding the session's lock. So each connection has a session
// of its own, Open runs beside us, and whatever is wrong ends by closing the
// socket underneath: then all of the library's goroutines for it fail and end.
type connection struct {
	session *discordgo.Session
	socket  socket
	ready   chan struct{} // closed by READY
	gone    chan struct{} // closed when the library has given up
	alive   time.Time     // the last acknowledged heartbeat that we know of
	heard   *bots.Pulse
}

// connect holds one connection until it ends, and says why it did.
func (l *listener) connect(life context.Context, asked discordgo.Intent) error {
	ctx, cancel := context.WithCancel(life)
	defer cancel()
	c, err := l.prepare(ctx, life, asked)
	if err != nil {
		return err
	}
	defer c.socket.close()
	opened := make(chan error, 1)
	go func() { opened <- c.session.Open() }()
	return c.watch(ctx, opened, l.bot.patience)
}

// prepare asks where the gateway is and makes a session for it. What is heard
// outlives the connection, until life ends.
func (l *listener) prepare(ctx, life context.Context, asked discordgo.Intent) (*connection, error) {
	address, f := l.bot.gateway(ctx)
	if f != nil {
		return nil, f
	}
	s, err := l.bot.session()
	if err != nil {
		return nil, err
	}
	c := &connection{session: s, ready: make(chan struct{}), gone: make(chan struct{}), alive: time.Now(), heard: &l.bot.heard}
	s.Identify.Intents = asked
	s.Identify.Compress = false // which the relay does not read
	s.Client = &http.Client{Transport: known{"ws://relay"}}
	dialer := &websocket.Dialer{
		Proxy:            http.ProxyFromEnvironment,
		HandshakeTimeout: l.bot.patience.dial,
		NetDialContext: func(_ context.Context, network, addr string) (net.Conn, error) {
			return c.socket.dial(ctx, l.bot.patience.dial, network, addr)
		},
	}
	ready := sync.OnceFunc(func() {
		c.heard.Beat()
		close(c.ready)
	})
	hear := func(kind string, data json.RawMessage) {
		if kind == "READY" {
			ready()
		}
		l.hear(life, kind, data)
	}
	s.Dialer = &websocket.Dialer{HandshakeTimeout: l.bot.patience.dial, NetDial: func(string, string) (net.Conn, error) {
		return relayed(ctx, dialer, address, hear)
	}}
	gone := sync.OnceFunc(func() { close(c.gone) })
	s.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) { gone() })
	return c, nil
}

// watch waits until the connection is over.
func (c *connection) watch(ctx context.Context, opened <-chan error, p patience) error {
	late := time.NewTimer(p.ready)
	defer late.Stop()
	look := time.NewTicker(p.watch)
	defer look.Stop()
	ready := c.ready
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-opened:
			if err != nil {
				return err
			}
			opened = nil
		case <-ready:
			ready = nil
			late.Stop()
		case <-late.C:
			return errors.New("the gateway did not become ready in time")
		case <-c.gone:
			return errors.New("the gateway closed the connection")
		case <-look.C:
			if ready == nil && !c.beats(p.silence) {
				return errors.New("the gateway does not acknowledge heartbeats")
			}
		}
	}
}

// beats reports whether a heartbeat was acknowledged within the time given. A
// lock that cannot be had counts as silence too.
func (c *connection) beats(within time.Duration) bool {
	if c.session.TryRLock() {
		c.alive = c.session.LastHeartbeatAck
		c.session.RUnlock()
		c.heard.BeatAt(c.alive)
	}
	return time.Since(c.alive) < within
}

// gateway asks where the gateway is (Events, "Get Gateway"). Our token goes
// there, so that it must be as protected as the API itself.
func (b *Bot) gateway(ctx context.Context) (string, *bots.Fault) {
	var g struct {
		URL string `json:"url"`
	}
	if f := b.get(ctx, "/gateway", &g); f != nil {
		return "", f
	}
	u, err := url.Parse(g.URL)
	if err != nil || u.Host == "" || u.Scheme != "wss" && !(u.Scheme == "ws" && strings.HasPrefix(b.api, "http:")) {
		return "", &bots.Fault{Kind: bots.Temporary, Detail: bots.OneLine(fmt.Sprintf("the gateway's address %q cannot be used", g.URL))}
	}
	return g.URL, nil
}

// known answers the library's question for the gateway's address, whose URL
// it computes from its own constants. It is that of the relay.
type known struct{ address string }

func (k known) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := json.Marshal(map[string]string{"url": k.address})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Request: req, Header: http.Header{},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// socket is the network connection under a session.
type socket struct {
	mu     sync.Mutex
	conn   net.Conn
	closed bool
}

func (s *socket) dial(ctx context.Context, within time.Duration, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: within}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return nil, net.ErrClosed
	}
	s.conn = conn
	return conn, nil
}

func (s *socket) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.conn != nil {
		s.conn.Close()
	}
}
