package sim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/dghubble/go-twitter/twitter"
	"github.com/dghubble/oauth1"
	"github.com/google/go-cmp/cmp"
)

// xFixture is a served X with one account, and a client that signs for it.
type xFixture struct {
	*X
	url    string
	me     string
	secret XCredentials
	client *http.Client
}

func serveX(t *testing.T) *xFixture {
	t.Helper()
	f := &xFixture{X: NewX(), secret: XCredentials{"ck", "c&s", "at", "as="}}
	f.me = f.AddAccount("ExampleStatus", f.secret)
	mux := http.NewServeMux()
	mux.Handle("/x/", http.StripPrefix("/x", f.X))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	f.url = srv.URL + "/x"
	f.client = signing(f.secret, nil)
	return f
}

func signing(c XCredentials, through http.RoundTripper) *http.Client {
	ctx := context.WithValue(context.Background(), oauth1.HTTPClient, &http.Client{Transport: through})
	return oauth1.NewConfig(c.ConsumerKey, c.ConsumerSecret).Client(ctx, oauth1.NewToken(c.AccessToken, c.AccessSecret))
}

// call makes a signed request with a JSON body and decodes the answer.
func (f *xFixture) call(t *testing.T, method, path, body string) (int, map[string]any, http.Header) {
	t.Helper()
	return f.callWith(t, f.client, method, path, "application/json", body)
}

func (f *xFixture) callWith(t *testing.T, client *http.Client, method, path, kind, body string) (int, map[string]any, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", kind)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return resp.StatusCode, v, resp.Header
}

// post posts and returns the id.
func (f *xFixture) post(t *testing.T, body string) string {
	t.Helper()
	status, v, _ := f.call(t, "POST", "/2/tweets", body)
	if status != 201 {
		t.Fatalf("%s: %d %v", body, status, v)
	}
	return v["data"].(map[string]any)["id"].(string)
}

func TestXPosting(t *testing.T) {
	f := serveX(t)
	status, v, _ := f.call(t, "POST", "/2/tweets", `{"text":"A & B < C: see https://status.example.com/INC-12?a=1.","reply_settings":"mentionedUsers"}`)
	data := v["data"].(map[string]any)
	text := data["text"].(string)
	if status != 201 || !strings.HasPrefix(text, "A &amp; B &lt; C: see https://t.co/") || !strings.HasSuffix(text, ".") || len(text) != len("A &amp; B &lt; C: see https://t.co/0123456789.") {
		t.Errorf("answer = %d %q", status, text)
	}
	first := data["id"].(string)
	second := f.post(t, `{"text":"more","reply":{"in_reply_to_tweet_id":"`+first+`"}}`)

	_, v, _ = f.call(t, "GET", "/2/tweets/"+second+"?tweet.fields=conversation_id,author_id,referenced_tweets", "")
	want := map[string]any{"data": map[string]any{
		"id": second, "text": "more", "conversation_id": first, "author_id": f.me, "edit_history_tweet_ids": []any{second},
		"referenced_tweets": []any{map[string]any{"type": "replied_to", "id": first}},
	}}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Errorf("post (-want +got):\n%s", diff)
	}
	_, v, _ = f.call(t, "GET", "/2/users/me", "")
	if d := v["data"].(map[string]any); d["id"] != f.me || d["username"] != "ExampleStatus" {
		t.Errorf("me = %v", v)
	}

	if status, v, _ := f.call(t, "DELETE", "/2/tweets/"+second, ""); status != 200 || v["data"].(map[string]any)["deleted"] != true {
		t.Errorf("delete: %d %v", status, v)
	}
	if _, v, _ = f.call(t, "GET", "/2/tweets/"+second, ""); v["errors"].([]any)[0].(map[string]any)["title"] != "Not Found Error" {
		t.Errorf("deleted post: %v", v)
	}
	seen := f.Seen()
	if len(seen) != 2 || !seen[1].Deleted || seen[1].ReplyTo != first || seen[0].Text != "A & B < C: see https://status.example.com/INC-12?a=1." {
		t.Errorf("seen %+v", seen)
	}
}

