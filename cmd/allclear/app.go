package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/metrics"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/seat"
	"github.com/allclear-hq/allclear/internal/store"
	"github.com/allclear-hq/allclear/templates"
)

// app is a server put together: the wiring from top to bottom.
type app struct {
	config    *config.Config
	bots      map[string]bots.Bot
	store     *store.Store
	seat      *seat.Seat // nil with an embedded database, or without the folder
	engine    *broadcast.Engine
	desk      *desk.Desk
	rooms     *desk.Rooms
	letters   *desk.Letters
	reminders *desk.Reminders
	metrics   *metrics.Metrics
	audiences map[string]*people.Audience // by account
	walkers   map[string]*people.Walker   // by account
	log       *slog.Logger

	key   *audit.Key // signs exports
	began int64      // what had happened before this server began

	published []func(ref string) // told after something was said
	delivered []func(ref string) // told after an attempt had an outcome
}

// build opens what a server needs. Close it when done.
func build(ctx context.Context, c *config.Config, log *slog.Logger) (*app, error) {
	texts, err := templates.Load(c.Site.Templates, c.Site.Languages)
	if err != nil {
		return nil, usageError{err}
	}
	approved, err := approvedTexts(c, texts)
	if err != nil {
		return nil, usageError{err}
	}
	accounts, err := connect(c)
	if err != nil {
		return nil, usageError{err}
	}
	place := takeSeat(c, log)
	db, err := store.Open(ctx, c.Store.URL.Reveal(), store.Seated(place), store.Slowly(func(change string) {
		log.Info("the database is being brought up to date: nothing is sent until that is done", "change", change)
	}))
	if err != nil {
		_ = place.Close() // unless the store has
		return nil, err
	}
	key, err := audit.LoadKey(c.Site.KeyFile)
	if err != nil {
		db.Close()
		return nil, usageError{err}
	}
	news, err := db.News(ctx, -1)
	if err != nil {
		db.Close()
		return nil, err
	}
	a := &app{config: c, bots: accounts, store: db, seat: place, key: key, began: news.Last, log: log}
	a.metrics = a.newMetrics()
	if a.engine, err = broadcast.New(a.engineConfig(texts)); err != nil {
		db.Close()
		return nil, usageError{err}
	}
	a.desk = desk.New(a.deskConfig(texts, approved))
	a.rooms = a.newRooms()
	if err := a.newWalkers(); err != nil {
		db.Close()
		return nil, err
	}
	a.newAudiences(texts)
	if err := a.checkShared(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return a, nil
}

func (a *app) Close() error { return a.store.Close() }

// run serves until ctx ends, and until what was under way has an answer.
func (a *app) run(ctx context.Context) {
	var wg sync.WaitGroup
	for name, bot := range a.bots {
		if a.hasRoom(name) {
			a.hold(name)
		}
		if _, ok := bot.(bots.Messenger); ok {
			a.engine.While(name, a.letters.Run)
		}
		listener, ok := bot.(bots.Listener)
		if !ok || !a.hasRoom(name) && a.audiences[name] == nil {
			continue
		}
		a.engine.While(name, func(ctx context.Context, _ broadcast.Lease) {
			wg.Go(func() { a.offer(ctx, name, bot) })
			a.rooms.Listen(ctx, name, a.listener(name, listener))
		})
		if audience := a.audiences[name]; audience != nil {
			a.engine.While(name, func(ctx context.Context, _ broadcast.Lease) {
				wg.Go(func() { a.offerPeople(ctx, name) })
				audience.Run(ctx)
			})
		}
		if walker := a.walkers[name]; walker != nil {
			a.engine.While(name, walker.Run)
			wg.Go(func() { walker.Count(ctx) })
		}
	}
	if a.store.Shared() {
		wg.Go(func() { a.follow(ctx, a.began) })
	}
	wg.Go(func() { a.metrics.Watch(ctx) })
	wg.Go(func() { a.sweep(ctx) })
	a.engine.Run(ctx)
	wg.Wait()
}

func (a *app) engineConfig(texts *templates.Set) broadcast.Config {
	c := a.config
	out := broadcast.Config{Store: a.store, Channels: channels(c), Texts: texts, Log: a.log, Changed: tell(&a.delivered), Observe: a.metrics.Request, Policy: policy(c)}
	for name, bot := range a.bots {
		out.Accounts = append(out.Accounts, broadcast.Account{Name: name, Platform: string(c.Bots[name].Kind), Bot: bot, Lease: a.leaseOf(name)})
	}
	return out
}

// channels are the public channels; audiences are not among them.
func channels(c *config.Config) (out []broadcast.Channel) {
	for _, ch := range c.Channels {
		if ch.Audience {
			continue
		}
		out = append(out, broadcast.Channel{
			Name: ch.Name, Account: ch.Bot, Platform: string(c.Bots[ch.Bot].Kind), Target: ch.Target, Language: ch.Language,
			Thread: ch.Thread, Crosspost: ch.Crosspost, Pin: ch.Pin, MentionedOnly: ch.Replies == config.MentionedReply, Drill: ch.Drill,
		})
	}
	return out
}

// staleNews is how far a public channel may be behind before only the newest
// update is said.
const staleNews = 10 * time.Minute

func policy(c *config.Config) broadcast.Policy {
	names := componentNames(c)
	return broadcast.Policy{
		Unsure: string(c.Policy.Unsure.Public), Hold: c.Policy.MissingTranslation == config.HoldBack,
		EditOnly: c.Policy.Correction == config.EditOnly, Language: c.Site.Language, Zone: c.Site.TimeZone, NoStaleNews: staleNews,
		Component: func(id string) string { return names[id] },
		Link: func(ref incident.Ref) string {
			if c.Site.URL == "" {
				return ""
			}
			return c.Site.URL + "/incidents/" + ref.String()
		},
	}
}

func componentNames(c *config.Config) map[string]string {
	names := map[string]string{}
	for _, comp := range c.Components {
		names[comp.ID] = comp.Name
	}
	return names
}

func (a *app) deskConfig(texts *templates.Set, approved map[string]string) desk.Config {
	c := a.config
	return desk.Config{
		Store: a.store, Reader: a.store, Render: a.engine.Preview, Operators: operators(c), Channels: slices.Concat(channels(c), audienceChannels(c)), Components: componentNames(c), Languages: c.Site.Languages, Language: c.Site.Language,
		Zone: c.Site.TimeZone, Hosts: c.Site.Hosts, Approvals: c.Policy.Approvals, Next: c.Policy.Next, Retraction: string(c.Policy.Retraction),
		Words: texts, Approved: approved,
		Crowd: a.crowd, Wake: a.wake, Obeyed: a.obeyed, Changed: tell(&a.published), Counted: a.metrics.Command,
	}
}

// newMetrics are told of all that happens, and show how the accounts are doing.
func (a *app) newMetrics() *metrics.Metrics {
	simulate := map[string]bool{}
	for name, b := range a.config.Bots {
		simulate[name] = b.Simulated()
	}
	m := metrics.New(metrics.Config{
		Version: version(), Statuses: func() []broadcast.Status { return a.engine.Statuses() }, Simulate: simulate,
		Source: a.store, Complete: func(l *broadcast.Lane) { a.engine.Complete(l) },
		Audiences: a.audienceNumbers,
	})
	a.published, a.delivered = append(a.published, m.Changed), append(a.delivered, m.Changed)
	return m
}

// newRooms puts together what operators see in chats: answers, cards and
// reminders.
func (a *app) newRooms() *desk.Rooms {
	r := &desk.Rooms{Desk: a.desk, Store: a.store, Platform: map[string]string{}, Log: a.log, Show: a.show, Say: a.say, Respond: a.respond}
	for name, b := range a.config.Bots {
		r.Platform[name] = string(b.Kind)
	}
	for _, room := range a.config.Rooms {
		r.Rooms = append(r.Rooms, desk.Room{Account: room.Bot, Target: room.Target, Drill: room.Drill})
	}
	r.Cursor = a.store.Cursor
	for _, bot := range a.bots {
		if completer, ok := bot.(bots.Completer); ok {
			completer.OnComplete(r.Complete)
		}
	}
	r.Direct = func(ctx context.Context, account, person string) (string, error) {
		if m, ok := a.bots[account].(bots.Messenger); ok {
			return m.DirectChat(ctx, person)
		}
		return "", fmt.Errorf("%s has no private conversations", account)
	}
	r.Username = func(ctx context.Context, account string) (string, error) {
		if named, ok := a.bots[account].(bots.Named); ok {
			return named.Username(ctx)
		}
		return "", nil
	}
	r.Cards = desk.NewCards(desk.CardsConfig{Desk: a.desk, Store: a.store, Rooms: r.Rooms, Say: a.sayCard, Complete: a.engine.Complete, Simulator: simulated(a.config), Log: a.log})
	if len(r.Rooms) > 0 { // otherwise nobody would ever take up what has changed
		a.published, a.delivered = append(a.published, r.Cards.Changed), append(a.delivered, r.Cards.Changed)
	}
	a.letters = desk.NewLetters(r, func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
		return a.engine.Say(ctx, account, broadcast.Room, op)
	})
	a.reminders = &desk.Reminders{Desk: a.desk, Rooms: r, Log: a.log}
	return r
}

