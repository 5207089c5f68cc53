package bottest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"
)

// A Request is what an adapter sent.
type Request struct {
	Method string
	URL    *url.URL // path and query
	Header http.Header
	Body   []byte
}

// JSON decodes the body into v.
func (r Request) JSON(v any) error { return json.Unmarshal(r.Body, v) }

// Form returns the parameters of a body in HTML form encoding.
func (r Request) Form() (url.Values, error) { return url.ParseQuery(string(r.Body)) }

// A Reply is an answer over HTTP. Status zero is 200. Without a Content-Type
// in Header the body is said to be JSON.
type Reply struct {
	Status int
	Header map[string]string
	Body   string
}

// Quote writes s as JSON does, for building the body of a Reply.
func Quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return string(b)
}

func (r Reply) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	for k, v := range r.Header {
		w.Header().Set(k, v)
	}
	if r.Status != 0 {
		w.WriteHeader(r.Status)
	}
	io.WriteString(w, r.Body)
}

// A manner is what a peer does with a request that it has read.
type manner func(w http.ResponseWriter, r *http.Request)

func answer(reply Reply) manner {
	return func(w http.ResponseWriter, _ *http.Request) { reply.write(w) }
}

// raw sends bytes as they stand, and closes the connection.
func raw(s string) manner {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err) // HTTP/1.1 connections can be taken over
		}
		defer conn.Close()
		io.WriteString(conn, s)
	}
}

// half sends half of a good answer.
func half(reply Reply) manner {
	return raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		len(reply.Body)+2, reply.Body[:len(reply.Body)/2]))
}

// silent never answers. It returns when the client has gone.
func silent(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// unending starts an answer and never ends it.
func unending(reply Reply) manner {
	return func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, reply.Body[:1])
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
}

// echo answers with all that it was sent, as the error pages of some proxies do.
func echo(status int) manner {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<html><body><h1>%d</h1><pre>%s %s\n", status, r.Method, r.RequestURI)
		r.Header.Write(w)
		io.Copy(w, r.Body)
		io.WriteString(w, "</pre></body></html>")
	}
}

// A peer plays the platform: it acts in one manner on every request and
// remembers what it was sent.
type peer struct {
	url    string
	server *httptest.Server
	read   chan struct{} // has an element for each request read

	mu       sync.Mutex
	manner   manner
	requests []Request
	answered time.Time // when the last answer began
	bytes    int       // read from all connections
	opened   int       // connections
	closed   chan struct{}
}

func newPeer(m manner) *peer {
	p := &peer{manner: m, read: make(chan struct{}, 1024), closed: make(chan struct{}, 1024)}
	p.server = httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	p.server.Listener = &countingListener{p.server.Listener, p}
	p.server.Start()
	p.url = p.server.URL
	return p
}

func (p *peer) close() { p.server.Close() }

// become changes the manner for the requests to come.
func (p *peer) become(m manner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.manner = m
}

func (p *peer) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away in the middle
	}
	p.mu.Lock()
	p.requests = append(p.requests, Request{Method: r.Method, URL: r.URL, Header: r.Header.Clone(), Body: body})
	p.answered = time.Now()
	act := p.manner
	p.mu.Unlock()
	p.read <- struct{}{}
	r.Body = io.NopCloser(bytes.NewReader(body))
	act(w, r)
}

// seen returns the requests so far.
func (p *peer) seen() []Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Request(nil), p.requests...)
}

// touched returns how many connections were opened and how many bytes came.
func (p *peer) touched() (conns, bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.opened, p.bytes
}

// countingListener counts what reaches a peer, below HTTP.
type countingListener struct {
	net.Listener
	peer *peer
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.peer.mu.Lock()
	l.peer.opened++
	l.peer.mu.Unlock()
	return &countingConn{Conn: conn, peer: l.peer}, nil
}

type countingConn struct {
	net.Conn
	peer *peer
	once sync.Once
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.peer.mu.Lock()
	c.peer.bytes += n
	c.peer.mu.Unlock()
	return n, err
}

func (c *countingConn) Close() error {
	c.once.Do(func() { c.peer.closed <- struct{}{} })
	return c.Conn.Close()
}

// hangUp is a listener that closes each connection when the first byte of a
// request has come. It returns its address, without scheme.
func hangUp() (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			done.Go(func() {
				defer conn.Close()
				conn.Read(make([]byte, 1))
			})
		}
	})
	return l.Addr().String(), func() { l.Close(); done.Wait() }, nil
}

// nobody is an address on which nothing listens.
func nobody() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
