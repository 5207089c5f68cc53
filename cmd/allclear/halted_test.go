//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// A holdback stands before the platforms: they carry out what they are asked,
// and it keeps the first answer to each of some requests to itself.
type holdback struct {
	*httptest.Server
	release func()

	mu   sync.Mutex
	keep []string // parts of request lines
}

func newHoldback(t *testing.T, platforms string, keep ...string) *holdback {
	t.Helper()
	to, err := url.Parse(platforms)
	if err != nil {
		t.Fatal(err)
	}
	h := &holdback{keep: keep}
	released := make(chan struct{})
	h.release = sync.OnceFunc(func() { close(released) })
	h.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // which X's signature covers
		},
		ModifyResponse: func(resp *http.Response) error {
			if h.keeps(resp.Request) {
				<-released
			}
			return nil
		},
	})
	t.Cleanup(h.Close)
	t.Cleanup(h.release)
	return h
}

// keeps reports whether the answer to a request is kept back.
func (h *holdback) keeps(r *http.Request) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	line := r.Method + " " + r.URL.Path
	k := slices.IndexFunc(h.keep, func(part string) bool { return strings.Contains(line, part) })
	if k < 0 {
		return false
	}
	h.keep = slices.Delete(h.keep, k, k+1)
	return true
}

// messages are the receipts by update and channel, as the node in use knows them.
func (f *fleet) messages(ref string) map[string]string {
	f.t.Helper()
	out := map[string]string{}
	for _, d := range f.deliveries(ref) {
		out[d.Update+" "+d.Channel] = d.State + " " + d.Ref.ID + " " + d.Ref.URL
	}
	return out
}

// A node that holds every account is halted while all platforms have its post
// and none has answered. Another finds out what can be found out, people decide
// about the rest, and it goes on. Then the first one wakes up, with all answers:
// it says nothing again, changes nothing of what is known by now, and works on.
func TestHaltedNodeChangesNothingOfItsSuccessor(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	s := newServer(t, noRoom...)
	platform := newHoldback(t, s.sims.URL, "sendMessage", "POST /discord/api/v9/channels/"+demoNews+"/messages", "POST /x/2/tweets", "/webhook/send")
	s.toml = strings.ReplaceAll(s.toml, s.sims.URL, platform.URL)
	f := newFleetOf(s, database, 1)
	halted := f.nodes[0]
	f.until("all accounts are held", func() bool { return len(f.held(halted)) == 4 })
	f.must("incident", "major", "login", "--title", "Login is down", "--text", "Nobody can log in since noon.")
	f.until("on their way", func() bool {
		return !slices.ContainsFunc(platforms, func(p string) bool { return len(f.feed(p)) != 1 || f.state("INC-1/1", p) != "sending" })
	})
	if err := halted.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	died := time.Now()

	f.url = f.start().url
	want := map[string]string{"telegram": "unsure", "wechat": "unsure", "discord": "sent", "x": "sent"}
	f.until("taken over, and known where that can be", func() bool {
		return !slices.ContainsFunc(platforms, func(p string) bool { return f.state("INC-1/1", p) != want[p] })
	})
	t.Logf("it took %v to take over and find out; 20 s are promised to go on", time.Since(died).Round(time.Second/10))
	f.must("retry", "INC-1/1", "telegram")
	f.must("posted", "INC-1/1", "wechat", "https://work.weixin.qq.com/seen")
	f.until("said again", func() bool { return f.state("INC-1/1", "telegram") == "sent" })
	f.must("update", "INC-1", "A fix is in place.")
	f.until("the successor has gone on", func() bool { return f.allSent("INC-1") })
	known := f.messages("INC-1")

	platform.release()
	if err := halted.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	f.until("the late answers were heard", func() bool { return strings.Count(halted.log.String(), "operation=post") >= 4 })
	f.spread(f.nodes...)
	f.url = halted.url
	f.must("resolve", "INC-1", "Everything works again.")
	f.until("sent", func() bool { return f.allSent("INC-1") })
	for delivery, message := range f.messages("INC-1") {
		if known[delivery] != message && !strings.HasPrefix(delivery, "INC-1/3") {
			t.Errorf("%s was %q and is %q", delivery, known[delivery], message)
		}
	}
	for _, p := range []string{"discord", "x", "wechat"} {
		f.wantTexts(p, "Nobody can log in", "A fix is in place", "Everything works again")
	}
	f.wantTexts("telegram", "Nobody can log in", "Nobody can log in", "A fix is in place", "Everything works again") // a person said it again
	f.wantLinked()
}

// wantLinked fails unless three updates hang together as they should where the
// first on Telegram was said twice: everything belongs to the second of the two.
func (f *fleet) wantLinked() {
	f.t.Helper()
	tg, x, dc := f.feed("telegram"), f.feed("x"), f.feed("discord")
	if len(tg) != 4 || len(x) != 3 || len(dc) != 3 {
		return // the texts were complained about
	}
	thread := func(m sim.Seen) string { return m.Thread + m.ReplyTo }
	for _, link := range []struct{ what, got, want string }{
		{"telegram /2", tg[2].ReplyTo, tg[1].ID}, {"telegram /3", tg[3].ReplyTo, tg[1].ID},
		{"x /2", x[1].ReplyTo, x[0].ID}, {"x /3", x[2].ReplyTo, x[1].ID},
		{"discord /2", thread(dc[1]), dc[0].ID}, {"discord /3", thread(dc[2]), dc[0].ID},
	} {
		if link.got != link.want {
			f.t.Errorf("%s hangs on %q, want %q:\n%s", link.what, link.got, link.want, f.feeds())
		}
	}
	if tg[0].Pinned || !tg[1].Pinned {
		f.t.Errorf("telegram has pinned %t and %t, want the second alone", tg[0].Pinned, tg[1].Pinned)
	}
	f.until("the head line of the one that counts", func() bool { return strings.HasPrefix(f.feed("telegram")[1].Text, "Resolved ") })
}
