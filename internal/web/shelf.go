package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A pageKey names a page: its path below the site's, and its language.
type pageKey struct{ path, lang string }

// The paths of pages that are not an incident's.
const (
	statusPath  = "/"
	missingPath = "/404"
)

func incidentPath(ref incident.Ref) string { return "/incidents/" + ref.String() }

// A page is ready to be sent. Most readers take it compressed; for the others
// it is expanded.
type page struct {
	gz   []byte
	size int // expanded, in bytes
	etag string
}

// put renders a page and makes it the one that is served.
func (p *Pages) put(key pageKey, name string, view any) error {
	var text bytes.Buffer
	if err := p.look.pages.ExecuteTemplate(&text, name, view); err != nil {
		return err
	}
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return err
	}
	_, err = z.Write(text.Bytes())
	if err = errors.Join(err, z.Close()); err != nil {
		return err
	}
	sum := sha256.Sum256(text.Bytes())
	pg := &page{gz: packed.Bytes(), size: text.Len(), etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
	p.mu.Lock()
	old := p.shelf[key]
	p.shelf[key] = pg
	p.mu.Unlock()
	if p.Dir == "" || old != nil && old.etag == pg.etag {
		return nil
	}
	return writeFile(filepath.Join(p.Dir, p.fileName(key)), text.Bytes())
}

// fileName is where a page is in Dir: index.html, incidents/INC-12.html, and
// with the language before the ending where it is not the site's own:
// index.zh-Hans.html.
func (p *Pages) fileName(key pageKey) string {
	name := strings.TrimPrefix(key.path, "/")
	if key.path == statusPath {
		name = "index"
	}
	if key.lang != p.Language {
		name += "." + key.lang
	}
	return filepath.FromSlash(name + ".html")
}

// writeFile replaces a file in one step, so that nobody ever reads half of it.
func writeFile(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// ServeHTTP serves the public pages.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", p.look.policy)
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "This page can only be read.", http.StatusMethodNotAllowed)
		return
	}
	path := r.URL.Path
	if path == keysPath {
		p.serveKeys(w, r)
		return
	}
	if text, ok := strings.CutPrefix(path, "/incidents/"); ok {
		if ref, err := incident.ParseRef(text); err == nil {
			if path = incidentPath(ref); path != r.URL.Path {
				http.Redirect(w, r, p.base+path, http.StatusMovedPermanently)
				return
			}
		}
	}
	lang := p.languageFor(r)
	if pg := p.page(pageKey{path, lang}); pg != nil && path != missingPath {
		pg.serve(w, r, http.StatusOK, lang)
		return
	}
	p.page(pageKey{missingPath, lang}).serve(w, r, http.StatusNotFound, lang)
}

func (p *Pages) page(key pageKey) *page {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.shelf[key]
}

// languageFor is the language that a reader asks for, or else prefers.
func (p *Pages) languageFor(r *http.Request) string {
	wanted := r.URL.Query().Get("lang")
	if wanted == "" {
		wanted = r.Header.Get("Accept-Language")
	}
	if wanted == "" || len(wanted) > 300 {
		return p.Language
	}
	tags, _, err := language.ParseAcceptLanguage(wanted)
	if err != nil {
		return p.Language
	}
	_, i, _ := p.matcher.Match(tags...)
	return p.Languages[i]
}

func (pg *page) serve(w http.ResponseWriter, r *http.Request, status int, lang string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Vary", "Accept-Language, Accept-Encoding")
	h.Set("Cache-Control", "public, max-age=10, stale-if-error=3600")
	if status == http.StatusOK {
		h.Set("ETag", pg.etag)
		if matches(r.Header.Get("If-None-Match"), pg.etag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	packed := acceptsGzip(r.Header.Get("Accept-Encoding"))
	if packed {
		h.Set("Content-Encoding", "gzip")
		h.Set("Content-Length", strconv.Itoa(len(pg.gz)))
	} else {
		h.Set("Content-Length", strconv.Itoa(pg.size))
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if packed {
		_, _ = w.Write(pg.gz) // a reader who has gone is nobody's concern
		return
	}
	if z, err := gzip.NewReader(bytes.NewReader(pg.gz)); err == nil { // it always is: we packed it
		_, _ = io.Copy(w, z)
	}
}

// matches reports whether an If-None-Match header has the tag, which is weak.
func matches(header, etag string) bool {
	for tag := range strings.SplitSeq(header, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// acceptsGzip reports whether an Accept-Encoding header allows gzip.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			continue
		}
		_, q, weighed := strings.Cut(params, "=")
		if !weighed {
			return true
		}
		weight, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
		return err == nil && weight > 0
	}
	return false
}

// A look is how pages are dressed: the parsed templates and the content
// security policy that allows their one style sheet and nothing else.
type look struct {
	pages  *template.Template
	policy string
}

func newLook() (*look, error) {
	css, err := assets.ReadFile("assets/style.css")
	if err != nil {
		return nil, err
	}
	t := template.New("").Funcs(template.FuncMap{"style": func() template.CSS { return template.CSS(css) }}) //nolint:gosec // our own style sheet
	if t, err = t.ParseFS(assets, "assets/*.html"); err != nil {
		return nil, err
	}
	return &look{pages: t, policy: fmt.Sprintf("default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", digestBase64(css))}, nil
}
