package telegram_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/bottest"
	"github.com/allclear-hq/allclear/bots/telegram"
)

const token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"

func TestConformance(t *testing.T) {
	bottest.Run(t, bottest.Platform{
		New: func(url string) (bots.Bot, error) {
			return telegram.New(telegram.Config{Name: "tg", Token: token, APIURL: url})
		},
		Secrets: []string{token, "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"},
		Calls:   calls(),
		Answers: answers(),
		Refuse:  func(words string) bottest.Reply { return refusal(400, words, "") },
		Decode:  decode,
		Length:  func(r bottest.Request) int { return utf8.RuneCountInString(form(r).Get("text")) },
	})
}

const channel = "-1001234567890"

func calls() []bottest.Call {
	message := func(thread string) bottest.Reply {
		return ok(`{"message_id":57,` + thread + `"date":1700000000,"chat":{"id":-1001234567890,"type":"channel","title":"Status"},"text":"t"}`)
	}
	public := ok(`{"message_id":58,"date":1700000000,"chat":{"id":-1001234567890,"type":"channel","username":"example_status"},"text":"t"}`)
	private := ok(`{"message_id":7,"date":1700000000,"chat":{"id":42,"type":"private","username":"ana"},"text":"t"}`)
	inside := bots.Receipt{ID: "57", URL: "https://t.me/c/1234567890/57"}
	buttons := [][]bots.Button{{{Text: "Publish & go", Data: "publish D-17"}, {Text: "Edit", Data: "edit D-17"}}, {{Text: "弃", Data: "discard D-17"}}}
	return []bottest.Call{
		{Name: "post", Op: bots.Operation{Action: bots.Post, Target: channel, Text: "Back.", Nonce: "n"},
			Asks: bots.Operation{Action: bots.Post, Target: channel, Text: "Back."}, OK: message(""), Receipt: inside},
		{Name: "post by name", Op: bots.Operation{Action: bots.Post, Target: "@example_status", Text: "Back."},
			OK: public, Receipt: bots.Receipt{ID: "58", URL: "https://t.me/example_status/58"}},
		{Name: "post to a person", Op: bots.Operation{Action: bots.Post, Target: "42", Text: "Back."},
			OK: private, Receipt: bots.Receipt{ID: "7"}},
		{Name: "reply", Op: bots.Operation{Action: bots.Post, Target: channel, ReplyTo: "12", Text: "Back."}, OK: message(""), Receipt: inside},
		{Name: "post into a topic", Op: bots.Operation{Action: bots.Post, Target: channel, Thread: "9", ReplyTo: "12", Text: "Back."},
			OK: message(`"message_thread_id":9,"is_topic_message":true,`), Receipt: inside},
		{Name: "edit", Op: bots.Operation{Action: bots.Edit, Target: channel, Message: "57", Text: "Back now."}, OK: message(""), Receipt: inside},
		{Name: "post with buttons", Op: bots.Operation{Action: bots.Post, Target: channel, Text: "D-17", Buttons: buttons}, OK: message(""), Receipt: inside},
		{Name: "edit with buttons", Op: bots.Operation{Action: bots.Edit, Target: channel, Message: "57", Text: "D-17", Buttons: buttons}, OK: message(""), Receipt: inside},
		{Name: "delete", Op: bots.Operation{Action: bots.Delete, Target: channel, Message: "57"}, OK: ok("true"), Receipt: inside},
		{Name: "pin", Op: bots.Operation{Action: bots.Pin, Target: channel, Message: "57"}, OK: ok("true"), Receipt: inside},
		{Name: "topic", Op: bots.Operation{Action: bots.OpenThread, Target: channel, Title: "INC-12 Withdrawals"},
			OK: ok(`{"message_thread_id":91,"name":"INC-12 Withdrawals","icon_color":7322096}`), Receipt: bots.Receipt{ID: "91", URL: "https://t.me/c/1234567890/91"}},
		{Name: "topic with a long name", Op: bots.Operation{Action: bots.OpenThread, Target: channel, Title: strings.Repeat("界", 200)},
			Asks: bots.Operation{Action: bots.OpenThread, Target: channel, Title: strings.Repeat("界", 127) + "…"},
			OK:   ok(`{"message_thread_id":91,"name":"x","icon_color":7322096}`), Receipt: bots.Receipt{ID: "91", URL: "https://t.me/c/1234567890/91"}},
	}
}

