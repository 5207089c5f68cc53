package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

const tgToken = "42:secret"

// A tgTest is a simulator behind a server, with a channel, a forum and a clock
// that stands still.
type tgTest struct {
	*testing.T
	*Telegram
	url            string
	channel, forum string
	now            time.Time
}

func newTgTest(t *testing.T) *tgTest {
	t.Helper()
	x := &tgTest{T: t, Telegram: NewTelegram(), now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)}
	x.Clock = func() time.Time { return x.now }
	x.AddBot(tgToken, "@status_bot")
	x.channel = x.mustAdd(TelegramChat{ID: "-1001", Username: "@example_status", Title: "Example Status"})
	x.forum = x.mustAdd(TelegramChat{ID: "-1002", Type: "supergroup", Title: "Room", Forum: true, Admins: []string{"7"}})
	server, err := Serve(x.Telegram)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	x.url = server.URL
	return x
}

func (x *tgTest) mustAdd(c TelegramChat) string {
	x.Helper()
	id, err := x.AddChat(c)
	if err != nil {
		x.Fatal(err)
	}
	return id
}

type tgAnswer struct {
	Status      int         `json:"-"`
	Header      http.Header `json:"-"`
	OK          bool        `json:"ok"`
	Code        int         `json:"error_code"`
	Description string      `json:"description"`
	Parameters  struct {
		RetryAfter int   `json:"retry_after"`
		MigrateTo  int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
	Result json.RawMessage `json:"result"`
}

type fields map[string]any

// call posts JSON and returns the answer, whatever it is.
func (x *tgTest) call(method string, params fields) tgAnswer {
	x.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		x.Fatal(err)
	}
	return x.post(method, "application/json", body)
}

func (x *tgTest) post(method, contentType string, body []byte) tgAnswer {
	x.Helper()
	resp, err := http.Post(x.url+"/bot"+tgToken+"/"+method, contentType, bytes.NewReader(body))
	if err != nil {
		x.Fatal(err)
	}
	return x.read(resp)
}

func (x *tgTest) read(resp *http.Response) tgAnswer {
	x.Helper()
	defer resp.Body.Close()
	var a tgAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		x.Fatal(err)
	}
	a.Status, a.Header = resp.StatusCode, resp.Header
	if a.OK != (a.Status == http.StatusOK) || !a.OK && a.Code != a.Status {
		x.Errorf("status %d with ok %v and error_code %d", a.Status, a.OK, a.Code)
	}
	return a
}

// must calls a method that has to succeed and returns the message.
func (x *tgTest) must(method string, params fields) tgMessage {
	x.Helper()
	a := x.call(method, params)
	if !a.OK {
		x.Fatalf("%s(%v): %s", method, params, a.Description)
	}
	var m tgMessage
	if a.Result[0] == '{' {
		if err := json.Unmarshal(a.Result, &m); err != nil {
			x.Fatal(err)
		}
	}
	return m
}

// refused calls a method that has to fail with these words.
func (x *tgTest) refused(method string, params fields, code int, description string) {
	x.Helper()
	if a := x.call(method, params); a.Code != code || a.Description != description {
		x.Errorf("%s(%v):\n got %d %q\nwant %d %q", method, params, a.Code, a.Description, code, description)
	}
}