// offer has a platform offer the commands in its rooms. Rooms work without,
// so a platform that refuses is asked again a few times and then left alone.
func (a *app) offer(ctx context.Context, account string, bot bots.Bot) {
	var rooms []string
	for _, r := range a.config.Rooms {
		if r.Bot == account {
			rooms = append(rooms, r.Target)
		}
	}
	commander, ok := bot.(bots.Commander)
	for try := 1; ok && try <= 5 && ctx.Err() == nil; try++ {
		err := commander.SetCommands(ctx, rooms, desk.Offered())
		if err == nil || ctx.Err() != nil {
			return
		}
		a.log.Warn("commands are not offered", "account", account, "error", err)
		bots.Sleep(ctx, time.Duration(try)*10*time.Second)
	}
}

// sayTime is how long a message to a room is tried for.
const sayTime = 30 * time.Second

// say sends a message to a room or an operator. It is not journalled: what is
// lost in a crash is asked for again. A lost answer is sent twice rather than
// not at all, since nobody but operators reads it.
func (a *app) say(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
	return a.sayAs(ctx, broadcast.Room, account, op)
}

// sayCard brings a card up to date in a room.
func (a *app) sayCard(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error) {
	return a.sayAs(ctx, broadcast.Card, account, op)
}

func (a *app) sayAs(ctx context.Context, class broadcast.Class, account string, op bots.Operation) (bots.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, sayTime)
	defer cancel()
	for try := 1; ; try++ {
		receipt, err := a.engine.Say(ctx, account, class, op)
		if err == nil {
			return receipt, nil
		}
		wait := time.Duration(try) * time.Second
		switch fault := bots.AsFault(err); fault.Kind {
		case bots.RateLimited:
			wait = time.Until(fault.Until)
		case bots.Temporary, bots.Unsure:
		default:
			return receipt, err
		}
		if deadline, _ := ctx.Deadline(); time.Now().Add(wait).After(deadline) {
			return receipt, err
		}
		bots.Sleep(ctx, wait)
	}
}

