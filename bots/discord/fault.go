package discord

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// refusal is an error as Discord writes it (Reference, "Error Messages"; for
// 429 Topics, "Exceeding A Rate Limit").
type refusal struct {
	Code       int                        `json:"code"`
	Message    string                     `json:"message"`
	Errors     map[string]json.RawMessage `json:"errors"`
	RetryAfter *float64                   `json:"retry_after"` // seconds
	Global     bool                       `json:"global"`
}

// The codes of Topics, "JSON Error Codes", that decide something here.
const (
	unknownChannel   = 10003
	unknownGuild     = 10004
	unknownMessage   = 10008
	notThisApp       = 20012
	slowmode         = 20016
	announcementEdit = 20022
	channelWrites    = 20028
	serverWrites     = 20029
	oldEdits         = 30046
	badToken         = 40001
	sendingOff       = 40004
	featureOff       = 40006
	crossposted      = 40033
	resourceLimited  = 40062
	cloudflare       = 40333
	missingAccess    = 50001
	notReachable     = 50007
	missingRight     = 50013
	invalidToken     = 50014
	invalidForm      = 50035
	archived         = 50083
	noMutualGuilds   = 50278
	overloaded       = 130000
	noHistory        = 160002
	threadExists     = 160004
	threadLocked     = 160005
)

// fault says what went wrong in the exchange that carried op. It is nil for a
// complete 2xx answer.
func fault(ex *bots.Exchange, op bots.Operation) *bots.Fault {
	var r refusal
	if ex.Status == 0 || ex.Status/100 <= 3 {
		return ex.Fault("", "")
	}
	if json.Unmarshal(ex.Body, &r) != nil || r.Message == "" && r.Code == 0 {
		return frontEnd(ex)
	}
	code := ""
	if r.Code != 0 {
		code = strconv.Itoa(r.Code)
	}
	f := ex.Fault(code, r.words())
	if f.Kind == bots.RateLimited || limits(r.Code) {
		return r.limited(f, ex, op)
	}
	if kind, subject := verdict(r, op); kind != "" {
		f.Kind, f.Subject = kind, subject
	}
	return f
}

// frontEnd judges an answer that Discord's API did not write: Cloudflare
// stands before it, and turns away addresses that made too many invalid
// requests (Topics, "Invalid Request Limit").
func frontEnd(ex *bots.Exchange) *bots.Fault {
	f := ex.Fault("", "")
	switch {
	case f.Kind == bots.RateLimited:
		f.Subject = bots.Account
	case ex.Status == http.StatusForbidden:
		f.Kind, f.Subject = bots.Temporary, bots.Account
	}
	return f
}

// verdict is what a code means for an operation, where it says more than the
// status does.
func verdict(r refusal, op bots.Operation) (bots.FaultKind, bots.Subject) {
	switch r.Code {
	case unknownChannel, unknownGuild, notReachable, noMutualGuilds:
		return bots.Gone, inside(op)
	case threadLocked:
		return bots.Gone, inside(op)
	case unknownMessage:
		return bots.Gone, missing(op)
	case archived: // posting opens a thread again; nothing else does
		if op.Action == bots.Post {
			return bots.Gone, inside(op)
		}
		return bots.Gone, bots.Message
	case invalidForm:
		// REPLIES_UNKNOWN_MESSAGE, MESSAGE_REFERENCE_UNKNOWN_MESSAGE and
		// other refusals to reply are filed under the field.
		if _, ok := r.Errors["message_reference"]; ok {
			return bots.Gone, bots.Parent
		}
	case noHistory:
		return bots.Gone, bots.Parent
	case missingAccess, missingRight:
		return bots.Unauthorized, lacking(op)
	case badToken, invalidToken, notThisApp:
		return bots.Unauthorized, bots.Account
	case overloaded, sendingOff, featureOff:
		return bots.Temporary, ""
	case cloudflare:
		return bots.Temporary, bots.Account
	}
	return "", ""
}

// inside is the subject when the place is gone. A thread hangs on the message
// that it was opened from: where it is gone, the channel still stands.
func inside(op bots.Operation) bots.Subject {
	if op.Thread != "" {
		return bots.Parent
	}
	return bots.Target
}

// missing is the message that an "Unknown Message" speaks of. A post without
// parent is answered so when its nonce is that of a message which was deleted
// since (discord-api-docs issue 6647).
func missing(op bots.Operation) bots.Subject {
	if op.Action == bots.Post && op.ReplyTo != "" {
		return bots.Parent
	}
	return bots.Message
}

// lacking is the subject of a missing permission: pinning, publishing and
// opening threads have permissions of their own, without which the channel
// can still be posted to.
func lacking(op bots.Operation) bots.Subject {
	switch op.Action {
	case bots.OpenThread, bots.Crosspost, bots.Pin:
		return ""
	}
	return bots.Target
}

// alreadySo reports whether f says that what op asks for is so already.
func alreadySo(op bots.Operation, f *bots.Fault) bool {
	switch op.Action {
	case bots.Delete:
		return f.Code == strconv.Itoa(unknownMessage)
	case bots.OpenThread:
		return f.Code == strconv.Itoa(threadExists)
	case bots.Crosspost:
		return f.Code == strconv.Itoa(crossposted)
	}
	return false
}

// limits reports whether a code is a limit whatever the status.
func limits(code int) bool {
	switch code {
	case slowmode, announcementEdit, channelWrites, serverWrites, oldEdits, resourceLimited:
		return true
	}
	return false
}

// longest is the longest wait that is believed.
const longest = 7 * 24 * time.Hour

// limited says until when, to the millisecond upward, and for whom. The limits
// on edits (20022 and 30046, both "try again later") are of one message as far
// as we are concerned: others in the channel can still be posted and edited.
func (r refusal) limited(f *bots.Fault, ex *bots.Exchange, op bots.Operation) *bots.Fault {
	f.Kind, f.Subject, f.Until = bots.RateLimited, bots.Target, ex.RetryAfter(time.Minute)
	if r.RetryAfter != nil {
		if d, ok := span(*r.RetryAfter); ok && d <= longest {
			f.Until = time.Now().Add(d)
		}
	}
	switch {
	case r.Global || ex.Header.Get("X-RateLimit-Global") == "true" || ex.Header.Get("X-RateLimit-Scope") == "global":
		f.Subject = bots.Account
	case op.Action == bots.Edit && (r.Code == announcementEdit || r.Code == oldEdits):
		f.Subject = bots.Message
	}
	return f
}

// words are Discord's own: the message and what is wrong with which field.
func (r refusal) words() string {
	words := r.Message
	for _, field := range slices.Sorted(maps.Keys(r.Errors)) {
		var details struct {
			Errors []struct{ Code, Message string } `json:"_errors"`
		}
		if json.Unmarshal(r.Errors[field], &details) != nil {
			continue
		}
		for _, e := range details.Errors {
			words += fmt.Sprintf("; %s: %s (%s)", field, e.Message, e.Code)
		}
	}
	return words
}

// seconds reads a number of seconds with a fraction.
func seconds(s string) (time.Duration, bool) {
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil {
		return 0, false
	}
	return span(v)
}

// span is v seconds, rounded up to the millisecond. It refuses what no limit
// can mean.
func span(v float64) (time.Duration, bool) {
	if !(v >= 0 && v < 9e9) { // so that it fits; false for NaN too
		return 0, false
	}
	return time.Duration(math.Ceil(v*1000)) * time.Millisecond, true
}
