package crowd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/crowd"
)

func post(t *testing.T, url, kind, body string) (int, string, error) {
	t.Helper()
	resp, err := http.Post(url+"/bot42:secret/sendMessage", kind, strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// What is sent is counted for its chat, whichever way it is written, and any
// second has no more than the rate.
func TestCrowd(t *testing.T) {
	c, err := crowd.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var heard []int64
	c.Rate = 3
	c.Heard = func(chat, _ int64) { heard = append(heard, chat) }
	c.Answer = func(chat int64) crowd.Answer {
		return map[int64]crowd.Answer{7: crowd.TooMany, 8: crowd.TakenDumb}[chat]
	}
	for n, body := range []string{`{"chat_id":5,"text":"x"}`, `{"text":"x","chat_id":"-6"}`} {
		status, answer, err := post(t, c.URL, "application/json", body)
		if want := fmt.Sprintf(`{"ok":true,"result":{"message_id":%d,`, n+1); err != nil || status != 200 || !strings.HasPrefix(answer, want) {
			t.Errorf("%s: %d %s %v", body, status, answer, err)
		}
	}
	if status, answer, err := post(t, c.URL, "application/json", `{"chat_id":7}`); err != nil || status != 429 || !strings.Contains(answer, `"retry_after":3`) {
		t.Errorf("too many: %d %s %v", status, answer, err)
	}
	form := url.Values{"chat_id": {"8"}, "text": {"x"}}.Encode()
	if status, answer, err := post(t, c.URL, "application/x-www-form-urlencoded", form); err == nil {
		t.Errorf("a cut connection answers %d %s", status, answer)
	}
	if status, _, err := post(t, c.URL, "application/json", `{"chat_id":9}`); err != nil || status != 429 {
		t.Errorf("the fourth of a second is answered by %d %v", status, err)
	}
	if got := fmt.Sprint(heard); got != "[5 -6 8]" {
		t.Errorf("heard by %s", got)
	}
	if taken, refused := c.Count(); taken != 3 || refused != 2 {
		t.Errorf("%d taken and %d refused, want 3 and 2", taken, refused)
	}
}
