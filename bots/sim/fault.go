package sim

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// A Fault is something that goes wrong on purpose. It takes effect on the
// requests it matches, Times times, after letting Skip of them pass.
type Fault struct {
	// Match is a part of the request line without query, such as
	// "sendMessage", "POST /2/tweets" or "/webhook/send"; empty matches all.
	Match string `json:"match,omitempty"`
	Skip  int    `json:"skip,omitempty"`
	Times int    `json:"times,omitempty"` // 0 is once, -1 for ever

	Delay Duration `json:"delay,omitempty"` // before anything else happens

	// Kind is what happens then:
	//
	//	""          nothing more: the delay was the fault
	//	"status"    Status is answered, in the platform's own shape; the request is not carried out
	//	"html"      Status (default 502) is answered with a page of HTML; not carried out
	//	"accept"    the request is carried out, then Status (default 502) is answered with HTML
	//	"body"      200 (or Status) with Body as it stands; not carried out
	//	"cut"       the connection is closed after the request was read; not carried out
	//	"cut-after" the request is carried out and the connection closed without an answer
	//	"truncate"  the request is carried out, half of the answer is sent
	//	"slow"      the request is carried out, the answer dribbles over Spread
	Kind       string   `json:"kind,omitempty"`
	Status     int      `json:"status,omitempty"`
	Code       string   `json:"code,omitempty"`        // the platform's own error code for "status"; on Telegram the chat that a group has become
	Message    string   `json:"message,omitempty"`     // the platform's own words for "status"
	RetryAfter Duration `json:"retry_after,omitempty"` // for 429, in the platform's own fields
	Body       string   `json:"body,omitempty"`
	Spread     Duration `json:"spread,omitempty"`
}

// Duration is a time.Duration written as "1.5s" in JSON.
type Duration time.Duration

// UnmarshalText reads Go's form of a duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// MarshalText writes Go's form of a duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Faults is the script of one simulator. Its methods may be called at any time.
type Faults struct {
	mu     sync.Mutex
	script []Fault
}

// Add appends to the script. The first matching fault in the script is used.
func (f *Faults) Add(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range faults {
		if x.Times == 0 {
			x.Times = 1
		}
		f.script = append(f.script, x)
	}
}

// Clear ends all faults.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script = nil
}

// take returns the fault for this request, if any, and uses it up.
func (f *Faults) take(r *http.Request) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	line := r.Method + " " + r.URL.Path
	for i := range f.script {
		x := &f.script[i]
		switch {
		case !strings.Contains(line, x.Match):
			continue
		case x.Skip > 0:
			x.Skip--
			continue
		case x.Times == 0:
			continue
		case x.Times > 0:
			x.Times--
		}
		return *x, true
	}
	return Fault{}, false
}

// refuser writes a refusal in a platform's own shape.
type refuser func(w http.ResponseWriter, r *http.Request, f Fault)

// play serves r with next, or with the fault that is due.
func (f *Faults) play(w http.ResponseWriter, r *http.Request, refuse refuser, next http.HandlerFunc) {
	fault, ok := f.take(r)
	if !ok {
		next(w, r)
		return
	}
	if !pause(r, time.Duration(fault.Delay)) {
		return
	}
	switch fault.Kind {
	case "":
		next(w, r)
	case "status":
		drain(r)
		refuse(w, r, fault)
	case "html":
		drain(r)
		page(w, fault)
	case "accept":
		next(httptest.NewRecorder(), r)
		page(w, fault)
	case "body":
		drain(r)
		if fault.Status != 0 {
			w.WriteHeader(fault.Status)
		}
		io.WriteString(w, fault.Body)
	case "cut":
		drain(r)
		cut(w, nil)
	case "cut-after":
		next(httptest.NewRecorder(), r)
		cut(w, nil)
	case "truncate":
		cut(w, record(next, r))
	case "slow":
		dribble(w, r, record(next, r), time.Duration(fault.Spread))
	default:
		http.Error(w, fmt.Sprintf("sim: unknown kind of fault %q", fault.Kind), http.StatusNotImplemented)
	}
}

func record(next http.HandlerFunc, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	next(rec, r)
	return rec
}

func drain(r *http.Request) { io.Copy(io.Discard, r.Body) }

func page(w http.ResponseWriter, f Fault) {
	w.Header().Set("Content-Type", "text/html")
	status := f.Status
	if status == 0 {
		status = http.StatusBadGateway
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, "<html>\r\n<head><title>%d %s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n</body>\r\n</html>\r\n", status, http.StatusText(status))
}

// cut closes the connection: at once, or after half of the recorded answer.
func cut(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // no connection to take over (a recorder): give up the request
	}
	defer conn.Close()
	if rec == nil {
		return
	}
	body := rec.Body.Bytes()
	fmt.Fprintf(buf, "HTTP/1.1 %d %s\r\n", rec.Code, http.StatusText(rec.Code))
	rec.Header().Write(buf)
	fmt.Fprintf(buf, "Content-Length: %d\r\n\r\n", len(body))
	buf.Write(body[:len(body)/2])
	buf.Flush()
}

func dribble(w http.ResponseWriter, r *http.Request, rec *httptest.ResponseRecorder, spread time.Duration) {
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	body := rec.Body.Bytes()
	const pieces = 10
	for piece := range pieces {
		part := body[len(body)*piece/pieces : len(body)*(piece+1)/pieces]
		io.Copy(w, bytes.NewReader(part))
		http.NewResponseController(w).Flush()
		if !pause(r, spread/pieces) {
			return
		}
	}
}

// pause waits, and reports false when the client has gone away meanwhile.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
