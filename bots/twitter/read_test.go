package twitter_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/twitter"
)

// A standIn answers as X for one path, if the request is signed for it.
type standIn struct {
	*httptest.Server
	status int
	header map[string]string
	body   string

	mu  sync.Mutex
	got []string // method, path and query
	bad error    // the first request that was not signed rightly
}

func newStandIn(t *testing.T, body string) *standIn {
	t.Helper()
	s := &standIn{body: body, status: http.StatusOK}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() {
		s.Close()
		if s.bad != nil {
			t.Error(s.bad)
		}
	})
	return s
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, r.Method+" "+r.URL.RequestURI())
	s.bad = errors.Join(s.bad, verify(r, string(body)))
	for k, v := range s.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

// verify checks a signature as RFC 5849 (section 3.4) says, over the address
// that was really requested.
func verify(r *http.Request, body string) error {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "OAuth ")
	if !ok {
		return errors.New("the request is not signed")
	}
	params := map[string]string{}
	for _, m := range regexp.MustCompile(`(\w+)="([^"]*)"`).FindAllStringSubmatch(auth, -1) {
		v, err := url.PathUnescape(m[2])
		if err != nil {
			return err
		}
		params[m[1]] = v
	}
	signature := params["oauth_signature"]
	delete(params, "oauth_signature")
	for k, v := range r.URL.Query() {
		params[k] = v[0]
	}
	if r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		form, err := url.ParseQuery(body)
		if err != nil {
			return err
		}
		for k, v := range form {
			params[k] = v[0]
		}
	}
	if want := sign(r.Method, "http://"+r.Host+r.URL.EscapedPath(), params); signature != want {
		return fmt.Errorf("%s %s: the signature is not the right one", r.Method, r.RequestURI)
	}
	return nil
}

func sign(method, address string, params map[string]string) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		pairs = append(pairs, escape(k)+"="+escape(params[k]))
	}
	c := config("", "")
	mac := hmac.New(sha1.New, []byte(escape(c.ConsumerSecret)+"&"+escape(c.AccessSecret)))
	io.WriteString(mac, method+"&"+escape(address)+"&"+escape(strings.Join(pairs, "&")))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape is percent-encoding as RFC 5849 (section 3.6) wants it.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// TestSignature posts, replies and deletes at an address with a path of its
// own, as a proxy would have.
func TestSignature(t *testing.T) {
	text := "a+b = c & d%20 ~ 界 https://status.example.com/x?y=1&z=2"
	for _, api := range []string{"v2", "v1.1"} {
		s := newStandIn(t, `{"data":{"id":"7","deleted":true},"id_str":"7"}`)
		bot := mustNew(t, api, s.URL+"/some%20proxy/")
		for _, op := range []bots.Operation{
			{Action: bots.Post, Text: text},
			{Action: bots.Post, Text: text, ReplyTo: "5"},
			{Action: bots.Delete, Message: "7"},
		} {
			if _, err := bot.Do(t.Context(), op); err != nil {
				t.Errorf("%s: %+v: %v", api, op, err)
			}
		}
		for _, line := range s.got {
			if !strings.Contains(line, " /some%20proxy/") {
				t.Errorf("%s: %s is outside the configured address", api, line)
			}
		}
	}
}

const timelineV2 = `{"data":[
	{"id":"9","text":"Newer.","created_at":"2026-03-01T12:09:00.000Z"},
	{"id":"8","created_at":"2026-03-01T12:08:00.000Z","text":"Café &amp; &lt;b&gt; https://t.co/abc\n\nMore: https://t.co/def",
	 "entities":{"urls":[{"url":"https://t.co/abc","expanded_url":"https://status.example.com/a?b=1&c=2"},{"url":"https://t.co/def","expanded_url":"http://example.com"}]}},
	{"id":"6","created_at":"2026-03-01T11:00:00.000Z","text":"Older."}],
	"meta":{"result_count":3%s}}`