func ok(result string) bottest.Reply {
	return bottest.Reply{Body: `{"ok":true,"result":` + result + `}`}
}

func refusal(code int, words, parameters string) bottest.Reply {
	if parameters != "" {
		parameters = `,"parameters":` + parameters
	}
	return bottest.Reply{Status: code, Body: fmt.Sprintf(`{"ok":false,"error_code":%d,"description":%s%s}`, code, bottest.Quote(words), parameters)}
}

// answers are in the words of the Bot API server (tdlib/telegram-bot-api, Client.cpp).
func answers() []bottest.Answer {
	return slices.Concat(refusedPosts(), refusedChanges(), limits())
}

// said is a refusal in these words, or one that means success.
func said(op bots.Operation, want bots.Fault, done bots.Receipt, code int, words string) bottest.Answer {
	if want.Kind != "" {
		want.Code, want.Detail = fmt.Sprint(code), words
	}
	name := strings.TrimSpace(words + " " + string(op.Action))
	return bottest.Answer{Name: name, Op: op, Reply: refusal(code, words, ""), Want: want, Receipt: done}
}

func refusedPosts() []bottest.Answer {
	var list []bottest.Answer
	fault := func(kind bots.FaultKind, about bots.Subject, code int, words ...string) {
		for _, w := range words {
			list = append(list, said(bots.Operation{}, bots.Fault{Kind: kind, Subject: about}, bots.Receipt{}, code, w))
		}
	}
	fault(bots.Gone, bots.Target, 403,
		"Forbidden: bot was blocked by the user", "Forbidden: user is deactivated", "Forbidden: bot was kicked from the channel chat",
		"Forbidden: bot was kicked from the supergroup chat", "Forbidden: bot is not a member of the channel chat",
		"Forbidden: the group chat was deleted", "Forbidden: bot can't initiate conversation with a user", "Forbidden: bot can't send messages to bots")
	fault(bots.Gone, bots.Target, 400, "Bad Request: chat not found", "Bad Request: PEER_ID_INVALID", "Bad Request: CHANNEL_PRIVATE")
	fault(bots.Unauthorized, bots.Target, 403, "Forbidden: something new")
	fault(bots.Unauthorized, bots.Target, 400,
		"Bad Request: need administrator rights in the channel chat", "Bad Request: not enough rights to send text messages to the chat",
		"Bad Request: CHAT_WRITE_FORBIDDEN")
	fault(bots.Gone, bots.Parent, 400, "Bad Request: message to be replied not found", "Bad Request: reply message not found",
		"Bad Request: message thread not found", "Bad Request: TOPIC_CLOSED", "Bad Request: TOPIC_DELETED")
	fault(bots.Rejected, "", 400, "Bad Request: message is too long", "Bad Request: can't parse entities: unsupported start tag", "Bad Request: something new")
	fault(bots.Rejected, "", 404, "Not Found: method not found")
	fault(bots.Rejected, "", 413, "Request Entity Too Large")
	fault(bots.Unauthorized, bots.Account, 401, "Unauthorized")
	fault(bots.Unauthorized, bots.Account, 404, "Not Found")
	fault(bots.Unsure, "", 500, "Internal Server Error")
	fault(bots.Unsure, "", 502, "Bad Gateway")
	return list
}

