package sim

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A TelegramPerson is an account to set up. Only the id must be given.
type TelegramPerson struct {
	ID       string // a positive number
	Name     string
	Username string
	Language string // "zh-hans"
}

// A Saying is how something is said, beside the words.
type Saying struct {
	Name      string    // of the person, if not known yet
	ReplyTo   string    // id of a message in the same chat
	Thread    string    // topic of a forum
	Forwarded bool      // somebody else's words, passed on
	Anonymous bool      // by an admin who shows as the group
	Sticker   bool      // instead of words: the text is its emoji
	At        time.Time // when; the zero value is now
}

// tgAnonymous is the account that the Bot API names as the sender of what an
// anonymous admin says.
func tgAnonymous() *tgUser {
	return &tgUser{ID: 1087968824, IsBot: true, FirstName: "Group", Username: "GroupAnonymousBot"}
}

// AddPerson sets up an account, which has not started any bot.
func (t *Telegram) AddPerson(p TelegramPerson) error {
	id, err := strconv.ParseInt(p.ID, 10, 64)
	if err != nil || id <= 0 {
		return fmt.Errorf("sim: the id of a person is a positive number, not %q", p.ID)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.makePerson(p, id)
	return nil
}

func (t *Telegram) makePerson(p TelegramPerson, id int64) *tgPerson {
	user := tgUser{
		ID: id, FirstName: cmp.Or(p.Name, "Person "+strconv.FormatInt(id, 10)),
		Username: strings.TrimPrefix(p.Username, "@"), LanguageCode: p.Language,
	}
	t.people[id] = &tgPerson{user: user}
	return t.people[id]
}

// personByID returns the person, made if need be; nil when the id is none.
func (t *Telegram) personByID(s string) *tgPerson {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return nil
	}
	if p := t.people[id]; p != nil {
		return p
	}
	return t.makePerson(TelegramPerson{}, id)
}

// Start has a person press Start in the conversation with a bot, which says
// "/start", or "/start payload" where a link brought the payload.
func (t *Telegram) Start(person, payload string) (message string, err error) {
	return t.Say(person, person, strings.TrimSpace("/start "+payload), Saying{})
}

// Say has a person type a message, and returns its id. In a conversation the
// first message starts the bot, and unblocks it.
func (t *Telegram) Say(chat, person, text string, how Saying) (message string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, p, err := t.meet(chat, person)
	if err != nil {
		return "", err
	}
	if how.Name != "" {
		p.user.FirstName = how.Name
	}
	post := &tgPost{tgMessage: tgMessage{Text: text, Entities: findCommands(text)}, raw: text, at: how.At}
	if how.Sticker {
		post.tgMessage = tgMessage{Sticker: &tgSticker{ID: "sticker", Emoji: text}}
	}
	if err := t.place(c, post, how); err != nil {
		return "", err
	}
	t.sign(c, p, post, how)
	t.add(c, post)
	t.publish(c, post, false)
	return strconv.FormatInt(post.ID, 10), nil
}

// meet returns the chat and the person, who thereby becomes a member of it.
func (t *Telegram) meet(chat, person string) (*tgChat, *tgPerson, error) {
	p := t.personByID(person)
	if p == nil {
		return nil, nil, fmt.Errorf("sim: %q is no id of a Telegram person", person)
	}
	bot, conversation := t.botOf(chat, person)
	if conversation {
		if bot == nil {
			return nil, nil, errors.New("sim: there is no such bot to talk to")
		}
		t.setBlocked(p, false)
		return t.conversation(bot, p.user.ID, true), p, nil
	}
	c, err := t.named(chat)
	if err != nil {
		return nil, nil, err
	}
	if c.owner != nil || c.movedTo != 0 {
		return nil, nil, fmt.Errorf("sim: %s cannot write into %s", person, chat)
	}
	c.members[p.user.ID] = true
	return c, p, nil
}

