package sim

import (
	"errors"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"
)

// The types of interactions and of the first answers to them (Interactions,
// Receiving and Responding).
const (
	interactionCommand      = 2
	interactionComponent    = 3
	interactionAutocomplete = 4
	interactionModal        = 5

	answerMessage        = 4
	answerDeferred       = 5
	answerDeferredUpdate = 6
	answerUpdate         = 7
	answerChoices        = 8
	answerModal          = 9
)

// An Interaction is something a person did that the bot must answer, and what
// that person saw.
type Interaction struct {
	ID       string   `json:"id"`
	Person   string   `json:"person"`
	What     string   `json:"what"` // "/update", a button's id, "modal" and its id
	Answered bool     `json:"answered"`
	Thinking bool     `json:"thinking,omitempty"` // deferred, and no text yet
	Answers  []Answer `json:"answers,omitempty"`
	Choices  []string `json:"choices,omitempty"` // of an autocompletion
	Modal    *Modal   `json:"modal,omitempty"`
}

// An Answer is one message in answer to an interaction.
type Answer struct {
	ID      string     `json:"id"`
	Text    string     `json:"text"`
	Raw     string     `json:"raw"`
	Private bool       `json:"private"` // only the person sees it
	Deleted bool       `json:"deleted,omitempty"`
	Buttons [][]Button `json:"buttons,omitempty"`
}

// A Modal is a form that the bot opened.
type Modal struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Inputs []string `json:"inputs"` // their ids, in order
}

type discordInteraction struct {
	id, token, person, what string
	kind                    int
	app                     *discordUser
	channel                 string
	source                  *discordMessage // that carries the button
	at                      time.Time
	answered                int // type of the first answer; 0 is none yet
	private                 bool
	thinking                bool
	original                *discordMessage
	messages                []*discordMessage
	choices                 []string
	modal                   *discordModal
}

type discordModal struct {
	CustomID   string             `json:"custom_id"`
	Title      string             `json:"title"`
	Components []discordComponent `json:"components"`
}

// Slash lets a person use a command that the bot has registered. It fails
// where the client would not let him. It returns the interaction's id.
func (d *Discord) Slash(channel, person, command string, options map[string]string) (string, error) {
	return d.useCommand(channel, person, command, options, "")
}

// Complete lets a person type in the option focused, which asks the bot for
// completions. It returns the interaction's id.
func (d *Discord) Complete(channel, person, command string, options map[string]string, focused string) (string, error) {
	if focused == "" {
		return "", errors.New("no option is focused")
	}
	return d.useCommand(channel, person, command, options, focused)
}

func (d *Discord) useCommand(channel, person, command string, given map[string]string, focused string) (string, error) {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	cmd, err := d.command(command, d.isDirect(channel))
	if err != nil {
		return "", err
	}
	if !cmd.completes(focused) {
		return "", fmt.Errorf("option %q of /%s completes nothing", focused, command)
	}
	options, err := cmd.options(given, focused)
	if err != nil {
		return "", err
	}
	in := &discordInteraction{kind: interactionCommand, what: "/" + command, person: person, channel: channel, app: d.users[cmd.ApplicationID]}
	if focused != "" {
		in.kind = interactionAutocomplete
	}
	return d.interact(in, map[string]any{"id": cmd.ID, "name": cmd.Name, "type": 1, "guild_id": d.Guild, "options": options})
}

// Press lets a person press a button. It fails where there is none to press.
func (d *Discord) Press(message, person, customID string) (string, error) {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.byID[message]
	switch {
	case m == nil || m.deleted || m.ephemeral != "" && m.ephemeral != person:
		return "", fmt.Errorf("%s sees no message %s", person, message)
	case !pressable(m.components, customID):
		return "", fmt.Errorf("message %s has no button %q to press", message, customID)
	}
	in := &discordInteraction{kind: interactionComponent, what: customID, person: person, channel: m.channel, app: m.author, source: m}
	return d.interact(in, map[string]any{"custom_id": customID, "component_type": componentButton})
}

// Submit lets the person who was shown a modal send it, with the texts of its
// inputs by id. Those that he does not name stay as they were filled in.
func (d *Discord) Submit(interaction string, texts map[string]string) (string, error) {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	from := d.interaction(interaction)
	if from == nil || from.modal == nil {
		return "", fmt.Errorf("interaction %s shows no modal", interaction)
	}
	rows := []any{}
	for i, c := range inputs(from.modal.Components) {
		text, ok := texts[c.CustomID]
		if !ok {
			text = c.Value
		}
		n := utf8.RuneCountInString(text)
		if text == "" && (c.Required == nil || *c.Required) || text != "" && n < c.MinLength || c.MaxLength > 0 && n > c.MaxLength {
			return "", fmt.Errorf("input %q does not take a text of %d characters", c.CustomID, n)
		}
		field := map[string]any{"type": componentTextInput, "custom_id": c.CustomID, "value": text}
		row := map[string]any{"type": componentRow, "components": []any{field}}
		if from.modal.Components[i].Type == componentLabel {
			row = map[string]any{"type": componentLabel, "component": field}
		}
		rows = append(rows, row)
	}
	in := &discordInteraction{kind: interactionModal, what: "modal " + from.modal.CustomID, person: from.person, channel: from.channel, app: from.app, source: from.source}
	id, err := d.interact(in, map[string]any{"custom_id": from.modal.CustomID, "components": rows})
	from.modal = nil
	return id, err
}

// interact tells the bot. What nobody listens to is lost, unless the session
// is resumed.
func (d *Discord) interact(in *discordInteraction, data map[string]any) (string, error) {
	ch := d.channels[in.channel]
	if ch == nil || !ch.may(in.person) {
		return "", fmt.Errorf("no channel %s", in.channel)
	}
	in.id, in.token, in.at = d.ids.next(), "token-"+d.ids.next(), time.Now()
	d.interactions[in.token] = in
	event := map[string]any{
		"id": in.id, "application_id": in.app.ID, "type": in.kind, "token": in.token, "version": 1, "data": data, "locale": "en-US",
		"entitlements": []any{}, "authorizing_integration_owners": map[string]string{"0": d.Guild},
	}
	maps.Copy(event, d.place(in, ch))
	if in.source != nil {
		event["message"] = d.messageJSON(in.source)
	}
	for _, s := range d.gateway.sessions {
		if s.bot == in.app {
			s.dispatch("INTERACTION_CREATE", event)
		}
	}
	return in.id, nil
}

func (d *Discord) interaction(id string) *discordInteraction {
	for _, in := range d.interactions {
		if in.id == id {
			return in
		}
	}
	return nil
}

// Interaction is what the person who made the interaction saw.
func (d *Discord) Interaction(id string) (Interaction, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	in := d.interaction(id)
	if in == nil {
		return Interaction{}, false
	}
	v := Interaction{ID: in.id, Person: in.person, What: in.what, Answered: in.answered != 0, Thinking: in.thinking, Choices: in.choices}
	for _, m := range in.messages {
		v.Answers = append(v.Answers, Answer{
			ID: m.id, Text: discordPlain(m.content, d.nameOf), Raw: m.content,
			Private: m.ephemeral != "", Deleted: m.deleted, Buttons: discordButtons(m.components),
		})
	}
	if in.modal != nil {
		v.Modal = &Modal{ID: in.modal.CustomID, Title: in.modal.Title}
		for _, c := range inputs(in.modal.Components) {
			v.Modal.Inputs = append(v.Modal.Inputs, c.CustomID)
		}
	}
	return v, true
}
