package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A Room is a chat where operators work.
type Room struct {
	Account string
	Target  string
	Drill   bool
}

// An Operator is a person whom the desk knows.
type Operator struct {
	Name  string
	Role  Role
	Users map[string]string // user id by platform
}

// A RoomMessage is a message of ours in a room.
type RoomMessage struct{ Account, Chat, Message string }

// RoomStore keeps what our messages in rooms are about.
type RoomStore interface {
	Remember(ctx context.Context, m RoomMessage, subject string) error
	// Subject is what a message is about; empty when it is not known.
	Subject(ctx context.Context, m RoomMessage) (string, error)
	Messages(ctx context.Context, subject string) ([]RoomMessage, error)
	// Card returns the card of an incident in a room; empty when there is none.
	Card(ctx context.Context, ref, account, chat string) (message, said string, err error)
	SetCard(ctx context.Context, ref, account, chat, message, said string) error
	Drafts(ctx context.Context) ([]*Draft, error)
}

// Rooms lets operators work in chats.
type Rooms struct {
	Desk      *Desk
	Store     RoomStore
	Cards     *Cards
	Rooms     []Room
	Platform  map[string]string // of an account
	Say       func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error)
	Respond   func(ctx context.Context, account, eventKey, text string) error // to one person alone
	Direct    func(ctx context.Context, account, person string) (chat string, err error)
	Show      func(ctx context.Context, ref string) (string, error) // what is open, or one incident
	Cursor    func(ctx context.Context, account string) (string, error)
	SetCursor func(ctx context.Context, account, cursor string) error
	Log       *slog.Logger
}

// relisten is how long a room stays deaf after listening broke off.
const relisten = 3 * time.Second

