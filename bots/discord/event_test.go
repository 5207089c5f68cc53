package discord

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/allclear-hq/allclear/bots"
)

// hearAll is what a listener makes of one event of the gateway.
func hearAll(t testing.TB, kind, data string) []bots.Event {
	t.Helper()
	l := &listener{bot: newBot(t, "http://127.0.0.1:1"), queue: make(chan queued, 10)}
	l.bot.forms.Store(&map[string]bots.Command{"incident": {Name: "incident", Options: []bots.CommandOption{{Name: "title"}}}})
	l.acks.end() // nothing is acknowledged: nobody is there
	l.threads.learn("THREAD_LIST_SYNC", json.RawMessage(`{"threads": [{"id": "66", "parent_id": "55"}]}`))
	l.hear(context.Background(), kind, json.RawMessage(data))
	close(l.queue)
	var all []bots.Event
	for q := range l.queue {
		all = append(all, q.event)
	}
	return all
}

func TestEvents(t *testing.T) {
	const (
		ana  = `"author": {"id": "9", "username": "ana", "global_name": "Ana"}, "guild_id": "2000"`
		who  = `"id": "81", "application_id": "1000", "token": "aW50-x_y", "guild_id": "2000", "member": {"nick": "Ana K.", "user": {"id": "9", "username": "ana"}}`
		said = `"id": "80", "channel_id": "55", "content": "hi", `
	)
	for _, c := range []struct {
		name, kind, data string
		want             *bots.Event
	}{
		{"typed", "MESSAGE_CREATE", `{` + said + ana + `}`, &bots.Event{Kind: bots.Said, Key: "80", Chat: "55", Message: "80", Person: "9", Name: "Ana", Text: "hi"}},
		{"reply", "MESSAGE_CREATE", `{` + said + ana + `, "type": 19, "message_reference": {"message_id": "70"}}`, &bots.Event{Kind: bots.Said, Key: "80", Chat: "55", Message: "80", ReplyTo: "70", Person: "9", Name: "Ana", Text: "hi"}},
		{"forwarded", "MESSAGE_CREATE", `{"id": "80", "channel_id": "55", "content": "", ` + ana + `, "message_reference": {"type": 1, "message_id": "70"}, "message_snapshots": [{"message": {"content": "/update x"}}]}`, &bots.Event{Kind: bots.Said, Key: "80", Chat: "55", Message: "80", Person: "9", Name: "Ana", Text: "/update x", Forwarded: true}},
		{"in a thread", "MESSAGE_CREATE", `{"id": "80", "channel_id": "66", "content": "hi", ` + ana + `}`, &bots.Event{Kind: bots.Said, Key: "80", Chat: "55", Thread: "66", Message: "80", Person: "9", Name: "Ana", Text: "hi"}},
		{"private", "MESSAGE_CREATE", `{` + said + `"author": {"id": "9", "username": "ana"}}`, &bots.Event{Kind: bots.Said, Key: "80", Chat: "55", Message: "80", Person: "9", Name: "ana", Text: "hi", Private: true}},
		{"a bot", "MESSAGE_CREATE", `{` + said + `"author": {"id": "9", "username": "b", "bot": true}}`, nil},
		{"a webhook", "MESSAGE_CREATE", `{` + said + ana + `, "webhook_id": "5"}`, nil},
		{"a pin notice", "MESSAGE_CREATE", `{` + said + ana + `, "type": 6}`, nil},
		{"edited", "MESSAGE_UPDATE", `{` + said + ana + `, "edited_timestamp": "2026-11-22T12:00:00.5+00:00"}`, &bots.Event{Kind: bots.Edited, Key: "80/2026-11-22T12:00:00.5Z", Chat: "55", Message: "80", Person: "9", Name: "Ana", Text: "hi"}},
		{"a preview unfolded", "MESSAGE_UPDATE", `{` + said + ana + `, "edited_timestamp": null}`, nil},
		{"a partial change", "MESSAGE_UPDATE", `{"id": "80", "channel_id": "55"}`, nil},
		{"command", "INTERACTION_CREATE", `{` + who + `, "type": 2, "channel_id": "55", "data": {"name": "show"}}`, &bots.Event{Kind: bots.Said, Key: "81", Chat: "55", Person: "9", Name: "Ana K.", Text: "/show", Command: "show"}},
		{"command in a thread", "INTERACTION_CREATE", `{` + who + `, "type": 2, "channel_id": "66", "channel": {"type": 11, "parent_id": "55"}, "data": {"name": "show"}}`, &bots.Event{Kind: bots.Said, Key: "81", Chat: "55", Thread: "66", Person: "9", Name: "Ana K.", Text: "/show", Command: "show"}},
		{"private command", "INTERACTION_CREATE", `{"id": "81", "application_id": "1000", "token": "t", "user": {"id": "9", "username": "ana"}, "type": 2, "channel_id": "55", "data": {"name": "show"}}`, &bots.Event{Kind: bots.Said, Key: "81", Chat: "55", Person: "9", Name: "ana", Text: "/show", Private: true, Command: "show"}},
		{"choice", "INTERACTION_CREATE", `{` + who + `, "type": 3, "channel_id": "55", "message": {"id": "70"}, "data": {"custom_id": "c", "values": ["a", "b"]}}`, &bots.Event{Kind: bots.Pressed, Key: "81", Chat: "55", Message: "70", Person: "9", Name: "Ana K.", Button: "c", Text: "a b"}},
		{
			"form", "INTERACTION_CREATE", `{` + who + `, "type": 5, "channel_id": "55", "data": {"custom_id": "{\"c\":\"incident\",\"g\":[[\"impact\",\"major\"]]}", "components": [{"type": 1, "components": [{"custom_id": "title", "value": "Down"}]}, {"type": 18, "component": {"custom_id": "text", "value": "text\nmore"}}]}}`,
			&bots.Event{Kind: bots.Said, Key: "81", Chat: "55", Person: "9", Name: "Ana K.", Text: "/incident major\nDown\ntext\nmore", Command: "incident", Options: map[string]string{"impact": "major", "title": "Down", "text": "text\nmore"}},
		},
		{"a modal that is not ours", "INTERACTION_CREATE", `{` + who + `, "type": 5, "channel_id": "55", "data": {"custom_id": "x", "components": []}}`, nil},
		{"autocompletion", "INTERACTION_CREATE", `{` + who + `, "type": 4, "channel_id": "55", "data": {"name": "show"}}`, nil},
		{"a token that is a path", "INTERACTION_CREATE", strings.Replace(`{`+who+`, "type": 2, "data": {"name": "show"}}`, "aW50-x_y", "../../x", 1), nil},
		{"nobody", "INTERACTION_CREATE", `{"id": "81", "application_id": "1000", "token": "t", "type": 2}`, nil},
		{"nothing", "INTERACTION_CREATE", `null`, nil},
		{"something else", "PRESENCE_UPDATE", `{}`, nil},
	} {
		var want []bots.Event
		if c.want != nil {
			want = []bots.Event{*c.want}
		}
		if d := cmp.Diff(want, hearAll(t, c.kind, c.data), cmpopts.IgnoreFields(bots.Event{}, "At")); d != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, d)
		}
	}
}

