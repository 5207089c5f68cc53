package desk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
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
	// Owed lists the events that were heard and not answered, oldest first.
	Owed(ctx context.Context, account string) ([]Heard, error)
	// Answered forgets such an event.
	Answered(ctx context.Context, account, key string) error
	// Letters lists the letters of an account, oldest first.
	Letters(ctx context.Context, account string) ([]Letter, error)
	// BeginLetter notes that a letter may be sent now. It returns false where
	// that was so MostTries times, and refuses with [broadcast.ErrLost].
	BeginLetter(ctx context.Context, lease broadcast.Lease, id int64) (bool, error)
	// SpareLetter takes back what BeginLetter noted: nothing was sent.
	SpareLetter(ctx context.Context, lease broadcast.Lease, id int64) error
	// EndLetter removes a letter and remembers, unless it is empty, the message
	// that shows its draft.
	EndLetter(ctx context.Context, id int64, draft string, shows RoomMessage) error
	// Question returns a question that was asked, or nil when there is none.
	Question(ctx context.Context, id int64) (*Question, error)
}

// Rooms lets operators work in chats.
type Rooms struct {
	Desk     *Desk
	Store    RoomStore
	Cards    *Cards
	Rooms    []Room
	Platform map[string]string // of an account
	Say      func(ctx context.Context, account string, op bots.Operation) (bots.Receipt, error)
	Respond  func(ctx context.Context, account, eventKey, text string) error // to one person alone
	Direct   func(ctx context.Context, account, person string) (chat string, err error)
	Show     func(ctx context.Context, ref string) (string, error) // which incidents are open, or one of them
	Cursor   func(ctx context.Context, account string) (string, error)
	Username func(ctx context.Context, account string) (string, error) // empty on a platform where commands name no bot
	Log      *slog.Logger
}

// handle answers one event. It returns an error only when the event must be
// delivered again.
func (r *Rooms) handle(ctx context.Context, account string, out *outbox, ev bots.Event) error {
	h := heard{account: account, ev: ev, mail: &mail{}}
	var ok bool
	if h.room, ok = r.where(account, ev); ok {
		r.Cards.passed(account, h.room.Target)
		if err := r.attend(ctx, h); err != nil {
			return err
		}
	}
	switch {
	case h.mail.here != nil:
		r.send(h, out)
	case ev.Cursor != "":
		h.ev.Key = "" // nobody waits for an answer
		return r.take(ctx, h)
	}
	return nil
}

// attend deals with what was done in a room, and takes in what is answered.
func (r *Rooms) attend(ctx context.Context, h heard) error {
	var text string
	var err error
	switch h.ev.Kind {
	case bots.Pressed:
		text, err = r.pressed(ctx, h)
	case bots.Said, bots.Edited:
		if h.ev.Text != "" {
			text, err = r.answer(ctx, h)
		}
	}
	if err != nil {
		return err
	}
	if alone := h.alone(); alone || text != "" {
		h.then(func(ctx context.Context) { r.tell(ctx, h, text) })
	}
	if h.mail.here == nil || h.mail.taken {
		return nil
	}
	return r.take(ctx, h)
}

// tell answers: a button's person alone, otherwise the room. After a restart it
// may be too late to tell the person alone.
func (r *Rooms) tell(ctx context.Context, h heard, text string) {
	var err error
	if h.alone() {
		err = r.Respond(ctx, h.account, h.ev.Key, text)
	}
	if late := faultOf(err).Kind == bots.Gone; late || !h.alone() {
		err = nil
		if text != "" {
			_, err = r.Say(ctx, h.account, h.reply(text))
		}
	}
	if err != nil {
		r.Log.Warn("a room was not answered", "account", h.account, "error", err)
	}
}

// where is the room that an event belongs to.
func (r *Rooms) where(account string, ev bots.Event) (Room, bool) {
	room, ok := r.room(account, ev.Chat)
	if !ok && ev.Private && ev.Kind == bots.Pressed { // under a preview that was sent to a reviewer
		return Room{Account: account, Target: ev.Chat}, true
	}
	return room, ok
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
	another, err := r.forAnother(ctx, h)
	if err != nil {
		return "", err
	}
	typed, err := r.parse(h, subject)
	switch ev := h.ev; {
	case errors.Is(err, incident.ErrNoCommand), another:
		return "", nil
	case ev.Kind == bots.Edited:
		return "Editing a command changes nothing. To change what was published, use /correct.", nil
	case ev.Forwarded:
		return "This was forwarded, so it was not carried out. Type it yourself if you mean it.", nil
	case ev.Person == "":
		return "I cannot see who is speaking: turn off “Remain anonymous” for your admin account, then type it again.", nil
	}
	actor, ok := r.actor(h)
	unknown, isUnknown := errors.AsType[*incident.UnknownVerb](err)
	switch {
	case isUnknown && ok:
		return r.askVerb(ctx, h, actor, unknown)
	case err != nil:
		return capital(err.Error()) + ".", nil
	case !ok:
		return fmt.Sprintf("%s is not an operator here. An admin can add user id %s to the operators.", called(h.ev), h.ev.Person), nil
	}
	return r.carryOut(ctx, h, actor, typed)
}

