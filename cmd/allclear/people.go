package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/web"
	"github.com/allclear-hq/allclear/templates"
)

// newAudiences makes the audience of each bot that has one.
func (a *app) newAudiences(texts *templates.Set) {
	a.audiences = map[string]*people.Audience{}
	for _, ch := range a.config.Channels {
		if !ch.Audience {
			continue
		}
		c := a.peopleConfig(ch.Bot, texts)
		a.audiences[ch.Bot] = people.New(c)
	}
}

func (a *app) peopleConfig(account string, texts *templates.Set) people.Config {
	c := a.config
	out := people.Config{
		Account: account, Bot: a.bots[account], Store: a.store, Texts: texts, Site: c.Site.Name, Page: c.Site.URL, Channel: telegramChannel(c),
		Language: c.Site.Language, Languages: c.Site.Languages, Zone: c.Site.TimeZone, Published: a.store.Published, Find: a.find, Others: a.voices(account), Walker: a.walkers[account], Log: a.log,
		Book: people.BookConfig{Texts: texts, Languages: c.Site.Languages, Policy: policy(c), Addresses: addresses(c)},
		Say: func(ctx context.Context, op bots.Operation) (bots.Receipt, error) {
			return a.engine.Say(ctx, account, broadcast.Answer, op)
		},
	}
	for _, comp := range c.Components {
		out.Components = append(out.Components, people.Component{ID: comp.ID, Name: comp.Name, Group: comp.Group})
	}
	return out
}

// find looks an incident up for people; nil is that there is none.
func (a *app) find(ctx context.Context, ref incident.Ref) (*incident.Incident, error) {
	i, err := a.store.Incident(ctx, ref)
	if errors.Is(err, desk.ErrNotFound) {
		return nil, nil //nolint:nilnil // as it says
	}
	return i, err
}

// lists is where subscribers are handed in and out.
func (a *app) lists() web.Audiences {
	c := a.config
	list := people.List{Languages: c.Site.Languages, Language: c.Site.Language}
	for _, comp := range c.Components {
		list.Components = append(list.Components, comp.ID)
	}
	return web.Audiences{Bots: sortedKeys(a.audiences), Lists: a.store, List: list}
}

// voices are the other bots on Telegram that speak to the public, beside an account.
func (a *app) voices(account string) (out []bots.Named) {
	seen := map[string]bool{account: true}
	for _, ch := range a.config.Channels {
		if ch.Drill || seen[ch.Bot] {
			continue
		}
		seen[ch.Bot] = true
		if named, ok := a.bots[ch.Bot].(bots.Named); ok {
			out = append(out, named)
		}
	}
	return out
}

// telegramChannel is the address of the first public channel on Telegram that
// has a name.
func telegramChannel(c *config.Config) string {
	for _, ch := range c.Channels {
		if name, ok := strings.CutPrefix(ch.Target, "@"); ok && !ch.Drill && c.Bots[ch.Bot].Kind == config.Telegram {
			return "https://t.me/" + name
		}
	}
	return ""
}

// addresses are where we are found, as far as the configuration tells. That texts may
// link to a host does not make it ours: anybody may have a page there.
func addresses(c *config.Config) people.Addresses {
	out := people.Addresses{Linked: c.Site.Hosts}
	if u, err := url.Parse(c.Site.URL); err == nil && u.Hostname() != "" {
		out.Hosts = append(out.Hosts, people.HostOf(u))
	}
	vague := map[string]bool{}
	for _, ch := range c.Channels {
		switch name, ok := strings.CutPrefix(ch.Target, "@"); c.Bots[ch.Bot].Kind {
		case config.Telegram:
			switch {
			case ch.Drill, ch.Audience: // whose bot says what it is called
			case ok:
				out.Accounts = append(out.Accounts, "t.me/"+name)
			default: // a number, which is not how people know it
				vague["t.me"] = true
			}
		case config.Twitter: // whose name only X knows
			vague["x.com"], vague["twitter.com"] = true, true
		case config.Discord:
			vague["discord.com"], vague["discord.gg"] = true, true
		}
	}
	out.Vague = slices.Sorted(maps.Keys(vague))
	return out
}

// maxShared is how many subscribers a bot may have that a room uses as well:
// more of them at once would keep operators waiting.
const maxShared = 1000

// checkShared refuses a room that would have to wait behind too many people.
func (a *app) checkShared(ctx context.Context) error {
	for name := range a.audiences {
		if !a.hasRoom(name) {
			continue
		}
		n, err := a.store.CountSubscribers(ctx, name)
		if err != nil {
			return err
		}
		if n > maxShared {
			return usageError{fmt.Errorf("bot %s has %d subscribers, and a room: above %d a crowd would keep operators waiting; give the room a bot of its own", name, n, maxShared)}
		}
	}
	return nil
}

// listener is what the rooms hear of an account: all of it, or what its
// subscribers leave.
func (a *app) listener(account string, bot bots.Listener) bots.Listener {
	audience, batcher := a.audiences[account], bots.Batcher(nil)
	if b, ok := bot.(bots.Batcher); ok {
		batcher = b
	}
	if audience == nil || batcher == nil {
		return bot
	}
	return &people.Listener{Audience: audience, Bot: batcher, Rooms: func(e bots.Event) bool {
		return slices.ContainsFunc(a.config.Rooms, func(r config.Room) bool { return r.Bot == account && r.Target == e.Chat })
	}}
}

// invite has the pages show where to subscribe, once the platform has told
// what the audience's bot is called. A node that cannot ask shows no link.
func (a *app) invite(ctx context.Context, pages *web.Pages) {
	for _, account := range sortedKeys(a.audiences) {
		named, ok := a.bots[account].(bots.Named)
		for wait := time.Second; ok && ctx.Err() == nil; wait = min(2*wait, time.Minute) {
			name, err := named.Username(ctx)
			if err == nil {
				err = pages.Invite(ctx, "https://t.me/"+name)
			}
			if err == nil {
				return // of several bots the first is enough
			}
			bots.Sleep(ctx, wait)
		}
	}
}

// offerPeople has a platform offer the commands of subscribers. They work
// without, so a platform that refuses is asked again a few times and then left
// alone.
func (a *app) offerPeople(ctx context.Context, account string) {
	commander, ok := a.bots[account].(bots.PrivateCommander)
	for try := 1; ok && try <= 5 && ctx.Err() == nil; try++ {
		err := commander.SetPrivateCommands(ctx, a.audiences[account].Commands())
		if err == nil || ctx.Err() != nil {
			return
		}
		a.log.Warn("commands are not offered to subscribers", "account", account, "error", err)
		bots.Sleep(ctx, time.Duration(try)*10*time.Second)
	}
}
