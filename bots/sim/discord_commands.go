package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The types of command options (Interactions, Application Commands).
const (
	optionString  = 3
	optionInteger = 4
	optionBoolean = 5
	optionNumber  = 10
)

type discordCommand struct {
	ID                       string          `json:"id"`
	ApplicationID            string          `json:"application_id"`
	Guild                    string          `json:"guild_id,omitempty"`
	Type                     int             `json:"type"`
	Name                     string          `json:"name"`
	Description              string          `json:"description"`
	Options                  []discordOption `json:"options,omitempty"`
	DefaultMemberPermissions *string         `json:"default_member_permissions"`
	Version                  string          `json:"version"`
}

type discordOption struct {
	Type         int             `json:"type"`
	Name         string          `json:"name"`
	Description  string          `json:"description"`
	Required     bool            `json:"required,omitempty"`
	Choices      []discordChoice `json:"choices,omitempty"`
	Autocomplete bool            `json:"autocomplete,omitempty"`
	MaxLength    int             `json:"max_length,omitempty"`
}

type discordChoice struct {
	Name  string `json:"name"`
	Value any    `json:"value"`
}

// putCommands replaces all commands of the application, or of it in the
// server.
func (d *Discord) putCommands(c *discordCall) discordAnswer {
	guild := c.PathValue("guild")
	switch {
	case c.PathValue("app") != c.me.ID:
		return discordKnown(10002)
	case guild != "" && guild != d.Guild:
		return discordKnown(50001)
	}
	var list []discordCommand
	if a, ok := c.decode(&list); !ok {
		return a
	}
	if len(list) > 100 {
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 0 and 100 in length.")
	}
	names := map[string]bool{}
	for i := range list {
		cmd := &list[i]
		if code, words, path := cmd.fault(names); code != "" {
			return discordInvalid(code, words, append([]string{strconv.Itoa(i)}, path...)...)
		}
		names[cmd.Name] = true
		cmd.ID, cmd.ApplicationID, cmd.Guild, cmd.Version = d.ids.next(), c.me.ID, guild, d.ids.next()
		cmd.Type = max(cmd.Type, 1)
	}
	d.commands[c.me.ID+" "+guild] = list
	return discordOK(list)
}

func (d *Discord) listCommands(c *discordCall) discordAnswer {
	if c.PathValue("app") != c.me.ID {
		return discordKnown(10002)
	}
	return discordOK(slices.Concat([]discordCommand{}, d.commands[c.me.ID+" "+c.PathValue("guild")]))
}

// fault is what is wrong with a command, and where in it.
func (cmd *discordCommand) fault(taken map[string]bool) (code, words string, path []string) {
	name := regexp.MustCompile(`^[-_'\p{L}\p{N}]{1,32}$`)
	badName := func(s string) bool { return !name.MatchString(s) || regexp.MustCompile(`\p{Lu}`).MatchString(s) }
	length := func(s string) bool { n := utf8.RuneCountInString(s); return n < 1 || n > 100 }
	switch {
	case badName(cmd.Name):
		return "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid", []string{"name"}
	case taken[cmd.Name]:
		return "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique", []string{"name"}
	case cmd.Type <= 1 && length(cmd.Description):
		return "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", []string{"description"}
	case len(cmd.Options) > 25:
		return "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 25 in length.", []string{"options"}
	}
	optional, used := false, map[string]bool{}
	for i, o := range cmd.Options {
		at := []string{"options", strconv.Itoa(i)}
		switch {
		case badName(o.Name):
			return "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid", append(at, "name")
		case used[o.Name]:
			return "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", "Option name already exists", append(at, "name")
		case length(o.Description):
			return "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", append(at, "description")
		case o.Type < 1 || o.Type > 11:
			return "BASE_TYPE_CHOICES", "Value must be one of {1, …, 11}.", append(at, "type")
		case o.Required && optional:
			return "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options must be placed before non-required options", at
		case len(o.Choices) > 25:
			return "BASE_TYPE_BAD_LENGTH", "Must be between 0 and 25 in length.", append(at, "choices")
		case o.Autocomplete && len(o.Choices) > 0:
			return "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", "Choices and autocomplete exclude each other", at
		}
		optional, used[o.Name] = optional || !o.Required, true
	}
	return "", "", nil
}

// command finds the slash command that a person typing this name would get:
// the server's own before the global one, and in a conversation the global one
// alone.
func (d *Discord) command(name string, direct bool) (discordCommand, error) {
	var found []discordCommand
	guilds := []string{d.Guild, ""}
	if direct {
		guilds = guilds[1:]
	}
	for _, guild := range guilds {
		for key, list := range d.commands {
			for _, cmd := range list {
				if cmd.Name == name && cmd.Type == 1 && key == cmd.ApplicationID+" "+guild {
					found = append(found, cmd)
				}
			}
		}
	}
	if len(found) == 0 {
		return discordCommand{}, fmt.Errorf("there is no command /%s", name)
	}
	return found[0], nil
}

// completes reports whether the client asks for completions of the option; no
// option is none to complete.
func (cmd discordCommand) completes(option string) bool {
	return option == "" || slices.ContainsFunc(cmd.Options, func(o discordOption) bool { return o.Name == option && o.Autocomplete })
}

// options turns what a person filled in into an interaction's options, or
// says what the client would not let him send. Partial input is for
// autocompletion, where required options may still be missing.
func (cmd discordCommand) options(given map[string]string, focused string) ([]map[string]any, error) {
	list := []map[string]any{}
	for name := range given {
		if !slices.ContainsFunc(cmd.Options, func(o discordOption) bool { return o.Name == name }) {
			return nil, fmt.Errorf("/%s has no option %q", cmd.Name, name)
		}
	}
	for _, o := range cmd.Options {
		text, ok := given[o.Name]
		if !ok {
			if o.Required && focused == "" {
				return nil, fmt.Errorf("/%s needs the option %q", cmd.Name, o.Name)
			}
			continue
		}
		value, err := o.value(text, focused == o.Name)
		if err != nil {
			return nil, err
		}
		v := map[string]any{"name": o.Name, "type": o.Type, "value": value}
		if focused == o.Name {
			v["focused"] = true
		}
		list = append(list, v)
	}
	return list, nil
}

// value is the text in the option's type.
func (o discordOption) value(text string, focused bool) (any, error) {
	limit := 6000
	if o.MaxLength > 0 {
		limit = o.MaxLength
	}
	switch {
	case focused:
		return text, nil // what is being typed is sent as it is
	case o.Type == optionString && utf8.RuneCountInString(text) > limit:
		return nil, fmt.Errorf("option %q takes at most %d characters", o.Name, limit)
	case len(o.Choices) > 0:
		for _, c := range o.Choices {
			if c.Name == text || fmt.Sprint(c.Value) == text {
				return c.Value, nil
			}
		}
		return nil, fmt.Errorf("option %q has no choice %q", o.Name, text)
	case o.Type == optionInteger:
		return strconv.ParseInt(text, 10, 64)
	case o.Type == optionBoolean:
		return strconv.ParseBool(text)
	case o.Type == optionNumber:
		return strconv.ParseFloat(text, 64)
	}
	return text, nil
}
