package bots

import (
	"bufio"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A road is a bulk client on one of its ways to a server of a test.
type road struct {
	*Bulk
	lines  *lines // nil on a detour
	opened atomic.Int32
	asked  atomic.Int32
}

// post asks for an answer and says what came of it.
func (r *road) post(t *testing.T, body string, leaves func() error) *Exchange {
	t.Helper()
	return r.Post(t.Context(), []byte(body), leaves, make([]byte, 64))
}

// onEachWay runs a test on lines, encrypted and not, and on a detour.
func onEachWay(t *testing.T, answer http.HandlerFunc, test func(t *testing.T, r *road)) {
	for _, name := range []string{"line", "encrypted line", "detour"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &road{}
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				r.asked.Add(1)
				answer(w, req)
			}))
			s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
				if state == http.StateNew {
					r.opened.Add(1)
				}
			}
			if name == "encrypted line" {
				s.StartTLS()
			} else {
				s.Start()
			}
			t.Cleanup(s.Close)
			to, err := url.Parse(s.URL + "/bot42%3Asecret/send?a=b")
			if err != nil {
				t.Fatal(err)
			}
			r.Bulk = NewBulk(NewClient("42:secret"), to, 8)
			if name == "detour" {
				r.way = newDetour(to, 8)
			} else {
				r.lines = r.way.(*lines)
			}
			if name == "encrypted line" {
				pool := x509.NewCertPool()
				pool.AddCert(s.Certificate())
				r.lines.tls.RootCAs = pool
			}
			test(t, r)
		})
	}
}

// What is asked arrives as it was meant, and many requests share a connection
// whatever form an answer has.
func TestBulkAsks(t *testing.T) {
	t.Parallel()
	onEachWay(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if req.Method != "POST" || req.RequestURI != "/bot42%3Asecret/send?a=b" || req.Host == "" || req.Header.Get("Content-Type") != "application/json" || req.UserAgent() != "allclear" {
			t.Errorf("%s %s to %q as %q", req.Method, req.RequestURI, req.Host, req.Header)
		}
		switch how := string(body); how {
		case "in parts":
			for range 3 {
				fmt.Fprint(w, "part ")
				w.(http.Flusher).Flush()
			}
		case "early":
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, how)
		case "long":
			fmt.Fprint(w, how, strings.Repeat("x", 100_000))
		case "nothing":
			w.WriteHeader(http.StatusNoContent)
		default:
			fmt.Fprint(w, how)
		}
	}, func(t *testing.T, r *road) {
		for body, want := range map[string]string{
			"plain": "plain", "in parts": "part part part ", "early": "early", "nothing": "", "": "",
			"long": "long" + strings.Repeat("x", 60),
		} {
			if ex := r.post(t, body, nil); ex.Status/100 != 2 || string(ex.Body) != want || ex.Err != nil || !ex.Sent() {
				t.Errorf("%q: %d %q, %v", body, ex.Status, ex.Body, ex.Err)
			}
		}
		if n := r.opened.Load(); n != 1 {
			t.Errorf("%d connections for one request after the other", n)
		}
	})
}

// Whoever asks at the same time as others has his own answer.
func TestBulkDoesNotMixAnswersUp(t *testing.T) {
	t.Parallel()
	onEachWay(t, func(w http.ResponseWriter, req *http.Request) { _, _ = io.Copy(w, req.Body) }, func(t *testing.T, r *road) {
		var all sync.WaitGroup
		for who := range 32 {
			all.Go(func() {
				for n := range 20 {
					body := fmt.Sprintf("%d of %d", n, who)
					if ex := r.post(t, body, nil); string(ex.Body) != body || ex.Err != nil {
						t.Errorf("%q was answered %q, %v", body, ex.Body, ex.Err)
					}
				}
			})
		}
		all.Wait()
		if r.lines != nil && len(r.lines.idle) > 8 {
			t.Errorf("%d lines were kept", len(r.lines.idle))
		}
	})
}