// called is the name of who speaks, whatever it is, such that it leaves a line of
// ours as it is: one written from right to left would rearrange it (UAX #9).
func called(ev bots.Event) string {
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Bidi_Control, r) || !unicode.IsGraphic(r) && r != '\u200D' { // which joins emoji
			return -1
		}
		return r
	}, ev.Name))
	switch {
	case name == "":
		return "Somebody"
	case strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxLatin1 }):
		return "\u2068" + name + "\u2069"
	}
	return name
}

// forAnother reports whether a command names another bot, as in
// "/freeze@another_bot": in a group a bot may hear what is meant for others.
func (r *Rooms) forAnother(ctx context.Context, h heard) (bool, error) {
	name := incident.Addressee(h.ev.Text)
	if name == "" || r.Username == nil {
		return false, nil
	}
	ours, err := r.Username(ctx, h.account)
	if err != nil {
		return false, fmt.Errorf("the name of %s: %w", h.account, err)
	}
	return ours != "" && !strings.EqualFold(name, ours), nil
}

// known refuses a command of a room that names a bot before our own name is known:
// it comes again, and says nothing meanwhile, since it may be meant for another.
func (r *Rooms) known(ctx context.Context, account string, ev bots.Event) error {
	room, ok := r.where(account, ev)
	if !ok {
		return nil
	}
	_, err := r.forAnother(ctx, heard{account: account, room: room, ev: ev})
	if err != nil && ctx.Err() == nil {
		r.Log.Warn("a command that names a bot waits: our own name is not known", "account", account, "error", err)
	}
	return err
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
		return may(actor) + "\n\n" + Help, nil
	case "show":
		return r.show(ctx, h, t.Ref)
	}
	cmd, err := r.Desk.Command(t, time.Now())
	text := ""
	if err == nil {
		text, err = r.do(ctx, h, actor, cmd)
	}
	refusal, refused := AsRefusal(err)
	switch {
	case refused && refusal.Ask != Ask{}:
		return r.ask(ctx, h, actor, t, refusal)
	case refused:
		return capital(refusal.Text) + ".", nil
	}
	return text, err
}

// drafts reports whether a command becomes a draft first, where somebody
// still looks at it.
func drafts(cmd Command) bool {
	switch c := cmd.(type) {
	case Ack, Hold, FalseAlarm, Open, Update, Correct, Edit:
		return true
	case Scope:
		return c.Now || len(c.Saying.Body) > 0
	}
	return false
}

func capital(s string) string {
	if s == "" || s[0] == '/' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// may is what a person may do, the first line of /help.
func may(a Actor) string {
	can := map[Role]string{
		Author:    "you write drafts; a publisher publishes them",
		Reviewer:  "you write drafts and agree to those of others; a publisher publishes them",
		Publisher: "you write, agree and publish; an admin lifts a freeze",
		Admin:     "you write, agree, publish and lift a freeze; when nobody can agree, you may publish alone with a reason",
	}[a.Role]
	return fmt.Sprintf("%s, %s: %s. Anybody here may freeze.", a.Name, a.Role, can)
}

// Help is what /help answers, below what the person may do.
const Help = `/ack [impact] [components]   approved first words, nothing to type

/incident critical login withdrawals
Title on the next line
Text below it
next 20m

/update [INC-12] text      /investigating /identified /monitoring /resolve [INC-12] text
/update [INC-12] next 14:30                        moves the promise; next none takes it back
/hold [INC-12]             approved words: still working on it      /false_alarm [INC-12]   it was none
/scope [INC-12] critical +deposits login=partial -card    with text below an update, else with the next one
/notice                    title and text on the lines below
/maintenance 2026-12-01 02:00 04:00 deposits      then /begin /verifying /complete
/correct INC-12/3 text     /typo INC-12/3 text     /retract INC-12/3 [delete] why
/edit D-17 text            /publish D-17              /reject D-17 why
/retry INC-12/3 channel    /skip INC-12/3 channel why     /posted INC-12/3 channel link
/freeze [channel|account|incident] why             /unfreeze [scope]
/show [INC-12 or D-17]     what is open and which drafts wait, or one of them

A line with only "zh:" starts the text of that language. The reference may be left out while one incident is open.`
