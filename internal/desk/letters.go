package desk

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
)

// Times of sending letters.
const (
	letterTime  = 30 * time.Second // for one attempt, with the wait for the account's pace
	letterPause = 3 * time.Second  // after an attempt in vain
	letterEvery = 10 * time.Second // they are looked for, in case nobody woke us
)

// Letters sends what was written to the accounts that this node holds.
type Letters struct {
	Looked func() // called after each look, for tests; may be nil

	rooms *Rooms
	say   func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error)
	wake  map[string]chan struct{} // by account
}

// NewLetters returns letters that Run sends. say makes one request.
func NewLetters(r *Rooms, say func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error)) *Letters {
	l := &Letters{rooms: r, say: say, wake: map[string]chan struct{}{}}
	for account := range r.Platform {
		l.wake[account] = make(chan struct{}, 1)
	}
	return l
}

// Wake has the letters of an account sent soon, if this node holds it. It never
// blocks.
func (l *Letters) Wake(account string) {
	select {
	case l.wake[account] <- struct{}{}:
	default:
	}
}

// Run sends the letters of an account until ctx ends. What is under way then
// still has a little time.
func (l *Letters) Run(ctx context.Context, lease broadcast.Lease) {
	sending, done := lasting(ctx)
	defer done()
	for well := true; ctx.Err() == nil; {
		err := l.sendAll(ctx, sending, lease)
		if err != nil && well && ctx.Err() == nil {
			l.rooms.Log.Warn("messages to rooms and operators wait", "account", lease.Account, "error", err)
		}
		if l.Looked != nil {
			l.Looked()
		}
		if well = err == nil; !well {
			bots.Sleep(ctx, letterPause)
			continue
		}
		timer := time.NewTimer(letterEvery)
		select {
		case <-l.wake[lease.Account]:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// sendAll sends what there is. One that fails does not hold up those behind it,
// and says what holds by then when it is tried again.
func (l *Letters) sendAll(ctx, sending context.Context, lease broadcast.Lease) error {
	letters, err := l.rooms.Store.Letters(ctx, lease.Account)
	for _, letter := range letters {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		err = errors.Join(err, l.send(sending, lease, letter))
	}
	return err
}

// send sends a letter, or leaves it out where it is of no use any more. With an
// error it is to be tried again.
func (l *Letters) send(ctx context.Context, lease broadcast.Lease, letter Letter) error {
	ctx, cancel := context.WithTimeout(ctx, letterTime)
	defer cancel()
	log := l.rooms.Log.With("account", letter.Account, "operator", letter.Operator, "room", letter.Room, "draft", letter.Draft)
	var shows RoomMessage
	if time.Now().After(letter.Until) {
		log.Warn("a message was left out: it waited too long")
	} else {
		ops, err := l.unfold(ctx, letter)
		if err == nil && len(ops) > 0 {
			shows, err = l.carry(ctx, lease, letter, ops, log)
		}
		switch {
		case waits(err) || isUnsure(err):
			return err
		case err != nil: // an operator may have him blocked; the room has it too
			log.Info("a message was refused", "error", err)
		}
	}
	return l.rooms.Store.EndLetter(context.WithoutCancel(ctx), letter.ID, letter.Draft, shows)
}

// unfold is what is to be sent, which may be nothing.
func (l *Letters) unfold(ctx context.Context, letter Letter) (ops []bots.Operation, err error) {
	op, useful, err := l.words(ctx, letter)
	switch {
	case err != nil || !useful:
		return nil, err
	case letter.edits():
		messages, err := l.rooms.Store.Messages(ctx, letter.Draft)
		for _, m := range messages {
			if m.Account == letter.Account {
				op.Action, op.Target, op.Message = bots.Edit, m.Chat, m.Message
				ops = append(ops, op)
			}
		}
		return ops, err
	case letter.Operator != "":
		op.Target, err = l.rooms.direct(ctx, letter.Account, letter.Operator)
	default:
		op.Target = letter.Room
	}
	op.Action = bots.Post
	return []bots.Operation{op}, err
}

// words are what a letter says. It is of no use any more to ask about a draft
// that nobody need agree to.
func (l *Letters) words(ctx context.Context, letter Letter) (op bots.Operation, useful bool, err error) {
	op = bots.Operation{Text: letter.Text, Buttons: letter.Buttons}
	if letter.Draft == "" || letter.edits() && letter.Text != "" {
		return op, true, nil
	}
	d, err := l.rooms.draft(ctx, letter.Draft)
	if err != nil || d == nil || !letter.edits() && len(d.Approvals) >= d.Needs {
		return op, false, err
	}
	if letter.Text == "" {
		op, err = l.rooms.preview(ctx, d, false)
		if letter.Tries > 0 && !letter.edits() {
			op.Text += "\nIf this is here twice, go by this one."
		}
	}
	return op, err == nil, err
}

// carry makes the requests, and returns the message that shows the draft from
// now on. That an attempt is made is stored before: only so a crash makes one
// more at most.
func (l *Letters) carry(ctx context.Context, lease broadcast.Lease, letter Letter, ops []bots.Operation, log *slog.Logger) (shows RoomMessage, err error) {
	ok, err := l.rooms.Store.BeginLetter(ctx, lease, letter.ID)
	if err != nil {
		return shows, err
	}
	if !ok {
		log.Warn("a message may not have arrived: twice there was no answer")
		return shows, nil
	}
	for _, op := range ops {
		receipt, err := l.say(ctx, letter.Account, op)
		switch {
		case waits(err):
			return shows, errors.Join(err, l.rooms.Store.SpareLetter(context.WithoutCancel(ctx), lease, letter.ID))
		case isUnsure(err) || err != nil && len(ops) == 1:
			return shows, err
		case err != nil:
			log.Warn("a preview is out of date", "error", err)
		case op.Action == bots.Post && letter.Text == "":
			shows = RoomMessage{letter.Account, op.Target, receipt.ID}
		}
	}
	return shows, nil
}

// waits reports whether nothing was done and the same may work later: the
// platform says so, or the request was never made.
func waits(err error) bool {
	fault, ok := errors.AsType[*bots.Fault](err)
	return err != nil && (!ok || fault.Kind == bots.Temporary || fault.Kind == bots.RateLimited)
}

func isUnsure(err error) bool { return faultOf(err).Kind == bots.Unsure }
