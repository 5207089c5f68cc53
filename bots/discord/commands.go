package discord

import (
	"context"
	"net/http"
	"reflect"
	"regexp"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// maxDescription is the longest description of a command or option, in
// characters (Interactions, "Application Commands").
const maxDescription = 100

// slashCommand is what we say of a command, and read back of one.
type slashCommand struct {
	Type        discordgo.ApplicationCommandType `json:"type"`
	Name        string                           `json:"name"`
	Description string                           `json:"description"`
	Options     []slashOption                    `json:"options,omitempty"`
}

type slashOption struct {
	Type         discordgo.ApplicationCommandOptionType `json:"type"`
	Name         string                                 `json:"name"`
	Description  string                                 `json:"description"`
	Required     bool                                   `json:"required,omitempty"`
	Autocomplete bool                                   `json:"autocomplete,omitempty"`
}

// SetCommands makes these the application's commands: in the configured
// server, where it takes effect at once, or everywhere when there is none.
// Discord knows no commands of single channels, so that chats only says
// whether there are to be any. It reads the commands that are registered and
// writes them only where they differ, since Discord allows 200 new ones a day
// (Interactions, "Application Commands").
func (b *Bot) SetCommands(ctx context.Context, chats []string, commands []bots.Command) error {
	if b.application == "" {
		return reject("commands need the application's id")
	}
	want := []slashCommand{}
	forms := map[string]bots.Command{}
	for _, c := range commands {
		if f := checkCommand(c); f != nil {
			return f
		}
		if len(chats) > 0 {
			want = append(want, wire(c))
		}
		if c.Modal {
			forms[c.Name] = c
		}
	}
	b.forms.Store(&forms) // those registered earlier may be used even if what follows fails
	path := "/applications/" + b.application
	if b.guild != "" {
		path += "/guilds/" + b.guild
	}
	return b.register(ctx, path+"/commands", want)
}

// register writes the commands where they are not those registered.
func (b *Bot) register(ctx context.Context, path string, want []slashCommand) error {
	var have []slashCommand
	if f := b.get(ctx, path, &have); f != nil {
		return f
	}
	if same(have, want) {
		return nil
	}
	c, f := with(http.MethodPut, path, want)
	if f != nil {
		return f
	}
	ex, done := b.send(ctx, c)
	defer done()
	if f := fault(ex, bots.Operation{}); f != nil {
		return f
	}
	return nil
}

// same compares commands whatever their order. That of options matters to
// people.
func same(have, want []slashCommand) bool {
	byName := map[string]slashCommand{}
	for _, c := range have {
		if len(c.Options) == 0 {
			c.Options = nil
		}
		byName[c.Name] = c
	}
	for _, c := range want {
		if !reflect.DeepEqual(byName[c.Name], c) {
			return false
		}
	}
	return len(have) == len(want)
}

func checkCommand(c bots.Command) *bots.Fault {
	name := regexp.MustCompile(`^[a-z0-9_]{1,32}$`)
	described := func(s string) bool { n := utf8.RuneCountInString(s); return n > 0 && n <= maxDescription }
	if !name.MatchString(c.Name) || !described(c.Description) {
		return reject("/%s is not a command that Discord offers: its name or description does not fit", c.Name)
	}
	for _, o := range c.Options {
		switch {
		case !name.MatchString(o.Name) || !described(o.Description):
			return reject("the option %q of /%s does not fit", o.Name, c.Name)
		case c.Modal && o.Required && (o.Name == titleOption || o.Name == textOption):
			return reject("/%s asks for %s in a form, so that it cannot be required", c.Name, o.Name)
		}
	}
	return nil
}

// wire writes a command. Options that are required must come first.
func wire(c bots.Command) slashCommand {
	w := slashCommand{Type: discordgo.ChatApplicationCommand, Name: c.Name, Description: c.Description}
	for _, required := range []bool{true, false} {
		for _, o := range c.Options {
			if o.Required == required {
				w.Options = append(w.Options, slashOption{
					Type: discordgo.ApplicationCommandOptionString, Name: o.Name, Description: o.Description,
					Required: o.Required, Autocomplete: o.Complete,
				})
			}
		}
	}
	return w
}
