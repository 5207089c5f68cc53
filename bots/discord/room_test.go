package discord

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
)

var (
	_ bots.Listener  = (*Bot)(nil)
	_ bots.Finder    = (*Bot)(nil)
	_ bots.Checker   = (*Bot)(nil)
	_ bots.Responder = (*Bot)(nil)
	_ bots.Commander = (*Bot)(nil)
	_ bots.Completer = (*Bot)(nil)
	_ bots.Messenger = (*Bot)(nil)
)

func setCommands(t *testing.T, b *Bot, commands ...bots.Command) {
	t.Helper()
	if err := b.SetCommands(t.Context(), []string{textChannel}, commands); err != nil {
		t.Fatal(err)
	}
}

func respond(t *testing.T, b *Bot, key, text string) {
	t.Helper()
	if err := b.Respond(t.Context(), key, text); err != nil {
		t.Fatal(err)
	}
}

// answersTo are what the person alone was shown.
func answersTo(t *testing.T, d *sim.Discord, key string) []string {
	t.Helper()
	in, _ := d.Interaction(key)
	var shown []string
	for _, a := range in.Answers {
		if !a.Private {
			t.Errorf("%q is seen by everybody", a.Text)
		}
		shown = append(shown, a.Text)
	}
	if in.Thinking {
		t.Error("an answer is still awaited")
	}
	return shown
}

func updateCommand() bots.Command {
	return bots.Command{Name: "update", Description: "Say more", Modal: true, Options: []bots.CommandOption{
		{Name: "incident", Description: "Which", Complete: true}, {Name: "text", Description: "What is said"}, {Name: "next", Description: "When"},
	}}
}

func incidentCommand() bots.Command {
	return bots.Command{Name: "incident", Description: "Open one", Modal: true, Options: []bots.CommandOption{
		{Name: "impact", Description: "How bad", Required: true}, {Name: "components", Description: "What", Complete: true},
		{Name: "title", Description: "Title"}, {Name: "text", Description: "Text"}, {Name: "next", Description: "When"}, {Name: "channel", Description: "Where"},
	}}
}

func TestCommand(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	d.AddPerson("9", "Ana")
	setCommands(t, b, updateCommand())
	h := listen(t, b)
	connected(t, d)
	options := map[string]string{"text": "Logins work.", "incident": "INC-12", "next": "20m"}
	id := must[string](t)(d.Slash(textChannel, "9", "update", options))
	checkEvent(t, bots.Event{
		Kind: bots.Said, Key: id, Chat: textChannel, Person: "9", Name: "Ana",
		Text: "/update INC-12\nLogins work.\nnext 20m", Command: "update", Options: options,
	}, h.next())

	respond(t, b, id, "draft D-17")
	respond(t, b, id, "D-17 is *published*")
	if diff := cmp.Diff([]string{"draft D-17", "D-17 is *published*"}, answersTo(t, d, id)); diff != "" {
		t.Errorf("answers (-want +got)\n%s", diff)
	}
	if err := b.Respond(t.Context(), "1", "late"); bots.AsFault(err).Kind != bots.Gone {
		t.Errorf("answer to an unknown command: %v", err)
	}
}

// TestNothingToSay ends the wait of a command and of a button without words.
func TestNothingToSay(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	setCommands(t, b, bots.Command{Name: "show", Description: "Show"})
	card := mustDo(t, b, bots.Operation{Action: bots.Post, Target: textChannel, Text: "D-17", Buttons: [][]bots.Button{{{Text: "Publish", Data: "p"}}}})
	h := listen(t, b)
	connected(t, d)
	slash := must[string](t)(d.Slash(textChannel, "9", "show", nil))
	h.next()
	press := must[string](t)(d.Press(card.ID, "9", "p"))
	h.next()
	for _, id := range []string{slash, press} {
		respond(t, b, id, "")
		if shown := answersTo(t, d, id); shown != nil {
			t.Errorf("shown %q", shown)
		}
		respond(t, b, id, "later, in words")
		if shown := answersTo(t, d, id); !slices.Equal(shown, []string{"later, in words"}) {
			t.Errorf("shown %q", shown)
		}
	}
}

