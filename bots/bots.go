// Package bots is the contract between the engine and the platforms.
//
// An adapter (bots/telegram, bots/discord, bots/twitter, bots/wechat) is one
// account on one platform. It carries out one operation with one request and
// reports what happened. It never retries, never sleeps and never decides:
// whether and when to try again is the engine's business (package broadcast),
// which knows what should show and what already does.
//
// What an adapter promises is checked by the suite in bots/bottest.
package bots

import (
	"context"
	"time"
)

// Bot is an account on a platform. Its methods may be called from many
// goroutines at once.
type Bot interface {
	// Do carries out op with at most one HTTP request. On failure the error
	// is a *[Fault] that answers "what now?"; the receipt is then empty.
	// A request that achieves what was already so (deleting what is gone,
	// an edit that changes nothing) is a success.
	Do(ctx context.Context, op Operation) (Receipt, error)

	// Limits says what the platform can carry and take back. It is constant
	// for the life of the bot and costs nothing.
	Limits() Limits
}

// An Action is what an operation does on the platform.
type Action string

// The actions. An adapter rejects those its Limits do not offer.
const (
	Post       Action = "post"      // a new message
	Edit       Action = "edit"      // replace the text of Message
	Delete     Action = "delete"    // remove Message
	OpenThread Action = "thread"    // from Message (Discord) or on its own (Telegram topic)
	Crosspost  Action = "crosspost" // publish Message to following servers (Discord)
	Pin        Action = "pin"       // pin Message, silently
)

// Repeatable reports whether doing the action twice shows the same as doing it
// once, so that an attempt of unknown outcome may simply be made again.
func (a Action) Repeatable() bool { return a != Post && a != OpenThread }

// An Operation is the one request an adapter makes.
type Operation struct {
	Action  Action
	Target  string // chat or channel id; empty where the account is the place (X, WeChat)
	Thread  string // thread or topic that the message is posted into or lives in; empty for the channel itself
	Message string // id of the message to edit, delete, crosspost, pin, or open a thread from
	ReplyTo string // id of the message that a post answers; empty for none
	Text    string // plain text of a post or edit, within Limits; the adapter escapes what the platform would read as markup
	Title   string // name of a thread; the adapter cuts it to the platform's limit
	Nonce   string // at most 25 ASCII characters, the same for every attempt at one post

	// Buttons stand in rows below the text of a post or edit. An edit without
	// any removes those that were there. [CheckButtons] says how many there may
	// be. Adapters whose Limits show no buttons ignore them.
	Buttons [][]Button

	// MentionedOnly lets only accounts that the post mentions reply to it,
	// which keeps impostors out of the thread (X: reply_settings).
	MentionedOnly bool
}

// A Receipt is what the platform answered.
type Receipt struct {
	ID  string // message id, or thread id for OpenThread; empty where the platform gives none (WeChat)
	URL string // public link to the message; empty where there is none

	// Remaining and Reset repeat the platform's rate-limit headers for this
	// account or target, so that the next request can wait instead of being
	// refused. Reset is zero when the platform sent none.
	Remaining int
	Reset     time.Time
}

// A ReplyStyle says which message of an incident a new post answers.
type ReplyStyle int

// The reply styles.
const (
	NoReplies   ReplyStyle = iota // the platform links nothing (WeChat)
	ReplyFirst                    // the incident's first post (Telegram, Discord)
	ReplyNewest                   // the newest shown post, making a chain (X)
)

// A ThreadStyle says how a platform opens a thread for an incident.
type ThreadStyle int

// The thread styles.
const (
	NoThreads         ThreadStyle = iota
	ThreadFromMessage             // opened from the first post; followers of the channel do not see inside (Discord)
	ThreadFirst                   // opened before the first post, which goes into it (Telegram forum topic)
)

// Pace is at most N requests in each window of Per. The zero Pace is no limit.
type Pace struct {
	N   int
	Per time.Duration
}

// PaceOf is the pace of a rate in messages a second, which may be below one
// but is at least one a day.
func PaceOf(perSecond float64) Pace {
	perSecond = max(perSecond, 1.0/(24*3600))
	if perSecond < 1 {
		return Pace{N: 1, Per: time.Duration(float64(time.Second) / perSecond)}
	}
	return Pace{N: int(perSecond), Per: time.Second}
}

// Rate is how many messages a second a pace permits; 0 is no limit.
func (p Pace) Rate() float64 {
	if p.N <= 0 {
		return 0
	}
	return float64(p.N) / p.Per.Seconds()
}