func TestXRefusals(t *testing.T) {
	f := serveX(t)
	f.post(t, `{"text":"said"}`)
	foreign := f.Post("stranger", "hello")
	friend := f.Post("friend", "hello @examplestatus!")
	f.post(t, `{"text":"hello friend","reply":{"in_reply_to_tweet_id":"`+friend+`"}}`)
	for _, c := range []struct {
		name, body string
		status     int
		words      string // the detail, or the message about a field
	}{
		{"duplicate", `{"text":"said"}`, 403, "You are not allowed to create a Tweet with duplicate content."},
		{"too long", `{"text":"` + strings.Repeat("公", 141) + `"}`, 400, xTooLong},
		{"unknown field", `{"text":"x","colour":1}`, 400, "$.colour: is not defined in the schema and the schema does not allow additional properties"},
		{"no text", `{}`, 400, "$.text: is missing but it is required"},
		{"reply without id", `{"text":"x","reply":{}}`, 400, "$.reply.in_reply_to_tweet_id: is missing but it is required"},
		{"bad id", `{"text":"x","reply":{"in_reply_to_tweet_id":"INC"}}`, 400, "$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$"},
		{"reply settings", `{"text":"x","reply_settings":"nobody"}`, 400, "$.reply_settings: does not have a value in the enumeration [following, mentionedUsers, subscribers, verified]"},
		{"reply to nothing", `{"text":"x","reply":{"in_reply_to_tweet_id":"1"}}`, 403, xReplyGone},
		{"reply to a stranger", `{"text":"x","reply":{"in_reply_to_tweet_id":"` + foreign + `"}}`, 403, xReplyForeign},
		{"not JSON", `text=x`, 400, "The request body is not valid JSON."},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, v, _ := f.call(t, "POST", "/2/tweets", c.body)
			words := v["detail"]
			if list, ok := v["errors"].([]any); ok {
				words = list[0].(map[string]any)["message"]
			}
			if status != c.status || words != c.words {
				t.Errorf("answer = %d %v, want %d %q", status, v, c.status, c.words)
			}
		})
	}
	if status, v, _ := f.call(t, "DELETE", "/2/tweets/"+foreign, ""); status != 403 {
		t.Errorf("deleting a stranger's post: %d %v", status, v)
	}
	if status, v, _ := f.callWith(t, f.client, "POST", "/2/tweets", "application/x-www-form-urlencoded", "text=x"); status != 400 {
		t.Errorf("a form: %d %v", status, v)
	}
	if n := len(f.Seen()); n != 4 {
		t.Errorf("%d posts, want 4", n)
	}
}

func TestXSignatures(t *testing.T) {
	f := serveX(t)
	wrong := f.secret
	wrong.AccessSecret = "other"
	unknown := f.secret
	unknown.AccessToken = "other"
	for name, client := range map[string]*http.Client{"none": http.DefaultClient, "wrong secret": signing(wrong, nil), "unknown token": signing(unknown, nil)} {
		if status, v, _ := f.callWith(t, client, "GET", "/2/users/me", "", ""); status != 401 || v["title"] != "Unauthorized" {
			t.Errorf("%s: %d %v, want 401", name, status, v)
		}
	}
	if status, v, _ := f.callWith(t, &http.Client{Transport: bearer{}}, "GET", "/2/users/me", "", ""); status != 403 || v["title"] != "Unsupported Authentication" {
		t.Errorf("app-only: %d %v", status, v)
	}

	var caught http.Header
	tap := signing(f.secret, tapped{&caught})
	if status, _, _ := f.callWith(t, tap, "GET", "/2/users/me", "", ""); status != 200 {
		t.Fatalf("signed: %d", status)
	}
	replay := &http.Client{Transport: fixed{caught}}
	if status, _, _ := f.callWith(t, replay, "GET", "/2/users/me", "", ""); status != 401 {
		t.Errorf("the same nonce again: %d, want 401", status)
	}
	old := caught.Clone()
	old.Set("Authorization", strings.Replace(old.Get("Authorization"), `oauth_timestamp="1`, `oauth_timestamp="0`, 1))
	if status, _, _ := f.callWith(t, &http.Client{Transport: fixed{old}}, "GET", "/2/users/me", "", ""); status != 401 {
		t.Errorf("an old timestamp: %d, want 401", status)
	}
	other := signing(f.secret, tampered{})
	if status, _, _ := f.callWith(t, other, "GET", "/2/users/"+f.me+"/tweets?max_results=5", "", ""); status != 401 {
		t.Errorf("a query changed on the way: %d, want 401", status)
	}
}

