package sim

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// Server serves a handler on a port of its own on loopback. It can be taken
// down and brought up again at the same address, as a platform that is
// unreachable for a while.
type Server struct {
	URL string // base address, without a slash at the end

	handler http.Handler
	addr    string

	mu   sync.Mutex
	life *life // nil while down
}

// life is the time between an Up and a Down.
type life struct {
	server *http.Server
	ended  chan struct{} // closed when the server has stopped accepting

	mu    sync.Mutex
	conns map[net.Conn]struct{} // open ones, hijacked ones included
}

// Serve starts serving h on a free port.
func Serve(h http.Handler) (*Server, error) {
	s := &Server{handler: h, addr: "127.0.0.1:0"}
	return s, s.Up()
}

// Up brings the server back at its address. It does nothing when it is up.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.addr)
	if err != nil {
		return fmt.Errorf("sim: serving on %s: %w", s.addr, err)
	}
	if s.URL == "" { // written once: it may be read at any time from then on
		s.addr = listener.Addr().String()
		s.URL = "http://" + s.addr
	}
	l := &life{ended: make(chan struct{}), conns: make(map[net.Conn]struct{})}
	l.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	s.life = l
	go func() {
		defer close(l.ended)
		l.server.Serve(tracked{listener, l}) // always ends with ErrServerClosed, by Down
	}()
	return nil
}

// Down refuses connections from now on and drops those that exist, websockets
// included. It does nothing when the server is down.
func (s *Server) Down() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == nil {
		return
	}
	s.life.server.Close()
	<-s.life.ended
	s.life.dropAll()
	s.life = nil
}

// Close ends the server for good.
func (s *Server) Close() { s.Down() }

func (l *life) dropAll() {
	l.mu.Lock()
	conns := l.conns
	l.conns = nil
	l.mu.Unlock()
	for c := range conns {
		c.(*trackedConn).Conn.Close()
	}
}

// tracked remembers the connections that it accepted. A http.Server forgets
// those that were hijacked.
type tracked struct {
	net.Listener
	life *life
}

func (t tracked) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tc := &trackedConn{Conn: c, life: t.life}
	t.life.mu.Lock()
	defer t.life.mu.Unlock()
	t.life.conns[tc] = struct{}{}
	return tc, nil
}

type trackedConn struct {
	net.Conn
	life *life
}

func (c *trackedConn) Close() error {
	c.life.mu.Lock()
	delete(c.life.conns, c)
	c.life.mu.Unlock()
	return c.Conn.Close()
}
