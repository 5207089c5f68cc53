package discord

import (
	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// labelComponent is the type of a label, which the library does not know yet.
const labelComponent = 18

const maxLabel = 80 // characters of a button (Components, "Button")

// row is a row of buttons (Components, "Action Row").
type row struct {
	Type       discordgo.ComponentType `json:"type"`
	Components []button                `json:"components"`
}

type button struct {
	Type     discordgo.ComponentType `json:"type"`
	Style    discordgo.ButtonStyle   `json:"style"`
	Label    string                  `json:"label"`
	CustomID string                  `json:"custom_id"`
}

// label is a text input of a modal with its name (Components, "Label").
type label struct {
	Type      discordgo.ComponentType `json:"type"`
	Label     string                  `json:"label"`
	Component input                   `json:"component"`
}

type input struct {
	Type      discordgo.ComponentType  `json:"type"`
	CustomID  string                   `json:"custom_id"`
	Style     discordgo.TextInputStyle `json:"style"`
	MaxLength int                      `json:"max_length"`
	Required  bool                     `json:"required"`
	Value     string                   `json:"value,omitempty"`
}

// keyboard writes buttons. It is never nil: an edit without the field would
// leave the buttons that are there (Resources, "Edit Message").
func keyboard(rows [][]bots.Button) []row {
	all := []row{}
	for _, r := range rows {
		line := row{Type: discordgo.ActionsRowComponent}
		for _, b := range r {
			line.Components = append(line.Components, button{
				Type: discordgo.ButtonComponent, Style: discordgo.SecondaryButton, Label: cut(b.Text, maxLabel), CustomID: b.Data,
			})
		}
		all = append(all, line)
	}
	return all
}

// cut shortens s to limit characters.
func cut(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit-1]) + "…"
	}
	return s
}
