package web

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/language"

	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Source is where pages come from. It is implemented by [*store.Store].
type Source interface {
	Incident(ctx context.Context, ref incident.Ref) (*incident.Incident, error)
	Incidents(ctx context.Context, limit int) ([]*incident.Incident, error)
}

// A Component is a named part of the service as the status page lists it.
type Component struct {
	ID, Name, Group string
}

// PagesConfig is what the pages need to know.
type PagesConfig struct {
	Source     Source
	Site       string // the name of the service
	URL        string // of the status page; its path is put before every link
	Language   string // of texts that name none; one of Languages
	Languages  []string
	Zone       *time.Location
	Components []Component
	Warning    map[string]string // by language: the line against impostors
	Dir        string            // folder that receives the pages as files; empty for none
	Keys       []audit.PublicKey // that sign exports
	Log        *slog.Logger
}

// Pages is the public site: the status page and one page for each incident
// that is no drill, in each language. All of it is in memory, rendered once
// per publication; serving touches neither the store nor the disk. It is an
// [http.Handler], safe for use by many goroutines.
type Pages struct {
	PagesConfig
	base    string // path of URL, without a slash at the end
	look    *look
	matcher language.Matcher

	writing sync.Mutex                          // held while rendering, so that newer words replace older ones
	recent  map[incident.Ref]*incident.Incident // what the status page is about; guarded by writing

	invitation string // address of the bot that people subscribe with; guarded by writing

	mu    sync.RWMutex
	shelf map[pageKey]*page

	dirtyMu sync.Mutex
	dirty   []string
	wake    chan struct{}
}

// NewPages renders everything that was ever published.
func NewPages(ctx context.Context, c PagesConfig) (*Pages, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	site, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	look, err := newLook()
	if err != nil {
		return nil, err
	}
	p := &Pages{
		PagesConfig: c, base: strings.TrimSuffix(site.EscapedPath(), "/"), look: look,
		recent: map[incident.Ref]*incident.Incident{}, shelf: map[pageKey]*page{}, wake: make(chan struct{}, 1),
	}
	// The matcher falls back to its first language.
	p.Languages = append([]string{c.Language}, slices.DeleteFunc(slices.Clone(c.Languages), func(l string) bool { return l == c.Language })...)
	tags := make([]language.Tag, len(p.Languages))
	for i, l := range p.Languages {
		tags[i] = language.Make(l)
	}
	p.matcher = language.NewMatcher(tags)
	return p, p.load(ctx)
}

func (p *Pages) load(ctx context.Context) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	incidents, err := p.Source.Incidents(ctx, math.MaxInt32)
	if err != nil {
		return err
	}
	now := time.Now()
	var errs []error
	for _, i := range incidents {
		if !i.Drill {
			p.recent[i.Ref] = i
			errs = append(errs, p.renderIncident(i, now))
		}
	}
	errs = append(errs, p.renderMissing(), p.renderStatus(now))
	return errors.Join(errs...)
}

// Refresh renders what a publication about the incident with this reference
// changed: its own page and the status page.
func (p *Pages) Refresh(ctx context.Context, ref string) error {
	r, err := incident.ParseRef(ref)
	if err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	i, err := p.Source.Incident(ctx, r)
	if errors.Is(err, desk.ErrNotFound) {
		return nil // a draft that has not opened it
	}
	if err != nil || i.Drill {
		return err
	}
	p.recent[i.Ref] = i
	now := time.Now()
	return errors.Join(p.renderIncident(i, now), p.renderStatus(now))
}

// Changed has the pages of an incident rendered soon, by Run. It never blocks.
func (p *Pages) Changed(ref string) {
	p.dirtyMu.Lock()
	if !slices.Contains(p.dirty, ref) {
		p.dirty = append(p.dirty, ref)
	}
	p.dirtyMu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// patience is how long Run waits before it tries again what failed.
const patience = time.Second

// Run renders what has changed, and what the passing of time changes, until
// ctx ends.
func (p *Pages) Run(ctx context.Context) error {
	wait := p.untilStale()
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-p.wake:
			timer.Stop()
		case <-timer.C:
		}
		wait = p.catchUp(ctx)
	}
}

// catchUp renders what is due and returns how long that holds.
func (p *Pages) catchUp(ctx context.Context) time.Duration {
	p.dirtyMu.Lock()
	dirty := p.dirty
	p.dirty = nil
	p.dirtyMu.Unlock()
	failed := false
	for _, ref := range dirty {
		if err := p.Refresh(ctx, ref); err != nil && ctx.Err() == nil {
			p.Log.ErrorContext(ctx, "pages are out of date", "incident", ref, "err", err)
			p.Changed(ref)
			failed = true
		}
	}
	if failed {
		select {
		case <-p.wake: // put there by ourselves; patience first
		default:
		}
		return patience
	}
	if len(dirty) == 0 {
		if err := p.age(); err != nil {
			p.Log.ErrorContext(ctx, "pages are out of date", "err", err)
			return patience
		}
	}
	return p.untilStale()
}

// age renders again what the passing of time may have changed.
func (p *Pages) age() error {
	p.writing.Lock()
	defer p.writing.Unlock()
	now := time.Now()
	var errs []error
	for _, i := range p.recent {
		if i.ResolvedAt.IsZero() {
			errs = append(errs, p.renderIncident(i, now))
		}
	}
	return errors.Join(append(errs, p.renderStatus(now))...)
}

// untilStale is how long the pages hold by themselves: until a promise is due
// or the day ends.
func (p *Pages) untilStale() time.Duration {
	p.writing.Lock()
	defer p.writing.Unlock()
	now := time.Now()
	year, month, day := now.In(p.Zone).Date()
	next := time.Date(year, month, day+1, 0, 0, 0, 0, p.Zone)
	for _, i := range p.recent {
		if i.ResolvedAt.IsZero() && i.NextUpdate.After(now) && i.NextUpdate.Before(next) {
			next = i.NextUpdate
		}
	}
	return max(next.Sub(now), 0) + time.Millisecond // not a moment too early
}

var _ http.Handler = (*Pages)(nil)
