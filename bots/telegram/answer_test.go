package telegram

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// FuzzAnswer has any bytes answer a post, an edit and a deletion.
func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"ok":true,"result":{"message_id":7,"chat":{"id":-100,"username":"x"}}}`, "")
	f.Add(200, `{"ok":true,"result":true}`, "")
	f.Add(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 5","parameters":{"retry_after":5}}`, "5")
	f.Add(429, `{"ok":false,"error_code":429,"parameters":{"retry_after":9223372036854775807}}`, "1e300")
	f.Add(429, `{"ok":false,"error_code":429,"parameters":{"retry_after":999999999}}`, "")
	f.Add(400, `{"ok":false,"error_code":400,"description":"Bad Request: a token 1:SECRET","parameters":{"migrate_to_chat_id":-1009}}`, "")
	f.Add(502, "<html>", "soon")
	f.Add(200, `{"ok":true,"result":{"message_id":0}}`, "")
	var status int
	var body, after string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", after)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	f.Cleanup(s.Close)
	b, err := New(Config{Name: "tg", Token: "1:SECRET", APIURL: s.URL})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, code int, text, retry string) {
		if code < 200 || code > 599 || strings.ContainsAny(retry, "\r\n") {
			t.Skip()
		}
		status, body, after = code, text, retry
		for _, op := range []bots.Operation{
			{Action: bots.Post, Target: "@x", Text: "x"}, {Action: bots.Edit, Target: "@x", Message: "7", Text: "x"}, {Action: bots.Delete, Target: "@x", Message: "7"},
		} {
			receipt, err := b.Do(t.Context(), op)
			if err == nil {
				if op.Action == bots.Post && receipt.ID == "" {
					t.Errorf("a post without a message: %+v", receipt)
				}
				continue
			}
			fault := bots.AsFault(err)
			if receipt != (bots.Receipt{}) || fault.Kind == "" || fault.Detail != bots.OneLine(fault.Detail) || strings.Contains(fault.Error(), "SECRET") {
				t.Errorf("%+v, %#v", receipt, fault)
			}
			if fault.Until.After(time.Now().Add(8 * 24 * time.Hour)) {
				t.Errorf("held back until %v", fault.Until)
			}
			if fault.Kind == bots.Moved && fault.To == "" {
				t.Errorf("moved to nowhere: %#v", fault)
			}
		}
	})
}