// After an answer that was not read to its end, or after which the platform
// closes, nobody is given the rest of it.
func TestBulkLeavesABrokenConnection(t *testing.T) {
	t.Parallel()
	onEachWay(t, func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		hijacked := func() (net.Conn, *bufio.ReadWriter) {
			conn, rw, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			return conn, rw
		}
		switch string(body) {
		case "endless":
			for k := range 5000 {
				if _, err := fmt.Fprintf(w, "%d %s", k, strings.Repeat("x", 1000)); err != nil {
					return
				}
			}
		case "short":
			w.Header().Set("Content-Length", "500")
			fmt.Fprint(w, "short")
		case "cut":
			conn, _ := hijacked()
			conn.Close()
		case "other":
			conn, rw := hijacked()
			fmt.Fprint(rw, "SSH-2.0-OpenSSH_9.2\r\n")
			rw.Flush()
			conn.Close()
		case "more":
			_, rw := hijacked()
			fmt.Fprint(rw, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmoreHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
			rw.Flush()
		case "last":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "last")
		default:
			fmt.Fprintf(w, "%s", body)
		}
	}, func(t *testing.T, r *road) {
		for body, want := range map[string]FaultKind{"endless": "", "short": Unsure, "cut": Unsure, "other": Unsure, "more": "", "last": ""} {
			ex := r.post(t, body, nil)
			if f := ex.Fault("", ""); !ex.Sent() || (f != nil) != (want != "") || f != nil && f.Kind != want {
				t.Errorf("%s: %d %.20q, %v, want %q", body, ex.Status, ex.Body, f, want)
			}
			if ex := r.post(t, "next", nil); string(ex.Body) != "next" {
				t.Errorf("after %s: %d %.20q, %v", body, ex.Status, ex.Body, ex.Err)
			}
		}
	})
}

// What is refused in the last moment does not leave.
func TestBulkAsksBeforeItWrites(t *testing.T) {
	t.Parallel()
	late := errors.New("too late")
	onEachWay(t, func(w http.ResponseWriter, req *http.Request) { _, _ = io.Copy(w, req.Body) }, func(t *testing.T, r *road) {
		for _, body := range []string{"x", strings.Repeat("x", 50_000)} { // the second one does not fit into a buffer
			ex := r.post(t, body, func() error { return late })
			if f := ex.Fault("", ""); f == nil || f.Kind != Temporary || !errors.Is(ex.Err, late) {
				t.Errorf("refused: %v, %v", f, ex.Err)
			}
			asked := 0
			if ex := r.post(t, "next", func() error { asked++; return nil }); string(ex.Body) != "next" || asked != 1 {
				t.Errorf("afterwards %q, %v, asked %d times", ex.Body, ex.Err, asked)
			}
		}
		if n := r.asked.Load(); n != 2 {
			t.Errorf("%d requests arrived, want 2", n)
		}
	})
}

// A request whose time is over before it leaves was not sent, and one that waits
// for its answer may have been.
func TestBulkIsInterrupted(t *testing.T) {
	t.Parallel()
	onEachWay(t, func(w http.ResponseWriter, req *http.Request) {
		if body, _ := io.ReadAll(req.Body); string(body) == "wait" {
			<-req.Context().Done() // the connection is closed
		}
	}, func(t *testing.T, r *road) {
		r.post(t, "x", nil) // so that a connection stands
		why := errors.New("the server stops")
		ctx, cancel := context.WithCancelCause(t.Context())
		ex := r.Post(ctx, []byte("wait"), func() error { time.AfterFunc(20*time.Millisecond, func() { cancel(why) }); return nil }, nil)
		if f := ex.Fault("", ""); f == nil || f.Kind != Unsure || !errors.Is(ex.Err, why) {
			t.Errorf("interrupted: %v, %v", f, ex.Err)
		}
		r.post(t, "x", nil)
		ex = r.Post(ctx, []byte("x"), func() error { t.Error("something leaves"); return nil }, nil)
		if f := ex.Fault("", ""); f == nil || f.Kind != Temporary {
			t.Errorf("begun afterwards: %v", f)
		}
	})
}

// A connection that the platform closed while nothing was asked on it is not
// used, and so nobody is unsure.
func TestBulkFindsAConnectionClosed(t *testing.T) {
	t.Parallel()
	onEachWay(t, func(w http.ResponseWriter, req *http.Request) {
		w.(http.Flusher).Flush()
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = rw.WriteString("0\r\n\r\n") // the end of the answer, which promised to go on
		rw.Flush()
		conn.Close()
	}, func(t *testing.T, r *road) {
		for range 3 {
			if ex := r.post(t, "x", nil); ex.Status != 200 || ex.Err != nil {
				t.Fatalf("%d, %v", ex.Status, ex.Err)
			}
			if r.lines == nil {
				return // a transport hears of it at a time of its own
			}
			c := r.lines.idle[0]
			for stands(c.Conn) { // until it has heard
				time.Sleep(time.Millisecond)
			}
			c.since = c.since.Add(-justUsed)
		}
	})
}

