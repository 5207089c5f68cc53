package web

import (
	"fmt"
	"net/http"

	"github.com/allclear-hq/allclear/internal/audit"
)

// keysPath is where everybody finds the keys that sign exports.
const keysPath = "/.well-known/allclear.json"

// exportFormats are the content types of the formats of an export.
func exportFormats() map[string]string {
	return map[string]string{"json": "application/json", "markdown": "text/markdown; charset=utf-8", "csv": "text/csv; charset=utf-8"}
}

// export answers with all that is on record about an incident. Only the JSON
// can be verified; the others name it by its SHA-256.
func (a *api) export(w http.ResponseWriter, r *http.Request, _ Operator) error {
	ref, err := ref(r.PathValue("ref"))
	if err != nil {
		return err
	}
	format := r.URL.Query().Get("format")
	if format == "" {
		format = "json"
	}
	media, ok := exportFormats()[format]
	if !ok {
		return refuse(http.StatusBadRequest, "format is %q: use json, markdown or csv", format)
	}
	x, err := a.Export(r.Context(), ref)
	if err != nil {
		return noIncident(ref, err)
	}
	body, err := render(x, format)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", ref.String()+"."+map[string]string{"json": "json", "markdown": "md", "csv": "csv"}[format]))
	h.Set("Content-Length", fmt.Sprint(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(body) // a client that has gone away is nobody's concern
	return nil
}

func render(x *audit.Export, format string) ([]byte, error) {
	switch format {
	case "markdown":
		return x.Markdown(), nil
	case "csv":
		return x.CSV()
	default:
		return x.JSON, nil
	}
}

// serveKeys answers with the keys that sign exports.
func (p *Pages) serveKeys(w http.ResponseWriter, r *http.Request) {
	body, err := audit.WellKnown(p.Keys...)
	if err != nil { // keys always encode
		http.Error(w, "The keys cannot be shown.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a reader who has gone is nobody's concern
	}
}
