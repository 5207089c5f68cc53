package twitter

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A problem is what X says about a refusal: the problem document of v2, the
// list of errors of v1.1, or a mixture (X API, "Response codes and errors").
type problem struct {
	Title  string      `json:"title"`
	Detail string      `json:"detail"`
	Type   string      `json:"type"`
	Errors []oneReason `json:"errors"`
	Data   any         `json:"data"`
}

type oneReason struct {
	Code       int            `json:"code"`
	Message    string         `json:"message"`
	Title      string         `json:"title"`
	Detail     string         `json:"detail"`
	Type       string         `json:"type"`
	Parameters map[string]any `json:"parameters"`
}

// parseProblem reads the body of an answer; ok is false for anything but a
// JSON object. Parts of an unexpected shape are left out.
func parseProblem(body []byte) (p problem, ok bool) {
	var parts map[string]json.RawMessage
	if json.Unmarshal(body, &parts) != nil || parts == nil {
		return problem{}, false
	}
	for name, into := range map[string]any{"title": &p.Title, "detail": &p.Detail, "type": &p.Type, "data": &p.Data} {
		if raw, has := parts[name]; has {
			_ = json.Unmarshal(raw, into) // a part of another type says nothing
		}
	}
	var reasons []json.RawMessage
	_ = json.Unmarshal(parts["errors"], &reasons)
	for _, raw := range reasons {
		var r oneReason
		if json.Unmarshal(raw, &r) == nil {
			p.Errors = append(p.Errors, r)
		}
	}
	return p, true
}

// words are X's own, each once.
func (p problem) words() string {
	all := []string{p.Detail}
	for _, e := range p.Errors {
		all = append(all, e.Detail, e.Message)
	}
	if strings.Join(all, "") == "" {
		all = append(all, p.Title)
	}
	var said []string
	for _, s := range all {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	return strings.Join(said, "; ")
}

// code is the first numbered reason, or empty.
func (p problem) code() string {
	for _, e := range p.Errors {
		if e.Code != 0 {
			return strconv.Itoa(e.Code)
		}
	}
	return ""
}

// about reports whether p carries one of the codes, or one of the phrases (in
// lower case) in its words, types or the names of its parameters.
func (p problem) about(codes []int, phrases ...string) bool {
	texts := []string{p.Title, p.Detail, p.Type}
	for _, e := range p.Errors {
		if slices.Contains(codes, e.Code) {
			return true
		}
		texts = append(texts, e.Title, e.Detail, e.Message, e.Type)
		for name := range e.Parameters {
			texts = append(texts, name)
		}
	}
	all := strings.ToLower(strings.Join(texts, "\n"))
	return slices.ContainsFunc(phrases, func(s string) bool { return strings.Contains(all, s) })
}

// The numbered reasons are those of "Response codes" in the documentation of
// API v1.1. The words are those of API v2, which has no numbers.

func (p problem) duplicate() bool {
	return p.about([]int{187}, "duplicate content", "status is a duplicate")
}

// parentRefused is about the post that is replied to: gone, hidden, or closed
// to us. Since February 2026 self-serve accounts may only reply to those who
// mentioned them (X API, "Changelog").
func (p problem) parentRefused() bool {
	return p.about([]int{385, 433}, "reply to this conversation is not allowed", "deleted or not visible",
		"restricted who can reply", "not allowed to reply", "in_reply_to_tweet_id", "in_reply_to_status_id")
}

// overQuota is a limit that is not told with status 429.
func (p problem) overQuota() bool {
	return p.about([]int{88, 185, 344}, "daily limit", "daily status update limit")
}

// accountRefused is about the token, the app, its access or the account.
func (p problem) accountRefused() bool {
	return p.about([]int{32, 64, 87, 89, 99, 135, 215, 220, 261, 326, 416, 453},
		"suspended", "temporarily locked", "account is locked", "unsupported-authentication", "unsupported authentication",
		"client-forbidden", "oauth1 app permissions", "oauth1-permissions", "access level", "subset of x api", "subset of twitter api")
}

func (p problem) outOfMoney() bool {
	return p.about(nil, "usage-capped", "usagecapexceeded", "usage cap", "credits-depleted", "creditsdepleted", "spend cap", "spending limit")
}

// notFound says that the post to be deleted is not there (any more).
func (p problem) notFound() bool {
	return p.Data == nil && p.about([]int{144}, "resource-not-found")
}

// fault is the verdict on an exchange; nil when it was a complete 2xx whose
// body could be read.
func (b *Bot) fault(ex *bots.Exchange, op bots.Operation, err error) *bots.Fault {
	switch {
	case ex.Status == 0 || ex.Status/100 == 2 && ex.Err != nil:
		return ex.Fault("", "")
	case ex.Status/100 == 2 && err == nil:
		return nil
	case ex.Status/100 == 2:
		return b.noAnswer(ex, op, "the answer cannot be understood")
	}
	p, understood := parseProblem(ex.Body)
	if f := p.verdict(ex, op); f != nil {
		f.Detail = bots.OneLine(b.client.Redact(f.Detail))
		return f
	}
	f := ex.Fault(p.code(), p.words())
	if f.Kind == bots.Rejected && ex.Status == http.StatusForbidden && !understood {
		f.Kind = bots.Temporary // a page of the guard before the API, which let nothing through
	}
	return f
}

// verdict is what X's status and words say; nil when they say no more than
// the status does.
func (p problem) verdict(ex *bots.Exchange, op bots.Operation) *bots.Fault {
	code, words := p.code(), p.words()
	if code == "" {
		code = strconv.Itoa(ex.Status)
	}
	refusal := ex.Status == http.StatusBadRequest || ex.Status == http.StatusForbidden ||
		ex.Status == http.StatusNotFound || ex.Status/100 == 2
	switch {
	case ex.Status == http.StatusPaymentRequired, ex.Status/100 == 4 && p.outOfMoney():
		return &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: code, Detail: strings.TrimSuffix("no credits: "+words, ": ")}
	case ex.Status == http.StatusTooManyRequests, refusal && p.overQuota():
		return &bots.Fault{Kind: bots.RateLimited, Subject: bots.Account, Until: limitedUntil(ex), Code: code, Detail: words}
	case !refusal:
		return nil
	case p.duplicate():
		return &bots.Fault{Kind: bots.Rejected, Code: bots.CodeDuplicate, Detail: words}
	case op.ReplyTo != "" && p.parentRefused():
		return &bots.Fault{Kind: bots.Gone, Subject: bots.Parent, Code: code, Detail: words}
	case p.accountRefused():
		return &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: code, Detail: words}
	}
	return nil
}

