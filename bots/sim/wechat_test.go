package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type wechatAnswer struct {
	Code *int   `json:"errcode"`
	Msg  string `json:"errmsg"`
}

func (a wechatAnswer) code() int { return *a.Code }

func newWeChatTest(t *testing.T) (*WeChat, string) {
	t.Helper()
	c := NewWeChat()
	c.AddRobot("key-1")
	server, err := Serve(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return c, server.URL + "/cgi-bin/webhook/send?key="
}

func robotSays(t *testing.T, url, body string) wechatAnswer {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a wechatAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || a.Code == nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return a
}

func robotMessage(kind, content string) string {
	b, _ := json.Marshal(map[string]any{"msgtype": kind, kind: map[string]string{"content": content}})
	return string(b)
}

func TestWeChatAnswers(t *testing.T) {
	c, url := newWeChatTest(t)
	c.AddRobot("gone")
	c.RemoveRobot("gone")
	for _, test := range []struct {
		name, key, body string
		code            int
		msg             string // before the hint
	}{
		{"text", "key-1", robotMessage("text", strings.Repeat("中", 682)+"ab"), 0, "ok"},
		{"text too long", "key-1", robotMessage("text", strings.Repeat("中", 682)+"abc"), 40058, "text.content exceed max length 2048. invalid Request Parameter"},
		{"markdown", "key-1", robotMessage("markdown", strings.Repeat("x", 4096)), 0, "ok"},
		{"markdown too long", "key-1", robotMessage("markdown_v2", strings.Repeat("x", 4097)), 40058, "markdown_v2.content exceed max length 4096. invalid Request Parameter"},
		{"empty", "key-1", robotMessage("text", ""), 44004, "empty content"},
		{"no content", "key-1", `{"msgtype":"text"}`, 44004, "empty content"},
		{"unknown kind", "key-1", robotMessage("TEXT", "x"), 40008, "invalid message type"},
		{"no kind", "key-1", `{}`, 40008, "invalid message type"},
		{"broken JSON", "key-1", `{"msgtype":`, 47001, "data format error"},
		{"no UTF-8", "key-1", "{\"msgtype\":\"text\",\"text\":{\"content\":\"\xff\"}}", 47001, "data format error"},
		{"unknown key", "key-2", robotMessage("text", "x"), 93000, "invalid webhook url"},
		{"removed robot", "gone", robotMessage("text", "x"), 93000, "invalid webhook url"},
		{"no key", "", robotMessage("text", "x"), 93000, "invalid webhook url"},
	} {
		a := robotSays(t, url+test.key, test.body)
		msg, hint, hinted := strings.Cut(a.Msg, ", hint: ")
		if a.code() != test.code || msg != test.msg || hinted != (test.code != 0) {
			t.Errorf("%s: got %d %q, want %d %q", test.name, a.code(), a.Msg, test.code, test.msg)
		}
		want := regexp.MustCompile(fmt.Sprintf(`^\[\d{25}\], from ip: 127\.0\.0\.1, more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=%d$`, test.code))
		if hinted && !want.MatchString(hint) {
			t.Errorf("%s: hint %q", test.name, hint)
		}
	}
	if n := len(c.Seen()); n != 2 {
		t.Errorf("%d messages arrived, want 2", n)
	}
}

func TestWeChatHTTP(t *testing.T) {
	_, url := newWeChatTest(t)
	resp, err := http.Get(url + "key-1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a wechatAnswer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil || a.code() != 43002 {
		t.Errorf("GET: %+v, %v", a, err)
	}
	form, err := http.Post(url+"key-1", "application/x-www-form-urlencoded", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	form.Body.Close()
	if form.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("a form: status %d", form.StatusCode)
	}
	other, err := http.Post(strings.Replace(url, "send", "upload", 1), "application/json", nil)
	if err != nil {
		t.Fatal(err)
	}
	other.Body.Close()
	if other.StatusCode != http.StatusNotFound {
		t.Errorf("another path: status %d", other.StatusCode)
	}
}

func TestWeChatPerMinute(t *testing.T) {
	c, url := newWeChatTest(t)
	c.AddRobot("key-2")
	now := time.Now()
	c.Clock = func() time.Time { return now }
	c.Strict(true)
	for range 20 {
		if a := robotSays(t, url+"key-1", robotMessage("text", "x")); a.code() != 0 {
			t.Fatalf("refused within the limit: %s", a.Msg)
		}
	}
	if a := robotSays(t, url+"key-1", robotMessage("text", "x")); a.code() != 45009 {
		t.Errorf("the 21st in a minute: %s", a.Msg)
	}
	if a := robotSays(t, url+"key-2", robotMessage("text", "x")); a.code() != 0 {
		t.Errorf("another robot: %s", a.Msg)
	}
	now = now.Add(time.Minute)
	if a := robotSays(t, url+"key-1", robotMessage("text", "x")); a.code() != 0 {
		t.Errorf("a minute later: %s", a.Msg)
	}
}

func TestWeChatShows(t *testing.T) {
	c, url := newWeChatTest(t)
	robotSays(t, url+"key-1", `{"msgtype":"text","text":{"content":"**as it is**","mentioned_list":["@all"]}}`)
	robotSays(t, url+"key-1", robotMessage("markdown", "# Outage\n> **Logins** are `down`, see [status](https://example.com) <font color=\"warning\">now</font> 2 * 3 [x"))
	var got []string
	for _, s := range c.Seen() {
		if s.Place != "key-1" || !s.Ours {
			t.Errorf("seen: %+v", s)
		}
		got = append(got, s.Text)
	}
	want := []string{"**as it is** @all", "Outage\nLogins are down, see status now 2 * 3 [x"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shown (-want +got):\n%s", diff)
	}
}

func TestWeChatFaults(t *testing.T) {
	c, url := newWeChatTest(t)
	c.Faults.Add(
		Fault{Kind: "status"},
		Fault{Kind: "status", Status: 429},
		Fault{Kind: "status", Status: 403},
		Fault{Kind: "status", Code: "93004", Message: "robot removed"},
		Fault{Kind: "body", Body: `{"errcode":0,"errmsg":"ok. Warning: wrong json format. "}`},
	)
	for _, want := range []int{-1, 45009, 93000, 93004, 0} {
		if a := robotSays(t, url+"key-1", robotMessage("text", "x")); a.code() != want {
			t.Errorf("got %d %q, want %d", a.code(), a.Msg, want)
		}
	}
	if n := len(c.Seen()); n != 0 {
		t.Errorf("%d messages were sent by refused requests", n)
	}
}

func FuzzWeChat(f *testing.F) {
	f.Add([]byte(robotMessage("text", "x")))
	f.Add([]byte(robotMessage("markdown", "# **a** `b` [c](d) <font color=\"x\">e</font> ** ` [ <font >")))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := NewWeChat()
		w := httptest.NewRecorder()
		c.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/cgi-bin/webhook/send?key=k", strings.NewReader(string(body))))
		var a wechatAnswer
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || a.Code == nil {
			t.Fatalf("answered %q", w.Body)
		}
		if (a.code() == 0) != (len(c.Seen()) == 1) {
			t.Errorf("errcode %d with %d messages", a.code(), len(c.Seen()))
		}
	})
}
