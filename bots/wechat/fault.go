package wechat

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Error codes of the platform: WeCom documentation, "Global error codes"
// (document 90313).
const (
	codeBusy         = -1    // "system busy, try again later, at most three times"
	codeTooFast      = 45009 // calls over the limit; for a robot that of one minute
	codePerMinute    = 45011 // calls over the limit of one minute
	codeConcurrent   = 45033 // too many calls at the same time
	codeWrongWebhook = 93000 // the key is wrong, or the robot was removed from its group
	codeDisabled     = 93004 // the robot was switched off
	codeNotInGroup   = 93008 // not a member of the group
)

// fault says what an exchange came to; nil is success. The platform answers
// 200 whatever happened, and says the rest in errcode.
func (b *Bot) fault(ex *bots.Exchange) *bots.Fault {
	code, words, ok := parse(ex.Body)
	if f := ex.Fault("", words); f != nil {
		if f.Kind == bots.RateLimited {
			f.Subject = bots.Account
		}
		return f
	}
	if !ok {
		return &bots.Fault{Kind: bots.Unsure, Code: strconv.Itoa(ex.Status), Detail: "the answer is not one of the platform's"}
	}
	if code == 0 {
		return nil
	}
	f := classify(code, time.Now())
	f.Detail = bots.OneLine(b.client.Redact(words))
	return f
}

// classify says what to do about a code other than 0.
//
// Busy (-1) is a refusal with the documented advice to try again, not a lost
// answer, so it counts as Temporary: nobody would ever settle it as Unsure,
// since a robot's posts cannot be looked up. Codes that are not known are
// refusals too; sending the same again would be refused the same way.
func classify(code int, now time.Time) *bots.Fault {
	f := &bots.Fault{Kind: bots.Rejected, Code: strconv.Itoa(code)}
	switch code {
	case codeBusy, codeConcurrent:
		f.Kind = bots.Temporary
	case codeTooFast, codePerMinute:
		f.Kind, f.Subject, f.Until = bots.RateLimited, bots.Account, now.Add(limitWindow)
	case codeNotInGroup:
		f.Kind, f.Subject = bots.Gone, bots.Target
	case codeWrongWebhook, codeDisabled,
		40001, 40014, 41001, 42001, // credential wrong, malformed, missing, expired
		48001, 48002, 48004, 50001, 50002, // not permitted to this account, or the account is restricted
		40164, 60020, 61004: // our address is not on the allow list
		f.Kind, f.Subject = bots.Unauthorized, bots.Account
	}
	return f
}

// parse reads an answer. It is false for anything that has no errcode. The
// words lose their end, which repeats our own address: "invalid webhook url,
// hint: […], from ip: …, more info at …".
func parse(body []byte) (code int, words string, ok bool) {
	var a struct {
		Code  *int   `json:"errcode"`
		Words string `json:"errmsg"`
	}
	if json.Unmarshal(body, &a) != nil || a.Code == nil {
		return 0, "", false
	}
	words, _, _ = strings.Cut(a.Words, ", from ip:")
	return *a.Code, words, true
}
