package main

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/metrics"
	"github.com/allclear-hq/allclear/internal/people"
)

// audienceChannels are the channels that are audiences.
func audienceChannels(c *config.Config) (out []broadcast.Channel) {
	for _, ch := range c.Channels {
		if ch.Audience {
			out = append(out, broadcast.Channel{Name: ch.Name, Account: ch.Bot, Platform: string(c.Bots[ch.Bot].Kind), Language: ch.Language, Drill: ch.Drill, Audience: true})
		}
	}
	return out
}

// audienceLease is how long the lease of an audience's account lasts where
// another node may have to go on: it is renewed every 0.6 s, not used for the last
// tenth, and for a second after it (the platform's window) nobody sends. So
// people are written to again within four seconds of a node's death, and a
// database that pauses for a second and a half interrupts nothing.
const audienceLease = 2400 * time.Millisecond

// leaseOf is how long an account's lease lasts; 0 is as usual.
func (a *app) leaseOf(account string) time.Duration {
	for _, ch := range audienceChannels(a.config) {
		if ch.Account == account && a.store.Shared() {
			return audienceLease
		}
	}
	return 0
}

// newWalkers makes what writes to each audience.
func (a *app) newWalkers() error {
	a.walkers = map[string]*people.Walker{}
	for _, ch := range audienceChannels(a.config) {
		journal, err := a.openJournal(ch.Account)
		if err != nil {
			return err
		}
		paying := a.config.Bots[ch.Account]
		walker, ok := people.NewWalker(people.WalkerConfig{
			Channel: ch, Bot: a.bots[ch.Account], Store: a.store, Road: a.engine.Road(ch.Account), Journal: journal, Language: a.config.Site.Language,
			Rules:  people.Rules{EditOnly: a.config.Policy.Correction == config.EditOnly, Translated: a.config.Policy.MissingTranslation == config.HoldBack},
			Resend: a.config.Policy.Unsure.People == config.Resend, Ask: a.config.Policy.Unsure.People != config.Assume,
			Paid: paying.Paid, PaidPace: bots.PaceOf(paying.PaidRate()), Public: a.answeredInPublic, Tell: a.tellRooms(ch), Changed: tell(&a.delivered), Log: a.log,
		})
		if ok {
			a.walkers[ch.Account] = walker
		}
	}
	return nil
}

// tellRooms says something about an audience in the rooms that are of its kind.
func (a *app) tellRooms(ch broadcast.Channel) func(context.Context, string) {
	return func(ctx context.Context, text string) {
		if err := a.rooms.Tell(ctx, ch.Drill, ch.Name+": "+text); err != nil {
			a.log.Warn("the rooms were not told", "channel", ch.Name, "text", text, "error", err)
		}
	}
}

// audienceNumbers are for those who watch.
func (a *app) audienceNumbers() (out []metrics.Audience) {
	for _, w := range a.walkers {
		n := w.Numbers()
		m := metrics.Audience{Channel: w.Channel.Name, Sent: n.Sent, Unsure: n.Unsure}
		if n.States != nil && w.Road.Rightful(time.Now()) == nil {
			m.Subscribers = map[string]int{}
			for _, state := range []people.State{people.Active, people.Stopped, people.Blocked, people.Gone} {
				m.Subscribers[state.String()] = n.States[state]
			}
		}
		out = append(out, m)
	}
	return out
}

// openJournal opens the journal of an audience's account: beside the database,
// or where this server has its seat. Without that, a server still works as others
// do that take over from it: batches that were under way are unsure.
func (a *app) openJournal(account string) (*people.Journal, error) {
	name := "walk-" + url.PathEscape(account)
	file, embedded := strings.CutPrefix(a.config.Store.URL.Reveal(), "sqlite:")
	switch {
	case embedded:
		return people.OpenJournal(file + "-" + name)
	case a.seat != nil:
		return people.OpenJournal(a.seat.File(name))
	}
	return people.OpenJournal("")
}

// wake has everything looked at that a command may have changed. When it
// returns, nothing that the command stopped is begun any more.
func (a *app) wake(lanes map[string][]int64) {
	for _, w := range a.walkers {
		w.Look()
	}
	a.engine.Wake(lanes)
	for account := range lanes {
		a.letters.Wake(account)
	}
}

const (
	heeding   = 5 * time.Second       // that a freeze waits for other nodes at most: without an answer their leases end earlier, and so does the batch that they are sending
	heedEvery = 25 * time.Millisecond // it is asked meanwhile
)

// obeyed waits until other nodes begin nothing any more that is frozen.
func (a *app) obeyed() {
	if !a.store.Shared() || len(a.walkers) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), heeding)
	defer cancel()
	for {
		heeded, err := a.store.Heeded(ctx)
		if err == nil && heeded {
			return
		}
		if ctx.Err() != nil {
			a.log.Warn("another node did not say in time that it has seen the freeze; it begins no other batch", "error", err)
			return
		}
		bots.Sleep(ctx, heedEvery)
	}
}

// answeredInPublic reports whether each public channel has an answer about an
// update.
func (a *app) answeredInPublic(ctx context.Context, ref incident.Ref, update int) (bool, error) {
	ds, err := a.store.Deliveries(ctx, ref, a.engine.Complete)
	if err != nil {
		return false, err
	}
	for _, d := range ds {
		_, n, err := incident.ParseUpdateRef(d.Update)
		if err == nil && n == update && d.Audience == nil && (d.State == broadcast.Pending || d.State == broadcast.Sending) {
			return false, nil
		}
	}
	return true, nil
}

// crowd is how many people an audience has, and the pace at which they are told
// of an incident.
func (a *app) crowd(ctx context.Context, audience string, ref incident.Ref) (desk.Crowd, error) {
	c := desk.Crowd{Name: audience}
	walks, err := a.store.WalksOf(ctx, ref)
	if err != nil {
		return c, err
	}
	for _, ch := range audienceChannels(a.config) {
		if w := a.walkers[ch.Account]; w != nil && ch.Name == audience {
			n := w.Numbers()
			c.People, c.Uncounted = n.People, n.States == nil
			c.Speed = a.bots[ch.Account].Limits().Account.Rate()
			c.Paid, c.PaidSpeed = w.Budget(walks[audience]), a.config.Bots[ch.Account].PaidRate()
		}
	}
	return c, nil
}
