package sim

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A pagePlace is a place that a feed shows.
type pagePlace struct{ key, name string }

// places are the channels and groups of this name, or all but the room.
// Conversations with a bot are private.
func (t *Telegram) places(name string, room Room) []pagePlace {
	t.mu.Lock()
	defer t.mu.Unlock()
	var places []pagePlace
	for _, c := range t.matching(name) {
		isRoom := room.Platform == "telegram" && t.isNamed(c, room.Chat)
		if c.owner != nil || name == "" && isRoom {
			continue
		}
		places = append(places, pagePlace{c.key(), c.info.Title})
	}
	return places
}

// botName is what a bot is called.
func (t *Telegram) botName(id string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if b := t.botByID(id); b != nil {
		return "@" + b.user.Username
	}
	return "a bot that does not exist"
}

// chatNames is how links name a chat ("t.me/name/…", "t.me/c/id/…"), and its
// topics by id.
func (t *Telegram) chatNames(key string) (names []string, topics map[string]string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	topics = make(map[string]string)
	for _, c := range t.matching(key) {
		names = append(names, strings.TrimPrefix(c.key(), "-100"))
		if c.info.Username != "" {
			names = append(names, c.info.Username)
		}
		for id, topic := range c.topics {
			topics[strconv.FormatInt(id, 10)] = topic.name
		}
	}
	return names, topics
}

// pressAnswers is what people were shown after the latest presses of buttons.
func (t *Telegram) pressAnswers() map[string]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	answers := make(map[string]string)
	for id, press := range t.callbacks {
		if press.answered && press.text != "" && t.Clock().Sub(press.at) < tgAnswerTime {
			answers[id] = press.text
		}
	}
	return answers
}

// places are the channel with this id, or all but the room.
func (d *Discord) places(id string, room Room) []pagePlace {
	d.mu.Lock()
	defer d.mu.Unlock()
	var places []pagePlace
	for _, c := range d.channels {
		isRoom := room.Platform == "discord" && c.id == room.Chat
		if c.isThread() || c.recipient != nil || id != "" && c.id != id || id == "" && isRoom {
			continue
		}
		places = append(places, pagePlace{c.id, "#" + c.name})
	}
	slices.SortFunc(places, func(a, b pagePlace) int { return cmp.Compare(a.key, b.key) })
	return places
}

func (d *Discord) threadNames(places []pagePlace) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	names := make(map[string]string)
	for _, c := range d.channels {
		if slices.ContainsFunc(places, func(p pagePlace) bool { return p.key == c.parent }) {
			names[c.id] = c.name
		}
	}
	return names
}

// pressAnswers is what only the presser of a button saw, for the latest presses.
func (d *Discord) pressAnswers() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	answers := make(map[string]string)
	for _, in := range d.interactions {
		if in.kind != interactionComponent || time.Since(in.at) > tgAnswerTime {
			continue
		}
		for _, m := range in.messages {
			if m.ephemeral != "" && !m.deleted {
				answers[in.id] = discordPlain(m.content, d.nameOf)
			}
		}
	}
	return answers
}