// botOf returns the bot that the person talks to in this chat, if the chat is
// a conversation.
func (t *Telegram) botOf(chat, person string) (bot *tgBot, conversation bool) {
	if id, who, ok := strings.Cut(chat, "/"); ok && who == person {
		return t.botByID(id), true
	}
	if chat == person && len(t.bots) > 0 {
		return t.bots[0], true
	}
	return nil, chat == person
}

// place puts a person's message into its topic and under the one it answers.
func (t *Telegram) place(c *tgChat, post *tgPost, how Saying) error {
	if how.Thread != "" {
		post.Thread, _ = strconv.ParseInt(how.Thread, 10, 64)
		if c.topics[post.Thread] == nil {
			return fmt.Errorf("sim: no topic %s in chat %s", how.Thread, c.key())
		}
	}
	if how.ReplyTo != "" {
		post.replyTo, _ = strconv.ParseInt(how.ReplyTo, 10, 64)
		if c.post(post.replyTo) == nil {
			return fmt.Errorf("sim: no message %s in chat %s", how.ReplyTo, c.key())
		}
	}
	return nil
}

// sign names the sender of a person's message as the API does.
func (t *Telegram) sign(c *tgChat, p *tgPerson, post *tgPost, how Saying) {
	user, info := p.user, c.info
	switch {
	case c.info.Type == "channel":
		post.SenderChat = &info
	case how.Anonymous:
		post.From, post.SenderChat = tgAnonymous(), &info
	default:
		post.From = &user
	}
	if how.Forwarded {
		stranger := tgUser{ID: 777, FirstName: "Somebody else"}
		date := t.Clock().Add(-time.Hour).Unix()
		post.ForwardOrigin = &tgOrigin{Type: "user", Date: date, SenderUser: &stranger}
		post.ForwardFrom, post.ForwardDate = &stranger, date
	}
}

// Edit has the author of a message change it.
func (t *Telegram) Edit(chat, message, text string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, p, err := t.message(chat, message)
	if err != nil {
		return err
	}
	if p.by != nil || p.service {
		return fmt.Errorf("sim: message %s was not written by a person", message)
	}
	p.Text, p.raw, p.Entities = text, text, findCommands(text)
	p.touch(t.Clock())
	notify(t.changed)
	t.publish(c, p, true)
	return nil
}

// message returns the message that a person or a test means.
func (t *Telegram) message(chat, message string) (*tgChat, *tgPost, error) {
	c, err := t.named(chat)
	if err != nil {
		return nil, nil, err
	}
	id, _ := strconv.ParseInt(message, 10, 64)
	if p := c.post(id); p != nil {
		return c, p, nil
	}
	return nil, nil, fmt.Errorf("sim: no message %q in chat %s", message, chat)
}

// Press has a person press the button with this data under a bot's message.
// It returns the id of the callback query, for [Telegram.Answered].
func (t *Telegram) Press(chat, message, person, data string) (query string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, post, err := t.message(chat, message)
	if err != nil {
		return "", err
	}
	p := t.personByID(person)
	if p == nil {
		return "", fmt.Errorf("sim: %q is no id of a Telegram person", person)
	}
	if post.by == nil || !post.Markup.has(data) {
		return "", fmt.Errorf("sim: message %s has no button %q", message, data)
	}
	t.presses++
	query = strconv.FormatInt(4000000000000000000+int64(t.presses), 10)
	t.callbacks[query] = &tgPress{bot: post.by, at: t.Clock()}
	t.push(post.by, tgUpdate{kind: "callback_query", Callback: &tgCallback{
		ID: query, From: p.user, Message: c.wire(post), ChatInstance: c.key(), Data: data,
	}})
	notify(t.changed)
	return query, nil
}

func (m *tgMarkup) has(data string) bool {
	return m != nil && slices.ContainsFunc(m.Rows, func(row []tgButton) bool {
		return slices.ContainsFunc(row, func(b tgButton) bool { return b.Data == data && b.URL == "" })
	})
}