func refusedChanges() []bottest.Answer {
	var list []bottest.Answer
	done := bots.Receipt{ID: "57", URL: "https://t.me/c/1234567890/57"}
	say := func(op bots.Operation, want bots.Fault, words string) {
		receipt := bots.Receipt{}
		if want.Kind == "" {
			receipt = done
		}
		list = append(list, said(op, want, receipt, 400, "Bad Request: "+words))
	}
	edit := bots.Operation{Action: bots.Edit, Target: channel, Message: "57", Text: "Back now."}
	remove := bots.Operation{Action: bots.Delete, Target: channel, Message: "57"}
	pin := bots.Operation{Action: bots.Pin, Target: channel, Message: "57"}
	topic := bots.Operation{Action: bots.OpenThread, Target: channel, Title: "INC-12"}
	success := bots.Fault{}
	gone := bots.Fault{Kind: bots.Gone, Subject: bots.Message}
	stays := bots.Fault{Kind: bots.Rejected, Subject: bots.Message}
	denied := bots.Fault{Kind: bots.Unauthorized, Subject: bots.Target}
	say(edit, success, "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")
	say(edit, gone, "message to edit not found")
	say(edit, gone, "MESSAGE_ID_INVALID")
	say(edit, stays, "message can't be edited")
	say(remove, success, "message to delete not found")
	say(remove, stays, "message can't be deleted")
	say(remove, stays, "message can't be deleted for everyone")
	say(pin, success, "CHAT_NOT_MODIFIED")
	say(pin, gone, "message to pin not found")
	say(pin, denied, "not enough rights to manage pinned messages in the chat")
	say(topic, denied, "not enough rights to create a topic")
	say(topic, bots.Fault{Kind: bots.Rejected, Subject: bots.Target}, "the chat is not a forum")
	say(topic, bots.Fault{Kind: bots.Rejected}, "message is not modified")
	return list
}

func limits() []bottest.Answer {
	limit := bots.Fault{Kind: bots.RateLimited, Subject: bots.Target, Code: "429", Detail: "Too Many Requests"}
	both := refusal(429, "Too Many Requests: retry after 35", `{"retry_after":35}`)
	both.Header = map[string]string{"Retry-After": "35"}
	return []bottest.Answer{
		{Name: "flood", Reply: both, Want: limit, After: 35 * time.Second},
		{Name: "flood, body only", Reply: refusal(429, "Too Many Requests: retry after 3", `{"retry_after":3}`), Want: limit, After: 3 * time.Second},
		{Name: "flood, unsaid", Reply: refusal(429, "Too Many Requests", ""), Want: limit, After: time.Minute},
		{Name: "upgraded", Reply: refusal(400, "Bad Request: group chat was upgraded to a supergroup chat", `{"migrate_to_chat_id":-1009876543210}`),
			Want: bots.Fault{Kind: bots.Moved, Subject: bots.Target, Code: "400", To: "-1009876543210"}},
		{Name: "auto-scheduled", Reply: ok(`{"message_id":0,"chat":{"id":-1001234567890}}`), Want: bots.Fault{Kind: bots.Unsure}},
		{Name: "another status than said", Reply: bottest.Reply{Status: 502, Body: `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`},
			Want: bots.Fault{Kind: bots.Unsure, Code: "502"}},
	}
}

func form(r bottest.Request) url.Values {
	v, err := r.Form()
	if err != nil {
		return nil
	}
	return v
}

// decode reads a request as the method descriptions at
// core.telegram.org/bots/api#available-methods say.
func decode(r bottest.Request) (bots.Operation, error) {
	method, found := strings.CutPrefix(r.URL.Path, "/bot"+token+"/")
	action, known := map[string]bots.Action{
		"sendMessage": bots.Post, "editMessageText": bots.Edit, "deleteMessage": bots.Delete,
		"pinChatMessage": bots.Pin, "createForumTopic": bots.OpenThread,
	}[method]
	if !found || !known || r.Method != "POST" {
		return bots.Operation{}, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	}
	f := form(r)
	op := bots.Operation{
		Action: action, Target: f.Get("chat_id"), Thread: f.Get("message_thread_id"),
		Message: f.Get("message_id"), Text: f.Get("text"), Title: f.Get("name"),
	}
	if action == bots.Pin && f.Get("disable_notification") != "true" {
		return op, fmt.Errorf("everyone is notified of the pin")
	}
	if f.Has("parse_mode") || f.Has("entities") || f.Has("allow_paid_broadcast") {
		return op, fmt.Errorf("%v: markup or a fee", f)
	}
	var preview struct {
		Disabled bool `json:"is_disabled"`
	}
	if op.Text != "" && (json.Unmarshal([]byte(f.Get("link_preview_options")), &preview) != nil || !preview.Disabled) {
		return op, fmt.Errorf("links are unfolded")
	}
	if err := readKeyboard(f.Get("reply_markup"), &op); err != nil {
		return op, err
	}
	return op, readReply(f.Get("reply_parameters"), &op)
}

