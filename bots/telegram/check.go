package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

// Check asks who the bot is, and what it may do in each target.
func (b *Bot) Check(ctx context.Context, targets []string) (string, map[string]string, error) {
	me, f := b.me(ctx)
	if f != nil {
		return "", nil, f
	}
	problems := make(map[string]string, len(targets))
	for _, target := range targets {
		problem, err := b.checkTarget(ctx, me.ID, target)
		if err != nil {
			return "", nil, err
		}
		problems[target] = problem
	}
	if b.paid {
		problems[""] = b.checkStars(ctx)
	}
	return "@" + me.Username + " (" + me.Name + ")", problems, nil
}

// self is who the bot is.
type self struct {
	ID       int64  `json:"id"`
	Name     string `json:"first_name"`
	Username string `json:"username"`
}

func (b *Bot) me(ctx context.Context) (me self, f *bots.Fault) {
	if f = b.get(ctx, "getMe", nil, &me); f == nil {
		b.username.Store(&me.Username)
	}
	return me, f
}

// Username asks who the bot is, once.
func (b *Bot) Username(ctx context.Context) (string, error) {
	if name := b.username.Load(); name != nil {
		return *name, nil
	}
	me, f := b.me(ctx)
	if f != nil {
		return "", f
	}
	return me.Username, nil
}

// Admins asks who the administrators of the chat are, which Telegram tells every
// member. What one person is, it surely tells only an administrator:
// core.telegram.org/bots/api#getchatmember.
func (b *Bot) Admins(ctx context.Context, chat string) ([]string, error) {
	var all []struct {
		User user `json:"user"`
	}
	if f := b.get(ctx, "getChatAdministrators", tgbotapi.Params{"chat_id": chat}, &all); f != nil {
		return nil, f
	}
	var people []string
	for _, m := range all {
		if !m.User.Bot {
			people = append(people, decimal(m.User.ID))
		}
	}
	return people, nil
}

// checkTarget returns what is missing in one chat. The error is about
// everything: Telegram cannot be reached, or refuses the bot.
func (b *Bot) checkTarget(ctx context.Context, me int64, target string) (string, error) {
	var place struct {
		Type  string `json:"type"`
		Forum bool   `json:"is_forum"`
	}
	params := tgbotapi.Params{"chat_id": target}
	if f := b.get(ctx, "getChat", params, &place); f != nil {
		return ownFault(f)
	}
	if place.Type == "private" {
		return "", nil // the person has started the bot, or it would not be found
	}
	var rights rights
	params["user_id"] = decimal(me)
	if f := b.get(ctx, "getChatMember", params, &rights); f != nil {
		return ownFault(f)
	}
	return strings.Join(rights.missing(place.Type, place.Forum), "; "), nil
}

// leastStars is what paid broadcasts want on a bot's balance
// (core.telegram.org/bots/api#paid-broadcasts).
const leastStars = 10_000

// checkStars says what is missing for paid broadcasts, as far as the server tells.
func (b *Bot) checkStars(ctx context.Context) string {
	var balance struct {
		Amount int `json:"amount"`
	}
	if f := b.get(ctx, "getMyStarBalance", nil, &balance); f != nil || balance.Amount >= leastStars {
		return ""
	}
	return fmt.Sprintf("nothing will be paid for: the bot has %d Stars, and Telegram wants %d for paid broadcasts", balance.Amount, leastStars)
}

// ownFault tells a problem of one target from one of all.
func ownFault(f *bots.Fault) (string, error) {
	if f.Subject == bots.Target || f.Kind == bots.Rejected {
		return f.Detail, nil
	}
	return "", f
}

// rights is what a ChatMember may do. Telegram leaves out those that a kind of
// chat does not have.
type rights struct {
	Status string `json:"status"`
	Member bool   `json:"is_member"`
	Post   bool   `json:"can_post_messages"`
	Edit   bool   `json:"can_edit_messages"`
	Pin    bool   `json:"can_pin_messages"`
	Topics bool   `json:"can_manage_topics"`
	Send   bool   `json:"can_send_messages"` // of a restricted member
}

// missing names what cannot be done, worst first.
func (r rights) missing(kind string, forum bool) []string {
	var list []string
	need := func(ok bool, what string) {
		if !ok {
			list = append(list, what)
		}
	}
	admin := r.Status == "administrator" || r.Status == "creator"
	owner := r.Status == "creator"
	switch {
	case !(member{r.Status, r.Member}).in():
		return []string{"the bot is not a member"}
	case kind == "channel" && !admin:
		return []string{"cannot post: the bot is not an administrator"}
	case kind == "channel":
		need(r.Post || owner, "cannot post: can_post_messages is off")
		need(r.Edit || owner, "cannot pin: can_edit_messages is off")
		return list
	}
	need(r.Status != "restricted" || r.Send, "cannot post: the bot is restricted")
	need(!forum || r.Topics || owner, "cannot open topics: can_manage_topics is off")
	need(!admin || r.Pin || owner, "cannot pin: can_pin_messages is off")
	return list
}

// get decodes the result of a method into v.
func (b *Bot) get(ctx context.Context, method string, params tgbotapi.Params, v any) *bots.Fault {
	result, f := b.ask(ctx, method, params)
	if f == nil && json.Unmarshal(result, v) != nil {
		f = &bots.Fault{Kind: bots.Unsure, Detail: "the answer to " + method + " cannot be read"}
	}
	return f
}
