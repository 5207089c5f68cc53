package discord

import (
	"encoding/json"
	"fmt"
	"net/http"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// message is the body of a new or edited message (Resources, "Create
// Message" and "Edit Message").
type message struct {
	Content   string                 `json:"content"`
	Mentions  mentions               `json:"allowed_mentions"`
	Flags     discordgo.MessageFlags `json:"flags"`
	Nonce     string                 `json:"nonce,omitempty"`
	Enforce   bool                   `json:"enforce_nonce,omitempty"`
	Reference *reference             `json:"message_reference,omitempty"`
	Buttons   []row                  `json:"components"`
}

// mentions says which of the mentions in a text notify anybody: none.
type mentions struct {
	Parse   []string `json:"parse"`
	Replied bool     `json:"replied_user"`
}

// reference makes a message a reply. FailIfNotExists makes a parent that is
// gone an error, so that the engine decides what to post instead.
type reference struct {
	Message         string `json:"message_id"`
	Channel         string `json:"channel_id"`
	FailIfNotExists bool   `json:"fail_if_not_exists"`
}

type thread struct {
	Name        string `json:"name"`
	AutoArchive int    `json:"auto_archive_duration"` // minutes
}

// autoArchive is the longest that Discord allows, seven days. Posting into
// the thread opens it again.
const autoArchive = 7 * 24 * 60

// place is the channel that op's message is in: a thread is a channel too.
func place(op bots.Operation) string {
	if op.Thread != "" {
		return op.Thread
	}
	return op.Target
}

// plan turns an operation into the request that carries it out, or finds
// what Discord would refuse in any case.
func plan(op bots.Operation) (call, *bots.Fault) {
	if f := check(op); f != nil {
		return call{}, f
	}
	messages := "/channels/" + place(op) + "/messages"
	one := messages + "/" + op.Message
	switch op.Action {
	case bots.Post:
		return with(http.MethodPost, messages, post(op))
	case bots.Edit:
		return with(http.MethodPatch, one, edit(op))
	case bots.Delete:
		return call{method: http.MethodDelete, path: one}, nil
	case bots.OpenThread:
		return with(http.MethodPost, one+"/threads", thread{Name: title(op.Title), AutoArchive: autoArchive})
	case bots.Crosspost:
		return call{method: http.MethodPost, path: one + "/crosspost"}, nil
	case bots.Pin:
		return call{method: http.MethodPut, path: messages + "/pins/" + op.Message}, nil // Resources, "Pin Message"
	}
	return call{}, reject("Discord has no action %q", op.Action)
}

// check finds what is missing or too long.
func check(op bots.Operation) *bots.Fault {
	text := content(op.Text)
	switch n := utf8.RuneCountInString(text); {
	case !isID(place(op)):
		return reject("the channel %q is not an id", place(op))
	case op.Action != bots.Post && !isID(op.Message):
		return reject("the message %q is not an id", op.Message)
	case op.ReplyTo != "" && !isID(op.ReplyTo):
		return reject("the message to reply to, %q, is not an id", op.ReplyTo)
	case op.Action == bots.OpenThread && title(op.Title) == "":
		return reject("the thread has no name")
	case op.Action != bots.Post && op.Action != bots.Edit:
		return nil
	case text == "":
		return reject("the text is empty")
	case n > maxText:
		return reject("the text has %d characters, %d are allowed", n, maxText)
	case len(op.Nonce) > 25:
		return reject("the nonce is longer than 25 characters")
	}
	return bots.CheckButtons(op.Buttons)
}

func reject(format string, args ...any) *bots.Fault {
	return &bots.Fault{Kind: bots.Rejected, Detail: bots.OneLine(fmt.Sprintf(format, args...))}
}

func post(op bots.Operation) message {
	m := edit(op)
	m.Nonce, m.Enforce = op.Nonce, op.Nonce != ""
	if op.ReplyTo != "" {
		m.Reference = &reference{Message: op.ReplyTo, Channel: place(op), FailIfNotExists: true}
	}
	return m
}

// edit is also the part that new messages share: no mention notifies, and no
// link unfolds into a preview of somebody's page.
func edit(op bots.Operation) message {
	return message{
		Content:  content(op.Text),
		Mentions: mentions{Parse: []string{}},
		Flags:    discordgo.MessageFlagsSuppressEmbeds,
		Buttons:  keyboard(op.Buttons),
	}
}

func with(method, path string, body any) (call, *bots.Fault) {
	b, err := json.Marshal(body)
	if err != nil {
		return call{}, reject("the request cannot be written: %v", err)
	}
	return call{method: method, path: path, body: b}, nil
}
