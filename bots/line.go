package bots

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Lines are the connections of a [Bulk] to its platform. Each is used by whoever
// makes a request, who writes it and waits for its answer by himself. net/http's
// transport has two goroutines for each connection, which are woken for each
// request and have to wake others: with few requests at a time that costs more
// than all else, and with many as much (20 against 41 µs of CPU for a request).
// Answers are read by net/http here too.
type lines struct {
	to   *url.URL
	head []byte      // of every request, up to its length
	tls  *tls.Config // nil where nothing is encrypted
	most int         // lines that are kept while nothing is asked on them

	mu    sync.Mutex
	idle  []*line // the last used last
	timer *time.Timer
}

// A line is one connection, on which one request is made at a time.
type line struct {
	net.Conn
	in    *bufio.Reader
	room  *io.LimitedReader // under in: what the answer may still have
	out   []byte            // the request
	since time.Time         // nothing is asked
	until time.Time         // the deadline of the connection
}

// Bounds of a line.
const (
	justUsed = 10 * time.Millisecond // ago a line stood, and is not looked at again
	headRoom = 64 << 10              // bytes of an answer's head
)

func newLines(to *url.URL, most int) *lines {
	var head bytes.Buffer
	head.WriteString("POST " + to.RequestURI() + " HTTP/1.1\r\nHost: " + to.Host + "\r\n")
	_ = jsonHeader().Write(&head) // a buffer takes everything
	head.WriteString("Content-Length: ")
	l := &lines{to: to, head: head.Bytes(), most: most}
	if to.Scheme == "https" {
		l.tls = &tls.Config{ServerName: to.Hostname(), NextProtos: []string{"http/1.1"}}
	}
	return l
}

// post makes one request and reads the beginning of the answer into buf.
func (l *lines) post(ctx context.Context, ex *Exchange, body []byte, leaves func() error, buf []byte) error {
	c, err := l.take(ctx)
	if err != nil {
		return err
	}
	again, err := l.ask(ctx, c, ex, body, leaves, buf)
	if again {
		l.put(c)
	} else {
		c.Close()
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// ask makes a request on a line, and reports whether another may follow on it.
func (l *lines) ask(ctx context.Context, c *line, ex *Exchange, body []byte, leaves func() error, buf []byte) (again bool, err error) {
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	if err := c.hurry(); err != nil {
		return false, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer func() { again = stop() && again }()
	c.out = append(c.out[:0], l.head...)
	c.out = strconv.AppendInt(c.out, int64(len(body)), 10)
	c.out = append(append(c.out, "\r\n\r\n"...), body...)
	if leaves != nil {
		if err := leaves(); err != nil {
			return true, err
		}
	}
	// Set before and not afterwards it is too early by microseconds, where it would
	// be too late: an attempt that was made is never forgotten.
	ex.mark(true)
	if n, err := c.Write(c.out); err != nil {
		ex.mark(n > 0)
		return false, err
	}
	return c.answer(ex, buf)
}

// hurry sees to it that an answer is not waited for longer than answerTime, and a
// quarter. A deadline sets two timers, so it is not moved for each request.
func (c *line) hurry() error {
	now := time.Now()
	if c.until.Sub(now) >= answerTime {
		return nil
	}
	c.until = now.Add(answerTime + answerTime/4)
	return c.SetDeadline(c.until)
}

// answer reads an answer, and reports whether another may follow it.
func (c *line) answer(ex *Exchange, buf []byte) (again bool, err error) {
	c.room.N = headRoom + answerLimit
	for {
		resp, err := http.ReadResponse(c.in, aPost)
		if err != nil {
			return false, err
		}
		if resp.StatusCode/100 == 1 && resp.StatusCode != http.StatusSwitchingProtocols { // another follows
			continue
		}
		err = ex.read(resp, buf)
		resp.Body.Close() // which reads what comes after the body
		return err == nil && !resp.Close && resp.StatusCode >= 200 && c.room.N > 0 && c.in.Buffered() == 0, err
	}
}

// aPost is what answers are to.
var aPost = &http.Request{Method: http.MethodPost}

// take returns a line that stands.
func (l *lines) take(ctx context.Context) (*line, error) {
	for c := l.pop(); c != nil; c = l.pop() {
		if idle := time.Since(c.since); idle < justUsed || idle < idleTime && stands(c.Conn) {
			return c, nil
		}
		c.Close()
	}
	conn, err := l.dial(ctx)
	if err != nil {
		return nil, err
	}
	room := &io.LimitedReader{R: conn}
	return &line{Conn: conn, in: bufio.NewReader(room), room: room}, nil
}

func (l *lines) pop() *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.idle)
	if n == 0 {
		return nil
	}
	c := l.idle[n-1]
	l.idle[n-1] = nil
	l.idle = l.idle[:n-1]
	return c
}

func (l *lines) dial(ctx context.Context) (net.Conn, error) {
	port := l.to.Port()
	if port == "" {
		port = l.to.Scheme // which is the name of a port
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(l.to.Hostname(), port))
	if err != nil || l.tls == nil {
		return conn, err
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	secure := tls.Client(conn, l.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// put keeps a line for the next request.
func (l *lines) put(c *line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.idle) >= l.most {
		c.Close()
		return
	}
	c.since = time.Now()
	l.idle = append(l.idle, c)
	if l.timer == nil {
		l.timer = time.AfterFunc(idleTime, l.reap)
	}
}

// reap closes the lines that were not used for long.
func (l *lines) reap() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, old := time.Now(), 0
	for old < len(l.idle) && now.Sub(l.idle[old].since) >= idleTime {
		l.idle[old].Close()
		old++
	}
	l.idle = slices.Delete(l.idle, 0, old)
	l.timer = nil
	if len(l.idle) > 0 {
		l.timer = time.AfterFunc(idleTime-now.Sub(l.idle[0].since), l.reap)
	}
}
