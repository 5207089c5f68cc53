package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The kinds of channels (Discord's Channel Types).
const (
	DiscordText         = 0
	DiscordAnnouncement = 5
	discordNewsThread   = 10
	discordThread       = 11
)

// Discord simulates Discord's REST API (v9 and v10) and gateway for one
// server ("guild"): what a bot may do there, what people see, and what they do.
//
// The exported fields are set before serving.
type Discord struct {
	Faults Faults

	Guild        string                     // id of the server
	GatewayURL   func(*http.Request) string // address of the gateway; by default below the address the request came to
	NonceWindow  time.Duration              // how long an enforced nonce is remembered; Discord says "a few minutes"
	Heartbeat    time.Duration              // interval that the gateway asks for
	AnswerWithin time.Duration              // how long an interaction waits for its first answer

	changed func()
	mux     *http.ServeMux

	mu           sync.Mutex
	ids          snowflakes
	bots         map[string]*discordUser // by token
	users        map[string]*discordUser // by id
	channels     map[string]*discordChannel
	messages     []*discordMessage // oldest first
	byID         map[string]*discordMessage
	nonces       map[string]*discordMessage // by author and nonce
	commands     map[string][]discordCommand
	interactions map[string]*discordInteraction // by token
	limits       *quotas                        // nil unless strict
	gateway      discordGateway
}

// NewDiscord returns a server without channels, and without bots: while none
// is registered, any token is taken for that of one nameless bot.
func NewDiscord() *Discord {
	d := &Discord{
		Guild:        "700000000000000001",
		NonceWindow:  3 * time.Minute,
		Heartbeat:    41250 * time.Millisecond,
		AnswerWithin: 3 * time.Second,
		ids:          snowflakes{epoch: time.UnixMilli(1420070400000)},
		bots:         map[string]*discordUser{},
		users:        map[string]*discordUser{},
		channels:     map[string]*discordChannel{},
		byID:         map[string]*discordMessage{},
		nonces:       map[string]*discordMessage{},
		commands:     map[string][]discordCommand{},
		interactions: map[string]*discordInteraction{},
	}
	d.GatewayURL = defaultGatewayURL
	d.gateway.sessions = map[string]*discordSession{}
	d.mux = d.routes()
	return d
}

// A discordUser is a person or a bot.
type discordUser struct {
	ID            string  `json:"id"`
	Username      string  `json:"username"`
	Discriminator string  `json:"discriminator"`
	GlobalName    *string `json:"global_name"`
	Avatar        *string `json:"avatar"`
	Bot           bool    `json:"bot,omitempty"`

	closed bool // takes no messages from bots
}

type discordChannel struct {
	id, name, parent string
	kind             int
	archiveAfter     int // minutes; threads only
	locked           bool
	owner            string       // who opened the thread; the bot of a conversation
	recipient        *discordUser // the person of a conversation
	denied           map[string]bool
}

func (ch *discordChannel) isThread() bool { return ch.parent != "" }

// AddBot registers a bot token; from then on other tokens are refused. It
// returns the bot's user id, which is also its application id.
func (d *Discord) AddBot(token, name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := &discordUser{ID: d.ids.next(), Username: name, Discriminator: "0", Bot: true}
	d.bots[token], d.users[u.ID] = u, u
	return u.ID
}

// AddPerson makes a member of the server known by name. Who was not added
// acts under his id.
func (d *Discord) AddPerson(id, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users[id] = &discordUser{ID: id, Username: name, Discriminator: "0", GlobalName: &name}
}

// AddChannel opens a channel of kind [DiscordText] or [DiscordAnnouncement].
func (d *Discord) AddChannel(id, name string, kind int) {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.channels[id] = &discordChannel{id: id, name: name, kind: kind, denied: map[string]bool{}}
}

// RemoveChannel deletes a channel or thread with everything in it.
func (d *Discord) RemoveChannel(id string) {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.channels, id)
	for _, m := range d.messages {
		if m.channel == id {
			m.deleted = true
		}
	}
}

// Deny takes permissions away from all bots in a channel, named as Discord
// names them: VIEW_CHANNEL, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS,
// CREATE_PUBLIC_THREADS, READ_MESSAGE_HISTORY, MANAGE_MESSAGES, PIN_MESSAGES.
func (d *Discord) Deny(channel string, permissions ...string) error {
	return d.setDenied(channel, true, permissions)
}

// Allow gives permissions back.
func (d *Discord) Allow(channel string, permissions ...string) error {
	return d.setDenied(channel, false, permissions)
}

