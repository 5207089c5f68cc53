package discord

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/bottest"
)

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func refused(status, code int, message string) bottest.Reply {
	return bottest.Reply{Status: status, Body: fmt.Sprintf(`{"message": %q, "code": %d}`, message, code)}
}

// badReply is a refusal to reply, as Discord files it under the field.
func badReply(code string) bottest.Reply {
	return bottest.Reply{Status: 400, Body: `{"message": "Invalid Form Body", "code": 50035, "errors": {"message_reference":
		{"_errors": [{"code": "` + code + `", "message": "Unknown message"}]}}}`}
}

func slowDown(scope, body string) bottest.Reply {
	h := map[string]string{"Retry-After": "65", "X-RateLimit-Scope": scope, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset-After": "64.57"}
	if scope == "global" {
		h["X-RateLimit-Global"] = "true"
	}
	return bottest.Reply{Status: 429, Header: h, Body: body}
}

// documented are the answers of Topics, "Opcodes and Status Codes" and "Rate
// Limits", and of Reference, "Error Messages".
func documented() []bottest.Answer {
	op := func(a bots.Action) bots.Operation {
		o := bots.Operation{Action: a, Target: "55", Message: "90", Title: "INC-12", Text: "text"}
		if a == bots.Post {
			o.Message = ""
		}
		return o
	}
	reply, inside, editInside := op(bots.Post), op(bots.Post), op(bots.Edit)
	reply.ReplyTo = "77"
	inside.Thread, editInside.Thread = "66", "66"
	want := func(k bots.FaultKind, s bots.Subject, code string) bots.Fault {
		return bots.Fault{Kind: k, Subject: s, Code: code}
	}
	limited := func(s bots.Subject, code string) bots.Fault { return want(bots.RateLimited, s, code) }
	const wait = 64570 * time.Millisecond
	return []bottest.Answer{
		{Name: "unknown channel", Reply: refused(404, 10003, "Unknown Channel"), Want: want(bots.Gone, bots.Target, "10003")},
		{Name: "unknown thread", Op: inside, Reply: refused(404, 10003, "Unknown Channel"), Want: want(bots.Gone, bots.Parent, "10003")},
		{Name: "missing access", Reply: refused(403, 50001, "Missing Access"), Want: want(bots.Unauthorized, bots.Target, "50001")},
		{Name: "missing permissions", Reply: refused(403, 50013, "Missing Permissions"), Want: want(bots.Unauthorized, bots.Target, "50013")},
		{Name: "may not pin", Op: op(bots.Pin), Reply: refused(403, 50013, "Missing Permissions"), Want: want(bots.Unauthorized, "", "50013")},
		{Name: "direct messages closed", Reply: refused(403, 50007, "Cannot send messages to this user"), Want: want(bots.Gone, bots.Target, "50007")},
		{Name: "edited message gone", Op: op(bots.Edit), Reply: refused(404, 10008, "Unknown Message"), Want: want(bots.Gone, bots.Message, "10008")},
		{Name: "crossposted message gone", Op: op(bots.Crosspost), Reply: refused(404, 10008, "Unknown Message"), Want: want(bots.Gone, bots.Message, "10008")},
		{Name: "deleted message gone", Op: op(bots.Delete), Reply: refused(404, 10008, "Unknown Message"), Receipt: bots.Receipt{ID: "90"}},
		{Name: "nonce of a deleted message", Reply: refused(404, 10008, "Unknown Message"), Want: want(bots.Gone, bots.Message, "10008")},
		{Name: "parent gone", Op: reply, Reply: badReply("REPLIES_UNKNOWN_MESSAGE"), Want: want(bots.Gone, bots.Parent, "50035")},
		{Name: "parent gone, newer words", Op: reply, Reply: badReply("MESSAGE_REFERENCE_UNKNOWN_MESSAGE"), Want: want(bots.Gone, bots.Parent, "50035")},
		{Name: "parent elsewhere", Op: reply, Reply: badReply("REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL"), Want: want(bots.Gone, bots.Parent, "50035")},
		{Name: "parent gone, plainly", Op: reply, Reply: refused(404, 10008, "Unknown Message"), Want: want(bots.Gone, bots.Parent, "10008")},
		{Name: "may not read history", Op: reply, Reply: refused(403, 160002, "Cannot reply without permission to read message history"), Want: want(bots.Gone, bots.Parent, "160002")},
		{
			Name: "invalid form", Want: bots.Fault{Kind: bots.Rejected, Code: "50035", Detail: "content: Must be 2000 or fewer in length. (BASE_TYPE_MAX_LENGTH)"},
			Reply: bottest.Reply{Status: 400, Body: `{"message": "Invalid Form Body", "code": 50035, "errors": {"content": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}]}}}`},
		},
		{Name: "empty message", Reply: refused(400, 50006, "Cannot send an empty message"), Want: want(bots.Rejected, "", "50006")},
		{Name: "others' message", Op: op(bots.Edit), Reply: refused(403, 50005, "Cannot edit a message authored by another user"), Want: want(bots.Rejected, "", "50005")},
		{Name: "archived thread", Op: editInside, Reply: refused(400, 50083, "Thread is archived"), Want: want(bots.Gone, bots.Message, "50083")},
		{Name: "locked thread", Op: inside, Reply: refused(403, 160005, "Thread is locked"), Want: want(bots.Gone, bots.Parent, "160005")},
		{Name: "thread exists", Op: op(bots.OpenThread), Reply: refused(400, 160004, "A thread has already been created for this message"), Receipt: bots.Receipt{ID: "90", URL: linkTo("90")}},
		{Name: "too many threads", Op: op(bots.OpenThread), Reply: refused(400, 160006, "Maximum number of active threads reached"), Want: want(bots.Rejected, "", "160006")},
		{Name: "already crossposted", Op: op(bots.Crosspost), Reply: refused(400, 40033, "This message has already been crossposted"), Receipt: bots.Receipt{ID: "90", URL: linkTo("55/90")}},
		{Name: "no announcement channel", Op: op(bots.Crosspost), Reply: refused(400, 50024, "Cannot execute action on this channel type"), Want: want(bots.Rejected, "", "50024")},
		{Name: "250 pins", Op: op(bots.Pin), Reply: refused(400, 30003, "Maximum number of pins reached (250)"), Want: want(bots.Rejected, "", "30003")},
		{Name: "wrong token", Reply: refused(401, 0, "401: Unauthorized"), Want: want(bots.Unauthorized, bots.Account, "401")},
		{Name: "revoked token", Reply: refused(403, 40001, "Unauthorized"), Want: want(bots.Unauthorized, bots.Account, "40001")},
		{Name: "overloaded", Reply: refused(503, 130000, "API resource is currently overloaded. Try again a little later"), Want: want(bots.Temporary, "", "130000")},
		{Name: "server error", Reply: refused(500, 0, "500: Internal Server Error"), Want: want(bots.Unsure, "", "500")},
		{Name: "no such route", Reply: refused(404, 0, "404: Not Found"), Want: want(bots.Rejected, "", "404")},
		{Name: "limit of the route", Reply: slowDown("user", `{"message": "You are being rate limited.", "retry_after": 64.57, "global": false}`), Want: limited(bots.Target, "429"), After: wait},
		{Name: "limit of the resource", Reply: slowDown("shared", `{"message": "The resource is being rate limited.", "retry_after": 1336.57, "global": false}`), Want: limited(bots.Target, "429"), After: 1336570 * time.Millisecond},
		{Name: "global limit", Reply: slowDown("global", `{"message": "You are being rate limited.", "retry_after": 64.57, "global": true}`), Want: limited(bots.Account, "429"), After: wait},
		{Name: "limit without a wait", Reply: slowDown("user", `{"message": "You are being rate limited."}`), Want: limited(bots.Target, "429"), After: 65 * time.Second},
		{Name: "limit of the channel's writes", Reply: slowDown("user", `{"message": "Slow", "retry_after": 64.57, "code": 20028}`), Want: limited(bots.Target, "20028"), After: wait},
		{Name: "slowmode", Reply: slowDown("user", `{"message": "Slowmode", "retry_after": 64.57, "code": 20016}`), Want: limited(bots.Target, "20016"), After: wait},
		{Name: "edits of old messages", Op: op(bots.Edit), Reply: slowDown("user", `{"message": "Maximum number of edits", "retry_after": 64.57, "code": 30046}`), Want: limited(bots.Message, "30046"), After: wait},
		{Name: "edits of announcements", Op: op(bots.Edit), Reply: refused(400, 20022, "This message cannot be edited due to announcement rate limits."), Want: limited(bots.Message, "20022"), After: time.Minute},
		{
			Name: "Cloudflare's limit", Want: limited(bots.Account, "429"), After: 9 * time.Second,
			Reply: bottest.Reply{Status: 429, Header: map[string]string{"Content-Type": "text/html", "Retry-After": "9"}, Body: "<html>error 1015</html>"},
		},
		{
			Name: "Cloudflare's refusal", Want: want(bots.Temporary, bots.Account, "403"),
			Reply: bottest.Reply{Status: 403, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html>blocked</html>"},
		},
	}
}
