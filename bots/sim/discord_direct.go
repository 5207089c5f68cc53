package sim

import "slices"

const discordDirect = 1 // the kind of channel that a conversation is

// openDirect opens the conversation with a person, or finds it (Resources,
// User, "Create DM").
func (d *Discord) openDirect(c *discordCall) discordAnswer {
	var p struct {
		Recipient string `json:"recipient_id"`
	}
	if a, ok := c.decode(&p); !ok {
		return a
	}
	to := d.users[p.Recipient]
	if to == nil || to.Bot {
		return discordKnown(50033)
	}
	for _, ch := range d.channels {
		if ch.recipient == to && ch.owner == c.me.ID {
			return discordOK(d.channelJSON(ch))
		}
	}
	ch := &discordChannel{id: d.ids.next(), kind: discordDirect, recipient: to, owner: c.me.ID, denied: map[string]bool{}}
	d.channels[ch.id] = ch
	return discordOK(d.channelJSON(ch))
}

// RefuseDirect lets a person take no messages from bots, or take them again.
func (d *Discord) RefuseDirect(person string, refuse bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.person(person).closed = refuse
}

// isDirect reports whether the channel is a conversation.
func (d *Discord) isDirect(channel string) bool {
	ch := d.channels[channel]
	return ch != nil && ch.recipient != nil
}

// sees reports whether the bot of a session is in the channel: it is in those
// of the server, and in its own conversations.
func (s *discordSession) sees(ch *discordChannel) bool {
	return ch == nil || ch.recipient == nil || ch.owner == s.bot.ID
}

// place is where an interaction was made and by whom: a member of the server,
// or a user in a conversation.
func (d *Discord) place(in *discordInteraction, ch *discordChannel) map[string]any {
	const all = "9007199254740991"
	v := map[string]any{"channel_id": ch.id, "channel": d.channelJSON(ch), "app_permissions": all}
	who := d.person(in.person)
	if ch.recipient != nil {
		v["context"], v["user"] = 1, who
		return v
	}
	v["context"], v["guild_id"], v["guild_locale"] = 0, d.Guild, "en-US"
	v["member"] = map[string]any{
		"user": who, "permissions": all, "roles": []any{}, "nick": nil, "joined_at": discordTime(in.at), "deaf": false, "mute": false,
	}
	return v
}

// may reports whether a person is in the channel.
func (ch *discordChannel) may(person string) bool {
	return ch.recipient == nil || slices.Contains([]string{ch.recipient.ID, ch.owner}, person)
}
