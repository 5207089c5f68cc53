package sim

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

type worldTest struct {
	*testing.T
	*World
	url string
}

func newWorldTest(t *testing.T) *worldTest {
	t.Helper()
	w := New()
	w.Telegram.AutoCreate = true
	server, err := Serve(w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return &worldTest{t, w, server.URL}
}

// do makes a request and returns status and body.
func (w *worldTest) do(method, path, body string) (int, string) {
	w.Helper()
	req, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func (w *worldTest) ok(method, path, body string) string {
	w.Helper()
	status, answer := w.do(method, path, body)
	if status != http.StatusOK {
		w.Errorf("%s %s: %d %s", method, path, status, answer)
	}
	return answer
}

const (
	worldTelegram = "/telegram/bot1:x/sendMessage"
	worldWeChat   = "/wechat/cgi-bin/webhook/send?key=k"
)

func TestWorldServesThePlatforms(t *testing.T) {
	w := newWorldTest(t)
	w.ok("POST", worldTelegram, `{"chat_id":"@news","text":"hello"}`)
	w.ok("POST", worldTelegram, `{"chat_id":"@other","text":"elsewhere"}`)
	w.ok("POST", worldWeChat, robotMessage("text", "你好"))
	for query, want := range map[string]string{
		"platform=telegram&place=@news":   "hello",
		"platform=telegram&place=@nobody": "",
		"platform=telegram":               "hello elsewhere",
		"platform=wechat&place=k":         "你好",
		"platform=wechat&place=other":     "",
		"platform=x":                      "",
		"platform=discord":                "",
	} {
		var seen []Seen
		if err := json.Unmarshal([]byte(w.ok("GET", "/control/seen?"+query, "")), &seen); err != nil || seen == nil {
			t.Errorf("%s: %v", query, err)
		}
		var texts []string
		for _, s := range seen {
			texts = append(texts, s.Text)
		}
		if got := strings.Join(texts, " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestWorldFaults(t *testing.T) {
	w := newWorldTest(t)
	w.ok("POST", "/control/faults/telegram", `[{"match":"sendMessage","kind":"status","status":429,"retry_after":"7s","times":-1}]`)
	if status, body := w.do("POST", worldTelegram, `{"chat_id":"@news","text":"x"}`); status != 429 || !strings.Contains(body, `"retry_after":7`) {
		t.Errorf("with a fault: %d %s", status, body)
	}
	w.ok("DELETE", "/control/faults/telegram", "")
	w.ok("POST", worldTelegram, `{"chat_id":"@news","text":"x"}`)
	for _, platform := range []string{"discord", "x", "wechat"} {
		w.ok("POST", "/control/faults/"+platform, `[]`)
		w.ok("DELETE", "/control/faults/"+platform, "")
	}
}

func TestWorldPeople(t *testing.T) {
	w := newWorldTest(t)
	w.ok("GET", "/telegram/bot1:x/getMe", "")
	if got := w.ok("POST", "/control/say", `{"platform":"telegram","chat":"-100123","person":"7","name":"Ana","text":"/help"}`); got != "{\"id\":\"1\"}\n" {
		t.Errorf("say: %s", got)
	}
	w.ok("POST", worldTelegram, `{"chat_id":"-100123","text":"x","reply_parameters":{"message_id":1},"reply_markup":{"inline_keyboard":[[{"text":"a","callback_data":"b"}]]}}`)
	w.ok("POST", "/control/press", `{"platform":"telegram","chat":"-100123","message":"2","person":"7","data":"b"}`)
	got := w.ok("GET", "/telegram/bot1:x/getUpdates", "")
	for _, want := range []string{`"text":"/help"`, `"first_name":"Ana"`, `"callback_query"`, `"data":"b"`} {
		if !strings.Contains(got, want) {
			t.Errorf("updates lack %s: %s", want, got)
		}
	}
}

func TestWorldPeopleElsewhere(t *testing.T) {
	w := newWorldTest(t)
	w.Discord.AddChannel("500", "incidents", DiscordText)
	w.ok("POST", "/control/say", `{"platform":"discord","chat":"500","person":"7","name":"Ana","text":"hello"}`)
	if seen, err := w.Seen("discord", "500"); err != nil || len(seen) != 1 || seen[0].Text != "hello" || seen[0].Author != "Ana" {
		t.Errorf("discord: %+v, %v", seen, err)
	}
	id := w.X.Post("exchange", "We are investigating.")
	w.ok("POST", "/control/say", `{"platform":"x","person":"impostor","reply_to":"`+id+`","text":"Send us your keys"}`)
	w.ok("POST", "/control/say", `{"platform":"x","person":"impostor","text":"hacked!"}`)
	if seen, err := w.Seen("x", "impostor"); err != nil || len(seen) != 2 || seen[0].ReplyTo != id || seen[1].ReplyTo != "" {
		t.Errorf("x: %+v, %v", seen, err)
	}
}

// The gateway has to be reached through the prefix of the world.
func TestWorldNamesTheGateway(t *testing.T) {
	w := newWorldTest(t)
	got := w.ok("GET", "/discord/api/v9/gateway", "")
	if want := "ws" + strings.TrimPrefix(w.url, "http") + "/discord/"; !strings.Contains(got, want) {
		t.Errorf("gateway %s is not under %s", got, want)
	}
}

func TestWorldStrict(t *testing.T) {
	w := newWorldTest(t)
	w.Strict(true)
	for range 20 {
		w.ok("POST", worldTelegram, `{"chat_id":"@news","text":"x"}`)
		w.ok("POST", worldWeChat, robotMessage("text", "x"))
	}
	if status, body := w.do("POST", worldTelegram, `{"chat_id":"@news","text":"x"}`); status != 429 {
		t.Errorf("telegram: %d %s", status, body)
	}
	if body := w.ok("POST", worldWeChat, robotMessage("text", "x")); !strings.Contains(body, "45009") {
		t.Errorf("wechat: %s", body)
	}
	w.Strict(false)
	w.ok("POST", worldTelegram, `{"chat_id":"@news","text":"x"}`)
}

func TestWorldRefusesWhatItDoesNotUnderstand(t *testing.T) {
	w := newWorldTest(t)
	for _, test := range []struct{ method, path, body, want string }{
		{"POST", "/control/faults/icq", `[]`, "no platform"},
		{"DELETE", "/control/faults/icq", "", "no platform"},
		{"POST", "/control/faults/x", `[{"knd":"cut"}]`, "unknown field"},
		{"POST", "/control/faults/x", `{`, "cannot read"},
		{"GET", "/control/seen", "", "no platform"},
		{"POST", "/control/say", `{"platform":"icq"}`, "no platform"},
		{"POST", "/control/say", `{"platform":"wechat"}`, "cannot write"},
		{"POST", "/control/say", `{"platform":"telegram","chat":"5","person":"x"}`, "no id"},
		{"POST", "/control/press", `{"platform":"wechat"}`, "no buttons"},
		{"POST", "/control/press", `{"platform":"telegram","chat":"@news","message":"9"}`, "no message"},
	} {
		status, body := w.do(test.method, test.path, test.body)
		if status != http.StatusBadRequest || !strings.Contains(body, test.want) {
			t.Errorf("%s %s %s: %d %s", test.method, test.path, test.body, status, body)
		}
	}
}

func TestWorldTellsOfChanges(t *testing.T) {
	w := newWorldTest(t)
	resp, err := http.Get(w.url + "/control/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	next := func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream ended")
		return ""
	}
	before := next()
	for _, path := range []string{worldTelegram, worldWeChat} {
		body := `{"chat_id":"@news","text":"x"}`
		if path == worldWeChat {
			body = robotMessage("text", "x")
		}
		w.ok("POST", path, body)
		now := next()
		if now == before {
			t.Errorf("%s: the number of changes stays %s", path, now)
		}
		before = now
	}
}
