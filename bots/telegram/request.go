package telegram

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

// request translates op into a method and its parameters, or rejects what
// Telegram would refuse.
//
// Text is sent without a parse mode, so that nothing in it is markup. What
// Telegram recognises by itself (links, hashtags, @names) stays as typed.
func (b *Bot) request(op bots.Operation) (string, tgbotapi.Params, *bots.Fault) {
	r := &builder{params: tgbotapi.Params{}}
	r.require("chat_id", op.Target)
	var method string
	switch op.Action {
	case bots.Post:
		method = "sendMessage"
		r.text(op.Text)
		r.buttons(op.Buttons)
		r.id("message_thread_id", op.Thread, true)
		r.reply(op.ReplyTo)
	case bots.Edit:
		method = "editMessageText"
		r.text(op.Text)
		r.buttons(op.Buttons)
		r.id("message_id", op.Message, false)
	case bots.Delete:
		method = "deleteMessage"
		r.id("message_id", op.Message, false)
	case bots.Pin:
		method = "pinChatMessage"
		r.id("message_id", op.Message, false)
		r.params.AddBool("disable_notification", true)
	case bots.OpenThread:
		method = "createForumTopic"
		r.require("name", cut(strings.TrimSpace(op.Title), maxTitle))
	default:
		r.reject("Telegram cannot %s", op.Action)
	}
	return method, r.params, r.fault
}

// builder collects parameters and remembers the first that is wrong.
type builder struct {
	params tgbotapi.Params
	fault  *bots.Fault
}

func (r *builder) reject(format string, args ...any) {
	if r.fault == nil {
		r.fault = &bots.Fault{Kind: bots.Rejected, Detail: bots.OneLine(fmt.Sprintf(format, args...))}
	}
}

func (r *builder) require(name, value string) {
	if value == "" {
		r.reject("%s is missing", name)
	}
	r.params[name] = value
}

func (r *builder) id(name, value string, optional bool) {
	if value == "" && optional {
		return
	}
	if n, err := strconv.ParseInt(value, 10, 64); err != nil || n <= 0 {
		r.reject("%s %q is not an id", name, value)
	}
	r.params[name] = value
}

// text adds a message's text. Links are not unfolded into previews: what they
// show is out of our hands.
func (r *builder) text(s string) {
	switch n := utf8.RuneCountInString(s); {
	case strings.TrimSpace(s) == "":
		r.reject("the text is empty")
	case !utf8.ValidString(s):
		r.reject("the text is not valid UTF-8")
	case n > maxText:
		r.reject("the text has %d characters, the limit is %d", n, maxText)
	}
	r.params["text"] = s
	r.params["link_preview_options"] = `{"is_disabled":true}`
}

// keyButton is an InlineKeyboardButton.
type keyButton struct {
	Text string `json:"text"`
	Data string `json:"callback_data"`
}

// buttons adds an inline keyboard. An edit that names none removes the one
// that the message had.
func (r *builder) buttons(rows [][]bots.Button) {
	if len(rows) == 0 {
		return
	}
	if f := bots.CheckButtons(rows); f != nil {
		r.reject("%s", f.Detail)
		return
	}
	keyboard := make([][]keyButton, len(rows))
	for i, row := range rows {
		for _, b := range row {
			keyboard[i] = append(keyboard[i], keyButton(b))
		}
	}
	if err := r.params.AddInterface("reply_markup", map[string]any{"inline_keyboard": keyboard}); err != nil {
		r.reject("the buttons cannot be written: %v", err)
	}
}

// reply links a post to its parent. Whether to post without the link when the
// parent is gone is the engine's decision, so Telegram must refuse.
func (r *builder) reply(to string) {
	if to == "" {
		return
	}
	id, err := strconv.ParseInt(to, 10, 64)
	if err != nil || id <= 0 {
		r.reject("the message to reply to, %q, is not an id", to)
		return
	}
	r.params["reply_parameters"] = fmt.Sprintf(`{"message_id":%d,"allow_sending_without_reply":false}`, id)
}

// cut shortens s to limit code points.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}

// receipt reads the result of the method that carried out op.
func receipt(op bots.Operation, result json.RawMessage) (bots.Receipt, error) {
	var made struct {
		Message int64 `json:"message_id"`
		Thread  int64 `json:"message_thread_id"`
		Chat    struct {
			ID       int64  `json:"id"`
			Username string `json:"username"`
		} `json:"chat"`
	}
	id, target := op.Message, op.Target
	switch op.Action {
	case bots.Delete, bots.Pin: // the result is true
		if string(result) != "true" {
			return bots.Receipt{}, noResult()
		}
		return bots.Receipt{ID: id, URL: link(target, id)}, nil
	case bots.Post, bots.Edit, bots.OpenThread:
		if json.Unmarshal(result, &made) != nil || max(made.Message, made.Thread) <= 0 {
			return bots.Receipt{}, noResult()
		}
	}
	if op.Action == bots.OpenThread {
		id = decimal(made.Thread)
	} else {
		id = decimal(made.Message)
	}
	if made.Chat.Username != "" && made.Chat.ID < 0 {
		target = "@" + made.Chat.Username
	}
	return bots.Receipt{ID: id, URL: link(target, id)}, nil
}

// link is the public address of a message, or the one that members can
// follow. Basic groups and conversations have none.
func link(target, message string) string {
	if name, ok := strings.CutPrefix(target, "@"); ok {
		return "https://t.me/" + name + "/" + message
	}
	if internal, ok := strings.CutPrefix(target, "-100"); ok { // channels and supergroups
		return "https://t.me/c/" + internal + "/" + message
	}
	return ""
}
