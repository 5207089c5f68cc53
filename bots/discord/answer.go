package discord

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// published is a message as Discord returns it (Resources, "Message Object").
type published struct {
	ID        string `json:"id"`
	Channel   string `json:"channel_id"`
	Content   string `json:"content"`
	Nonce     nonce  `json:"nonce"`
	WebhookID string `json:"webhook_id"`
	Author    struct {
		ID  string `json:"id"`
		Bot bool   `json:"bot"`
	} `json:"author"`
}

// nonce is a string, or a number for some clients.
type nonce string

func (n *nonce) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*n = nonce(s)
	}
	return nil
}

// receipt is what the exchange that carried op came to.
func (b *Bot) receipt(op bots.Operation, ex *bots.Exchange) (bots.Receipt, *bots.Fault) {
	f := fault(ex, op)
	if f != nil && !alreadySo(op, f) {
		return bots.Receipt{}, f
	}
	r := bots.Receipt{ID: op.Message, URL: b.link(place(op), op.Message)}
	r.Remaining, r.Reset = limit(ex.Header, time.Now())
	switch op.Action {
	case bots.OpenThread: // a thread has the id of its message (Resources, "Start Thread from Message")
		r.URL = b.link(op.Message, "")
	case bots.Delete, bots.Pin:
		if f == nil && ex.Status != http.StatusNoContent { // Resources, "Delete Message", "Pin Message"; this is somebody else's answer
			return bots.Receipt{}, unreadable(ex)
		}
		if op.Action == bots.Delete {
			r.URL = ""
		}
		return r, nil
	}
	if f != nil {
		return r, nil //nolint:nilerr // the fault says that it is already so
	}
	var m published
	if json.Unmarshal(ex.Body, &m) != nil || !isID(m.ID) {
		return bots.Receipt{}, unreadable(ex)
	}
	if op.Action == bots.Post {
		r.ID, r.URL = m.ID, b.link(place(op), m.ID)
		b.know(m)
	}
	return r, nil
}

// know learns our own user id from a message that we posted.
func (b *Bot) know(m published) {
	if m.Author.Bot && isID(m.Author.ID) {
		b.self.Store(m.Author.ID)
	}
}

// decode reads a complete 2xx answer. One that cannot be understood leaves
// open whether the request was carried out.
func decode(ex *bots.Exchange, v any) *bots.Fault {
	if json.Unmarshal(ex.Body, v) != nil {
		return unreadable(ex)
	}
	return nil
}

func unreadable(ex *bots.Exchange) *bots.Fault {
	return &bots.Fault{Kind: bots.Unsure, Code: strconv.Itoa(ex.Status), Detail: "the answer is not what Discord documents"}
}

// link is where people find a message or, without message, a channel. It is
// empty while the server is not known.
func (b *Bot) link(channel, message string) string {
	if b.guild == "" {
		return ""
	}
	s := "https://discord.com/channels/" + b.guild + "/" + channel
	if message != "" {
		s += "/" + message
	}
	return s
}

// limit reads what is left of the limit that the request fell under. The
// relative time is preferred, since it does not depend on two clocks.
func limit(h http.Header, now time.Time) (remaining int, reset time.Time) {
	remaining, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || remaining < 0 {
		return 0, time.Time{}
	}
	if d, ok := seconds(h.Get("X-RateLimit-Reset-After")); ok {
		return remaining, now.Add(d)
	}
	if d, ok := seconds(h.Get("X-RateLimit-Reset")); ok {
		return remaining, time.UnixMilli(d.Milliseconds())
	}
	return 0, time.Time{}
}

// userOfToken is the user id that a bot token begins with, in base64, or ""
// for a token of another shape (Reference, "Authentication", shows them).
func userOfToken(token string) string {
	head, _, _ := strings.Cut(token, ".")
	id, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(head, "="))
	if err != nil || !isID(string(id)) {
		return ""
	}
	return string(id)
}