type bearer struct{}

func (bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer x")
	return http.DefaultTransport.RoundTrip(r)
}

type tapped struct{ header *http.Header }

func (tp tapped) RoundTrip(r *http.Request) (*http.Response, error) {
	*tp.header = r.Header.Clone()
	return http.DefaultTransport.RoundTrip(r)
}

type fixed struct{ header http.Header }

func (f fixed) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header = f.header.Clone()
	return http.DefaultTransport.RoundTrip(r)
}

type tampered struct{}

func (tampered) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.RawQuery = "max_results=6"
	return http.DefaultTransport.RoundTrip(r)
}

// The example of RFC 5849, section 3.4.1.3.2.
func TestNormalParams(t *testing.T) {
	oauth := map[string]string{
		"oauth_consumer_key": "9djdj82h48djs9d2", "oauth_token": "kkk9d7dh3k39sjv7", "oauth_signature_method": "HMAC-SHA1",
		"oauth_timestamp": "137131201", "oauth_nonce": "7d8f3e4a", "oauth_signature": "x", "realm": "Example",
	}
	query := url.Values{"b5": {"=%3D"}, "a3": {"a"}, "c@": {""}, "a2": {"r b"}}
	form := url.Values{"c2": {""}, "a3": {"2 q"}}
	const want = "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_consumer_key=9djdj82h48djs9d2&oauth_nonce=7d8f3e4a&oauth_signature_method=HMAC-SHA1&oauth_timestamp=137131201&oauth_token=kkk9d7dh3k39sjv7"
	if got := normalParams(oauth, query, form); got != want {
		t.Errorf("normalParams =\n%s, want\n%s", got, want)
	}
}

func FuzzOAuthParams(f *testing.F) {
	f.Add(`OAuth realm="x", oauth_consumer_key="a%20b",oauth_signature="c%3D"`)
	f.Add(`OAuth oauth_consumer_key="a",oauth_consumer_key="b"`)
	f.Add(`OAuth =`)
	f.Fuzz(func(t *testing.T, header string) {
		params, ok := oauthParams(header)
		if ok && params["oauth_consumer_key"] == "" {
			t.Errorf("%q was read without a consumer key", header)
		}
	})
}