// Limits is what a platform can carry and take back.
type Limits struct {
	MaxText int              // longest text of a message, in Unit
	Unit    string           // what MaxText counts, for people: "characters", "bytes"
	Measure func(string) int // length of a plain text in Unit, as the platform will count it once the adapter has escaped it

	Edit         bool          // own messages can be edited
	Delete       bool          // own messages can be deleted
	DeleteWithin time.Duration // only this long after posting; 0 is for ever
	Replies      ReplyStyle
	Threads      ThreadStyle
	Crosspost    bool
	Pin          bool
	Buttons      bool // shown, and heard where the bot is a Listener

	// Deduplicates is how long after the first attempt a post repeated with
	// the same Nonce is recognised by the platform; 0 is never.
	Deduplicates time.Duration

	LinkCost float64 // US dollars that a post costs on top when it contains a link
	PostCost float64 // US dollars that a post costs

	// Tells says that the platform tells with each answer what is left of a limit
	// that only it knows, as Receipt.Remaining: the first request to a place goes
	// alone, and the others wait for what its answer says.
	Tells bool

	Account Pace // limit of the account over all targets
	Target  Pace // limit of one chat or channel; where Person is set, of those that are no private chats
	Person  Pace // limit of one chat at a time, for all but operators' rooms; where it is set, a target that is a positive number is a private chat
}

// Removes reports whether a message that was posted at some time can be deleted now.
func (l Limits) Removes(posted, now time.Time) bool {
	return l.Delete && (l.DeleteWithin == 0 || now.Sub(posted) < l.DeleteWithin)
}

// A Listener hears what people do in chats. It is implemented by bots whose
// platform has chats (Telegram, Discord).
type Listener interface {
	// Listen calls handle for each event, in order, until ctx ends or
	// listening becomes impossible. cursor is the Cursor of the last event
	// handled in an earlier life, or empty. An event counts as handled only
	// when handle returns nil; otherwise it is delivered again: by the platform
	// if it has a Cursor, else once more at the latest when ctx has ended, so
	// that handle can tell the person.
	Listen(ctx context.Context, cursor string, handle func(context.Context, Event) error) error
}

// A Batcher is a Listener that can hand over many events at once, for whoever
// would otherwise commit thousands of times what one transaction can hold. It
// is implemented by bots whose platform gives them so (Telegram).
type Batcher interface {
	Listener

	// ListenBatches is Listen with all events of one answer of the platform
	// together, in order. handle returns how many of them are handled; if there
	// is an error the rest is delivered again.
	ListenBatches(ctx context.Context, cursor string, handle func(context.Context, []Event) (int, error)) error
}

// A Heard bot is a Listener that knows when it last heard from its platform.
type Heard interface {
	// Heard is when the platform last answered while listening: a poll, or a
	// heartbeat. It is zero before the first answer.
	Heard() time.Time
}

// An EventKind says what a person did.
type EventKind string

// The kinds of events.
const (
	Said    EventKind = "said"    // typed a message or a command
	Edited  EventKind = "edited"  // changed a message typed earlier
	Pressed EventKind = "pressed" // pressed a button
	Joined  EventKind = "joined"  // the bot became a member, or a person started it
	Left    EventKind = "left"    // the bot was removed or blocked

	Migrated EventKind = "migrated" // the platform moved the chat to Event.To
)

// An Event is something that a person did in a chat.
type Event struct {
	Kind      EventKind
	Key       string // unique for this account and event, the same when delivered again
	Cursor    string // position after this event; empty where the platform keeps none
	Chat      string
	Thread    string
	Message   string   // id of the message said, edited, or carrying the button
	ReplyTo   string   // id of the message that it answers
	Person    string   // user id; empty for who speaks as a chat
	As        string   // the chat that is spoken as: the same chat for an anonymous admin, a channel for its owners
	Name      string   // the person's display name, for logs and answers only
	Language  string   // of the person's app, a language tag; empty where it is not told
	To        string   // where the chat was moved
	Text      string   // empty for a picture, a sticker or the like, which is told of in conversations only
	Links     []string // where it leads that Text does not show: hidden links, and buttons, empty for one without an address (Telegram)
	Beside    bool     // it has a picture, a file or the like (Telegram)
	Button    string   // the pressed button's data
	Forwarded bool
	Stale     bool // a button that was pressed while nobody listened: before a start, or during an outage
	Private   bool // a conversation with the bot alone
	Public    bool // in a channel, where only its owners speak
	At        time.Time

	// Command and Options are what a person filled into a slash command: its
	// name without the slash, and the values by option name. They are empty
	// where commands are typed as text. Text is then the same command as a
	// line, so that only who wants to know more needs to look here.
	Command string
	Options map[string]string
}

