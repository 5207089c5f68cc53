package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/web"
)

// stopTime is how long a graceful stop may take in all.
const stopTime = 10 * time.Second

// serveCmd runs the bot.
type serveCmd struct{}

func (c *serveCmd) Run(e *env) error {
	cfg, err := loadConfig(e)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(e.err, nil))
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
	for _, ch := range c.Channels {
		add(ch.Audience, "channel "+ch.Name+" is an audience; nothing is sent to subscribers")
	}
	for _, name := range sortedKeys(c.Bots) {
		add(c.Bots[name].Paid > 0, "paid of bot "+name+"; nothing is paid for")
	}
	add(len(c.Hooks) > 0, "[hooks]; no alert is taken")
	add(c.Policy.Ack+c.Policy.Hold+c.Policy.FalseAlarm != "", "[policy] ack, hold and false_alarm; no approved template is offered")
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
	servers := make([]*http.Server, len(listeners))
	for i, l := range listeners {
		s := &http.Server{Handler: handlers[i], ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
		servers[i] = s
		go func() {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				cancel(err)
			}
		}()
	}
	var rendering sync.WaitGroup
	rendering.Go(func() {
		if err := pages.Run(ctx); err != nil {
			cancel(err)
		}
	})
	err = a.run(ctx) // returns when ctx has ended and what was under way has an answer
	stopping, done := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer done()
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(stopping))
	}
	rendering.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// webConfig is what everything over HTTP needs.
func (a *app) webConfig(pages *web.Pages) web.Config {
	c := a.config
	return web.Config{
		Desk: a.desk, Store: a.store, Pages: pages, Operators: apiOperators(c), Channels: channels(c), Complete: a.engine.Complete,
		Preview: a.preview, Export: a.export, Ready: a.ready, Language: c.Site.Language, Simulator: simulated(c), Log: a.log,
		Metrics: a.metrics.Handler(), Counted: a.metrics.Served,
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
