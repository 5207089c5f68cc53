package sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/google/go-cmp/cmp"
)

const discordToken = "secret"

// discordFixture is a served Discord with an announcement channel "1", a text
// channel "2" and one bot.
type discordFixture struct {
	*Discord
	url     string // of the API, with version
	bot     string
	changes chan struct{} // has a value after a change
}

func serveDiscord(t *testing.T) *discordFixture {
	t.Helper()
	f := &discordFixture{Discord: NewDiscord(), changes: make(chan struct{}, 1)}
	f.changed = func() {
		select {
		case f.changes <- struct{}{}:
		default:
		}
	}
	f.bot = f.AddBot(discordToken, "allclear")
	f.AddChannel("1", "status", DiscordAnnouncement)
	f.AddChannel("2", "ops", DiscordText)
	f.AddPerson("77", "Ana")
	mux := http.NewServeMux()
	mux.Handle("/discord/", http.StripPrefix("/discord", f.Discord))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	t.Cleanup(f.Drop)
	f.url = srv.URL + "/discord/api/v9"
	return f
}

// session is a discordgo client whose requests go to the simulator.
func (f *discordFixture) session(t *testing.T, token string) *discordgo.Session {
	t.Helper()
	s, err := discordgo.New("Bot " + token)
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(f.url)
	if err != nil {
		t.Fatal(err)
	}
	s.Client = &http.Client{Transport: rewrite{to, "/api/v9"}}
	s.ShouldRetryOnRateLimit = false
	s.MaxRestRetries = 0
	s.LogLevel = -1
	return s
}

// rewrite sends requests for a platform to its simulator instead: the part of
// the path before from is replaced by the address to.
type rewrite struct {
	to   *url.URL
	from string
}

func (rw rewrite) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = rw.to.Scheme, rw.to.Host, rw.to.Host
	r.URL.Path = rw.to.Path + strings.TrimPrefix(r.URL.Path, rw.from)
	return http.DefaultTransport.RoundTrip(r)
}

// call makes a raw request and decodes the answer.
func (f *discordFixture) call(t *testing.T, method, path, body string) (int, map[string]any, http.Header) {
	t.Helper()
	return f.callAs(t, "Bot "+discordToken, method, path, body)
}

func (f *discordFixture) callAs(t *testing.T, auth, method, path, body string) (int, map[string]any, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", auth)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if len(b) > 0 && b[0] == '{' {
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
	}
	return resp.StatusCode, v, resp.Header
}

// until waits for a change that makes ok true.
func (f *discordFixture) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !ok() {
		select {
		case <-f.changes:
		case <-deadline:
			t.Fatalf("timed out waiting until %s", what)
		}
	}
}

func checkDiscord(t *testing.T, err error, status, code int) {
	t.Helper()
	var re *discordgo.RESTError
	if !errors.As(err, &re) || re.Message == nil {
		t.Fatalf("error = %v, want a refusal with code %d", err, code)
	}
	if re.Response.StatusCode != status || re.Message.Code != code {
		t.Errorf("refused with %d, code %d; want %d, code %d", re.Response.StatusCode, re.Message.Code, status, code)
	}
}

