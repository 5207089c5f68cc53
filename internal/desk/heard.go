package desk

import (
	"context"
	"encoding/json"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// A Heard is an event that was taken in: how far its chats have been read with
// it, and the event itself where it is still to be answered. It is committed
// with the event's effect, so that a crash neither repeats the effect nor
// loses the answer.
type Heard struct {
	Account string
	Cursor  string // empty where the platform keeps none
	Key     string // of the event; empty where it needs no answer
	Event   []byte // as JSON
}

// A hearing is what is stored with a command that was heard in a chat. All its
// methods do nothing where there is none.
type hearing struct {
	heard    Heard
	question int64                       // that the command answers; 0 for none
	letters  func(tx Tx, a Answer) error // writes what others are told of its effect; may be nil
}

func (h *hearing) hear(tx Tx) error {
	if h == nil {
		return nil
	}
	return tx.Hear(h.heard)
}

func (h *hearing) write(tx Tx, a Answer) error {
	if h == nil || h.letters == nil {
		return nil
	}
	return h.letters(tx, a)
}

// heardAgain stores that a command that is done already was heard once more.
func (d *Desk) heardAgain(ctx context.Context, h *hearing) error {
	if h == nil {
		return nil
	}
	_, err := d.Store.Change(ctx, "", func(tx Tx) ([]byte, error) { return nil, h.hear(tx) })
	return err
}

// heard is something that a person did in a room.
type heard struct {
	account string
	room    Room
	ev      bots.Event
	mail    *mail

	question int64 // that it answers; 0 for none
}

// mail is what is sent in answer to an event. To other accounts go letters.
type mail struct {
	taken bool                    // the event is stored
	done  bool                    // a command had its effect, or a question was asked
	here  []func(context.Context) // to the account that heard it, in order
}

// then sends something to the account that heard the event.
func (h heard) then(f func(context.Context)) { h.mail.here = append(h.mail.here, f) }

// alone reports whether the person alone is answered. Whoever pressed a button
// or used a slash command sees a sign that an answer is awaited, which must end.
func (h heard) alone() bool { return h.ev.Kind == bots.Pressed || h.ev.Command != "" }

// reply is a message that answers it.
func (h heard) reply(text string) bots.Operation {
	return bots.Operation{Action: bots.Post, Target: h.ev.Chat, Thread: h.ev.Thread, ReplyTo: h.ev.Message, Text: text}
}

// record is what is stored of it.
func (h heard) record() (Heard, error) {
	event, err := json.Marshal(h.ev)
	return Heard{Account: h.account, Cursor: h.ev.Cursor, Key: h.ev.Key, Event: event}, err
}

// take stores that the event was taken in, where no command does so with its
// effect.
func (r *Rooms) take(ctx context.Context, h heard) error {
	record, err := h.record()
	if err != nil {
		return err
	}
	_, err = r.Desk.Store.Change(ctx, "", func(tx Tx) ([]byte, error) { return nil, tx.Hear(record) })
	return err
}

// send has what answers an event sent. Only then is the event done with.
func (r *Rooms) send(h heard, out *outbox) {
	all := func(ctx context.Context) {
		for _, f := range h.mail.here {
			f(ctx)
		}
	}
	out.add(h.account, errand{send: all, after: func(ctx context.Context) {
		if err := r.Store.Answered(ctx, h.account, h.ev.Key); err != nil {
			r.Log.Warn("an event may be answered once more", "account", h.account, "error", err)
		}
	}})
}

// Bounds of what is answered after a restart.
const (
	owedFor  = 15 * time.Minute
	owedMost = 20
)

// catchUp answers what an earlier life took in and did not answer. The events
// are handled once more; commands that had their effect only give its answer.
func (r *Rooms) catchUp(ctx context.Context, account string, out *outbox) {
	owed, err := r.Store.Owed(ctx, account)
	if err != nil {
		r.Log.Warn("what an earlier life did not answer stays unanswered", "account", account, "error", err)
		return
	}
	for k, h := range owed {
		var ev bots.Event
		err := json.Unmarshal(h.Event, &ev)
		ev.Cursor = "" // that is stored already
		if err == nil && k >= len(owed)-owedMost && time.Since(ev.At) < owedFor {
			err = r.handle(ctx, account, out, ev)
		} else if err == nil {
			err = r.Store.Answered(ctx, account, h.Key)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.Warn("an event of an earlier life stays unanswered", "account", account, "error", err)
		}
	}
}
