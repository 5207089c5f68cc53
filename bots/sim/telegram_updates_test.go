package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// updates fetches updates without waiting.
func (x *tgTest) updates(params fields) []tgUpdate {
	x.Helper()
	a := x.call("getUpdates", params)
	var u []tgUpdate
	if !a.OK || json.Unmarshal(a.Result, &u) != nil {
		x.Fatalf("getUpdates(%v): %+v", params, a)
	}
	return u
}

func texts(updates []tgUpdate) string {
	var s []string
	for _, u := range updates {
		for kind, m := range map[string]*tgMessage{"": u.Message, "edited ": u.EditedMessage, "post ": u.ChannelPost, "edited post ": u.EditedPost} {
			if m != nil {
				s = append(s, kind+m.Text)
			}
		}
	}
	return strings.Join(s, ", ")
}

func (x *tgTest) say(chat, person, text string, how Saying) string {
	x.Helper()
	id, err := x.Say(chat, person, text, how)
	if err != nil {
		x.Fatal(err)
	}
	return id
}

func TestTelegramConfirmsByOffset(t *testing.T) {
	x := newTgTest(t)
	for i := range 4 {
		x.say(x.forum, "7", fmt.Sprint("m", i), Saying{})
	}
	all := x.updates(nil)
	if texts(all) != "m0, m1, m2, m3" || texts(x.updates(nil)) != "m0, m1, m2, m3" {
		t.Errorf("updates vanish without being confirmed: %s", texts(all))
	}
	if got := texts(x.updates(fields{"limit": 2})); got != "m0, m1" {
		t.Errorf("limit 2: %s", got)
	}
	if got := texts(x.updates(fields{"offset": all[1].ID})); got != "m1, m2, m3" {
		t.Errorf("offset of the second: %s", got)
	}
	if got := texts(x.updates(fields{"offset": -1})); got != "m3" {
		t.Errorf("offset -1: %s", got)
	}
	if got := x.updates(fields{"offset": all[3].ID + 1}); len(got) != 0 {
		t.Errorf("all confirmed: %v", got)
	}
	x.say(x.forum, "7", "old", Saying{})
	x.now = x.now.Add(25 * time.Hour)
	if got := x.updates(nil); len(got) != 0 {
		t.Errorf("after a day: %v", got)
	}
}

func TestTelegramLongPoll(t *testing.T) {
	x := newTgTest(t)
	got := make(chan tgAnswer)
	poll := func() { got <- x.call("getUpdates", fields{"timeout": 50}) }
	go poll()
	x.untilPolled(nil)
	x.say(x.forum, "7", "hello", Saying{})
	if a := <-got; !strings.Contains(string(a.Result), `"hello"`) {
		t.Errorf("poll: %+v", a)
	}
}

func TestTelegramLongPollTimesOut(t *testing.T) {
	x := newTgTest(t)
	begin := time.Now()
	if a := x.updates(fields{"timeout": 1}); len(a) != 0 || time.Since(begin) < time.Second {
		t.Errorf("%v after %s", a, time.Since(begin))
	}
}

// untilPolled waits until a getUpdates other than old is waiting.
func (x *tgTest) untilPolled(old chan struct{}) chan struct{} {
	x.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		x.mu.Lock()
		poll := x.bots[0].poll
		x.mu.Unlock()
		if poll != nil && poll != old {
			return poll
		}
	}
	x.Fatal("nobody polls")
	return nil
}

func TestTelegramSecondPollerEndsTheFirst(t *testing.T) {
	x := newTgTest(t)
	first, second := make(chan tgAnswer, 1), make(chan tgAnswer, 1)
	go func() { first <- x.call("getUpdates", fields{"timeout": 50}) }()
	poll := x.untilPolled(nil)
	go func() { second <- x.call("getUpdates", fields{"timeout": 50}) }()
	x.untilPolled(poll)
	if a := <-first; a.Code != 409 || a.Description != "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running" {
		t.Errorf("the first: %+v", a)
	}
	x.say(x.forum, "7", "hello", Saying{})
	if a := <-second; !a.OK {
		t.Errorf("the second: %+v", a)
	}
}

