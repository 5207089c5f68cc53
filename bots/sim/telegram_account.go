package sim

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// tgPress is a pressed button that waits for its answer.
type tgPress struct {
	bot      *tgBot
	at       time.Time
	answered bool
	text     string
	alert    bool
}

// tgAnswerTime is how long a callback query can be answered. The Bot API names
// no number; its clients report refusals from about 15 seconds on.
const tgAnswerTime = 15 * time.Second

func (c *tgCall) getMe() (any, error) {
	return tgMe{tgUser: c.bot.user, CanJoinGroups: true, CanReadAll: c.bot.readAll}, nil
}

// answerCallbackQuery answers a press once.
func (c *tgCall) answerCallbackQuery() (any, error) {
	q := c.callbacks[c.p["callback_query_id"]]
	if q == nil || q.bot != c.bot || q.answered || c.Clock().Sub(q.at) > tgAnswerTime {
		return nil, tgBad("query is too old and response timeout expired or query ID is invalid")
	}
	if utf8.RuneCountInString(c.p["text"]) > 200 {
		return nil, tgBad("MESSAGE_TOO_LONG")
	}
	q.answered, q.text, q.alert = true, c.p["text"], c.p.yes("show_alert")
	notify(c.changed)
	return true, nil
}

// Answered returns the words that the presser of a button was shown, and
// whether the query was answered at all.
func (t *Telegram) Answered(query string) (text string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if q := t.callbacks[query]; q != nil {
		return q.text, q.answered
	}
	return "", false
}

type tgCommand struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

// setMyCommands keeps one list for each scope and language.
func (c *tgCall) setMyCommands() (any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return nil, err
	}
	var commands []tgCommand
	if err := c.p.object("commands", "commands", &commands); err != nil {
		return nil, err
	}
	if len(commands) > 100 {
		return nil, tgBad("BOT_COMMANDS_TOO_MUCH")
	}
	for i, cmd := range commands {
		name := strings.TrimPrefix(cmd.Command, "/")
		if !validCommand(name) {
			return nil, tgBad("BOT_COMMAND_INVALID")
		}
		if n := utf8.RuneCountInString(cmd.Description); n < 1 || n > 256 {
			return nil, tgBad("BOT_COMMAND_DESCRIPTION_INVALID")
		}
		commands[i].Command = name
	}
	c.bot.commands[scope], _ = json.Marshal(commands) // strings always marshal
	return true, nil
}

func validCommand(s string) bool {
	return s != "" && len(s) <= 32 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func (c *tgCall) getMyCommands() (any, error) {
	scope, err := c.commandScope()
	if err != nil {
		return nil, err
	}
	if list, ok := c.bot.commands[scope]; ok {
		return list, nil
	}
	return []tgCommand{}, nil
}

func (c *tgCall) deleteMyCommands() (any, error) {
	scope, err := c.commandScope()
	delete(c.bot.commands, scope)
	return true, err
}

// commandScope is a key for the scope and language of a list of commands.
func (c *tgCall) commandScope() (string, error) {
	scope := struct {
		Type string `json:"type"`
		Chat any    `json:"chat_id"`
		User int64  `json:"user_id"`
	}{Type: "default"}
	if err := c.p.object("scope", "BotCommandScope", &scope); err != nil {
		return "", err
	}
	language := c.p["language_code"]
	if len(language) != 0 && len(language) != 2 {
		return "", tgBad("invalid language code specified")
	}
	key := scope.Type
	switch scope.Type {
	case "default", "all_private_chats", "all_group_chats", "all_chat_administrators":
	case "chat", "chat_administrators", "chat_member":
		chat, err := c.scopeChat(scope.Chat)
		if err != nil {
			return "", err
		}
		key += " " + chat + " " + strconv.FormatInt(scope.User, 10)
	default:
		return "", tgBad("can't parse BotCommandScope: unsupported type specified")
	}
	return key + " " + language, nil
}

func (c *tgCall) scopeChat(id any) (string, error) {
	name, _ := id.(string)
	if n, ok := id.(float64); ok {
		name = strconv.FormatInt(int64(n), 10)
	}
	chat := c.find(c.bot, name)
	if chat == nil {
		return "", tgBad("chat not found")
	}
	return chat.key(), chat.access()
}

func (c *tgCall) getChat() (any, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	full := tgFullChat{tgChatInfo: chat.info, MaxReactions: 11}
	for _, p := range slices.Backward(chat.posts) {
		if p.pinned && !p.deleted {
			full.PinnedMessage = chat.wire(p)
			break
		}
	}
	return full, nil
}

func (c *tgCall) getMyStarBalance() (any, error) {
	stars := 1_000_000
	if c.Limits.Broke {
		stars = 0
	}
	return map[string]int{"amount": stars}, nil
}

func (c *tgCall) getChatMember() (any, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	id := c.p.integer("user_id")
	for _, b := range c.bots {
		if b.user.ID == id {
			return chat.bots.wire(b.user, chat), nil
		}
	}
	p := c.people[id]
	if p == nil {
		return nil, tgBad("user not found")
	}
	return chat.memberWire(p), nil
}

func (c *tgCall) getChatAdministrators() (any, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	if chat.owner != nil {
		return nil, tgBad("there are no administrators in the private chat")
	}
	all := []map[string]any{}
	if chat.can("") { // other bots are left out
		all = append(all, chat.bots.wire(c.bot.user, chat))
	}
	for _, id := range slices.Sorted(maps.Keys(chat.admins)) {
		all = append(all, chat.memberWire(c.people[id]))
	}
	return all, nil
}

func (c *tgCall) leaveChat() (any, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	if chat.owner != nil {
		return nil, tgBad("can't leave private chats") // nothing to leave
	}
	before := chat.bots
	chat.bots = Membership{Status: "left"}
	c.tellMembership(c.bot, chat, c.bot.user, before, chat.bots)
	notify(c.changed)
	return true, nil
}

// memberWire is a ChatMember for a person.
func (c *tgChat) memberWire(p *tgPerson) map[string]any {
	m := Membership{Status: "left"}
	switch {
	case c.admins[p.user.ID]:
		m = Membership{}
	case c.owner != nil && c.person == p, c.members[p.user.ID]:
		m.Status = "member"
	}
	return m.wire(p.user, c)
}

// wire is a ChatMember as the API shows it.
func (m Membership) wire(user tgUser, c *tgChat) map[string]any {
	status := cmp.Or(m.Status, "administrator")
	w := map[string]any{"user": user, "status": status}
	if status == "administrator" {
		w["can_be_edited"], w["is_anonymous"] = false, false
		for _, right := range tgRights(c.info.Type) {
			w[right] = !slices.Contains(m.Denied, right)
		}
	}
	if status == "kicked" {
		w["until_date"] = 0
	}
	return w
}