func TestButton(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	op := bots.Operation{Action: bots.Post, Target: textChannel, Text: "D-17", Nonce: "D-17", Buttons: [][]bots.Button{
		{{Text: "Publish", Data: "publish D-17"}, {Text: "Edit", Data: strings.Repeat("é", 32)}}, {{Text: "Discard", Data: "discard"}},
	}}
	card := mustDo(t, b, op)
	want := [][]sim.Button{{{Text: "Publish", Data: "publish D-17"}, {Text: "Edit", Data: strings.Repeat("é", 32)}}, {{Text: "Discard", Data: "discard"}}}
	if diff := cmp.Diff(want, messageOf(t, d, card.ID).Buttons); diff != "" {
		t.Errorf("buttons (-want +got)\n%s", diff)
	}
	h := listen(t, b)
	connected(t, d)
	id := must[string](t)(d.Press(card.ID, "9", "publish D-17"))
	checkEvent(t, bots.Event{Kind: bots.Pressed, Key: id, Chat: textChannel, Message: card.ID, Person: "9", Name: "9", Button: "publish D-17"}, h.next())
	respond(t, b, id, "Chen has to agree.")
	if shown := answersTo(t, d, id); !slices.Equal(shown, []string{"Chen has to agree."}) {
		t.Errorf("the press was answered with %q", shown)
	}
	op.Action, op.Message, op.Text, op.Buttons = bots.Edit, card.ID, "D-17 is published", nil
	mustDo(t, b, op)
	if got := messageOf(t, d, card.ID); got.Text != op.Text || len(got.Buttons) != 0 {
		t.Errorf("without buttons: %+v", got)
	}
	said := must[string](t)(d.Say(textChannel, "9", "next"))
	if e := h.next(); e.Key != said { // and not the press again
		t.Errorf("heard %+v", e)
	}
}

// TestForm uses commands without their text.
func TestForm(t *testing.T) {
	long := strings.Repeat("withdrawals ", 20) + "login" // does not fit into a custom_id
	for name, c := range map[string]struct {
		command string
		given   map[string]string
		inputs  []string
		typed   map[string]string
		text    string
	}{
		"update": {
			"update", map[string]string{"incident": "INC-12", "next": "20m"},
			[]string{"text"}, map[string]string{"text": "Logins work.\nINC-12"}, "/update INC-12\nLogins work.\nINC-12\nnext 20m",
		},
		"nothing given": {"update", nil, []string{"text"}, map[string]string{"text": "Better."}, "/update\nBetter."},
		"incident": {
			"incident", map[string]string{"impact": "critical", "components": "登录 \"withdrawals\" <&>"},
			[]string{"title", "text"}, map[string]string{"title": "Logins down", "text": "Since 12:01 UTC."},
			"/incident critical 登录 \"withdrawals\" <&>\nLogins down\nSince 12:01 UTC.",
		},
		"title given": {
			"incident", map[string]string{"impact": "critical", "title": strings.Repeat("long ", 50) + "title"},
			[]string{"title", "text"}, nil, "/incident critical\n" + strings.Repeat("long ", 50) + "title",
		},
		"long options": {
			"incident", map[string]string{"impact": "critical", "components": long},
			[]string{"title", "text", "components"}, map[string]string{"title": "Down"}, "/incident critical " + long + "\nDown",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, b := newWorld(t, quickHeart)
			setCommands(t, b, updateCommand(), incidentCommand())
			h := listen(t, b)
			connected(t, d)
			opened := must[string](t)(d.Slash(textChannel, "9", c.command, c.given))
			waitFor(t, "the form opens", func() bool { in, _ := d.Interaction(opened); return in.Modal != nil })
			in, _ := d.Interaction(opened)
			if diff := cmp.Diff(&sim.Modal{ID: in.Modal.ID, Title: "/" + c.command, Inputs: c.inputs}, in.Modal); diff != "" {
				t.Errorf("form (-want +got)\n%s", diff)
			}
			b.forms.Store(nil) // as after a restart
			id := must[string](t)(d.Submit(opened, c.typed))
			options := map[string]string{}
			maps.Copy(options, c.given)
			maps.Copy(options, c.typed)
			checkEvent(t, bots.Event{
				Kind: bots.Said, Key: id, Chat: textChannel, Person: "9", Name: "9", Text: c.text, Command: c.command, Options: options,
			}, h.next())
			respond(t, b, id, "draft D-17")
			if shown := answersTo(t, d, id); !slices.Equal(shown, []string{"draft D-17"}) {
				t.Errorf("answered with %q", shown)
			}
		})
	}
}