func (d *Discord) setDenied(channel string, denied bool, permissions []string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.channels[channel]
	if c == nil {
		return fmt.Errorf("no channel %s", channel)
	}
	for _, p := range permissions {
		c.denied[p] = denied
	}
	return nil
}

// LockThread closes a thread for all but moderators.
func (d *Discord) LockThread(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.channels[id]
	if c == nil || !c.isThread() {
		return fmt.Errorf("no thread %s", id)
	}
	c.locked = true
	return nil
}

// Strict switches limits on or off: five messages in five seconds for each
// channel and route, fifty requests a second for each bot.
func (d *Discord) Strict(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.limits = nil
	if on {
		d.limits = &quotas{}
	}
}

// Say lets a person write in a channel or thread. It returns the message's id.
func (d *Discord) Say(channel, person, text string) (string, error) {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.channels[channel]
	if c == nil || !c.may(person) {
		return "", fmt.Errorf("no channel %s", channel)
	}
	m := &discordMessage{channel: channel, author: d.person(person), content: text}
	d.add(m)
	return m.id, nil
}

// EditSaid lets the author of a message change it.
func (d *Discord) EditSaid(message, text string) error {
	return d.alter(message, func(m *discordMessage) {
		m.content = text
		m.touchEdited()
		d.dispatch("MESSAGE_UPDATE", d.messageJSON(m))
	})
}

// Remove lets a moderator delete a message.
func (d *Discord) Remove(message string) error {
	return d.alter(message, d.remove)
}

func (d *Discord) alter(message string, change func(*discordMessage)) error {
	defer notify(d.changed)
	d.mu.Lock()
	defer d.mu.Unlock()
	m := d.byID[message]
	if m == nil || m.deleted {
		return fmt.Errorf("no message %s", message)
	}
	change(m)
	return nil
}

// person returns the person with this id, known or not.
func (d *Discord) person(id string) *discordUser {
	if u := d.users[id]; u != nil {
		return u
	}
	u := &discordUser{ID: id, Username: id, Discriminator: "0"}
	d.users[id] = u
	return u
}

// DiscordMessage is a message with what only Discord has.
type DiscordMessage struct {
	Seen
	Pings []string // whom the message notified: "everyone", "here", user ids, "&" and a role id
	Nonce string
}

// Messages is everything that was said, oldest first, deleted ones included.
// Answers that only one person sees are in [Discord.Interactions] instead.
func (d *Discord) Messages() []DiscordMessage {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []DiscordMessage
	for _, m := range d.messages {
		if m.ephemeral == "" {
			all = append(all, DiscordMessage{Seen: d.seen(m), Pings: slices.Clone(m.pings), Nonce: m.nonce})
		}
	}
	return all
}

// Seen is everything that was said, oldest first, deleted messages included.
func (d *Discord) Seen() []Seen {
	var all []Seen
	for _, m := range d.Messages() {
		all = append(all, m.Seen)
	}
	return all
}

func (d *Discord) seen(m *discordMessage) Seen {
	s := Seen{
		ID: m.id, Place: m.channel, ReplyTo: m.replyTo, Author: m.author.Username,
		Text: discordPlain(m.content, d.nameOf), Raw: m.content,
		At: m.at, EditedAt: m.edited, Edits: m.edits,
		Deleted: m.deleted, Pinned: m.pinned, Published: m.flags&discordCrossposted != 0,
		Ours: m.author.Bot, Buttons: discordButtons(m.components),
	}
	if c := d.channels[m.channel]; c != nil && c.isThread() {
		s.Place, s.Thread = c.parent, c.id
	}
	return s
}

// nameOf is how clients show a mention of a user ('@') or channel ('#').
func (d *Discord) nameOf(sigil byte, id string) string {
	if c := d.channels[id]; sigil == '#' && c != nil {
		return c.name
	}
	if u := d.users[id]; sigil == '@' && u != nil {
		return u.Username
	}
	return "unknown"
}

// snowflakes makes ids that carry their time and always grow, as Discord and
// X do: milliseconds since an epoch, shifted by 22 bits.
type snowflakes struct {
	epoch time.Time
	last  uint64
}

func (s *snowflakes) next() string {
	id := uint64(max(0, time.Since(s.epoch).Milliseconds())) << 22
	s.last = max(id, s.last+1)
	return strconv.FormatUint(s.last, 10)
}

// newer compares two ids by age; an id that is no number is the oldest.
func newer(a, b string) bool {
	x, _ := strconv.ParseUint(a, 10, 64)
	y, _ := strconv.ParseUint(b, 10, 64)
	return x > y
}
