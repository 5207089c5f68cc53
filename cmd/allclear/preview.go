package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/web"
)

// preview renders what each channel would show if s were said: about the
// incident with the reference, or about a new one of the kind.
func (a *app) preview(ctx context.Context, kind incident.Kind, s incident.Saying, ref string) ([]web.Preview, error) {
	i, lanes, err := a.previewed(ctx, kind, ref)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if err := s.Check(i.Kind, now); err != nil {
		return nil, &desk.Refusal{Kind: desk.Invalid, Text: err.Error()}
	}
	warnings, err := a.desk.Lint(s.Body, s.Title, cmp.Or(s.Status, i.Status))
	if err != nil {
		return nil, err
	}
	if s.Template != "" { // words that nobody typed
		warnings = nil
	}
	if ref == "" {
		a.desk.PromiseFirst(kind, &s, now)
	}
	i.Say(s, "", nil, now)
	shown, err := a.engine.Preview(i, broadcast.PlanPost(channels(a.config), i, nil, nil), lanes)
	var out []web.Preview
	for _, p := range shown {
		out = append(out, web.Preview{Channel: p.Channel.Name, Text: p.Text.String, Size: p.Size, Max: p.Limits.MaxText, Unit: p.Limits.Unit,
			Cut: p.Text.Cut, Warnings: slices.Concat(warnings, cautions(p))})
	}
	return out, err
}

// previewed is the incident to preview on, with its lanes.
func (a *app) previewed(ctx context.Context, kind incident.Kind, ref string) (*incident.Incident, []*broadcast.Lane, error) {
	if ref == "" {
		prefix := incident.Prefix(kind, false)
		return &incident.Incident{Ref: incident.Ref{Prefix: prefix}, Kind: kind, Status: kind.First(), Impact: incident.ImpactNone}, nil, nil
	}
	r, err := incident.ParseRef(ref)
	if err != nil {
		return nil, nil, &desk.Refusal{Kind: desk.Invalid, Text: err.Error()}
	}
	i, err := a.store.Incident(ctx, r)
	if errors.Is(err, desk.ErrNotFound) {
		return nil, nil, &desk.Refusal{Kind: desk.NotFound, Text: fmt.Sprintf("there is no %s", r)}
	}
	if err != nil {
		return nil, nil, err
	}
	lanes, err := a.store.Lanes(ctx, r)
	return i, lanes, err
}

// cautions are what an operator should know before a channel shows this.
func cautions(p broadcast.Preview) (out []string) {
	if p.Text.Cut {
		out = append(out, "shows the first paragraph only")
	}
	if p.Text.Words {
		out = append(out, "the first paragraph is cut")
	}
	if p.Note != "" {
		out = append(out, fmt.Sprintf("no text in %s: shows the one in %s, with a note", p.Channel.Language, p.Note))
	}
	if !p.Limits.Edit {
		out = append(out, "cannot be edited")
	}
	if p.Limits.PostCost > 0 {
		out = append(out, fmt.Sprintf("costs about $%.3f, with a link $%.3f", p.Limits.PostCost, p.Limits.PostCost+p.Limits.LinkCost))
	}
	return out
}
