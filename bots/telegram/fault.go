package telegram

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

// already reports whether a refusal says that what was asked for is so
// already. The words are those of the Bot API server (tdlib/telegram-bot-api,
// Client.cpp), as everywhere in this file.
func already(a bots.Action, words string) bool {
	switch a {
	case bots.Edit:
		return has(words, "message is not modified")
	case bots.Delete:
		return has(words, "message to delete not found")
	case bots.Pin:
		return has(words, "CHAT_NOT_MODIFIED")
	}
	return false
}

// classify says what to do about a refusal: by code and parameters where they
// suffice, by its words where they do not.
func classify(op bots.Operation, r *tgbotapi.APIResponse) *bots.Fault {
	f := &bots.Fault{Kind: bots.Rejected, Code: strconv.Itoa(r.ErrorCode)}
	if p := r.Parameters; p != nil && p.MigrateToChatID != 0 {
		f.Kind, f.Subject, f.To = bots.Moved, bots.Target, decimal(p.MigrateToChatID)
		return f
	}
	switch r.ErrorCode {
	case http.StatusUnauthorized: // token revoked
		f.Kind, f.Subject = bots.Unauthorized, bots.Account
	case http.StatusNotFound: // a token that never was one, or a method that an older server lacks
		if !has(r.Description, "method not found") {
			f.Kind, f.Subject = bots.Unauthorized, bots.Account
		}
	case http.StatusConflict: // another poller, or a webhook; sending is not affected
		f.Kind, f.Subject = bots.Temporary, bots.Account
	case http.StatusForbidden:
		f.Kind, f.Subject = forbidden(r.Description), bots.Target
	case http.StatusBadRequest:
		f.Kind, f.Subject = badRequest(op, r.Description)
	}
	return f
}

// forbidden tells a chat that is closed to us from one that only lacks a right.
func forbidden(words string) bots.FaultKind {
	if has(words, "blocked by the user", "user is deactivated", "was kicked", "is not a member", "was deleted",
		"can't initiate conversation", "can't send messages to bots") {
		return bots.Gone
	}
	return bots.Unauthorized
}

func badRequest(op bots.Operation, words string) (bots.FaultKind, bots.Subject) {
	switch {
	case has(words, "chat not found", "PEER_ID_INVALID", "CHANNEL_PRIVATE", "group chat was deactivated"):
		return bots.Gone, bots.Target
	case has(words, "to be replied not found", "reply message not found", "replied message not found"):
		return bots.Gone, bots.Parent
	case has(words, "message thread not found", "TOPIC_CLOSED", "TOPIC_DELETED", "TOPIC_ID_INVALID"):
		return bots.Gone, bots.Parent // the topic that the post was to go into
	case has(words, "message to edit not found", "message to pin not found", "MESSAGE_ID_INVALID"):
		return bots.Gone, bots.Message
	case has(words, "can't be edited", "can't be deleted", "MESSAGE_DELETE_FORBIDDEN"):
		return bots.Rejected, bots.Message // it is there, and stays as it is
	case has(words, "not enough rights", "no rights", "administrator rights", "CHAT_ADMIN_REQUIRED", "CHAT_WRITE_FORBIDDEN",
		"CHAT_SEND_PLAIN_FORBIDDEN", "no write access"):
		return bots.Unauthorized, bots.Target
	case op.Action == bots.OpenThread && has(words, "is not a forum"):
		return bots.Rejected, bots.Target
	}
	return bots.Rejected, ""
}

func has(words string, parts ...string) bool {
	words = strings.ToLower(words)
	for _, s := range parts {
		if strings.Contains(words, strings.ToLower(s)) {
			return true
		}
	}
	return false
}

// longest is what a limit may hold back in seconds, a week, whatever the number
// in the answer: a slip there must not silence the bot for years.
const longest = 7 * 24 * 3600

// limited obeys a flood limit: Telegram names the seconds in the body and in
// the header. It does not say whose limit it is. The chat is assumed, because
// one person who presses buttons without end must not stop the whole account.
func limited(f *bots.Fault, p *tgbotapi.ResponseParameters) *bots.Fault {
	f.Subject = bots.Target
	if p != nil && p.RetryAfter > 0 {
		f.Until = time.Now().Add(time.Duration(min(p.RetryAfter, longest)) * time.Second)
	}
	return f
}

// notTelegram is a complete answer with a good status that Telegram did not
// write.
func notTelegram(ex *bots.Exchange) *bots.Fault {
	return &bots.Fault{Kind: bots.Unsure, Code: strconv.Itoa(ex.Status), Detail: "the answer is not one of Telegram's"}
}

// noResult is a success without what was made. A message id of 0, which the
// server gives to messages that it will only send later, is one as well.
func noResult() *bots.Fault {
	return &bots.Fault{Kind: bots.Unsure, Detail: "the answer names no message"}
}
