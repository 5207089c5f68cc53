package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	pageRoomID = "-1001234567890"
	pageNews   = "700000000000000101"
	pageScript = `<script>document.title = "owned"</script><img src=x onerror="document.title='owned'">`
)

// stagedWorld is a world with all places set up, and an outage told in them.
type stagedWorld struct {
	*worldTest
	x *http.Client
}

func newStagedWorld(t *testing.T) *stagedWorld {
	t.Helper()
	secret := XCredentials{"ck", "cs", "at", "as"}
	w := &stagedWorld{newWorldTest(t), signing(secret, nil)}
	w.Stage = Stage{
		Title: "An outage", StatusPage: "http://127.0.0.1:8080/", Telegram: "@example_status", Discord: pageNews,
		X: "ExampleStatus", WeChat: "secret-key",
		Room: Room{
			Chat: pageRoomID, Suggest: []string{"/show", "/update Withdrawals are back.\nnext 20m"},
			People: []Person{{"1001", "Ana", "publisher"}, {"1002", "Bo", "reviewer"}},
		},
	}
	w.X.AddAccount("ExampleStatus", secret)
	w.Telegram.AddBot("1:x", "allclear_bot")
	w.addChat(TelegramChat{Username: "example_status", Title: "Example Status"})
	w.addChat(TelegramChat{ID: pageRoomID, Type: "supergroup", Title: "Incidents"})
	w.Discord.AddChannel(pageNews, "announcements", DiscordAnnouncement)
	w.tell()
	return w
}

func (w *stagedWorld) addChat(c TelegramChat) {
	w.Helper()
	if _, err := w.Telegram.AddChat(c); err != nil {
		w.Fatal(err)
	}
}

