package bots_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// send makes one plain request through an exchange.
func send(ctx context.Context, c *bots.Client, url string) (*bots.Exchange, error) {
	return sendBody(ctx, c, url, strings.NewReader("hello"))
}

func sendBody(ctx context.Context, c *bots.Client, url string, body io.Reader) (*bots.Exchange, error) {
	ctx, ex, cancel := c.Exchange(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, body)
	if err != nil {
		return ex, err
	}
	resp, err := c.HTTP.Do(req)
	if err == nil {
		resp.Body.Close()
	}
	return ex, err
}

func TestJournalComesBeforeTheFirstByte(t *testing.T) {
	var seen atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer s.Close()
	c := bots.NewClient()
	for range 2 { // the second time on a connection that stands already
		calls := 0
		before := seen.Load()
		ex, err := send(bots.BeforeSend(t.Context(), func() error {
			calls++
			if seen.Load() != before {
				t.Error("the server has the request before the journal")
			}
			return nil
		}), c, s.URL)
		if err != nil || calls != 1 || ex.Status != 200 || !ex.Sent() || ex.Fault("", "") != nil {
			t.Errorf("err %v, %d calls, status %d, sent %v", err, calls, ex.Status, ex.Sent())
		}
	}
}

func TestRefusingJournalSendsNothing(t *testing.T) {
	var seen atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
	defer s.Close()
	c := bots.NewClient()
	if _, err := send(t.Context(), c, s.URL); err != nil { // leaves an idle connection to reuse
		t.Fatal(err)
	}
	for range 3 {
		ex, err := send(bots.BeforeSend(t.Context(), func() error { return errors.New("frozen") }), c, s.URL)
		if f := ex.Fault("", ""); err == nil || f.Kind != bots.Temporary || ex.Sent() {
			t.Errorf("err %v, fault %v", err, f)
		}
	}
	if n := seen.Load(); n != 1 {
		t.Errorf("the server saw %d requests, want only the first", n)
	}
}

func TestSecondRequestOfAnExchangeIsRefused(t *testing.T) {
	var seen atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer s.Close()
	c := bots.NewClient()
	ctx, ex, cancel := c.Exchange(t.Context())
	defer cancel()
	for range 2 {
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, nil)
		if resp, err := c.HTTP.Do(req); err == nil {
			resp.Body.Close()
		}
	}
	if seen.Load() != 1 {
		t.Errorf("the server saw %d requests, want 1", seen.Load())
	}
	if f := ex.Fault("", ""); f.Kind != bots.Rejected || f.Code != "307" {
		t.Errorf("a redirect is %v, want rejected 307", f)
	}
	if _, err := c.HTTP.Post(s.URL, "", nil); err == nil {
		t.Error("a request outside an exchange was sent")
	}
}

func TestSecretsAreNotInErrors(t *testing.T) {
	c := bots.NewClient("123:SECRET/x")
	for _, url := range []string{"http://127.0.0.1:1/bot123:SECRET/x/send", "http://127.0.0.1:1/?key=123%3ASECRET%2Fx"} {
		ex, err := send(t.Context(), c, url)
		if err == nil {
			t.Fatal("somebody listens on port 1")
		}
		if f := ex.Fault("", "answer about 123:SECRET/x"); strings.Contains(f.Error()+ex.Err.Error(), "SECRET") || f.Kind != bots.Temporary {
			t.Errorf("%v", f)
		}
	}
}

func TestLargeAnswersAreCut(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.Copy(w, io.LimitReader(zeros{}, 3<<20))
	}))
	defer s.Close()
	ex, _ := send(t.Context(), bots.NewClient(), s.URL)
	if f := ex.Fault("", ""); len(ex.Body) != 1<<20 || f == nil || f.Kind != bots.Unsure {
		t.Errorf("%d bytes, %v", len(ex.Body), f)
	}
}

