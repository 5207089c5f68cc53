package discord

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/bottest"
	"github.com/allclear-hq/allclear/bots/sim"
)

const (
	testToken = "MTAwMDAwMDAwMDAwMDAwMDAx.GxYzAb.secret-part_of-the-token"
	testGuild = "2000"
)

func newBot(t testing.TB, apiURL string) *Bot {
	t.Helper()
	b, err := New(Config{Name: "dc", Token: testToken, Application: "1000", Guild: testGuild, APIURL: apiURL})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	bottest.Run(t, bottest.Platform{
		New: func(apiURL string) (bots.Bot, error) {
			return New(Config{Name: "dc", Token: testToken, Guild: testGuild, APIURL: apiURL})
		},
		Secrets: []string{testToken},
		Calls:   calls(),
		Answers: documented(),
		Refuse: func(words string) bottest.Reply {
			return bottest.Reply{Status: 400, Body: mustJSON(map[string]any{"message": words, "code": 50035})}
		},
		Decode: decodeRequest,
		Length: func(r bottest.Request) int {
			var m message
			if r.JSON(&m) != nil {
				return -1
			}
			return utf8.RuneCountInString(m.Content)
		},
	})
}

func linkTo(path string) string { return "https://discord.com/channels/" + testGuild + "/" + path }

func calls() []bottest.Call {
	post := bots.Operation{Action: bots.Post, Target: "55", Text: "Logins work.", Nonce: "n-1"}
	reply, inside, edited, card := post, post, post, post
	reply.ReplyTo = "77"
	inside.Thread = "66"
	edited.Action, edited.Message, edited.Nonce = bots.Edit, "90", ""
	card.Buttons = [][]bots.Button{{{Text: "Publish & go", Data: "publish D-17"}, {Text: "Edit", Data: "edit D-17"}}, {{Text: "弃", Data: "discard D-17"}}}
	changed := card
	changed.Action, changed.Message, changed.Nonce = bots.Edit, "90", ""
	long, cutAt80 := card, card
	long.Buttons = [][]bots.Button{{{Text: strings.Repeat("界", 81), Data: "x"}}}
	cutAt80.Buttons = [][]bots.Button{{{Text: strings.Repeat("界", 79) + "…", Data: "x"}}}
	on := func(a bots.Action) bots.Operation {
		return bots.Operation{Action: a, Target: "55", Message: "90"}
	}
	open := on(bots.OpenThread)
	open.Title = "INC-12 Withdrawals"
	const body = `{"id":"90","channel_id":"55","content":"…","author":{"id":"1000","bot":true}}`
	limits := map[string]string{"X-RateLimit-Limit": "5", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "1900000000.125"}
	return []bottest.Call{
		{
			Name: "post", Op: post, OK: bottest.Reply{Header: limits, Body: body},
			Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90"), Remaining: 3, Reset: time.UnixMilli(1900000000125)},
		},
		{Name: "reply", Op: reply, OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{
			Name: "in a thread", Op: inside, Asks: bots.Operation{Action: bots.Post, Target: "66", Text: post.Text, Nonce: "n-1"},
			OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("66/90")},
		},
		{Name: "edit", Op: edited, OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{Name: "post with buttons", Op: card, OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{Name: "edit with buttons", Op: changed, OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{Name: "a long button", Op: long, Asks: cutAt80, OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{Name: "delete", Op: on(bots.Delete), OK: bottest.Reply{Status: 204}, Receipt: bots.Receipt{ID: "90"}},
		{
			Name: "thread", Op: open, OK: bottest.Reply{Status: 201, Body: `{"id":"90","type":11,"name":"INC-12 Withdrawals"}`},
			Receipt: bots.Receipt{ID: "90", URL: linkTo("90")},
		},
		{Name: "crosspost", Op: on(bots.Crosspost), OK: bottest.Reply{Body: body}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{Name: "pin", Op: on(bots.Pin), OK: bottest.Reply{Status: 204}, Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
	}
}

// decodeRequest reads a request as Discord's documentation describes it.
func decodeRequest(r bottest.Request) (bots.Operation, error) {
	part := strings.Split(strings.TrimPrefix(r.URL.Path, "/channels/"), "/")
	op := bots.Operation{Target: part[0]}
	if len(part) > 2 {
		op.Message = part[2]
	}
	var body struct {
		Content   string
		Nonce     string
		Enforce   bool `json:"enforce_nonce"`
		Reference struct {
			Message string `json:"message_id"`
			Fail    *bool  `json:"fail_if_not_exists"`
		} `json:"message_reference"`
		Mentions *struct{ Parse []string } `json:"allowed_mentions"`
		Name     string
		Rows     []struct {
			Type       int
			Components []struct {
				Type, Style int
				Label       string
				ID          string `json:"custom_id"`
			}
		} `json:"components"`
	}
	if len(r.Body) > 0 {
		if err := r.JSON(&body); err != nil {
			return op, err
		}
	}
	shown, err := shownText(body.Content)
	if err != nil {
		return op, err
	}
	op.Text, op.Title, op.ReplyTo = shown, body.Name, body.Reference.Message
	for _, r := range body.Rows {
		var line []bots.Button
		for _, c := range r.Components {
			if r.Type != 1 || c.Type != 2 || c.Style < 1 || c.Style > 4 {
				return op, fmt.Errorf("a component that is no button: %+v", r)
			}
			line = append(line, bots.Button{Text: c.Label, Data: c.ID})
		}
		op.Buttons = append(op.Buttons, line)
	}
	if r.Method == http.MethodPatch && body.Rows == nil {
		return op, errors.New("the edit leaves the buttons as they are")
	}
	if body.Enforce {
		op.Nonce = body.Nonce
	}
	switch route := r.Method + " " + strings.Join(part[1:], "/"); {
	case route == "POST messages":
		op.Action = bots.Post
	case r.Method == http.MethodPatch:
		op.Action = bots.Edit
	case r.Method == http.MethodDelete:
		op.Action = bots.Delete
	case strings.HasSuffix(route, "/threads"):
		op.Action = bots.OpenThread
	case strings.HasSuffix(route, "/crosspost"):
		op.Action = bots.Crosspost
	case r.Method == http.MethodPut && part[2] == "pins":
		op.Action, op.Message = bots.Pin, part[3]
	}
	return op, nil
}

// shownText asks the simulator, which renders on its own, what people see.
func shownText(content string) (string, error) {
	if content == "" {
		return "", nil
	}
	d := sim.NewDiscord()
	d.AddChannel("1", "status", sim.DiscordText)
	id, err := d.Say("1", "2", content)
	if err != nil {
		return "", err
	}
	for _, m := range d.Messages() {
		if m.ID == id {
			return m.Text, nil
		}
	}
	return "", errors.New("the message was not shown")
}
