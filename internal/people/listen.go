package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// Run answers people until ctx ends. It goes beside a [Listener].
func (a *Audience) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { a.answers.run(ctx) })
	wg.Go(func() { a.report(ctx) })
	wg.Go(func() { a.introduce(ctx) })
	wg.Go(func() { a.forget(ctx) })
	wg.Wait()
}

// introduce asks for the bot's name until it is known, and for those of the other
// bots that speak for us: people may ask whether these are ours.
func (a *Audience) introduce(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { persist(ctx, func() error { return a.called(ctx) }) })
	for k, bot := range a.Others {
		wg.Go(func() {
			persist(ctx, func() error {
				name, err := bot.Username(ctx)
				if err == nil {
					a.news.vouch(len(a.news.names)-len(a.Others)+k, name)
				}
				return err
			})
		})
	}
	wg.Wait()
}

// persist tries until it is done, ever more rarely.
func persist(ctx context.Context, try func() error) {
	for wait := time.Second; try() != nil && ctx.Err() == nil; wait = min(2*wait, time.Minute) {
		bots.Sleep(ctx, wait)
	}
}

// called asks what the bot is called, unless that is known.
func (a *Audience) called(ctx context.Context) error {
	named, ok := a.Bot.(bots.Named)
	if !ok || a.Username() != "" {
		return nil
	}
	name, err := named.Username(ctx)
	if err != nil {
		return err
	}
	a.news.vouch(0, name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.username = name
	return nil
}

// A Listener hears people and passes on what does not concern the audience.
type Listener struct {
	*Audience
	Bot bots.Batcher

	// Rooms reports whether an event belongs to the operators' rooms.
	Rooms func(bots.Event) bool
}

var _ bots.Listener = (*Listener)(nil)

// Listen implements [bots.Listener]: what subscribers do is kept many at a
// time, and handle gets all other events, one by one and in their order.
func (l *Listener) Listen(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error {
	defer l.Walker.unheard()
	return l.Bot.ListenBatches(ctx, cursor, func(ctx context.Context, events []bots.Event) (int, error) {
		clear, unnamed := l.clear(ctx, events)
		n, err := l.take(ctx, events[:clear], handle)
		if err == nil {
			err = unnamed
		}
		return n, err
	})
}

// clear is how many events from the first on can be told to be meant for us or not:
// not a command that names a bot before it is known what we are called. It comes
// again, with all that was said after it. A platform that does not tell us that has
// nothing for us to hear either.
func (l *Listener) clear(ctx context.Context, events []bots.Event) (int, error) {
	n := slices.IndexFunc(events, func(e bots.Event) bool { return l.ours(e) && addressed(e.Text) })
	if n < 0 {
		return len(events), nil
	}
	if err := l.called(ctx); err != nil {
		l.Log.Warn("a command that names a bot waits: our own name is not known", "account", l.Account, "error", err)
		return n, fmt.Errorf("the name of %s: %w", l.Account, err)
	}
	return len(events), nil
}

// take hears events in their order, and returns how many it heard.
func (l *Listener) take(ctx context.Context, events []bots.Event, handle func(context.Context, bots.Event) error) (int, error) {
	l.meet(events)
	d := l.prepared(ctx, events)
	for i := 0; i < len(events); {
		n := l.run(events[i:])
		err := error(nil)
		if n > 0 {
			err = l.hear(ctx, d, events[i:i+n])
		} else {
			n, err = 1, handle(ctx, events[i])
		}
		if err != nil {
			return i, err
		}
		i += n
	}
	return len(events), nil
}

// prepared is the dialogue with what is to be known for events that are heard at
// once.
func (l *Listener) prepared(ctx context.Context, events []bots.Event) *dialogue {
	d := *l.dialogue
	d.username = l.Username()
	d.councils = l.convene(ctx, &d, events)
	return &d
}

// run is how many events from the first on are of subscribers and can be kept
// in one transaction. Who has his data erased is alone in his: afterwards he
// is somebody new. So is a group that moves: what was said in it before is kept
// first, and moves along.
func (l *Listener) run(events []bots.Event) (n int) {
	for n < len(events) && l.ours(events[n]) {
		if events[n].Button == buttonPrefix+"erase!" || events[n].Kind == bots.Migrated {
			return max(n, 1)
		}
		n++
	}
	return n
}

// ours reports whether an event can be a subscriber's.
func (l *Listener) ours(e bots.Event) bool {
	return !l.Rooms(e) && (e.Kind != bots.Pressed || strings.HasPrefix(e.Button, buttonPrefix))
}

// follow goes after a chat to where its platform moved it.
func (a *Audience) follow(ctx context.Context, chat, to int64) error {
	move := func() error { return a.Store.MoveSubscriber(ctx, a.Account, chat, to) }
	if a.Walker == nil {
		return move()
	}
	was, err := a.Store.Subscriber(ctx, a.Account, chat)
	if err != nil {
		return err
	}
	return a.Walker.moves(was.ID, chat, to, move)
}

// hear keeps what subscribers did, and queues the answers once it is kept.
func (a *Audience) hear(ctx context.Context, d *dialogue, events []bots.Event) error {
	byChat := map[int64][]bots.Event{}
	var chats []int64
	for _, e := range events {
		chat := chatID(e.Chat)
		if e.Kind == bots.Migrated {
			if err := a.follow(ctx, chat, chatID(e.To)); err != nil {
				return err
			}
			continue
		}
		e = a.mended(d, e)
		if !d.heeded(e) {
			if d.heeds(e) == administrators {
				a.refuse(d, e)
			}
			continue
		}
		if byChat[chat] == nil {
			chats = append(chats, chat)
		}
		byChat[chat] = append(byChat[chat], e)
	}
	a.Walker.hears(d, byChat)
	var answers []pending
	now := map[int64]*Subscriber{}
	cursor := events[len(events)-1].Cursor
	err := a.Store.ChangeSubscribers(ctx, a.Account, cursor, chats, func(was Subscriber) *Subscriber {
		var keep *Subscriber
		keep, answers = d.fold(was, byChat[was.Chat], answers)
		now[was.Chat] = keep
		return keep
	})
	if err != nil {
		return fmt.Errorf("subscribers of %s: %w", a.Account, err)
	}
	a.Walker.heard(now)
	for _, p := range answers {
		a.queue(p)
	}
	return nil
}

// mended takes a message that was not understood, and was edited by whoever wrote
// it, for said as it is now: he waits for an answer. Other edits do nothing. Telegram
// tells in the same way of changes that nobody made, which may be of a command
// that was carried out long ago.
func (a *Audience) mended(d *dialogue, e bots.Event) bots.Event {
	if !e.Private || e.Kind != bots.Said && e.Kind != bots.Edited {
		return e
	}
	key := e.Chat + "/" + e.Message
	if e.Kind == bots.Edited && a.unclear.lately(key) {
		e.Kind = bots.Said
	}
	if e.Kind == bots.Said && !complete(e.Text, d.username) {
		a.unclear.note(key)
	}
	return e
}

// fold hears all events of one chat in order.
func (d *dialogue) fold(was Subscriber, events []bots.Event, answers []pending) (*Subscriber, []pending) {
	keep := &was
	for _, e := range events {
		before := Subscriber{ID: was.ID, Chat: was.Chat}
		if keep != nil {
			before = *keep
		}
		var what answer
		keep, what = d.hear(before, e)
		answers = append(answers, pending{answer: what, event: e})
	}
	return keep, answers
}

// queue has an answer given, unless there is nothing to say.
func (a *Audience) queue(p pending) {
	if p.what == hint || p.what == wordless {
		key := p.event.Chat + string(p.what)
		if a.hints.lately(key) {
			return
		}
		a.hints.note(key)
	}
	switch p.what {
	case silence:
		return
	case joined:
		a.greet(p)
		return
	}
	if !p.event.Private {
		a.met.note(p.event.Chat)
	}
	a.answers.add(p)
}

// A heed is whose events of a kind are looked at.
type heed int

const (
	nobody heed = iota
	anybody
	administrators
)

// heeds tells whose events like this one are looked at: of what is said in groups,
// only our commands, and those that change something only of administrators.
func (d *dialogue) heeds(e bots.Event) heed {
	switch {
	case e.Public, chatID(e.Chat) == 0, e.Kind == bots.Edited, e.Kind == bots.Migrated:
		return nobody
	case e.Private, e.Kind == bots.Joined, e.Kind == bots.Left:
		return anybody
	case e.Kind == bots.Pressed:
		return administrators
	}
	t, ok := parseTyped(e.Text, d.username)
	if !ok || e.Forwarded {
		return nobody
	}
	switch t.verb {
	case "status", "verify", "help":
		return anybody
	case "start", "subscribe", "unsubscribe", "stop", "settings":
		return administrators
	}
	return nobody
}

// heeded reports whether an event is to be looked at. Who speaks as the group
// itself is one of its administrators.
func (d *dialogue) heeded(e bots.Event) bool {
	h := d.heeds(e)
	return h == anybody || h == administrators && (e.As == e.Chat || e.As == "" && d.councils[e.Chat].has(e.Person))
}

// refuse tells somebody who is no administrator that he has to be one, or that it
// is not known whether he is. A button waits for its answer each time.
func (a *Audience) refuse(d *dialogue, e bots.Event) {
	what := unchecked
	if e.As != "" || d.councils[e.Chat].known() {
		key := e.Chat + "/" + e.Person + e.As
		if a.refused.lately(key) && e.Kind != bots.Pressed {
			return
		}
		a.refused.note(key)
		what = admins
	}
	a.queue(pending{answer: answer{what: what, sub: Subscriber{Language: d.spoken(Subscriber{}, e)}}, event: e})
}

// Commands are offered to people in conversations, by the two letters of a
// language; the empty one is for all others.
func (a *Audience) Commands() map[string][]bots.Command {
	out := map[string][]bots.Command{}
	for _, lang := range append([]string{a.Language}, a.Languages...) {
		key := ""
		if len(out) > 0 {
			if key, _, _ = strings.Cut(lang, "-"); len(key) != 2 || out[key] != nil {
				continue
			}
		}
		for _, name := range []string{"subscribe", "settings", "status", "verify", "unsubscribe", "help"} {
			out[key] = append(out[key], bots.Command{Name: name, Description: a.Texts.Word(lang, "command."+name)})
		}
	}
	return out
}
