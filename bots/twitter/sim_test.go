package twitter_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/bots/twitter"
)

// newWorld returns a simulated X with an account on it, which it knows by
// what [config] says and the number that it gave the account.
func newWorld(t *testing.T, api string) (*sim.X, *twitter.Bot) {
	t.Helper()
	x := sim.NewX()
	x.AllowV1(true)
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	c := config(api, server.URL)
	credentials := sim.XCredentials{ConsumerKey: c.ConsumerKey, ConsumerSecret: c.ConsumerSecret, AccessToken: c.AccessToken, AccessSecret: c.AccessSecret}
	c.AccessToken = x.AddAccount("example_status", credentials) + "-token"
	credentials.AccessToken = c.AccessToken
	x.AddAccount("example_status", credentials)
	bot, err := twitter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return x, bot
}

func mustDo(t *testing.T, bot bots.Bot, op bots.Operation) bots.Receipt {
	t.Helper()
	r, err := bot.Do(t.Context(), op)
	if err != nil {
		t.Fatalf("%+v: %v", op, err)
	}
	return r
}

func wantFault(t *testing.T, bot bots.Bot, op bots.Operation, kind bots.FaultKind, subject bots.Subject, code string) {
	t.Helper()
	_, err := bot.Do(t.Context(), op)
	if f := bots.AsFault(err); err == nil || f.Kind != kind || f.Subject != subject || code != "" && f.Code != code {
		t.Errorf("%+v: %v, want %s (%s) %s", op, err, kind, subject, code)
	}
}

// TestIncident tells an incident on a simulated X that loses an answer.
func TestIncident(t *testing.T) {
	for _, api := range []string{"v2", "v1.1"} {
		t.Run(api, func(t *testing.T) {
			x, bot := newWorld(t, api)
			say := func(text, to string) bots.Operation {
				return bots.Operation{Action: bots.Post, Text: text, ReplyTo: to, MentionedOnly: true}
			}
			first := mustDo(t, bot, say("Logins & withdrawals are down. INC-12/1 · 12:01 UTC https://status.example.com/incidents/INC-12", ""))
			second := mustDo(t, bot, say("We know why. INC-12/2 · 12:09 UTC", first.ID))
			wantFault(t, bot, say("We know why. INC-12/2 · 12:09 UTC", first.ID), bots.Rejected, "", bots.CodeDuplicate)

			lost := say("A fix: 1 < 2 & example.com. INC-12/3 · 12:30 UTC", second.ID)
			since := time.Now()
			if _, found, err := bot.Find(t.Context(), lost, since); found || err != nil {
				t.Errorf("before: found %t, %v", found, err)
			}
			x.Faults.Add(sim.Fault{Kind: "cut-after"})
			wantFault(t, bot, lost, bots.Unsure, "", "")
			third, found, err := bot.Find(t.Context(), lost, since)
			if !found || err != nil {
				t.Fatalf("after: found %t, %v", found, err)
			}

			gone := bots.Operation{Action: bots.Delete, Message: third.ID}
			mustDo(t, bot, gone)
			mustDo(t, bot, gone)
			wantFault(t, bot, say("All clear. INC-12/4", third.ID), bots.Gone, bots.Parent, "")
			foreign := x.Post("impostor", "Free coins")
			wantFault(t, bot, say("This is not us.", foreign), bots.Gone, bots.Parent, "")

			account, _, err := bot.Check(t.Context(), nil)
			if err != nil || !strings.HasPrefix(account, "@example_status (") {
				t.Errorf("%q, %v", account, err)
			}
			seen := x.Seen()
			if len(seen) != 4 || seen[1].ReplyTo != first.ID || seen[2].ReplyTo != second.ID || !seen[2].Deleted || seen[2].Text != lost.Text {
				t.Errorf("%+v", seen)
			}
			if _, err := x.Reply("impostor", first.ID, "Send me your keys"); (err != nil) != (api == "v2") {
				t.Errorf("an impostor's reply: %v", err)
			}
		})
	}
}

func TestWithoutMoney(t *testing.T) {
	x, bot := newWorld(t, "v2")
	x.SetCredits(0)
	wantFault(t, bot, post(), bots.Unauthorized, bots.Account, "402")
	x.SetCredits(1)
	mustDo(t, bot, post())
}

