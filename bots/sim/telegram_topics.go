package sim

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

// tgTopicState is a topic of a forum; its id is that of the service message
// that announces it.
type tgTopicState struct {
	name   string
	closed bool
}

// createForumTopic opens a topic. Its name has 1 to 128 characters.
func (c *tgCall) createForumTopic() (any, error) {
	chat, err := c.forum()
	if err != nil {
		return nil, err
	}
	name := cleanText(c.p["name"])
	if name == "" {
		return nil, tgBad("TOPIC_TITLE_EMPTY")
	}
	if utf8.RuneCountInString(name) > 128 {
		return nil, tgBad("TOPIC_TITLE_TOO_LONG")
	}
	const blue = 7322096 // the first of the allowed colours
	topic := tgTopic{Name: name, Color: blue}
	from := c.bot.user
	post := c.add(chat, &tgPost{tgMessage: tgMessage{From: &from, TopicCreated: &topic}, service: true})
	post.Thread, post.IsTopic = post.ID, true
	chat.topics[post.ID] = &tgTopicState{name: name}
	return tgTopic{Thread: post.ID, Name: name, Color: blue}, nil
}

// forum returns the forum of a call whose topics the bot may manage.
func (c *tgCall) forum() (*tgChat, error) {
	chat, err := c.target()
	switch {
	case err != nil:
		return nil, err
	case !chat.info.IsForum:
		return nil, tgBad("the chat is not a forum")
	case !chat.can("can_manage_topics"):
		return nil, tgBad("not enough rights to create a topic")
	}
	return chat, nil
}

func (c *tgCall) topic() (*tgChat, int64, error) {
	chat, err := c.forum()
	if err != nil {
		return nil, 0, err
	}
	id := c.p.integer("message_thread_id")
	if chat.topics[id] == nil {
		return nil, 0, tgBad("TOPIC_ID_INVALID")
	}
	return chat, id, nil
}

func (c *tgCall) editForumTopic() (any, error) {
	chat, id, err := c.topic()
	if err != nil {
		return nil, err
	}
	name := cleanText(c.p["name"])
	if name == "" || name == chat.topics[id].name {
		return nil, tgBad("TOPIC_NOT_MODIFIED")
	}
	chat.topics[id].name = name
	c.announce(chat, id, tgMessage{TopicEdited: &tgTopic{Name: name}})
	return true, nil
}

func (c *tgCall) closeForumTopic() (any, error) {
	return c.setClosed(true, tgMessage{TopicClosed: &struct{}{}})
}

func (c *tgCall) reopenForumTopic() (any, error) {
	return c.setClosed(false, tgMessage{TopicOpened: &struct{}{}})
}

func (c *tgCall) setClosed(closed bool, news tgMessage) (any, error) {
	chat, id, err := c.topic()
	if err != nil {
		return nil, err
	}
	if chat.topics[id].closed == closed {
		return nil, tgBad("TOPIC_NOT_MODIFIED")
	}
	chat.topics[id].closed = closed
	c.announce(chat, id, news)
	return true, nil
}

// announce adds a service message by the bot to a topic.
func (c *tgCall) announce(chat *tgChat, topic int64, news tgMessage) {
	from := c.bot.user
	news.From, news.Thread = &from, topic
	c.add(chat, &tgPost{tgMessage: news, service: true})
}

// SetForum turns topics of a supergroup on or off.
func (t *Telegram) SetForum(chat string, on bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.named(chat)
	if err != nil {
		return err
	}
	if c.info.Type != "supergroup" {
		return fmt.Errorf("sim: %s is no supergroup", chat)
	}
	c.info.IsForum = on
	notify(t.changed)
	return nil
}

// AddTopic opens a topic in a forum, as an administrator does, and returns its
// id.
func (t *Telegram) AddTopic(chat, name string) (topic string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.named(chat)
	if err != nil {
		return "", err
	}
	if !c.info.IsForum {
		return "", fmt.Errorf("sim: %s is no forum", chat)
	}
	post := t.add(c, &tgPost{tgMessage: tgMessage{TopicCreated: &tgTopic{Name: name}}, service: true})
	post.Thread, post.IsTopic = post.ID, true
	c.topics[post.ID] = &tgTopicState{name: name}
	t.publish(c, post, false)
	return strconv.FormatInt(post.ID, 10), nil
}

// DeleteTopic removes a topic with all that was said in it.
func (t *Telegram) DeleteTopic(chat, topic string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, err := t.named(chat)
	if err != nil {
		return err
	}
	id, _ := strconv.ParseInt(topic, 10, 64)
	if c.topics[id] == nil {
		return fmt.Errorf("sim: no topic %s in chat %s", topic, chat)
	}
	delete(c.topics, id)
	for _, p := range c.posts {
		if p.Thread == id {
			p.deleted = true
		}
	}
	notify(t.changed)
	return nil
}
