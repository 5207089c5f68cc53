package twitter_test

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/bottest"
	"github.com/allclear-hq/allclear/bots/twitter"
)

func config(api, url string) twitter.Config {
	return twitter.Config{
		Name:           "x",
		ConsumerKey:    "consumer-key-Q4",
		ConsumerSecret: "consumer+secret/Q5=",
		AccessToken:    "1001-access-token-Q6",
		AccessSecret:   "access secret&Q7",
		API:            api,
		APIURL:         url,
	}
}

func secrets() []string {
	c := config("", "")
	return []string{c.ConsumerKey, c.ConsumerSecret, c.AccessToken, c.AccessSecret}
}

func mustNew(t *testing.T, api, url string) *twitter.Bot {
	t.Helper()
	bot, err := twitter.New(config(api, url))
	if err != nil {
		t.Fatal(err)
	}
	return bot
}

func post() bots.Operation {
	return bots.Operation{Action: bots.Post, Text: "Logins work again. INC-12/3 · 12:18 UTC", Nonce: "n"}
}

func reply() bots.Operation {
	op := post()
	op.ReplyTo = "1800000000000000001"
	return op
}

func remove() bots.Operation {
	return bots.Operation{Action: bots.Delete, Message: "1800000000000000007"}
}

// quotaHeader says that 7 requests are left until reset.
func quotaHeader(reset time.Time) map[string]string {
	return map[string]string{
		"x-rate-limit-limit":     "100",
		"x-rate-limit-remaining": "7",
		"x-rate-limit-reset":     strconv.FormatInt(reset.Unix(), 10),
	}
}

func posted(body string, reset time.Time) (bottest.Reply, bots.Receipt) {
	return bottest.Reply{Status: 201, Header: quotaHeader(reset), Body: body}, bots.Receipt{
		ID:        "1800000000000000007",
		URL:       "https://x.com/i/web/status/1800000000000000007",
		Remaining: 7,
		Reset:     reset,
	}
}

func problem(status int, detail string) bottest.Reply {
	return bottest.Reply{
		Status: status,
		Header: map[string]string{"Content-Type": "application/problem+json"},
		Body:   fmt.Sprintf(`{"detail":%s,"type":"about:blank","title":"Refused","status":%d}`, bottest.Quote(detail), status),
	}
}

func numbered(status, code int, message string) bottest.Reply {
	return bottest.Reply{Status: status, Body: fmt.Sprintf(`{"errors":[{"code":%d,"message":%s}]}`, code, bottest.Quote(message))}
}

func TestConformanceV2(t *testing.T) {
	ok, receipt := posted(`{"data":{"id":"1800000000000000007","text":"as X shows it","edit_history_tweet_ids":["1800000000000000007"]}}`, time.Now().Add(9*time.Minute).Truncate(time.Second))
	mentioned, both := post(), reply()
	mentioned.MentionedOnly, both.MentionedOnly = true, true
	bottest.Run(t, bottest.Platform{
		New:     func(url string) (bots.Bot, error) { return twitter.New(config("v2", url)) },
		Secrets: secrets(),
		Calls: []bottest.Call{
			{Name: "post", Op: post(), OK: ok, Receipt: receipt},
			{Name: "reply", Op: reply(), OK: ok, Receipt: receipt},
			{Name: "post with limited replies", Op: mentioned, OK: ok, Receipt: receipt},
			{Name: "a reply inherits limited replies", Op: both, Asks: withoutNonce(reply()), OK: ok, Receipt: receipt},
			{Name: "delete", Op: remove(), OK: bottest.Reply{Body: `{"data":{"deleted":true}}`}, Receipt: bots.Receipt{ID: remove().Message}},
		},
		Answers: append(answersV2(), answers()...),
		Refuse:  func(words string) bottest.Reply { return problem(403, words) },
		Decode:  decodeV2,
		Length:  func(r bottest.Request) int { op, _ := decodeV2(r); return twitter.Weight(op.Text) },
	})
}

