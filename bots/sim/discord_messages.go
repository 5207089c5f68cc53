package sim

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Message flags (Resources, Message).
const (
	discordCrossposted = 1 << 0
	discordHasThread   = 1 << 5
	discordEphemeral   = 1 << 6
)

type discordMessage struct {
	id, channel, content string
	author               *discordUser
	at, edited           time.Time
	edits                int
	deleted, pinned      bool
	flags                int
	replyTo              string
	nonce                string
	components           []discordComponent
	pings                []string
	ephemeral            string // the only person who sees it, of an interaction's answer
}

func (m *discordMessage) touchEdited() {
	m.edits++
	m.edited = time.Now()
}

// A discordDraft is the body of a message to create or edit.
type discordDraft struct {
	Content         *string            `json:"content"`
	Nonce           json.RawMessage    `json:"nonce"`
	EnforceNonce    bool               `json:"enforce_nonce"`
	Flags           int                `json:"flags"`
	Reference       *discordReference  `json:"message_reference"`
	AllowedMentions *discordAllowed    `json:"allowed_mentions"`
	Components      []discordComponent `json:"components"`
}

type discordReference struct {
	Message         string `json:"message_id"`
	Channel         string `json:"channel_id,omitempty"`
	Guild           string `json:"guild_id,omitempty"`
	FailIfNotExists *bool  `json:"fail_if_not_exists,omitempty"`
}

// check refuses what Discord would whatever the place, and trims the content.
func (p *discordDraft) check() (discordAnswer, bool) {
	if p.Content != nil {
		*p.Content = strings.TrimSpace(*p.Content)
		if utf8.RuneCountInString(*p.Content) > 2000 {
			return discordInvalid("BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.", "content"), false
		}
	}
	if len(p.nonce()) > 25 {
		return discordInvalid("NONCE_TYPE_TOO_LONG", "Must be 25 or fewer characters long.", "nonce"), false
	}
	if a, ok := p.AllowedMentions.check(); !ok {
		return a, false
	}
	return checkComponents(p.Components)
}

// nonce is the nonce given as a string or an integer.
func (p *discordDraft) nonce() string {
	var s string
	if json.Unmarshal(p.Nonce, &s) == nil {
		return s
	}
	return string(p.Nonce)
}

// add puts a message into its channel and tells the gateway.
func (d *Discord) add(m *discordMessage) {
	m.id, m.at = d.ids.next(), time.Now()
	d.messages = append(d.messages, m)
	d.byID[m.id] = m
	if m.ephemeral == "" {
		d.dispatch("MESSAGE_CREATE", d.messageJSON(m))
	}
}

func (d *Discord) createMessage(c *discordCall) discordAnswer {
	ch, refusal := d.writable(c)
	if ch == nil {
		return refusal
	}
	var p discordDraft
	if a, ok := c.decode(&p); !ok {
		return a
	}
	if a, ok := p.check(); !ok {
		return a
	}
	if p.Content == nil || *p.Content == "" {
		return discordKnown(50006)
	}
	key := c.me.ID + " " + p.nonce()
	if old := d.nonces[key]; p.EnforceNonce && p.nonce() != "" && old != nil && time.Since(old.at) < d.NonceWindow {
		if old.deleted {
			return discordKnown(10008) // discord-api-docs issue 6647
		}
		return discordOK(d.createdJSON(old))
	}
	m := &discordMessage{channel: ch.id, author: c.me, content: *p.Content, nonce: p.nonce(), components: p.Components, flags: p.Flags &^ discordEphemeral}
	if a, ok := d.reference(ch, m, &p); !ok {
		return a
	}
	d.add(m)
	if m.nonce != "" {
		d.nonces[key] = m
	}
	return discordOK(d.createdJSON(m))
}

// writable finds the channel of a request, if the bot may write there.
func (d *Discord) writable(c *discordCall) (*discordChannel, discordAnswer) {
	ch, refusal := d.channel(c)
	if ch == nil {
		return nil, refusal
	}
	permission := "SEND_MESSAGES"
	if ch.isThread() {
		permission = "SEND_MESSAGES_IN_THREADS"
	}
	switch {
	case ch.recipient != nil && ch.recipient.closed:
		return nil, discordKnown(50007)
	case d.denied(ch, permission):
		return nil, discordKnown(50013)
	case ch.locked:
		return nil, discordKnown(160005)
	}
	return ch, discordAnswer{}
}

// reference makes m a reply, if the draft wants that, and settles its pings.
func (d *Discord) reference(ch *discordChannel, m *discordMessage, p *discordDraft) (discordAnswer, bool) {
	ref := p.Reference
	if ref == nil {
		m.pings = p.AllowedMentions.pings(m.content, nil)
		return discordAnswer{}, true
	}
	if d.denied(ch, "READ_MESSAGE_HISTORY") {
		return discordKnown(160002), false
	}
	target := d.byID[ref.Message]
	if target != nil && target.channel != ch.id && !target.deleted {
		return discordInvalid("REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in a different channel", "message_reference"), false
	}
	if target == nil || target.deleted {
		if ref.FailIfNotExists == nil || *ref.FailIfNotExists {
			return discordInvalid("REPLIES_UNKNOWN_MESSAGE", "Unknown message", "message_reference"), false
		}
		m.pings = p.AllowedMentions.pings(m.content, nil)
		return discordAnswer{}, true
	}
	m.replyTo = target.id
	m.pings = p.AllowedMentions.pings(m.content, target.author)
	return discordAnswer{}, true
}

