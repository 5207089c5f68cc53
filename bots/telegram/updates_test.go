package telegram

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
)

func TestEvent(t *testing.T) {
	now := time.Unix(1800000000, 0)
	at := time.Unix(1700000000, 0)
	const (
		ana   = `"from":{"id":1001,"is_bot":false,"first_name":"Ana","last_name":"Lee","language_code":"en"}`
		group = `"chat":{"id":-100500,"title":"Room","type":"supergroup","is_forum":true}`
	)
	said := bots.Event{Kind: bots.Said, Key: "-100500/7", Cursor: "10", Chat: "-100500", Message: "7", Person: "1001", Name: "Ana Lee", Language: "en", Text: "/show", At: at}
	with := func(change func(*bots.Event)) *bots.Event {
		e := said
		change(&e)
		return &e
	}
	for name, tt := range map[string]struct {
		update string
		want   *bots.Event // nil: nothing happened
	}{
		"said": {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"text":"/show","entities":[{"offset":0,"length":5,"type":"bot_command"}]}`, &said},
		"in a conversation": {`"message":{"message_id":7,` + ana + `,"chat":{"id":1001,"type":"private","first_name":"Ana"},"date":1700000000,"text":"/show"}`,
			with(func(e *bots.Event) { e.Key, e.Chat, e.Private = "1001/7", "1001", true })},
		"caption": {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"photo":[],"caption":"/show"}`,
			with(func(e *bots.Event) { e.Beside = true })},
		"reply": {`"message":{"message_id":7,"message_thread_id":3,` + ana + `,` + group + `,"date":1700000000,"text":"/show","reply_to_message":{"message_id":3,` + group + `,"date":1}}`,
			with(func(e *bots.Event) { e.ReplyTo = "3" })},
		"in a topic": {`"message":{"message_id":7,"message_thread_id":3,"is_topic_message":true,` + ana + `,` + group + `,"date":1700000000,"text":"/show","reply_to_message":{"message_id":3,` + group + `,"date":1,"forum_topic_created":{"name":"x","icon_color":1}}}`,
			with(func(e *bots.Event) { e.Thread = "3" })},
		"reply in a topic": {`"message":{"message_id":7,"message_thread_id":3,"is_topic_message":true,` + ana + `,` + group + `,"date":1700000000,"text":"/show","reply_to_message":{"message_id":5,` + group + `,"date":1}}`,
			with(func(e *bots.Event) { e.Thread, e.ReplyTo = "3", "5" })},
		"forwarded": {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"forward_origin":{"type":"hidden_user","sender_user_name":"x","date":1},"text":"/show"}`,
			with(func(e *bots.Event) { e.Forwarded = true })},
		"forwarded, as older servers say it": {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"forward_date":1,"text":"/show"}`,
			with(func(e *bots.Event) { e.Forwarded = true })},
		"anonymous admin": {`"message":{"message_id":7,"from":{"id":1087968824,"is_bot":true,"first_name":"Group","username":"GroupAnonymousBot"},"sender_chat":{"id":-100500,"type":"supergroup"},` + group + `,"date":1700000000,"text":"/show"}`,
			with(func(e *bots.Event) { e.Person, e.Name, e.Language, e.As = "", "", "", "-100500" })},
		"channel post": {`"channel_post":{"message_id":7,"sender_chat":{"id":-100500,"type":"channel"},"chat":{"id":-100500,"type":"channel"},"date":1700000000,"text":"/show"}`,
			with(func(e *bots.Event) {
				e.Person, e.Name, e.Language, e.As, e.Public = "", "", "", "-100500", true
			})},
		"moved to a supergroup": {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"migrate_to_chat_id":-100600}`,
			with(func(e *bots.Event) {
				e.Kind, e.Person, e.Name, e.Language, e.Text, e.To = bots.Migrated, "", "", "", "", "-100600"
			})},
		"edited": {`"edited_message":{"message_id":7,` + ana + `,` + group + `,"date":1600000000,"edit_date":1700000000,"text":"/show"}`,
			with(func(e *bots.Event) { e.Kind, e.Key = bots.Edited, "-100500/7/1700000000" })},
		"edited channel post": {`"edited_channel_post":{"message_id":7,"chat":{"id":-100500,"type":"channel"},"date":1600000000,"edit_date":1700000000,"text":"/show"}`,
			with(func(e *bots.Event) {
				e.Kind, e.Key, e.Person, e.Name, e.Language, e.Public = bots.Edited, "-100500/7/1700000000", "", "", "", true
			})},
		"pressed": {`"callback_query":{"id":"4382bfdwdsb323b2d9",` + ana + `,"chat_instance":"1","data":"publish D-17","message":{"message_id":7,"from":{"id":5,"is_bot":true,"first_name":"us"},` + group + `,"date":1600000000,"text":"card"}}`,
			with(func(e *bots.Event) {
				e.Kind, e.Key, e.Text, e.Button, e.At = bots.Pressed, "press/4382bfdwdsb323b2d9", "", "publish D-17", now
			})},
		"pressed below what is too old to see": {`"callback_query":{"id":"1",` + ana + `,"data":"x","message":{"message_id":7,` + group + `,"date":0}}`,
			with(func(e *bots.Event) {
				e.Kind, e.Key, e.Text, e.Button, e.At = bots.Pressed, "press/1", "", "x", now
			})},
		"pressed below an inline message": {`"callback_query":{"id":"1",` + ana + `,"inline_message_id":"x","data":"x"}`, nil},
		"added": {`"my_chat_member":{` + group + `,` + ana + `,"date":1700000000,"old_chat_member":{"status":"left"},"new_chat_member":{"status":"administrator"}}`,
			with(func(e *bots.Event) {
				e.Kind, e.Key, e.Message, e.Text = bots.Joined, "-100500/joined/1700000000", "", ""
			})},
		"blocked": {`"my_chat_member":{"chat":{"id":1001,"type":"private"},` + ana + `,"date":1700000000,"old_chat_member":{"status":"member"},"new_chat_member":{"status":"kicked","until_date":0}}`,
			with(func(e *bots.Event) {
				e.Kind, e.Key, e.Message, e.Text, e.Chat, e.Private = bots.Left, "1001/left/1700000000", "", "", "1001", true
			})},
		"muted out": {`"my_chat_member":{` + group + `,` + ana + `,"date":1700000000,"old_chat_member":{"status":"restricted","is_member":true},"new_chat_member":{"status":"restricted","is_member":false}}`,
			with(func(e *bots.Event) { e.Kind, e.Key, e.Message, e.Text = bots.Left, "-100500/left/1700000000", "", "" })},
		"promoted":    {`"my_chat_member":{` + group + `,` + ana + `,"date":1700000000,"old_chat_member":{"status":"member"},"new_chat_member":{"status":"administrator"}}`, nil},
		"another bot": {`"message":{"message_id":7,"from":{"id":5,"is_bot":true,"first_name":"x"},` + group + `,"date":1700000000,"text":"/show"}`, nil},
		"no words":    {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"new_chat_members":[]}`, nil},
		"a picture in a conversation": {`"message":{"message_id":7,` + ana + `,"chat":{"id":1001,"type":"private","first_name":"Ana"},"date":1700000000,"photo":[{"file_id":"x"}]}`,
			with(func(e *bots.Event) { e.Chat, e.Key, e.Private, e.Text, e.Beside = "1001", "1001/7", true, "", true })},
		"a pin in a conversation": {`"message":{"message_id":7,` + ana + `,"chat":{"id":1001,"type":"private"},"date":1700000000,"pinned_message":{"message_id":3}}`, nil},
		"a picture in a group":    {`"message":{"message_id":7,` + ana + `,` + group + `,"date":1700000000,"photo":[{"file_id":"x"}]}`, nil},
		"not asked for":           {`"poll_answer":{"poll_id":"1"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var u update
			if err := json.Unmarshal([]byte(`{"update_id":9,`+tt.update+`}`), &u); err != nil {
				t.Fatal(err)
			}
			got, ok := u.event(now)
			if ok != (tt.want != nil) {
				t.Fatalf("happened: %t, %+v", ok, got)
			}
			if ok {
				if d := cmp.Diff(*tt.want, got); d != "" {
					t.Errorf("event (-want +got)\n%s", d)
				}
			}
		})
	}
}

// An event says where a message leads that its text does not show.
func TestEventLeads(t *testing.T) {
	const (
		words   = `"text":"All is on status.example.com as always."`
		address = "https://evil.example/"
	)
	link := func(offset, length int, url string) string {
		return fmt.Sprintf(`,"entities":[{"type":"text_link","offset":%d,"length":%d,"url":%q}]`, offset, length, url)
	}
	for name, tt := range map[string]struct {
		message string
		want    []string
	}{
		"nothing but words":             {words, nil},
		"an address in the text":        {words + `,"entities":[{"type":"url","offset":10,"length":18}],"link_preview_options":{"url":"http://status.example.com/"}`, nil},
		"beneath other words":           {words + link(0, 3, address), []string{address}},
		"beneath another address":       {words + link(10, 18, address), []string{address}},
		"beneath its own address":       {words + link(10, 18, "https://status.example.com/"), nil},
		"beneath a part of an address":  {words + link(24, 4, "http://.com/"), []string{"http://.com/"}},
		"beneath the end of an address": {words + link(13, 15, "https://tus.example.com"), []string{"https://tus.example.com"}},
		"beneath its beginning":         {`"text":"status.example.co.uk"` + link(0, 17, "status.example.co"), []string{"status.example.co"}},
		"of another path":               {words + link(10, 18, "https://status.example.com/Login"), []string{"https://status.example.com/Login"}},
		"behind wide characters":        {`"text":"😀 (bit.ly/A), yes"` + link(4, 8, "https://bit.ly/A"), nil},
		"outside of the text":           {words + link(30, 40, address) + `,"link_preview_options":null`, []string{address}},
		"in a caption":                  {`"caption":"All is well","photo":[{}],"caption_entities":[{"type":"text_link","offset":0,"length":3,"url":"` + address + `"}]`, []string{address}},
		"somebody without a username":   {words + `,"entities":[{"type":"text_mention","offset":0,"length":3,"user":{"id":666}}]`, []string{"tg://user?id=666"}},
		"a preview of something else":   {words + `,"link_preview_options":{"url":"` + address + `","prefer_large_media":true}`, []string{address}},
		"no preview":                    {words + `,"link_preview_options":{"is_disabled":true,"url":"` + address + `"}`, nil},
		"buttons":                       {words + `,"reply_markup":{"inline_keyboard":[[{"text":"x","url":"` + address + `"},{"text":"x","login_url":{"url":"https://login.example"}}],[{"text":"x","copy_text":{"text":"x"}}]]}`, []string{address, "https://login.example", ""}},
	} {
		var u update
		if err := json.Unmarshal([]byte(`{"update_id":9,"message":{"message_id":7,"chat":{"id":1001,"type":"private"},`+tt.message+`}}`), &u); err != nil {
			t.Fatal(err)
		}
		if e, ok := u.event(time.Unix(1, 0)); !ok || !slices.Equal(e.Links, tt.want) {
			t.Errorf("%s: it leads to %q, want %q", name, e.Links, tt.want)
		}
	}
}

// FuzzUpdates checks that whatever Telegram sends, an event can be told from
// others, confirmed, and stored.
func FuzzUpdates(f *testing.F) {
	for _, s := range []string{
		`[{"update_id":1,"message":{"message_id":7,"from":{"id":1},"chat":{"id":2,"type":"private"},"date":3,"text":"x"}}]`,
		`[{"update_id":1,"callback_query":{"id":"a","from":{"id":1},"message":{"message_id":7,"chat":{"id":2}},"data":"x"}}]`,
		`[{"update_id":-1,"my_chat_member":{"chat":{"id":2},"old_chat_member":{"status":"left"},"new_chat_member":{"status":"member"}}}]`,
		`[{"update_id":1,"message":{"is_topic_message":true,"reply_to_message":{"reply_to_message":{}},"text":"x"}}]`,
		`[{"update_id":1,"message":{"message_id":7,"chat":{"id":2,"type":"private"},"text":"x","entities":[{"type":"text_link","offset":-1,"length":9,"url":"y"}],"reply_markup":{"inline_keyboard":[[{}],null]}}}]`,
		`[{}]`, `[null]`, `null`, `{}`, `[`, `[{"message":null}]`, `[{"message":[]}]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var updates []update
		if json.Unmarshal(data, &updates) != nil {
			return
		}
		for _, u := range updates {
			e, ok := u.event(time.Unix(1, 0))
			if !ok {
				continue
			}
			if e.Kind == "" || e.Key == "" || e.Chat == "" || e.Cursor == "" {
				t.Errorf("%+v is not complete", e)
			}
			if !utf8.ValidString(e.Text + e.Name + e.Button + e.Key) {
				t.Errorf("%+v is not valid UTF-8", e)
			}
		}
	})
}

func TestCursor(t *testing.T) {
	for s, want := range map[string]int64{"": 0, "0": 0, "760546623": 760546623} {
		if got, err := parseCursor(s); err != nil || got != want {
			t.Errorf("%q: %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"-1", "x", "1.5", "99999999999999999999"} {
		if _, err := parseCursor(s); err == nil {
			t.Errorf("%q is taken for a cursor", s)
		}
	}
}