func TestConformanceV1(t *testing.T) {
	ok, receipt := posted(`{"id":1800000000000000007,"id_str":"1800000000000000007","text":"as X shows it"}`, time.Now().Add(9*time.Minute).Truncate(time.Second))
	ok.Status = 200
	bottest.Run(t, bottest.Platform{
		New:     func(url string) (bots.Bot, error) { return twitter.New(config("v1.1", url)) },
		Secrets: secrets(),
		Calls: []bottest.Call{
			{Name: "post", Op: post(), OK: ok, Receipt: receipt},
			{Name: "reply", Op: reply(), OK: ok, Receipt: receipt},
			{Name: "delete", Op: remove(), OK: bottest.Reply{Body: ok.Body}, Receipt: bots.Receipt{ID: remove().Message}},
		},
		Answers: append(answersV1(), answers()...),
		Refuse:  func(words string) bottest.Reply { return problem(403, words) },
		Decode:  decodeV1,
		Length:  func(r bottest.Request) int { op, _ := decodeV1(r); return twitter.Weight(op.Text) },
	})
}

func withoutNonce(op bots.Operation) bots.Operation {
	op.Nonce = ""
	return op
}

func decodeV2(r bottest.Request) (bots.Operation, error) {
	if id, ok := strings.CutPrefix(r.URL.Path, "/2/tweets/"); ok && r.Method == "DELETE" {
		return bots.Operation{Action: bots.Delete, Message: id}, nil
	}
	if r.Method != "POST" || r.URL.Path != "/2/tweets" || r.Header.Get("Content-Type") != "application/json" {
		return bots.Operation{}, fmt.Errorf("%s %s of %q", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	var body struct {
		Text  string
		Reply struct {
			To string `json:"in_reply_to_tweet_id"`
		}
		ReplySettings string `json:"reply_settings"`
	}
	if err := r.JSON(&body); err != nil {
		return bots.Operation{}, err
	}
	if body.ReplySettings != "" && (body.ReplySettings != "mentionedUsers" || body.Reply.To != "") {
		return bots.Operation{}, errors.New("reply_settings: " + body.ReplySettings)
	}
	return bots.Operation{Action: bots.Post, Text: body.Text, ReplyTo: body.Reply.To, MentionedOnly: body.ReplySettings != ""}, nil
}

func decodeV1(r bottest.Request) (bots.Operation, error) {
	form, err := url.ParseQuery(string(r.Body))
	if err != nil || r.Method != "POST" {
		return bots.Operation{}, fmt.Errorf("%s: %v", r.Method, err)
	}
	if id, ok := strings.CutPrefix(r.URL.Path, "/1.1/statuses/destroy/"); ok {
		return bots.Operation{Action: bots.Delete, Message: strings.TrimSuffix(id, ".json")}, nil
	}
	if r.URL.Path != "/1.1/statuses/update.json" {
		return bots.Operation{}, errors.New(r.URL.Path)
	}
	op := bots.Operation{Action: bots.Post, Text: form.Get("status"), ReplyTo: form.Get("in_reply_to_status_id")}
	if op.ReplyTo != "" && form.Get("auto_populate_reply_metadata") != "true" {
		return op, errors.New("a reply that names nobody would stand alone")
	}
	return op, nil
}

// answers are those that both versions of the API may give.
func answers() []bottest.Answer {
	var (
		in5m  = time.Now().Add(5 * time.Minute).Truncate(time.Second)
		in9h  = in5m.Add(9 * time.Hour)
		fault = func(kind bots.FaultKind, subject bots.Subject, code string) bots.Fault {
			return bots.Fault{Kind: kind, Subject: subject, Code: code}
		}
		until = func(t time.Time, code string) bots.Fault {
			return bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Code: code, Until: t}
		}
		header = func(r bottest.Reply, pairs ...string) bottest.Reply {
			r.Header = map[string]string{"Content-Type": "application/json"}
			for i := 0; i < len(pairs); i += 2 {
				r.Header[pairs[i]] = pairs[i+1]
			}
			return r
		}
		unix  = func(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }
		limit = problem(429, "Too Many Requests")
	)
	return []bottest.Answer{
		{Name: "no credits", Reply: problem(402, "Your enrolled account [1] does not have any credits to fulfill this request."),
			Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "402", Detail: "no credits: Your enrolled account"}},
		{Name: "no credits, no words", Reply: bottest.Reply{Status: 402}, Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "402", Detail: "no credits"}},
		{Name: "limit of the endpoint", Reply: header(limit, "x-rate-limit-remaining", "0", "x-rate-limit-reset", unix(in5m)), Want: until(in5m, "429")},
		{Name: "limit in numbers", Reply: header(numbered(429, 88, "Rate limit exceeded"), "x-rate-limit-remaining", "0", "x-rate-limit-reset", unix(in5m)), Want: until(in5m, "88")},
		{Name: "limit of the user's day", Want: until(in9h, "429"), Reply: header(limit, "x-rate-limit-remaining", "93", "x-rate-limit-reset", unix(in5m),
			"x-user-limit-24hour-remaining", "0", "x-user-limit-24hour-reset", unix(in9h))},
		{Name: "limit of the app's day", Want: until(in9h, "429"), Reply: header(limit, "x-rate-limit-remaining", "93", "x-rate-limit-reset", unix(in5m),
			"x-app-limit-24hour-remaining", "0", "x-app-limit-24hour-reset", unix(in9h), "x-user-limit-24hour-remaining", "4", "x-user-limit-24hour-reset", unix(in9h.Add(time.Hour)))},
		{Name: "limit of a day without a count", Want: until(in9h, "429"), Reply: header(limit, "x-rate-limit-remaining", "93", "x-rate-limit-reset", unix(in5m),
			"x-user-limit-24hour-reset", unix(in9h))},
		{Name: "both limits", Want: until(in9h, "429"), Reply: header(limit, "x-rate-limit-remaining", "0", "x-rate-limit-reset", unix(in5m),
			"x-user-limit-24hour-remaining", "0", "x-user-limit-24hour-reset", unix(in9h))},
		{Name: "limit without a word", Reply: bottest.Reply{Status: 429}, Want: until(time.Time{}, "429"), After: time.Minute},
		{Name: "limit that has just ended", Reply: header(limit, "x-rate-limit-remaining", "0", "x-rate-limit-reset", unix(time.Now().Add(-time.Minute))),
			Want: until(time.Time{}, "429"), After: time.Second},
		{Name: "duplicate", Reply: problem(403, "You are not allowed to create a Tweet with duplicate content."), Want: fault(bots.Rejected, "", bots.CodeDuplicate)},
		{Name: "reply closed to us", Op: reply(), Want: fault(bots.Gone, bots.Parent, "403"),
			Reply: problem(403, "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to.")},
		{Name: "suspended", Reply: problem(403, "Your account is suspended and is not permitted to access this feature."), Want: fault(bots.Unauthorized, bots.Account, "403")},
		{Name: "forbidden for reasons unsaid", Reply: problem(403, "You are not permitted to perform this action."), Want: fault(bots.Rejected, "", "403")},
		{Name: "a guard's page", Reply: bottest.Reply{Status: 403, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>Attention Required!</html>"},
			Want: fault(bots.Temporary, "", "403")},
		{Name: "unauthorized", Reply: problem(401, "Unauthorized"), Want: fault(bots.Unauthorized, bots.Account, "401")},
		{Name: "over capacity", Reply: problem(503, "Service Unavailable"), Want: fault(bots.Unsure, "", "503")},
		{Name: "wrong path", Op: remove(), Reply: bottest.Reply{Status: 404, Body: "not found"}, Want: fault(bots.Rejected, "", "404")},
		{Name: "an odd body", Reply: bottest.Reply{Status: 403, Body: `{"title":7,"detail":["x"],"errors":[1,{"code":"x"},{"code":187}]}`}, Want: fault(bots.Rejected, "", bots.CodeDuplicate)},
	}
}