// tell says something on every platform that the page has a shape for.
func (w *stagedWorld) tell() {
	w.Helper()
	first := w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":"@example_status","text":"Telegram first"}`, "result.message_id")
	w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":"@example_status","text":"Telegram second","reply_parameters":{"message_id":`+first+`}}`, "")
	w.post(nil, "/telegram/bot1:x/pinChatMessage", `{"chat_id":"@example_status","message_id":`+first+`}`, "")
	w.post(nil, "/telegram/bot1:x/editMessageText", `{"chat_id":"@example_status","message_id":`+first+`,"text":"Telegram edited"}`, "")

	channel := "/discord/api/v9/channels/"
	root := w.post(nil, channel+pageNews+"/messages", `{"content":"Discord first"}`, "id")
	w.post(nil, channel+pageNews+"/messages/"+root+"/crosspost", "", "")
	w.post(nil, channel+pageNews+"/messages/"+root+"/threads", `{"name":"INC-12 Login"}`, "")
	w.post(nil, channel+root+"/messages", `{"content":"Discord inside"}`, "")
	w.post(nil, channel+pageNews+"/messages", `{"content":"Discord after","message_reference":{"message_id":"`+root+`"}}`, "")

	post := w.post(w.x, "/x/2/tweets", `{"text":"X first"}`, "data.id")
	w.post(w.x, "/x/2/tweets", `{"text":"X second","reply":{"in_reply_to_tweet_id":"`+post+`"}}`, "data.id")
	if _, err := w.X.Reply("impostor", post, pageScript); err != nil {
		w.Fatal(err)
	}
	w.X.Post("stranger", "not about us")
	w.post(nil, "/wechat/cgi-bin/webhook/send?key=secret-key", robotMessage("text", "微信 first"), "")

	said := w.post(nil, "/control/say", `{"platform":"telegram","chat":"`+pageRoomID+`","person":"1001","name":"Ana","text":"/ack login"}`, "id")
	w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":"`+pageRoomID+`","text":"Draft D-1","reply_parameters":{"message_id":`+said+`},
		"reply_markup":{"inline_keyboard":[[{"text":"Publish","callback_data":"p"}]]}}`, "")
}

// post makes a request that must succeed, and returns a field of the answer.
func (w *stagedWorld) post(client *http.Client, path, body, field string) string {
	w.Helper()
	req, err := http.NewRequest("POST", w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if client == nil {
		client = http.DefaultClient
		req.Header.Set("Authorization", "Bot token")
	}
	resp, err := client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		w.Fatalf("%s: %d %s, %v", path, resp.StatusCode, b, err)
	}
	if field == "" {
		return ""
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		w.Fatalf("%s: %v", path, err)
	}
	for key := range strings.SplitSeq(field, ".") {
		v = v.(map[string]any)[key]
	}
	return fmt.Sprint(v)
}

func (w *stagedWorld) stage() (v pageView) {
	w.Helper()
	if err := json.Unmarshal([]byte(w.ok("GET", "/control/stage", "")), &v); err != nil {
		w.Fatal(err)
	}
	return v
}

// brief is what a feed shows, in few words.
func brief(f pageFeed) []string {
	var all []string
	for _, m := range f.Messages {
		s := m.Place + m.Author + ": " + m.Text
		if m.ReplyTo != "" {
			s += " ↪"
		}
		if m.Published {
			s += " #"
		}
		if m.Pinned && !m.EditedAt.IsZero() {
			s += " pinned, edited"
		}
		all = append(all, s)
	}
	return all
}

func TestStageShowsItsPlaces(t *testing.T) {
	v := newStagedWorld(t).stage()
	got := map[string][]string{"room": brief(v.Room.pageFeed)}
	for _, f := range v.Feeds {
		got[f.Platform+" "+f.Detail] = brief(f)
	}
	want := map[string][]string{
		"room":                    {"Ana: /ack login", "allclear_bot: Draft D-1 ↪"},
		"x @ExampleStatus":        {"ExampleStatus: X first", "ExampleStatus: X second ↪", "impostor: " + pageScript + " ↪"},
		"telegram Example Status": {"Example Status: Telegram edited pinned, edited", "Example Status: Telegram second ↪"},
		"discord #announcements":  {"bot: Discord first #", "bot: Discord inside", "bot: Discord after ↪"},
		"wechat Group robot":      {"robot: 微信 first"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := v.Feeds[2].Threads[v.Feeds[2].Messages[1].Thread]; got != "INC-12 Login" {
		t.Errorf("the thread is %q", got)
	}
	if diff := cmp.Diff(map[string]string{"example_status": "", "1000000001": ""}, v.Feeds[1].Handles); diff != "" {
		t.Error(diff)
	}
	if v.Room.Detail != "Incidents · Telegram" || len(v.Room.People) != 2 || len(v.Room.Suggest) != 2 || v.Room.Messages[1].Buttons[0][0].Data != "p" {
		t.Errorf("room: %+v", v.Room)
	}
}

func TestStageKeepsTheRobotsKey(t *testing.T) {
	w := newStagedWorld(t)
	for _, stage := range []Stage{w.Stage, {}} {
		w.Stage = stage
		if got := w.ok("GET", "/control/stage", ""); strings.Contains(got, "secret-key") || !strings.Contains(got, "微信 first") {
			t.Errorf("with %+v: %s", stage, got)
		}
	}
}

// Without a stage the page shows what there is, and a group in which people talk.
func TestStageWithoutSettings(t *testing.T) {
	w := newStagedWorld(t)
	w.Stage = Stage{}
	w.addChat(TelegramChat{Username: "other", Title: "Other"})
	w.ok("POST", worldTelegram, `{"chat_id":"@other","text":"Telegram elsewhere"}`)
	v := w.stage()
	if v.Room.Chat != pageRoomID || len(v.Room.People) != 1 || v.Room.People[0].Name != "Ana" {
		t.Errorf("room: %+v", v.Room)
	}
	if got := len(v.Feeds[0].Messages); got != 4 {
		t.Errorf("x has %d posts, want those of everybody", got)
	}
	telegram := v.Feeds[1]
	want := []string{"Example StatusExample Status: Telegram edited pinned, edited", "Example StatusExample Status: Telegram second ↪", "OtherOther: Telegram elsewhere"}
	if diff := cmp.Diff(want, brief(telegram)); diff != "" || telegram.Detail != "2 places" {
		t.Error(telegram.Detail, diff)
	}
	if a, b := telegram.Messages[0].ID, telegram.Messages[2].ID; a == b || telegram.Messages[1].ReplyTo != a {
		t.Errorf("messages of two chats: %s and %s, a reply to %s", a, b, telegram.Messages[1].ReplyTo)
	}
}

func TestStageOfAnEmptyWorld(t *testing.T) {
	w := &stagedWorld{worldTest: newWorldTest(t)}
	if v := w.stage(); v.Room.Chat != pageRoomID || len(v.Room.People) == 0 || len(v.Feeds) != 4 {
		t.Errorf("where chats are made on demand: %+v", v)
	}
	w.Telegram.AutoCreate = false
	v := w.stage()
	if v.Room.Chat != "" || v.Room.Messages == nil {
		t.Errorf("where they are not: %+v", v.Room)
	}
	for _, f := range v.Feeds {
		if f.Messages == nil || f.Detail == "" {
			t.Errorf("feed: %+v", f)
		}
	}
}

func TestStageInADiscordRoom(t *testing.T) {
	w := newStagedWorld(t)
	const room = "700000000000000200"
	w.Discord.AddChannel(room, "operators", DiscordText)
	w.Stage.Room = Room{Platform: "discord", Chat: room}
	w.Stage.Discord = ""
	w.ok("POST", "/control/say", `{"platform":"discord","chat":"`+room+`","person":"7","name":"Ana","text":"hello"}`)
	v := w.stage()
	if got := brief(v.Room.pageFeed); !cmp.Equal(got, []string{"Ana: hello"}) || v.Room.Detail != "#operators · Discord" {
		t.Errorf("room %s: %v", v.Room.Detail, got)
	}
	if got := brief(v.Feeds[2]); len(got) != 3 {
		t.Errorf("the room is shown among the channels: %v", got)
	}
}

func TestStageTellsWhatAPressWasAnswered(t *testing.T) {
	w := newStagedWorld(t)
	query := w.post(nil, "/control/press", `{"platform":"telegram","chat":"`+pageRoomID+`","message":"2","person":"1001","data":"p"}`, "id")
	if got := w.stage().Room.Answers; len(got) != 0 {
		t.Errorf("before the answer: %v", got)
	}
	w.post(nil, "/telegram/bot1:x/answerCallbackQuery", `{"callback_query_id":"`+query+`","text":"Published"}`, "")
	if got := w.stage().Room.Answers; !cmp.Equal(got, map[string]string{query: "Published"}) {
		t.Errorf("after it: %v", got)
	}
}

func TestStageLeavesOldMessagesOut(t *testing.T) {
	w := newStagedWorld(t)
	for i := range pageKept {
		w.ok("POST", worldTelegram, fmt.Sprintf(`{"chat_id":"@example_status","text":"More %d"}`, i))
	}
	f := w.stage().Feeds[1]
	if f.Earlier != 1 || len(f.Messages) != pageKept+1 || !f.Messages[0].Pinned {
		t.Errorf("%d left out, %d shown, the first is %+v", f.Earlier, len(f.Messages), f.Messages[0])
	}
}

func TestStageHasAVersion(t *testing.T) {
	w := newStagedWorld(t)
	get := func(tag string) (int, string) {
		req, err := http.NewRequest("GET", w.url+"/control/stage", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("If-None-Match", tag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode, resp.Header.Get("ETag")
	}
	status, tag := get("")
	if status != http.StatusOK || tag == "" {
		t.Fatalf("first: %d, %q", status, tag)
	}
	if status, _ := get(tag); status != http.StatusNotModified {
		t.Errorf("again: %d", status)
	}
	before, wake := w.changes.next()
	w.World.Note("1 of 9 · login fails")
	<-wake
	if after, _ := w.changes.next(); after == before {
		t.Error("a note is no change")
	}
	if status, newer := get(tag); status != http.StatusOK || newer == tag {
		t.Errorf("after a note: %d, %s", status, newer)
	}
	if got := w.stage().Note; got != "1 of 9 · login fails" {
		t.Errorf("note: %q", got)
	}
}

func TestPageFiles(t *testing.T) {
	w := newWorldTest(t)
	for path, kind := range map[string]string{
		"/": "text/html", "/page/page.css": "text/css", "/page/icon.svg": "image/svg+xml",
		"/page/page.js": "text/javascript", "/page/feed.js": "text/javascript", "/page/room.js": "text/javascript", "/page/text.js": "text/javascript",
	} {
		resp, err := http.Get(w.url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if got, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); resp.StatusCode != http.StatusOK || got != kind {
			t.Errorf("%s: %d %s", path, resp.StatusCode, got)
		}
		policy := resp.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s: the policy %q lacks %s", path, policy, want)
			}
		}
		if bad := regexp.MustCompile(`(src|href)="(https?:)?//|innerHTML|insertAdjacentHTML|document\.write|<style|style="|<script>| on\w+="`).Find(body); bad != nil {
			t.Errorf("%s contains %s", path, bad)
		}
	}
	if status, _ := w.do("GET", "/nowhere", ""); status != http.StatusNotFound {
		t.Errorf("/nowhere: %d", status)
	}
}

