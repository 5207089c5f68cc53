package model

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// gate holds a life up while it is halted, as SIGSTOP does: its clock goes on,
// what was sent to it waits, and it takes no step.
type gate struct {
	mu      sync.Mutex
	shut    chan struct{} // closed when it goes on; nil while it is not halted
	once    sync.Once
	halted  chan struct{} // closed when it is halted for the first time
	forever bool          // it is dead and held up no more
}

func newGate() *gate { return &gate{halted: make(chan struct{})} }

// wait returns when the life may take a step.
func (g *gate) wait() {
	if shut := g.held(); shut != nil {
		<-shut
	}
}

// held is closed when the life goes on; nil if it does.
func (g *gate) held() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.shut
}

// halt holds the life up for a while.
func (g *gate) halt(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil || g.forever {
		return
	}
	g.shut = make(chan struct{})
	g.once.Do(func() { close(g.halted) })
	time.AfterFunc(d, g.open)
}

// open lets the life go on.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut != nil {
		close(g.shut)
		g.shut = nil
	}
}

// end has the life never be held up again.
func (g *gate) end() {
	g.mu.Lock()
	g.forever = true
	g.mu.Unlock()
	g.open()
}

// overtaken reports whether the life was ever halted, so that another may have
// taken its accounts over.
func (g *gate) overtaken() bool {
	select {
	case <-g.halted:
		return true
	default:
		return false
	}
}

// haltable is a connection of a life.
type haltable struct {
	net.Conn
	*life
	closed *atomic.Bool
}

func newHaltable(c net.Conn, l *life) haltable { return haltable{c, l, new(atomic.Bool)} }

func (c haltable) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.gate.wait()
	return n, err
}

func (c haltable) Write(b []byte) (int, error) {
	c.gate.wait()
	if c.gone() || c.closed.Load() {
		return 0, errDead
	}
	return c.Conn.Write(b)
}

// Close does not block: whoever closes may hold a lock, for which others would
// wait in a way that a bubble does not know of. But nothing is written after it.
func (c haltable) Close() error {
	c.closed.Store(true)
	shut := c.gate.held()
	if shut == nil {
		return c.Conn.Close()
	}
	go func() {
		<-shut
		c.Conn.Close()
	}()
	return nil
}