// readKeyboard reads an InlineKeyboardMarkup. Without one a message has no
// buttons, and an edited one has none left.
func readKeyboard(markup string, op *bots.Operation) error {
	if markup == "" {
		return nil
	}
	var keyboard struct {
		Rows [][]struct {
			Text string `json:"text"`
			Data string `json:"callback_data"`
		} `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(markup), &keyboard); err != nil {
		return err
	}
	for _, row := range keyboard.Rows {
		var line []bots.Button
		for _, b := range row {
			line = append(line, bots.Button{Text: b.Text, Data: b.Data})
		}
		op.Buttons = append(op.Buttons, line)
	}
	return nil
}

func readReply(parameters string, op *bots.Operation) error {
	if parameters == "" {
		return nil
	}
	var reply struct {
		Message int64 `json:"message_id"`
		Anyway  *bool `json:"allow_sending_without_reply"`
	}
	if err := json.Unmarshal([]byte(parameters), &reply); err != nil {
		return err
	}
	if reply.Anyway == nil || *reply.Anyway {
		return fmt.Errorf("it would be posted even if the parent is gone")
	}
	op.ReplyTo = fmt.Sprint(reply.Message)
	return nil
}

func TestNew(t *testing.T) {
	for name, c := range map[string]telegram.Config{
		"no token":        {},
		"malformed token": {Token: "1:a/b"},
		"token for fmt":   {Token: "1:%s"},
		"no address":      {Token: token, APIURL: "api.telegram.org"},
		"not http":        {Token: token, APIURL: "file:///tmp"},
		"no URL":          {Token: token, APIURL: "https://x:y:z/\x00"},
	} {
		if _, err := telegram.New(c); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, want an error without the token", name, err)
		}
	}
}

func TestPace(t *testing.T) {
	for rate, want := range map[float64]bots.Pace{
		0: {N: 30, Per: time.Second}, 1000: {N: 1000, Per: time.Second}, 2.5: {N: 2, Per: time.Second}, 0.5: {N: 1, Per: 2 * time.Second},
	} {
		b, err := telegram.New(telegram.Config{Token: token, Rate: rate})
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Limits().Account; got != want {
			t.Errorf("rate %v: %v, want %v", rate, got, want)
		}
	}
}

// TestRejectedUnsent gives the bot an address that does not answer, so that
// anything that is tried comes back as temporary.
func TestRejectedUnsent(t *testing.T) {
	b, err := telegram.New(telegram.Config{Token: token, APIURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	for name, op := range map[string]bots.Operation{
		"no chat":          {Action: bots.Post, Text: "x"},
		"no text":          {Action: bots.Post, Target: channel, Text: " \n"},
		"broken text":      {Action: bots.Post, Target: channel, Text: "a\xff"},
		"a topic's name":   {Action: bots.Post, Target: channel, Thread: "general", Text: "x"},
		"answers nothing":  {Action: bots.Post, Target: channel, ReplyTo: "x", Text: "x"},
		"no message":       {Action: bots.Delete, Target: channel},
		"negative message": {Action: bots.Pin, Target: channel, Message: "-5"},
		"two ids":          {Action: bots.Edit, Target: channel, Message: "5,6", Text: "x"},
		"no title":         {Action: bots.OpenThread, Target: channel, Title: " "},
		"crosspost":        {Action: bots.Crosspost, Target: channel, Message: "5"},
	} {
		if _, err := b.Do(t.Context(), op); err == nil || bots.AsFault(err).Kind != bots.Rejected {
			t.Errorf("%s: %v, want it rejected", name, err)
		}
	}
}
