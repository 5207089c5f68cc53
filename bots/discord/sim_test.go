package discord

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

const (
	textChannel = "700000000000000055"
	newsChannel = "700000000000000056"
)

// newWorld returns a bot in a simulated server with two channels.
func newWorld(t *testing.T, change ...func(*sim.Discord)) (*sim.Discord, *Bot) {
	t.Helper()
	d := sim.NewDiscord()
	d.AddChannel(textChannel, "status", sim.DiscordText)
	d.AddChannel(newsChannel, "news", sim.DiscordAnnouncement)
	app := d.AddBot(testToken, "allclear")
	for _, f := range change {
		f(d)
	}
	srv := httptest.NewServer(d)
	t.Cleanup(srv.CloseClientConnections)
	t.Cleanup(srv.Close)
	b, err := New(Config{Name: "dc", Token: testToken, Application: app, Guild: d.Guild, APIURL: srv.URL + "/api/v9/"})
	if err != nil {
		t.Fatal(err)
	}
	b.patience = soon()
	b.self.Store("") // the simulated bot is not the one that the token names
	return d, b
}

func mustDo(t *testing.T, b *Bot, op bots.Operation) bots.Receipt {
	t.Helper()
	r, err := b.Do(context.Background(), op)
	if err != nil {
		t.Fatalf("%s: %v", op.Action, err)
	}
	return r
}

func messageOf(t *testing.T, d *sim.Discord, id string) sim.DiscordMessage {
	t.Helper()
	for _, m := range d.Messages() {
		if m.ID == id {
			return m
		}
	}
	t.Fatalf("there is no message %s", id)
	return sim.DiscordMessage{}
}

// TestIncident says an incident from the first post to the all clear.
func TestIncident(t *testing.T) {
	d, b := newWorld(t)
	on := func(a bots.Action, id string) bots.Operation {
		return bots.Operation{Action: a, Target: newsChannel, Message: id, Title: "INC-12 Logins", Text: "Logins work again. @everyone"}
	}
	first := mustDo(t, b, bots.Operation{Action: bots.Post, Target: newsChannel, Text: "Logins are *down*. @everyone <@700000000000000002>", Nonce: "INC-12/1"})
	for range 2 {
		mustDo(t, b, on(bots.Crosspost, first.ID))
		mustDo(t, b, on(bots.Pin, first.ID))
		if r := mustDo(t, b, on(bots.OpenThread, first.ID)); r.ID != first.ID {
			t.Errorf("the thread is %s, want the id of its message, %s", r.ID, first.ID)
		}
		mustDo(t, b, on(bots.Edit, first.ID))
	}
	reply := mustDo(t, b, bots.Operation{Action: bots.Post, Target: newsChannel, Text: "Correction", ReplyTo: first.ID})
	inside := mustDo(t, b, bots.Operation{Action: bots.Post, Target: newsChannel, Thread: first.ID, Text: "1. still looking"})
	for range 2 {
		mustDo(t, b, bots.Operation{Action: bots.Delete, Target: newsChannel, Thread: first.ID, Message: inside.ID})
	}

	got := messageOf(t, d, first.ID)
	if got.Text != "Logins work again. @everyone" || !got.Pinned || !got.Published || len(got.Pings) != 0 {
		t.Errorf("the first post is shown as %+v", got)
	}
	if got := messageOf(t, d, reply.ID); got.ReplyTo != first.ID || got.Thread != "" {
		t.Errorf("the reply is shown as %+v", got)
	}
	if got := messageOf(t, d, inside.ID); got.Text != "1. still looking" || got.Thread != first.ID || !got.Deleted {
		t.Errorf("the message in the thread is shown as %+v", got)
	}
}

func TestNonce(t *testing.T) {
	d, b := newWorld(t)
	op := bots.Operation{Action: bots.Post, Target: textChannel, Text: "once", Nonce: "INC-12/1"}
	d.Faults.Add(sim.Fault{Match: "/messages", Kind: "cut-after"})
	_, err := b.Do(context.Background(), op)
	if f := bots.AsFault(err); f.Kind != bots.Unsure {
		t.Fatalf("%v, want unsure", err)
	}
	r := mustDo(t, b, op)
	if all := d.Messages(); len(all) != 1 || all[0].ID != r.ID {
		t.Errorf("posted %d messages, want the one of the receipt", len(all))
	}
}

