package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	tgConflict = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
	tgWebhook  = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"

	tgKeep    = 24 * time.Hour // an update is kept so long
	tgMaxPoll = 50             // seconds
)

// tgBot is an account of a bot.
type tgBot struct {
	token   string
	user    tgUser
	readAll bool // privacy mode is off
	private map[int64]*tgChat
	lastID  int64  // of messages in conversations
	sent    window // messages and edits
	free    window // those of them that are not paid for

	commands map[string]json.RawMessage // by scope and language
	webhook  string

	updates    []tgUpdate
	lastUpdate int64
	allowed    []string      // kinds; nil is the default
	arrived    chan struct{} // closed when an update arrives
	poll       chan struct{} // of the waiting getUpdates; closed to end it
}

// AddBot registers a bot. From now on unknown tokens are refused with 401.
func (t *Telegram) AddBot(token, username string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.registered = true
	t.makeBot(token, strings.TrimPrefix(username, "@"))
}

// ReadAll lets a bot read all that is said in groups where it is no
// administrator ("privacy mode" is off).
func (t *Telegram) ReadAll(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.authorize(token); b != nil {
		b.readAll = true
	}
}

func (t *Telegram) makeBot(token, username string) *tgBot {
	id, _, _ := strings.Cut(token, ":")
	n, _ := strconv.ParseInt(id, 10, 64)
	b := &tgBot{
		token:      token,
		user:       tgUser{ID: n, IsBot: true, FirstName: username, Username: username},
		private:    make(map[int64]*tgChat),
		commands:   make(map[string]json.RawMessage),
		lastUpdate: 100000000,
		arrived:    make(chan struct{}),
	}
	t.bots = append(t.bots, b)
	return b
}

// authorize returns the bot of a token, or nil.
func (t *Telegram) authorize(token string) *tgBot {
	for _, b := range t.bots {
		if b.token == token {
			return b
		}
	}
	if t.registered {
		return nil
	}
	id, _, _ := strings.Cut(token, ":")
	return t.makeBot(token, "sim_"+id+"_bot")
}

func (t *Telegram) botByID(id string) *tgBot {
	for _, b := range t.bots {
		if strconv.FormatInt(b.user.ID, 10) == id {
			return b
		}
	}
	return nil
}

// push queues an update for a bot, unless it did not ask for the kind.
func (t *Telegram) push(b *tgBot, u tgUpdate) {
	if !b.wants(u.kind) {
		return
	}
	b.lastUpdate++
	u.ID, u.at = b.lastUpdate, t.Clock().Unix()
	b.updates = append(b.updates, u)
	close(b.arrived)
	b.arrived = make(chan struct{})
}

func (b *tgBot) wants(kind string) bool {
	if len(b.allowed) == 0 {
		return kind != "chat_member" // as documented for an empty allowed_updates
	}
	return slices.Contains(b.allowed, kind)
}

// publish tells the bots that may read it of a message by a person, or of a
// service message.
func (t *Telegram) publish(c *tgChat, p *tgPost, edited bool) {
	for _, b := range t.bots {
		if !b.reads(c, p) {
			continue
		}
		u := tgUpdate{}
		m := c.wire(p)
		switch channel := c.info.Type == "channel"; {
		case channel && edited:
			u.kind, u.EditedPost = "edited_channel_post", m
		case channel:
			u.kind, u.ChannelPost = "channel_post", m
		case edited:
			u.kind, u.EditedMessage = "edited_message", m
		default:
			u.kind, u.Message = "message", m
		}
		t.push(b, u)
	}
}

// reads applies the privacy mode of core.telegram.org/bots/features: a bot
// that is no administrator sees commands for it, answers to it, mentions of it
// and service messages.
func (b *tgBot) reads(c *tgChat, p *tgPost) bool {
	switch {
	case c.owner != nil:
		return c.owner == b
	case c.bots.Status == "left" || c.bots.Status == "kicked":
		return false
	case c.can("") || b.readAll || p.service:
		return true
	}
	if to := c.post(p.replyTo); to != nil && to.by == b {
		return true
	}
	at := "@" + strings.ToLower(b.user.Username)
	for _, e := range p.Entities {
		word := strings.ToLower(cutUTF16(p.Text, e.Offset, e.Length))
		if e.Type == "bot_command" && (!strings.Contains(word, "@") || strings.HasSuffix(word, at)) {
			return true
		}
	}
	return strings.Contains(strings.ToLower(p.Text), at)
}

// getUpdates waits for updates. Those below a positive offset are confirmed
// and forgotten; a negative one forgets all but so many of the newest.
func (c *tgCall) getUpdates() (any, error) {
	b := c.bot
	if b.webhook != "" {
		return nil, &tgError{code: http.StatusConflict, text: tgWebhook}
	}
	if err := c.p.object("allowed_updates", "allowed updates", &b.allowed); err != nil {
		return nil, err
	}
	b.confirm(c.p.integer("offset"), c.Clock())
	seconds := min(max(c.p.integer("timeout"), 0), tgMaxPoll)
	if err := c.await(time.Duration(seconds) * time.Second); err != nil {
		return nil, err
	}
	limit := c.p.integer("limit")
	if limit <= 0 || limit > 100 {
		limit = 100
	}
	updates := b.updates[:min(len(b.updates), int(limit))]
	return append([]tgUpdate{}, updates...), nil
}

func (b *tgBot) confirm(offset int64, now time.Time) {
	old := now.Add(-tgKeep).Unix()
	b.updates = slices.DeleteFunc(b.updates, func(u tgUpdate) bool { return u.at < old || offset > 0 && u.ID < offset })
	if keep := int(-max(offset, -1<<31)); offset < 0 && keep < len(b.updates) {
		b.updates = slices.Clone(b.updates[len(b.updates)-keep:])
	}
}

// await waits until there is an update, the time is over or the client gone.
// The simulator is unlocked meanwhile. An older getUpdates of the bot is ended.
func (c *tgCall) await(wait time.Duration) error {
	b := c.bot
	if b.poll != nil {
		close(b.poll)
	}
	mine := make(chan struct{})
	b.poll = mine
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for over := wait <= 0; len(b.updates) == 0 && !over; {
		arrived := b.arrived
		c.mu.Unlock()
		select {
		case <-arrived:
		case <-mine:
		case <-timeout.C:
			over = true
		case <-c.r.Context().Done():
			over = true
		}
		c.mu.Lock()
		if b.poll != mine {
			return &tgError{code: http.StatusConflict, text: tgConflict}
		}
	}
	b.poll = nil
	return nil
}

func (c *tgCall) setWebhook() (any, error) {
	c.bot.webhook = c.p["url"]
	if c.bot.webhook != "" && !strings.HasPrefix(c.bot.webhook, "https://") {
		c.bot.webhook = ""
		return nil, tgBad("bad webhook: An HTTPS URL must be provided for webhook")
	}
	if c.bot.poll != nil && c.bot.webhook != "" {
		close(c.bot.poll)
		c.bot.poll = nil
	}
	return true, c.p.object("allowed_updates", "allowed updates", &c.bot.allowed)
}

func (c *tgCall) deleteWebhook() (any, error) {
	c.bot.webhook = ""
	if c.p.yes("drop_pending_updates") {
		c.bot.updates = nil
	}
	return true, nil
}

func (c *tgCall) getWebhookInfo() (any, error) {
	return map[string]any{
		"url": c.bot.webhook, "has_custom_certificate": false, "pending_update_count": len(c.bot.updates),
	}, nil
}
