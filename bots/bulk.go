package bots

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// A Courier carries the same words to many people, one request each, at less
// cost per message than Do. It is implemented by bots whose platform takes
// subscribers (Telegram).
type Courier interface {
	// Pack prepares a text to be delivered. It refuses what Do would refuse.
	Pack(text string) (Parcel, error)

	// Deliver posts a parcel with one request and returns the id of the
	// message. On failure the error is a *[Fault], as that of Do.
	Deliver(ctx context.Context, p Parcel, to Address) (message int64, err error)
}

// A Parcel is a text as its courier carries it.
type Parcel []byte

// An Address is where a parcel goes.
type Address struct {
	Chat    int64
	Topic   int64        // of the chat; 0 for none
	ReplyTo int64        // the message that it answers; 0 for none
	Paid    bool         // beyond the free pace, for money
	Leaves  func() error // called in the last moment before the bytes leave, which an error prevents; may be nil
}

// Bulk is the HTTP side of a courier: requests that are small, many and alike.
// It keeps the promises of [Client] (one request, no redirect, HTTP/1.1, bounds
// of size and time, no secret in an error) at half the cost.
type Bulk struct {
	client *Client
	way    way
}

// A way makes one request with a JSON body and reads the beginning of the answer
// into buf. It calls leaves in the last moment before bytes leave, which an error
// of that prevents, and marks the exchange as sent from then on.
type way interface {
	post(ctx context.Context, ex *Exchange, body []byte, leaves func() error, buf []byte) error
}

// NewBulk returns a bulk client of one address that keeps up to idle connections
// open, and whose errors are as free of secrets as those of c.
func NewBulk(c *Client, to *url.URL, idle int) *Bulk {
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: to})
	if proxy != nil || err != nil || !plain(to.Hostname()) {
		return &Bulk{c, newDetour(to, idle)}
	}
	return &Bulk{c, newLines(to, idle)}
}

// plain reports whether a host's name is what is dialled and asked for.
func plain(host string) bool {
	return !strings.ContainsFunc(host, func(r rune) bool { return r > 127 || r == '%' })
}

// Post makes one request with a JSON body and reads the beginning of the answer
// into buf, as much as fits. The exchange that it returns is only for its
// result.
func (b *Bulk) Post(ctx context.Context, body []byte, leaves func() error, buf []byte) *Exchange {
	ex := &Exchange{client: b.client}
	if err := b.way.post(ctx, ex, body, leaves, buf); err != nil {
		ex.failed(err)
	}
	return ex
}

// read takes the beginning of an answer, and reads the rest, so that the
// connection can be used again.
func (ex *Exchange) read(resp *http.Response, buf []byte) (err error) {
	ex.Status, ex.Header = resp.StatusCode, resp.Header
	n := 0
	for n < len(buf) && err == nil {
		var more int
		more, err = resp.Body.Read(buf[n:])
		n += more
	}
	ex.Body = buf[:n]
	if err == nil {
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit))
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// jsonHeader has a name too: front ends refuse who has none.
func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}, "User-Agent": {"allclear"}}
}