func TestSecretsWithinSecretsAreRedactedWhole(t *testing.T) {
	c := bots.NewClient("key", "key-and-more", "a key-and-more b")
	if got := c.Redact("key, key-and-more; a key-and-more b"); got != "***, ***; ***" {
		t.Errorf("got %q", got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestRetryAfter(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"3": 3 * time.Second, "0.25": 250 * time.Millisecond, "": time.Minute, "soon": time.Minute, "-1": time.Minute, "1e99": time.Minute, "NaN": time.Minute,
		time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat): 90 * time.Second,
	} {
		ex := &bots.Exchange{Header: http.Header{"Retry-After": {header}}}
		if got := time.Until(ex.RetryAfter(time.Minute)); got > want+time.Second || got < want-2*time.Second {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

// FuzzRetryAfter: whatever a platform writes there, nothing is held back for
// more than a week, or for ever.
func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"3", "0.25", "1e99", "NaN", "+Inf", "-1", "Fri, 31 Dec 9999 23:59:59 GMT", "0x1p30", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		ex := &bots.Exchange{Header: http.Header{"Retry-After": {header}}}
		if at := ex.RetryAfter(time.Minute); at.IsZero() || time.Until(at) > 8*24*time.Hour {
			t.Errorf("%q: not before %v", header, at)
		}
	})
}

// A platform that takes the request and then dribbles, or says nothing, is
// given up when the time is over, and nobody knows.
func TestSlowAnswersAreGivenUp(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"silence": func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body); <-r.Context().Done() },
		"dribble": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, "x")
				http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		},
	} {
		s := httptest.NewServer(answer)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		ex, _ := send(ctx, bots.NewClient(), s.URL)
		cancel()
		if f := ex.Fault("", ""); f == nil || f.Kind != bots.Unsure || !ex.Sent() {
			t.Errorf("%s: %v", name, f)
		}
		s.Close()
	}
	// The client has a time of its own where the caller gives none.
	ctx, _, cancel := bots.NewClient().Exchange(t.Context())
	defer cancel()
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Minute {
		t.Errorf("an exchange ends at %v", end)
	}
}

func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{"a\n b\t\x00c": "a b c", "": "", "\xff": "�"} {
		if got := bots.OneLine(in); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("x\ny")
	f.Add(strings.Repeat("登", 200))
	f.Fuzz(func(t *testing.T, s string) {
		got := bots.OneLine(s)
		if len(got) > 300 || strings.ContainsAny(got, "\n\r\x00") {
			t.Errorf("%q", got)
		}
	})
}

func TestPaceOf(t *testing.T) {
	for rate, want := range map[float64]bots.Pace{
		30: {N: 30, Per: time.Second}, 0.5: {N: 1, Per: 2 * time.Second}, 1e-300: {N: 1, Per: 24 * time.Hour},
	} {
		if got := bots.PaceOf(rate); got != want {
			t.Errorf("PaceOf(%v) = %v, want %v", rate, got, want)
		}
	}
}

// The words of a refusal say what to do about it. Where they are lost, the same
// request is made again to hear them.
func TestRefusalCutShortIsAskedForAgain(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, "half of it")
	}))
	defer s.Close()
	ex, _ := send(t.Context(), bots.NewClient(), s.URL)
	if f := ex.Fault("", ""); f == nil || f.Kind != bots.Temporary || f.Code != "400" {
		t.Errorf("got %v, want temporary 400", f)
	}
}

// A context may say how to connect.
func TestDialWith(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	var asked string
	ctx := bots.DialWith(t.Context(), func(ctx context.Context, network, address string) (net.Conn, error) {
		asked = address
		return (&net.Dialer{}).DialContext(ctx, network, s.Listener.Addr().String())
	})
	ex, err := send(ctx, bots.NewClient(), "http://127.0.0.1:1")
	if err != nil || ex.Status != http.StatusOK || asked != "127.0.0.1:1" {
		t.Errorf("status %d, %v, dialled %q", ex.Status, err, asked)
	}
}

// A platform closes an idle connection while the attempt is being journalled.
// The transport would send on another one, when the journal's look at the
// freeze and the lease is old. So the attempt ends, and it is known that
// nothing was sent.
func TestNothingLeavesOnAConnectionThatTheJournalDidNotSee(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(*httptest.Server, net.Conn)
		body string
	}{
		"closed":            {func(_ *httptest.Server, c net.Conn) { c.Close() }, "hello"},
		"reset":             {func(_ *httptest.Server, c net.Conn) { reset(c) }, "hello"},
		"reset, no body":    {func(_ *httptest.Server, c net.Conn) { reset(c) }, ""},
		"reset, and closed": {func(s *httptest.Server, c net.Conn) { s.Listener.Close(); reset(c) }, "hello"},
	} {
		for range 20 { // which of the transport's goroutines notices first is chance
			b := newBreaking(t)
			calls := 0
			ctx := bots.BeforeSend(t.Context(), func() error {
				if calls++; calls == 1 {
					b.breaks(test.end)
				}
				return nil
			})
			ex, err := sendBody(ctx, b.client, b.server.URL, strings.NewReader(test.body))
			if f := ex.Fault("", ""); err == nil || f == nil || f.Kind != bots.Temporary || ex.Sent() {
				t.Errorf("%s: err %v, fault %v, sent %v", name, err, f, ex.Sent())
			}
			b.server.Close()
			if n := b.seen.Load(); n != 1 || calls != 1 {
				t.Errorf("%s: the server saw %d requests, want only the first; the journal was asked %d times", name, n, calls)
			}
		}
	}
}

