package sim

import (
	"reflect"
	"time"
)

const (
	tgNotModified = "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message"

	tgDeleteWithin = 48 * time.Hour // sendMessage may be undone so long
)

// touch notes a change of text.
func (p *tgPost) touch(now time.Time) {
	p.edits++
	p.edited, p.EditDate = now, now.Unix()
}

func (c *tgCall) editMessageText() (any, error) {
	chat, post, err := c.editable()
	if err != nil {
		return nil, err
	}
	text, entities, err := c.text()
	if err != nil {
		return nil, err
	}
	markup, err := c.markup()
	if err != nil {
		return nil, err
	}
	if text == post.Text && reflect.DeepEqual(entities, post.Entities) && reflect.DeepEqual(markup, post.Markup) {
		return nil, tgBad(tgNotModified)
	}
	if err := c.countEdit(); err != nil {
		return nil, err
	}
	post.Text, post.Entities, post.Markup, post.raw = text, entities, markup, c.p["text"]
	return c.changedPost(chat, post)
}

// editMessageReplyMarkup replaces the buttons; without any it removes them.
func (c *tgCall) editMessageReplyMarkup() (any, error) {
	chat, post, err := c.editable()
	if err != nil {
		return nil, err
	}
	markup, err := c.markup()
	if err != nil {
		return nil, err
	}
	if reflect.DeepEqual(markup, post.Markup) {
		return nil, tgBad(tgNotModified)
	}
	if err := c.countEdit(); err != nil {
		return nil, err
	}
	post.Markup = markup
	return c.changedPost(chat, post)
}

func (c *tgCall) changedPost(chat *tgChat, post *tgPost) (any, error) {
	post.touch(c.Clock())
	notify(c.changed)
	return chat.wire(post), nil
}

func (c *tgCall) countEdit() error {
	now := c.Clock()
	if err := c.paceAccount(now); err != nil {
		return err
	}
	c.countAccount(now)
	return nil
}

// editable returns the message that a call edits: one of the bot's own, or any
// in a channel where it may edit.
func (c *tgCall) editable() (*tgChat, *tgPost, error) {
	chat, post, err := c.message("edit")
	if err != nil {
		return nil, nil, err
	}
	others := chat.info.Type == "channel" && chat.can("can_edit_messages")
	if post.service || post.ForwardOrigin != nil || post.by != c.bot && !others {
		return nil, nil, tgBad("message can't be edited")
	}
	return chat, post, nil
}

// message returns the message that a call is about; what names what is to be
// done with it.
func (c *tgCall) message(what string) (*tgChat, *tgPost, error) {
	chat, err := c.target()
	if err != nil {
		return nil, nil, err
	}
	id := c.p.integer("message_id")
	if id == 0 {
		return nil, nil, tgBad("message identifier is not specified")
	}
	post := chat.post(id)
	if post == nil {
		return nil, nil, tgBad("message to %s not found", what)
	}
	return chat, post, nil
}

func (c *tgCall) deleteMessage() (any, error) {
	chat, post, err := c.message("delete")
	if err != nil {
		return nil, err
	}
	if err := c.mayDelete(chat, post); err != nil {
		return nil, err
	}
	post.deleted = true
	notify(c.changed)
	return true, nil
}

func (c *tgCall) deleteMessages() (any, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	ids, err := c.ids("message_ids")
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if post := chat.post(id); post != nil && c.mayDelete(chat, post) == nil {
			post.deleted = true
		}
	}
	notify(c.changed)
	return true, nil
}

// mayDelete applies the rules of deleteMessage in the Bot API's documentation.
func (c *tgCall) mayDelete(chat *tgChat, post *tgPost) error {
	own := post.by == c.bot
	switch {
	case c.Clock().Sub(post.at) > tgDeleteWithin:
		return tgBad("message can't be deleted for everyone")
	case chat.info.Type == "channel" && own && chat.can("can_post_messages"):
	case chat.info.Type != "channel" && own:
	case !chat.can("can_delete_messages"):
		return tgBad("message can't be deleted")
	}
	return nil
}

// pinChatMessage pins a message. The service message that says so takes an id.
func (c *tgCall) pinChatMessage() (any, error) {
	chat, post, err := c.message("pin")
	if err != nil {
		return nil, err
	}
	if err := mayPin(chat); err != nil {
		return nil, err
	}
	if post.pinned {
		return true, nil
	}
	post.pinned = true
	news := &tgPost{tgMessage: tgMessage{Pinned: chat.wire(post), Thread: post.Thread}, service: true}
	if info := chat.info; info.Type == "channel" {
		news.SenderChat = &info
	} else {
		from := c.bot.user
		news.From = &from
	}
	c.publish(chat, c.add(chat, news), false)
	return true, nil
}

// unpinChatMessage unpins a message, the newest pinned one where none is named.
func (c *tgCall) unpinChatMessage() (any, error) {
	chat, err := c.target()
	if err != nil {
		return nil, err
	}
	if err := mayPin(chat); err != nil {
		return nil, err
	}
	post := chat.post(c.p.integer("message_id"))
	for i := len(chat.posts) - 1; post == nil && c.p["message_id"] == "" && i >= 0; i-- {
		if chat.posts[i].pinned {
			post = chat.posts[i]
		}
	}
	if post == nil {
		return nil, tgBad("message to unpin not found")
	}
	post.pinned = false
	notify(c.changed)
	return true, nil
}

func mayPin(chat *tgChat) error {
	right := "can_pin_messages"
	if chat.info.Type == "channel" {
		right = "can_edit_messages"
	}
	if !chat.can(right) {
		return tgBad("not enough rights to manage pinned messages in the chat")
	}
	return nil
}
