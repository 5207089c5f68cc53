package sim

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

//go:embed page
var pageFiles embed.FS

// pagePolicy lets the page load nothing but its own files.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page adds the page that shows the world:
//
//	GET /                the page
//	GET /page/…          its files
//	GET /control/stage   JSON of pageView: everything it shows, with an ETag
func (w *World) page(m *http.ServeMux) {
	files := http.FileServerFS(pageFiles)
	m.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(rw, r, pageFiles, "page/index.html")
	})
	m.Handle("GET /page/{file}", files)
	m.HandleFunc("GET /control/stage", w.showStage)
}

func (w *World) showStage(rw http.ResponseWriter, r *http.Request) {
	body, err := json.Marshal(w.view())
	if err != nil {
		answerControl(rw, nil, err) // cannot happen: the view has only texts and times
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(body)))
	http.ServeContent(rw, r, "", time.Time{}, bytes.NewReader(body))
}

// local guards what a browser on this machine may reach: other sites can
// neither act here nor, by a name that they make point at this machine, read.
func local(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Content-Security-Policy", pagePolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-cache")
		switch err := origin.Check(r); {
		case !isLoopback(r.Host):
			refuseLocal(rw, http.StatusForbidden, "sim: this is for loopback addresses only, not "+r.Host)
		case err != nil:
			refuseLocal(rw, http.StatusForbidden, "sim: "+err.Error())
		case r.Method == http.MethodPost && !isJSON(r):
			refuseLocal(rw, http.StatusUnsupportedMediaType, "sim: send Content-Type: application/json")
		default:
			next.ServeHTTP(rw, r)
		}
	})
}

func refuseLocal(rw http.ResponseWriter, status int, words string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	writeJSON(rw, map[string]string{"error": words})
}

// isLoopback reports whether a Host header names this machine by an address
// that no name server can give to others.
func isLoopback(host string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}
