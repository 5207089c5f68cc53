package bots

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
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
// of size and time, no secret in an error) at the cost of little more than the
// transport's.
type Bulk struct {
	client *Client
	base   *http.Transport
}

// NewBulk returns a bulk client that keeps up to idle connections open, and
// whose errors are as free of secrets as those of c. Answers are of a few hundred
// bytes, which cost more to unpack than to receive.
func NewBulk(c *Client, idle int) *Bulk {
	b := &Bulk{client: c, base: newTransport(idle)}
	b.base.DisableCompression = true
	return b
}

// Post makes one request with a JSON body and reads the beginning of the answer
// into buf, as much as fits. The exchange that it returns is only for its
// result.
func (b *Bulk) Post(ctx context.Context, to *url.URL, body io.ReadCloser, length int64, leaves func() error, buf []byte) *Exchange {
	ex := &Exchange{client: b.client}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var conn net.Conn
	var refused atomic.Pointer[error]
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { conn = info.Conn },
		// The headers are in the buffer and nothing has left, nor does it when
		// the connection is closed. That the mark is set now and not afterwards
		// makes it too early by microseconds, where it would be too late: an
		// attempt that was made is never forgotten.
		WroteHeaders: func() {
			if leaves != nil {
				if err := leaves(); err != nil {
					refused.Store(&err)
					conn.Close()
					return
				}
			}
			ex.mark(true)
		},
	})
	req := (&http.Request{Method: http.MethodPost, URL: to, Host: to.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: jsonHeader(), Body: body, ContentLength: length}).WithContext(ctx)
	resp, err := b.base.RoundTrip(req)
	if err != nil {
		if why := refused.Load(); why != nil {
			err = *why
		}
		ex.failed(err)
		return ex
	}
	defer resp.Body.Close()
	ex.Status, ex.Header = resp.StatusCode, resp.Header
	n, err := io.ReadFull(resp.Body, buf)
	ex.Body = buf[:n]
	if err == nil { // the rest, so that the connection can be used again
		_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit))
	} else if ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF); ended && resp.ContentLength <= int64(n) {
		err = nil
	}
	if err != nil {
		ex.Err = b.client.scrub(err)
	}
	return ex
}

func jsonHeader() http.Header {
	return http.Header{"Content-Type": {"application/json"}}
}