// pipes has a bulk client's connections answered by f in a bubble, where time is
// not real.
func pipes(t *testing.T, f func(net.Conn)) (*Bulk, context.Context) {
	to := &url.URL{Scheme: "http", Host: "platform", Path: "/"}
	ctx := DialWith(t.Context(), func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			f(there)
		}()
		return here, nil
	})
	return NewBulk(NewClient(), to, 8), ctx
}

func TestLineGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, ctx := pipes(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		for range 2 {
			began := time.Now()
			ex := b.Post(ctx, nil, nil, nil)
			took := time.Since(began)
			if f := ex.Fault("", ""); f == nil || f.Kind != Unsure || took < answerTime || took > answerTime*5/4 {
				t.Errorf("after %v: %v", took, f)
			}
		}
	})
}

// What a connection did not take was not sent.
func TestLineThatTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, ctx := pipes(t, func(net.Conn) {})
		left := false
		ex := b.Post(ctx, nil, func() error { left = true; synctest.Wait(); return nil }, nil)
		if f := ex.Fault("", ""); f == nil || f.Kind != Temporary || !left {
			t.Errorf("%v, left %t", f, left)
		}
	})
}

func TestLinesAreClosedAfterAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Int32
		b, ctx := pipes(t, func(c net.Conn) {
			open.Add(1)
			defer open.Add(-1)
			for in := bufio.NewReader(c); ; {
				req, err := http.ReadRequest(in)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				time.Sleep(time.Second) // so that several are under way
				fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		})
		ask := func(n int) {
			var all sync.WaitGroup
			for range n {
				all.Go(func() {
					if ex := b.Post(ctx, nil, nil, nil); ex.Status != 200 {
						t.Errorf("%d, %v", ex.Status, ex.Err)
					}
				})
			}
			all.Wait()
		}
		want := func(n int32) {
			t.Helper()
			synctest.Wait()
			if open.Load() != n {
				t.Errorf("%d connections are open, want %d", open.Load(), n)
			}
		}
		ask(5)
		want(5)
		time.Sleep(idleTime / 2)
		ask(2) // on those that were used last
		want(5)
		time.Sleep(idleTime / 2)
		want(2)
		time.Sleep(idleTime)
		want(0)
		ask(1)
		want(1)
		time.Sleep(2 * idleTime)
		want(0)
	})
}

// An address that a proxy is for, or whose name has to be translated, is reached
// as net/http does it.
func TestBulkGoesRound(t *testing.T) {
	t.Parallel()
	for host, direct := range map[string]bool{"api.telegram.org": true, "10.0.0.7:8081": true, "[fe80::1]:80": true, "бот.example": false, "[fe80::1%25eth0]:80": false} {
		to, err := url.Parse("http://" + host + "/")
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := NewBulk(NewClient(), to, 1).way.(*lines); ok != direct {
			t.Errorf("%s: lines %t, want %t", host, ok, direct)
		}
	}
}

// A line is only for who is said to be at its end.
func TestEncryptedLineKnowsWhoAnswers(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(nil)
	t.Cleanup(s.Close)
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	ex := NewBulk(NewClient(), to, 1).Post(t.Context(), nil, func() error { t.Error("something leaves"); return nil }, nil)
	if ex.Sent() || ex.Err == nil || !strings.Contains(ex.Err.Error(), "certificate") {
		t.Errorf("%v, sent %t", ex.Err, ex.Sent())
	}
}

// What a line makes of an answer is what net/http's transport does.
func FuzzLineReadsAsTheTransport(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many Requests\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n", "HTTP/1.0 502 Bad Gateway\r\n\r\n<html>",
		"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		to := &url.URL{Scheme: "http", Host: "platform", Path: "/"}
		ctx := DialWith(t.Context(), func(context.Context, string, string) (net.Conn, error) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				req, err := http.ReadRequest(bufio.NewReader(there))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = there.Write(answer)
			}()
			return here, nil
		})
		ask := func(w way) *Exchange {
			return (&Bulk{NewClient(), w}).Post(ctx, []byte("{}"), nil, make([]byte, 64))
		}
		got, want := ask(newLines(to, 0)), ask(newDetour(to, 0))
		if got.Status != want.Status || string(got.Body) != string(want.Body) || (got.Err == nil) != (want.Err == nil) || !got.Sent() {
			t.Errorf("%d %q, %v; the transport %d %q, %v", got.Status, got.Body, got.Err, want.Status, want.Body, want.Err)
		}
	})
}
