// Package twitter is an account on X (formerly Twitter).
//
// It speaks X API v2, signed with OAuth 1.0a, whose tokens do not expire. For
// accounts that still have it, API "v1.1" goes through
// github.com/dghubble/go-twitter, which knows nothing newer.
//
// X has no key that makes a repeated post one post, so an attempt without an
// answer is unsure; [Bot.Find] looks for it on the account's own timeline.
// Nothing can be edited. Texts are counted as X counts them: see [Weight].
package twitter

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dghubble/oauth1"

	"github.com/allclear-hq/allclear/bots"
)

// DefaultURL is the base of X's API.
const DefaultURL = "https://api.x.com"

// Prices in US dollars (X API, "Pricing", April 2026).
const (
	postCost = 0.015
	linkCost = 0.200 - postCost // a post with a link costs 0.200 in all
)

// postsPerWindow is X's own limit for POST /2/tweets, per user and window
// (X API, "Rate limits").
const (
	postsPerWindow = 100
	window         = 15 * time.Minute
)

// A Config is one account on X.
type Config struct {
	Name string // of the bot, for errors

	// The four parts of OAuth 1.0a. All are secret.
	ConsumerKey, ConsumerSecret string
	AccessToken, AccessSecret   string

	API    string  // "v2", or "v1.1"; empty is "v2"
	APIURL string  // to which /2/… and /1.1/… are appended; empty is DefaultURL
	Rate   float64 // posts a second; 0 is X's own 100 in 15 minutes
}

// A Bot is an account on X. It implements [bots.Bot], [bots.Finder] and
// [bots.Checker].
type Bot struct {
	name   string
	user   atomic.Pointer[string] // numeric id of the account, once it is known
	pace   bots.Pace
	client *bots.Client
	api    api
}

// An api makes the single request of an exchange. What it returns is only
// meaningful after a complete 2xx answer; all else is read from the exchange.
type api interface {
	post(ctx context.Context, ex *bots.Exchange, op bots.Operation) (id string, err error)
	remove(ctx context.Context, ex *bots.Exchange, id string) (gone bool, err error)
	timeline(ctx context.Context, ex *bots.Exchange, user string, since, until time.Time) (page, error)
	me(ctx context.Context, ex *bots.Exchange) (account, error)
}

// A page is one answer's worth of an account's own posts.
type page struct {
	posts []status
	cut   bool // there are more posts since then than one answer holds
}

// An account is who a token belongs to.
type account struct{ id, name string }

// New returns a bot. It does not use the network.
func New(c Config) (*Bot, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("twitter %q: %w", c.Name, err)
	}
	base, err := baseURL(c.APIURL)
	if err != nil {
		return nil, fmt.Errorf("twitter %q: %w", c.Name, err)
	}
	client := bots.NewClient(c.secrets()...)
	b := &Bot{name: c.Name, pace: bots.Pace{N: postsPerWindow, Per: window}, client: client}
	if c.Rate > 0 {
		b.pace = bots.PaceOf(c.Rate)
	}
	// An access token begins with the account's id (X API, "Obtaining access
	// tokens"); where it does not, Find asks.
	if id, _, ok := strings.Cut(c.AccessToken, "-"); ok && isID(id) {
		b.user.Store(&id)
	}
	signed := c.sign(client.HTTP)
	if c.API == "v1.1" {
		b.api = &v1{base: base, http: signed}
	} else {
		b.api = &v2{base: base, http: signed}
	}
	return b, nil
}

// check finds what is missing or wrong. Errors never repeat a value.
func (c Config) check() error {
	for _, f := range []struct{ name, value string }{
		{"consumer_key", c.ConsumerKey}, {"consumer_secret", c.ConsumerSecret},
		{"access_token", c.AccessToken}, {"access_secret", c.AccessSecret},
	} {
		if f.value == "" {
			return fmt.Errorf("%s is missing", f.name)
		}
	}
	if c.API != "" && c.API != "v2" && c.API != "v1.1" {
		return fmt.Errorf(`api is %q, want "v2" or "v1.1"`, c.API)
	}
	if c.Rate < 0 {
		return fmt.Errorf("rate is %v, want posts a second", c.Rate)
	}
	return nil
}

// secrets are the four parts, as they are and as OAuth writes them.
func (c Config) secrets() []string {
	var all []string
	for _, s := range []string{c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret} {
		all = append(all, s, oauth1.PercentEncode(s), url.PathEscape(s))
	}
	return all
}

// sign returns a client that signs each request and hands it to next.
func (c Config) sign(next *http.Client) *http.Client {
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, next)
	signed := oauth1.NewConfig(c.ConsumerKey, c.ConsumerSecret).
		Client(ctx, oauth1.NewToken(c.AccessToken, c.AccessSecret))
	signed.CheckRedirect = next.CheckRedirect
	return signed
}

func baseURL(s string) (*url.URL, error) {
	if s == "" {
		s = DefaultURL
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("api_url is not a plain http or https address")
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""
	return u, nil
}

// Limits says what X can carry and take back.
func (b *Bot) Limits() bots.Limits {
	return bots.Limits{
		MaxText:  MaxWeight,
		Unit:     "characters",
		Measure:  Weight,
		Delete:   true,
		Replies:  bots.ReplyNewest,
		PostCost: postCost,
		LinkCost: linkCost,
		Tells:    true,
		Account:  b.pace,
	}
}

// Do posts or deletes, with one request.
func (b *Bot) Do(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	switch op.Action {
	case bots.Post:
		return b.post(ctx, op)
	case bots.Delete:
		return b.remove(ctx, op)
	}
	return bots.Receipt{}, rejected("X does not offer %q", op.Action)
}

func (b *Bot) post(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	if err := Check(op.Text); err != nil {
		return bots.Receipt{}, rejected("%v", err)
	}
	if op.ReplyTo != "" && !isID(op.ReplyTo) {
		return bots.Receipt{}, rejected("%q is not the id of a post", op.ReplyTo)
	}
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	id, err := b.api.post(ctx, ex, op)
	if f := b.fault(ex, op, err); f != nil {
		return bots.Receipt{}, f
	}
	if !isID(id) {
		return bots.Receipt{}, b.noAnswer(ex, op, "the answer names no post")
	}
	return receipt(ex, id), nil
}

func (b *Bot) remove(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	if !isID(op.Message) {
		return bots.Receipt{}, rejected("%q is not the id of a post", op.Message)
	}
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	gone, err := b.api.remove(ctx, ex, op.Message)
	done := bots.Receipt{ID: op.Message}
	done.Remaining, done.Reset = quota(ex.Header)
	if alreadyGone(ex) {
		return done, nil
	}
	if f := b.fault(ex, op, err); f != nil {
		return bots.Receipt{}, f
	}
	if !gone {
		return bots.Receipt{}, b.noAnswer(ex, op, "the answer does not say that the post is deleted")
	}
	return done, nil
}

func rejected(format string, args ...any) *bots.Fault {
	return &bots.Fault{Kind: bots.Rejected, Detail: bots.OneLine(fmt.Sprintf(format, args...))}
}

// isID reports whether s can be the id of a post: a positive 64-bit number
// (X API, "X IDs"). Anything else must not get into a path.
func isID(s string) bool {
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && n > 0 && s[0] != '+'
}

func receipt(ex *bots.Exchange, id string) bots.Receipt {
	r := bots.Receipt{ID: id, URL: "https://x.com/i/web/status/" + id}
	r.Remaining, r.Reset = quota(ex.Header)
	return r
}
