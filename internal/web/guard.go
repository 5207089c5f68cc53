package web

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"time"
)

// guard gives every answer its safe headers, counts it, and makes an answer of
// a panic, which ends one request and nothing else.
func (c Config) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		began := time.Now()
		aw := &answerWriter{ResponseWriter: w, route: "none"}
		defer func() {
			if c.Counted != nil {
				c.Counted(aw.route, aw.status(), time.Since(began))
			}
		}()
		defer func() {
			if p := recover(); p != nil {
				c.panicked(aw, r, p)
			}
		}()
		next.ServeHTTP(aw, r)
		if r.Pattern != "" && aw.route == "none" {
			aw.route = r.Pattern
		}
	})
}

// panicked logs a panic and answers it. A connection whose answer has begun is
// cut, since what was sent of it is not the whole.
func (c Config) panicked(w *answerWriter, r *http.Request, p any) {
	if p == http.ErrAbortHandler { //nolint:errorlint // it is that very value, by its definition
		panic(p)
	}
	c.Log.ErrorContext(r.Context(), "request panicked", "method", r.Method, "route", r.Pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if w.code != 0 {
		panic(http.ErrAbortHandler)
	}
	refuse(http.StatusInternalServerError, failed).write(w)
}

// answerWriter remembers what was answered, and by which route.
type answerWriter struct {
	http.ResponseWriter
	code  int
	route string
}

func (w *answerWriter) WriteHeader(code int) {
	if w.code == 0 && code >= 200 {
		w.code = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	if w.code == 0 {
		w.code = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *answerWriter) status() int {
	if w.code == 0 {
		return http.StatusOK
	}
	return w.code
}

// routed notes which route answers, for the metrics: a pattern, never a path
// that somebody made up.
func routed(w http.ResponseWriter, pattern string) {
	if aw, ok := w.(*answerWriter); ok {
		aw.route = pattern
	}
}
