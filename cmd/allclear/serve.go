package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/web"
)

// stopTime is how long requests over HTTP may still take when the server
// stops. All of a graceful stop, with the answers of platforms that are under
// way ([broadcast.Config.Grace]), takes less than ten seconds.
const stopTime = 8 * time.Second

// gcPercent is how much garbage may grow before it is collected, as a share of
// what lives, which is a few MiB. While a million people are written to the
// garbage is that of requests, and collecting it as often as Go does by itself
// takes a tenth of all the CPU. The variable GOGC chooses another.
const gcPercent = 400

// memoryLimit is where it is collected more often. Hundreds of requests that
// wait for slow answers live long, and four times as much garbage is too much
// then. With the program's own file and SQLite's pages a server stays under 128 MiB.
// The variable GOMEMLIMIT chooses another.
const memoryLimit = 72 << 20

// serveCmd runs the bot.
type serveCmd struct {
	Log string `enum:"text,json" default:"text" help:"Form of the log: text or json."`
}

// logger writes the log to standard error.
func (c *serveCmd) logger(w io.Writer) *slog.Logger {
	if c.Log == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

func (c *serveCmd) Run(e *env) error {
	cfg, err := loadConfig(e)
	if err != nil {
		return err
	}
	if _, chosen := e.lookup("GOGC"); !chosen {
		debug.SetGCPercent(gcPercent)
	}
	if _, chosen := e.lookup("GOMEMLIMIT"); !chosen {
		debug.SetMemoryLimit(memoryLimit)
	}
	log := c.logger(e.err)
	a, err := build(e.ctx, cfg, log)
	if err != nil {
		return err
	}
	defer a.Close()
	listeners, err := listen(cfg.Web.Listen, cfg.Web.PublicListen)
	if err != nil {
		return err
	}
	for _, what := range notYet(cfg) {
		log.Warn("not in this version: " + what)
	}
	if simulated(cfg) {
		log.Warn("SIMULATOR: some accounts talk to a simulator on this machine; nothing of theirs reaches the public")
	}
	log.Info("serving", "address", "http://"+listeners[0].Addr().String())
	return a.serve(e.ctx, listeners)
}

// loadConfig reads the configuration and prints its warnings.
func loadConfig(e *env) (*config.Config, error) {
	cfg, err := config.Load(e.config, e.lookup)
	if err != nil {
		return nil, usageError{err}
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(e.err, "allclear: warning:", w)
	}
	return cfg, nil
}

// notYet lists what a configuration asks for and this version does not do.
func notYet(c *config.Config) (out []string) {
	add := func(wanted bool, what string) {
		if wanted {
			out = append(out, what)
		}
	}
	add(len(c.Hooks) > 0, "[hooks]; no alert is taken")
	return out
}

// simulated reports whether any account talks to a simulator.
func simulated(c *config.Config) bool {
	for _, b := range c.Bots {
		if b.Simulated() {
			return true
		}
	}
	return false
}

// listen opens the address for everything and, if it is not empty, the one
// for the public only.
func listen(all, public string) ([]net.Listener, error) {
	var out []net.Listener
	for _, addr := range []string{all, public} {
		if addr == "" {
			continue
		}
		l, err := net.Listen("tcp", addr)
		if err != nil {
			for _, open := range out {
				open.Close()
			}
			return nil, fmt.Errorf("cannot listen on %s: %w; is another allclear running? Change [web] listen", addr, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// serve runs the bot with its pages until ctx ends, then stops gracefully.
func (a *app) serve(ctx context.Context, listeners []net.Listener) error {
	pages, err := web.NewPages(ctx, a.pagesConfig())
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	a.published = append(a.published, pages.Changed)
	site := a.webConfig(pages)
	handlers := []http.Handler{web.New(site), web.Public(site)} // everything, and what is for everybody
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var serving sync.WaitGroup
	for i, l := range listeners {
		s := a.newServer(handlers[i])
		serving.Go(func() {
			if err := s.Serve(newLimitListener(l, connections(openFiles())/len(listeners))); !errors.Is(err, http.ErrServerClosed) {
				cancel(err)
			}
		})
		serving.Go(func() {
			<-ctx.Done()
			a.shutDown(ctx, s)
		})
	}
	serving.Go(func() {
		if err := pages.Run(ctx); err != nil {
			cancel(err)
		}
	})
	serving.Go(func() { a.invite(ctx, pages) })
	a.run(ctx)
	cancel(nil)
	serving.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// newServer serves a handler to strangers: who is slow is cut off.
func (a *app) newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelWarn),
	}
}

// shutDown takes no more requests and waits for the answers to those that are
// there; who has not got his by then is cut off.
func (a *app) shutDown(ctx context.Context, s *http.Server) {
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer done()
	if err := s.Shutdown(ctx); err != nil {
		a.log.Warn("some requests were cut off", "error", err)
		s.Close()
	}
}

// webConfig is what everything over HTTP needs.
func (a *app) webConfig(pages *web.Pages) web.Config {
	c := a.config
	return web.Config{
		Desk: a.desk, Store: a.store, Pages: pages, Operators: apiOperators(c), Channels: channels(c), Complete: a.engine.Complete,
		Preview: a.preview, Export: a.export, Audiences: a.lists(), Ready: a.ready, Stumbled: a.store.Stumbled, Language: c.Site.Language, Simulator: simulated(c), Log: a.log,
		Limits: web.DefaultLimits(), Proxies: c.Web.Networks(), Metrics: a.metrics.Handler(), Counted: a.metrics.Served,
	}
}

func apiOperators(c *config.Config) (out []web.Operator) {
	for _, o := range c.Operators {
		if !o.TokenHash.IsZero() {
			out = append(out, web.Operator{Name: o.Name, Role: desk.Role(o.Role), TokenHash: o.TokenHash})
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