const timelineV1 = `[
	{"id_str":"9","full_text":"Newer.","created_at":"Sun Mar 01 12:09:00 +0000 2026"},
	{"id_str":"8","created_at":"Sun Mar 01 12:08:00 +0000 2026","full_text":"Café &amp; &lt;b&gt; https://t.co/abc\n\nMore: https://t.co/def",
	 "entities":{"urls":[{"url":"https://t.co/abc","expanded_url":"https://status.example.com/a?b=1&c=2"},{"url":"https://t.co/def","expanded_url":"http://example.com"}]}},
	{"id_str":"6","created_at":"Sun Mar 01 11:00:00 +0000 2026","full_text":"Older."}]`

func TestFind(t *testing.T) {
	since := time.Date(2026, 3, 1, 12, 0, 0, 500, time.UTC)
	for api, s := range map[string]struct{ body, asked string }{
		"v2": {fmt.Sprintf(timelineV2, ""),
			"GET /2/users/1001/tweets?end_time=2026-03-01T12%3A13%3A00Z&exclude=retweets&max_results=100&start_time=2026-03-01T12%3A00%3A00Z&tweet.fields=created_at%2Centities"},
		"v1.1": {timelineV1,
			"GET /1.1/statuses/user_timeline.json?count=200&include_rts=false&max_id=2028081062998966272&trim_user=true&tweet_mode=extended&user_id=1001"},
	} {
		x := newStandIn(t, s.body)
		bot := mustNew(t, api, x.URL)
		for text, want := range map[string]string{
			"Newer.":    "9",
			" Newer.\n": "9",
			"Cafe\u0301 & <b> https://status.example.com/a?b=1&c=2\nMore: example.com": "8",
			"Café & <b> https://status.example.com/a?b=1&c=3\nMore: example.com":       "",
			"Older.": "",
			"Never.": "",
			"newer.": "",
		} {
			got, found, err := bot.Find(t.Context(), bots.Operation{Action: bots.Post, Text: text}, since)
			if err != nil || got.ID != want || found != (want != "") {
				t.Errorf("%s: Find(%q) = %+v, %t, %v, want %q", api, text, got, found, err, want)
			}
			if found && got.URL != "https://x.com/i/web/status/"+want {
				t.Errorf("%s: link %s", api, got.URL)
			}
		}
		if d := cmp.Diff(s.asked, x.got[0]); d != "" {
			t.Errorf("%s: request (-want +got)\n%s", api, d)
		}
	}
}

