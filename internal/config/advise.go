package config

import (
	"maps"
	"net/url"
	"slices"
)

// advise warns of what works but is probably not meant.
func (d *document) advise(cfg *Config) {
	d.adviseBots(cfg)
	d.adviseApprovals(cfg)
	d.adviseOperators(cfg)
	if len(cfg.Site.Hosts) > 0 {
		if u, err := url.Parse(cfg.Site.URL); err == nil && !slices.Contains(cfg.Site.Hosts, u.Hostname()) {
			d.warn("site.hosts", "site.hosts lacks %s: texts cannot link to the status page; add it", u.Hostname())
		}
	}
	drillRoom := slices.IndexFunc(cfg.Rooms, func(r Room) bool { return r.Drill })
	if drillRoom >= 0 && !slices.ContainsFunc(cfg.Channels, func(c Channel) bool { return c.Drill }) {
		d.warn(path("rooms").index(drillRoom), "no channel has drill = true: exercises in this room have nowhere to appear; add one")
	}
}

func (d *document) adviseBots(cfg *Config) {
	for _, name := range slices.Sorted(maps.Keys(cfg.Bots)) {
		room := slices.IndexFunc(cfg.Rooms, func(r Room) bool { return r.Bot == name })
		channel := slices.ContainsFunc(cfg.Channels, func(c Channel) bool { return c.Bot == name })
		audience := slices.ContainsFunc(cfg.Channels, func(c Channel) bool { return c.Bot == name && c.Audience })
		if b := cfg.Bots[name]; b.Kind == Discord && channel && b.Guild == "" {
			d.warn(path("bots").key(name), "bot %q has no guild: links to its messages cannot be told; add the server's id", name)
		}
		switch {
		case room < 0 && !channel:
			d.warn(path("bots").key(name), "bot %q has no channel and no room; use it or remove it", name)
		case room >= 0 && audience:
			d.warn(path("rooms").index(room), "the room shares bot %q and its limits with an audience; above 1000 subscribers it needs a bot of its own", name)
		}
	}
}

// adviseApprovals warns of approvals that some author could never get. An
// admin may still publish alone, with a reason.
func (d *document) adviseApprovals(cfg *Config) {
	approvers := 0
	for _, o := range cfg.Operators {
		if o.Role != Author {
			approvers++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(cfg.Policy.Approvals)) {
		if n := cfg.Policy.Approvals[key]; n > 0 && n >= approvers {
			d.warn(path("policy.approvals").key(key), "%s needs %d besides the author, but only %d can approve at all; add operators", key, n, approvers)
		}
	}
}

func (d *document) adviseOperators(cfg *Config) {
	publishes := func(o Operator) bool { return o.Role == Publisher || o.Role == Admin }
	token := func(o Operator) bool { return !o.TokenHash.IsZero() }
	switch {
	case !slices.ContainsFunc(cfg.Operators, publishes):
		d.warn("operators", "no operator may publish; add one with role publisher or admin")
	case len(cfg.Rooms) == 0 && !slices.ContainsFunc(cfg.Operators, token):
		d.warn("operators", "there is no room and no operator has a token: nobody can give a command; add either")
	case !slices.ContainsFunc(cfg.Operators, func(o Operator) bool { return o.Role == Admin }):
		d.warn("operators", "no operator is admin: nobody can lift a freeze; add one")
	}
}
