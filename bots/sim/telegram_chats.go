package sim

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A TelegramChat is a channel or group to set up.
type TelegramChat struct {
	ID       string // "-1001234567890"; empty for the next free one
	Username string // "@example_status"; empty for a private one
	Type     string // "channel" (also when empty), "supergroup" or "group"
	Title    string
	Forum    bool       // a supergroup with topics
	Bot      Membership // of every bot
	Admins   []string   // ids of people
}

// A Membership is what bots are in a chat. The zero value is an administrator
// with all rights.
type Membership struct {
	Status string   // "administrator", "member", "left" or "kicked"
	Denied []string // rights that an administrator does not have, such as "can_pin_messages"
}

// tgRights are those of ChatMemberAdministrator that the simulator looks at.
func tgRights(chatType string) []string {
	common := []string{"can_manage_chat", "can_delete_messages", "can_invite_users", "can_change_info"}
	if chatType == "channel" {
		return append(common, "can_post_messages", "can_edit_messages")
	}
	return append(common, "can_pin_messages", "can_manage_topics", "can_restrict_members")
}

type tgPerson struct {
	user        tgUser
	blocked     bool
	deactivated bool
}

// tgChat is a channel, a group, or the conversation of one bot and one person.
type tgChat struct {
	info     tgChatInfo
	bots     Membership
	owner    *tgBot    // of a conversation
	person   *tgPerson // of a conversation
	admins   map[int64]bool
	members  map[int64]bool
	lastID   *int64    // of messages; conversations of a bot share one counter
	posts    []*tgPost // in the order of ids
	topics   map[int64]*tgTopicState
	movedTo  int64
	messages window // sent by bots
}

// tgPost is a message with what the wire does not show.
type tgPost struct {
	tgMessage
	raw     string // text as it was sent
	replyTo int64
	by      *tgBot // nil for people and for service messages
	service bool
	deleted bool
	pinned  bool
	edits   int
	at      time.Time
	edited  time.Time
}

// AddChat sets up a channel or group and returns its id.
func (t *Telegram) AddChat(c TelegramChat) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id, err := t.freeID(c.ID)
	if err != nil {
		return "", err
	}
	chat := t.makeChat(id, cmp.Or(c.Type, "channel"), strings.TrimPrefix(c.Username, "@"))
	chat.info.Title = cmp.Or(c.Title, chat.info.Username, "Chat "+chat.key())
	chat.info.IsForum = c.Forum
	chat.bots = c.Bot
	for _, a := range c.Admins {
		if p := t.personByID(a); p != nil {
			chat.admins[p.user.ID], chat.members[p.user.ID] = true, true
		}
	}
	notify(t.changed)
	return chat.key(), nil
}

func (t *Telegram) freeID(s string) (int64, error) {
	if s == "" {
		t.lastChat--
		return t.lastChat, nil
	}
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id >= 0 {
		return 0, fmt.Errorf("sim: the id of a channel or group is a negative number, not %q", s)
	}
	if t.chats[id] != nil {
		return 0, fmt.Errorf("sim: chat %s exists", s)
	}
	return id, nil
}

func (t *Telegram) makeChat(id int64, kind, username string) *tgChat {
	c := &tgChat{
		info:    tgChatInfo{ID: id, Type: kind, Username: username, Title: username},
		admins:  make(map[int64]bool),
		members: make(map[int64]bool),
		lastID:  new(int64),
		topics:  make(map[int64]*tgTopicState),
	}
	t.chats[id] = c
	if username != "" {
		t.names[strings.ToLower(username)] = id
	}
	return c
}

// find returns the chat that a bot means by its id or @username, or nil.
func (t *Telegram) find(bot *tgBot, name string) *tgChat {
	if username, ok := strings.CutPrefix(name, "@"); ok {
		if id, ok := t.names[strings.ToLower(username)]; ok {
			return t.chats[id]
		}
		if !t.AutoCreate || username == "" {
			return nil
		}
		t.lastChat--
		return t.makeChat(t.lastChat, "channel", username)
	}
	id, err := strconv.ParseInt(name, 10, 64)
	switch {
	case err != nil || id == 0:
		return nil
	case id > 0:
		return t.conversation(bot, id, t.AutoCreate)
	case t.chats[id] == nil && t.AutoCreate:
		kind := "group"
		if strings.HasPrefix(name, "-100") {
			kind = "supergroup"
		}
		c := t.makeChat(id, kind, "")
		c.info.Title = "Chat " + name
		return c
	}
	return t.chats[id]
}

// conversation returns the chat of a bot and a person, or nil when the person
// never started the bot.
func (t *Telegram) conversation(bot *tgBot, person int64, create bool) *tgChat {
	if bot == nil {
		return nil
	}
	if c := bot.private[person]; c != nil || !create {
		return c
	}
	p := t.people[person]
	if p == nil {
		p = t.makePerson(TelegramPerson{}, person)
	}
	c := &tgChat{
		info:   tgChatInfo{ID: person, Type: "private", FirstName: p.user.FirstName, Username: p.user.Username},
		owner:  bot,
		person: p,
		lastID: &bot.lastID,
	}
	bot.private[person] = c
	return c
}