func TestGone(t *testing.T) {
	d, b := newWorld(t)
	parent := mustDo(t, b, bots.Operation{Action: bots.Post, Target: textChannel, Text: "first"})
	op := bots.Operation{Action: bots.Post, Target: textChannel, Text: "second", ReplyTo: parent.ID}
	if err := d.Remove(parent.ID); err != nil {
		t.Fatal(err)
	}
	_, err := b.Do(context.Background(), op)
	if f := bots.AsFault(err); f.Kind != bots.Gone || f.Subject != bots.Parent {
		t.Errorf("reply to a deleted message: %v", err)
	}
	d.RemoveChannel(textChannel)
	_, err = b.Do(context.Background(), op)
	if f := bots.AsFault(err); f.Kind != bots.Gone || f.Subject != bots.Target {
		t.Errorf("post into a deleted channel: %v", err)
	}
}

// People may have talked a lot before and after.
func TestFindAmongManyMessages(t *testing.T) {
	d, b := newWorld(t)
	since := time.Now()
	talk := func() {
		for range 250 {
			if _, err := d.Say(textChannel, "9", "Is it down?"); err != nil {
				t.Fatal(err)
			}
		}
	}
	talk()
	op := bots.Operation{Action: bots.Post, Target: textChannel, Text: "Logins work."}
	if r, found, err := b.Find(t.Context(), op, since); found || err != nil {
		t.Errorf("found %v, %t, %v, want nothing", r, found, err)
	}
	want := mustDo(t, b, op)
	talk()
	if r, found, err := b.Find(t.Context(), op, since); err != nil || r.ID != want.ID {
		t.Errorf("found %v, %t, %v, want %s", r, found, err, want.ID)
	}
}

// A page that somebody on the way puts in the place of an answer is no answer.
func TestPageInsteadOfAnAnswer(t *testing.T) {
	d, b := newWorld(t)
	r := mustDo(t, b, bots.Operation{Action: bots.Post, Target: textChannel, Text: "Logins work."})
	for _, action := range []bots.Action{bots.Delete, bots.Pin, bots.Edit, bots.OpenThread} {
		d.Faults.Add(sim.Fault{Kind: "body", Body: "<html>"})
		_, err := b.Do(t.Context(), bots.Operation{Action: action, Target: textChannel, Message: r.ID, Text: "x", Title: "x"})
		if f := bots.AsFault(err); err == nil || f.Kind != bots.Unsure {
			t.Errorf("%s: %v, want unsure", action, err)
		}
	}
}

// A channel whose history is hidden looks as if nothing had been posted.
func TestFindInAHiddenHistory(t *testing.T) {
	d, b := newWorld(t)
	op := bots.Operation{Action: bots.Post, Target: textChannel, Text: "Logins work."}
	mustDo(t, b, op)
	d.Deny(textChannel, "READ_MESSAGE_HISTORY")
	if _, found, err := b.Find(t.Context(), op, time.Now()); found || err == nil || bots.AsFault(err).Kind != bots.Temporary {
		t.Errorf("found %t, %v, want a fault", found, err)
	}
}

func TestFind(t *testing.T) {
	d, b := newWorld(t)
	since := time.Now()
	op := bots.Operation{Action: bots.Post, Target: textChannel, Text: "*Logins* work.\nINC-12/3 · 12:18 UTC", Nonce: "INC-12/3"}
	find := func(op bots.Operation, since time.Time) (bots.Receipt, bool) {
		t.Helper()
		r, ok, err := b.Find(context.Background(), op, since)
		if err != nil {
			t.Fatal(err)
		}
		return r, ok
	}
	if _, err := d.Say(textChannel, "9", content(op.Text)); err != nil { // an impostor
		t.Fatal(err)
	}
	if r, ok := find(op, since); ok {
		t.Errorf("found %v before it was posted", r)
	}
	want := mustDo(t, b, op)
	mustDo(t, b, bots.Operation{Action: bots.Post, Target: textChannel, Text: "something else"})
	b.self.Store("")
	for range 2 {
		r, ok := find(op, since)
		if !ok || r.ID != want.ID || r.URL != want.URL {
			t.Errorf("found %v, %t, want %v", r, ok, want)
		}
		mustDo(t, b, bots.Operation{Action: bots.Post, Target: textChannel, Text: "now we know who we are"})
	}
	if r, ok := find(op, since.Add(2*time.Minute)); ok {
		t.Errorf("found %v, which is older than asked for", r)
	}
	op.Text = "never posted"
	if r, ok := find(op, since); ok {
		t.Errorf("found %v for another text", r)
	}
	d.RemoveChannel(textChannel)
	if _, _, err := b.Find(context.Background(), op, since); bots.AsFault(err).Kind != bots.Gone {
		t.Errorf("in a deleted channel: %v", err)
	}
}

