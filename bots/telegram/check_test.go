package telegram_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/telegram"
)

// world answers getMe, getChat and getChatMember. Chats that it does not have
// are not found.
func world(t *testing.T, me string, chats, members map[string]string) *telegram.Bot {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		result := map[string]string{"getMe": me, "getChat": chats[r.FormValue("chat_id")], "getChatMember": members[r.FormValue("chat_id")]}[path.Base(r.URL.Path)]
		if result == "" {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`)
			return
		}
		if path.Base(r.URL.Path) == "getChatMember" && r.FormValue("user_id") != "5" {
			t.Errorf("asked about user %q, want the bot itself", r.FormValue("user_id"))
		}
		fmt.Fprintf(w, `{"ok":true,"result":%s}`, result)
	}))
	t.Cleanup(server.Close)
	b, err := telegram.New(telegram.Config{Token: token, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const me = `{"id":5,"is_bot":true,"first_name":"Status","username":"example_bot"}`

func TestCheck(t *testing.T) {
	t.Parallel()
	const channel, group, forum = `{"id":1,"type":"channel"}`, `{"id":1,"type":"supergroup"}`, `{"id":1,"type":"supergroup","is_forum":true}`
	cases := map[string]struct{ chat, member, want string }{
		"@ok":         {channel, `{"status":"administrator","can_post_messages":true,"can_edit_messages":true}`, ""},
		"@silent":     {channel, `{"status":"administrator","can_post_messages":false,"can_edit_messages":true}`, "cannot post: can_post_messages is off"},
		"@unpinned":   {channel, `{"status":"administrator","can_post_messages":true}`, "cannot pin: can_edit_messages is off"},
		"@subscriber": {channel, `{"status":"member"}`, "cannot post: the bot is not an administrator"},
		"@left":       {channel, `{"status":"left"}`, "the bot is not a member"},
		"-1":          {group, `{"status":"member"}`, ""},
		"-2":          {group, `{"status":"restricted","is_member":true,"can_send_messages":false}`, "cannot post: the bot is restricted"},
		"-3":          {forum, `{"status":"member"}`, "cannot open topics: can_manage_topics is off"},
		"-4":          {forum, `{"status":"administrator","can_manage_topics":true,"can_pin_messages":false}`, "cannot pin: can_pin_messages is off"},
		"-5":          {forum, `{"status":"creator"}`, ""},
		"-6":          {group, `{"status":"restricted","is_member":false}`, "the bot is not a member"},
		"42":          {`{"id":42,"type":"private"}`, "", ""},
		"@nowhere":    {"", "", "Bad Request: chat not found"},
	}
	chats, members, want := map[string]string{}, map[string]string{}, map[string]string{}
	var targets []string
	for target, c := range cases {
		targets = append(targets, target)
		chats[target], members[target], want[target] = c.chat, c.member, c.want
	}
	account, problems, err := world(t, me, chats, members).Check(t.Context(), targets)
	if err != nil || account != "@example_bot (Status)" {
		t.Errorf("account %q, %v", account, err)
	}
	if d := cmp.Diff(want, problems); d != "" {
		t.Errorf("problems (-want +got)\n%s", d)
	}
}

// TestCheckStars checks that it is said where nothing can be paid for, as far as
// the server knows.
func TestCheckStars(t *testing.T) {
	t.Parallel()
	for balance, want := range map[string]string{
		`{"ok":true,"result":{"amount":10000}}`:                                     "",
		`{"ok":true,"result":{"amount":9999,"nanostar_amount":7}}`:                  "nothing will be paid for: the bot has 9999 Stars, and Telegram wants 10000 for paid broadcasts",
		`{"ok":false,"error_code":404,"description":"Not Found: method not found"}`: "", // a server of one's own that is older
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if path.Base(r.URL.Path) == "getMyStarBalance" {
				fmt.Fprint(w, balance)
				return
			}
			fmt.Fprintf(w, `{"ok":true,"result":%s}`, me)
		}))
		t.Cleanup(server.Close)
		for _, paid := range []bool{false, true} {
			b, err := telegram.New(telegram.Config{Token: token, APIURL: server.URL, Paid: paid})
			if err != nil {
				t.Fatal(err)
			}
			_, problems, err := b.Check(t.Context(), nil)
			if got := problems[""]; err != nil || paid && got != want || !paid && len(problems) > 0 {
				t.Errorf("paid %v, %s: %q, %v", paid, balance, problems, err)
			}
		}
	}
}

func TestCheckWithoutTelegram(t *testing.T) {
	t.Parallel()
	b, err := telegram.New(telegram.Config{Token: token, APIURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Check(t.Context(), []string{"@x"}); bots.AsFault(err).Kind != bots.Temporary {
		t.Errorf("%v, want it to say that Telegram cannot be reached", err)
	}
	b = world(t, `"nonsense"`, nil, nil)
	if _, _, err := b.Check(t.Context(), nil); bots.AsFault(err).Kind != bots.Unsure {
		t.Errorf("%v, want the answer not to be believed", err)
	}
}