// named returns the chat that a person or a test means; see [Telegram].
func (t *Telegram) named(name string) (*tgChat, error) {
	var bot *tgBot
	if len(t.bots) > 0 {
		bot = t.bots[0]
	}
	if id, person, ok := strings.Cut(name, "/"); ok {
		bot, name = t.botByID(id), person
	}
	if c := t.find(bot, name); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("sim: no Telegram chat %q", name)
}

func (t *Telegram) isNamed(c *tgChat, name string) bool {
	if c.owner != nil {
		return name == c.key() || name == strconv.FormatInt(c.owner.user.ID, 10)+"/"+c.key()
	}
	return name == c.key() || c.info.Username != "" && strings.EqualFold(name, "@"+c.info.Username)
}

// matching returns the chats of this name, or all, in a fixed order.
func (t *Telegram) matching(name string) []*tgChat {
	var found []*tgChat
	add := func(chats map[int64]*tgChat) {
		for _, c := range chats {
			if name == "" || t.isNamed(c, name) {
				found = append(found, c)
			}
		}
	}
	add(t.chats)
	for _, b := range t.bots {
		add(b.private)
	}
	slices.SortStableFunc(found, func(a, b *tgChat) int { return cmp.Compare(a.info.ID, b.info.ID) })
	return found
}

// target returns the chat of a call, if the bot may act there.
func (c *tgCall) target() (*tgChat, error) {
	name := strings.TrimSpace(c.p["chat_id"])
	if name == "" {
		return nil, tgBad("chat_id is empty")
	}
	chat := c.find(c.bot, name)
	if chat == nil {
		if id, err := strconv.ParseInt(name, 10, 64); err == nil && c.people[id] != nil {
			return nil, tgForbidden("bot can't initiate conversation with a user")
		}
		return nil, tgBad("chat not found")
	}
	return chat, chat.access()
}

// access says why bots cannot reach the chat.
func (c *tgChat) access() error {
	switch {
	case c.movedTo != 0:
		e := tgBad("group chat was upgraded to a supergroup chat").(*tgError)
		e.migrateTo = c.movedTo
		return e
	case c.person != nil && c.person.deactivated:
		return tgForbidden("user is deactivated")
	case c.person != nil && c.person.blocked:
		return tgForbidden("bot was blocked by the user")
	case c.bots.Status == "kicked":
		return tgForbidden("bot was kicked from the %s chat", c.info.Type)
	case c.bots.Status == "left":
		return tgForbidden("bot is not a member of the %s chat", c.info.Type)
	}
	return nil
}

// can reports whether bots have a right of administrators in the chat.
func (c *tgChat) can(right string) bool {
	if c.owner != nil {
		return true
	}
	admin := cmp.Or(c.bots.Status, "administrator") == "administrator"
	return admin && !slices.Contains(c.bots.Denied, right)
}

func (c *tgChat) key() string { return strconv.FormatInt(c.info.ID, 10) }

// post returns the message with this id; nil when there is none or it was deleted.
func (c *tgChat) post(id int64) *tgPost {
	i, ok := slices.BinarySearchFunc(c.posts, id, func(p *tgPost, id int64) int { return cmp.Compare(p.ID, id) })
	if !ok || c.posts[i].deleted {
		return nil
	}
	return c.posts[i]
}

// add gives a message its id and its place in the chat.
func (t *Telegram) add(c *tgChat, p *tgPost) *tgPost {
	*c.lastID++
	p.ID = *c.lastID
	p.Chat = c.info
	if p.at.IsZero() {
		p.at = t.Clock()
	}
	p.Date = p.at.Unix()
	p.IsTopic = p.Thread != 0
	c.posts = append(c.posts, p)
	notify(t.changed)
	return p
}

// wire is a message as the API shows it, with the message that it answers.
func (c *tgChat) wire(p *tgPost) *tgMessage {
	m := p.tgMessage
	if to := c.post(p.replyTo); to != nil {
		parent := to.tgMessage
		m.ReplyTo = &parent
	}
	return &m
}

// seen is what followers see; service messages are no words of anybody.
func (c *tgChat) seen() []Seen {
	var all []Seen
	for _, p := range c.posts {
		if !p.service {
			all = append(all, c.look(p))
		}
	}
	return all
}

func (c *tgChat) look(p *tgPost) Seen {
	s := Seen{
		ID: strconv.FormatInt(p.ID, 10), Place: c.key(), Text: p.Text, Raw: p.raw,
		At: p.at, EditedAt: p.edited, Edits: p.edits,
		Deleted: p.deleted, Pinned: p.pinned, Ours: p.by != nil,
	}
	if p.Thread != 0 {
		s.Thread = strconv.FormatInt(p.Thread, 10)
	}
	if p.replyTo != 0 {
		s.ReplyTo = strconv.FormatInt(p.replyTo, 10)
	}
	switch {
	case p.SenderChat != nil:
		s.Author = p.SenderChat.Title
	case p.From != nil:
		s.Author = cmp.Or(p.From.FirstName, p.From.Username)
	}
	if p.Markup != nil {
		s.Buttons = p.Markup.shown()
	}
	return s
}

func (m *tgMarkup) shown() [][]Button {
	rows := make([][]Button, len(m.Rows))
	for i, row := range m.Rows {
		for _, b := range row {
			rows[i] = append(rows[i], Button{Text: b.Text, Data: b.Data, URL: b.URL})
		}
	}
	return rows
}
