// Package telegram is a bot on Telegram: it posts to channels, groups and
// people, and hears what they type and press.
//
// It speaks the Bot API through github.com/go-telegram-bot-api/telegram-bot-api,
// whose MakeRequest carries any method with any parameters. The library's own
// types end at Bot API 5.5 (December 2021): topics, reply parameters, link
// preview options and the origin of forwarded messages are written and read
// here instead. Its polling loop is not used either, because it confirms
// updates before they are handled.
//
// Facts without another source are from core.telegram.org/bots/api.
package telegram

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

const (
	defaultURL  = "https://api.telegram.org"
	defaultRate = 30 // messages a second to all chats together (core.telegram.org/bots/faq)
	perMinute   = 20 // messages to one group, by the same page; whether channels have that limit is not documented

	// The documentation says "characters"; the server counts code points
	// (tdlib/td, MessageContent.cpp, utf8_length).
	maxText  = 4096
	maxTitle = 128 // of a topic
)

// Config is one bot.
type Config struct {
	Name   string
	Token  string
	APIURL string  // empty for Telegram itself
	Paid   bool    // messages to people may be paid for
	Rate   float64 // messages a second; 0 is 30. More than Telegram takes is for simulators, where no group has a limit either
}

// Bot is one bot. It implements [bots.Bot], [bots.Batcher], [bots.Checker],
// [bots.Responder], [bots.Commander], [bots.PrivateCommander],
// [bots.Messenger], [bots.Named], [bots.Prober], [bots.Ranker],
// [bots.Courier] and [bots.Heard].
type Bot struct {
	name   string
	paid   bool
	pace   bots.Pace
	group  bots.Pace
	client *bots.Client
	api    tgbotapi.BotAPI // copied for each call

	bulk    *bots.Bulk // for the courier
	answers sync.Pool  // of *[answerRoom]byte

	username atomic.Pointer[string] // nil until it is known
	heard    bots.Pulse
	quiet    atomic.Pointer[time.Time] // until when Telegram is not to be asked for updates; may be nil
}

// New returns the bot without contacting Telegram.
func New(c Config) (*Bot, error) {
	if c.Token == "" || strings.ContainsAny(c.Token, "/?#% \n") {
		return nil, fmt.Errorf("telegram %s: the token is missing or malformed", c.Name)
	}
	base := strings.TrimRight(cmp.Or(c.APIURL, defaultURL), "/")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("telegram %s: api_url is not an http address", c.Name)
	}
	_, secret, _ := strings.Cut(c.Token, ":") // the part before it is the bot's public id
	b := &Bot{name: c.Name, paid: c.Paid, pace: bots.PaceOf(cmp.Or(c.Rate, defaultRate)), client: bots.NewClient(c.Token, secret)}
	if c.Rate <= defaultRate {
		b.group = bots.Pace{N: perMinute, Per: time.Minute}
	}
	send, err := url.Parse(base + "/bot" + c.Token + "/sendMessage")
	if err != nil {
		return nil, fmt.Errorf("telegram %s: the token is malformed", c.Name)
	}
	b.bulk = bots.NewBulk(b.client, send, maxInFlight)
	b.answers.New = func() any { return new([answerRoom]byte) }
	// The library's constructors call getMe, so the value is made by hand.
	b.api.Token = c.Token
	b.api.SetAPIEndpoint(strings.ReplaceAll(base, "%", "%%") + "/bot%s/%s")
	return b, nil
}

// Limits says what Telegram can carry and take back.
func (b *Bot) Limits() bots.Limits {
	return bots.Limits{
		MaxText:      maxText,
		Unit:         "characters",
		Measure:      utf8.RuneCountInString,
		Edit:         true,
		Delete:       true,
		DeleteWithin: 48 * time.Hour,
		Replies:      bots.ReplyFirst,
		Threads:      bots.ThreadFirst,
		Pin:          true,
		Buttons:      true,
		Account:      b.pace,
		Target:       b.group,
		Person:       bots.PaceOf(1), // core.telegram.org/bots/faq
	}
}

// Do carries out op.
func (b *Bot) Do(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	method, params, f := b.request(op)
	if f != nil {
		return bots.Receipt{}, f
	}
	result, refusal, f := b.call(ctx, method, params)
	switch {
	case refusal != nil && already(op.Action, refusal.Description):
		return bots.Receipt{ID: op.Message, URL: link(op.Target, op.Message)}, nil
	case refusal != nil:
		f = classify(op, refusal)
		f.Detail = b.words(refusal.Description)
	}
	if f != nil {
		return bots.Receipt{}, f
	}
	return receipt(op, result)
}

// call makes one request. Exactly one of its results says what came of it:
// the method's result, Telegram's refusal, or the fault where Telegram said
// nothing. A limit is a fault too.
func (b *Bot) call(ctx context.Context, method string, params tgbotapi.Params) (json.RawMessage, *tgbotapi.APIResponse, *bots.Fault) {
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	api := b.api
	api.Client = carrier{ctx, b.client.HTTP}
	answer, err := api.MakeRequest(method, params)
	_, refused := errors.AsType[*tgbotapi.Error](err)
	if answer == nil {
		answer = new(tgbotapi.APIResponse)
	}
	return judge(ex, answer, refused, err)
}

// judge says what came of an exchange. err is why the answer could not be read
// as one of Telegram's, or that it is a refusal.
func judge(ex *bots.Exchange, answer *tgbotapi.APIResponse, refused bool, err error) (json.RawMessage, *tgbotapi.APIResponse, *bots.Fault) {
	switch f := ex.Fault("", answer.Description); {
	case f != nil && f.Kind == bots.RateLimited:
		return nil, nil, limited(f, answer.Parameters)
	case refused && answer.ErrorCode/100 == 4 && ex.Status/100 == 4:
		return nil, answer, nil
	case f != nil:
		return nil, nil, f
	case err != nil: // the library's words on a page that is not JSON say nothing
		return nil, nil, notTelegram(ex)
	}
	return answer.Result, nil, nil
}

// carrier sends a request of the library, which knows no contexts, as the one
// request of an exchange.
type carrier struct {
	ctx  context.Context
	http *http.Client
}

func (c carrier) Do(req *http.Request) (*http.Response, error) {
	return c.http.Do(req.WithContext(c.ctx))
}

// words makes Telegram's explanation fit for a log.
func (b *Bot) words(s string) string { return bots.OneLine(b.client.Redact(s)) }
