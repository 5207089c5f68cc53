package telegram

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// kinds are the updates asked for: core.telegram.org/bots/api#update.
const kinds = `["message","edited_message","channel_post","edited_channel_post","callback_query","my_chat_member"]`

// The parts of an update that matter here.
type (
	update struct {
		ID          int64       `json:"update_id"`
		Message     *message    `json:"message"`
		Edited      *message    `json:"edited_message"`
		ChannelPost *message    `json:"channel_post"`
		EditedPost  *message    `json:"edited_channel_post"`
		Press       *press      `json:"callback_query"`
		Membership  *membership `json:"my_chat_member"`
	}
	user struct {
		ID    int64  `json:"id"`
		Bot   bool   `json:"is_bot"`
		First string `json:"first_name"`
		Last  string `json:"last_name"`
		Lang  string `json:"language_code"`
	}
	chat struct {
		ID   int64  `json:"id"`
		Type string `json:"type"`
	}
	message struct {
		ID         int64           `json:"message_id"`
		Thread     int64           `json:"message_thread_id"`
		InTopic    bool            `json:"is_topic_message"`
		From       *user           `json:"from"`
		SenderChat *chat           `json:"sender_chat"`
		Chat       chat            `json:"chat"`
		Date       int64           `json:"date"`
		EditDate   int64           `json:"edit_date"`
		Origin     json.RawMessage `json:"forward_origin"`
		Forwarded  int64           `json:"forward_date"` // before Bot API 7.0
		ReplyTo    *message        `json:"reply_to_message"`
		Text       string          `json:"text"`
		Caption    string          `json:"caption"`
		MigrateTo  int64           `json:"migrate_to_chat_id"`
		wordless
		leading
	}
	// What people send that has no words, or only a caption.
	wordless struct {
		Photo     json.RawMessage `json:"photo"`
		Sticker   json.RawMessage `json:"sticker"`
		Animation json.RawMessage `json:"animation"`
		Voice     json.RawMessage `json:"voice"`
		Audio     json.RawMessage `json:"audio"`
		Video     json.RawMessage `json:"video"`
		VideoNote json.RawMessage `json:"video_note"`
		Document  json.RawMessage `json:"document"`
		PaidMedia json.RawMessage `json:"paid_media"`
		Story     json.RawMessage `json:"story"`
		Contact   json.RawMessage `json:"contact"`
		Location  json.RawMessage `json:"location"`
	}
	press struct {
		ID      string   `json:"id"`
		From    user     `json:"from"`
		Message *message `json:"message"`
		Data    string   `json:"data"`
	}
	member struct {
		Status string `json:"status"`
		Member bool   `json:"is_member"` // of a restricted one
	}
	membership struct {
		Chat chat   `json:"chat"`
		From user   `json:"from"`
		Date int64  `json:"date"`
		Old  member `json:"old_chat_member"`
		New  member `json:"new_chat_member"`
	}
)

// event is what a person did, or false for an update that says nothing that
// anyone here needs to know.
func (u *update) event(now time.Time) (bots.Event, bool) {
	var (
		e  bots.Event
		ok bool
	)
	switch {
	case u.Message != nil:
		e, ok = u.Message.event(bots.Said)
	case u.Edited != nil:
		e, ok = u.Edited.event(bots.Edited)
	case u.ChannelPost != nil:
		e, ok = u.ChannelPost.event(bots.Said)
	case u.EditedPost != nil:
		e, ok = u.EditedPost.event(bots.Edited)
	case u.Press != nil:
		e, ok = u.Press.event(now)
	case u.Membership != nil:
		e, ok = u.Membership.event()
	}
	e.Cursor = cursor(u.ID)
	return e, ok
}

// event is false for messages without words: people who join, pins, and in groups
// pictures too.
func (m *message) event(kind bots.EventKind) (bots.Event, bool) {
	e := m.place()
	e.Kind = kind
	if m.MigrateTo != 0 {
		e.Kind, e.To, e.At, e.Key = bots.Migrated, decimal(m.MigrateTo), time.Unix(m.Date, 0), e.Chat+"/"+e.Message
		return e, true
	}
	e.Text = m.Text + m.Caption // there is one of them at most
	e.Links, e.Beside = m.links(e.Text), m.wordless.any()
	e.Forwarded = len(m.Origin) > 0 || m.Forwarded != 0
	e.At = time.Unix(m.Date, 0)
	e.Key = e.Chat + "/" + e.Message
	if kind == bots.Edited {
		e.At = time.Unix(m.EditDate, 0)
		e.Key += "/" + decimal(m.EditDate)
	}
	// Who posts as a chat (an anonymous admin, a channel) is nobody: From is
	// then an account of Telegram's own that stands for all of them.
	if m.SenderChat != nil {
		e.As = decimal(m.SenderChat.ID)
	} else if m.From != nil {
		e.Person, e.Name, e.Language = decimal(m.From.ID), m.From.name(), m.From.Lang
	}
	bot := m.From != nil && m.From.Bot && m.SenderChat == nil
	return e, (e.Text != "" || e.Private && kind == bots.Said && m.wordless.any()) && !bot
}

func (w *wordless) any() bool {
	return slices.ContainsFunc([]json.RawMessage{w.Photo, w.Sticker, w.Animation, w.Voice, w.Audio, w.Video, w.VideoNote, w.Document, w.PaidMedia, w.Story, w.Contact, w.Location},
		func(part json.RawMessage) bool { return len(part) > 0 })
}

// place says where a message is.
func (m *message) place() bots.Event {
	e := bots.Event{Chat: decimal(m.Chat.ID), Message: decimal(m.ID), Private: m.Chat.Type == "private", Public: m.Chat.Type == "channel"}
	if m.InTopic { // replies in other groups have a thread id too, which is no topic
		e.Thread = decimal(m.Thread)
	}
	// Every message in a topic "replies" to the service message that made it.
	if r := m.ReplyTo; r != nil && !(m.InTopic && r.ID == m.Thread) {
		e.ReplyTo = decimal(r.ID)
	}
	return e
}

// event is false for buttons under inline messages, which we never send. The
// platform does not say when a button was pressed.
func (p *press) event(now time.Time) (bots.Event, bool) {
	if p.Message == nil {
		return bots.Event{}, false
	}
	e := p.Message.place()
	e.Kind, e.Key, e.Button, e.At = bots.Pressed, pressKey+p.ID, p.Data, now
	e.Person, e.Name, e.Language = decimal(p.From.ID), p.From.name(), p.From.Lang
	return e, true
}

// pressKey begins the keys of presses; the rest is the id of the query.
const pressKey = "press/"

// event is false for changes between ranks.
func (c *membership) event() (bots.Event, bool) {
	e := bots.Event{
		Kind: bots.Left, Chat: decimal(c.Chat.ID), Private: c.Chat.Type == "private", Public: c.Chat.Type == "channel",
		Person: decimal(c.From.ID), Name: c.From.name(), Language: c.From.Lang, At: time.Unix(c.Date, 0),
	}
	if c.New.in() {
		e.Kind = bots.Joined
	}
	e.Key = e.Chat + "/" + string(e.Kind) + "/" + decimal(c.Date)
	return e, c.New.in() != c.Old.in()
}

func (m member) in() bool {
	switch m.Status {
	case "creator", "administrator", "member":
		return true
	case "restricted":
		return m.Member
	}
	return false // left, or kicked: by a group or, in a conversation, by being blocked
}

func (u *user) name() string { return strings.TrimSpace(u.First + " " + u.Last) }

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
