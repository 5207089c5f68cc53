package bots

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
)

// A detour is the way of a [Bulk] through net/http's transport, which knows
// proxies of all kinds and names in all scripts.
type detour struct {
	to   *url.URL
	base *http.Transport
}

// newDetour does not ask for packed answers: they are of a few hundred bytes,
// which cost more to unpack than to receive.
func newDetour(to *url.URL, idle int) *detour {
	d := &detour{to: to, base: newTransport(idle)}
	d.base.DisableCompression = true
	return d
}

func (d *detour) post(ctx context.Context, ex *Exchange, body []byte, leaves func() error, buf []byte) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	var conn net.Conn
	var refused atomic.Pointer[error]
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { conn = info.Conn },
		// The headers are in the buffer and nothing has left, nor does it when
		// the connection is closed.
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
	req := (&http.Request{Method: http.MethodPost, URL: d.to, Host: d.to.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: jsonHeader(), Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}).WithContext(ctx)
	resp, err := d.base.RoundTrip(req)
	if why := refused.Load(); why != nil && err != nil {
		return *why
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return ex.read(resp, buf)
}