// respond answers one person's command or button.
func (a *app) respond(ctx context.Context, account, eventKey, text string) error {
	if responder, ok := a.bots[account].(bots.Responder); ok {
		return responder.Respond(ctx, eventKey, text)
	}
	return nil
}

// operators are the people whom the desk knows.
func operators(c *config.Config) (out []desk.Operator) {
	for _, o := range c.Operators {
		out = append(out, desk.Operator{Name: o.Name, Role: desk.Role(o.Role), Users: map[string]string{"telegram": o.Telegram, "discord": o.Discord}})
	}
	return out
}

// tell returns a function that passes a reference on to listeners, which are
// all in place before anything runs.
func tell(listeners *[]func(ref string)) func(string) {
	return func(ref string) {
		for _, f := range *listeners {
			f(ref)
		}
	}
}

// show answers /show: what is open, or where one incident arrived.
func (a *app) show(ctx context.Context, ref string) (string, error) {
	if ref == "" {
		return a.showOpen(ctx)
	}
	r, _, err := incident.ParseUpdateRef(ref)
	if err != nil {
		return err.Error(), nil //nolint:nilerr // it is the answer
	}
	text, err := a.rooms.Cards.Text(ctx, r)
	if errors.Is(err, desk.ErrNotFound) {
		return fmt.Sprintf("There is no %s.", r), nil
	}
	return text, err
}

func (a *app) showOpen(ctx context.Context) (string, error) {
	open, err := a.store.Unresolved(ctx)
	if err != nil {
		return "", err
	}
	var lines []string
	for _, i := range open {
		lines = append(lines, headline(i))
	}
	if len(lines) == 0 {
		return "Nothing is open.", nil
	}
	return strings.Join(lines, "\n"), nil
}

func headline(i *incident.Incident) string {
	line := fmt.Sprintf("%s %s · %s · %s", i.Ref, i.Impact, i.Status, i.Title)
	if !i.NextUpdate.IsZero() {
		line += " · next update by " + i.NextUpdate.UTC().Format("15:04") + " UTC"
	}
	return line
}
