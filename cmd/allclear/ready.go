package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/web"
)

// Bounds of readiness.
const (
	deaf     = 2 * time.Minute // nothing heard of a room's platform: several polls or heartbeats
	diskFull = 32 << 20        // bytes left beside the database; less is no place to promise anything
	diskLow  = 512 << 20
)

// ready is what /readyz tells: all that this node needs to do its job.
func (a *app) ready(ctx context.Context) []web.Check {
	checks := []web.Check{a.databaseCheck(ctx), a.diskCheck()}
	if ahead, err := a.store.Ahead(ctx); err == nil { // otherwise the database's own check says it
		checks = append(checks, clockCheck(ahead))
	}
	checks = append(checks, a.accountChecks(ctx)...)
	checks = append(checks, a.freezeChecks(ctx)...)
	if simulated(a.config) {
		checks = append(checks, web.Check{Name: "simulator", State: web.CheckWarning, Detail: "SIMULATOR: " + strings.Join(simulators(a.config), ", ") + "; nothing of theirs reaches the public"})
	}
	return checks
}

func simulators(c *config.Config) (names []string) {
	for _, name := range sortedKeys(c.Bots) {
		if c.Bots[name].Simulated() {
			names = append(names, name)
		}
	}
	return names
}

func (a *app) databaseCheck(ctx context.Context) web.Check {
	if err := a.store.Ready(ctx); err != nil {
		a.log.Error("not ready", "error", err)
		return failed("database", "it cannot be written, so that nothing is accepted: %s", bots.OneLine(err.Error()))
	}
	return web.Check{Name: "database", State: web.CheckOK}
}

// Bounds of how far a node's clock may be from the database's: people read its
// times, and nodes take turns.
const (
	clockOff   = 2 * time.Second
	clockWrong = 30 * time.Second
)

// clockCheck judges this machine's clock.
func clockCheck(ahead time.Duration) web.Check {
	c := web.Check{Name: "clock", State: web.CheckOK}
	if ahead.Abs() < clockOff {
		return c
	}
	c.State = web.CheckWarning
	if ahead.Abs() > clockWrong {
		c.State = web.CheckFailed
	}
	way := "ahead of"
	if ahead < 0 {
		way = "behind"
	}
	c.Detail = fmt.Sprintf("this machine's is %s %s the database's: let NTP set both", ahead.Abs().Round(time.Second), way)
	return c
}

// diskCheck looks at the disk of an embedded database.
func (a *app) diskCheck() web.Check {
	c := web.Check{Name: "disk", State: web.CheckOK}
	file, ok := strings.CutPrefix(a.config.Store.URL.Reveal(), "sqlite:")
	if !ok {
		return c
	}
	left, err := diskLeft(filepath.Dir(file))
	switch {
	case err != nil: // this system does not tell, or the database's own check says more
	case left < diskFull:
		return failed("disk", "%d MB are left: make room on the disk of %s", left>>20, filepath.Base(file))
	case left < diskLow:
		c.State, c.Detail = web.CheckWarning, fmt.Sprintf("%d MB are left", left>>20)
	}
	return c
}

// accountChecks says for each account whether it is held and can be used.
func (a *app) accountChecks(ctx context.Context) (out []web.Check) {
	held, err := a.store.Held(ctx)
	for _, s := range a.engine.Statuses() {
		c := a.accountCheck(s, slices.Contains(held, s.Account) || err != nil, time.Now())
		c.Name = "account " + s.Account
		out = append(out, c)
	}
	return out
}

// accountCheck is what holds for an account that some node may hold.
func (a *app) accountCheck(s broadcast.Status, held bool, now time.Time) web.Check {
	switch {
	case !held:
		return failed("", "no node holds it, so that nothing is sent: if this lasts for more than half a minute, look at the log")
	case s.Held.IsZero():
		return web.Check{State: web.CheckOK, Detail: "held by another node"}
	case s.Refused != nil:
		return failed("", "the platform refuses it (%s): check its token and rights", s.Refused)
	case a.hasRoom(s.Account) && now.Sub(later(s.Held, s.Heard)) > deaf:
		return failed("", "nothing was heard of its rooms for %s: use another room or the shell", now.Sub(later(s.Held, s.Heard)).Round(time.Second))
	case s.Paused.After(now.Add(time.Second)):
		return web.Check{State: web.CheckWarning, Detail: "held here; the platform asked for nothing before " + s.Paused.UTC().Format(time.RFC3339)}
	}
	c := web.Check{State: web.CheckOK, Detail: "held here"}
	if a.hasRoom(s.Account) && !s.Heard.IsZero() {
		c.Detail += "; last heard " + s.Heard.UTC().Format(time.RFC3339)
	}
	return c
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (a *app) hasRoom(account string) bool {
	return slices.ContainsFunc(a.config.Rooms, func(r config.Room) bool { return r.Bot == account })
}

// freezeChecks are the fences that hold something back.
func (a *app) freezeChecks(ctx context.Context) (out []web.Check) {
	freezes, err := a.store.Freezes(ctx)
	if err != nil {
		return nil // the database's own check says it
	}
	for _, f := range freezes {
		out = append(out, freezeCheck(f))
	}
	return out
}

func freezeCheck(f desk.Freeze) web.Check {
	c := web.Check{Name: "frozen", State: web.CheckWarning, Detail: fmt.Sprintf("%s is frozen by %s since %s", f.Scope, f.By, f.At.UTC().Format(time.RFC3339))}
	if f.By == audit.Self { // a person's reason is not for everybody
		c.Detail += ": " + f.Reason
	}
	return c
}

func failed(name, format string, args ...any) web.Check {
	return web.Check{Name: name, State: web.CheckFailed, Detail: fmt.Sprintf(format, args...)}
}