func TestXTimeline(t *testing.T) {
	f := serveX(t)
	var ids []string
	for _, text := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		ids = append(ids, f.post(t, `{"text":"`+text+`"}`))
	}
	f.Post("stranger", "not ours")
	path := "/2/users/" + f.me + "/tweets"
	read := func(query string) (string, map[string]any) {
		t.Helper()
		status, v, _ := f.call(t, "GET", path+query, "")
		if status != 200 {
			t.Fatalf("%s: %d %v", query, status, v)
		}
		var texts strings.Builder
		list, _ := v["data"].([]any)
		for _, p := range list {
			texts.WriteString(p.(map[string]any)["text"].(string))
		}
		return texts.String(), v["meta"].(map[string]any)
	}
	texts, meta := read("?max_results=5&tweet.fields=created_at")
	if texts != "gfedc" || meta["newest_id"] != ids[6] || meta["oldest_id"] != ids[2] || meta["result_count"] != 5.0 {
		t.Errorf("first page %q %v", texts, meta)
	}
	if texts, meta = read("?max_results=5&pagination_token=" + meta["next_token"].(string)); texts != "ba" || meta["next_token"] != nil {
		t.Errorf("second page %q %v", texts, meta)
	}
	if texts, _ = read("?since_id=" + ids[4]); texts != "gf" {
		t.Errorf("since: %q", texts)
	}
	if texts, meta = read("?start_time=" + time.Now().Add(time.Hour).UTC().Format(time.RFC3339)); texts != "" || meta["result_count"] != 0.0 {
		t.Errorf("nothing: %q %v", texts, meta)
	}
	for _, query := range []string{"?max_results=4", "?max_results=101", "?since_id=x", "?start_time=noon", "?tweet.fields=mood", "?count=5", "?pagination_token=x"} {
		if status, v, _ := f.call(t, "GET", path+query, ""); status != 400 || v["title"] != "Invalid Request" {
			t.Errorf("%s: %d %v, want 400", query, status, v)
		}
	}
	f.TimelineDelay = time.Hour
	if texts, _ = read(""); texts != "" {
		t.Errorf("posts are in the timeline too early: %q", texts)
	}
}

func TestXLimitsAndCredits(t *testing.T) {
	f := serveX(t)
	f.SetCredits(1)
	f.post(t, `{"text":"paid"}`)
	if status, v, _ := f.call(t, "POST", "/2/tweets", `{"text":"unpaid"}`); status != 402 || v["title"] != "CreditsDepleted" {
		t.Errorf("without credits: %d %v", status, v)
	}
	f.SetCredits(-1)
	f.Strict(true)
	_, _, h := f.call(t, "POST", "/2/tweets", `{"text":"one"}`)
	if h.Get("x-rate-limit-limit") != "100" || h.Get("x-rate-limit-remaining") != "99" || h.Get("x-rate-limit-reset") == "" || h.Get("x-app-limit-24hour-remaining") != "9999" || h.Get("x-user-limit-24hour-limit") != "10000" {
		t.Errorf("headers %v", h)
	}
	for range 49 {
		f.call(t, "DELETE", "/2/tweets/1", "")
	}
	if status, _, h := f.call(t, "DELETE", "/2/tweets/1", ""); status != 200 || h.Get("x-rate-limit-remaining") != "0" {
		t.Errorf("fiftieth deletion: %d, %s left", status, h.Get("x-rate-limit-remaining"))
	}
	if status, v, _ := f.call(t, "DELETE", "/2/tweets/1", ""); status != 429 || v["title"] != "Too Many Requests" {
		t.Errorf("fifty-first deletion: %d %v", status, v)
	}
}

func TestXFaults(t *testing.T) {
	f := serveX(t)
	f.Faults.Add(
		Fault{Match: "POST /2/tweets", Kind: "status", Status: 429, RetryAfter: Duration(time.Minute), Code: "88"},
		Fault{Match: "POST /2/tweets", Kind: "status", Status: 429, RetryAfter: Duration(time.Hour), Code: "24h"},
		Fault{Match: "POST /2/tweets", Kind: "status", Status: 403, Message: "Your account is suspended."},
	)
	status, v, h := f.call(t, "POST", "/2/tweets", `{"text":"x"}`)
	if status != 429 || v["errors"].([]any)[0].(map[string]any)["code"] != 88.0 || h.Get("x-rate-limit-remaining") != "0" {
		t.Errorf("first: %d %v %v", status, v, h)
	}
	status, v, h = f.call(t, "POST", "/2/tweets", `{"text":"x"}`)
	if status != 429 || v["title"] != "Too Many Requests" || h.Get("x-rate-limit-remaining") == "0" || h.Get("x-user-limit-24hour-remaining") != "0" {
		t.Errorf("second: %d %v %v", status, v, h)
	}
	if status, v, _ = f.call(t, "POST", "/2/tweets", `{"text":"x"}`); status != 403 || v["detail"] != "Your account is suspended." {
		t.Errorf("third: %d %v", status, v)
	}
	if len(f.Seen()) != 0 {
		t.Errorf("a refused post was made: %v", f.Seen())
	}
}

