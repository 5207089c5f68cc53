package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/people"
)

// A problem is an answer that is not what was asked for, as RFC 9457 writes it.
type problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"` // one line: what is wrong, what to do
	Errors []fieldError `json:"errors,omitempty"`

	Imported *people.Imported `json:"imported,omitempty"` // what was stored of a list
	Refused  *people.Refused  `json:"refused,omitempty"`  // and what was not

	challenge string        // how to say who one is
	after     time.Duration // until the same may be asked again; 0 says nothing about that
}

// A fieldError is what is wrong with one part of a request's body.
type fieldError struct {
	Pointer string `json:"pointer,omitempty"` // JSON pointer as a URI fragment: #/next_update
	Detail  string `json:"detail"`
	Line    int    `json:"line,omitempty"` // in the body, from 1
	Offset  int    `json:"offset"`         // in bytes, from 0
}

func (p *problem) Error() string { return p.Detail }

// refuse makes a problem of the given status.
func refuse(status int, format string, args ...any) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// asProblem is the answer to an error. One that is neither a problem nor a
// refusal is ours: the client learns nothing of it, and the second result says
// that it has to be logged.
func asProblem(err error) (p *problem, internal bool) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p, false
	}
	if r, ok := desk.AsRefusal(err); ok {
		return refuse(refusalStatus(r.Kind), "%s", r.Text), false
	}
	if errors.Is(err, desk.ErrNotFound) {
		return refuse(http.StatusNotFound, "there is no such thing here"), false
	}
	return refuse(http.StatusInternalServerError, failed), true
}

// failed is what is said of a fault that is the server's: of its disk or
// database, more often than not.
const failed = "this server failed: /readyz says what it lacks, and its log why"

// storeless is the answer while nothing can be written: what was asked for may
// be repeated as it is.
func storeless() *problem {
	p := refuse(http.StatusServiceUnavailable, "the database cannot be written now: repeat this in a moment, with its Idempotency-Key if it has one; /readyz says why")
	p.after = checkGood
	return p
}

// unknown is the answer where a change may be stored all the same.
func unknown() *problem {
	p := refuse(http.StatusServiceUnavailable, "the database does not answer, and it is not known whether this was stored: look whether it is there, or repeat it with its Idempotency-Key")
	p.Title, p.after = OutcomeUnknown, checkGood
	return p
}

// OutcomeUnknown is the title by which a client knows that a change may be stored
// although the answer is an error.
const OutcomeUnknown = "Outcome Unknown"

func refusalStatus(k desk.RefusalKind) int {
	switch k {
	case desk.Forbidden:
		return http.StatusForbidden
	case desk.NotFound:
		return http.StatusNotFound
	case desk.Conflict:
		return http.StatusConflict
	default:
		return http.StatusUnprocessableEntity
	}
}

func (p *problem) write(w http.ResponseWriter) {
	if p.challenge != "" {
		w.Header().Set("WWW-Authenticate", p.challenge)
	}
	if p.after > 0 {
		w.Header().Set("Retry-After", retryAfter(p.after))
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

// reply answers with a JSON document.
func reply(w http.ResponseWriter, status int, v any) error {
	writeJSON(w, status, "application/json", v)
	return nil
}

// writeJSON writes v, which always encodes. A client that has gone away is
// nobody's concern.
func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v)
}