// message finds the message of a request.
func (d *Discord) message(c *discordCall) (*discordMessage, discordAnswer) {
	ch, refusal := d.channel(c)
	if ch == nil {
		return nil, refusal
	}
	m := d.byID[c.PathValue("message")]
	if m == nil || m.deleted || m.channel != ch.id || m.ephemeral != "" {
		return nil, discordKnown(10008)
	}
	return m, discordAnswer{}
}

func (d *Discord) getMessage(c *discordCall) discordAnswer {
	m, refusal := d.message(c)
	if m == nil {
		return refusal
	}
	if d.denied(d.channels[m.channel], "READ_MESSAGE_HISTORY") {
		return discordKnown(50013)
	}
	return discordOK(d.messageJSON(m))
}

func (d *Discord) editMessage(c *discordCall) discordAnswer {
	m, refusal := d.message(c)
	if m == nil {
		return refusal
	}
	if m.author != c.me {
		return discordKnown(50005)
	}
	return d.edit(m, c)
}

// edit carries out a PATCH of a message that may be edited.
func (d *Discord) edit(m *discordMessage, c *discordCall) discordAnswer {
	var p discordDraft
	if a, ok := c.decode(&p); !ok {
		return a
	}
	return d.applyEdit(m, &p)
}

func (d *Discord) applyEdit(m *discordMessage, p *discordDraft) discordAnswer {
	if a, ok := p.check(); !ok {
		return a
	}
	if p.Content != nil && *p.Content == "" {
		return discordKnown(50006)
	}
	if p.Content != nil {
		m.content = *p.Content // pings stay: an edit notifies nobody
		m.touchEdited()
	}
	if p.Components != nil {
		m.components = p.Components
	}
	if m.ephemeral == "" {
		d.dispatch("MESSAGE_UPDATE", d.messageJSON(m))
	}
	return discordOK(d.messageJSON(m))
}

func (d *Discord) deleteMessage(c *discordCall) discordAnswer {
	m, refusal := d.message(c)
	if m == nil {
		return refusal
	}
	if m.author != c.me && d.denied(d.channels[m.channel], "MANAGE_MESSAGES") {
		return discordKnown(50013)
	}
	d.remove(m)
	return discordNoContent()
}

func (d *Discord) remove(m *discordMessage) {
	m.deleted = true
	d.dispatch("MESSAGE_DELETE", map[string]any{"id": m.id, "channel_id": m.channel, "guild_id": d.Guild})
}

// listMessages answers newest first. Before, after and around exclude each
// other; after takes the messages that follow, not the newest.
func (d *Discord) listMessages(c *discordCall) discordAnswer {
	ch, refusal := d.channel(c)
	if ch == nil {
		return refusal
	}
	q := c.URL.Query()
	limit := 50
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 100 {
			return discordInvalid("NUMBER_TYPE_MAX", "int value should be between 1 and 100.", "limit")
		}
		limit = n
	}
	if d.denied(ch, "READ_MESSAGE_HISTORY") {
		return discordOK([]any{}) // documented: no error, no messages
	}
	var all []*discordMessage
	for _, m := range d.messages {
		if m.channel == ch.id && !m.deleted && m.ephemeral == "" {
			all = append(all, m)
		}
	}
	list := []any{}
	for _, m := range slices.Backward(discordPage(all, q.Get("before"), q.Get("after"), q.Get("around"), limit)) {
		list = append(list, d.messageJSON(m))
	}
	return discordOK(list)
}

// discordPage picks at most limit of the messages, which are oldest first.
func discordPage(all []*discordMessage, before, after, around string, limit int) []*discordMessage {
	upTo := func(id string) int { // how many messages are not newer than id
		i := slices.IndexFunc(all, func(m *discordMessage) bool { return newer(m.id, id) })
		if i < 0 {
			return len(all)
		}
		return i
	}
	from, to := 0, len(all)
	switch {
	case around != "":
		from = max(0, upTo(around)-1-limit/2)
		to = min(len(all), from+limit)
	case after != "":
		from = upTo(after)
		to = min(len(all), from+limit)
	case before != "":
		to = upTo(before)
		if to > 0 && all[to-1].id == before {
			to--
		}
	}
	return all[max(from, to-limit):to]
}

// messageJSON is a message as it is read. The nonce is not shown.
func (d *Discord) messageJSON(m *discordMessage) map[string]any {
	v := map[string]any{
		"id": m.id, "channel_id": m.channel, "author": m.author, "content": m.content,
		"timestamp": discordTime(m.at), "edited_timestamp": nil, "tts": false,
		"mention_everyone": slices.Contains(m.pings, "everyone") || slices.Contains(m.pings, "here"),
		"mentions":         []any{}, "mention_roles": []string{}, "attachments": []any{}, "embeds": []any{},
		"pinned": m.pinned, "type": 0, "flags": m.flags, "components": m.components,
	}
	if m.components == nil {
		v["components"] = []any{}
	}
	if m.edits > 0 {
		v["edited_timestamp"] = discordTime(m.edited)
	}
	if m.replyTo != "" {
		v["type"] = 19
		v["message_reference"] = discordReference{Message: m.replyTo, Channel: m.channel, Guild: d.Guild}
	}
	if t := d.channels[m.id]; t != nil {
		v["thread"] = d.channelJSON(t)
	}
	return v
}

// createdJSON is the answer to a creation, which repeats the nonce.
func (d *Discord) createdJSON(m *discordMessage) map[string]any {
	v := d.messageJSON(m)
	if m.nonce != "" {
		v["nonce"] = m.nonce
	}
	return v
}
