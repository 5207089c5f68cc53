package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An xCall is one request, its body already read.
type xCall struct {
	*http.Request
	me   *xAccount
	body []byte
	form url.Values // of a form body
}

// An xAnswer is a status and what is sent as JSON.
type xAnswer struct {
	status int
	body   any
}

// An xProblem is how version 2 refuses (X docs, "Response codes and errors").
type xProblem struct {
	Account string      `json:"account_id,omitempty"`
	Errors  []xBadField `json:"errors,omitempty"`
	Title   string      `json:"title"`
	Detail  string      `json:"detail"`
	Type    string      `json:"type"`
	Status  int         `json:"status,omitempty"`
}

type xBadField struct {
	Parameters map[string][]string `json:"parameters"`
	Message    string              `json:"message"`
}

// xV1Errors is how version 1.1 refuses.
type xV1Errors struct {
	Errors []xV1Error `json:"errors"`
}

type xV1Error struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// An xQuota is a limit of an endpoint: so many requests of a user in 15
// minutes, and in a day (0: no daily limit).
type xQuota struct{ quarter, day int }

func (x *X) routes() *http.ServeMux {
	mux := http.NewServeMux()
	read, post := xQuota{quarter: 900}, xQuota{quarter: 100, day: 10000}
	handle := func(pattern string, q xQuota, h func(*xCall) xAnswer) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { x.serve(w, r, pattern, q, h) })
	}
	handle("POST /2/tweets", post, x.createPost)
	handle("DELETE /2/tweets/{id}", xQuota{quarter: 50}, x.deletePost)
	handle("GET /2/tweets/{id}", read, x.getPost)
	handle("GET /2/users/me", xQuota{quarter: 75}, x.getMe)
	handle("GET /2/users/{id}/tweets", read, x.getTimeline)
	handle("POST /1.1/statuses/update.json", post, x.v1Update)
	handle("POST /1.1/statuses/destroy/{id}", xQuota{quarter: 50}, x.v1Destroy)
	handle("GET /1.1/statuses/user_timeline.json", read, x.v1Timeline)
	handle("GET /1.1/statuses/show.json", read, x.v1Show)
	handle("GET /1.1/account/verify_credentials.json", xQuota{quarter: 75}, x.v1Verify)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if isV1(r) {
			xRefuseV1(404, 34, "Sorry, that page does not exist").write(w)
			return
		}
		xRefuse(404, "Not Found", "Not Found").write(w)
	})
	return mux
}

func isV1(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/1.1/") }

// ServeHTTP answers as X would, at /2/… and /1.1/….
func (x *X) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x.Faults.play(w, r, x.refuse, x.mux.ServeHTTP)
}

// serve reads the request and answers it. What a request changes is done
// before its answer leaves.
func (x *X) serve(w http.ResponseWriter, r *http.Request, pattern string, q xQuota, h func(*xCall) xAnswer) {
	c := &xCall{Request: r}
	var err error
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10)); err != nil {
		xRefuse(413, "Payload Too Large", "Payload Too Large").write(w)
		return
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		c.form, _ = url.ParseQuery(string(c.body))
	}
	answer := x.answer(w.Header(), c, pattern, q, h)
	if r.Method != http.MethodGet {
		notify(x.changed)
	}
	answer.write(w)
}

// answer checks the signature, the access and the limits, and runs h with the
// world held still.
func (x *X) answer(header http.Header, c *xCall, pattern string, q xQuota, h func(*xCall) xAnswer) xAnswer {
	x.mu.Lock()
	defer x.mu.Unlock()
	account, fault := x.authenticate(c.Request, c.form)
	if fault != oauthOK {
		return xUnauthenticated(isV1(c.Request), fault)
	}
	c.me = account
	if isV1(c.Request) && !x.v1 {
		return xRefuseV1(403, 453, "You currently have access to a subset of X API V2 endpoints and limited v1.1 endpoints (e.g. media post, oauth) only. If you need access to this endpoint, you may need a different access level. You can learn more here: https://developer.x.com/en/portal/product")
	}
	if !x.withinQuota(header, c, pattern, q) {
		return xTooMany(isV1(c.Request))
	}
	return h(c)
}