func TestXPeople(t *testing.T) {
	f := serveX(t)
	open := f.post(t, `{"text":"open"}`)
	closed := f.post(t, `{"text":"closed, thanks @Friend","reply_settings":"mentionedUsers"}`)
	if _, err := f.Reply("ExampIeStatus", open, "Send 1 BTC"); err != nil {
		t.Error(err)
	}
	if _, err := f.Reply("ExampIeStatus", closed, "Send 1 BTC"); err == nil {
		t.Error("an impostor replied where only mentioned people may")
	}
	if _, err := f.Reply("friend", closed, "you are welcome"); err != nil {
		t.Error(err)
	}
	seen := f.Seen()
	if len(seen) != 4 || seen[2].Ours || seen[2].Thread != open || !seen[0].Ours {
		t.Errorf("seen %+v", seen)
	}
}

func TestXAccountIDs(t *testing.T) {
	x := NewX()
	if id := x.AddAccount("a", XCredentials{AccessToken: "12345-secret"}); id != "12345" {
		t.Errorf("id = %s, want that of the token", id)
	}
	if id := x.AddAccount("b", XCredentials{AccessToken: "abc-secret"}); !isXID(id) {
		t.Errorf("id = %s, want a number", id)
	}
}

func TestXVersion1(t *testing.T) {
	f := serveX(t)
	to, err := url.Parse(f.url + "/1.1")
	if err != nil {
		t.Fatal(err)
	}
	// go-twitter signs X's own address; the proxy changes it afterwards.
	client := twitter.NewClient(signing(f.secret, rewrite{to, "/1.1"}))
	check := func(err error, code int) {
		t.Helper()
		ae, ok := err.(twitter.APIError)
		if !ok || ae.Errors[0].Code != code {
			t.Errorf("error = %v, want code %d", err, code)
		}
	}
	_, _, err = client.Statuses.Update("x", nil)
	check(err, 453)
	f.AllowV1(true)

	me, _, err := client.Accounts.VerifyCredentials(nil)
	if err != nil || me.IDStr != f.me {
		t.Fatalf("me = %+v, %v", me, err)
	}
	first, _, err := client.Statuses.Update("Withdrawals & deposits, 100%: + = ü 公", nil)
	if err != nil || first.Text != "Withdrawals &amp; deposits, 100%: + = ü 公" || first.User.ScreenName != "ExampleStatus" {
		t.Fatalf("first = %+v, %v", first, err)
	}
	if _, err := first.CreatedAtTime(); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("word ", 40) + "end"
	second, _, err := client.Statuses.Update(long, &twitter.StatusUpdateParams{InReplyToStatusID: first.ID})
	if err != nil || second.InReplyToStatusID != first.ID || !second.Truncated {
		t.Fatalf("second = %+v, %v", second, err)
	}
	_, _, err = client.Statuses.Update(long, nil)
	check(err, 187)
	_, _, err = client.Statuses.Update(strings.Repeat("x", 281), nil)
	check(err, 186)
	_, _, err = client.Statuses.Update("x", &twitter.StatusUpdateParams{InReplyToStatusID: 1})
	check(err, 385)

	list, _, err := client.Timelines.UserTimeline(&twitter.UserTimelineParams{SinceID: first.ID, TweetMode: "extended"})
	if err != nil || len(list) != 1 || list[0].FullText != long {
		t.Errorf("timeline = %+v, %v", list, err)
	}
	if _, _, err := client.Statuses.Destroy(second.ID, nil); err != nil {
		t.Error(err)
	}
	_, _, err = client.Statuses.Destroy(second.ID, nil)
	check(err, 144)
	f.Faults.Add(Fault{Match: "/1.1/", Kind: "status", Status: 403, Code: "326", Message: "This account is temporarily locked."})
	_, _, err = client.Statuses.Update("y", nil)
	check(err, 326)
}