func answersV2() []bottest.Answer {
	invalid := func(reason string) bottest.Reply {
		return bottest.Reply{Status: 400, Body: `{"errors":[` + reason + `],"title":"Invalid Request","detail":"One or more parameters to your request was invalid.","type":"https://api.x.com/2/problems/invalid-request"}`}
	}
	return []bottest.Answer{
		{Name: "reply to a deleted post", Op: reply(), Reply: invalid(`{"parameters":{"reply.in_reply_to_tweet_id":["1"]},"message":"reply.in_reply_to_tweet_id is not valid"}`),
			Want: bots.Fault{Kind: bots.Gone, Subject: bots.Parent, Code: "400", Detail: "is not valid"}},
		{Name: "reply to a hidden post", Op: reply(), Reply: problem(403, "You attempted to reply to a Tweet that is deleted or not visible to you."),
			Want: bots.Fault{Kind: bots.Gone, Subject: bots.Parent, Code: "403"}},
		{Name: "another invalid request", Reply: invalid(`{"parameters":{"text":["x"]},"message":"text is not valid"}`),
			Want: bots.Fault{Kind: bots.Rejected, Code: "400", Detail: "text is not valid"}},
		{Name: "wrong kind of token", Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "403"}, Reply: bottest.Reply{Status: 403,
			Body: `{"title":"Unsupported Authentication","detail":"Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.","type":"https://api.x.com/2/problems/unsupported-authentication","status":403}`}},
		{Name: "token without write", Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "403"}, Reply: bottest.Reply{Status: 403,
			Body: `{"title":"Forbidden","detail":"Your client app is not configured with the appropriate oauth1 app permissions for this endpoint.","type":"https://api.x.com/2/problems/oauth1-permissions","status":403}`}},
		{Name: "monthly cap", Want: bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "429", Detail: "no credits"}, Reply: bottest.Reply{Status: 429,
			Body: `{"title":"UsageCapExceeded","detail":"Usage cap exceeded: Monthly product cap","type":"https://api.x.com/2/problems/usage-capped","period":"Monthly"}`}},
		{Name: "errors without data", Reply: bottest.Reply{Status: 201, Body: `{"errors":[{"title":"Internal","detail":"Something went wrong"}]}`},
			Want: bots.Fault{Kind: bots.Unsure, Detail: "Something went wrong"}},
		{Name: "a known refusal with 201", Reply: bottest.Reply{Status: 201, Body: `{"errors":[{"detail":"You are not allowed to create a Tweet with duplicate content."}]}`},
			Want: bots.Fault{Kind: bots.Rejected, Code: bots.CodeDuplicate}},
		{Name: "deleted before", Op: remove(), Receipt: bots.Receipt{ID: remove().Message}, Reply: bottest.Reply{Status: 404,
			Body: `{"title":"Not Found Error","detail":"Could not find tweet with id: [1800000000000000007].","type":"https://api.x.com/2/problems/resource-not-found"}`}},
		{Name: "deleted before, with 200", Op: remove(), Receipt: bots.Receipt{ID: remove().Message}, Reply: bottest.Reply{
			Body: `{"errors":[{"title":"Not Found Error","type":"https://api.x.com/2/problems/resource-not-found"}]}`}},
		{Name: "deleted without a body", Op: remove(), Receipt: bots.Receipt{ID: remove().Message}, Reply: bottest.Reply{Status: 204}},
		{Name: "not deleted", Op: remove(), Reply: bottest.Reply{Body: `{"data":{"deleted":false}}`}, Want: bots.Fault{Kind: bots.Unsure}},
	}
}

