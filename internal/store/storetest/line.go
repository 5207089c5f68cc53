package storetest

import (
	"context"
	"net"
	"net/url"
	"sync"
	"testing"
)

// A Line is a way to a database on which nothing arrives any more when it is told
// so, without a word to either end: as where packets vanish, or a server is
// halted.
type Line struct {
	URL string // that leads through it

	listener net.Listener
	server   string
	all      sync.WaitGroup

	mu    sync.Mutex
	moved *sync.Cond
	hangs bool
	ended bool
	ends  []net.Conn
	life  int // connections of an earlier one carry nothing any more
}

// NewLine returns a line to a database, which ends with the test.
func NewLine(tb testing.TB, database string) *Line {
	tb.Helper()
	u, err := url.Parse(database)
	if err != nil {
		tb.Fatal(err)
	}
	l := &Line{server: u.Host}
	l.moved = sync.NewCond(&l.mu)
	if l.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	u.Host = l.listener.Addr().String()
	l.URL = u.String()
	l.all.Go(l.accept)
	tb.Cleanup(l.end)
	return l
}

// Hang has nothing arrive on either side, not even that the other one hung up.
func (l *Line) Hang() { l.set(func() { l.hangs = true }) }

// Resume has all arrive, what was held up first.
func (l *Line) Resume() { l.set(func() { l.hangs = false }) }

// Forget has nothing more arrive on the connections that stand, as where a router
// in between has forgotten them. New ones work.
func (l *Line) Forget() { l.set(func() { l.hangs, l.life = false, l.life+1 }) }

func (l *Line) set(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change()
	l.moved.Broadcast()
}

func (l *Line) end() {
	l.listener.Close()
	l.set(func() { l.ended = true })
	l.mu.Lock()
	for _, c := range l.ends {
		c.Close()
	}
	l.mu.Unlock()
	l.all.Wait()
}

func (l *Line) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		life := l.keep(client)
		l.all.Go(func() { l.carry(client, life) })
	}
}

// keep notes a connection that is to be closed in the end.
func (l *Line) keep(c net.Conn) (life int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		c.Close()
	}
	l.ends = append(l.ends, c)
	return l.life
}

// arrives waits while nothing arrives; false if nothing will.
func (l *Line) arrives(life int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.hangs && !l.ended {
		l.moved.Wait()
	}
	return !l.ended && life == l.life
}

func (l *Line) carry(client net.Conn, life int) {
	if !l.arrives(life) {
		return
	}
	server, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.server)
	if err != nil {
		client.Close()
		return
	}
	l.keep(server)
	l.all.Go(func() { l.pass(client, server, life) })
	l.pass(server, client, life)
}

// pass carries what one side says to the other.
func (l *Line) pass(to, from net.Conn, life int) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if !l.arrives(life) {
			return
		}
		if _, wrong := to.Write(buf[:n]); err != nil || wrong != nil {
			to.Close()
			from.Close()
			return
		}
	}
}
