package people

import (
	"context"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// maxTries is how often an answer is tried that a platform has no room for.
const maxTries = 3

// deliver answers one person. A button's message becomes the answer; anything
// else is answered by a new message.
func (a *Audience) deliver(ctx context.Context, p pending) {
	if p.alone() {
		if text, err := a.Texts.Talk(p.sub.Language, string(p.what), a.talk(p)); err == nil {
			a.endWait(ctx, p.event.Key, text)
		}
		return
	}
	op, ok := a.operation(ctx, p)
	if !ok {
		return
	}
	began := time.Now()
	err := a.say(ctx, op, p.event.Private)
	if p.event.Kind == bots.Pressed {
		for _, key := range append(p.waits, p.event.Key) {
			a.endWait(ctx, key, "") // the person sees the answer itself
		}
	}
	if err != nil {
		a.undelivered(ctx, p, began, bots.AsFault(err))
	}
}

// groupPatience is how long an answer to a group may take. One that has used up
// its limit does not keep others from being answered.
const groupPatience = 5 * time.Second

func (a *Audience) say(ctx context.Context, op bots.Operation, private bool) error {
	if !private {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, groupPatience)
		defer done()
	}
	_, err := a.Say(ctx, op)
	return err
}

// operation is the message that answers.
func (a *Audience) operation(ctx context.Context, p pending) (bots.Operation, bool) {
	op := bots.Operation{Action: bots.Post, Target: p.event.Chat, Thread: p.event.Thread}
	if p.menu() != "" {
		op.Action, op.Message = bots.Edit, p.event.Message
		op.Thread = ""
	} else if !p.event.Private {
		op.ReplyTo = p.event.Message // many may have asked
	}
	w, err := a.word(ctx, p)
	if err != nil {
		if ctx.Err() == nil {
			a.Log.Warn("a subscriber was not answered", "account", a.Account, "error", err)
		}
		return op, false
	}
	op.Text, op.Buttons = w.text, w.buttons
	return op, true
}

// endWait ends the sign that an answer to a button is awaited, with a text for who
// pressed it, which may be empty. Where that fails it ends by itself.
func (a *Audience) endWait(ctx context.Context, key, text string) {
	if r, ok := a.Bot.(bots.Responder); ok {
		_ = r.Respond(ctx, key, text)
	}
}

// undelivered deals with an answer that was begun at a time and did not arrive.
func (a *Audience) undelivered(ctx context.Context, p pending, began time.Time, f *bots.Fault) {
	chat := chatID(p.event.Chat)
	switch {
	case f.Kind == bots.Moved && p.tries < maxTries:
		if err := a.follow(ctx, chat, chatID(f.To)); err != nil {
			a.Log.Warn("a chat that has moved is not followed", "account", a.Account, "error", err)
		}
		p.event.Chat, p.event.Message = f.To, ""
	case topicShut(f) && p.event.Thread != "":
		p.event.Thread, p.event.Message = "", ""
	case f.Kind == bots.Gone && f.Subject == bots.Parent && p.event.Message != "":
		p.event.Message = "" // the question is gone
	case (f.Kind == bots.RateLimited || f.Kind == bots.Temporary) && p.tries < maxTries:
		// The pacer waits as long as it was told to.
	default:
		if state, left := Left(f); left {
			a.Walker.refused(chat)
			if err := a.Store.MarkSubscriber(ctx, a.Account, chat, state, began); err != nil {
				a.Log.Warn("a chat that has left is still a subscriber", "account", a.Account, "error", err)
			}
		}
		a.Log.Debug("a subscriber was not answered", "account", a.Account, "error", f)
		return
	}
	p.tries++
	p.waits = nil // they are over
	a.answers.add(p)
}

// deleted reports whether a refusal says that the account or group itself is
// no more.
func deleted(detail string) bool {
	detail = strings.ToLower(detail)
	return strings.Contains(detail, "deactivated") || strings.Contains(detail, "deleted")
}

// topicShut reports whether a refusal says that a topic is closed or gone, and
// not the message that was to be answered.
func topicShut(f *bots.Fault) bool {
	detail := strings.ToLower(f.Detail)
	return f.Kind == bots.Gone && f.Subject == bots.Parent && (strings.Contains(detail, "topic") || strings.Contains(detail, "thread"))
}

// shedEvery is how often it is told how many answers were shed.
const shedEvery = 10 * time.Second

// report tells how many answers were left out, never whose.
func (a *Audience) report(ctx context.Context) {
	for ctx.Err() == nil {
		bots.Sleep(ctx, shedEvery)
		if n := a.answers.takeShed(); n > 0 {
			a.Log.Warn("answers were left out: too much was asked at once; what was chosen is kept", "account", a.Account, "answers", n)
		}
	}
}
