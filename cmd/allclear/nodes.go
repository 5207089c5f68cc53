package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/seat"
)

// takeSeat takes a seat in the folder that a server has beside a database
// elsewhere. Without it a server works, and knows less when it is started again.
func takeSeat(c *config.Config, log *slog.Logger) *seat.Seat {
	if strings.HasPrefix(c.Store.URL.Reveal(), "sqlite:") {
		return nil
	}
	taken, err := seat.Take(c.Store.Dir)
	if err != nil {
		log.Warn("after a crash it will wait for its accounts, and not know which of the last subscribers were told: let this user write to [store] dir", "folder", c.Store.Dir, "error", err)
		return nil
	}
	return taken
}

// newsEvery is how often a node asks what other nodes did. It is a small part of
// the five seconds that public posts may take.
const newsEvery = 500 * time.Millisecond

// follow has this node act on what happens on others, until ctx ends: it walks
// the lanes of its accounts, sends their letters, renders pages and keeps cards. Commands are taken
// by any node, and whoever holds an account sends.
func (a *app) follow(ctx context.Context, last int64) {
	published := tell(&a.published)
	for well := true; ctx.Err() == nil; bots.Sleep(ctx, newsEvery) {
		news, err := a.store.News(ctx, last)
		if err != nil {
			if well && ctx.Err() == nil {
				a.log.Warn("what happens on other nodes is not noticed", "error", err)
			}
			well = false
			continue
		}
		well, last = true, news.Last
		if len(news.Refs) > 0 || len(news.Lanes) > 0 {
			a.wake(news.Lanes)
		}
		for _, account := range news.Letters {
			a.letters.Wake(account)
		}
		for _, ref := range news.Refs {
			published(ref)
		}
	}
}

// hold has what only one node may do run where the account is held: listening to
// rooms, keeping their cards and, with the account of the first room, reminders.
func (a *app) hold(account string) {
	a.engine.While(account, func(ctx context.Context, _ broadcast.Lease) {
		a.tellFrozen(ctx, account)
		a.rooms.Cards.Run(ctx, account)
	})
	if account == a.config.Rooms[0].Bot {
		a.engine.While(account, func(ctx context.Context, _ broadcast.Lease) { a.reminders.Run(ctx) })
	}
}

// tellFrozen tells the rooms of an account, once, what was frozen by nobody in
// the room: a restored backup is.
func (a *app) tellFrozen(ctx context.Context, account string) {
	freezes, err := a.store.Freezes(ctx)
	for _, f := range freezes {
		if f.By != audit.Self {
			continue
		}
		name, value := "told-frozen:"+account, f.At.UTC().Format(time.RFC3339Nano)
		var told string
		if told, err = a.store.Setting(ctx, name); err != nil || told == value {
			break
		}
		if err = a.store.Set(ctx, name, value); err != nil {
			break
		}
		for _, room := range a.config.Rooms {
			if room.Bot != account {
				continue
			}
			text := fmt.Sprintf("Nothing is sent: %s. An admin releases it with /unfreeze.", f.Reason)
			if _, err = a.say(ctx, account, bots.Operation{Action: bots.Post, Target: room.Target, Text: text}); err != nil {
				break
			}
		}
	}
	if err != nil && ctx.Err() == nil {
		a.log.Warn("a room was not told of a freeze", "account", account, "error", err)
	}
}
