package sim

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTelegramTextLimits(t *testing.T) {
	x := newTgTest(t)
	for _, test := range []struct{ name, text, mode, want string }{
		{"4096 code points", strings.Repeat("😀", 4096), "", ""},
		{"4097 code points", strings.Repeat("😀", 4097), "", "Bad Request: message is too long"},
		{"4096 after parsing", "<b>" + strings.Repeat("&lt;", 4096) + "</b>", "HTML", ""},
		{"nothing", "", "", "Bad Request: message text is empty"},
		{"only space", " \n\t ", "", "Bad Request: text must be non-empty"},
		{"nothing after parsing", "<b></b>", "HTML", "Bad Request: text must be non-empty"},
		{"broken HTML", "<b>x", "HTML", `Bad Request: can't parse entities: Can't find end tag corresponding to start tag "b"`},
		{"unread mode", "*x*", "MarkdownV2", "Bad Request: can't parse entities: the simulator reads HTML and entities, not MarkdownV2"},
		{"unknown mode", "x", "BBCode", "Bad Request: unsupported parse_mode"},
	} {
		a := x.call("sendMessage", fields{"chat_id": x.channel, "text": test.text, "parse_mode": test.mode})
		if a.Description != test.want {
			t.Errorf("%s: got %q, want %q", test.name, a.Description, test.want)
		}
	}
}

func TestTelegramTargets(t *testing.T) {
	x := newTgTest(t)
	if err := x.AddPerson(TelegramPerson{ID: "5"}); err != nil {
		t.Fatal(err)
	}
	group := x.mustAdd(TelegramChat{ID: "-7", Type: "group"})
	kicked := x.mustAdd(TelegramChat{Bot: Membership{Status: "kicked"}, Type: "supergroup"})
	left := x.mustAdd(TelegramChat{Bot: Membership{Status: "left"}})
	mute := x.mustAdd(TelegramChat{Bot: Membership{Denied: []string{"can_post_messages"}}})
	x.start("6")
	x.start("8")
	if err := x.Block("6"); err != nil {
		t.Fatal(err)
	}
	if err := x.Deactivate("8"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		chat any
		code int
		want string
	}{
		{"", 400, "Bad Request: chat_id is empty"},
		{"@nobody", 400, "Bad Request: chat not found"},
		{-12345, 400, "Bad Request: chat not found"},
		{"nonsense", 400, "Bad Request: chat not found"},
		{99, 400, "Bad Request: chat not found"},
		{5, 403, "Forbidden: bot can't initiate conversation with a user"},
		{6, 403, "Forbidden: bot was blocked by the user"},
		{8, 403, "Forbidden: user is deactivated"},
		{kicked, 403, "Forbidden: bot was kicked from the supergroup chat"},
		{left, 403, "Forbidden: bot is not a member of the channel chat"},
		{mute, 400, "Bad Request: need administrator rights in the channel chat"},
	} {
		x.refused("sendMessage", fields{"chat_id": test.chat, "text": "x"}, test.code, test.want)
	}

	moved, err := x.Migrate(group)
	if err != nil {
		t.Fatal(err)
	}
	a := x.call("sendMessage", fields{"chat_id": group, "text": "x"})
	if a.Description != "Bad Request: group chat was upgraded to a supergroup chat" || fmt.Sprint(a.Parameters.MigrateTo) != moved {
		t.Errorf("migrated: %+v, want to %s", a, moved)
	}
	x.must("sendMessage", fields{"chat_id": moved, "text": "x"})
	x.start("6") // starting again unblocks
	x.must("sendMessage", fields{"chat_id": "6", "text": "x"})
}

func (x *tgTest) start(person string) {
	x.Helper()
	if _, err := x.Start(person, ""); err != nil {
		x.Fatal(err)
	}
}

func TestTelegramMakesChatsOnDemand(t *testing.T) {
	x := newTgTest(t)
	x.AutoCreate = true
	for chat, kind := range map[string]string{"@news": "channel", "-100777": "supergroup", "-77": "group", "77": "private"} {
		if m := x.must("sendMessage", fields{"chat_id": chat, "text": "x"}); m.Chat.Type != kind {
			t.Errorf("%s became a %s, want %s", chat, m.Chat.Type, kind)
		}
	}
}

func TestTelegramMessageIDs(t *testing.T) {
	x := newTgTest(t)
	x.start("5")
	x.start("6")
	send := func(chat string) int64 { return x.must("sendMessage", fields{"chat_id": chat, "text": "x"}).ID }
	got := []int64{send("5"), send("6"), send("5"), send(x.channel), send(x.channel), send(x.forum)}
	if diff := cmp.Diff([]int64{3, 4, 5, 1, 2, 1}, got); diff != "" {
		t.Errorf("conversations share a counter, channels have their own (-want +got):\n%s", diff)
	}
}