// A request that the transport believes to do no harm twice may have been
// written when it turns to another connection: then nobody knows.
func TestRequestThatMayBeRepeatedIsNotSaidToBeUnsent(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Idempotency-Key") != "" {
			panic(http.ErrAbortHandler)
		}
	}))
	defer s.Close()
	c := bots.NewClient()
	if _, err := send(t.Context(), c, s.URL); err != nil { // leaves an idle connection to reuse
		t.Fatal(err)
	}
	calls := 0
	ctx, ex, cancel := c.Exchange(bots.BeforeSend(t.Context(), func() error { calls++; return nil }))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Idempotency-Key", "1")
	if resp, err := c.HTTP.Do(req); err == nil {
		resp.Body.Close()
	}
	if f := ex.Fault("", ""); f == nil || f.Kind != bots.Unsure || calls != 1 {
		t.Errorf("%v after %d calls of the journal, want unsure after one", f, calls)
	}
}

// Journalling may take so long that there is no time left for the request.
func TestNothingLeavesWhenTheTimeIsOverInTheJournal(t *testing.T) {
	for range 20 { // which of the transport's goroutines notices first is chance
		var seen atomic.Int32
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Add(1) }))
		ctx, cancel := context.WithCancel(t.Context())
		ex, err := send(bots.BeforeSend(ctx, func() error { cancel(); return nil }), bots.NewClient(), s.URL)
		if f := ex.Fault("", ""); err == nil || f == nil || f.Kind != bots.Temporary || ex.Sent() {
			t.Errorf("err %v, fault %v, sent %v", err, f, ex.Sent())
		}
		s.Close()
		if n := seen.Load(); n != 0 {
			t.Errorf("the server saw %d requests", n)
		}
	}
}

// An answer that is no answer to a request says nothing about what was done.
func TestOtherProtocolIsNoRefusal(t *testing.T) {
	for _, answer := range []string{"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n"} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(conn, answer)
			conn.Close()
		}))
		ex, _ := send(t.Context(), bots.NewClient(), s.URL)
		if f := ex.Fault("", ""); f == nil || f.Kind != bots.Unsure {
			t.Errorf("%q is %v, want unsure", answer, f)
		}
		s.Close()
	}
}

// breaking is a server with one idle connection of ours, which it can end.
type breaking struct {
	server *httptest.Server
	client *bots.Client
	seen   atomic.Int32
	theirs chan net.Conn
	closed chan struct{} // our side has noticed
}

func newBreaking(t *testing.T) *breaking {
	t.Helper()
	b := &breaking{client: bots.NewClient(), theirs: make(chan net.Conn, 8)}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { b.seen.Add(1) }))
	b.server.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { b.theirs <- c; return ctx }
	b.server.Start()
	t.Cleanup(b.server.Close)
	for !b.connect(t) {
		<-b.theirs
	}
	return b
}

// connect makes a request, and reports whether its connection is kept: on a
// loaded machine the transport may give up waiting to hear that all was written.
func (b *breaking) connect(t *testing.T) (kept bool) {
	t.Helper()
	b.closed = make(chan struct{})
	closed := b.closed
	ctx := bots.DialWith(t.Context(), func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &watched{Conn: c, closed: closed}, err
	})
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{PutIdleConn: func(err error) { kept = err == nil }})
	if _, err := send(ctx, b.client, b.server.URL); err != nil {
		t.Fatal(err)
	}
	return kept
}

func (b *breaking) breaks(end func(*httptest.Server, net.Conn)) {
	end(b.server, <-b.theirs)
	<-b.closed
}

// reset ends a connection with an error instead of an end of file.
func reset(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}

// watched tells when it is closed.
type watched struct {
	net.Conn
	closed chan struct{}
	once   sync.Once
}

func (w *watched) Close() error {
	err := w.Conn.Close()
	w.once.Do(func() { close(w.closed) })
	return err
}