func FuzzIsLoopback(f *testing.F) {
	for _, host := range []string{"localhost", "127.0.0.1:80", "[::1]:80", "[::1]", "::1", "127.0.0.1.evil.example", "localhost.evil.example", "[127.0.0.1", "127.1", ""} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !isLoopback(host) {
			return
		}
		name := strings.Trim(host, "[]")
		if h, _, err := net.SplitHostPort(host); err == nil {
			name = h
		}
		if addr, err := netip.ParseAddr(strings.Trim(name, "[]")); name != "localhost" && (err != nil || !addr.Unmap().IsLoopback()) {
			t.Errorf("%q passes for this machine", host)
		}
	})
}

// Other sites that somebody has open in the same browser must not get in.
func TestPageIsForThisMachineOnly(t *testing.T) {
	w := newWorldTest(t)
	const say = `{"platform":"x","person":"a","text":"b"}`
	own := strings.TrimPrefix(w.url, "http://")
	for _, test := range []struct {
		name, method, path, host string
		header                   map[string]string
		want                     int
	}{
		{"a script of this page", "POST", "/control/say", own, map[string]string{"Origin": w.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}, 200},
		{"a shell", "POST", "/control/say", own, map[string]string{"Content-Type": "application/json; charset=utf-8"}, 200},
		{"localhost", "POST", "/control/say", "localhost:8090", map[string]string{"Content-Type": "application/json"}, 200},
		{"IPv6", "POST", "/control/say", "[::1]", map[string]string{"Content-Type": "application/json"}, 200},
		{"another site", "POST", "/control/say", own, map[string]string{"Origin": "https://evil.example", "Content-Type": "application/json"}, 403},
		{"another site, new browser", "POST", "/control/say", own, map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, 403},
		{"another port", "POST", "/control/press", own, map[string]string{"Origin": "http://127.0.0.1:1", "Content-Type": "application/json"}, 403},
		{"deletion by another site", "DELETE", "/control/faults/x", own, map[string]string{"Origin": "https://evil.example"}, 403},
		{"a form", "POST", "/control/say", own, map[string]string{"Content-Type": "text/plain"}, 415},
		{"no type", "POST", "/control/say", own, nil, 415},
		{"a name made to point here", "GET", "/control/stage", "evil.example:8090", nil, 403},
		{"a name that looks like an address", "GET", "/", "127.0.0.1.evil.example", nil, 403},
		{"another address", "GET", "/", "192.168.1.5:8090", nil, 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequest(test.method, w.url+test.path, strings.NewReader(say))
			if err != nil {
				t.Fatal(err)
			}
			req.Host = test.host
			for k, v := range test.header {
				req.Header.Set(k, v)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != test.want {
				b, _ := io.ReadAll(resp.Body)
				t.Errorf("%d, want %d: %s", resp.StatusCode, test.want, b)
			}
		})
	}
}
