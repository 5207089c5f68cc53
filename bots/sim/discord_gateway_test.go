package sim

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// open connects a discordgo session and waits until it is ready.
func (f *discordFixture) open(t *testing.T, intents discordgo.Intent) *discordgo.Session {
	t.Helper()
	s := f.session(t, discordToken)
	s.Identify.Intents = intents
	s.ShouldReconnectOnError = false
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// wait takes the next value, or fails.
func wait[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("timed out waiting for %s", what)
		panic("unreachable")
	}
}

func testCommands() []*discordgo.ApplicationCommand {
	return []*discordgo.ApplicationCommand{{
		Name: "update", Description: "Say more", Options: []*discordgo.ApplicationCommandOption{
			{Type: discordgo.ApplicationCommandOptionString, Name: "text", Description: "What to say", Required: true},
			{Type: discordgo.ApplicationCommandOptionString, Name: "incident", Description: "Which", Autocomplete: true},
			{Type: discordgo.ApplicationCommandOptionInteger, Name: "minutes", Description: "Until the next"},
		},
	}}
}

func TestDiscordCommand(t *testing.T) {
	f := serveDiscord(t)
	s := f.open(t, discordgo.IntentsGuilds)
	if _, err := s.ApplicationCommandBulkOverwrite(f.bot, f.Guild, testCommands()); err != nil {
		t.Fatal(err)
	}
	heard := make(chan *discordgo.InteractionCreate, 1)
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { heard <- i })

	for _, bad := range []map[string]string{{}, {"text": "x", "colour": "red"}, {"text": "x", "minutes": "soon"}} {
		if _, err := f.Slash("2", "77", "update", bad); err == nil {
			t.Errorf("options %v were sent", bad)
		}
	}
	if _, err := f.Slash("2", "77", "downdate", nil); err == nil {
		t.Error("a command that does not exist was sent")
	}
	id, err := f.Slash("2", "77", "update", map[string]string{"text": "Back.", "minutes": "20"})
	if err != nil {
		t.Fatal(err)
	}
	i := wait(t, "the command", heard)
	data := i.ApplicationCommandData()
	if i.ID != id || i.Member.User.ID != "77" || i.ChannelID != "2" || i.GuildID != f.Guild ||
		data.Name != "update" || data.Options[0].StringValue() != "Back." || data.Options[1].IntValue() != 20 {
		t.Errorf("heard %+v %+v", i.Interaction, data)
	}

	deferred := &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource, Data: &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral}}
	if err := s.InteractionRespond(i.Interaction, deferred); err != nil {
		t.Fatal(err)
	}
	checkDiscord(t, s.InteractionRespond(i.Interaction, deferred), 400, 40060)
	if v, _ := f.Interaction(id); !v.Answered || !v.Thinking || v.Answers != nil {
		t.Errorf("after deferring: %+v", v)
	}
	text, rows := "**D-17**", []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{
		discordgo.Button{Label: "Publish", CustomID: "p:17", Style: discordgo.PrimaryButton},
	}}}
	if _, err := s.InteractionResponseEdit(i.Interaction, &discordgo.WebhookEdit{Content: &text, Components: &rows}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "Published."}); err != nil {
		t.Fatal(err)
	}
	v, _ := f.Interaction(id)
	want := []Answer{
		{ID: v.Answers[0].ID, Text: "D-17", Raw: "**D-17**", Private: true, Buttons: [][]Button{{{Text: "Publish", Data: "p:17"}}}},
		{ID: v.Answers[1].ID, Text: "Published.", Raw: "Published."},
	}
	if diff := cmp.Diff(want, v.Answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if seen := f.Seen(); len(seen) != 1 || seen[0].Text != "Published." {
		t.Errorf("others see %+v, want the public answer only", seen)
	}
	if _, err := f.Press(v.Answers[0].ID, "78", "p:17"); err == nil {
		t.Error("someone else pressed a private button")
	}
	if _, err := f.Press(v.Answers[0].ID, "77", "p:17"); err != nil {
		t.Error(err)
	}
	if p := wait(t, "the button", heard); p.MessageComponentData().CustomID != "p:17" || p.Message.ID != v.Answers[0].ID {
		t.Errorf("pressed %+v", p.Interaction)
	}
}

func TestDiscordTooLate(t *testing.T) {
	f := serveDiscord(t)
	f.AnswerWithin = time.Nanosecond
	s := f.open(t, discordgo.IntentsGuilds)
	if _, err := s.ApplicationCommandBulkOverwrite(f.bot, "", testCommands()); err != nil {
		t.Fatal(err)
	}
	heard := make(chan *discordgo.InteractionCreate, 1)
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { heard <- i })
	if _, err := f.Slash("2", "77", "update", map[string]string{"text": "x"}); err != nil {
		t.Fatal(err)
	}
	i := wait(t, "the command", heard)
	checkDiscord(t, s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource}), 404, 10062)
	_, err := s.FollowupMessageCreate(i.Interaction, true, &discordgo.WebhookParams{Content: "x"})
	checkDiscord(t, err, 404, 10015)
}