func answersV1() []bottest.Answer {
	account := func(code string) bots.Fault {
		return bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: code}
	}
	return []bottest.Answer{
		{Name: "duplicate, numbered", Reply: numbered(403, 187, "Status is a duplicate."), Want: bots.Fault{Kind: bots.Rejected, Code: bots.CodeDuplicate}},
		{Name: "too long", Reply: numbered(403, 186, "Tweet needs to be a bit shorter."), Want: bots.Fault{Kind: bots.Rejected, Code: "186"}},
		{Name: "reply to a deleted post", Op: reply(), Reply: numbered(403, 385, "You attempted to reply to a Tweet that is deleted or not visible to you."),
			Want: bots.Fault{Kind: bots.Gone, Subject: bots.Parent, Code: "385"}},
		{Name: "reply restricted", Op: reply(), Reply: numbered(403, 433, "The original Tweet author restricted who can reply to this Tweet."),
			Want: bots.Fault{Kind: bots.Gone, Subject: bots.Parent, Code: "433"}},
		{Name: "no access to v1.1", Reply: numbered(403, 453, "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints (e.g. media post, oauth) only."), Want: account("453")},
		{Name: "locked", Reply: numbered(403, 326, "To protect our users from spam and other malicious activity, this account is temporarily locked."), Want: account("326")},
		{Name: "suspended, numbered", Reply: numbered(403, 64, "Your account is suspended and is not permitted to access this feature."), Want: account("64")},
		{Name: "not authenticated", Reply: numbered(401, 32, "Could not authenticate you."), Want: account("32")},
		{Name: "token expired", Reply: numbered(401, 89, "Invalid or expired token."), Want: account("89")},
		{Name: "bad authentication data", Reply: numbered(400, 215, "Bad Authentication data."), Want: account("215")},
		{Name: "daily limit", Reply: numbered(403, 185, "User is over daily status update limit."), After: time.Minute,
			Want: bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Code: "185"}},
		{Name: "deleted before", Op: remove(), Reply: numbered(404, 144, "No status found with that ID."), Receipt: bots.Receipt{ID: remove().Message}},
		{Name: "no such page", Op: remove(), Reply: numbered(404, 34, "Sorry, that page does not exist."), Want: bots.Fault{Kind: bots.Rejected, Code: "34"}},
	}
}