// TestSlowAnswerDelaysNobody posts twice to the same channel while the answer
// to the first post is held back.
func TestSlowAnswerDelaysNobody(t *testing.T) {
	first, release := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(first); <-release })
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && strings.Contains(string(body), "slow") {
			once()
		}
		io.WriteString(w, `{"id": "90"}`)
	}))
	defer srv.Close()
	b := newBot(t, srv.URL)
	slow := make(chan error, 1)
	go func() {
		_, err := b.Do(context.Background(), bots.Operation{Action: bots.Post, Target: "55", Text: "slow"})
		slow <- err
	}()
	<-first
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, err := b.Do(ctx, bots.Operation{Action: bots.Post, Target: "55", Text: "fast"})
	if err != nil {
		t.Errorf("while another post waits: %v", err)
	}
	close(release)
	if err := <-slow; err != nil {
		t.Error(err)
	}
}

func TestLimitHeaders(t *testing.T) {
	now := time.Unix(1700000000, 0)
	for _, c := range []struct {
		header map[string]string
		left   int
		reset  time.Time
	}{
		{map[string]string{"X-RateLimit-Remaining": "4", "X-RateLimit-Reset-After": "1.0001", "X-RateLimit-Reset": "9"}, 4, now.Add(1001 * time.Millisecond)},
		{map[string]string{"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1700000001.5"}, 0, now.Add(1500 * time.Millisecond)},
		{map[string]string{"X-RateLimit-Remaining": "3"}, 0, time.Time{}},
		{map[string]string{"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset-After": "1"}, 0, time.Time{}},
		{map[string]string{"X-RateLimit-Remaining": "3", "X-RateLimit-Reset-After": "NaN"}, 0, time.Time{}},
		{map[string]string{"X-RateLimit-Remaining": "3", "X-RateLimit-Reset-After": "1e300"}, 0, time.Time{}},
		{nil, 0, time.Time{}},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if left, reset := limit(h, now); left != c.left || !reset.Equal(c.reset) {
			t.Errorf("%v: %d until %v, want %d until %v", c.header, left, reset, c.left, c.reset)
		}
	}
}

func TestNew(t *testing.T) {
	good := Config{Name: "dc", Token: "Bot " + testToken, Application: "1", Guild: "2"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*Config){
		"discord dc: the token is missing":                         func(c *Config) { c.Token = "Bot " },
		"discord dc: the token has characters that no token has":   func(c *Config) { c.Token = "a\nb" },
		`discord dc: application "x" is not an id`:                 func(c *Config) { c.Application = "x" },
		`discord dc: guild "my server" is not an id`:               func(c *Config) { c.Guild = "my server" },
		"discord dc: rate -1 is not a number of requests a second": func(c *Config) { c.Rate = -1 },
		"discord dc: api_url is not an http address":               func(c *Config) { c.APIURL = "discord.com" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestRejectedUnsent(t *testing.T) {
	b := newBot(t, "http://127.0.0.1:1")
	for _, op := range []bots.Operation{
		{Action: bots.Post, Target: "../users/@me", Text: "a"},
		{Action: bots.Post, Target: "", Text: "a"},
		{Action: bots.Post, Target: "1", Text: " \n"},
		{Action: bots.Post, Target: "1", Text: "a", ReplyTo: "x"},
		{Action: bots.Post, Target: "1", Text: "a", Nonce: "12345678901234567890123456"},
		{Action: bots.Edit, Target: "1", Text: "a"},
		{Action: bots.Delete, Target: "1", Message: "2/3"},
		{Action: bots.OpenThread, Target: "1", Message: "2", Title: "\n"},
	} {
		_, err := b.Do(context.Background(), op)
		if f, ok := errors.AsType[*bots.Fault](err); !ok || f.Kind != bots.Rejected {
			t.Errorf("%+v: %v, want it rejected", op, err)
		}
	}
}

func TestUserOfToken(t *testing.T) {
	for token, want := range map[string]string{
		testToken: "100000000000000001", "MTIz.x.y": "123", "test-token": "", "": "", "YWJj.x": "",
	} {
		if got := userOfToken(token); got != want {
			t.Errorf("%q: %q, want %q", token, got, want)
		}
	}
	if d := cmp.Diff("4194304", snowflake(time.UnixMilli(discordEpoch+1))); d != "" {
		t.Error(d)
	}
}