// TestTooMuchForAForm has no place for what was given: better to ask for the
// text than to lose the rest.
func TestTooMuchForAForm(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	setCommands(t, b, incidentCommand())
	h := listen(t, b)
	connected(t, d)
	given := map[string]string{"title": "Down"}
	for _, o := range []string{"impact", "components", "next", "channel"} {
		given[o] = strings.Repeat(o+" ", 25) + "end"
	}
	id := must[string](t)(d.Slash(textChannel, "9", "incident", given))
	if e := h.next(); e.Key != id || !cmp.Equal(e.Options, given) {
		t.Errorf("heard %+v", e)
	}
}

func TestComplete(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	setCommands(t, b, updateCommand())
	var many []string
	for i := range 30 {
		many = append(many, "INC-"+strings.Repeat("1", i+1))
	}
	b.OnComplete(func(_ context.Context, command, option, typed string) []string {
		switch command + " " + option + " " + typed {
		case "update incident INC-1 ":
			return many
		case "update incident odd":
			return []string{"", strings.Repeat("é", 100), strings.Repeat("é", 101), "twice", "twice"}
		}
		return nil
	})
	listen(t, b)
	connected(t, d)
	for typed, want := range map[string][]string{"INC-1 ": many[:25], "odd": {strings.Repeat("é", 100), "twice"}, "nothing": nil, "": nil} {
		id := must[string](t)(d.Complete(textChannel, "9", "update", map[string]string{"incident": typed}, "incident"))
		waitFor(t, "choices are offered", func() bool { in, _ := d.Interaction(id); return in.Answered })
		if in, _ := d.Interaction(id); !slices.Equal(in.Choices, want) {
			t.Errorf("%q: offered %q, want %q", typed, in.Choices, want)
		}
	}
}

// TestCompleteWithoutACompleter offers nothing, at once.
func TestCompleteWithoutACompleter(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	setCommands(t, b, updateCommand())
	listen(t, b)
	connected(t, d)
	id := must[string](t)(d.Complete(textChannel, "9", "update", map[string]string{"incident": "x"}, "incident"))
	waitFor(t, "it is answered", func() bool { in, _ := d.Interaction(id); return in.Answered })
}

// TestCompleteInTime has a completer that gives up when its context ends.
func TestCompleteInTime(t *testing.T) {
	t.Parallel()
	d, b := newWorld(t, quickHeart)
	setCommands(t, b, updateCommand())
	ended := make(chan error, 1)
	b.OnComplete(func(ctx context.Context, _, _, _ string) []string {
		<-ctx.Done()
		ended <- ctx.Err()
		return nil
	})
	h := listen(t, b)
	connected(t, d)
	must[string](t)(d.Complete(textChannel, "9", "update", map[string]string{"incident": "x"}, "incident"))
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the completer ended with %v", err)
	}
	h.stop()
}

// counted counts the requests that write commands.
type counted struct {
	http.Handler
	mu   sync.Mutex
	puts int
}

func (c *counted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		c.mu.Lock()
		c.puts++
		c.mu.Unlock()
	}
	c.Handler.ServeHTTP(w, r)
}

