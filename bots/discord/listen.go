package discord

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// intents are what the gateway shall tell us: where threads are, and what is
// typed. Commands and buttons come in any case (Events, "Gateway Intents").
const intents = discordgo.IntentsGuilds | discordgo.IntentsGuildMessages

// backlog is how many events may wait for handle. Beyond it the connection is
// not read, and in the end given up.
const backlog = 4096

// listener is one call of Listen.
type listener struct {
	bot     *Bot
	queue   chan queued
	threads threads
	acks    acks
}

// acks are acknowledgements under way.
type acks struct {
	mu    sync.Mutex
	ended bool
	group sync.WaitGroup
}

// begin runs f beside us, and not at all once end was called.
func (a *acks) begin(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.ended {
		a.group.Go(f)
	}
}

// end waits for those under way.
func (a *acks) end() {
	a.mu.Lock()
	a.ended = true
	a.mu.Unlock()
	a.group.Wait()
}

// queued is an event whose turn comes when ready is closed.
type queued struct {
	event bots.Event
	ready <-chan struct{}
}

// Listen hears slash commands, buttons, and what people type, until
// ctx ends or Discord will not have us: a wrong token, an intent refused. What
// is typed comes with its text only where the application has the privileged
// intent "Message Content"; without it slash commands still work.
//
// Discord keeps no position, so that cursor is not used: what happens while
// the gateway is not connected is not heard. A slash command is an event
// [bots.Said] with Text as [commandLine] writes it; one that asks for its text
// in a form is so when the form is submitted, with the key of the submission.
// Commands and buttons are acknowledged before handle is called; [Bot.Respond]
// answers them. What was acknowledged and not handled when ctx ends is handed
// over once more, with the ended context: nobody else will ever answer it.
func (b *Bot) Listen(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := &listener{bot: b, queue: make(chan queued, backlog)}
	over := make(chan error, 1)
	go func() { over <- l.stayConnected(ctx) }()
	for {
		select {
		case q := <-l.queue:
			l.deliver(ctx, q, handle)
		case err := <-over:
			cancel()
			l.acks.end()
			l.handOver(ctx, handle)
			return err
		}
	}
}

// handOver hands over what is still queued when ctx has ended.
func (l *listener) handOver(ctx context.Context, handle func(context.Context, bots.Event) error) {
	for {
		select {
		case q := <-l.queue:
			l.deliver(ctx, q, handle)
		default:
			return
		}
	}
}

// Heard implements [bots.Heard].
func (b *Bot) Heard() time.Time { return b.heard.Last() }

// deliver calls handle until it takes the event, for the last time when ctx has
// ended.
func (l *listener) deliver(ctx context.Context, q queued, handle func(context.Context, bots.Event) error) {
	if q.ready != nil {
		select {
		case <-q.ready:
		case <-ctx.Done():
		}
	}
	p := l.bot.patience
	for wait := p.pause; handle(ctx, q.event) != nil && ctx.Err() == nil; wait = min(2*wait, p.again) {
		bots.Sleep(ctx, wait)
	}
}

// stayConnected makes one connection after the other, until ctx ends.
//
// Each connection identifies anew: a bot that identifies more than a thousand
// times a day loses its token (Events, "Session Start Limit"), hence the pauses.
func (l *listener) stayConnected(ctx context.Context) error {
	asked := intents | discordgo.IntentMessageContent
	pause := l.bot.patience.pause
	for ctx.Err() == nil {
		began := time.Now()
		err := l.connect(ctx, asked)
		switch code := closeCode(err); {
		case code == disallowedIntents && asked != intents:
			asked = intents // the application may not read messages; commands come without
			continue
		case final(code):
			return refusedBy(code)
		}
		if time.Since(began) > l.bot.patience.settled {
			pause = l.bot.patience.pause
		}
		bots.Sleep(ctx, pause/2+rand.N(pause))
		pause = min(2*pause, l.bot.patience.longest)
	}
	return ctx.Err()
}

// hear takes what a connection brings, in order.
func (l *listener) hear(ctx context.Context, kind string, data json.RawMessage) {
	switch kind {
	case "MESSAGE_CREATE", "MESSAGE_UPDATE":
		var m said
		if json.Unmarshal(data, &m) != nil {
			return
		}
		if e, ok := m.event(l.threads.parent(m.Channel), kind == "MESSAGE_UPDATE"); ok {
			l.enqueue(ctx, queued{event: e})
		}
	case "INTERACTION_CREATE":
		var in interaction
		if json.Unmarshal(data, &in) != nil {
			return
		}
		l.interact(ctx, in)
	default:
		l.threads.learn(kind, data)
	}
}

// interact gives the first response to an interaction, whatever else is being
// handled: choices, a form, or an acknowledgement. Only what is acknowledged is
// an event; a form that was opened is one when it is submitted.
func (l *listener) interact(ctx context.Context, in interaction) {
	if !in.answerable() {
		return
	}
	if in.Type == discordgo.InteractionApplicationCommandAutocomplete {
		l.acks.begin(func() { l.bot.complete(ctx, in) })
		return
	}
	if f, ok := l.bot.asks(in); ok {
		l.acks.begin(func() { _ = l.bot.respondFirst(ctx, in, discordgo.InteractionResponseModal, f) })
		return
	}
	if e, ok := in.event(); ok {
		l.enqueue(ctx, queued{event: e, ready: l.acknowledge(ctx, in)})
	}
}

func (l *listener) enqueue(ctx context.Context, q queued) {
	select {
	case l.queue <- q:
	case <-ctx.Done():
	}
}

// acknowledge answers the interaction at once. A failure is the person's to see: Discord says that we did not respond.
func (l *listener) acknowledge(ctx context.Context, in interaction) <-chan struct{} {
	done := make(chan struct{})
	l.acks.begin(func() {
		defer close(done)
		_ = l.bot.acknowledge(ctx, in)
	})
	return done
}

// threads knows the channel of each thread, which messages do not tell.
type threads struct {
	mu      sync.Mutex
	parents map[string]string
}

func (t *threads) parent(channel string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.parents[channel]
}

// learn reads what the gateway tells about threads (Events, "Threads").
func (t *threads) learn(kind string, data json.RawMessage) {
	type place struct {
		ID     string `json:"id"`
		Parent string `json:"parent_id"`
	}
	var v struct {
		place
		Threads []place `json:"threads"`
	}
	switch kind {
	case "GUILD_CREATE", "THREAD_LIST_SYNC", "THREAD_CREATE", "THREAD_DELETE":
	default:
		return
	}
	if json.Unmarshal(data, &v) != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.parents == nil {
		t.parents = map[string]string{}
	}
	switch kind {
	case "THREAD_CREATE":
		t.parents[v.ID] = v.Parent
	case "THREAD_DELETE":
		delete(t.parents, v.ID)
	default:
		for _, p := range v.Threads {
			t.parents[p.ID] = p.Parent
		}
	}
}
