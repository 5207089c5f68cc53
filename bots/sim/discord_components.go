package sim

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// The component types that matter here (Components, Component Reference).
const (
	componentRow       = 1
	componentButton    = 2
	componentTextInput = 4
	styleLink          = 5
)

type discordComponent struct {
	Type        int                `json:"type"`
	Components  []discordComponent `json:"components,omitempty"`
	Component   *discordComponent  `json:"component,omitempty"` // of a label in a modal
	Style       int                `json:"style,omitempty"`
	Label       string             `json:"label,omitempty"`
	CustomID    string             `json:"custom_id,omitempty"`
	URL         string             `json:"url,omitempty"`
	Disabled    bool               `json:"disabled,omitempty"`
	Required    *bool              `json:"required,omitempty"`
	MinLength   int                `json:"min_length,omitempty"`
	MaxLength   int                `json:"max_length,omitempty"`
	Value       string             `json:"value,omitempty"`
	Placeholder string             `json:"placeholder,omitempty"`
}

// checkComponents refuses rows of buttons that Discord would.
func checkComponents(rows []discordComponent) (discordAnswer, bool) {
	if len(rows) > 5 {
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.", "components"), false
	}
	seen := map[string]bool{}
	for i, row := range rows {
		at := strconv.Itoa(i)
		if row.Type != componentRow {
			return discordInvalid("UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (1,).", "components", at, "type"), false
		}
		if n := len(row.Components); n < 1 || n > 5 {
			return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.", "components", at, "components"), false
		}
		for j, c := range row.Components {
			if code, words, field := c.fault(seen); code != "" {
				return discordInvalid(code, words, "components", at, "components", strconv.Itoa(j), field), false
			}
		}
	}
	return discordAnswer{}, true
}

// fault is what is wrong with a component of a row, and in which field.
func (c discordComponent) fault(seen map[string]bool) (code, words, field string) {
	switch {
	case c.Type != componentButton:
		return "", "", "" // menus are not looked into
	case c.Style < 1 || c.Style > 6:
		return "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.", "style"
	case utf8.RuneCountInString(c.Label) > 80:
		return "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.", "label"
	case c.Style == styleLink && c.URL == "":
		return "BASE_TYPE_REQUIRED", "This field is required", "url"
	case c.Style == styleLink:
		return "", "", ""
	case c.CustomID == "":
		return "BASE_TYPE_REQUIRED", "This field is required", "custom_id"
	case utf8.RuneCountInString(c.CustomID) > 100:
		return "BASE_TYPE_MAX_LENGTH", "Must be 100 or fewer in length.", "custom_id"
	case seen[c.CustomID]:
		return "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated", "custom_id"
	}
	seen[c.CustomID] = true
	return "", "", ""
}

// discordButtons is the rows as a person sees them; a link button has its
// address for data.
func discordButtons(rows []discordComponent) [][]Button {
	var all [][]Button
	for _, row := range rows {
		var line []Button
		for _, c := range row.Components {
			if c.Type == componentButton {
				line = append(line, Button{Text: c.Label, Data: c.CustomID + c.URL})
			}
		}
		if line != nil {
			all = append(all, line)
		}
	}
	return all
}

// pressable reports whether a person can press the button.
func pressable(rows []discordComponent, customID string) bool {
	return slices.ContainsFunc(rows, func(row discordComponent) bool {
		return slices.ContainsFunc(row.Components, func(c discordComponent) bool {
			return c.Type == componentButton && c.CustomID == customID && c.Style != styleLink && !c.Disabled
		})
	})
}

// inputs are the text inputs of a modal, in rows or labels.
func inputs(rows []discordComponent) []discordComponent {
	var all []discordComponent
	for _, row := range rows {
		list := row.Components
		if row.Component != nil {
			list = append(list, *row.Component)
		}
		for _, c := range list {
			if c.Type == componentTextInput {
				all = append(all, c)
			}
		}
	}
	return all
}
