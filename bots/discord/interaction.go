package discord

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// answerWithin is how long an interaction takes an answer after it was
// acknowledged (Interactions, "Receiving and Responding").
const answerWithin = 15 * time.Minute

// answers are the interactions that still take an answer, by event key.
type answers struct {
	mu   sync.Mutex
	open map[string]answer
}

type answer struct {
	application string
	token       string // a secret, for as long as it is valid
	waits       bool   // "thinking…" is shown until the first answer replaces it
	until       time.Time
}

// keep remembers a, and forgets those whose time is over.
func (as *answers) keep(key string, a answer) {
	as.mu.Lock()
	defer as.mu.Unlock()
	if as.open == nil {
		as.open = map[string]answer{}
	}
	now := time.Now()
	for k, old := range as.open {
		if now.After(old.until) {
			delete(as.open, k)
		}
	}
	a.until = now.Add(answerWithin)
	as.open[key] = a
}

// take returns the answer for key and marks it as no longer waiting.
func (as *answers) take(key string) (answer, bool) {
	as.mu.Lock()
	defer as.mu.Unlock()
	a, ok := as.open[key]
	if !ok || time.Now().After(a.until) {
		return answer{}, false
	}
	answered := a
	answered.waits = false
	as.open[key] = answered
	return a, true
}

// respondWithin is how long Discord waits for the first response to an
// interaction (Interactions, "Receiving and Responding").
const respondWithin = 3 * time.Second

// response is the first one to an interaction.
type response struct {
	Type discordgo.InteractionResponseType `json:"type"`
	Data any                               `json:"data,omitempty"`
}

// acknowledge gives a first response that leaves time: "thinking…" for a
// command or form, which [Bot.Respond] replaces, and nothing to be seen for a
// button.
func (b *Bot) acknowledge(ctx context.Context, in interaction) *bots.Fault {
	press := in.Type == discordgo.InteractionMessageComponent
	b.answers.keep(in.ID, answer{application: in.Application, token: in.Token, waits: !press})
	if press {
		return b.respondFirst(ctx, in, discordgo.InteractionResponseDeferredMessageUpdate, nil)
	}
	return b.respondFirst(ctx, in, discordgo.InteractionResponseDeferredChannelMessageWithSource,
		discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral})
}

// respondFirst sends the first response.
func (b *Bot) respondFirst(ctx context.Context, in interaction, kind discordgo.InteractionResponseType, data any) *bots.Fault {
	c, f := with(http.MethodPost, "/interactions/"+in.ID+"/"+in.Token+"/callback", response{Type: kind, Data: data})
	if f != nil {
		return f
	}
	ex, done := b.send(ctx, c)
	defer done()
	return hideToken(fault(ex, bots.Operation{}), in.Token)
}

// Respond answers the command or button press with this [bots.Event.Key],
// visibly only to the person who made it. It works for 15 minutes after the
// event, in the process that heard it; afterwards the fault is Gone. It makes
// at most one request: an empty text only takes "thinking…" away.
func (b *Bot) Respond(ctx context.Context, eventKey, text string) error {
	op := bots.Operation{Action: bots.Post, Target: "0", Text: text}
	if f := check(op); f != nil && content(text) != "" {
		return f
	}
	a, ok := b.answers.take(eventKey)
	if !ok {
		return &bots.Fault{Kind: bots.Gone, Detail: "the command can no longer be answered"}
	}
	if content(text) == "" && !a.waits {
		return nil
	}
	c, f := a.call(op)
	if f != nil {
		return f
	}
	ex, done := b.send(ctx, c)
	defer done()
	if f := hideToken(fault(ex, bots.Operation{}), a.token); f != nil {
		return f
	}
	return nil
}

// call is the request that gives op's text for an answer.
func (a answer) call(op bots.Operation) (call, *bots.Fault) {
	path := "/webhooks/" + a.application + "/" + a.token
	original := path + "/messages/@original"
	m := edit(op)
	switch {
	case m.Content == "":
		return call{method: http.MethodDelete, path: original}, nil
	case a.waits:
		return with(http.MethodPatch, original, m)
	}
	m.Flags |= discordgo.MessageFlagsEphemeral
	return with(http.MethodPost, path, m)
}

// hideToken keeps an interaction's token, which is enough to speak in our
// name for 15 minutes, out of a fault.
func hideToken(f *bots.Fault, token string) *bots.Fault {
	if f != nil {
		f.Detail = strings.ReplaceAll(f.Detail, token, "***")
	}
	return f
}
