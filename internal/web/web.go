// Package web is what allclear says over HTTP: the API for operators and the
// pages for everybody.
//
// The API is a thin translation between JSON and commands of package desk: it
// decides nothing, and what it answers with 201 or 202 is committed. A request
// with an Idempotency-Key may be repeated after any crash and has one effect.
//
// The pages are rendered once per publication and served from memory; no
// reader ever causes a read of the store.
package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Desk carries out commands. It is implemented by [*desk.Desk].
type Desk interface {
	Do(ctx context.Context, actor desk.Actor, key string, cmd desk.Command) (desk.Answer, error)
	// Against lists what still speaks against the all clear that a draft gives.
	Against(ctx context.Context, draft *desk.Draft) ([]string, error)
}

// Store is what the API reads, and where it notes which Idempotency-Key
// belongs to which request. It is implemented by [*store.Store].
type Store interface {
	Incident(ctx context.Context, ref incident.Ref) (*incident.Incident, error)
	Incidents(ctx context.Context, limit int) ([]*incident.Incident, error)
	Deliveries(ctx context.Context, ref incident.Ref, complete func(*broadcast.Lane)) ([]broadcast.Delivery, error)
	Drafts(ctx context.Context) ([]*desk.Draft, error)
	Freezes(ctx context.Context) ([]desk.Freeze, error)
	Audit(ctx context.Context, limit int) ([]desk.AuditLine, error)
	Change(ctx context.Context, key string, fn func(desk.Tx) ([]byte, error)) ([]byte, error)
}

// An Operator is a person or script with a token for the API.
type Operator struct {
	Name      string
	Role      desk.Role
	TokenHash [32]byte // SHA-256 of the token; zero for none
}

// A Preview is what one channel would show.
type Preview struct {
	Channel  string   `json:"channel"`
	Text     string   `json:"text"`
	Size     int      `json:"size"`
	Max      int      `json:"max"`
	Unit     string   `json:"unit"` // of Size and Max
	Cut      bool     `json:"cut"`  // not the whole text is shown
	Warnings []string `json:"warnings"`
}

// A Previewer renders what each channel would show if s were said about the
// incident with the given reference, or about a new one of that kind if the
// reference is empty. A *[desk.Refusal] is for the operator's eyes.
type Previewer func(ctx context.Context, kind incident.Kind, s incident.Saying, ref string) ([]Preview, error)

// An Exporter signs all that is on record about an incident. It returns
// [desk.ErrNotFound] where there is none.
type Exporter func(ctx context.Context, ref incident.Ref) (*audit.Export, error)

// Config is what the HTTP side needs. All fields but Audiences, Metrics,
// Counted and Simulator are required.
type Config struct {
	Desk      Desk
	Store     Store
	Pages     *Pages
	Operators []Operator
	Channels  []broadcast.Channel
	Complete  func(*broadcast.Lane) // adds settings and limits to a lane of the store
	Preview   Previewer
	Export    Exporter
	Audiences Audiences
	Language  string // of texts that name none
	Limits    Limits
	Proxies   []netip.Prefix                                   // whose word about where a request comes from is believed
	Ready     func(ctx context.Context) []Check                // what /readyz answers
	Stumbled  func() bool                                      // whether the last write came to nothing, so that Ready is asked again; may be nil
	Simulator bool                                             // some platform is simulated
	Metrics   http.Handler                                     // what /metrics answers
	Counted   func(route string, code int, took time.Duration) // after each request
	Log       *slog.Logger
}

// New serves everything: pages, API, health and metrics.
func New(c Config) http.Handler {
	a := &api{Config: c, gate: newGate(c.Limits, c.Proxies)}
	mux := http.NewServeMux()
	mux.Handle("/", c.Pages)
	mux.Handle("/v1/", a.handler())
	mux.HandleFunc("GET /healthz", a.healthz)
	mux.Handle("GET /readyz", &readyz{api: a})
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics)
	}
	return c.guard(mux)
}

// Public serves what is for everybody: the pages alone.
func Public(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", c.Pages)
	return c.guard(mux)
}
