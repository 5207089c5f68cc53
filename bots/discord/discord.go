// Package discord posts to Discord channels and threads as a bot, and hears
// what people do there: slash commands, buttons, and what they type.
//
// It speaks through github.com/bwmarrin/discordgo, which carries the requests
// and the gateway. The bodies of requests are our own, since the library has
// no enforced nonces (its issue 1351) and only the old routes for pins. What
// an answer means is read from the answer itself, since the library loses the
// status of some.
//
// Facts without another source are from Discord's developer documentation;
// the page is named beside each.
package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

const (
	defaultURL  = "https://discord.com/api/v9"
	defaultRate = 50              // requests a second of one bot (Topics, "Rate Limits")
	maxText     = 2000            // code points of content (Resources, "Create Message")
	maxTitle    = 100             // characters of a thread's name (Resources, "Start Thread from Message")
	nonceWindow = 2 * time.Minute // "the past few minutes" (Resources, "Create Message"), taken low
)

// Config is one bot.
type Config struct {
	Name        string
	Token       string  // without "Bot "
	Application string  // id of the application, for commands; empty where none are registered
	Guild       string  // id of the server that the channels are in; empty makes receipts without links
	APIURL      string  // empty for Discord itself; ends in the API's version, as "/api/v9" does
	Rate        float64 // requests a second over all channels; 0 for Discord's own 50
}

// Bot is a bot's account. It implements [bots.Bot] and all that is optional
// beside it.
type Bot struct {
	name        string
	application string
	guild       string
	api         string // without a slash at the end
	pace        bots.Pace
	heard       bots.Pulse
	token       string
	client      *bots.Client
	rest        *discordgo.Session                                                // carries requests and never opens a gateway, which would hold its lock
	self        atomic.Value                                                      // string: our user id, once it is known
	answers     answers                                                           // interactions that still take an answer
	forms       atomic.Pointer[map[string]bots.Command]                           // commands that ask for their text in a form, by name
	suggest     func(ctx context.Context, command, option, typed string) []string // may be nil
	direct      sync.Map                                                          // person → channel of the conversation, both string
	patience    patience
}

// New returns the bot without contacting Discord.
func New(c Config) (*Bot, error) {
	token := strings.TrimPrefix(c.Token, "Bot ")
	switch {
	case token == "":
		return nil, fmt.Errorf("discord %s: the token is missing", c.Name)
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return nil, fmt.Errorf("discord %s: the token has characters that no token has", c.Name)
	case c.Application != "" && !isID(c.Application):
		return nil, fmt.Errorf("discord %s: application %q is not an id", c.Name, c.Application)
	case c.Guild != "" && !isID(c.Guild):
		return nil, fmt.Errorf("discord %s: guild %q is not an id", c.Name, c.Guild)
	case !(c.Rate >= 0 && c.Rate <= 1e6): // not a number neither
		return nil, fmt.Errorf("discord %s: rate %v is not a number of requests a second", c.Name, c.Rate)
	}
	if c.APIURL == "" {
		c.APIURL = defaultURL
	}
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("discord %s: api_url is not an http address", c.Name)
	}
	if c.Rate == 0 {
		c.Rate = defaultRate
	}
	b := &Bot{
		name: c.Name, application: c.Application, guild: c.Guild, pace: bots.PaceOf(c.Rate), token: token,
		api: strings.TrimRight(c.APIURL, "/"), client: bots.NewClient(token), patience: defaultPatience(),
	}
	b.self.Store(userOfToken(token))
	session, err := b.session()
	if err != nil {
		return nil, fmt.Errorf("discord %s: %w", c.Name, err)
	}
	b.rest = session
	return b, nil
}

// session returns a library session that repeats and logs nothing.
func (b *Bot) session() (*discordgo.Session, error) {
	s, err := discordgo.New("Bot " + b.token)
	if err != nil {
		return nil, errors.New("the library refuses the token")
	}
	s.Client = b.client.HTTP
	s.UserAgent = "DiscordBot (https://github.com/allclear-hq/allclear, 1)" // Reference, "User Agent"
	s.LogLevel = discordgo.LogError - 1
	s.MaxRestRetries = 0
	s.ShouldRetryOnRateLimit = false
	s.ShouldReconnectOnError = false
	s.StateEnabled = false
	s.SyncEvents = true
	return s, nil
}

// Limits says what Discord carries and takes back.
func (b *Bot) Limits() bots.Limits {
	return bots.Limits{
		MaxText:      maxText,
		Unit:         "characters",
		Measure:      func(s string) int { return utf8.RuneCountInString(content(s)) },
		Edit:         true,
		Delete:       true,
		Replies:      bots.ReplyFirst,
		Threads:      bots.ThreadFromMessage,
		Crosspost:    true,
		Pin:          true,
		Buttons:      true,
		Deduplicates: nonceWindow,
		Tells:        true,
		Account:      b.pace,
	}
}

// Do carries out op.
func (b *Bot) Do(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	c, f := plan(op)
	if f != nil {
		return bots.Receipt{}, f
	}
	ex, done := b.send(ctx, c)
	defer done()
	r, f := b.receipt(op, ex)
	if f != nil {
		return bots.Receipt{}, f
	}
	return r, nil
}

// A call is one request of the REST API.
type call struct {
	method, path string // path below the API's base, with its query
	body         []byte // JSON; nil for none
}

// send makes the request and returns what came of it. done must be called
// when the result has been read.
//
// The library keeps one limiter for each URL and holds it, deaf to ctx, while
// a request is under way and while it waits for a limit (its ratelimit.go).
// Each request gets a limiter of its own here, so that none waits for another;
// pace is the engine's business.
func (b *Bot) send(ctx context.Context, c call) (*bots.Exchange, context.CancelFunc) {
	ctx, ex, done := b.client.Exchange(ctx)
	bucket := discordgo.NewRatelimiter().LockBucket("")
	// The error is not used: it repeats the exchange, with less in it, and
	// one of its types carries the Authorization header.
	_, _ = b.rest.RequestWithLockedBucket(c.method, b.api+c.path, "application/json", c.body, bucket, 0,
		discordgo.WithContext(ctx), discordgo.WithClient(b.client.HTTP),
		discordgo.WithRestRetries(0), discordgo.WithRetryOnRatelimit(false))
	return ex, done
}

// get fetches path into v. It is one request.
func (b *Bot) get(ctx context.Context, path string, v any) *bots.Fault {
	ex, done := b.send(ctx, call{method: http.MethodGet, path: path})
	defer done()
	if f := fault(ex, bots.Operation{}); f != nil {
		return f
	}
	return decode(ex, v)
}

// isID reports whether s is a snowflake as Discord writes it: a decimal
// number of 64 bits (Reference, "Snowflakes").
func isID(s string) bool {
	return s != "" && len(s) <= 20 && strings.Trim(s, "0123456789") == ""
}
