package web

import (
	_ "embed" // for openapi.json
	"net/http"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

//go:embed openapi.json
var openapiJSON []byte

func (a *api) openapi(w http.ResponseWriter, _ *http.Request, _ Operator) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, err := w.Write(openapiJSON)
	return err
}

type channelJSON struct {
	Name      string       `json:"name"`
	Account   string       `json:"account"`
	Platform  string       `json:"platform"`
	Target    string       `json:"target,omitempty"`
	Language  string       `json:"language"`
	Thread    bool         `json:"thread"`
	Crosspost bool         `json:"crosspost"`
	Pin       bool         `json:"pin"`
	Drill     bool         `json:"drill"`
	Freezes   []freezeJSON `json:"freezes"` // that keep something from it
}

func (a *api) listChannels(w http.ResponseWriter, r *http.Request, _ Operator) error {
	freezes, err := a.Store.Freezes(r.Context())
	if err != nil {
		return err
	}
	out := make([]channelJSON, len(a.Channels))
	for i, ch := range a.Channels {
		out[i] = channelJSON{
			Name: ch.Name, Account: ch.Account, Platform: ch.Platform, Target: ch.Target, Language: ch.Language,
			Thread: ch.Thread, Crosspost: ch.Crosspost, Pin: ch.Pin, Drill: ch.Drill, Freezes: freezeResources(holding(freezes, ch)),
		}
	}
	return reply(w, http.StatusOK, map[string]any{"channels": out})
}

// holding are the freezes of a whole channel.
func holding(freezes []desk.Freeze, ch broadcast.Channel) (out []desk.Freeze) {
	for _, f := range freezes {
		if f.Covers(ch) {
			out = append(out, f)
		}
	}
	return out
}

func (a *api) listAudit(w http.ResponseWriter, r *http.Request, _ Operator) error {
	n, err := limit(r)
	if err != nil {
		return err
	}
	lines, err := a.Store.Audit(r.Context(), n)
	if err != nil {
		return err
	}
	out := make([]auditJSON, len(lines))
	for i := range lines {
		out[i] = auditResource(&lines[i])
	}
	return reply(w, http.StatusOK, map[string]any{"audit": out})
}

func (a *api) healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, "application/json", map[string]any{"alive": true})
}
