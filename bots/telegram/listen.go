package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"github.com/allclear-hq/allclear/bots"
)

// pollTime is how long Telegram holds a request for updates when there are
// none. It must stay below the time that a bots.Client allows for an answer.
const pollTime = 15 * time.Second

// Waits between polls that fail.
const (
	firstWait = 500 * time.Millisecond
	lastWait  = 15 * time.Second
)

// awayAfter is how long after one poll the next may begin before buttons that
// were pressed meanwhile count as pressed while nobody listened.
const awayAfter = 30 * time.Second

// mostUpdates is how many updates an answer has at most, when not told
// otherwise.
const mostUpdates = 100

// Listen is [Bot.ListenBatches] with one event at a time.
func (b *Bot) Listen(ctx context.Context, cursor string, handle func(context.Context, bots.Event) error) error {
	return b.ListenBatches(ctx, cursor, func(ctx context.Context, events []bots.Event) (int, error) {
		for n, e := range events {
			if err := handle(ctx, e); err != nil {
				return n, err
			}
		}
		return len(events), nil
	})
}

// ListenBatches polls for updates, of which Telegram gives up to a hundred at
// a time. The cursor is the number of the next update.
//
// The platform keeps what happens while nobody polls and does not say when a
// button was pressed. So the first poll after a start or an outage does not
// wait, and the presses that it brings are Stale.
//
// It goes on after every fault that can pass, and returns those that cannot:
// a token that is refused, and a conflict (code 409), which means that another
// process polls for this bot or that a webhook is set. Polling on against
// another process would take updates from each other in turn.
func (b *Bot) ListenBatches(ctx context.Context, cursor string, handle func(context.Context, []bots.Event) (int, error)) error {
	next, err := parseCursor(cursor)
	if err != nil {
		return fmt.Errorf("telegram %s: %w", b.name, err)
	}
	wait := firstWait
	away, polled := true, time.Now()
	bots.Sleep(ctx, b.untilAllowed()) // which whoever listened before may have been told
	for ctx.Err() == nil {
		before := next
		away = away || time.Since(polled) > awayAfter
		updates, fault := b.poll(ctx, next, away)
		polled = time.Now()
		if fault == nil {
			next, err = deliver(ctx, updates, next, away, handle)
		}
		away = fault != nil || away && (err != nil || len(updates) == mostUpdates)
		switch {
		case fault != nil && (fault.Kind == bots.Unauthorized || fault.Code == "409"):
			return deaf(fault)
		case fault == nil && err == nil, next != before:
			wait = firstWait // got somewhere
		}
		if fault != nil || err != nil {
			if fault != nil {
				b.quiet.Store(&fault.Until)
			}
			bots.Sleep(ctx, max(jitter(wait), b.untilAllowed()))
			wait = min(2*wait, lastWait)
		}
	}
	return ctx.Err()
}

// deaf says what keeps us from hearing, and what to do.
func deaf(f *bots.Fault) *bots.Fault {
	switch {
	case f.Code == "409" && has(f.Detail, "webhook"):
		f.Detail = "a webhook is set for this bot; delete it (deleteWebhook)"
	case f.Code == "409":
		f.Detail = "another program hears for this bot; stop it, or give it a bot of its own"
	case f.Code == "401":
		f.Detail = "Telegram refuses the token; take the present one from @BotFather"
	}
	return f
}

// Heard implements [bots.Heard].
func (b *Bot) Heard() time.Time { return b.heard.Last() }

// poll asks for the updates from next on, which confirms all before it. With
// now it does not wait for any.
func (b *Bot) poll(ctx context.Context, next int64, now bool) ([]update, *bots.Fault) {
	params := tgbotapi.Params{"timeout": strconv.Itoa(int(pollTime / time.Second)), "allowed_updates": kinds}
	if now {
		params["timeout"] = "0"
	}
	params.AddNonZero64("offset", next)
	result, f := b.ask(ctx, "getUpdates", params)
	if f != nil {
		return nil, f
	}
	b.heard.Beat()
	var updates []update
	if json.Unmarshal(result, &updates) != nil {
		return nil, &bots.Fault{Kind: bots.Unsure, Detail: "the updates cannot be read"}
	}
	return updates, nil
}

// deliver hands over updates in order, and returns the number of the next
// update wanted: that of the first which was not handled, if there is one. away
// marks presses as Stale.
//
// The numbers normally rise. After a week without any, or when the bot has
// moved to another server, they start somewhere else; the server then answers
// from the oldest it has, whatever was asked for, so the last number handled
// counts even if it is lower.
func deliver(ctx context.Context, updates []update, next int64, away bool, handle func(context.Context, []bots.Event) (int, error)) (int64, error) {
	if len(updates) == 0 {
		return next, nil
	}
	var events []bots.Event
	var ids []int64 // of the updates that are events
	for _, u := range updates {
		if e, ok := u.event(time.Now()); ok {
			e.Stale = away && e.Kind == bots.Pressed
			events, ids = append(events, e), append(ids, u.ID)
		}
	}
	if len(events) > 0 {
		if n, err := handle(ctx, events); err != nil {
			return ids[min(n, len(ids)-1)], err
		}
	}
	return updates[len(updates)-1].ID + 1, nil
}

// ask makes a request that is no operation.
func (b *Bot) ask(ctx context.Context, method string, params tgbotapi.Params) (json.RawMessage, *bots.Fault) {
	result, refusal, f := b.call(ctx, method, params)
	if refusal != nil {
		f = classify(bots.Operation{}, refusal)
		f.Detail = b.words(refusal.Description)
	}
	return result, f
}

func cursor(update int64) string { return decimal(update + 1) }

func parseCursor(s string) (int64, error) {
	if s == "" {
		return 0, nil // from the oldest that is kept
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("cursor %q is not a number of an update", s)
	}
	return n, nil
}

// jitter keeps processes that failed together from trying together.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d/2+1) }

// untilAllowed is how long Telegram is not to be asked for updates yet.
func (b *Bot) untilAllowed() time.Duration {
	until := b.quiet.Load()
	if until == nil {
		return 0
	}
	return time.Until(*until)
}
