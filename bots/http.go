package bots

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Bounds of one exchange with a platform.
const (
	answerLimit = 1 << 20          // bytes of an answer that are read; the rest is cut
	dialTimeout = 5 * time.Second  // for TCP and again for TLS
	answerTime  = 20 * time.Second // from request to the last byte of the answer, unless the context ends sooner
	idleTime    = 30 * time.Second // that a connection is kept: below the idle time of the usual front ends, so that a reused one is alive
)

// BeforeSend returns a context whose next exchange calls journal once, when a
// connection stands and before the first byte of the request leaves on it, and
// on no other. If journal returns an error nothing is sent and the exchange
// fails with it, as Temporary. A dial or TLS handshake that fails never calls
// journal.
func BeforeSend(ctx context.Context, journal func() error) context.Context {
	return context.WithValue(ctx, journalKey{}, journal)
}

type journalKey struct{}
type dialKey struct{}
type exchangeKey struct{}

// Dial connects to an address, as [net.Dialer.DialContext] does.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// DialWith returns a context whose exchanges open connections with dial. Tests
// reach simulators with it where time is not real, and a connection of the
// system's would not wait for it.
func DialWith(ctx context.Context, dial Dial) context.Context {
	return context.WithValue(ctx, dialKey{}, dial)
}

// dial connects as the context says, and otherwise as the system does.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	if d, ok := ctx.Value(dialKey{}).(Dial); ok {
		return d(ctx, network, address)
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: 15 * time.Second}
	return d.DialContext(ctx, network, address)
}

// An Exchange is what happened on the wire during one Do: the libraries that
// carry our requests lose some of it (status, headers, whether anything left).
// Start one with [Client.Exchange], pass its context through the library, and
// build the result from its fields.
type Exchange struct {
	Status int         // HTTP status; 0 when no answer came
	Header http.Header // of the answer; nil when none came
	Body   []byte      // of the answer, as far as it came, at most 1 MiB
	Err    error       // why there is no complete answer; never contains a URL or secret

	client *Client
	mu     sync.Mutex
	begun  bool // a request was handed to the transport
	sent   bool // bytes of it may have left
}

// Client is the HTTP side of an account. Every adapter sends through one.
// It makes one request per exchange, never follows a redirect, speaks
// HTTP/1.1 (so that "was anything written?" has an answer for each request),
// caps size and time of answers, and strips secrets from what it returns.
type Client struct {
	HTTP    *http.Client // for the libraries; its transport refuses requests outside an Exchange
	secrets []string
}

// NewClient returns a client whose errors never contain any of the secrets.
func NewClient(secrets ...string) *Client {
	c := &Client{}
	for _, s := range secrets {
		if s != "" {
			c.secrets = append(c.secrets, s)
			for _, escaped := range []string{url.QueryEscape(s), url.PathEscape(s)} {
				if escaped != s {
					c.secrets = append(c.secrets, escaped)
				}
			}
		}
	}
	// A secret that is a part of another must not leave the rest of it.
	slices.SortStableFunc(c.secrets, func(a, b string) int { return len(b) - len(a) })
	c.HTTP = &http.Client{
		Transport:     &transport{client: c, base: newTransport(32)},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// newTransport returns the transport of an account, which keeps so many idle
// connections.
func newTransport(idle int) *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: idle,
		IdleConnTimeout:     idleTime,
		Protocols:           protocols,
	}
}

// Exchange begins the single request of one Do. The returned context must
// reach the request; cancel must be called when the result has been read.
func (c *Client) Exchange(ctx context.Context) (context.Context, *Exchange, context.CancelFunc) {
	ex := &Exchange{client: c}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, exchangeKey{}, ex), answerTime)
	return ctx, ex, cancel
}

// Redact replaces the account's secrets in s.
func (c *Client) Redact(s string) string {
	for _, secret := range c.secrets {
		s = strings.ReplaceAll(s, secret, "***")
	}
	return s
}

// Sent reports whether bytes of the request may have left this machine.
func (ex *Exchange) Sent() bool {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	return ex.sent
}

// Fault is the verdict where the platform's own words do not say more: no
// complete answer, or a status. detail is the platform's explanation, if any
// was understood. It is nil for a complete 2xx answer.
//
// Callers classify what their platform documents first, and fall back to this.
func (ex *Exchange) Fault(code, detail string) *Fault {
	detail = OneLine(ex.client.Redact(detail))
	switch {
	case ex.Status == 0 && !ex.Sent():
		return &Fault{Kind: Temporary, Code: code, Detail: ex.why("nothing was sent", detail)}
	case ex.Status == 0:
		return &Fault{Kind: Unsure, Code: code, Detail: ex.why("no answer", detail)}
	case ex.Status/100 == 2 && ex.Err != nil:
		return &Fault{Kind: Unsure, Code: code, Detail: ex.why("the answer was cut short", detail)}
	case ex.Status/100 == 2:
		return nil
	}
	if code == "" {
		code = strconv.Itoa(ex.Status)
	}
	if detail == "" {
		detail = http.StatusText(ex.Status)
	}
	f := &Fault{Code: code, Detail: detail}
	switch s := ex.Status; {
	case s == http.StatusTooManyRequests:
		f.Kind, f.Until = RateLimited, ex.RetryAfter(time.Minute)
	case s == http.StatusUnauthorized:
		f.Kind, f.Subject = Unauthorized, Account
	case s >= 500 || s == http.StatusRequestTimeout || s < 200:
		f.Kind = Unsure // a front end may answer so after the platform has taken the request
	case ex.Err != nil: // a refusal whose words are lost; the next one may say more
		f.Kind = Temporary
	default: // 3xx is never followed; 4xx is a refusal
		f.Kind = Rejected
	}
	return f
}