func (c *counted) written() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.puts
}

func TestCommandsAreRegisteredOnce(t *testing.T) {
	for name, guild := range map[string]bool{"in a server": true, "everywhere": false} {
		t.Run(name, func(t *testing.T) {
			d := sim.NewDiscord()
			d.AddChannel(textChannel, "status", sim.DiscordText)
			c := Config{Name: "dc", Token: testToken, Application: d.AddBot(testToken, "allclear")}
			if guild {
				c.Guild = d.Guild
			}
			count := &counted{Handler: d}
			srv := httptest.NewServer(count)
			defer srv.Close()
			c.APIURL = srv.URL + "/api/v9"
			show := bots.Command{Name: "show", Description: "Show"}
			for i, step := range []struct {
				commands []bots.Command
				puts     int
			}{
				{[]bots.Command{incidentCommand(), updateCommand(), show}, 1},
				{[]bots.Command{incidentCommand(), updateCommand(), show}, 1},
				{[]bots.Command{show, incidentCommand(), updateCommand()}, 1},
				{[]bots.Command{incidentCommand(), show}, 2},
				{[]bots.Command{incidentCommand(), {Name: "show", Description: "Show it"}}, 3},
				{nil, 4},
				{nil, 4},
			} {
				b := must[*Bot](t)(New(c)) // a second start
				setCommands(t, b, step.commands...)
				if n := count.written(); n != step.puts {
					t.Errorf("step %d: %d PUTs, want %d", i, n, step.puts)
				}
			}
		})
	}
}

func TestCommandsThatDoNotFit(t *testing.T) {
	b := newBot(t, "http://127.0.0.1:1")
	for _, c := range []bots.Command{
		{Name: "Show", Description: "x"}, {Name: "", Description: "x"}, {Name: "show"}, {Name: "show", Description: strings.Repeat("é", 101)},
		{Name: "show", Description: "x", Options: []bots.CommandOption{{Name: "x y", Description: "x"}}},
		{Name: "show", Description: "x", Options: []bots.CommandOption{{Name: "x"}}},
		{Name: "show", Description: "x", Modal: true, Options: []bots.CommandOption{{Name: "text", Description: "x", Required: true}}},
	} {
		if err := b.SetCommands(t.Context(), []string{"1"}, []bots.Command{c}); bots.AsFault(err).Kind != bots.Rejected {
			t.Errorf("%+v: %v, want it rejected", c, err)
		}
	}
}

func TestDirectChat(t *testing.T) {
	d, b := newWorld(t, quickHeart)
	d.AddPerson("9", "Ana")
	h := listen(t, b)
	connected(t, d)
	chat := must[string](t)(b.DirectChat(t.Context(), "9"))
	if again := must[string](t)(b.DirectChat(t.Context(), "9")); again != chat {
		t.Errorf("another conversation: %s and %s", chat, again)
	}
	ask := bots.Operation{Action: bots.Post, Target: chat, Text: "D-17 waits for you.", Buttons: [][]bots.Button{{{Text: "Publish", Data: "p"}}}}
	r := mustDo(t, b, ask)
	id := must[string](t)(d.Press(r.ID, "9", "p"))
	checkEvent(t, bots.Event{Kind: bots.Pressed, Key: id, Chat: chat, Message: r.ID, Person: "9", Name: "Ana", Button: "p", Private: true}, h.next())
	d.RefuseDirect("9", true)
	_, err := b.Do(t.Context(), ask)
	if f := bots.AsFault(err); f.Kind != bots.Gone || f.Subject != bots.Target {
		t.Errorf("to a person who takes no messages: %v", err)
	}
	for _, person := range []string{"", "ana", "12345"} {
		if _, err := b.DirectChat(t.Context(), person); bots.AsFault(err).Kind != bots.Rejected {
			t.Errorf("%q: %v, want it rejected", person, err)
		}
	}
}