func TestNewRefuses(t *testing.T) {
	for want, change := range map[string]func(*twitter.Config){
		"consumer_key is missing":    func(c *twitter.Config) { c.ConsumerKey = "" },
		"access_secret is missing":   func(c *twitter.Config) { c.AccessSecret = "" },
		`api is "v3"`:                func(c *twitter.Config) { c.API = "v3" },
		"rate is -1":                 func(c *twitter.Config) { c.Rate = -1 },
		"api_url is not a plain":     func(c *twitter.Config) { c.APIURL = "ftp://x" },
		"is not a plain http or":     func(c *twitter.Config) { c.APIURL = "https://user:pass@x.test" },
		"api_url is not a plain htt": func(c *twitter.Config) { c.APIURL = "api.x.com" },
	} {
		c := config("", "")
		change(&c)
		if _, err := twitter.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		} else if strings.Contains(err.Error(), "Q") {
			t.Errorf("%v repeats a secret", err)
		}
	}
}

func TestIDsStayOutOfPaths(t *testing.T) {
	bot := mustNew(t, "v2", "http://127.0.0.1:1")
	for _, op := range []bots.Operation{
		{Action: bots.Delete, Message: "../users/me"},
		{Action: bots.Delete},
		{Action: bots.Delete, Message: "9999999999999999999"},
		{Action: bots.Delete, Message: "+1"},
		{Action: bots.Post, Text: "x", ReplyTo: "1;2"},
	} {
		_, err := bot.Do(t.Context(), op)
		if f := bots.AsFault(err); f.Kind != bots.Rejected {
			t.Errorf("%+v: %v, want it rejected", op, err)
		}
	}
}
