package model

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// wire is the way from the site to the platforms: connections in memory, on
// which a request and its answer each take a while.
type wire struct {
	accepted chan net.Conn
	server   *http.Server
	closed   chan struct{}
}

// The addresses of the platforms are ports of a host that proxies leave alone.
var ports = map[string]string{"127.0.0.1:1": "telegram", "127.0.0.1:2": "discord", "127.0.0.1:3": "x", "127.0.0.1:4": "wechat"}

// travel is how long a request is on its way, and again its answer. The times
// differ, so that what happens on two platforms does not happen at once.
var travel = map[string]time.Duration{"telegram": 41 * time.Millisecond, "discord": 53 * time.Millisecond, "x": 67 * time.Millisecond, "wechat": 79 * time.Millisecond}

func newWire(h http.Handler) *wire {
	w := &wire{accepted: make(chan net.Conn), closed: make(chan struct{})}
	w.server = &http.Server{Handler: h, ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, sender{}, c.(served).life) //nolint:forcetypeassert // see dial
	}}
	go w.server.Serve(w)
	return w
}

// sender is under what the context of a request has the life that sent it.
type sender struct{}

// served is the platform's end of a connection of a life. What has left arrives
// also when the life is halted.
type served struct {
	net.Conn
	life *life
}

// Accept implements [net.Listener].
func (w *wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.accepted:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (w *wire) Close() error {
	close(w.closed)
	return nil
}

// Addr implements [net.Listener].
func (w *wire) Addr() net.Addr { return &net.TCPAddr{} }

var errRefused = errors.New("connection refused")

// cable is the end of a wire in one life of the process: it is torn when the
// process dies.
type cable struct {
	wire *wire
	life *life

	mu    sync.Mutex
	torn  bool
	conns map[net.Conn]bool
}

func newCable(l *life) *cable {
	return &cable{wire: l.wire, life: l, conns: map[net.Conn]bool{}}
}

func (c *cable) dial(ctx context.Context, _, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.torn || c.life.away(ports[address]) {
		return nil, errRefused
	}
	ours, theirs := net.Pipe()
	select {
	case c.wire.accepted <- served{theirs, c.life}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	c.conns[ours] = true
	return newHaltable(ours, c.life), nil
}

// tear breaks all connections. What has left has left.
func (c *cable) tear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.torn = true
	for conn := range c.conns {
		conn.Close()
	}
}

// recorder sees what is answered.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// readAll takes in a request as a platform does. One that did not arrive in
// full is no request. What then happens to it does not end with its sender.
func readAll(r *http.Request) (*http.Request, []byte, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, nil, err
	}
	r = r.WithContext(context.WithoutCancel(r.Context()))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, body, nil
}
