package discord

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// A Command is a slash command that people are offered.
type Command struct {
	Name        string // 1 to 32 lower-case letters
	Description string // at most 100 characters
	Options     []Option
}

// An Option is one of a command's fields, a text.
type Option struct {
	Name        string
	Description string
	Required    bool // those that are must come first
}

// Register replaces the application's commands: in the configured server,
// where it takes effect at once, or everywhere when there is none. It makes
// one request.
func (b *Bot) Register(ctx context.Context, commands []Command) error {
	if b.application == "" {
		return reject("commands need the application's id")
	}
	list := []discordgo.ApplicationCommand{}
	for _, c := range commands {
		list = append(list, c.wire())
	}
	body, err := json.Marshal(list)
	if err != nil {
		return reject("the commands cannot be written: %v", err)
	}
	path := "/applications/" + b.application
	if b.guild != "" {
		path += "/guilds/" + b.guild
	}
	ex, done := b.send(ctx, call{method: http.MethodPut, path: path + "/commands", body: body})
	defer done()
	if f := fault(ex, bots.Operation{}); f != nil {
		return f
	}
	return nil
}

func (c Command) wire() discordgo.ApplicationCommand {
	w := discordgo.ApplicationCommand{Type: discordgo.ChatApplicationCommand, Name: c.Name, Description: c.Description}
	for _, o := range c.Options {
		w.Options = append(w.Options, &discordgo.ApplicationCommandOption{
			Type: discordgo.ApplicationCommandOptionString, Name: o.Name, Description: o.Description, Required: o.Required,
		})
	}
	return w
}
