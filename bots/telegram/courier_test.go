package telegram

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

const courierToken = "42:courier-secret"

// courier returns a bot that talks to answer, and the requests that it makes.
func courier(t *testing.T, answer func(http.ResponseWriter)) (*Bot, chan map[string]any) {
	t.Helper()
	asked := make(chan map[string]any, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil || r.URL.Path != "/bot"+courierToken+"/sendMessage" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %q: %v", r.URL.Path, body, err)
		}
		if packed := r.Header.Get("Accept-Encoding"); packed != "" {
			t.Errorf("the answer may be packed as %s, which costs more than it saves", packed)
		}
		asked <- m
		answer(w)
	}))
	t.Cleanup(server.Close)
	b, err := New(Config{Token: courierToken, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return b, asked
}

func carry(t *testing.T, b *Bot, text string, to bots.Address) (int64, error) {
	t.Helper()
	p, err := b.Pack(text)
	if err != nil {
		t.Fatal(err)
	}
	return b.Deliver(t.Context(), p, to)
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	b, asked := courier(t, func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"ok":true,"result":{"message_id":512,"text":"`+strings.Repeat("x", 20_000)+`"}}`)
	})
	var left atomic.Int32
	text := "Logins \"fail\"\n<b>& 登录 \u2028"
	id, err := carry(t, b, text, bots.Address{Chat: -100123, Topic: 5, ReplyTo: 7, Paid: true, Leaves: func() error { left.Add(1); return nil }})
	if id != 512 || err != nil || left.Load() != 1 {
		t.Errorf("message %d, %v, left %d times", id, err, left.Load())
	}
	m := <-asked
	reply, _ := m["reply_parameters"].(map[string]any)
	if m["text"] != text || m["chat_id"] != -100123.0 || m["message_thread_id"] != 5.0 || reply["message_id"] != 7.0 || reply["allow_sending_without_reply"] != false || m["allow_paid_broadcast"] != true {
		t.Errorf("asked for %v", m)
	}
	if _, err := carry(t, b, text, bots.Address{Chat: 5}); err != nil {
		t.Error(err)
	}
	if m := <-asked; m["reply_parameters"] != nil || m["message_thread_id"] != nil || m["allow_paid_broadcast"] != nil {
		t.Errorf("asked for %v", m)
	}
}

func TestPackRefusesWhatTelegramWould(t *testing.T) {
	t.Parallel()
	b, _ := courier(t, nil)
	for _, text := range []string{"", " \n", "\xff", strings.Repeat("é", 4097)} {
		if _, err := b.Pack(text); bots.AsFault(err).Kind != bots.Rejected {
			t.Errorf("%.10q: %v", text, err)
		}
	}
}

func TestDeliverTellsFaultsApart(t *testing.T) {
	t.Parallel()
	say := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); fmt.Fprint(w, body) }
	}
	cut := func(w http.ResponseWriter) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
	}
	short := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "500")
		fmt.Fprint(w, `{"ok":true,"res`)
	}
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter)
		kind   bots.FaultKind
		about  bots.Subject
	}{
		"blocked":      {say(403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`), bots.Gone, bots.Target},
		"deactivated":  {say(403, `{"ok":false,"error_code":403,"description":"Forbidden: user is deactivated"}`), bots.Gone, bots.Target},
		"no chat":      {say(400, `{"ok":false,"error_code":400,"description":"Bad Request: chat not found"}`), bots.Gone, bots.Target},
		"no parent":    {say(400, `{"ok":false,"error_code":400,"description":"Bad Request: message to be replied not found"}`), bots.Gone, bots.Parent},
		"moved":        {say(400, `{"ok":false,"error_code":400,"description":"migrated","parameters":{"migrate_to_chat_id":-1009}}`), bots.Moved, bots.Target},
		"limited":      {say(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 9","parameters":{"retry_after":9}}`), bots.RateLimited, bots.Target},
		"unauthorized": {say(401, `{"ok":false,"error_code":401,"description":"Unauthorized"}`), bots.Unauthorized, bots.Account},
		"front end":    {say(502, `<html>Bad Gateway</html>`), bots.Unsure, ""},
		"no id":        {say(200, `{"ok":true,"result":{"message_id":0}}`), bots.Unsure, ""},
		"no JSON":      {say(200, `hello`), bots.Unsure, ""},
		"redirect":     {say(302, ``), bots.Rejected, ""},
		"cut":          {cut, bots.Unsure, ""},
		"cut short":    {short, bots.Unsure, ""},
	} {
		b, _ := courier(t, tt.answer)
		_, err := carry(t, b, "x", bots.Address{Chat: 5})
		f := bots.AsFault(err)
		if err == nil || f.Kind != tt.kind || f.Subject != tt.about || strings.Contains(f.Error(), "secret") {
			t.Errorf("%s: %v, want %s about %q", name, err, tt.kind, tt.about)
		}
		if name == "limited" && time.Until(f.Until) < 8*time.Second {
			t.Errorf("the limit ends at %v", f.Until)
		}
	}
}

func TestNothingLeavesWithoutAConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	b, err := New(Config{Token: courierToken, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, err = carry(t, b, "x", bots.Address{Chat: 5, Leaves: func() error { t.Error("something left"); return nil }})
	if f := bots.AsFault(err); f.Kind != bots.Temporary || strings.Contains(f.Error(), "secret") {
		t.Errorf("%v", err)
	}
}

// What is found quickly is what decoding finds.
func FuzzMessageID(f *testing.F) {
	for _, s := range []string{`{"ok":true,"result":{"message_id":12,"a":1}}`, `{"ok":true,"result":{"message_id":12}}`, `{"ok":true,"result":{"message_id":1e3}}`, `{"ok":true,"result":{"message_id":`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		id, ok := messageID(answer)
		var full struct {
			Result struct {
				ID int64 `json:"message_id"`
			}
		}
		if json.Unmarshal(answer, &full) == nil && ok && strings.Count(string(answer), "message_id") == 1 && strings.Count(string(answer), "result") == 1 && full.Result.ID != id {
			t.Errorf("%q: %d, decoded %d", answer, id, full.Result.ID)
		}
	})
}

// What is refused in the last moment does not leave, and the next message finds
// another connection.
func TestNothingLeavesThatWasRefused(t *testing.T) {
	t.Parallel()
	b, asked := courier(t, func(w http.ResponseWriter) { fmt.Fprint(w, `{"ok":true,"result":{"message_id":3,"text":"x"}}`) })
	late := errors.New("too late")
	for _, text := range []string{"x", strings.Repeat("登", 4000)} { // the second one does not fit into a buffer
		if _, err := carry(t, b, "before", bots.Address{Chat: 5}); err != nil { // so that a connection stands
			t.Fatal(err)
		}
		<-asked
		_, err := carry(t, b, text, bots.Address{Chat: 5, Leaves: func() error { return late }})
		if f := bots.AsFault(err); f.Kind != bots.Temporary || !strings.Contains(f.Error(), "too late") {
			t.Errorf("refused: %v", err)
		}
		if id, err := carry(t, b, "after", bots.Address{Chat: 5}); id != 3 || err != nil {
			t.Errorf("afterwards: %d, %v", id, err)
		}
		if m := <-asked; m["text"] != "after" {
			t.Errorf("asked for %.20q", m["text"])
		}
	}
}