func TestThreadsAreForgotten(t *testing.T) {
	var ts threads
	ts.learn("GUILD_CREATE", json.RawMessage(`{"id": "2000", "threads": [{"id": "66", "parent_id": "55"}]}`))
	ts.learn("THREAD_CREATE", json.RawMessage(`{"id": "67", "parent_id": "55"}`))
	ts.learn("THREAD_DELETE", json.RawMessage(`{"id": "66", "parent_id": "55"}`))
	if ts.parent("66") != "" || ts.parent("67") != "55" {
		t.Errorf("threads: %v", ts.parents)
	}
}

func TestCommandLine(t *testing.T) {
	for options, want := range map[string]string{
		`[]`: "/v",
		`[{"name": "text", "value": " Since 12:01. "}, {"name": "title", "value": "Logins down"}, {"name": "components", "value": "login withdrawals"}, {"name": "impact", "value": "critical"}, {"name": "next", "value": "20m"}]`: "/v critical login withdrawals\nLogins down\nSince 12:01.\nnext 20m",
		`[{"name": "reason", "value": "wrong"}, {"name": "update", "value": "INC-12/3"}, {"name": "next", "value": "Next none"}]`:                                                                                                   "/v INC-12/3 wrong\nNext none",
		`[{"name": "other", "value": 7}, {"name": "channel", "value": "x"}, {"name": "flag", "value": true}, {"name": "text", "value": ""}]`:                                                                                        "/v x 7 true",
		`[{"name": "group", "options": [{"name": "sub", "options": [{"name": "text", "value": "t"}]}]}]`:                                                                                                                            "/v group sub\nt",
	} {
		var o []option
		if err := json.Unmarshal([]byte(options), &o); err != nil {
			t.Fatal(err)
		}
		if got := commandLine("v", o); got != want {
			t.Errorf("%s\n got %q\nwant %q", options, got, want)
		}
	}
}

