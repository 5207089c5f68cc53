package config

import (
	"regexp"
	"slices"
	"strings"
)

func (d *document) checkChannels(cfg *Config) {
	if len(cfg.Channels) == 0 && d.whole("channels") {
		d.fault("channels", "there are no channels; add a [[channels]] section for each place where updates appear")
	}
	names, places := map[string]path{}, map[string]path{}
	for i := range cfg.Channels {
		c, at := &cfg.Channels[i], path("channels").index(i)
		if !d.whole(at) {
			continue
		}
		d.checkChannelName(at.key("name"), c.Name)
		d.unique(at.key("name"), "this name", c.Name, names)
		if c.Language == "" {
			c.Language = cfg.Site.Language
		} else {
			c.Language = d.known(at.key("language"), c.Language, &cfg.Site)
		}
		b, ok := d.bot(cfg, at.key("bot"), c.Bot)
		if !ok {
			continue
		}
		d.checkOffers(at, c, b)
		d.checkChannelTarget(at, c, b.Kind)
		d.checkPlace(at, c, places)
	}
	d.checkMixed(cfg)
}

func (d *document) checkChannelName(at path, name string) {
	if !d.need(at, name, `write a word for commands and cards, like "tg-en"`) || !d.wordy(at, "channel", name) {
		return
	}
	if strings.EqualFold(name, "page") {
		d.fault(at, "channel name %q means the status page; use another", name)
	}
}

// checkOffers reports what the platform of a channel cannot do.
func (d *document) checkOffers(at path, c *Channel, b Bot) {
	offers := on(b.Kind)
	for _, x := range []struct {
		key string
		set bool
	}{
		{"audience", c.Audience}, {"thread", c.Thread}, {"crosspost", c.Crosspost}, {"pin", c.Pin}, {"replies", c.Replies != ""},
	} {
		switch here := at.key(x.key); {
		case !x.set:
		case !slices.Contains(offers.channel, x.key):
			d.fault(here, "%s channels have no %s; remove it", b.Kind, x.key)
		case c.Audience && x.key != "audience":
			d.fault(here, "an audience has no %s; remove it", x.key)
		}
	}
	switch {
	case b.Kind != Twitter:
	case c.Replies == "":
		c.Replies = AllReply
	case c.Replies == MentionedReply && b.API == TwitterV1:
		d.fault(at.key("replies"), `replies = "mentioned" needs X API v2; set api = "v2" in [%s], or remove it`, path("bots").key(b.Name))
	}
}

func (d *document) checkChannelTarget(at path, c *Channel, kind Platform) {
	target := at.key("target")
	switch {
	case c.Audience && c.Target != "":
		d.fault(target, "an audience has no target: it is whoever subscribed to the bot; remove it")
	case c.Audience:
	case on(kind).targets:
		c.Target = d.checkTarget(target, c.Target, kind)
	case c.Target != "":
		d.fault(target, "%s channels have no target: the account is the place; remove it", kind)
	}
}

var (
	telegramName = regexp.MustCompile(`^@[A-Za-z][A-Za-z0-9_]{3,31}$`)
	telegramID   = regexp.MustCompile(`^-?[0-9]{1,19}$`)
)

// checkTarget returns the chat or channel id as platforms report it.
func (d *document) checkTarget(at path, target string, kind Platform) string {
	if !d.need(at, target, on(kind).idAdvice) {
		return ""
	}
	fits := digits.MatchString(target)
	if kind == Telegram {
		fits = telegramName.MatchString(target) || telegramID.MatchString(target)
	}
	if !fits {
		d.fault(at, "%q is not a %s chat; %s", target, kind, on(kind).idAdvice)
	}
	return target
}

// checkPlace reports channels that would say everything twice in one place.
func (d *document) checkPlace(at path, c *Channel, places map[string]path) {
	place := strings.Join([]string{c.Bot, strings.ToLower(c.Target), c.Language}, "\n")
	if c.Audience {
		place = c.Bot + "\naudience"
	}
	first, ok := places[place]
	if !ok {
		places[place] = at
		return
	}
	if c.Audience {
		d.fault(at, "bot %q has an audience already (line %d); people choose their language themselves", c.Bot, d.line(first))
		return
	}
	d.fault(at, "channel %q is the same place in the same language as that of line %d; remove one", c.Name, d.line(first))
}

// checkMixed reports simulated beside live channels. In an exercise they may
// mix, since nobody relies on what it says.
func (d *document) checkMixed(cfg *Config) {
	first := -1
	for i, c := range cfg.Channels {
		b, ok := cfg.Bots[c.Bot]
		at := path("channels").index(i)
		if !ok || c.Drill || !d.whole(at) || !d.whole(path("bots").key(c.Bot)) {
			continue
		}
		if first < 0 {
			first = i
			continue
		}
		one := cfg.Channels[first]
		if simulated := b.Simulated(); simulated != cfg.Bots[one.Bot].Simulated() {
			kind := map[bool]string{true: "simulated (loopback api_url)", false: "live"}
			d.fault(at, "channel %q is %s but %q is %s; mark one as drill = true, or set live = true on a local Bot API server",
				c.Name, kind[simulated], one.Name, kind[!simulated])
		}
	}
}

func (d *document) checkRooms(cfg *Config) {
	seen := map[string]path{}
	for i := range cfg.Rooms {
		r, at := &cfg.Rooms[i], path("rooms").index(i)
		if !d.whole(at) {
			continue
		}
		b, ok := d.bot(cfg, at.key("bot"), r.Bot)
		if !ok {
			continue
		}
		if !on(b.Kind).chats {
			d.fault(at.key("bot"), "%s has no chats that a bot can listen to; use a telegram or discord bot for rooms", b.Kind)
			continue
		}
		r.Target = d.checkTarget(at.key("target"), r.Target, b.Kind)
		d.unique(at.key("target"), "this room", r.Bot+"\n"+r.Target, seen)
		d.checkRoomIsPrivate(cfg, at.key("target"), b.Kind, r)
		if b.Kind == Discord && b.Application == "" {
			d.fault(path("bots").key(b.Name), "application is missing: the room needs it for slash commands; add the application id")
		}
	}
}

// checkRoomIsPrivate reports a room that is a public channel.
func (d *document) checkRoomIsPrivate(cfg *Config, at path, kind Platform, r *Room) {
	for i, c := range cfg.Channels {
		if r.Target != "" && d.whole(path("channels").index(i)) && !c.Drill && cfg.Bots[c.Bot].Kind == kind && strings.EqualFold(c.Target, r.Target) {
			d.fault(at, "the room is also channel %q, where everybody would read along; use a chat of its own", c.Name)
		}
	}
}
