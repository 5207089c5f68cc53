package discord

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"
)

// Bounds of an autocompletion (Interactions, "Application Commands", "Option
// Choice").
const (
	maxChoices = 25
	maxChoice  = 100 // characters
)

type choices struct {
	Choices []choice `json:"choices"`
}

type choice struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// suggestWithin is how long values are waited for: what Discord allows, less
// the way there.
const suggestWithin = respondWithin * 2 / 3

// OnComplete sets the function that is asked for the values of an option, of
// which a part was typed. Its context ends when Discord waits no longer.
func (b *Bot) OnComplete(values func(ctx context.Context, command, option, typed string) []string) {
	b.suggest = values
}

// complete answers what a person is typing in an option. Values that do not come
// in time are none.
func (b *Bot) complete(ctx context.Context, in interaction) {
	answer := choices{Choices: []choice{}}
	i := slices.IndexFunc(in.Data.Options, func(o option) bool { return o.Focused })
	if i >= 0 && b.suggest != nil {
		o := in.Data.Options[i]
		asking, cancel := context.WithTimeout(ctx, suggestWithin)
		defer cancel()
		answer.Choices = offered(b.suggest(asking, in.Data.Name, o.Name, o.raw()))
	}
	// A failure shows no choices, and the next letter asks again.
	_ = b.respondFirst(ctx, in, discordgo.InteractionApplicationCommandAutocompleteResult, answer)
}

// offered are the values that Discord takes. One that is too long is left out:
// cut, it would be another value.
func offered(values []string) []choice {
	list := []choice{}
	seen := map[string]bool{}
	for _, v := range values {
		if n := utf8.RuneCountInString(v); n == 0 || n > maxChoice || seen[v] || len(list) == maxChoices {
			continue
		}
		seen[v] = true
		list = append(list, choice{Name: v, Value: v})
	}
	return list
}
