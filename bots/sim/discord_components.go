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
	componentLabel     = 18
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

// inputFault is what is wrong with the fields of a modal, and where: "" for
// nothing. Each row or label holds one text input.
func inputFault(rows []discordComponent) (words string, path []string) {
	seen := map[string]bool{}
	for i, row := range rows {
		fields := inputs(rows[i : i+1])
		at := []string{strconv.Itoa(i)}
		if len(fields) != 1 {
			return "Each row or label takes one text input.", at
		}
		f := fields[0]
		name := f.Label
		if row.Type == componentLabel {
			name, at = row.Label, append(at, "component")
		}
		chars := utf8.RuneCountInString
		switch {
		case f.CustomID == "" || chars(f.CustomID) > 100 || seen[f.CustomID]:
			return "The custom id is missing, too long or used before.", append(at, "custom_id")
		case f.Style < 1 || f.Style > 2:
			return "Value must be one of {1, 2}.", append(at, "style")
		case name == "" || chars(name) > 45:
			return "Must be between 1 and 45 in length.", append(at, "label")
		case f.MaxLength < 0 || f.MaxLength > 4000 || f.MinLength < 0 || f.MinLength > 4000:
			return "int value should be between 0 and 4000.", append(at, "max_length")
		case chars(f.Value) > 4000 || f.MaxLength > 0 && chars(f.Value) > f.MaxLength:
			return "The value is too long.", append(at, "value")
		}
		seen[f.CustomID] = true
	}
	return "", nil
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