// TestFindIsNotSure checks what proves neither that a post is there nor that
// it is not.
func TestFindIsNotSure(t *testing.T) {
	full := make([]string, 200)
	for i := range full {
		full[i] = fmt.Sprintf(`{"id_str":"%d","full_text":"x","created_at":"Sun Mar 01 12:09:00 +0000 2026"}`, i+1)
	}
	type answer struct {
		api, body string
		status    int
	}
	for _, a := range []answer{
		{"v2", fmt.Sprintf(timelineV2, `,"next_token":"more"`), 200},
		{"v2", `{}`, 200},
		{"v2", `null`, 200},
		{"v2", `<html>`, 200},
		{"v2", `{"errors":[{"detail":"Something went wrong"}]}`, 200},
		{"v2", ``, 503},
		{"v1.1", "[" + strings.Join(full, ",") + "]", 200},
		{"v1.1", `{}`, 200},
		{"v1.1", `null`, 200},
		{"v1.1", ``, 503},
	} {
		x := newStandIn(t, a.body)
		x.status = a.status
		_, found, err := mustNew(t, a.api, x.URL).Find(t.Context(), post(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
		if f, ok := errors.AsType[*bots.Fault](err); found || !ok || f.Kind != bots.Temporary {
			t.Errorf("%s %d %.40s: %t, %v, want a temporary fault", a.api, a.status, a.body, found, err)
		}
		if len(x.got) != 1 {
			t.Errorf("%s %.40s: %d requests, want one", a.api, a.body, len(x.got))
		}
	}
}

func TestFindNothing(t *testing.T) {
	for api, body := range map[string]string{"v2": `{"meta":{"result_count":0}}`, "v1.1": `[]`} {
		x := newStandIn(t, body)
		if _, found, err := mustNew(t, api, x.URL).Find(t.Context(), post(), time.Now()); found || err != nil {
			t.Errorf("%s: %t, %v, want neither", api, found, err)
		}
	}
}

func TestCheckAccount(t *testing.T) {
	for api, body := range map[string]string{
		"v2":   `{"data":{"id":"1001","name":"Example","username":"example_status"}}`,
		"v1.1": `{"id_str":"1001","name":"Example","screen_name":"example_status"}`,
	} {
		x := newStandIn(t, body)
		bot := mustNew(t, api, x.URL)
		account, problems, err := bot.Check(t.Context(), []string{"", "@someone"})
		if err != nil || account != "@example_status (1001)" || problems[""] != "" || problems["@someone"] == "" {
			t.Errorf("%s: %q, %q, %v", api, account, problems, err)
		}
		x.header = map[string]string{"x-access-level": "read"}
		if _, _, err := bot.Check(t.Context(), nil); bots.AsFault(err).Kind != bots.Unauthorized {
			t.Errorf("%s: %v, want a token that may only read to be refused", api, err)
		}
		x.body = `{}`
		x.header = nil
		if _, _, err := bot.Check(t.Context(), nil); bots.AsFault(err).Kind != bots.Temporary {
			t.Errorf("%s: %v, want an answer without account to be a fault", api, err)
		}
		x.status, x.body = 401, `{"title":"Unauthorized","status":401,"detail":"`+config("", "").AccessToken+`"}`
		_, _, err = bot.Check(t.Context(), nil)
		if bots.AsFault(err).Kind != bots.Unauthorized || strings.Contains(err.Error(), "Q6") {
			t.Errorf("%s: %v", api, err)
		}
	}
}

// TestQuota checks which limit a receipt reports.
func TestQuota(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	unix := func(d time.Duration) string { return fmt.Sprint(now.Add(d).Unix()) }
	for _, c := range []struct {
		name   string
		header map[string]string
		left   int
		reset  time.Duration
	}{
		{"endpoint", map[string]string{"x-rate-limit-remaining": "9", "x-rate-limit-reset": unix(time.Minute)}, 9, time.Minute},
		{"day used up", map[string]string{"x-rate-limit-remaining": "9", "x-rate-limit-reset": unix(time.Minute),
			"x-user-limit-24hour-remaining": "0", "x-user-limit-24hour-reset": unix(time.Hour)}, 0, time.Hour},
		{"day not used up", map[string]string{"x-rate-limit-remaining": "0", "x-rate-limit-reset": unix(time.Minute),
			"x-app-limit-24hour-remaining": "1", "x-app-limit-24hour-reset": unix(time.Hour)}, 0, time.Minute},
		{"nonsense", map[string]string{"x-rate-limit-remaining": "-1", "x-rate-limit-reset": "99999999999999999999"}, 0, 0},
		{"nothing", nil, 0, 0},
	} {
		x := newStandIn(t, `{"data":{"id":"7"}}`)
		x.header = c.header
		got, err := mustNew(t, "v2", x.URL).Do(t.Context(), post())
		want := bots.Receipt{ID: "7", URL: "https://x.com/i/web/status/7", Remaining: c.left}
		if c.reset != 0 {
			want.Reset = now.Add(c.reset)
		}
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v (-want +got)\n%s", c.name, err, d)
		}
	}
}

func TestLimits(t *testing.T) {
	c := config("", "")
	c.Rate = 40
	bot, err := twitter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	l := bot.Limits()
	if l.MaxText != 280 || l.Measure("界") != 2 || l.Edit || !l.Delete || l.Replies != bots.ReplyNewest || l.Account != (bots.Pace{N: 40, Per: time.Second}) {
		t.Errorf("%+v", l)
	}
	if sum := l.PostCost + l.LinkCost; sum < 0.1999 || sum > 0.2001 {
		t.Errorf("a post with a link costs %v, want 0.2", sum)
	}
}