func TestDiscordCompletionAndModal(t *testing.T) {
	f := serveDiscord(t)
	s := f.open(t, discordgo.IntentsGuilds)
	if _, err := s.ApplicationCommandBulkOverwrite(f.bot, "", testCommands()); err != nil {
		t.Fatal(err)
	}
	heard := make(chan *discordgo.InteractionCreate, 1)
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { heard <- i })

	id, err := f.Complete("2", "77", "update", map[string]string{"incident": "INC"}, "incident")
	if err != nil {
		t.Fatal(err)
	}
	i := wait(t, "the completion", heard)
	if o := i.ApplicationCommandData().Options[0]; !o.Focused || o.StringValue() != "INC" {
		t.Errorf("completing %+v", o)
	}
	err = s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredChannelMessageWithSource})
	checkDiscord(t, err, 400, 50035)
	if err := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{
		Type: discordgo.InteractionApplicationCommandAutocompleteResult,
		Data: &discordgo.InteractionResponseData{Choices: []*discordgo.ApplicationCommandOptionChoice{{Name: "INC-12", Value: "INC-12"}}},
	}); err != nil {
		t.Fatal(err)
	}
	if v, _ := f.Interaction(id); !slices.Equal(v.Choices, []string{"INC-12"}) {
		t.Errorf("choices = %v", v.Choices)
	}

	id, err = f.Slash("2", "77", "update", map[string]string{"text": "x"})
	if err != nil {
		t.Fatal(err)
	}
	i = wait(t, "the command", heard)
	input := discordgo.TextInput{CustomID: "body", Label: "Text", Style: discordgo.TextInputParagraph, Required: true, MaxLength: 10}
	if err := s.InteractionRespond(i.Interaction, &discordgo.InteractionResponse{Type: discordgo.InteractionResponseModal, Data: &discordgo.InteractionResponseData{
		CustomID: "edit", Title: "Edit", Components: []discordgo.MessageComponent{discordgo.ActionsRow{Components: []discordgo.MessageComponent{input}}},
	}}); err != nil {
		t.Fatal(err)
	}
	v, _ := f.Interaction(id)
	if diff := cmp.Diff(&Modal{ID: "edit", Title: "Edit", Inputs: []string{"body"}}, v.Modal); diff != "" {
		t.Errorf("modal (-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", strings.Repeat("x", 11)} {
		if _, err := f.Submit(id, map[string]string{"body": bad}); err == nil {
			t.Errorf("the modal took %q", bad)
		}
	}
	if _, err := f.Submit(id, map[string]string{"body": "A\nB"}); err != nil {
		t.Fatal(err)
	}
	m := wait(t, "the modal", heard).ModalSubmitData()
	if got := m.Components[0].(*discordgo.ActionsRow).Components[0].(*discordgo.TextInput); m.CustomID != "edit" || got.Value != "A\nB" {
		t.Errorf("submitted %+v", m)
	}
}

func TestDiscordSaying(t *testing.T) {
	for _, c := range []struct {
		intents discordgo.Intent
		want    string // of what is said after the others
	}{
		{discordgo.IntentsGuilds | discordgo.IntentsGuildMessages | discordgo.IntentMessageContent, "hello"},
		{discordgo.IntentsGuilds | discordgo.IntentsGuildMessages, ""},
	} {
		f := serveDiscord(t)
		s := f.open(t, c.intents)
		heard := make(chan *discordgo.MessageCreate, 1)
		s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { heard <- m })
		if _, err := f.Say("2", "77", "hello"); err != nil {
			t.Fatal(err)
		}
		if m := wait(t, "the message", heard); m.Content != c.want || m.Author.Username != "Ana" || m.GuildID != f.Guild {
			t.Errorf("intents %b: heard %q of %s", c.intents, m.Content, m.Author.Username)
		}
		if _, err := f.Say("2", "77", "<@"+f.bot+"> hello"); err != nil {
			t.Fatal(err)
		}
		if m := wait(t, "the mention", heard); !strings.HasSuffix(m.Content, "hello") {
			t.Errorf("intents %b: a mention without content", c.intents)
		}
	}
}

// A raw client of the gateway, for what discordgo would hide.
type rawGateway struct {
	t  *testing.T
	ws *websocket.Conn
}

type rawFrame struct {
	Op   int            `json:"op"`
	Data map[string]any `json:"d"`
	Seq  int            `json:"s"`
	Type string         `json:"t"`
}

