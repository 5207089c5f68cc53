package discord

import (
	"context"
	"net/http"

	"github.com/allclear-hq/allclear/bots"
)

// DirectChat opens the conversation with a person, or finds the one that there
// is (Resources, "Create DM"). It makes at most one request, and none for a
// person that it was asked for before: the channel stays the same.
func (b *Bot) DirectChat(ctx context.Context, person string) (string, error) {
	if !isID(person) {
		return "", reject("the person %q is not an id", person)
	}
	if chat, ok := b.direct.Load(person); ok {
		return chat.(string), nil
	}
	c, f := with(http.MethodPost, "/users/@me/channels", map[string]string{"recipient_id": person})
	if f != nil {
		return "", f
	}
	ex, done := b.send(ctx, c)
	defer done()
	if f := fault(ex, bots.Operation{}); f != nil {
		return "", f
	}
	var channel struct {
		ID string `json:"id"`
	}
	if f := decode(ex, &channel); f != nil {
		return "", f
	}
	if !isID(channel.ID) {
		return "", unreadable(ex)
	}
	b.direct.Store(person, channel.ID)
	return channel.ID, nil
}
