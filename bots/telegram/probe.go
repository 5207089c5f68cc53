package telegram

import (
	"context"
	"net/http"
	"strings"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

// Probe asks whether one of the messages says exactly what op posts. The Bot
// API reads nothing back; but an edit that would change nothing is refused with
// "message is not modified", and that proves what the message says.
//
// An edit that is not refused has changed a message, so it must not be tried
// where there could be another one that we can edit:
//
//   - In a channel, an administrator with can_edit_messages can edit what
//     others posted. Only without that right are their messages safe from us.
//   - In groups and conversations there are messages of ours that are no posts
//     (cards, answers, previews), whose ids nobody keeps. So only channels are
//     probed, in which we do nothing but post.
//   - The other posts of ours are the caller's to leave out: ids that are known,
//     and those that another post without an answer may have.
//
// What then can have one of the ids is the post itself, somebody else's message
// or a note of Telegram's (both "can't be edited"), or nothing.
func (b *Bot) Probe(ctx context.Context, op bots.Operation, ids []string) (bots.Receipt, bool, error) {
	if f := b.mayProbe(ctx, op.Target); f != nil {
		return bots.Receipt{}, false, f
	}
	for _, id := range ids {
		edit := bots.Operation{Action: bots.Edit, Target: op.Target, Message: id, Text: op.Text}
		method, params, f := b.request(edit)
		if f != nil {
			return bots.Receipt{}, false, f
		}
		_, refusal, f := b.call(ctx, method, params)
		switch {
		case f != nil:
			return bots.Receipt{}, false, f
		case refusal == nil: // contrary to all that is said above
			return bots.Receipt{}, false, &bots.Fault{Kind: bots.Rejected, Subject: bots.Message, Detail: "message " + id + " was another one, and now has these words: correct it by hand"}
		case already(bots.Edit, refusal.Description):
			return bots.Receipt{ID: id, URL: link(op.Target, id)}, true, nil
		case refusal.ErrorCode != http.StatusBadRequest || !has(refusal.Description, "message to edit not found", "can't be edited", "MESSAGE_ID_INVALID"):
			f = classify(edit, refusal)
			f.Detail = b.words(refusal.Description)
			return bots.Receipt{}, false, f
		}
	}
	return bots.Receipt{}, false, nil
}

// mayProbe refuses chats in which a probe could change another message.
func (b *Bot) mayProbe(ctx context.Context, target string) *bots.Fault {
	var place struct {
		Type string `json:"type"`
	}
	params := tgbotapi.Params{"chat_id": target}
	if f := b.get(ctx, "getChat", params, &place); f != nil {
		return f
	}
	if place.Type != "channel" {
		return &bots.Fault{Kind: bots.Rejected, Detail: "only channels can be probed"}
	}
	me, _, _ := strings.Cut(b.api.Token, ":")
	params["user_id"] = me
	var rights rights
	if f := b.get(ctx, "getChatMember", params, &rights); f != nil {
		return f
	}
	if rights.Status != "administrator" || rights.Edit {
		return &bots.Fault{Kind: bots.Rejected, Detail: "not probed: the bot may edit messages of others here"}
	}
	return nil
}
