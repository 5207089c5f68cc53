package discord

import (
	"context"
	"encoding/json"
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

// acknowledge gives the first response to an interaction, which Discord wants
// within three seconds: "thinking…" for a command or modal, which
// [Bot.Respond] replaces, and nothing to be seen for a button.
func (b *Bot) acknowledge(ctx context.Context, in interaction) *bots.Fault {
	response := discordgo.InteractionResponse{
		Type: discordgo.InteractionResponseDeferredChannelMessageWithSource,
		Data: &discordgo.InteractionResponseData{Flags: discordgo.MessageFlagsEphemeral},
	}
	if in.Type == discordgo.InteractionMessageComponent {
		response = discordgo.InteractionResponse{Type: discordgo.InteractionResponseDeferredMessageUpdate}
	}
	body, err := json.Marshal(response)
	if err != nil {
		return reject("the response cannot be written: %v", err)
	}
	b.answers.keep(in.ID, answer{
		application: in.Application, token: in.Token,
		waits: in.Type != discordgo.InteractionMessageComponent,
	})
	ex, done := b.send(ctx, call{method: http.MethodPost, path: "/interactions/" + in.ID + "/" + in.Token + "/callback", body: body})
	defer done()
	return hideToken(fault(ex, bots.Operation{}), in.Token)
}

// Respond answers the command, modal or button press with this [bots.Event.Key],
// visibly only to the person who made it. It works for 15 minutes after the
// event, in the process that heard it; afterwards the fault is Gone. It makes
// one request.
func (b *Bot) Respond(ctx context.Context, key, text string) error {
	op := bots.Operation{Action: bots.Post, Target: "0", Text: text}
	if f := check(op); f != nil {
		return f
	}
	a, ok := b.answers.take(key)
	if !ok {
		return &bots.Fault{Kind: bots.Gone, Detail: "the command can no longer be answered"}
	}
	m := edit(op)
	method, path := http.MethodPost, "/webhooks/"+a.application+"/"+a.token
	if a.waits {
		method, path = http.MethodPatch, path+"/messages/@original"
	} else {
		m.Flags |= discordgo.MessageFlagsEphemeral
	}
	c, f := with(method, path, m)
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

// hideToken keeps an interaction's token, which is enough to speak in our
// name for 15 minutes, out of a fault.
func hideToken(f *bots.Fault, token string) *bots.Fault {
	if f != nil {
		f.Detail = strings.ReplaceAll(f.Detail, token, "***")
	}
	return f
}
