package discord

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// said is a message as the gateway sends it (Events, "Message Create").
type said struct {
	ID        string     `json:"id"`
	Type      int        `json:"type"`
	Channel   string     `json:"channel_id"`
	Guild     string     `json:"guild_id"`
	Content   string     `json:"content"`
	Edited    *time.Time `json:"edited_timestamp"`
	WebhookID string     `json:"webhook_id"`
	Author    *person    `json:"author"`
	Member    *nick      `json:"member"`
	Reference *struct {
		Type    int    `json:"type"`
		Message string `json:"message_id"`
	} `json:"message_reference"`
	Snapshots []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
	} `json:"message_snapshots"`
}

type person struct {
	ID         string `json:"id"`
	Username   string `json:"username"`
	GlobalName string `json:"global_name"`
	Bot        bool   `json:"bot"`
}

type nick struct {
	Nick string  `json:"nick"`
	User *person `json:"user"`
}

// interaction is a command, button press or modal (Interactions, "Interaction
// Object").
type interaction struct {
	ID          string                    `json:"id"`
	Application string                    `json:"application_id"`
	Type        discordgo.InteractionType `json:"type"`
	Token       string                    `json:"token"`
	Guild       string                    `json:"guild_id"`
	ChannelID   string                    `json:"channel_id"`
	Channel     struct {
		Type   int    `json:"type"`
		Parent string `json:"parent_id"` // of a thread
	} `json:"channel"`
	Member  *nick   `json:"member"` // in a server
	User    *person `json:"user"`   // in a private conversation
	Message *said   `json:"message"`
	Data    struct {
		Name       string      `json:"name"`
		Options    []option    `json:"options"`
		CustomID   string      `json:"custom_id"`
		Values     []string    `json:"values"`
		Components []component `json:"components"`
	} `json:"data"`
}

type option struct {
	Name    string          `json:"name"`
	Value   json.RawMessage `json:"value"`
	Focused bool            `json:"focused"` // it is being typed
	Options []option        `json:"options"` // of a subcommand
}

// component is a part of a modal: an input, a row of them, or a label with one.
type component struct {
	CustomID   string      `json:"custom_id"`
	Value      string      `json:"value"`
	Components []component `json:"components"`
	Component  *component  `json:"component"`
}

// The kinds of messages that people type (Resources, "Message Types") and the
// kind of reference that is a forward.
const (
	plainMessage = 0
	replyMessage = 19
	forward      = 1
)

// event turns a message into an event; parent is the channel of the thread
// that it is in, or empty. It returns false for what is not a
// person's words: bots, ourselves included, webhooks, notices of the platform,
// and changes that nobody typed (a preview, a pin).
func (m said) event(parent string, edited bool) (bots.Event, bool) {
	if m.Author == nil || m.Author.Bot || m.WebhookID != "" || m.Type != plainMessage && m.Type != replyMessage {
		return bots.Event{}, false
	}
	if edited && m.Edited == nil {
		return bots.Event{}, false
	}
	e := bots.Event{
		Kind: bots.Said, Key: m.ID, Message: m.ID, Person: m.Author.ID, Name: name(m.Member, m.Author),
		Text: m.Content, Private: m.Guild == "", At: timeOf(m.ID),
	}
	e.Chat = m.Channel
	if parent != "" {
		e.Chat, e.Thread = parent, m.Channel
	}
	if edited {
		e.Kind, e.At = bots.Edited, *m.Edited
		e.Key += "/" + m.Edited.UTC().Format(time.RFC3339Nano)
	}
	if r := m.Reference; r != nil && r.Type == forward {
		e.Forwarded = true
		if len(m.Snapshots) > 0 {
			e.Text = m.Snapshots[0].Message.Content
		}
	} else if r != nil {
		e.ReplyTo = r.Message
	}
	return e, isID(m.ID)
}