func TestWithoutV1(t *testing.T) {
	x, bot := newWorld(t, "v1.1")
	x.AllowV1(false)
	wantFault(t, bot, post(), bots.Unauthorized, bots.Account, "453")
}

// TestStrictLimits posts until X refuses, as the receipts foretold.
func TestStrictLimits(t *testing.T) {
	x, bot := newWorld(t, "v2")
	x.Strict(true)
	limit := bot.Limits().Account.N
	for i := range limit {
		r := mustDo(t, bot, bots.Operation{Action: bots.Post, Text: fmt.Sprintf("post %d", i)})
		if r.Remaining != limit-1-i || r.Reset.Before(time.Now()) {
			t.Fatalf("post %d: %d left until %v", i, r.Remaining, r.Reset)
		}
	}
	wantFault(t, bot, post(), bots.RateLimited, bots.Account, "")
}

// TestFullPosts checks that texts of exactly the limit are taken.
func TestFullPosts(t *testing.T) {
	x, bot := newWorld(t, "v2")
	for _, piece := range []string{"a", "界", "👍🏽", "👩‍👩‍👧‍👦", "🇸🇬", "é", "status.example.com ", "…"} {
		text := piece
		for twitter.Weight(text+piece) <= twitter.MaxWeight {
			text += piece
		}
		for twitter.Weight(text+"x") <= twitter.MaxWeight {
			text += "x"
		}
		mustDo(t, bot, bots.Operation{Action: bots.Post, Text: text})
	}
	if n := len(x.Seen()); n != 8 {
		t.Errorf("%d posts, want 8", n)
	}
}

func TestFindAsksWhoseAccountItIs(t *testing.T) {
	x := sim.NewX()
	server := httptest.NewServer(x)
	t.Cleanup(server.Close)
	c := config("v2", server.URL)
	c.AccessToken = "opaque" // does not begin with the account's number
	x.AddAccount("Status", sim.XCredentials{ConsumerKey: c.ConsumerKey, ConsumerSecret: c.ConsumerSecret, AccessToken: c.AccessToken, AccessSecret: c.AccessSecret})
	bot, err := twitter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	op := bots.Operation{Action: bots.Post, Text: "We are looking into it."}
	began := time.Now()
	posted, err := bot.Do(t.Context(), op)
	if err != nil {
		t.Fatal(err)
	}
	if got, found, err := bot.Find(t.Context(), op, began.Add(-time.Minute)); err != nil || !found || got.ID != posted.ID {
		t.Errorf("Find = %v, %v, %v, want %s", got, found, err, posted.ID)
	}
}

// What was posted long after does not push a post out of the answer.
func TestFindAmongManyPosts(t *testing.T) {
	for _, api := range []string{"v2", "v1.1"} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)))
			x := sim.NewX()
			x.AllowV1(true)
			c := config(api, "http://127.0.0.1:1")
			c.AccessToken = "1-access"
			x.AddAccount("example_status", sim.XCredentials{ConsumerKey: c.ConsumerKey, ConsumerSecret: c.ConsumerSecret, AccessToken: c.AccessToken, AccessSecret: c.AccessSecret})
			bot, err := twitter.New(c)
			if err != nil {
				t.Fatal(err)
			}
			ctx := bots.DialWith(t.Context(), func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				go http.Serve(&once{theirs}, x)
				return ours, nil
			})
			began := time.Now()
			x.Post("example_status", "the one")
			for i := range 1000 {
				time.Sleep(10 * time.Second)
				x.Post("example_status", fmt.Sprint("another ", i))
			}
			r, found, err := bot.Find(ctx, bots.Operation{Action: bots.Post, Text: "the one"}, began.Add(-time.Minute))
			if err != nil || !found {
				t.Errorf("%s: found %v, %t, %v", api, r, found, err)
			}
			time.Sleep(time.Minute) // idle connections end
		})
	}
}

// once is a listener with one connection.
type once struct{ conn net.Conn }

func (o *once) Accept() (net.Conn, error) {
	if c := o.conn; c != nil {
		o.conn = nil
		return c, nil
	}
	return nil, net.ErrClosed
}

func (o *once) Close() error   { return nil }
func (o *once) Addr() net.Addr { return &net.TCPAddr{} }
