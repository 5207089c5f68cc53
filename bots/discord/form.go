package discord

import (
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// The options that a form asks for, as inputs of the same names.
const (
	titleOption = "title"
	textOption  = "text"
)

// Bounds of a modal (Interactions, "Receiving and Responding", "Modal", and
// Components, "Text Input").
const (
	maxInputs   = 5
	maxFormName = 45   // characters of its title
	maxInput    = 4000 // characters of an input
	maxHeadline = 200  // characters of an incident's title, which is our own bound
	maxCustomID = 100  // characters
)

// form is the data of a response that opens a modal.
type form struct {
	CustomID   string  `json:"custom_id"`
	Title      string  `json:"title"`
	Components []label `json:"components"`
}

// formID is what a form's custom_id says: the command, and the options given
// with it. Nothing about an open form is kept here, so that one that was
// opened before a restart is understood after it.
type formID struct {
	Command string      `json:"c"`
	Given   [][2]string `json:"g,omitempty"` // name and value
}

func (id formID) String() string {
	b, err := json.Marshal(id)
	if err != nil {
		return "" // strings always marshal
	}
	return string(b)
}

// asks returns the form to open for a command that was used without its text.
// It is false where there is none to open: the command has no form, its text
// was given, or what was given does not fit into a form.
func (b *Bot) asks(in interaction) (form, bool) {
	forms := b.forms.Load()
	if forms == nil || in.Type != discordgo.InteractionApplicationCommand {
		return form{}, false
	}
	command, ok := (*forms)[in.Data.Name]
	given := values(in.Data.Options)
	title := given[titleOption]
	if !ok || given[textOption] != "" || utf8.RuneCountInString(title) > maxInput {
		return form{}, false
	}
	f := form{Title: cut("/"+command.Name, maxFormName), Components: fields(command, title)}
	id := formID{Command: command.Name}
	for _, o := range in.Data.Options {
		if s := o.text(); s != "" && o.Name != titleOption {
			id.Given = append(id.Given, [2]string{o.Name, s})
		}
	}
	return f, f.carry(id)
}

// fields are the inputs of a command's form. Where there is a title, it alone
// is a text too.
func fields(c bots.Command, title string) []label {
	text := label{Type: labelComponent, Label: "Text", Component: input{
		Type: discordgo.TextInputComponent, CustomID: textOption, Style: discordgo.TextInputParagraph, MaxLength: maxInput, Required: true,
	}}
	if !slices.ContainsFunc(c.Options, func(o bots.CommandOption) bool { return o.Name == titleOption }) {
		return []label{text}
	}
	text.Component.Required = false
	headline := short("Title", titleOption, title)
	headline.Component.MaxLength = max(maxHeadline, utf8.RuneCountInString(title))
	return []label{headline, text}
}

// short is a line of text, perhaps filled in.
func short(name, id, value string) label {
	return label{Type: labelComponent, Label: name, Component: input{
		Type: discordgo.TextInputComponent, CustomID: id, Style: discordgo.TextInputShort, MaxLength: maxInput, Required: true, Value: value,
	}}
}

// carry makes the form bring back what was given: in its custom_id as far as
// that holds it, the longest options otherwise in inputs that are filled in
// already. It is false when they do not fit.
func (f *form) carry(id formID) bool {
	for utf8.RuneCountInString(id.String()) > maxCustomID {
		longest := -1
		for i, g := range id.Given {
			if longest < 0 || len(g[1]) > len(id.Given[longest][1]) {
				longest = i
			}
		}
		if longest < 0 || len(f.Components) == maxInputs || utf8.RuneCountInString(id.Given[longest][1]) > maxInput {
			return false
		}
		g := id.Given[longest]
		f.Components = append(f.Components, short(cut(g[0], maxFormName), g[0], g[1]))
		id.Given = slices.Delete(id.Given, longest, longest+1)
	}
	f.CustomID = id.String()
	return true
}

// submitted returns the command that a form completes, with all its options.
// It is false for a modal that is none of ours.
func (in interaction) submitted() (command string, options []option, ok bool) {
	var id formID
	if json.Unmarshal([]byte(in.Data.CustomID), &id) != nil || id.Command == "" {
		return "", nil, false
	}
	for _, g := range id.Given {
		options = append(options, option{Name: g[0], Value: quote(g[1])})
	}
	return id.Command, append(options, inputs(in.Data.Components, 0)...), true
}

// inputs are what was typed into a modal, in the order of its fields.
func inputs(cs []component, depth int) []option {
	var all []option
	if depth > 4 { // deeper than any modal is
		return nil
	}
	for _, c := range cs {
		if c.CustomID != "" && c.Value != "" {
			all = append(all, option{Name: c.CustomID, Value: quote(c.Value)})
		}
		all = append(all, inputs(c.Components, depth+1)...)
		if c.Component != nil {
			all = append(all, inputs([]component{*c.Component}, depth+1)...)
		}
	}
	return all
}

// quote writes s as the option's value that it would have been.
func quote(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		return nil // strings always marshal
	}
	return b
}