// A Responder answers a person who pressed a button or used a command. It is
// implemented by bots whose platform shows such answers to that person alone
// (Telegram for buttons, Discord for both).
type Responder interface {
	// Respond answers the event with that key, which works for a short while
	// only; afterwards the Fault is Gone. An event that cannot be answered so
	// (on Telegram, what was typed) is Rejected. An empty text only ends the
	// sign that an answer is awaited.
	Respond(ctx context.Context, eventKey, text string) error
}

// A Commander can offer commands to people as they type. It is implemented by
// bots whose platform knows commands (Telegram, Discord).
type Commander interface {
	// SetCommands offers commands in those chats and, where the platform tells
	// chats apart (Telegram), nowhere else; on Discord they are those of the
	// server. It changes nothing where they are offered already, so that it is
	// called at every start, before Listen. It may make several requests.
	SetCommands(ctx context.Context, chats []string, commands []Command) error
}

// A Command is offered to people as they type.
type Command struct {
	Name        string // 1 to 32 of a-z, 0-9 and _
	Description string // at most 100 characters
	Options     []CommandOption

	// Modal asks for the text in a form when the option "text" was left
	// empty, and for the title too where there is an option "title"
	// (Discord). What was typed then arrives as if it had been typed in full,
	// with the form's own key. Both options must not be Required.
	Modal bool
}

// A CommandOption is one of a command's fields, a text. Platforms whose
// commands have no fields ignore it (Telegram).
type CommandOption struct {
	Name        string // as a Command's
	Description string // at most 100 characters
	Required    bool
	Complete    bool // a Completer suggests values
}

// A PrivateCommander can offer other commands in conversations with people
// than in chats. It is implemented by bots whose platform tells them apart
// (Telegram).
type PrivateCommander interface {
	// SetPrivateCommands offers commands in conversations, by language: the
	// empty language is for all that have no list of their own. Like
	// [Commander.SetCommands] it changes nothing where they are offered already.
	SetPrivateCommands(ctx context.Context, byLanguage map[string][]Command) error
}

// A Named bot has a name by which people find it. It is implemented by bots
// whose platform has links that begin a conversation (Telegram).
type Named interface {
	// Username returns the name without a leading "@". Once it is known it
	// costs nothing.
	Username(ctx context.Context) (string, error)
}

// A Ranker knows who has a say in a chat. It is implemented by bots whose
// platform has chats that belong to people (Telegram).
type Ranker interface {
	// Admins returns the user ids of the people who are administrators of the
	// chat.
	Admins(ctx context.Context, chat string) ([]string, error)
}

// A Completer suggests values while a person fills in a command's option. It
// is implemented by bots whose platform asks for them (Discord).
type Completer interface {
	// OnComplete sets the function that is asked for values of an option of
	// which a part was typed, which may be empty. It must be quick, and may be
	// called from many goroutines at once. Of its answer the first 25 of at most
	// 100 characters are offered. It is set before Listen.
	OnComplete(func(ctx context.Context, command, option, typed string) []string)
}

// A Messenger can write to a person. It is implemented by bots whose platform
// has private conversations (Telegram, Discord).
type Messenger interface {
	// DirectChat returns the chat id, for an operation's Target, of the
	// conversation with a person of that user id. That there is one does not
	// mean that the person takes messages.
	DirectChat(ctx context.Context, person string) (chat string, err error)
}

// A Finder can look for a post whose outcome is unknown among the account's
// own recent messages. It is implemented by bots whose platform can be read
// back (X, Discord).
type Finder interface {
	// Find returns the receipt of the post that op made, looking at messages
	// from since on. It returns false when the platform answered and the post
	// is not there. It changes nothing.
	Find(ctx context.Context, op Operation, since time.Time) (Receipt, bool, error)
}

// A Prober can tell whether a message is the one that a post of unknown outcome
// made, on a platform that cannot be read back. It is implemented by bots whose
// platform numbers messages and refuses an edit that changes nothing (Telegram).
type Prober interface {
	// Probe asks of each id in turn whether that message is at op's target and
	// says exactly op's text, and returns the receipt of the first that does.
	// It changes nothing: where it could, the fault is Rejected. No id may be
	// that of another message of this account.
	Probe(ctx context.Context, op Operation, ids []string) (Receipt, bool, error)
}

// A Checker can contact the platform without changing anything, for
// "allclear check". It is implemented by every bot whose platform offers a way.
type Checker interface {
	// Check returns one line about the account (for example its name) and a
	// line for each target: empty where all is well, otherwise what is missing.
	Check(ctx context.Context, targets []string) (account string, problems map[string]string, err error)
}