// noAnswer is the verdict on a complete 2xx that lacks what it should hold. X
// may answer so with reasons; without one that is known, nobody can say
// whether the request was carried out.
func (b *Bot) noAnswer(ex *bots.Exchange, op bots.Operation, why string) *bots.Fault {
	p, _ := parseProblem(ex.Body)
	f := p.verdict(ex, op)
	if f == nil {
		f = &bots.Fault{Kind: bots.Unsure, Code: p.code(), Detail: strings.TrimSuffix(why+": "+p.words(), ": ")}
	}
	f.Detail = bots.OneLine(b.client.Redact(f.Detail))
	return f
}

// alreadyGone reports an answer that the post to be deleted does not exist.
func alreadyGone(ex *bots.Exchange) bool {
	if ex.Err != nil || ex.Status != http.StatusNotFound && ex.Status != http.StatusOK {
		return false
	}
	p, ok := parseProblem(ex.Body)
	return ok && p.notFound()
}

// A quotaWindow is one of the limits that X reports in headers.
type quotaWindow struct {
	left  int // requests; -1 when X does not say
	reset time.Time
}

// quotaWindows are the limits in the headers: that of the endpoint first, then
// those over 24 hours of the user and the app, which X sends but does not
// document. Only those with a reset are returned, hence the flag.
func quotaWindows(h http.Header) (endpoint quotaWindow, known bool, daily []quotaWindow) {
	for i, prefix := range []string{"X-Rate-Limit-", "X-User-Limit-24hour-", "X-App-Limit-24hour-"} {
		at, err := strconv.ParseInt(h.Get(prefix+"Reset"), 10, 64)
		if err != nil || at <= 0 || at > 1<<33 {
			continue
		}
		w := quotaWindow{left: -1, reset: time.Unix(at, 0)}
		if n, err := strconv.Atoi(h.Get(prefix + "Remaining")); err == nil && n >= 0 {
			w.left = n
		}
		if i == 0 {
			endpoint, known = w, true
		} else {
			daily = append(daily, w)
		}
	}
	return endpoint, known, daily
}

// quota is what a receipt reports: the limit that ends last of those used up,
// or else that of the endpoint.
func quota(h http.Header) (left int, reset time.Time) {
	endpoint, known, daily := quotaWindows(h)
	if known && endpoint.left >= 0 {
		left, reset = endpoint.left, endpoint.reset
	}
	for _, w := range daily {
		if w.left == 0 && (left > 0 || w.reset.After(reset)) {
			left, reset = 0, w.reset
		}
	}
	return left, reset
}

// limitedUntil is when the limit that refused a request ends. When the
// endpoint's own has requests left, it was one of those over 24 hours. A
// server's word may be a moment old: the answer is never in the past.
func limitedUntil(ex *bots.Exchange) time.Time {
	endpoint, known, daily := quotaWindows(ex.Header)
	until := time.Time{}
	if known && endpoint.left <= 0 {
		until = endpoint.reset
	}
	for _, w := range daily {
		if (w.left == 0 || w.left < 0 && known && endpoint.left > 0) && w.reset.After(until) {
			until = w.reset
		}
	}
	if until.IsZero() && known && ex.Header.Get("Retry-After") == "" {
		until = endpoint.reset
	}
	if until.IsZero() {
		return ex.RetryAfter(time.Minute)
	}
	if soon := time.Now().Add(time.Second); until.Before(soon) {
		return soon
	}
	return until
}
