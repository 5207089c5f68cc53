package telegram

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

// maxAnswer is the longest answer to a pressed button, in characters.
const maxAnswer = 200

// Respond ends the wait that a person sees after pressing a button, and shows
// him text, cut to 200 characters, if there is any. Telegram accepts it only
// for some seconds after the press; later it is a Fault about a Message that is
// Gone. What was typed cannot be answered to one person alone: that is
// Rejected.
func (b *Bot) Respond(ctx context.Context, eventKey, text string) error {
	query, ok := strings.CutPrefix(eventKey, pressKey)
	if !ok {
		return &bots.Fault{Kind: bots.Rejected, Detail: "Telegram answers only pressed buttons to one person alone"}
	}
	params := tgbotapi.Params{"callback_query_id": query}
	params.AddNonEmpty("text", cut(text, maxAnswer))
	_, f := b.ask(ctx, "answerCallbackQuery", params)
	switch {
	case f == nil:
		return nil
	case has(f.Detail, "query is too old", "query id is invalid"):
		f.Kind, f.Subject = bots.Gone, bots.Message
	}
	return f
}

// DirectChat is the person himself: a conversation has the id of the user.
func (b *Bot) DirectChat(_ context.Context, person string) (string, error) {
	if n, err := strconv.ParseInt(person, 10, 64); err != nil || n <= 0 {
		return "", &bots.Fault{Kind: bots.Rejected, Detail: bots.OneLine(fmt.Sprintf("the person %q is not an id", person))}
	}
	return person, nil
}

// command is a BotCommand.
type command struct {
	Name        string `json:"command"`
	Description string `json:"description"`
}

// scope is a BotCommandScope of type "default" or "chat".
type scope struct {
	Type string `json:"type"`
	Chat any    `json:"chat_id,omitempty"` // a number, or an @name
}

// SetCommands offers commands by name in each of the chats, and none in chats
// without a list of their own. What private conversations are offered under a
// scope of theirs stays as it is.
//
// It asks for each list first and sets it only where it differs. A chat that
// refuses does not keep the others from theirs.
func (b *Bot) SetCommands(ctx context.Context, chats []string, commands []bots.Command) error {
	list := []command{}
	for _, c := range commands {
		if f := checkCommand(c); f != nil {
			return f
		}
		list = append(list, command{c.Name, c.Description})
	}
	errs := []error{b.offer(ctx, scope{Type: "default"}, "", nil)}
	for _, chat := range chats {
		s := scope{Type: "chat", Chat: chat}
		if n, err := strconv.ParseInt(chat, 10, 64); err == nil {
			s.Chat = n
		}
		if err := b.offer(ctx, s, "", list); err != nil {
			errs = append(errs, fmt.Errorf("commands in %s: %w", chat, err))
		}
	}
	return errors.Join(errs...)
}

func checkCommand(c bots.Command) *bots.Fault {
	name := c.Name != "" && len(c.Name) <= 32 && strings.Trim(c.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
	if !name || c.Description == "" {
		return &bots.Fault{Kind: bots.Rejected, Detail: bots.OneLine(fmt.Sprintf("/%s is not a command that Telegram offers, or lacks a description", c.Name))}
	}
	return nil
}

// SetPrivateCommands offers commands in conversations with people. Telegram
// tells languages apart by two letters.
func (b *Bot) SetPrivateCommands(ctx context.Context, byLanguage map[string][]bots.Command) error {
	var errs []error
	for _, language := range slices.Sorted(maps.Keys(byLanguage)) {
		list := []command{}
		for _, c := range byLanguage[language] {
			if f := checkCommand(c); f != nil {
				return f
			}
			list = append(list, command{c.Name, c.Description})
		}
		if err := b.offer(ctx, scope{Type: "all_private_chats"}, language, list); err != nil {
			errs = append(errs, fmt.Errorf("commands in language %q: %w", language, err))
		}
	}
	return errors.Join(errs...)
}

// offer makes list what is offered in s, to people of a language if that is
// not empty.
func (b *Bot) offer(ctx context.Context, s scope, language string, list []command) error {
	where, err := json.Marshal(s)
	if err != nil {
		return err
	}
	params := tgbotapi.Params{"scope": string(where)}
	params.AddNonEmpty("language_code", language)
	var offered []command
	if f := b.get(ctx, "getMyCommands", params, &offered); f != nil {
		return f
	}
	if slices.Equal(offered, list) {
		return nil
	}
	method := "deleteMyCommands"
	if len(list) > 0 {
		method = "setMyCommands"
		if err := params.AddInterface("commands", list); err != nil {
			return err
		}
	}
	if _, f := b.ask(ctx, method, params); f != nil {
		return f
	}
	return nil
}