func TestTelegramAuthorizes(t *testing.T) {
	x := newTgTest(t)
	tests := []struct {
		method, path string
		code         int
		description  string
	}{
		{"POST", "/bot42:other/getMe", 401, "Unauthorized"},
		{"POST", "/botnonsense/getMe", 404, "Not Found"},
		{"GET", "/", 404, "Not Found"},
		{"POST", "/bot42:secret/getNothing", 404, "Not Found: method not found"},
		{"PUT", "/bot42:secret/getMe", 405, "Method Not Allowed: closing"},
		{"GET", "/bot42:secret/GETME", 0, ""},
	}
	for _, test := range tests {
		req, err := http.NewRequest(test.method, x.url+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if a := x.read(resp); a.Code != test.code || a.Description != test.description {
			t.Errorf("%s %s: got %d %q", test.method, test.path, a.Code, a.Description)
		}
	}
}

func TestTelegramTakesAnyTokenUntilOneIsAdded(t *testing.T) {
	server, err := Serve(NewTelegram())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	resp, err := http.Get(server.URL + "/bot7:whatever/getMe")
	if err != nil {
		t.Fatal(err)
	}
	x := &tgTest{T: t}
	var me tgMe
	if err := json.Unmarshal(x.read(resp).Result, &me); err != nil || me.ID != 7 || !me.IsBot {
		t.Errorf("getMe: %+v, %v", me, err)
	}
}

func TestTelegramReadsEveryEncoding(t *testing.T) {
	x := newTgTest(t)
	values := url.Values{"chat_id": {"@Example_Status"}, "text": {"a & <b> ☃"}}
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	for k := range values {
		mw.WriteField(k, values.Get(k))
	}
	mw.Close()
	x.post("sendMessage", mw.FormDataContentType(), form.Bytes())
	x.post("sendMessage", "application/x-www-form-urlencoded", []byte(values.Encode()))
	x.post("sendMessage", "application/json", []byte(`{"chat_id":-1001,"text":"a & <b> ☃","message_thread_id":null}`))
	x.post("sendMessage?"+values.Encode(), "", nil)
	seen := x.Seen("@example_status")
	if len(seen) != 4 {
		t.Fatalf("%d messages, want 4", len(seen))
	}
	for i, s := range seen {
		if s.Text != "a & <b> ☃" || s.ID != fmt.Sprint(i+1) || s.Author != "Example Status" || !s.Ours || s.Place != x.channel {
			t.Errorf("message %d: %+v", i+1, s)
		}
	}
}

func TestTelegramRefusesBrokenRequests(t *testing.T) {
	x := newTgTest(t)
	for _, test := range []struct{ contentType, body, want string }{
		{"application/json", `{"chat_id":`, "Bad Request: can't parse the JSON object"},
		{"application/json", "{\"chat_id\":-1001,\"text\":\"\xff\"}", "Bad Request: strings must be encoded in UTF-8"},
		{"application/x-www-form-urlencoded", "chat_id=-1001&text=%ff", "Bad Request: strings must be encoded in UTF-8"},
		{"multipart/form-data; boundary=x", "--y", "Bad Request: can't parse the multipart form"},
		{"text/plain", "chat_id=-1001&text=x", "Bad Request: chat_id is empty"},
	} {
		if a := x.post("sendMessage", test.contentType, []byte(test.body)); a.Description != test.want || a.Code != 400 {
			t.Errorf("%q: %d %q, want %q", test.body, a.Code, a.Description, test.want)
		}
	}
	if a := x.post("sendMessage", "application/json", bytes.Repeat([]byte(" "), tgBodyLimit+1)); a.Code != 413 {
		t.Errorf("too large: %d", a.Code)
	}
}

func TestTelegramPlaysFaults(t *testing.T) {
	x := newTgTest(t)
	say := fields{"chat_id": x.channel, "text": "x"}
	x.Faults.Add(
		Fault{Match: "sendMessage", Kind: "status", Status: 429, RetryAfter: Duration(2500 * time.Millisecond)},
		Fault{Match: "sendMessage", Kind: "status", Status: 400, Message: "Bad Request: group chat was upgraded to a supergroup chat", Code: "-1009"},
		Fault{Match: "sendMessage", Kind: "status", Status: 403},
		Fault{Match: "sendMessage", Kind: "status"},
	)
	a := x.call("sendMessage", say)
	if a.Code != 429 || a.Parameters.RetryAfter != 3 || a.Header.Get("Retry-After") != "3" || a.Description != "Too Many Requests: retry after 3" {
		t.Errorf("429: %+v", a)
	}
	if a := x.call("sendMessage", say); a.Code != 400 || a.Parameters.MigrateTo != -1009 {
		t.Errorf("migration: %+v", a)
	}
	x.refused("sendMessage", say, 403, "Forbidden: bot was kicked from the channel chat")
	x.refused("sendMessage", say, 500, "Internal Server Error")
	if n := len(x.Seen("")); n != 0 {
		t.Errorf("%d messages were sent by refused calls", n)
	}
	x.Faults.Add(Fault{Match: "sendMessage", Kind: "cut-after"})
	body, _ := json.Marshal(say)
	if resp, err := http.Post(x.url+"/bot"+tgToken+"/sendMessage", "application/json", bytes.NewReader(body)); err == nil {
		b, _ := io.ReadAll(resp.Body)
		t.Errorf("cut-after answered %q", b)
	}
	if n := len(x.Seen("")); n != 1 {
		t.Errorf("%d messages after cut-after, want 1", n)
	}
}

// The client library that the adapter uses has to understand the simulator.
func TestTelegramWithClientLibrary(t *testing.T) {
	x := newTgTest(t)
	bot, err := tgbotapi.NewBotAPIWithAPIEndpoint(tgToken, x.url+"/bot%s/%s")
	if err != nil {
		t.Fatal(err)
	}
	if bot.Self.UserName != "status_bot" || bot.Self.ID != 42 {
		t.Errorf("getMe: %+v", bot.Self)
	}
	sent, err := bot.Send(tgbotapi.NewMessageToChannel("@example_status", "Logins work."))
	if err != nil || sent.MessageID != 1 || sent.SenderChat == nil || sent.Chat.ID != -1001 {
		t.Fatalf("send: %+v, %v", sent, err)
	}
	if _, err := x.Say(x.forum, "7", "/update@status_bot now，please", Saying{Name: "Ana", Forwarded: true}); err != nil {
		t.Fatal(err)
	}
	updates, err := bot.GetUpdates(tgbotapi.NewUpdate(0))
	if err != nil || len(updates) != 1 {
		t.Fatalf("updates: %+v, %v", updates, err)
	}
	m := updates[0].Message
	if m.Command() != "update" || m.From.ID != 7 || m.From.FirstName != "Ana" || m.ForwardDate == 0 || m.Chat.Type != "supergroup" {
		t.Errorf("message: %+v", m)
	}
	admins, err := bot.GetChatAdministrators(tgbotapi.ChatAdministratorsConfig{ChatConfig: tgbotapi.ChatConfig{ChatID: -1002}})
	if err != nil || len(admins) != 2 || !admins[0].CanDeleteMessages || admins[1].User.ID != 7 {
		t.Errorf("administrators: %+v, %v", admins, err)
	}
	if _, err := bot.Send(tgbotapi.NewMessage(99, "x")); err == nil || !strings.Contains(err.Error(), "chat not found") {
		t.Errorf("unknown chat: %v", err)
	}
}
