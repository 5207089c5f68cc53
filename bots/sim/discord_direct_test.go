package sim

import (
	"strconv"
	"strings"
	"testing"

	"github.com/bwmarrin/discordgo"
)

func TestDiscordDirect(t *testing.T) {
	f := serveDiscord(t)
	f.AddPerson("78", "Bo")
	s := f.open(t, discordgo.IntentsDirectMessages)
	if _, err := s.ApplicationCommandBulkOverwrite(f.bot, f.Guild, testCommands()); err != nil {
		t.Fatal(err)
	}
	ch, err := s.UserChannelCreate("77")
	if err != nil {
		t.Fatal(err)
	}
	again, err := s.UserChannelCreate("77")
	if err != nil || again.ID != ch.ID || ch.Type != discordgo.ChannelTypeDM || ch.Recipients[0].ID != "77" {
		t.Errorf("opened %+v, then %+v, %v", ch, again, err)
	}
	_, err = s.UserChannelCreate("404")
	checkDiscord(t, err, 400, 50033)

	messages := make(chan *discordgo.MessageCreate, 4)
	s.AddHandler(func(_ *discordgo.Session, m *discordgo.MessageCreate) { messages <- m })
	pressed := make(chan *discordgo.InteractionCreate, 1)
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { pressed <- i })
	card, err := s.ChannelMessageSendComplex(ch.ID, &discordgo.MessageSend{Content: "D-17", Components: []discordgo.MessageComponent{
		discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.Button{Label: "Publish", Style: discordgo.PrimaryButton, CustomID: "p:17"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if m := wait(t, "our message", messages); m.ID != card.ID || m.GuildID != "" {
		t.Errorf("heard %+v, want ours, in no guild", m.Message)
	}
	if _, err := f.Press(card.ID, "78", "p:17"); err == nil {
		t.Error("someone else pressed a button in a conversation")
	}
	if _, err := f.Slash(ch.ID, "77", "update", map[string]string{"text": "x"}); err == nil {
		t.Error("a command of the server was used in a conversation")
	}
	if _, err := f.Press(card.ID, "77", "p:17"); err != nil {
		t.Fatal(err)
	}
	if i := wait(t, "the press", pressed); i.GuildID != "" || i.Member != nil || i.User.ID != "77" || i.ChannelID != ch.ID {
		t.Errorf("pressed %+v", i.Interaction)
	}
	if _, err := f.Say(ch.ID, "77", "hello"); err != nil {
		t.Fatal(err)
	}
	if m := wait(t, "the person", messages); m.Content != "hello" || m.GuildID != "" {
		t.Errorf("heard %+v", m.Message)
	}
	f.RefuseDirect("77", true)
	_, err = s.ChannelMessageSend(ch.ID, "x")
	checkDiscord(t, err, 403, 50007)
}

func TestDiscordCompletesOnlyWhatIsMarked(t *testing.T) {
	f := serveDiscord(t)
	s := f.open(t, discordgo.IntentsGuilds)
	if _, err := s.ApplicationCommandBulkOverwrite(f.bot, "", testCommands()); err != nil {
		t.Fatal(err)
	}
	for _, option := range []string{"text", "colour"} {
		if _, err := f.Complete("2", "77", "update", map[string]string{option: "x"}, option); err == nil {
			t.Errorf("the option %q was completed", option)
		}
	}
}

func TestDiscordModalStrict(t *testing.T) {
	f := serveDiscord(t)
	s := f.open(t, discordgo.IntentsGuilds)
	if _, err := s.ApplicationCommandBulkOverwrite(f.bot, "", testCommands()); err != nil {
		t.Fatal(err)
	}
	heard := make(chan *discordgo.InteractionCreate, 1)
	s.AddHandler(func(_ *discordgo.Session, i *discordgo.InteractionCreate) { heard <- i })
	row := func(input string) string { return `{"type": 1, "components": [{"type": 4, ` + input + `}]}` }
	label := func(name, input string) string {
		return `{"type": 18, "label": ` + strconv.Quote(name) + `, "component": {"type": 4, ` + input + `}}`
	}
	const good = `"custom_id": "text", "style": 2`
	five := strings.TrimSuffix(strings.Repeat(label("x", `"custom_id": "N", "style": 1`)+",", 5), ",")
	for name, c := range map[string]struct {
		components string
		status     int
	}{
		"a label":            {label("Text", good), 204},
		"a row":              {row(good + `, "label": "Text"`), 204},
		"filled in":          {label("Text", good+`, "max_length": 3, "value": "abc"`), 204},
		"a row without name": {row(good), 400},
		"an unnamed label":   {label("", good), 400},
		"a long name":        {label(strings.Repeat("x", 46), good), 400},
		"no style":           {label("Text", `"custom_id": "text"`), 400},
		"no id":              {label("Text", `"style": 1`), 400},
		"the same id":        {five, 400},
		"a long value":       {label("Text", good+`, "max_length": 2, "value": "abc"`), 400},
		"a long limit":       {label("Text", good+`, "max_length": 4001`), 400},
		"an empty row":       {`{"type": 1, "components": []}`, 400},
		"none":               {``, 400},
	} {
		id, err := f.Slash("2", "77", "update", map[string]string{"text": "x"})
		if err != nil {
			t.Fatal(err)
		}
		i := wait(t, "the command", heard)
		body := `{"type": 9, "data": {"custom_id": "m", "title": "Modal", "components": [` + c.components + `]}}`
		status, answer, _ := f.call(t, "POST", "/interactions/"+i.ID+"/"+i.Token+"/callback", body)
		if status != c.status {
			t.Errorf("%s: %d %v, want %d", name, status, answer, c.status)
		}
		if in, _ := f.Interaction(id); (in.Modal != nil) != (c.status == 204) {
			t.Errorf("%s: modal %+v", name, in.Modal)
		}
	}
}

// TestDiscordSubmitsWhatWasFilledIn sends a form as it was opened, but for one input.
func TestDiscordSubmitsWhatWasFilledIn(t *testing.T) {
	d := NewDiscord()
	d.AddChannel("2", "ops", DiscordText)
	in := &discordInteraction{id: "5", token: "t", person: "77", channel: "2", app: &discordUser{ID: "1"}}
	d.interactions["t"] = in
	s := &discordSession{bot: in.app}
	d.gateway.sessions["s"] = s
	field := func(id, value string) discordComponent {
		return discordComponent{Type: componentLabel, Label: id, Component: &discordComponent{Type: componentTextInput, CustomID: id, Style: 1, Value: value}}
	}
	in.modal = &discordModal{CustomID: "m", Title: "M", Components: []discordComponent{field("kept", "as it was"), field("typed", "before")}}
	if _, err := d.Submit("5", map[string]string{"typed": "after"}); err != nil {
		t.Fatal(err)
	}
	event := s.sent[0].Data.(map[string]any)["data"].(map[string]any)
	var got []string
	for _, r := range event["components"].([]any) {
		row := r.(map[string]any)
		if row["type"] != componentLabel {
			t.Errorf("sent %v for a label", row)
			continue
		}
		got = append(got, row["component"].(map[string]any)["value"].(string))
	}
	if strings.Join(got, "|") != "as it was|after" {
		t.Errorf("sent %q", got)
	}
}
