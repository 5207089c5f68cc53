// Package wechat posts to a WeChat Work (WeCom) group through a group robot:
// a webhook address with a key, which can do nothing but post. The platform
// gives no id back, so what was posted can be neither changed nor found again.
//
// Facts without another source are from the WeCom documentation, "Group robot
// configuration" (developer.work.weixin.qq.com, document 91770).
package wechat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
)

const (
	defaultURL  = "https://qyapi.weixin.qq.com"
	maxText     = 2048 // bytes of text.content
	perMinute   = 20   // messages that one robot may send
	limitWindow = time.Minute

	mention    = "<@"       // begins "<@userid>", which mentions a member, in texts too
	notMention = "<\u200b@" // looks the same and mentions nobody
)

// Config is one group robot.
type Config struct {
	Name   string
	Key    string  // the key in the robot's webhook address
	APIURL string  // empty for the platform itself
	Rate   float64 // messages a second; 0 for the platform's own 20 a minute
}

// Bot is a group robot.
type Bot struct {
	name   string
	url    string // with the key: never to be shown
	client *bots.Client
	pace   bots.Pace
}

// New returns the robot without contacting the platform.
func New(c Config) (*Bot, error) {
	if c.Key == "" {
		return nil, fmt.Errorf("wechat %s: the robot's key is missing", c.Name)
	}
	if c.APIURL == "" {
		c.APIURL = defaultURL
	}
	u, err := url.Parse(c.APIURL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("wechat %s: api_url is not an http address", c.Name)
	}
	u = u.JoinPath("cgi-bin/webhook/send")
	u.RawQuery = url.Values{"key": {c.Key}}.Encode()
	pace := bots.Pace{N: perMinute, Per: time.Minute}
	if c.Rate > 0 {
		pace = bots.PaceOf(c.Rate)
	}
	return &Bot{name: c.Name, url: u.String(), client: bots.NewClient(c.Key), pace: pace}, nil
}

// Limits says that a robot can post text and nothing else.
func (b *Bot) Limits() bots.Limits {
	return bots.Limits{
		MaxText: maxText,
		Unit:    "bytes",
		Measure: func(s string) int { return len(escape(s)) },
		Account: b.pace,
	}
}

// escape keeps a text from mentioning members.
func escape(s string) string { return strings.ReplaceAll(s, mention, notMention) }

// Do posts the text of op.
func (b *Bot) Do(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
	if f := refuse(op); f != nil {
		return bots.Receipt{}, f
	}
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, encode(escape(op.Text)))
	if err != nil { // and it would show the key
		return bots.Receipt{}, &bots.Fault{Kind: bots.Rejected, Detail: "the request cannot be built"}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := b.client.HTTP.Do(req)
	if err == nil {
		resp.Body.Close() // already read; what went wrong is in the exchange
	}
	if f := b.fault(ex); f != nil {
		return bots.Receipt{}, f
	}
	return bots.Receipt{}, nil
}

// refuse finds what the platform would refuse, before anything is sent.
func refuse(op bots.Operation) *bots.Fault {
	reject := func(format string, args ...any) *bots.Fault {
		return &bots.Fault{Kind: bots.Rejected, Detail: bots.OneLine(fmt.Sprintf(format, args...))}
	}
	switch n := len(escape(op.Text)); {
	case op.Action != bots.Post:
		return reject("a group robot cannot %s", op.Action)
	case strings.TrimSpace(op.Text) == "":
		return reject("the text is empty")
	case !utf8.ValidString(op.Text):
		return reject("the text is not valid UTF-8")
	case n > maxText:
		return reject("the text has %d bytes, the limit is %d", n, maxText)
	}
	return nil
}

func encode(text string) *bytes.Buffer {
	type content struct {
		Content string `json:"content"`
	}
	body := new(bytes.Buffer)
	enc := json.NewEncoder(body)
	enc.SetEscapeHTML(false)
	enc.Encode(struct { // strings always encode
		MsgType string  `json:"msgtype"`
		Text    content `json:"text"`
	}{"text", content{text}})
	return body
}
