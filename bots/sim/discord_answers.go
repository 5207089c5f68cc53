package sim

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// webhookLife is how long an interaction's token is good for further answers.
const webhookLife = 15 * time.Minute

// A discordCallback is the first answer to an interaction.
type discordCallback struct {
	Type int `json:"type"`
	Data struct {
		discordDraft
		Choices  []discordChoice `json:"choices"`
		CustomID string          `json:"custom_id"`
		Title    string          `json:"title"`
	} `json:"data"`
}

// answerInteraction takes the first answer, which must come in time and once.
func (d *Discord) answerInteraction(c *discordCall) discordAnswer {
	in := d.interactions[c.PathValue("token")]
	if in == nil || in.id != c.PathValue("id") {
		return discordKnown(10062)
	}
	if in.answered != 0 {
		return discordKnown(40060)
	}
	if time.Since(in.at) > d.AnswerWithin {
		return discordKnown(10062)
	}
	var cb discordCallback
	if a, ok := c.decode(&cb); !ok {
		return a
	}
	if !in.takes(cb.Type) {
		return discordInvalid("BASE_TYPE_CHOICES", "Value is not one of the types that this interaction takes.", "type")
	}
	if a := d.applyCallback(in, &cb); a.failed() {
		return a
	}
	in.answered = cb.Type
	if c.URL.Query().Get("with_response") != "true" {
		return discordNoContent()
	}
	body := map[string]any{"interaction": map[string]any{"id": in.id, "type": in.kind}}
	if in.original != nil {
		body["resource"] = map[string]any{"type": cb.Type, "message": d.messageJSON(in.original)}
	}
	return discordOK(body)
}

// takes reports whether this kind of interaction may be answered so.
func (in *discordInteraction) takes(answer int) bool {
	switch answer {
	case answerMessage, answerDeferred:
		return in.kind != interactionAutocomplete
	case answerDeferredUpdate, answerUpdate:
		return in.source != nil
	case answerChoices:
		return in.kind == interactionAutocomplete
	case answerModal:
		return in.kind == interactionCommand || in.kind == interactionComponent
	}
	return false
}

func (d *Discord) applyCallback(in *discordInteraction, cb *discordCallback) discordAnswer {
	private := cb.Data.Flags&discordEphemeral != 0
	switch cb.Type {
	case answerMessage:
		in.private = private
		return d.answerWith(in, &cb.Data.discordDraft, private, true)
	case answerDeferred:
		in.private, in.thinking = private, true
	case answerDeferredUpdate:
		in.original = in.source
	case answerUpdate:
		in.original = in.source
		return d.applyEdit(in.source, &cb.Data.discordDraft)
	case answerChoices:
		return in.offer(cb.Data.Choices)
	case answerModal:
		return in.open(&cb.Data.discordDraft, cb.Data.CustomID, cb.Data.Title)
	}
	return discordNoContent()
}

// answerWith shows a message in answer; the first is the original.
func (d *Discord) answerWith(in *discordInteraction, p *discordDraft, private, original bool) discordAnswer {
	if a, ok := p.check(); !ok {
		return a
	}
	if p.Content == nil || *p.Content == "" {
		return discordKnown(50006)
	}
	m := &discordMessage{channel: in.channel, author: in.app, content: *p.Content, components: p.Components}
	if private {
		m.ephemeral, m.flags = in.person, discordEphemeral
	} else {
		m.pings = p.AllowedMentions.pings(m.content, nil)
	}
	d.add(m)
	in.messages = append(in.messages, m)
	if original {
		in.original, in.thinking = m, false
	}
	return discordOK(d.messageJSON(m))
}

// offer shows completions.
func (in *discordInteraction) offer(choices []discordChoice) discordAnswer {
	if len(choices) > 25 {
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 0 and 25 in length.", "data", "choices")
	}
	for i, ch := range choices {
		if n := utf8.RuneCountInString(ch.Name); n < 1 || n > 100 {
			return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", "data", "choices", strconv.Itoa(i), "name")
		}
		in.choices = append(in.choices, ch.Name)
	}
	return discordNoContent()
}

// open shows a modal.
func (in *discordInteraction) open(p *discordDraft, id, title string) discordAnswer {
	switch n := utf8.RuneCountInString(title); {
	case n < 1 || n > 45:
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.", "data", "title")
	case id == "" || utf8.RuneCountInString(id) > 100:
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", "data", "custom_id")
	case len(p.Components) < 1 || len(p.Components) > 5:
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.", "data", "components")
	}
	if words, path := inputFault(p.Components); words != "" {
		return discordInvalid("BASE_TYPE_BAD_LENGTH", words, append([]string{"data", "components"}, path...)...)
	}
	in.modal = &discordModal{CustomID: id, Title: title, Components: p.Components}
	return discordNoContent()
}

// webhook finds the answered interaction that a token is good for.
func (d *Discord) webhook(c *discordCall) (*discordInteraction, discordAnswer) {
	in := d.interactions[c.PathValue("token")]
	switch {
	case in == nil || in.app.ID != c.PathValue("app") || in.answered == 0:
		return nil, discordKnown(10015)
	case time.Since(in.at) > webhookLife:
		return nil, discordKnown(50027)
	}
	return in, discordAnswer{}
}

// followUp adds an answer. The first one after a deferral takes its place, and
// is as private as the deferral said.
func (d *Discord) followUp(c *discordCall) discordAnswer {
	in, refusal := d.webhook(c)
	if in == nil {
		return refusal
	}
	var p discordDraft
	if a, ok := c.decode(&p); !ok {
		return a
	}
	if in.thinking {
		return d.answerWith(in, &p, in.private, true)
	}
	return d.answerWith(in, &p, p.Flags&discordEphemeral != 0, false)
}

// answered finds the message of a webhook request, which may be "@original".
func (d *Discord) answered(c *discordCall) (*discordInteraction, *discordMessage, discordAnswer) {
	in, refusal := d.webhook(c)
	if in == nil {
		return nil, nil, refusal
	}
	m := in.original
	if id := c.PathValue("message"); id != "@original" {
		m = d.byID[id]
		if m != nil && m.author != in.app {
			m = nil
		}
	}
	if m == nil || m.deleted {
		return in, nil, discordKnown(10008)
	}
	return in, m, discordAnswer{}
}

func (d *Discord) getAnswer(c *discordCall) discordAnswer {
	_, m, refusal := d.answered(c)
	if m == nil {
		return refusal
	}
	return discordOK(d.messageJSON(m))
}

func (d *Discord) editAnswer(c *discordCall) discordAnswer {
	in, m, refusal := d.answered(c)
	if m == nil && in != nil && in.thinking && c.PathValue("message") == "@original" {
		return d.followUp(c)
	}
	if m == nil {
		return refusal
	}
	return d.edit(m, c)
}

func (d *Discord) deleteAnswer(c *discordCall) discordAnswer {
	in, m, refusal := d.answered(c)
	if m == nil && in != nil && in.thinking {
		in.thinking = false
		return discordNoContent()
	}
	if m == nil {
		return refusal
	}
	if m.ephemeral != "" {
		m.deleted = true
		return discordNoContent()
	}
	d.remove(m)
	return discordNoContent()
}
