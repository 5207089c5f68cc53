package sim

import (
	"encoding/json"
	"strings"
	"time"
)

const (
	tgMaxText    = 4096 // code points after parsing
	tgMaxButton  = 64   // bytes of callback_data
	tgMaxButtons = 100  // under one message
)

func (c *tgCall) sendMessage() (any, error) {
	chat, err := c.writable()
	if err != nil {
		return nil, err
	}
	text, entities, err := c.text()
	if err != nil {
		return nil, err
	}
	post := &tgPost{tgMessage: tgMessage{Text: text, Entities: entities}, raw: c.p["text"]}
	if post.Markup, err = c.markup(); err != nil {
		return nil, err
	}
	if post.LinkPreview, err = c.linkPreview(); err != nil {
		return nil, err
	}
	return c.deliver(chat, post)
}

// writable returns the chat of a call, if the bot may write there.
func (c *tgCall) writable() (*tgChat, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	if chat.info.Type == "channel" && !chat.can("can_post_messages") {
		return nil, tgBad("need administrator rights in the channel chat")
	}
	return chat, nil
}

// deliver puts a message by the bot into a chat, in the topic and under the
// message that the call names.
func (c *tgCall) deliver(chat *tgChat, post *tgPost) (any, error) {
	var err error
	if post.Thread, err = c.thread(chat); err != nil {
		return nil, err
	}
	if post.replyTo, err = c.reply(chat, post); err != nil {
		return nil, err
	}
	if topic := chat.topics[post.Thread]; topic != nil && topic.closed && !chat.can("can_manage_topics") {
		return nil, tgBad("TOPIC_CLOSED")
	}
	if err := c.pace(chat); err != nil {
		return nil, err
	}
	post.by = c.bot
	if info := chat.info; info.Type == "channel" {
		post.SenderChat = &info
	} else {
		from := c.bot.user
		post.From = &from
	}
	return chat.wire(c.add(chat, post)), nil
}

// thread is the topic that the call names. The general topic cannot be named.
func (c *tgCall) thread(chat *tgChat) (int64, error) {
	id := c.p.integer("message_thread_id")
	if id == 0 && strings.Trim(c.p["message_thread_id"], "0") != "" {
		return 0, tgBad("invalid message thread identifier specified")
	}
	if id == 0 {
		return 0, nil
	}
	if chat.topics[id] == nil {
		return 0, tgBad("message thread not found")
	}
	return id, nil
}

// reply is the message that the call answers; 0 for none. An answer goes into
// the topic of that message.
func (c *tgCall) reply(chat *tgChat, post *tgPost) (int64, error) {
	r := struct {
		Message int64           `json:"message_id"`
		Chat    json.RawMessage `json:"chat_id"`
		Without bool            `json:"allow_sending_without_reply"`
		Quote   string          `json:"quote"`
	}{c.p.integer("reply_to_message_id"), nil, c.p.yes("allow_sending_without_reply"), ""}
	if err := c.p.object("reply_parameters", "reply parameters", &r); err != nil {
		return 0, err
	}
	if other := strings.Trim(string(r.Chat), `"`); other != "" && !c.isNamed(chat, other) {
		return 0, tgBad("the simulator knows no replies to other chats")
	}
	if r.Message == 0 {
		return 0, nil
	}
	to := chat.post(r.Message)
	switch {
	case to == nil && r.Without:
		return 0, nil
	case to == nil:
		return 0, tgBad("message to be replied not found")
	case !strings.Contains(to.Text, r.Quote):
		return 0, tgBad("QUOTE_TEXT_INVALID")
	}
	if post.Thread == 0 {
		post.Thread = to.Thread
	}
	return r.Message, nil
}

// markup reads reply_markup. Keyboards other than inline ones are taken and
// not shown.
func (c *tgCall) markup() (*tgMarkup, error) {
	var m tgMarkup
	if err := c.p.object("reply_markup", "reply keyboard markup", &m); err != nil {
		return nil, err
	}
	n := 0
	for _, row := range m.Rows {
		for _, b := range row {
			if err := b.check(); err != nil {
				return nil, err
			}
			n++
		}
	}
	if n > tgMaxButtons {
		return nil, tgBad("reply markup is too long")
	}
	if n == 0 {
		return nil, nil
	}
	return &m, nil
}