// TestInteractionTokenHidden has a server that repeats the path, as some
// proxies do.
func TestInteractionTokenHidden(t *testing.T) {
	const token = "aW50-secret-token"
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"message": "cannot serve %s", "code": 50035}`, r.URL.Path)
	}))
	defer srv.Close()
	b := newBot(t, srv.URL)
	f := b.acknowledge(context.Background(), interaction{ID: "81", Application: "1000", Token: token})
	err := b.Respond(context.Background(), "81", "answer")
	for _, words := range []string{f.Error(), fmt.Sprintf("%+v", err)} {
		if !strings.Contains(words, "cannot serve") || strings.Contains(words, token) {
			t.Errorf("the answer became %q", words)
		}
	}
}

func FuzzHear(f *testing.F) {
	for _, s := range []string{
		`null`, `{}`, `[]`, `{"author": null}`, `{"id": "1", "author": {"id": "2"}, "type": 0, "edited_timestamp": "x"}`,
		`{"id": "1", "application_id": "2", "token": "t", "type": 5, "user": {"id": "3"}, "data": {"components": [{"component": {"component": {}}}]}}`,
		`{"threads": [{"id": "1"}]}`,
		`{"id": "1", "application_id": "2", "token": "t", "type": 5, "user": {"id": "3"}, "data": {"custom_id": "{\"c\":\"x\",\"g\":[[\"a\"],null]}"}}`,
		`{"id": "1", "application_id": "2", "token": "t", "type": 2, "user": {"id": "3"}, "data": {"name": "incident", "options": [{"name": "impact", "value": "é"}]}}`,
	} {
		f.Add("MESSAGE_UPDATE", s)
		f.Add("INTERACTION_CREATE", s)
		f.Add("GUILD_CREATE", s)
	}
	f.Fuzz(func(t *testing.T, kind, data string) {
		for _, e := range hearAll(t, kind, data) {
			if e.Kind == "" || e.Key == "" {
				t.Errorf("%s made the event %+v", data, e)
			}
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, a := range documented() {
		f.Add(a.Reply.Status, a.Reply.Body, "1.5")
	}
	f.Fuzz(func(t *testing.T, status int, body, wait string) {
		b := newBot(t, "http://127.0.0.1:1")
		ex, done := exchange(b, status, body, wait)
		defer done()
		for _, action := range []bots.Action{bots.Post, bots.Edit, bots.Delete, bots.OpenThread, bots.Crosspost, bots.Pin} {
			op := bots.Operation{Action: action, Target: "55", Message: "90", ReplyTo: "77"}
			r, fault := b.receipt(op, ex)
			switch {
			case fault != nil && r != (bots.Receipt{}):
				t.Errorf("%s: a receipt came with the fault", action)
			case fault != nil && (fault.Kind == "" || fault.Detail != bots.OneLine(fault.Detail)):
				t.Errorf("%s: %#v", action, fault)
			case fault != nil && fault.Kind == bots.RateLimited && (fault.Until.IsZero() || time.Until(fault.Until) > longest):
				t.Errorf("%s: limited until %v", action, fault.Until)
			case fault == nil && !isID(r.ID):
				t.Errorf("%s: a success without id: %+v", action, r)
			}
		}
	})
}

// exchange is one that was answered.
func exchange(b *Bot, status int, body, wait string) (*bots.Exchange, context.CancelFunc) {
	_, ex, done := b.client.Exchange(context.Background())
	ex.Status, ex.Body, ex.Header = status, []byte(body), map[string][]string{"Retry-After": {wait}, "X-Ratelimit-Remaining": {"1"}, "X-Ratelimit-Reset-After": {wait}}
	return ex, done
}