func (f *discordFixture) dial(t *testing.T) *rawGateway {
	t.Helper()
	_, gw, _ := f.call(t, "GET", "/gateway", "")
	ws, _, err := websocket.DefaultDialer.Dial(gw["url"].(string)+"?v=10&encoding=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	return &rawGateway{t, ws}
}

func (g *rawGateway) send(v string) {
	g.t.Helper()
	if err := g.ws.WriteMessage(websocket.TextMessage, []byte(v)); err != nil {
		g.t.Fatal(err)
	}
}

func (g *rawGateway) expect(op int, kind string) rawFrame {
	g.t.Helper()
	var in struct {
		rawFrame
		Data any `json:"d"`
	}
	if err := g.ws.ReadJSON(&in); err != nil {
		g.t.Fatalf("waiting for op %d %s: %v", op, kind, err)
	}
	if in.Op != op || in.Type != kind {
		g.t.Fatalf("got op %d %s, want op %d %s", in.Op, in.Type, op, kind)
	}
	in.rawFrame.Data, _ = in.Data.(map[string]any)
	return in.rawFrame
}

const identify = `{"op":2,"d":{"token":"secret","intents":513,"properties":{"os":"linux"}}}`

func TestDiscordResume(t *testing.T) {
	f := serveDiscord(t)
	g := f.dial(t)
	if hello := g.expect(opHello, ""); hello.Data["heartbeat_interval"] != 41250.0 {
		t.Errorf("HELLO %v", hello.Data)
	}
	g.send(`{"op":1,"d":null}`)
	g.expect(opHeartbeatAck, "")
	g.send(identify)
	ready := g.expect(opDispatch, "READY")
	g.expect(opDispatch, "GUILD_CREATE")
	session := ready.Data["session_id"].(string)
	if u := ready.Data["resume_gateway_url"].(string); !strings.HasPrefix(u, "ws://127.0.0.1:") || !strings.HasSuffix(u, "/discord/gateway-ws") {
		t.Errorf("resume_gateway_url = %s", u)
	}
	f.Drop()
	f.until(t, "nobody is connected", func() bool { return f.Connected() == 0 })
	if _, err := f.Say("2", "77", "meanwhile"); err != nil {
		t.Fatal(err)
	}

	g = f.dial(t)
	g.expect(opHello, "")
	g.send(`{"op":6,"d":{"token":"secret","session_id":"` + session + `","seq":2}}`)
	if m := g.expect(opDispatch, "MESSAGE_CREATE"); m.Seq != 3 {
		t.Errorf("what was missed has number %d, want 3", m.Seq)
	}
	g.expect(opDispatch, "RESUMED")
	f.AskToReconnect()
	g.expect(opReconnect, "")
	f.ForgetSessions()

	g = f.dial(t)
	g.expect(opHello, "")
	g.send(`{"op":6,"d":{"token":"secret","session_id":"` + session + `","seq":2}}`)
	g.expect(opInvalidSession, "")
	g.send(identify)
	g.expect(opDispatch, "READY")
}

func TestDiscordGatewayCloses(t *testing.T) {
	f := serveDiscord(t)
	for _, c := range []struct {
		send string
		code int
	}{
		{`{"op":2,"d":{"token":"wrong","intents":1,"properties":{}}}`, 4004},
		{`{"op":2,"d":{"token":"secret","properties":{}}}`, 4002},
		{`nonsense`, 4002},
		{`{"op":77}`, 4001},
		{`{"op":3,"d":{}}`, 4003},
		{identify + "\n" + identify, 4005},
	} {
		g := f.dial(t)
		for line := range strings.SplitSeq(c.send, "\n") {
			g.send(line)
		}
		var err error
		for err == nil {
			_, _, err = g.ws.ReadMessage()
		}
		if !websocket.IsCloseError(err, c.code) {
			t.Errorf("%s: %v, want close code %d", c.send, err, c.code)
		}
	}
}

func TestDiscordMischief(t *testing.T) {
	f := serveDiscord(t)
	silent := func(g *rawGateway) bool {
		g.ws.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, _, err := g.ws.ReadMessage()
		return err != nil && !websocket.IsUnexpectedCloseError(err)
	}
	f.Misbehave(NoHello, NoReady, NoAcks, "")
	if g := f.dial(t); !silent(g) {
		t.Error("NoHello: something came")
	}
	g := f.dial(t)
	g.expect(opHello, "")
	g.send(identify)
	if !silent(g) {
		t.Error("NoReady: something came")
	}
	g = f.dial(t)
	g.expect(opHello, "")
	g.send(`{"op":1,"d":null}`)
	g.send(identify)
	g.expect(opDispatch, "READY") // and no acknowledgement before it
	g = f.dial(t)
	g.expect(opHello, "")
	g.send(`{"op":1,"d":null}`)
	g.expect(opHeartbeatAck, "")

	f.Faults.Add(Fault{Match: "/gateway-ws", Kind: "status", Status: 503})
	_, gw, _ := f.call(t, "GET", "/gateway", "")
	if _, resp, err := websocket.DefaultDialer.Dial(gw["url"].(string), nil); err == nil || resp.StatusCode != 503 {
		t.Errorf("refused upgrade: %v", err)
	}
}

// A client that sends no heartbeats is cut off.
func TestDiscordHeartbeatsRequired(t *testing.T) {
	f := serveDiscord(t)
	f.Heartbeat = 20 * time.Millisecond
	g := f.dial(t)
	g.expect(opHello, "")
	if _, _, err := g.ws.ReadMessage(); err == nil || strings.Contains(err.Error(), "i/o timeout") {
		t.Errorf("still connected: %v", err)
	}
}
