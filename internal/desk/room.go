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

// Rooms lets operators work in chats.
type Rooms struct {
	Desk      *Desk
	Rooms     []Room
	Operators []Operator
	Platform  map[string]string // of an account
	Say       func(ctx context.Context, account string, op bots.Operation) error
	Show      func(ctx context.Context, ref string) (string, error) // what is open, or one incident
	Cursor    func(ctx context.Context, account string) (string, error)
	SetCursor func(ctx context.Context, account, cursor string) error
	Log       *slog.Logger
}

// relisten is how long a room stays deaf after listening broke off.
const relisten = 3 * time.Second

// Listen hears one account until ctx ends.
func (r *Rooms) Listen(ctx context.Context, account string, bot bots.Listener) {
	for ctx.Err() == nil {
		cursor, err := r.Cursor(ctx, account)
		if err == nil {
			err = bot.Listen(ctx, cursor, func(ctx context.Context, ev bots.Event) error { return r.handle(ctx, account, ev) })
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

// handle answers one event. It returns an error only when the event must be
// delivered again.
func (r *Rooms) handle(ctx context.Context, account string, ev bots.Event) error {
	if room, ok := r.room(account, ev.Chat); ok && (ev.Kind == bots.Said || ev.Kind == bots.Edited) {
		text, err := r.answer(ctx, account, room, ev)
		if err != nil {
			return err
		}
		if text != "" {
			op := bots.Operation{Action: bots.Post, Target: ev.Chat, Thread: ev.Thread, ReplyTo: ev.Message, Text: text}
			if err := r.Say(ctx, account, op); err != nil {
				r.Log.Warn("a room was not answered", "account", account, "error", err)
			}
		}
	}
	if ev.Cursor == "" {
		return nil
	}
	return r.SetCursor(ctx, account, ev.Cursor)
}

func (r *Rooms) room(account, chat string) (Room, bool) {
	for _, room := range r.Rooms {
		if room.Account == account && room.Target == chat {
			return room, true
		}
	}
	return Room{}, false
}

// answer carries out what was said in a room, if it was a command.
func (r *Rooms) answer(ctx context.Context, account string, room Room, ev bots.Event) (string, error) {
	typed, err := incident.ParseTyped(ev.Text, r.Desk.Languages)
	switch {
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
	actor, ok := r.actor(account, ev)
	if !ok {
		return fmt.Sprintf("%s is not an operator here. An admin can add user id %s to the operators.", ev.Name, ev.Person), nil
	}
	actor.Drill = room.Drill
	return r.carryOut(ctx, actor, r.Platform[account]+":"+ev.Key, typed)
}

func (r *Rooms) actor(account string, ev bots.Event) (Actor, bool) {
	platform := r.Platform[account]
	for _, o := range r.Operators {
		if id := o.Users[platform]; id != "" && id == ev.Person {
			return Actor{Name: o.Name, Role: o.Role, Origin: platform}, true
		}
	}
	return Actor{}, false
}

func (r *Rooms) carryOut(ctx context.Context, actor Actor, key string, t incident.Typed) (string, error) {
	switch t.Verb {
	case "help":
		return Help, nil
	case "show":
		return r.Show(ctx, t.Ref)
	}
	cmd, err := r.Desk.Command(t, time.Now())
	if err == nil {
		var answer Answer
		if answer, err = r.Desk.Do(ctx, actor, key, cmd); err == nil {
			return answer.Text, nil
		}
	}
	if refusal, ok := AsRefusal(err); ok {
		return capital(refusal.Text) + ".", nil
	}
	return "", err
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
/publish D-17              /reject D-17 why
/retry INC-12/3 channel    /skip INC-12/3 channel why     /posted INC-12/3 channel link
/freeze [channel|account|incident] why             /unfreeze [scope]
/show [INC-12]

A line with only "zh:" starts the text of that language. The reference may be left out while one incident is open.`
