package sim

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// crosspost publishes a message of an announcement channel to the servers that
// follow it.
func (d *Discord) crosspost(c *discordCall) discordAnswer {
	m, refusal := d.message(c)
	if m == nil {
		return refusal
	}
	ch := d.channels[m.channel]
	switch {
	case ch.kind != DiscordAnnouncement:
		return discordKnown(50024)
	case m.author == c.me && d.denied(ch, "SEND_MESSAGES"), m.author != c.me && d.denied(ch, "MANAGE_MESSAGES"):
		return discordKnown(50013)
	case m.flags&discordCrossposted != 0:
		return discordKnown(40033)
	}
	m.flags |= discordCrossposted
	d.dispatch("MESSAGE_UPDATE", d.messageJSON(m))
	return discordOK(d.messageJSON(m))
}

func (d *Discord) pin(c *discordCall) discordAnswer   { return d.setPinned(c, true) }
func (d *Discord) unpin(c *discordCall) discordAnswer { return d.setPinned(c, false) }

func (d *Discord) setPinned(c *discordCall, pinned bool) discordAnswer {
	m, refusal := d.message(c)
	if m == nil {
		return refusal
	}
	if d.denied(d.channels[m.channel], "PIN_MESSAGES") {
		return discordKnown(50013)
	}
	m.pinned = pinned
	d.dispatch("CHANNEL_PINS_UPDATE", map[string]any{"guild_id": d.Guild, "channel_id": m.channel})
	return discordNoContent()
}

// startThread opens the thread of a message; their ids are the same.
func (d *Discord) startThread(c *discordCall) discordAnswer {
	m, refusal := d.message(c)
	if m == nil {
		return refusal
	}
	var p struct {
		Name         string `json:"name"`
		ArchiveAfter *int   `json:"auto_archive_duration"`
	}
	if a, ok := c.decode(&p); !ok {
		return a
	}
	ch := d.channels[m.channel]
	archive := 4320
	if p.ArchiveAfter != nil {
		archive = *p.ArchiveAfter
	}
	p.Name = strings.TrimSpace(p.Name)
	switch n := utf8.RuneCountInString(p.Name); {
	case n < 1 || n > 100:
		return discordInvalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", "name")
	case !slices.Contains([]int{60, 1440, 4320, 10080}, archive):
		return discordInvalid("BASE_TYPE_CHOICES", "Value must be one of {60, 1440, 4320, 10080}.", "auto_archive_duration")
	case ch.isThread():
		return discordKnown(50024)
	case d.denied(ch, "CREATE_PUBLIC_THREADS"):
		return discordKnown(50013)
	case d.channels[m.id] != nil:
		return discordKnown(160004)
	}
	kind := discordThread
	if ch.kind == DiscordAnnouncement {
		kind = discordNewsThread
	}
	t := &discordChannel{id: m.id, name: p.Name, kind: kind, parent: ch.id, archiveAfter: archive, owner: c.me.ID, denied: map[string]bool{}}
	d.channels[t.id] = t
	m.flags |= discordHasThread
	d.dispatch("THREAD_CREATE", d.channelJSON(t))
	return discordAnswer{http.StatusCreated, d.channelJSON(t)}
}