// event turns an interaction into an event. It returns false for what is not
// a finished act (pings and autocompletion) and for modals that are not ours.
func (in interaction) event() (bots.Event, bool) {
	e := bots.Event{Kind: bots.Said, Key: in.ID, Private: in.Guild == "", At: timeOf(in.ID)}
	e.Chat = in.ChannelID
	if isThread(in.Channel.Type) && in.Channel.Parent != "" {
		e.Chat, e.Thread = in.Channel.Parent, in.ChannelID
	}
	who := in.User
	if in.Member != nil && in.Member.User != nil {
		who = in.Member.User
	}
	if who == nil || !in.answerable() {
		return bots.Event{}, false
	}
	e.Person, e.Name = who.ID, name(in.Member, who)
	if in.Message != nil {
		e.Message = in.Message.ID
	}
	switch in.Type {
	case discordgo.InteractionApplicationCommand:
		setCommand(&e, in.Data.Name, in.Data.Options)
	case discordgo.InteractionMessageComponent:
		e.Kind, e.Button, e.Text = bots.Pressed, in.Data.CustomID, strings.Join(in.Data.Values, " ")
	case discordgo.InteractionModalSubmit:
		name, options, ok := in.submitted()
		if !ok {
			return bots.Event{}, false
		}
		setCommand(&e, name, options)
	default:
		return bots.Event{}, false
	}
	return e, true
}

// setCommand says in e which command was used, and how.
func setCommand(e *bots.Event, name string, options []option) {
	e.Command, e.Options, e.Text = name, values(options), commandLine(name, options)
}

// values are the options that were filled in, by name; nil for none.
func values(options []option) map[string]string {
	var given map[string]string
	for _, o := range options {
		if s := o.text(); s != "" {
			if given == nil {
				given = map[string]string{}
			}
			given[o.Name] = s
		}
	}
	return given
}

// answerable reports whether an answer can be addressed.
func (in interaction) answerable() bool {
	return isID(in.ID) && isToken(in.Token) && isID(in.Application)
}

// isToken reports whether s can stand in a path: tokens are in base64 for
// addresses.
func isToken(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool {
		return r > 0x7f || !isWord(byte(r)) && strings.IndexByte("-_.~=", byte(r)) < 0
	}) < 0 && strings.Trim(s, ".") != ""
}

// name is how clients show a person.
func name(m *nick, p *person) string {
	switch {
	case m != nil && m.Nick != "":
		return m.Nick
	case p.GlobalName != "":
		return p.GlobalName
	}
	return p.Username
}

// commandLine writes a slash command as a person would type it in a room. The
// verb and the closed words (incident, update, draft, channel, impact,
// components, then options that are not known here, then reason) stand on the
// first line, in this order whatever the order they were filled in; title and
// text each begin a line of their own, and so does the promise, as "next …".
func commandLine(verb string, options []option) string {
	first := []string{"/" + verb}
	for range 2 { // a group and a subcommand at most: they are options without a value
		if len(options) != 1 || options[0].Value != nil {
			break
		}
		first, options = append(first, options[0].Name), options[0].Options
	}
	var below []string
	for _, o := range inOrder(options) {
		value := o.text()
		switch {
		case value == "":
		case o.Name == "next" && !strings.HasPrefix(strings.ToLower(value), "next "):
			below = append(below, "next "+value)
		case o.Name == "title" || o.Name == "text" || o.Name == "next":
			below = append(below, value)
		default:
			first = append(first, value)
		}
	}
	return strings.Join(append([]string{strings.Join(first, " ")}, below...), "\n")
}

func inOrder(options []option) []option {
	order := []string{"incident", "update", "draft", "channel", "impact", "components", "", "reason", "title", "text", "next"}
	rank := func(o option) int {
		if i := slices.Index(order, o.Name); i >= 0 {
			return i
		}
		return slices.Index(order, "")
	}
	sorted := slices.Clone(options)
	slices.SortStableFunc(sorted, func(a, b option) int { return rank(a) - rank(b) })
	return sorted
}

// text is an option's value, without space around it.
func (o option) text() string { return strings.TrimSpace(o.raw()) }

// raw is an option's value as it was typed: a string, a number or a boolean.
func (o option) raw() string {
	var s string
	if json.Unmarshal(o.Value, &s) == nil {
		return s
	}
	return string(o.Value)
}