func TestDiscordMessageLife(t *testing.T) {
	f := serveDiscord(t)
	s := f.session(t, discordToken)

	m, err := s.ChannelMessageSend("1", "  **Withdrawals** are paused \\*  ")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ChannelMessageEdit("1", m.ID, "Withdrawals are *back*"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ChannelMessageCrosspost("1", m.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.ChannelMessageCrosspost("1", m.ID)
	checkDiscord(t, err, 400, 40033)
	if err := s.ChannelMessagePin("1", m.ID); err != nil {
		t.Fatal(err)
	}
	th, err := s.MessageThreadStart("1", m.ID, "INC-12", 1440)
	if err != nil {
		t.Fatal(err)
	}
	if th.ID != m.ID {
		t.Errorf("thread id = %s, want that of its message, %s", th.ID, m.ID)
	}
	_, err = s.MessageThreadStart("1", m.ID, "INC-12", 1440)
	checkDiscord(t, err, 400, 160004)
	in, err := s.ChannelMessageSend(th.ID, "more")
	if err != nil {
		t.Fatal(err)
	}

	got := f.Seen()
	for i := range got {
		got[i].At, got[i].EditedAt = time.Time{}, time.Time{}
	}
	want := []Seen{
		{ID: m.ID, Place: "1", Author: "allclear", Text: "Withdrawals are back", Raw: "Withdrawals are *back*", Edits: 1, Pinned: true, Published: true, Ours: true},
		{ID: in.ID, Place: "1", Thread: th.ID, Author: "allclear", Text: "more", Raw: "more", Ours: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("seen (-want +got):\n%s", diff)
	}

	if err := s.ChannelMessageDelete("1", m.ID); err != nil {
		t.Fatal(err)
	}
	checkDiscord(t, s.ChannelMessageDelete("1", m.ID), 404, 10008)
	if !f.Seen()[0].Deleted {
		t.Error("the deleted message is still shown")
	}
}

func TestDiscordRefusals(t *testing.T) {
	f := serveDiscord(t)
	said, err := f.Say("2", "77", "hello")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path, body string
		status, code             int
		at                       string // path to the error's code in "errors"
	}{
		{"too long", "POST", "/channels/1/messages", `{"content":"` + strings.Repeat("é", 2001) + `"}`, 400, 50035, "content BASE_TYPE_MAX_LENGTH"},
		{"empty", "POST", "/channels/1/messages", `{"content":" \n "}`, 400, 50006, ""},
		{"nonce", "POST", "/channels/1/messages", `{"content":"x","nonce":"` + strings.Repeat("n", 26) + `"}`, 400, 50035, "nonce NONCE_TYPE_TOO_LONG"},
		{"wrong type", "POST", "/channels/1/messages", `{"content":7}`, 400, 50035, "content BASE_TYPE_BAD_TYPE"},
		{"no JSON", "POST", "/channels/1/messages", `{"content":`, 400, 50109, ""},
		{"reply to nothing", "POST", "/channels/1/messages", `{"content":"x","message_reference":{"message_id":"5"}}`, 400, 50035, "message_reference REPLIES_UNKNOWN_MESSAGE"},
		{"reply elsewhere", "POST", "/channels/1/messages", `{"content":"x","message_reference":{"message_id":"` + said + `"}}`, 400, 50035, "message_reference REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL"},
		{"mentions", "POST", "/channels/1/messages", `{"content":"x","allowed_mentions":{"parse":["all"]}}`, 400, 50035, "allowed_mentions parse 0 BASE_TYPE_CHOICES"},
		{"button", "POST", "/channels/1/messages", `{"content":"x","components":[{"type":1,"components":[{"type":2,"style":1,"label":"ok"}]}]}`, 400, 50035, "components 0 components 0 custom_id BASE_TYPE_REQUIRED"},
		{"channel", "POST", "/channels/9/messages", `{"content":"x"}`, 404, 10003, ""},
		{"message", "GET", "/channels/1/messages/9", "", 404, 10008, ""},
		{"message elsewhere", "GET", "/channels/1/messages/" + said, "", 404, 10008, ""},
		{"foreign edit", "PATCH", "/channels/2/messages/" + said, `{"content":"x"}`, 403, 50005, ""},
		{"guild", "GET", "/guilds/5", "", 404, 10004, ""},
		{"crosspost in a text channel", "POST", "/channels/2/messages/" + said + "/crosspost", "", 400, 50024, ""},
		{"thread name", "POST", "/channels/2/messages/" + said + "/threads", `{"name":" "}`, 400, 50035, "name BASE_TYPE_BAD_LENGTH"},
		{"archive", "POST", "/channels/2/messages/" + said + "/threads", `{"name":"x","auto_archive_duration":5}`, 400, 50035, "auto_archive_duration BASE_TYPE_CHOICES"},
		{"limit", "GET", "/channels/1/messages?limit=101", "", 400, 50035, "limit NUMBER_TYPE_MAX"},
		{"command name", "PUT", "/applications/" + f.bot + "/commands", `[{"name":"Update","description":"x"}]`, 400, 50035, "0 name APPLICATION_COMMAND_INVALID_NAME"},
		{"someone's application", "PUT", "/applications/1/commands", `[]`, 404, 10002, ""},
		{"no such interaction", "POST", "/interactions/1/x/callback", `{"type":4}`, 404, 10062, ""},
		{"no such path", "GET", "/nothing", "", 404, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := f.call(t, c.method, c.path, c.body)
			if status != c.status || body["code"] != float64(c.code) {
				t.Fatalf("answer = %d %v, want %d with code %d", status, body, c.status, c.code)
			}
			if c.at == "" {
				return
			}
			path := strings.Fields(c.at)
			node := body["errors"].(map[string]any)
			for _, p := range path[:len(path)-1] {
				inner, ok := node[p].(map[string]any)
				if !ok {
					t.Fatalf("no %s in %v", p, body)
				}
				node = inner
			}
			if got := node["_errors"].([]any)[0].(map[string]any)["code"]; got != path[len(path)-1] {
				t.Errorf("code of the field = %v, want %v", got, path[len(path)-1])
			}
		})
	}
}

func TestDiscordTokensAndVersions(t *testing.T) {
	f := serveDiscord(t)
	for _, auth := range []string{"", "Bot wrong", "Bearer " + discordToken, discordToken} {
		if status, body, _ := f.callAs(t, auth, "GET", "/users/@me", ""); status != 401 || body["message"] != "401: Unauthorized" || body["code"] != 0.0 {
			t.Errorf("Authorization %q: %d %v, want 401", auth, status, body)
		}
	}
	base := strings.TrimSuffix(f.url, "/api/v9")
	for path, want := range map[string]int{"/api/v9": 200, "/api/v10": 200, "/api": 200, "": 200, "/api/v5": 400} {
		f.url = base + path
		status, body, _ := f.call(t, "GET", "/users/@me", "")
		if status != want || want == 200 && body["username"] != "allclear" {
			t.Errorf("%s: %d %v, want %d", path, status, body, want)
		}
	}
}

func TestDiscordNonce(t *testing.T) {
	f := serveDiscord(t)
	const body = `{"content":"once","nonce":"INC-12/3","enforce_nonce":true}`
	_, first, _ := f.call(t, "POST", "/channels/1/messages", body)
	_, again, _ := f.call(t, "POST", "/channels/1/messages", strings.Replace(body, "once", "twice", 1))
	if first["id"] != again["id"] || again["content"] != "once" {
		t.Errorf("repeated nonce made %v, want %v again", again, first)
	}
	if _, other, _ := f.call(t, "POST", "/channels/1/messages", `{"content":"x","nonce":"INC-12/3"}`); other["id"] == first["id"] {
		t.Error("a nonce that is not enforced was enforced")
	}
	if _, m, _ := f.call(t, "GET", "/channels/1/messages/"+first["id"].(string), ""); m["nonce"] != nil {
		t.Errorf("a read message shows the nonce %v", m["nonce"])
	}
	if len(f.Seen()) != 2 {
		t.Errorf("%d messages, want 2", len(f.Seen()))
	}
	if err := f.Remove(f.Seen()[1].ID); err != nil {
		t.Fatal(err)
	}
	if status, m, _ := f.call(t, "POST", "/channels/1/messages", body); status != 404 || m["code"] != 10008.0 {
		t.Errorf("nonce of a removed message: %d %v, want 10008", status, m)
	}

	short := serveDiscord(t)
	short.NonceWindow = time.Nanosecond
	_, first, _ = short.call(t, "POST", "/channels/1/messages", body)
	if _, later, _ := short.call(t, "POST", "/channels/1/messages", body); later["id"] == first["id"] {
		t.Error("a nonce was remembered beyond its window")
	}
}

func TestDiscordPings(t *testing.T) {
	f := serveDiscord(t)
	asked, err := f.Say("2", "77", "is it down?")
	if err != nil {
		t.Fatal(err)
	}
	reply := `,"message_reference":{"message_id":"` + asked + `"}`
	for _, c := range []struct {
		body string
		want []string
	}{
		{`"content":"@everyone <@77> <@&8>"`, []string{"everyone", "77", "&8"}},
		{`"content":"@everyone <@77> <@&8>","allowed_mentions":{"parse":[]}`, nil},
		{`"content":"@here <@!77>","allowed_mentions":{"parse":["users"]}`, []string{"77"}},
		{`"content":"<@77> <@78>","allowed_mentions":{"users":["78"]}`, []string{"78"}},
		{`"content":"@\u200beveryone"`, nil},
		{`"content":"yes"` + reply, []string{"77"}},
		{`"content":"yes","allowed_mentions":{"parse":[]}` + reply, nil},
		{`"content":"yes","allowed_mentions":{"replied_user":true}` + reply, []string{"77"}},
	} {
		if status, v, _ := f.call(t, "POST", "/channels/2/messages", "{"+c.body+"}"); status != 200 {
			t.Fatalf("%s: %d %v", c.body, status, v)
		}
		all := f.Messages()
		if diff := cmp.Diff(c.want, all[len(all)-1].Pings); diff != "" {
			t.Errorf("%s pings (-want +got):\n%s", c.body, diff)
		}
	}
}

func TestDiscordPermissions(t *testing.T) {
	for permission, want := range map[string][3]int{ // codes of writing, reading a thread's start, pinning
		"VIEW_CHANNEL":          {50001, 50001, 50001},
		"SEND_MESSAGES":         {50013, 0, 0},
		"CREATE_PUBLIC_THREADS": {0, 50013, 0},
		"PIN_MESSAGES":          {0, 0, 50013},
	} {
		f := serveDiscord(t)
		id, err := f.Say("1", "77", "x")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Deny("1", permission); err != nil {
			t.Fatal(err)
		}
		var got [3]int
		for i, c := range [][3]string{
			{"POST", "/channels/1/messages", `{"content":"x"}`},
			{"POST", "/channels/1/messages/" + id + "/threads", `{"name":"x"}`},
			{"PUT", "/channels/1/messages/pins/" + id, ""},
		} {
			status, body, _ := f.call(t, c[0], c[1], c[2])
			if status >= 300 {
				got[i] = int(body["code"].(float64))
			}
		}
		if got != want {
			t.Errorf("without %s: codes %v, want %v", permission, got, want)
		}
	}
}

func TestDiscordThreads(t *testing.T) {
	f := serveDiscord(t)
	id, err := f.Say("1", "77", "x")
	if err != nil {
		t.Fatal(err)
	}
	if status, v, _ := f.call(t, "POST", "/channels/1/messages/"+id+"/threads", `{"name":"x"}`); status != 201 || v["type"] != 10.0 || v["parent_id"] != "1" {
		t.Fatalf("thread in an announcement channel: %d %v", status, v)
	}
	if err := f.LockThread(id); err != nil {
		t.Fatal(err)
	}
	if status, v, _ := f.call(t, "POST", "/channels/"+id+"/messages", `{"content":"x"}`); status != 403 || v["code"] != 160005.0 {
		t.Errorf("locked thread: %d %v", status, v)
	}
	f.RemoveChannel(id)
	if status, v, _ := f.call(t, "POST", "/channels/"+id+"/messages", `{"content":"x"}`); status != 404 || v["code"] != 10003.0 {
		t.Errorf("removed thread: %d %v", status, v)
	}
}

func TestDiscordListing(t *testing.T) {
	f := serveDiscord(t)
	s := f.session(t, discordToken)
	var ids []string
	for _, text := range []string{"a", "b", "c", "d", "e", "f"} {
		id, err := f.Say("2", "77", text)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := f.Remove(ids[5]); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		limit                 int
		before, after, around string
		want                  string
	}{
		{100, "", "", "", "edcba"},
		{2, "", "", "", "ed"},
		{2, ids[3], "", "", "cb"},
		{2, "", ids[0], "", "cb"},
		{9, "", ids[4], "", ""},
		{3, "", "", ids[2], "dcb"},
	} {
		list, err := s.ChannelMessages("2", c.limit, c.before, c.after, c.around)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, m := range list {
			got += m.Content
		}
		if got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
}

func TestDiscordLimits(t *testing.T) {
	f := serveDiscord(t)
	f.Strict(true)
	for i := range 5 {
		status, _, h := f.call(t, "POST", "/channels/1/messages", `{"content":"x"}`)
		if want := []string{"4", "3", "2", "1", "0"}[i]; status != 200 || h.Get("X-RateLimit-Remaining") != want || h.Get("X-RateLimit-Limit") != "5" {
			t.Fatalf("message %d: %d, remaining %s, want %s", i, status, h.Get("X-RateLimit-Remaining"), want)
		}
	}
	status, body, h := f.call(t, "POST", "/channels/1/messages", `{"content":"x"}`)
	wait, _ := body["retry_after"].(float64)
	if status != 429 || body["global"] != false || wait <= 0 || wait > 5 || h.Get("X-RateLimit-Scope") != "user" || h.Get("Retry-After") == "" || h.Get("X-RateLimit-Bucket") == "" {
		t.Errorf("sixth message: %d %v %v", status, body, h)
	}
	if status, _, _ := f.call(t, "POST", "/channels/2/messages", `{"content":"x"}`); status != 200 {
		t.Errorf("another channel has the same limit: %d", status)
	}
	if len(f.Seen()) != 6 {
		t.Errorf("%d messages, want 6", len(f.Seen()))
	}
}

func TestDiscordFaults(t *testing.T) {
	f := serveDiscord(t)
	s := f.session(t, discordToken)
	f.Faults.Add(
		Fault{Match: "POST /", Kind: "status", Status: 429, RetryAfter: Duration(1500 * time.Millisecond), Code: "global"},
		Fault{Match: "POST /", Kind: "status", Code: "50013"},
		Fault{Match: "POST /", Kind: "html", Status: 429},
		Fault{Match: "POST /", Kind: "cut-after"},
	)
	_, err := s.ChannelMessageSend("1", "x")
	var limited *discordgo.RateLimitError
	if !errors.As(err, &limited) || limited.RetryAfter != 1500*time.Millisecond {
		t.Errorf("limited: %v", err)
	}
	_, err = s.ChannelMessageSend("1", "x")
	checkDiscord(t, err, 403, 50013)
	if status, _, h := f.call(t, "POST", "/channels/1/messages", `{"content":"x"}`); status != 429 || h.Get("Content-Type") != "text/html" {
		t.Errorf("Cloudflare: %d %v", status, h)
	}
	if len(f.Seen()) != 0 {
		t.Fatalf("a refused request was carried out: %v", f.Seen())
	}
	if _, err = s.ChannelMessageSend("1", "x"); err == nil || len(f.Seen()) != 1 {
		t.Errorf("cut after: error %v, %d messages", err, len(f.Seen()))
	}
}