func TestTelegramWebhookExcludesPolling(t *testing.T) {
	x := newTgTest(t)
	x.refused("setWebhook", fields{"url": "http://insecure"}, 400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
	x.must("setWebhook", fields{"url": "https://example.com/hook"})
	x.refused("getUpdates", nil, 409, tgWebhook)
	if a := x.call("getWebhookInfo", nil); !strings.Contains(string(a.Result), "https://example.com/hook") {
		t.Errorf("getWebhookInfo: %s", a.Result)
	}
	x.must("deleteWebhook", nil)
	x.updates(nil)
}

func TestTelegramAllowedUpdates(t *testing.T) {
	x := newTgTest(t)
	x.updates(fields{"allowed_updates": []string{"channel_post"}})
	x.say(x.forum, "7", "in the room", Saying{})
	x.say(x.channel, "7", "in the channel", Saying{})
	if got := texts(x.updates(nil)); got != "post in the channel" {
		t.Errorf("only posts: %s", got)
	}
	x.updates(fields{"allowed_updates": []string{}})
	x.say(x.forum, "7", "again", Saying{})
	if got := texts(x.updates(nil)); got != "post in the channel, again" {
		t.Errorf("everything: %s", got)
	}
}

func TestTelegramPeople(t *testing.T) {
	x := newTgTest(t)
	post := x.say(x.channel, "7", "by an admin", Saying{})
	said := x.say(x.forum, "7", "/ack login", Saying{Name: "Ana"})
	x.say(x.forum, "7", "as the group", Saying{Anonymous: true, ReplyTo: said})
	x.say(x.forum, "8", "passed on", Saying{Forwarded: true})
	if err := x.Edit(x.forum, said, "/ack all"); err != nil {
		t.Fatal(err)
	}
	if err := x.Edit(x.channel, post, "changed"); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Start("9", "inc12"); err != nil {
		t.Fatal(err)
	}
	u := x.updates(nil)
	want := "post by an admin, /ack login, as the group, passed on, edited /ack all, edited post changed, /start inc12"
	if texts(u) != want {
		t.Fatalf("updates:\n got %s\nwant %s", texts(u), want)
	}
	if m := u[0].ChannelPost; m.From != nil || m.SenderChat.ID != -1001 {
		t.Errorf("channel post: %+v", m)
	}
	command := []tgEntity{{Type: "bot_command", Length: 4}}
	if m := u[1].Message; m.From.FirstName != "Ana" || cmp.Diff(command, m.Entities) != "" {
		t.Errorf("command: %+v", m)
	}
	if m := u[2].Message; m.From.Username != "GroupAnonymousBot" || m.SenderChat.ID != -1002 || m.ReplyTo.Text != "/ack login" {
		t.Errorf("anonymous: %+v", m)
	}
	if m := u[3].Message; m.ForwardOrigin == nil || m.ForwardFrom == nil || m.From.ID != 8 {
		t.Errorf("forwarded: %+v", m)
	}
	if m := u[4].EditedMessage; m.EditDate == 0 || fmt.Sprint(m.ID) != said {
		t.Errorf("edited: %+v", m)
	}
	if m := u[6].Message; m.Chat.Type != "private" || m.Chat.ID != 9 {
		t.Errorf("started: %+v", m)
	}
}

func TestTelegramPress(t *testing.T) {
	x := newTgTest(t)
	x.must("sendMessage", fields{"chat_id": x.forum, "text": "draft", "reply_markup": fields{"inline_keyboard": [][]fields{{{"text": "Publish", "callback_data": "p:17"}}}}})
	if _, err := x.Press(x.forum, "1", "7", "no such"); err == nil {
		t.Error("a button that is not there was pressed")
	}
	query, err := x.Press(x.forum, "1", "7", "p:17")
	if err != nil {
		t.Fatal(err)
	}
	q := x.updates(nil)[0].Callback
	if q == nil || q.ID != query || q.Data != "p:17" || q.From.ID != 7 || q.Message.Text != "draft" || q.Message.Markup == nil {
		t.Fatalf("callback query: %+v", q)
	}
	late := "Bad Request: query is too old and response timeout expired or query ID is invalid"
	answer := fields{"callback_query_id": query, "text": "Published."}
	x.must("answerCallbackQuery", answer)
	x.refused("answerCallbackQuery", answer, 400, late)
	if text, ok := x.Answered(query); text != "Published." || !ok {
		t.Errorf("shown: %q, %v", text, ok)
	}
	query, err = x.Press(x.forum, "1", "7", "p:17")
	if err != nil {
		t.Fatal(err)
	}
	x.refused("answerCallbackQuery", fields{"callback_query_id": query, "text": strings.Repeat("x", 201)}, 400, "Bad Request: MESSAGE_TOO_LONG")
	x.now = x.now.Add(time.Minute)
	x.refused("answerCallbackQuery", fields{"callback_query_id": query}, 400, late)
}

func TestTelegramMembership(t *testing.T) {
	x := newTgTest(t)
	x.start("5")
	if err := x.Block("5"); err != nil {
		t.Fatal(err)
	}
	x.start("5")
	if err := x.Kick(x.forum); err != nil {
		t.Fatal(err)
	}
	if err := x.SetBot(x.forum, Membership{}); err != nil {
		t.Fatal(err)
	}
	if err := x.Join(x.forum, "6"); err != nil {
		t.Fatal(err)
	}
	x.must("leaveChat", fields{"chat_id": x.forum})
	var got []string
	for _, u := range x.updates(nil) {
		if c := u.MyChatMember; c != nil {
			got = append(got, fmt.Sprint(c.Chat.ID, " ", c.New["status"]))
		}
		if m := u.Message; m != nil && m.NewMembers != nil {
			got = append(got, fmt.Sprint(m.NewMembers[0].ID, " joined"))
		}
	}
	want := []string{"5 kicked", "5 member", "-1002 kicked", "-1002 administrator", "6 joined", "-1002 left"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	x.refused("getChat", fields{"chat_id": x.forum}, 403, "Forbidden: bot is not a member of the supergroup chat")
}

func TestTelegramPrivacyMode(t *testing.T) {
	x := newTgTest(t)
	group := x.mustAdd(TelegramChat{Type: "supergroup", Bot: Membership{Status: "member"}})
	mine := x.must("sendMessage", fields{"chat_id": group, "text": "mine"})
	for _, text := range []string{"chatter", "/help", "/help@other_bot", "/help@status_bot", "ask @status_bot", "a/b"} {
		x.say(group, "7", text, Saying{})
	}
	x.say(group, "7", "an answer", Saying{ReplyTo: fmt.Sprint(mine.ID)})
	if got, want := texts(x.updates(nil)), "/help, /help@status_bot, ask @status_bot, an answer"; got != want {
		t.Errorf("in privacy mode: got %s, want %s", got, want)
	}
	x.ReadAll(tgToken)
	x.say(group, "7", "chatter", Saying{})
	if got := texts(x.updates(fields{"offset": -1})); got != "chatter" {
		t.Errorf("without privacy mode: %s", got)
	}
}

func TestTelegramMembers(t *testing.T) {
	x := newTgTest(t)
	x.say(x.forum, "8", "hello", Saying{})
	if err := x.AddPerson(TelegramPerson{ID: "9"}); err != nil {
		t.Fatal(err)
	}
	if err := x.SetBot(x.forum, Membership{Denied: []string{"can_pin_messages"}}); err != nil {
		t.Fatal(err)
	}
	for user, want := range map[int]string{7: "administrator", 8: "member", 9: "left", 42: "administrator"} {
		a := x.call("getChatMember", fields{"chat_id": x.forum, "user_id": user})
		var m map[string]any
		if err := json.Unmarshal(a.Result, &m); err != nil || m["status"] != want {
			t.Errorf("%d: %v, want %s", user, m["status"], want)
		}
		if user == 42 && (m["can_pin_messages"] != false || m["can_manage_topics"] != true) {
			t.Errorf("rights of the bot: %v", m)
		}
	}
	x.refused("getChatMember", fields{"chat_id": x.forum, "user_id": 12345}, 400, "Bad Request: user not found")
}

func TestTelegramAdministrators(t *testing.T) {
	x := newTgTest(t)
	x.AddBot("43:other", "other_bot")
	x.say(x.forum, "8", "hello", Saying{})
	group := x.mustAdd(TelegramChat{Type: "group", Admins: []string{"7", "9"}, Bot: Membership{Status: "member"}})
	for chat, want := range map[string][]int64{x.forum: {42, 7}, group: {7, 9}} {
		a := x.call("getChatAdministrators", fields{"chat_id": chat})
		var all []struct {
			User   tgUser `json:"user"`
			Status string `json:"status"`
		}
		if err := json.Unmarshal(a.Result, &all); err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, m := range all {
			if got = append(got, m.User.ID); m.Status != "administrator" {
				t.Errorf("%d is %s", m.User.ID, m.Status)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("administrators of %s: %v, want %v", chat, got, want)
		}
	}
	x.say("7", "7", "hello", Saying{})
	x.refused("getChatAdministrators", fields{"chat_id": 7}, 400, "Bad Request: there are no administrators in the private chat")
}

func TestTelegramChatShowsThePin(t *testing.T) {
	x := newTgTest(t)
	x.must("sendMessage", fields{"chat_id": x.channel, "text": "pinned words"})
	x.must("pinChatMessage", fields{"chat_id": x.channel, "message_id": 1})
	a := x.call("getChat", fields{"chat_id": "@example_status"})
	var chat tgFullChat
	if err := json.Unmarshal(a.Result, &chat); err != nil {
		t.Fatal(err)
	}
	if chat.Type != "channel" || chat.Username != "example_status" || chat.PinnedMessage == nil || chat.PinnedMessage.Text != "pinned words" {
		t.Errorf("getChat: %s", a.Result)
	}
}

func TestTelegramCommands(t *testing.T) {
	x := newTgTest(t)
	set := func(command, description string, scope fields, language string) fields {
		return fields{"commands": []fields{{"command": command, "description": description}}, "scope": scope, "language_code": language}
	}
	room := fields{"type": "chat", "chat_id": -1002}
	x.must("setMyCommands", set("status", "what is open", fields{"type": "default"}, ""))
	x.must("setMyCommands", set("update", "say something", room, ""))
	x.must("setMyCommands", set("status", "现状", fields{"type": "default"}, "zh"))
	for _, test := range []struct {
		scope    fields
		language string
		want     string
	}{
		{nil, "", `[{"command":"status","description":"what is open"}]`},
		{room, "", `[{"command":"update","description":"say something"}]`},
		{nil, "zh", `[{"command":"status","description":"现状"}]`},
		{fields{"type": "all_group_chats"}, "", `[]`},
	} {
		params := fields{"language_code": test.language}
		if test.scope != nil {
			params["scope"] = test.scope
		}
		if a := x.call("getMyCommands", params); string(a.Result) != test.want {
			t.Errorf("%v %q: %s", test.scope, test.language, a.Result)
		}
	}
	x.must("deleteMyCommands", fields{"scope": room})
	if a := x.call("getMyCommands", fields{"scope": room}); string(a.Result) != "[]" {
		t.Errorf("after deletion: %s", a.Result)
	}
	x.refused("setMyCommands", set("Status", "x", nil, ""), 400, "Bad Request: BOT_COMMAND_INVALID")
	x.refused("setMyCommands", set("status", "", nil, ""), 400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
	x.refused("setMyCommands", set("status", "x", fields{"type": "chat", "chat_id": "@nobody"}, ""), 400, "Bad Request: chat not found")
}

func TestTelegramBotsHaveTheirOwnConversations(t *testing.T) {
	x := newTgTest(t)
	x.AddBot("43:other", "other_bot")
	x.say("43/5", "5", "hello, other", Saying{})
	if u := x.updates(nil); len(u) != 0 {
		t.Errorf("the first bot hears what was said to the second: %s", texts(u))
	}
	x.refused("sendMessage", fields{"chat_id": 5, "text": "x"}, 403, "Forbidden: bot can't initiate conversation with a user")
	resp, err := http.Get(x.url + "/bot43:other/sendMessage?chat_id=5&text=hello,+you")
	if err != nil {
		t.Fatal(err)
	}
	if a := x.read(resp); !a.OK {
		t.Errorf("the second bot: %+v", a)
	}
	if seen := x.Seen("43/5"); len(seen) != 2 || seen[1].Text != "hello, you" || !seen[1].Ours || seen[0].Ours {
		t.Errorf("seen: %+v", seen)
	}
}