func (a xAnswer) write(w http.ResponseWriter) {
	kind := "application/json; charset=utf-8"
	if _, problem := a.body.(xProblem); problem {
		kind = "application/problem+json; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(a.status)
	json.NewEncoder(w).Encode(a.body)
}

func xRefuse(status int, title, detail string) xAnswer {
	return xAnswer{status, xProblem{Title: title, Detail: detail, Type: "about:blank", Status: status}}
}

func xRefuseV1(status, code int, message string) xAnswer {
	return xAnswer{status, xV1Errors{[]xV1Error{{code, message}}}}
}

// xInvalid refuses a request of version 2 for one parameter.
func xInvalid(parameter, value, message string) xAnswer {
	parameters := map[string][]string{}
	if parameter != "" {
		parameters[parameter] = []string{value}
	}
	return xAnswer{400, xProblem{
		Errors: []xBadField{{parameters, message}},
		Title:  "Invalid Request", Detail: "One or more parameters to your request was invalid.",
		Type: "https://api.twitter.com/2/problems/invalid-request",
	}}
}

func xUnauthenticated(v1 bool, f oauthFault) xAnswer {
	switch {
	case f == oauthAppOnly && !v1:
		return xAnswer{403, xProblem{
			Title:  "Unsupported Authentication",
			Detail: "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.  Supported authentication types are [OAuth 1.0a User Context, OAuth 2.0 User Context].",
			Type:   "https://api.twitter.com/2/problems/unsupported-authentication", Status: 403,
		}}
	case !v1:
		return xRefuse(401, "Unauthorized", "Unauthorized")
	case f == oauthMissing:
		return xRefuseV1(400, 215, "Bad Authentication data.")
	case f == oauthUnknown:
		return xRefuseV1(401, 89, "Invalid or expired token.")
	case f == oauthStale:
		return xRefuseV1(401, 135, "Timestamp out of bounds.")
	}
	return xRefuseV1(401, 32, "Could not authenticate you.")
}

// withinQuota applies the strict limits, and otherwise does nothing. What is
// left goes into the headers.
func (x *X) withinQuota(h http.Header, c *xCall, pattern string, q xQuota) bool {
	if x.quotas == nil {
		return true
	}
	user := pattern + " " + c.me.id
	left, until := x.quotas.use(user, q.quarter, 15*time.Minute)
	xLimitHeaders(h, "x-rate-limit", q.quarter, left, until)
	if q.day > 0 {
		day, until := x.quotas.use(user+" day", q.day, 24*time.Hour)
		xLimitHeaders(h, "x-user-limit-24hour", q.day, day, until)
		app, until := x.quotas.use(pattern+" app day", q.day, 24*time.Hour)
		xLimitHeaders(h, "x-app-limit-24hour", q.day, app, until)
		left = min(left, day, app)
	}
	return left >= 0
}

func xLimitHeaders(h http.Header, name string, limit, left int, until time.Time) {
	h.Set(name+"-limit", strconv.Itoa(limit))
	h.Set(name+"-remaining", strconv.Itoa(max(left, 0)))
	h.Set(name+"-reset", strconv.Itoa(int(math.Ceil(float64(until.UnixMilli())/1000))))
}

// xTooMany is a 429 in one of the two shapes that X has for it.
func xTooMany(errors bool) xAnswer {
	if errors {
		return xRefuseV1(429, 88, "Rate limit exceeded")
	}
	return xRefuse(429, "Too Many Requests", "Too Many Requests")
}

func (x *X) noCredits(a *xAccount) xAnswer {
	return xAnswer{402, xProblem{
		Account: a.id, Title: "CreditsDepleted",
		Detail: fmt.Sprintf("Your enrolled account [%s] does not have any credits to fulfill this request.", a.id),
		Type:   "https://api.twitter.com/2/problems/credits",
	}}
}

// refuse answers a scripted fault as X would. For a 429 the code may be "88",
// for the other shape of the body, or "24h", for the daily limit.
func (x *X) refuse(w http.ResponseWriter, r *http.Request, f Fault) {
	status := f.Status
	if status == 0 {
		status = http.StatusForbidden
	}
	message := f.Message
	if message == "" {
		message = http.StatusText(status)
	}
	if status == http.StatusTooManyRequests {
		until := time.Now().Add(time.Duration(f.RetryAfter))
		if f.Code == "24h" {
			xLimitHeaders(w.Header(), "x-rate-limit", 100, 99, time.Now().Add(15*time.Minute))
			xLimitHeaders(w.Header(), "x-user-limit-24hour", 10000, 0, until)
		} else {
			xLimitHeaders(w.Header(), "x-rate-limit", 100, 0, until)
		}
		xTooMany(isV1(r) || f.Code == "88").write(w)
		return
	}
	if code, err := strconv.Atoi(f.Code); err == nil || isV1(r) {
		xRefuseV1(status, code, message).write(w)
		return
	}
	title := f.Code
	if title == "" {
		title = http.StatusText(status)
	}
	xRefuse(status, title, message).write(w)
}
