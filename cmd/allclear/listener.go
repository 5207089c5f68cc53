package main

import (
	"net"
	"sync"
)

// mostConnections is how many readers are connected at the same time, where the
// system lets us open twice as many files: the other half is for posts and the
// database.
const mostConnections = 8192

// limitListener has at most so many connections open. Who comes when there are
// as many waits until one is closed; idle and slow ones are, after a while.
type limitListener struct {
	net.Listener
	slots  chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newLimitListener(l net.Listener, most int) *limitListener {
	return &limitListener{Listener: l, slots: make(chan struct{}, most), closed: make(chan struct{})}
}

func (l *limitListener) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &limitedConn{Conn: c, leave: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limitListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

type limitedConn struct {
	net.Conn
	leave func()
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// connections is how many may be open, given how many files this process may.
func connections(files int) int {
	if files <= 0 {
		return mostConnections
	}
	return min(mostConnections, max(files/2, 16))
}
