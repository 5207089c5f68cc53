// Package crowd is a Telegram of which nothing is left but people who take
// messages, at the least cost: what is measured against it is who sends. Only
// tests and benchmarks use it.
package crowd

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// An Answer is what a request gets.
type Answer int

// The answers.
const (
	Taken     Answer = iota // the message is there
	TooMany                 // 429: nothing is taken for RetryAfter seconds
	TakenDumb               // the message is there, and the connection ends without an answer
)

// RetryAfter is how long TooMany asks for, in seconds.
const RetryAfter = 3

// Crowd listens on loopback. Its fields may be set before the first request.
type Crowd struct {
	URL    string
	Rate   int                     // messages in any second; 0 is any number. More are TooMany
	Way    func() time.Duration    // how long a request travels, and as long its answer; nil is not at all
	Answer func(chat int64) Answer // nil is Taken

	// Says has what people say to the bot: updates, as Telegram writes them.
	Says chan string

	// Heard is called with each message that was taken, one at a time.
	Heard func(chat int64, message int64)

	listener net.Listener
	mu       sync.Mutex
	last     int64 // message
	refused  int
	times    []time.Time // of the last Rate messages, a ring once full
}

// Listen returns a crowd that takes messages until it is closed.
func Listen() (*Crowd, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &Crowd{URL: "http://" + l.Addr().String(), listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c, nil
}

// Close takes no more connections.
func (c *Crowd) Close() error { return c.listener.Close() }

// Count tells how many messages were taken, and how many refused for the rate.
func (c *Crowd) Count() (taken, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int(c.last), c.refused
}

// serve answers the requests of one connection.
func (c *Crowd) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReaderSize(conn, 8<<10)
	var body, out []byte
	for {
		method, length, err := head(in)
		if err != nil {
			return
		}
		if cap(body) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(in, body); err != nil {
			return
		}
		answer, status, cut := []byte(nobody), "200 OK", false
		switch method {
		case "sendMessage":
			c.travel()
			out, status, cut = c.take(out[:0], chatOf(body))
			c.travel()
			answer = out
		case "getUpdates":
			answer = []byte(`{"ok":true,"result":[` + c.said() + `]}`)
		}
		if cut {
			return
		}
		reply := make([]byte, 0, 512)
		reply = append(reply, "HTTP/1.1 "+status+"\r\nContent-Type: application/json\r\nContent-Length: "...)
		reply = strconv.AppendInt(reply, int64(len(answer)), 10)
		reply = append(append(reply, "\r\n\r\n"...), answer...)
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

const nobody = `{"ok":true,"result":{"id":42,"is_bot":true,"first_name":"Crowd","username":"crowd_bot"}}`

// head reads a request up to its body.
func head(in *bufio.Reader) (method string, length int, err error) {
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return "", 0, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case first:
			path, _, _ := bytes.Cut(line, []byte(" HTTP/"))
			method = string(path[bytes.LastIndexByte(path, '/')+1:])
		case len(line) == 0:
			return method, length, nil
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return "", 0, err
			}
		}
	}
}

// chatOf finds the chat in a body, which is JSON or a form.
func chatOf(body []byte) int64 {
	if len(body) > 0 && body[0] != '{' {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return 0
		}
		chat, err := strconv.ParseInt(form.Get("chat_id"), 10, 64)
		if err != nil {
			return 0
		}
		return chat
	}
	_, rest, _ := bytes.Cut(body, []byte(`"chat_id":`))
	rest = bytes.TrimLeft(rest, `" `)
	end := 0
	for end < len(rest) && (rest[end] == '-' || '0' <= rest[end] && rest[end] <= '9') {
		end++
	}
	chat, err := strconv.ParseInt(string(rest[:end]), 10, 64)
	if err != nil {
		return 0
	}
	return chat
}

// said waits a second for somebody to say something.
func (c *Crowd) said() string {
	select {
	case update := <-c.Says:
		return update
	case <-time.After(time.Second):
		return ""
	}
}

// travel is one way between who sends and the crowd.
func (c *Crowd) travel() {
	if c.Way != nil {
		time.Sleep(c.Way()) //nolint:forbidigo // nothing ends it: the crowd takes what was sent
	}
}

// take takes a message, or refuses it.
func (c *Crowd) take(out []byte, chat int64) (answer []byte, status string, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what := Taken
	if c.Answer != nil {
		what = c.Answer(chat)
	}
	if what == TooMany || !c.room(time.Now()) {
		c.refused++
		seconds := 1
		if what == TooMany {
			seconds = RetryAfter
		}
		out = append(out, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after `...)
		out = strconv.AppendInt(out, int64(seconds), 10)
		out = append(out, `","parameters":{"retry_after":`...)
		out = strconv.AppendInt(out, int64(seconds), 10)
		return append(out, `}}`...), "429 Too Many Requests", false
	}
	c.last++
	if c.Heard != nil {
		c.Heard(chat, c.last)
	}
	out = append(out, `{"ok":true,"result":{"message_id":`...)
	out = strconv.AppendInt(out, c.last, 10)
	out = append(out, `,"date":1700000000,"chat":{"id":`...)
	out = strconv.AppendInt(out, chat, 10)
	return append(out, `,"type":"private"},"text":"x"}}`...), "200 OK", what == TakenDumb
}

// room reports whether another message fits into the second before now.
func (c *Crowd) room(now time.Time) bool {
	if c.Rate == 0 {
		return true
	}
	if len(c.times) < c.Rate {
		c.times = append(c.times, now)
		return true
	}
	k := int(c.last) % c.Rate
	if now.Sub(c.times[k]) < time.Second {
		return false
	}
	c.times[k] = now
	return true
}