// Join has a person enter a group.
func (t *Telegram) Join(chat, person string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, p, err := t.meet(chat, person)
	if err != nil {
		return err
	}
	if c.info.Type != "group" && c.info.Type != "supergroup" {
		return nil // a subscriber of a channel is not announced
	}
	user := p.user
	post := t.add(c, &tgPost{tgMessage: tgMessage{From: &user, NewMembers: []tgUser{user}}, service: true})
	t.publish(c, post, false)
	return nil
}

// SetAdmin makes a person an administrator of a channel or group, or a member
// like others.
func (t *Telegram) SetAdmin(chat, person string, admin bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, p, err := t.meet(chat, person)
	if err != nil {
		return err
	}
	if c.owner != nil {
		return fmt.Errorf("sim: %s is a conversation", chat)
	}
	if delete(c.admins, p.user.ID); admin {
		c.admins[p.user.ID] = true
	}
	return nil
}

// Block has a person block all bots.
func (t *Telegram) Block(person string) error { return t.setPerson(person, t.block) }

func (t *Telegram) block(p *tgPerson) { t.setBlocked(p, true) }

// Deactivate deletes a person's account.
func (t *Telegram) Deactivate(person string) error {
	return t.setPerson(person, func(p *tgPerson) { p.deactivated = true })
}

func (t *Telegram) setPerson(id string, set func(*tgPerson)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.personByID(id)
	if p == nil {
		return fmt.Errorf("sim: %q is no id of a Telegram person", id)
	}
	set(p)
	notify(t.changed)
	return nil
}

// setBlocked tells the bots that the person talked with.
func (t *Telegram) setBlocked(p *tgPerson, blocked bool) {
	if p.blocked == blocked {
		return
	}
	p.blocked = blocked
	before, after := "kicked", "member"
	if blocked {
		before, after = after, before
	}
	for _, b := range t.bots {
		if c := b.private[p.user.ID]; c != nil {
			t.tellMembership(b, c, p.user, Membership{Status: before}, Membership{Status: after})
		}
	}
}

// SetBot changes what bots are in a channel or group, and tells them.
func (t *Telegram) SetBot(chat string, m Membership) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.named(chat)
	if err != nil {
		return err
	}
	if c.owner != nil {
		return fmt.Errorf("sim: %s is a conversation", chat)
	}
	before := c.bots
	c.bots = m
	admin := tgUser{ID: 1, FirstName: "Owner"}
	for _, b := range t.bots {
		t.tellMembership(b, c, admin, before, m)
	}
	notify(t.changed)
	return nil
}

// Kick removes the bots from a channel or group.
func (t *Telegram) Kick(chat string) error { return t.SetBot(chat, Membership{Status: "kicked"}) }

func (t *Telegram) tellMembership(b *tgBot, c *tgChat, from tgUser, before, after Membership) {
	t.push(b, tgUpdate{kind: "my_chat_member", MyChatMember: &tgMemberChange{
		Chat: c.info, From: from, Date: t.Clock().Unix(),
		Old: before.wire(b.user, c), New: after.wire(b.user, c),
	}})
}

// Migrate upgrades a group to a supergroup and returns the new id, under
// which bots find it from now on.
func (t *Telegram) Migrate(chat string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.named(chat)
	if err != nil {
		return "", err
	}
	if c.info.Type != "group" || c.movedTo != 0 {
		return "", fmt.Errorf("sim: %s is no basic group", chat)
	}
	t.lastChat--
	super := t.makeChat(t.lastChat, "supergroup", "")
	super.info.Title, super.bots, super.admins, super.members = c.info.Title, c.bots, c.admins, c.members
	for _, b := range t.bots { // which are said to join it, and not to leave the other: tdlib/telegram-bot-api#266
		t.tellMembership(b, super, tgUser{ID: 1, FirstName: "Owner"}, Membership{Status: "left"}, super.bots)
	}
	t.publish(c, t.add(c, &tgPost{tgMessage: tgMessage{MigrateTo: super.info.ID}, service: true}), false)
	c.movedTo = super.info.ID
	t.publish(super, t.add(super, &tgPost{tgMessage: tgMessage{MigrateFrom: c.info.ID}, service: true}), false)
	return super.key(), nil
}