// Listen hears one account until ctx ends, and waits for the answers that are
// under way.
func (r *Rooms) Listen(ctx context.Context, account string, bot bots.Listener) {
	out := newOutbox(ctx)
	defer out.wait()
	for ctx.Err() == nil {
		cursor, err := r.Cursor(ctx, account)
		if err == nil {
			err = bot.Listen(ctx, cursor, func(ctx context.Context, ev bots.Event) error { return r.handle(ctx, account, out, ev) })
		}
		if ctx.Err() != nil {
			return
		}
		r.Log.Warn("listening broke off", "account", account, "error", err)
		wait(ctx, relisten)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// heard is something that a person did in a room.
type heard struct {
	account string
	room    Room
	ev      bots.Event
	out     *outbox // for what answers it
}

// reply is a message that answers it.
func (h heard) reply(text string) bots.Operation {
	return bots.Operation{Action: bots.Post, Target: h.ev.Chat, Thread: h.ev.Thread, ReplyTo: h.ev.Message, Text: text}
}

// handle answers one event. It returns an error only when the event must be
// delivered again.
func (r *Rooms) handle(ctx context.Context, account string, out *outbox, ev bots.Event) error {
	room, ok := r.room(account, ev.Chat)
	if !ok && ev.Private && ev.Kind == bots.Pressed { // under a preview that was sent to a reviewer
		room, ok = Room{Account: account, Target: ev.Chat}, true
	}
	if ok {
		if err := r.attend(ctx, heard{account, room, ev, out}); err != nil {
			return err
		}
	}
	if ev.Cursor == "" {
		return nil
	}
	return r.SetCursor(ctx, account, ev.Cursor)
}

// attend deals with what was done in a room.
func (r *Rooms) attend(ctx context.Context, h heard) error {
	r.Cards.passed(h.account, h.room.Target)
	var text string
	var err error
	switch h.ev.Kind {
	case bots.Pressed:
		text, err = r.pressed(ctx, h)
	case bots.Said, bots.Edited:
		text, err = r.answer(ctx, h)
	default:
		return nil
	}
	if err != nil {
		return err
	}
	h.out.add(func(ctx context.Context) { r.tell(ctx, h, text) })
	return nil
}

// tell answers: a button's person alone, otherwise the room.
func (r *Rooms) tell(ctx context.Context, h heard, text string) {
	var err error
	switch {
	case h.ev.Kind == bots.Pressed, h.ev.Command != "": // whose sign that an answer is awaited must end
		err = r.Respond(ctx, h.account, h.ev.Key, text)
	case text != "":
		_, err = r.Say(ctx, h.account, h.reply(text))
	}
	if err != nil {
		r.Log.Warn("a room was not answered", "account", h.account, "error", err)
	}
}

func (r *Rooms) room(account, chat string) (Room, bool) {
	for _, room := range r.Rooms {
		if room.Account == account && room.Target == chat {
			return room, true
		}
	}
	return Room{}, false
}

// key names an event for repetition. Two bots in one group hear the same
// message; in private conversations each counts for itself.
func (r *Rooms) key(h heard) string {
	if h.ev.Private {
		return h.account + ":" + h.ev.Key
	}
	return r.Platform[h.account] + ":" + h.ev.Key
}

// answer carries out what was said in a room, if it was a command or answers
// one of our messages.
func (r *Rooms) answer(ctx context.Context, h heard) (string, error) {
	subject, err := r.subject(ctx, h)
	if err != nil {
		return "", err
	}
	typed, err := r.parse(h, subject)
	switch ev := h.ev; {
	case errors.Is(err, incident.ErrNoCommand):
		return "", nil
	case ev.Kind == bots.Edited:
		return "Editing a command changes nothing. To change what was published, use /correct.", nil
	case ev.Forwarded:
		return "This was forwarded, so it was not carried out. Type it yourself if you mean it.", nil
	case ev.Person == "":
		return "I cannot see who is speaking: turn off “Remain anonymous” for your admin account, then type it again.", nil
	case err != nil:
		return capital(err.Error()) + ".", nil
	}
	actor, ok := r.actor(h)
	if !ok {
		return fmt.Sprintf("%s is not an operator here. An admin can add user id %s to the operators.", h.ev.Name, h.ev.Person), nil
	}
	return r.carryOut(ctx, h, actor, typed)
}

// subject is what the message that was answered is about: D-17, INC-12, or
// nothing.
func (r *Rooms) subject(ctx context.Context, h heard) (string, error) {
	if h.ev.ReplyTo == "" {
		return "", nil
	}
	return r.Store.Subject(ctx, RoomMessage{h.account, h.ev.Chat, h.ev.ReplyTo})
}

// parse reads a command. A plain reply to a preview is its new text; a
// command in reply to a card needs no reference.
func (r *Rooms) parse(h heard, subject string) (incident.Typed, error) {
	typed, err := incident.ParseTyped(h.ev.Text, r.Desk.Languages)
	draft := strings.HasPrefix(subject, "D-")
	if errors.Is(err, incident.ErrNoCommand) && draft && h.ev.Kind == bots.Said {
		return incident.ParseTyped("/edit "+subject+" "+h.ev.Text, r.Desk.Languages)
	}
	if err == nil && typed.Ref == "" && subject != "" && typed.TakesRef(draft) {
		typed.Ref = subject
	}
	return typed, err
}

func (r *Rooms) actor(h heard) (Actor, bool) {
	platform := r.Platform[h.account]
	for _, o := range r.Desk.Operators {
		if id := o.Users[platform]; id != "" && id == h.ev.Person {
			return Actor{Name: o.Name, Role: o.Role, Origin: platform, Drill: h.room.Drill, Previews: true, SaidAt: h.ev.At}, true
		}
	}
	return Actor{}, false
}

func (r *Rooms) carryOut(ctx context.Context, h heard, actor Actor, t incident.Typed) (string, error) {
	switch t.Verb {
	case "help":
		return Help, nil
	case "show":
		return r.Show(ctx, t.Ref)
	}
	cmd, err := r.Desk.Command(t, time.Now())
	if age := time.Since(h.ev.At); err == nil && !drafts(cmd) && age > late && !h.ev.At.IsZero() {
		return fmt.Sprintf("This was typed %s ago, so it was not carried out. Type it again if you still mean it.", roughly(age)), nil
	}
	if refusal, ok := AsRefusal(err); ok {
		return capital(refusal.Text) + ".", nil
	}
	if err != nil {
		return "", err
	}
	return r.do(ctx, h, actor, cmd)
}

// drafts reports whether a command becomes a draft first, where somebody
// still looks at it.
func drafts(cmd Command) bool {
	switch cmd.(type) {
	case Open, Update, Correct, Edit:
		return true
	}
	return false
}

func capital(s string) string {
	if s == "" || s[0] == '/' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Help is what /help answers.
const Help = `/incident critical login withdrawals
Title on the next line
Text below it
next 20m

/update [INC-12] text      /investigating /identified /monitoring /resolve [INC-12] text
/notice                    title and text on the lines below
/maintenance 2026-12-01 02:00 04:00 deposits      then /begin /verifying /complete
/correct INC-12/3 text     /typo INC-12/3 text     /retract INC-12/3 why
/edit D-17 text            /publish D-17              /reject D-17 why
/retry INC-12/3 channel    /skip INC-12/3 channel why     /posted INC-12/3 channel link
/freeze [channel|account|incident] why             /unfreeze [scope]
/show [INC-12]

A line with only "zh:" starts the text of that language. The reference may be left out while one incident is open.`