func TestTelegramReplies(t *testing.T) {
	x := newTgTest(t)
	first := x.must("sendMessage", fields{"chat_id": x.channel, "text": "first words"})
	m := x.must("sendMessage", fields{"chat_id": x.channel, "text": "more", "reply_parameters": fields{"message_id": first.ID, "quote": "words"}})
	if m.ReplyTo == nil || m.ReplyTo.ID != first.ID || m.ReplyTo.Text != "first words" {
		t.Errorf("reply_to_message: %+v", m.ReplyTo)
	}
	x.must("sendMessage", fields{"chat_id": x.channel, "text": "old way", "reply_to_message_id": first.ID})
	missing := fields{"chat_id": x.channel, "text": "x", "reply_parameters": fields{"message_id": 99}}
	x.refused("sendMessage", missing, 400, "Bad Request: message to be replied not found")
	missing["reply_parameters"] = fields{"message_id": 99, "allow_sending_without_reply": true}
	x.must("sendMessage", missing)
	x.refused("sendMessage", fields{"chat_id": x.channel, "text": "x", "reply_to_message_id": 99}, 400, "Bad Request: message to be replied not found")
	x.refused("sendMessage", fields{"chat_id": x.channel, "text": "x", "reply_parameters": fields{"message_id": 1, "quote": "no such"}}, 400, "Bad Request: QUOTE_TEXT_INVALID")
	var replies []string
	for _, s := range x.Seen(x.channel) {
		replies = append(replies, s.ReplyTo)
	}
	if diff := cmp.Diff([]string{"", "1", "1", ""}, replies); diff != "" {
		t.Errorf("replies (-want +got):\n%s", diff)
	}
}

func TestTelegramTopics(t *testing.T) {
	x := newTgTest(t)
	x.must("sendMessage", fields{"chat_id": x.forum, "text": "general"})
	x.must("createForumTopic", fields{"chat_id": x.forum, "name": "INC-1 " + strings.Repeat("é", 122)})
	in := fields{"chat_id": x.forum, "text": "inside", "message_thread_id": 2}
	m := x.must("sendMessage", in)
	if m.Thread != 2 || !m.IsTopic {
		t.Errorf("in the topic: %+v", m)
	}
	answer := x.must("sendMessage", fields{"chat_id": x.forum, "text": "answer", "reply_to_message_id": m.ID})
	if answer.Thread != 2 {
		t.Errorf("an answer went into topic %d", answer.Thread)
	}
	for _, thread := range []int{1, 3, 99} { // the general topic, a message, nothing
		x.refused("sendMessage", fields{"chat_id": x.forum, "text": "x", "message_thread_id": thread}, 400, "Bad Request: message thread not found")
	}
	x.refused("sendMessage", fields{"chat_id": x.forum, "text": "x", "message_thread_id": " "}, 400, "Bad Request: invalid message thread identifier specified")
	topic := fields{"chat_id": x.forum, "message_thread_id": 2, "name": "INC-1 resolved"}
	x.must("editForumTopic", topic)
	x.refused("editForumTopic", topic, 400, "Bad Request: TOPIC_NOT_MODIFIED")
	x.must("closeForumTopic", topic)
	x.refused("closeForumTopic", topic, 400, "Bad Request: TOPIC_NOT_MODIFIED")
	x.must("sendMessage", in) // an administrator may
	x.must("reopenForumTopic", topic)
	x.refused("reopenForumTopic", topic, 400, "Bad Request: TOPIC_NOT_MODIFIED")
	x.refused("closeForumTopic", fields{"chat_id": x.forum, "message_thread_id": 1}, 400, "Bad Request: TOPIC_ID_INVALID")
	said := x.say(x.forum, "7", "in here", Saying{Thread: "2", ReplyTo: fmt.Sprint(m.ID)})
	if u := x.updates(nil); len(u) != 1 || u[0].Message.Thread != 2 || fmt.Sprint(u[0].Message.ID) != said {
		t.Errorf("said in the topic: %+v", u)
	}
	if _, err := x.Say(x.forum, "7", "lost", Saying{Thread: "99"}); err == nil {
		t.Error("somebody spoke in a topic that is not there")
	}
	x.must("closeForumTopic", topic)
	if err := x.SetBot(x.forum, Membership{Denied: []string{"can_manage_topics"}}); err != nil {
		t.Fatal(err)
	}
	x.refused("sendMessage", in, 400, "Bad Request: TOPIC_CLOSED")
	x.refused("createForumTopic", topic, 400, "Bad Request: not enough rights to create a topic")
	x.refused("createForumTopic", fields{"chat_id": x.channel, "name": "x"}, 400, "Bad Request: the chat is not a forum")
	if seen := x.Seen(x.forum); seen[1].Thread != "2" || len(seen) != 5 {
		t.Errorf("seen: %+v", seen)
	}
}