func (ex *Exchange) why(what, detail string) string {
	if detail != "" {
		return what + ": " + detail
	}
	if ex.Err != nil {
		return what + ": " + OneLine(ex.Err.Error())
	}
	return what
}

// RetryAfter is when the Retry-After header allows another request, or
// otherwise from now when there is none that can be read. Seconds may have a
// fraction (Discord); a date is understood too (RFC 9110, section 10.2.3).
func (ex *Exchange) RetryAfter(otherwise time.Duration) time.Time {
	now := time.Now()
	v := ex.Header.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s >= 0 && s < 7*24*3600 {
		return now.Add(time.Duration(s * float64(time.Second)))
	}
	if t, err := http.ParseTime(v); err == nil && t.Before(now.Add(7*24*time.Hour)) {
		return t
	}
	return now.Add(otherwise)
}

// transport carries one request for the exchange in its context and records
// what happened. It is given to libraries that would otherwise repeat
// requests on their own, which it refuses.
type transport struct {
	client *Client
	base   http.RoundTripper
}

var (
	errNoExchange = errors.New("request outside an exchange")
	errSecond     = errors.New("a second request in one exchange was refused")
)

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	ex, _ := req.Context().Value(exchangeKey{}).(*Exchange)
	if ex == nil {
		return nil, errNoExchange
	}
	ex.mu.Lock()
	begun := ex.begun
	ex.begun = true
	ex.mu.Unlock()
	if begun {
		return nil, errSecond
	}
	resp, err := t.base.RoundTrip(req.WithContext(ex.trace(req)))
	if err != nil {
		ex.failed(err)
		return nil, ex.Err
	}
	defer resp.Body.Close()
	ex.Status, ex.Header = resp.StatusCode, resp.Header
	ex.Body, err = io.ReadAll(io.LimitReader(resp.Body, answerLimit+1))
	if err == nil && len(ex.Body) > answerLimit {
		ex.Body, err = ex.Body[:answerLimit], errors.New("the answer is larger than 1 MiB")
	}
	if err != nil {
		ex.Err = t.client.scrub(err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(ex.Body))
	return resp, nil
}

// trace marks the exchange as sent when a connection stands, after the
// journal has agreed. A refusal closes the connection, so that not one byte
// can leave on it. Once the journal was asked there is no other connection: it
// may take ten seconds to come to stand, and what the journal looked at may be
// over by then.
func (ex *Exchange) trace(req *http.Request) context.Context {
	journal, _ := req.Context().Value(journalKey{}).(func() error)
	ctx, cancel := context.WithCancelCause(req.Context())
	asked := false
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			if ex.Sent() && !repeats(req) {
				ex.mark(false)
			}
			if asked {
				cancel(errAnother)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			err := ctx.Err()
			if err == nil && journal != nil {
				asked = true
				if err = journal(); err == nil {
					err = ctx.Err() // it may have taken long
				}
			}
			if err != nil {
				info.Conn.Close()
				cancel(err)
				return
			}
			ex.mark(true)
		},
	})
}

// mark says whether bytes of the request may have left.
func (ex *Exchange) mark(sent bool) {
	ex.mu.Lock()
	defer ex.mu.Unlock()
	ex.sent = sent
}

// failed takes note of why there is no answer.
func (ex *Exchange) failed(err error) {
	if closedIdle(err) {
		ex.mark(false)
	}
	ex.Err = ex.client.scrub(err)
}

// errAnother ends a journalled exchange whose connection was closed before
// anything was written to it.
var errAnother = errors.New("the connection was closed before anything was sent")

// closedIdle reports whether the platform had closed the connection before the
// request was given to it: the transport says this for no other reason. The
// error has no name outside of net/http.
func closedIdle(err error) bool { return err.Error() == "http: server closed idle connection" }

// repeats reports whether the transport gives a request to another connection
// even if some of it was written to the first one. It does that for those which
// do no harm twice, as it sees them, and otherwise only if nothing was written.
func repeats(req *http.Request) bool {
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return req.Header["Idempotency-Key"] != nil || req.Header["X-Idempotency-Key"] != nil
}

// scrub turns a transport error into one without URL, secrets or addresses
// that only repeat the configuration.
func (c *Client) scrub(err error) error {
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err
	}
	return &scrubbed{text: OneLine(c.Redact(err.Error())), err: err}
}

type scrubbed struct {
	text string
	err  error
}

func (s *scrubbed) Error() string        { return s.text }
func (s *scrubbed) Is(target error) bool { return errors.Is(s.err, target) }