func (b tgButton) check() error {
	switch {
	case b.Text == "":
		return tgBad("can't parse inline keyboard button: Can't find field \"text\"")
	case b.Data == "" && b.URL == "":
		return tgBad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	case len(b.Data) > tgMaxButton:
		return tgBad("BUTTON_DATA_INVALID")
	case b.URL != "" && linkTarget(b.URL) == "":
		return tgBad("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", b.URL)
	}
	return nil
}

func (c *tgCall) linkPreview() (*tgLinkPreview, error) {
	p := tgLinkPreview{Disabled: c.p.yes("disable_web_page_preview")}
	err := c.p.object("link_preview_options", "link preview options", &p)
	if err != nil || p == (tgLinkPreview{}) {
		return nil, err
	}
	return &p, nil
}

// pace applies the strict limits to a message, and counts it.
func (c *tgCall) pace(chat *tgChat) error {
	now := c.Clock()
	if err := c.paceAccount(now); err != nil {
		return err
	}
	if n := c.Limits.Group; n > 0 && chat.owner == nil {
		if wait := chat.messages.wait(now, n, time.Minute); wait > 0 {
			return tgTooMany(wait)
		}
		chat.messages.add(now)
	}
	c.countAccount(now)
	return nil
}

// paceAccount refuses what is beyond the account's limit; it counts nothing.
// What is paid for goes beyond the limit of the rest, and counts among all.
func (c *tgCall) paceAccount(now time.Time) error {
	n, window := c.Limits.Account, &c.bot.free
	if n > 0 && c.paid() {
		n, window = max(n, c.Limits.Paid), &c.bot.sent
	}
	if n <= 0 {
		return nil
	}
	if wait := window.wait(now, n, time.Second); wait > 0 {
		return tgTooMany(wait)
	}
	return nil
}

// countAccount counts what was not refused.
func (c *tgCall) countAccount(now time.Time) {
	if c.Limits.Account <= 0 {
		return
	}
	c.bot.sent.add(now)
	if !c.paid() {
		c.bot.free.add(now)
	}
}

func (c *tgCall) paid() bool { return c.p.yes("allow_paid_broadcast") && !c.Limits.Broke }

// source returns the message that a call forwards or copies.
func (c *tgCall) source(missing string) (*tgChat, *tgPost, error) {
	from := c.find(c.bot, c.p["from_chat_id"])
	if from == nil {
		return nil, nil, tgBad("chat not found")
	}
	if err := from.access(); err != nil {
		return nil, nil, err
	}
	p := from.post(c.p.integer("message_id"))
	if p == nil || p.service {
		return nil, nil, tgBad("%s", missing)
	}
	return from, p, nil
}

func (c *tgCall) forwardMessage() (any, error) {
	chat, err := c.writable()
	if err != nil {
		return nil, err
	}
	from, p, err := c.source("message to forward not found")
	if err != nil {
		return nil, err
	}
	post := &tgPost{tgMessage: tgMessage{Text: p.Text, Entities: p.Entities, ForwardDate: p.Date}, raw: p.raw}
	post.ForwardOrigin = &tgOrigin{Type: "user", Date: p.Date, SenderUser: p.From}
	post.ForwardFrom = p.From
	if p.SenderChat != nil {
		post.ForwardOrigin = &tgOrigin{Type: "channel", Date: p.Date, Chat: p.SenderChat, MessageID: p.ID}
		post.ForwardFrom, post.ForwardFromChat = nil, &from.info
	}
	return c.deliver(chat, post)
}

func (c *tgCall) copyMessage() (any, error) {
	chat, err := c.writable()
	if err != nil {
		return nil, err
	}
	_, p, err := c.source("message to copy not found")
	if err != nil {
		return nil, err
	}
	post := &tgPost{tgMessage: tgMessage{Text: p.Text, Entities: p.Entities}, raw: p.raw}
	if _, err := c.deliver(chat, post); err != nil {
		return nil, err
	}
	return map[string]int64{"message_id": post.ID}, nil
}

// ids reads a list of 1 to 100 message ids.
func (c *tgCall) ids(key string) ([]int64, error) {
	var ids []int64
	if err := c.p.object(key, "message identifiers", &ids); err != nil {
		return nil, err
	}
	switch {
	case len(ids) == 0:
		return nil, tgBad("message identifiers are not specified")
	case len(ids) > 100:
		return nil, tgBad("too many message identifiers specified")
	}
	return ids, nil
}