func TestTelegramButtons(t *testing.T) {
	x := newTgTest(t)
	keyboard := func(b fields) fields {
		return fields{"chat_id": x.forum, "text": "x", "reply_markup": fields{"inline_keyboard": [][]fields{{b}}}}
	}
	x.must("sendMessage", keyboard(fields{"text": "Publish", "callback_data": strings.Repeat("x", 64)}))
	x.must("sendMessage", keyboard(fields{"text": "Link", "url": "https://example.com/?a=1"}))
	x.refused("sendMessage", keyboard(fields{"text": "x", "callback_data": strings.Repeat("é", 33)}), 400, "Bad Request: BUTTON_DATA_INVALID")
	x.refused("sendMessage", keyboard(fields{"text": "x"}), 400, "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	x.refused("sendMessage", keyboard(fields{"callback_data": "x"}), 400, `Bad Request: can't parse inline keyboard button: Can't find field "text"`)
	want := [][][]Button{{{{Text: "Publish", Data: strings.Repeat("x", 64)}}}, {{{Text: "Link", URL: "https://example.com/?a=1"}}}}
	var got [][][]Button
	for _, s := range x.Seen(x.forum) {
		got = append(got, s.Buttons)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("buttons (-want +got):\n%s", diff)
	}
}

func TestTelegramStrictLimits(t *testing.T) {
	x := newTgTest(t)
	x.Limits = TelegramLimits{Account: 3, Paid: 5, Group: 4}
	x.start("5")
	private := fields{"chat_id": "5", "text": "x"}
	for range 3 {
		x.must("sendMessage", private)
		x.now = x.now.Add(100 * time.Millisecond)
	}
	a := x.call("sendMessage", private)
	if a.Code != 429 || a.Parameters.RetryAfter != 1 || a.Header.Get("Retry-After") != "1" {
		t.Errorf("the fourth in a second: %+v", a)
	}
	paid := fields{"chat_id": "5", "text": "x", "allow_paid_broadcast": true}
	x.must("sendMessage", paid)
	x.must("sendMessage", paid)
	if a := x.call("sendMessage", paid); a.Code != 429 {
		t.Errorf("the sixth in a second: %+v", a)
	}
	x.now = x.now.Add(time.Second)
	x.Limits.Broke = true
	for range 3 {
		x.must("sendMessage", paid)
	}
	if a := x.call("sendMessage", paid); a.Code != 429 {
		t.Errorf("the fourth in a second without Stars: %+v", a)
	}
	x.now = x.now.Add(time.Second)
	post := fields{"chat_id": x.channel, "text": "x"}
	for range 4 {
		x.must("sendMessage", post)
		x.now = x.now.Add(time.Second)
	}
	if a := x.call("sendMessage", post); a.Code != 429 || a.Parameters.RetryAfter != 56 {
		t.Errorf("the fifth in a minute: %+v", a)
	}
	x.now = x.now.Add(56 * time.Second)
	x.must("sendMessage", post)
}

func TestTelegramForwardsAndCopies(t *testing.T) {
	x := newTgTest(t)
	x.must("sendMessage", fields{"chat_id": x.channel, "text": "said"})
	f := x.must("forwardMessage", fields{"chat_id": x.forum, "from_chat_id": x.channel, "message_id": 1})
	if f.Text != "said" || f.ForwardOrigin == nil || f.ForwardOrigin.Chat.ID != -1001 || f.ForwardOrigin.MessageID != 1 {
		t.Errorf("forwarded: %+v", f)
	}
	x.must("copyMessage", fields{"chat_id": x.forum, "from_chat_id": x.channel, "message_id": 1})
	x.refused("forwardMessage", fields{"chat_id": x.forum, "from_chat_id": x.channel, "message_id": 9}, 400, "Bad Request: message to forward not found")
	x.refused("copyMessage", fields{"chat_id": x.forum, "from_chat_id": x.channel, "message_id": 9}, 400, "Bad Request: message to copy not found")
	x.refused("editMessageText", fields{"chat_id": x.forum, "message_id": f.ID, "text": "x"}, 400, "Bad Request: message can't be edited")
}

func TestTelegramEdits(t *testing.T) {
	x := newTgTest(t)
	keyboard := fields{"inline_keyboard": [][]fields{{{"text": "a", "callback_data": "b"}}}}
	x.must("sendMessage", fields{"chat_id": x.forum, "text": "one", "reply_markup": keyboard})
	edit := fields{"chat_id": x.forum, "message_id": 1, "text": "two", "reply_markup": keyboard}
	x.now = x.now.Add(time.Minute)
	if m := x.must("editMessageText", edit); m.Text != "two" || m.EditDate != x.now.Unix() {
		t.Errorf("edited: %+v", m)
	}
	notModified := "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"
	x.refused("editMessageText", edit, 400, notModified)
	x.refused("editMessageReplyMarkup", edit, 400, notModified)
	x.must("editMessageReplyMarkup", fields{"chat_id": x.forum, "message_id": 1})
	x.refused("editMessageText", fields{"chat_id": x.forum, "message_id": 9, "text": "x"}, 400, "Bad Request: message to edit not found")
	x.refused("editMessageText", fields{"chat_id": x.forum, "text": "x"}, 400, "Bad Request: message identifier is not specified")
	theirs, err := x.Say(x.forum, "7", "theirs", Saying{})
	if err != nil {
		t.Fatal(err)
	}
	x.refused("editMessageText", fields{"chat_id": x.forum, "message_id": theirs, "text": "x"}, 400, "Bad Request: message can't be edited")
	if s := x.Seen(x.forum)[0]; s.Text != "two" || s.Edits != 2 || !s.EditedAt.Equal(x.now) || s.Buttons != nil {
		t.Errorf("seen: %+v", s)
	}
}

func TestTelegramDeletes(t *testing.T) {
	x := newTgTest(t)
	for range 3 {
		x.must("sendMessage", fields{"chat_id": x.channel, "text": "x"})
	}
	one := fields{"chat_id": x.channel, "message_id": 1}
	x.must("deleteMessage", one)
	x.refused("deleteMessage", one, 400, "Bad Request: message to delete not found")
	x.must("deleteMessages", fields{"chat_id": x.channel, "message_ids": []int{1, 2, 99}})
	x.refused("deleteMessages", fields{"chat_id": x.channel}, 400, "Bad Request: message identifiers are not specified")
	x.refused("deleteMessages", fields{"chat_id": x.channel, "message_ids": make([]int, 101)}, 400, "Bad Request: too many message identifiers specified")
	x.now = x.now.Add(48*time.Hour + time.Second)
	x.refused("deleteMessage", fields{"chat_id": x.channel, "message_id": 3}, 400, "Bad Request: message can't be deleted for everyone")
	theirs, err := x.Say(x.forum, "7", "theirs", Saying{})
	if err != nil {
		t.Fatal(err)
	}
	if err := x.SetBot(x.forum, Membership{Status: "member"}); err != nil {
		t.Fatal(err)
	}
	x.refused("deleteMessage", fields{"chat_id": x.forum, "message_id": theirs}, 400, "Bad Request: message can't be deleted")
	var deleted []bool
	for _, s := range x.Seen(x.channel) {
		deleted = append(deleted, s.Deleted)
	}
	if diff := cmp.Diff([]bool{true, true, false}, deleted); diff != "" {
		t.Errorf("deleted (-want +got):\n%s", diff)
	}
}

func TestTelegramPins(t *testing.T) {
	x := newTgTest(t)
	x.must("sendMessage", fields{"chat_id": x.channel, "text": "first"})
	x.must("pinChatMessage", fields{"chat_id": x.channel, "message_id": 1, "disable_notification": true})
	x.must("pinChatMessage", fields{"chat_id": x.channel, "message_id": 1})
	if next := x.must("sendMessage", fields{"chat_id": x.channel, "text": "next"}); next.ID != 3 {
		t.Errorf("the message after a pin has id %d, want 3: the pin's service message takes one", next.ID)
	}
	if seen := x.Seen(x.channel); len(seen) != 2 || !seen[0].Pinned || seen[1].Pinned {
		t.Errorf("seen: %+v", seen)
	}
	x.refused("pinChatMessage", fields{"chat_id": x.channel, "message_id": 9}, 400, "Bad Request: message to pin not found")
	x.must("unpinChatMessage", fields{"chat_id": x.channel})
	x.refused("unpinChatMessage", fields{"chat_id": x.channel}, 400, "Bad Request: message to unpin not found")
	if err := x.SetBot(x.channel, Membership{Denied: []string{"can_edit_messages"}}); err != nil {
		t.Fatal(err)
	}
	x.refused("pinChatMessage", fields{"chat_id": x.channel, "message_id": 1}, 400, "Bad Request: not enough rights to manage pinned messages in the chat")
}
