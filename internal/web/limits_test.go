package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// limited is a site with other limits than the usual ones.
func limited(t *testing.T, l Limits) *site {
	t.Helper()
	s := newSite(t)
	s.config.Limits = l
	s.serve()
	return s
}

func TestOperatorsShareTheServerFairly(t *testing.T) {
	l := DefaultLimits()
	l.Operator = Allowance{Burst: 3, PerSecond: 0.01}
	s := limited(t, l)
	for range 3 {
		s.must(200, "Ana", "GET", "/v1/channels", "")
	}
	a := s.must(429, "Ana", "GET", "/v1/channels", "")
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if detail, _ := a.at(t, "detail").(string); err != nil || wait < 60 || wait > 100 || !strings.Contains(detail, "Ana asks too often") {
		t.Errorf("Retry-After %q (%v): %s", a.header.Get("Retry-After"), err, a.body)
	}
	s.must(200, "Bo", "GET", "/v1/channels", "") // another operator has an allowance of his own
	s.must(200, "", "GET", "/", "")              // readers of the pages are not limited
	s.must(200, "", "GET", "/healthz", "")
}

func TestWrongTokensAreLimitedAndLockNobodyOut(t *testing.T) {
	l := DefaultLimits()
	l.Guesses = Allowance{Burst: 2, PerSecond: 0.01}
	s := limited(t, l)
	for range 2 {
		s.must(401, "Mallory", "GET", "/v1/channels", "")
	}
	if a := s.must(429, "Mallory", "GET", "/v1/channels", ""); a.header.Get("Retry-After") == "" || strings.Contains(a.body, "Mallory") {
		t.Errorf("%v %s", a.header, a.body)
	}
	s.must(200, "Ana", "GET", "/v1/channels", "")
	s.must(401, "", "GET", "/v1/channels", "") // who shows no token guesses none
}

// asked is a request from an address.
func asked(from string, header ...string) *http.Request {
	r := httptest.NewRequest("GET", "/v1/channels", nil)
	r.RemoteAddr = from
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestGuessingAddressIsNotAskedForItsToken(t *testing.T) {
	l := DefaultLimits()
	l.Guesses = Allowance{Burst: 2, PerSecond: 0.01}
	g := newGate(l, nil)
	token := []string{"Authorization", "Bearer x"}
	for range 3 {
		_ = g.guessed(asked("192.0.2.1:1000"))
	}
	if err := g.knock(asked("192.0.2.1:1001", token...)); err == nil {
		t.Error("an address that guesses is let in")
	}
	if err := g.knock(asked("192.0.2.1:1001")); err != nil {
		t.Errorf("without a token: %v", err)
	}
	if err := g.knock(asked("192.0.2.2:1001", token...)); err != nil {
		t.Errorf("another address: %v", err)
	}
	if _, err := g.enter(asked("192.0.2.3:1"), "Ana"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = g.guessed(asked("192.0.2.3:1000"))
	}
	if err := g.knock(asked("192.0.2.3:1001", token...)); err != nil {
		t.Errorf("an operator's address, where a script has an old token: %v", err)
	}
}

func TestAddressesAreLimitedButNotThisMachine(t *testing.T) {
	l := DefaultLimits()
	l.Address = Allowance{Burst: 2, PerSecond: 0.01}
	g := newGate(l, nil)
	for range 10 {
		if err := g.knock(asked("127.0.0.1:1000")); err != nil {
			t.Fatal(err)
		}
	}
	var refused int
	for port := range 5 {
		if g.knock(asked(fmt.Sprintf("[2001:db8::%d]:%d", port+1, port+1))) != nil { // one customer
			refused++
		}
	}
	if refused != 3 {
		t.Errorf("%d of 5 were refused, want 3", refused)
	}
}

func TestOnlyOurProxiesAreBelieved(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	const header = "X-Forwarded-For"
	for _, c := range []struct {
		from    string
		forward []string
		want    string
	}{
		{"192.0.2.1:5", []string{header, "198.51.100.1"}, "192.0.2.1"}, // says so himself
		{"127.0.0.1:5", nil, "127.0.0.1"},
		{"127.0.0.1:5", []string{header, "198.51.100.1"}, "198.51.100.1"},
		{"[::ffff:127.0.0.1]:5", []string{header, "198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{header, "203.0.113.9, 198.51.100.1, 10.1.1.1"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{header, "203.0.113.9", header, "198.51.100.1"}, "198.51.100.1"},
		{"127.0.0.1:5", []string{header, "203.0.113.9, nonsense"}, "127.0.0.1"},
		{"127.0.0.1:5", []string{header, "10.1.1.1"}, "10.1.1.1"},
		{"nonsense", nil, "invalid IP"},
	} {
		if got := client(asked(c.from, c.forward...), proxies).String(); got != c.want {
			t.Errorf("%s %q: %s, want %s", c.from, c.forward, got, c.want)
		}
	}
}

func TestTooMuchAtOnceWaitsAndIsThenToldSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := DefaultLimits()
		l.AtOnce = 2
		g := newGate(l, nil)
		var leaving []func()
		for range 2 {
			leave, err := g.enter(asked("127.0.0.1:1"), "Ana")
			if err != nil {
				t.Fatal(err)
			}
			leaving = append(leaving, leave)
		}
		began := time.Now()
		_, err := g.enter(asked("127.0.0.1:1"), "Ana")
		if p, _ := asProblem(err); err == nil || p.Status != 503 || p.after == 0 || time.Since(began) != l.Patience {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if leave, err := g.enter(asked("127.0.0.1:1"), "Ana"); err != nil {
				t.Error(err)
			} else {
				leave()
			}
		})
		time.Sleep(time.Second)
		leaving[0]()
		wg.Wait()
	})
}

func TestManyClientsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := buckets{allow: Allowance{Burst: 2, PerSecond: 1}}
		for i := range manyBuckets {
			_ = b.take(fmt.Sprint(i), "x")
		}
		time.Sleep(time.Minute)
		_ = b.take("lately", "x")
		for i := range manyBuckets - 1 {
			_ = b.take(fmt.Sprint("new", i), "x")
		}
		if len(b.of) > manyBuckets || b.of["lately"] == nil || b.of["0"] != nil {
			t.Errorf("%d clients are remembered", len(b.of))
		}
		for i := range manyBuckets {
			_ = b.take(fmt.Sprint("newer", i), "x")
		}
		if len(b.of) > manyBuckets {
			t.Errorf("%d clients are remembered, all of them new", len(b.of))
		}
	})
}

func FuzzClient(f *testing.F) {
	f.Add("127.0.0.1:5", "203.0.113.9, 198.51.100.1, 10.1.1.1")
	f.Add("[fe80::1%eth0]:5", "::1%lo,,unknown, \"[2001:db8::1]:80\"")
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, from, forwarded string) {
		r := asked(from, "X-Forwarded-For", forwarded)
		got := client(r, proxies)
		if peer, err := netip.ParseAddrPort(from); err == nil && !within(proxies, peer.Addr().Unmap()) && got != peer.Addr().Unmap() {
			t.Errorf("%s is no proxy, and was believed to be %s", from, got)
		}
		if len(network(got)) > 64 {
			t.Errorf("a long name: %q", network(got))
		}
	})
}
