package discord

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// pinMessages is the permission PIN_MESSAGES, younger than the library
// (Topics, "Permissions").
const pinMessages = 1 << 51

// needs are the permissions that our actions ask for, as the clients call
// them.
func needs() []need {
	return []need{
		{discordgo.PermissionViewChannel, "View Channel", "everything"},
		{discordgo.PermissionSendMessages, "Send Messages", "posts"},
		{discordgo.PermissionReadMessageHistory, "Read Message History", "replies and finding unsure posts"},
		{discordgo.PermissionCreatePublicThreads, "Create Public Threads", "threads"},
		{discordgo.PermissionSendMessagesInThreads, "Send Messages in Threads", "threads"},
		{pinMessages, "Pin Messages", "pins"},
	}
}

type need struct {
	bit     int64
	name    string
	purpose string
}

// The answers that permissions are computed from.
type (
	user struct {
		ID       string `json:"id"`
		Username string `json:"username"`
	}
	channel struct {
		ID         string      `json:"id"`
		Type       int         `json:"type"`
		Guild      string      `json:"guild_id"`
		Parent     string      `json:"parent_id"`
		Overwrites []overwrite `json:"permission_overwrites"`
	}
	overwrite struct {
		ID    string `json:"id"` // of a role or a member
		Allow bits   `json:"allow"`
		Deny  bits   `json:"deny"`
	}
	server struct {
		ID    string `json:"id"`
		Owner string `json:"owner_id"`
		Roles []role `json:"roles"`
	}
	role struct {
		ID          string `json:"id"`
		Permissions bits   `json:"permissions"`
	}
	member struct {
		Roles []string `json:"roles"`
	}
)

// bits is a set of permissions, which Discord writes as a decimal string.
type bits int64

func (b *bits) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	*b = bits(n)
	return err
}

// Check asks Discord who we are and what we may do in each channel.
func (b *Bot) Check(ctx context.Context, targets []string) (account string, problems map[string]string, err error) {
	var me user
	if f := b.get(ctx, "/users/@me", &me); f != nil {
		return "", nil, f
	}
	if !isID(me.ID) {
		return "", nil, &bots.Fault{Kind: bots.Temporary, Detail: "the answer is not what Discord documents"}
	}
	b.self.Store(me.ID)
	c := checker{bot: b, me: me.ID, standing: map[string]standing{}}
	problems = map[string]string{}
	for _, target := range targets {
		problems[target] = c.problem(ctx, target)
	}
	return fmt.Sprintf("%s (bot %s)", bots.OneLine(me.Username), me.ID), problems, nil
}

// checker asks about each server once.
type checker struct {
	bot      *Bot
	me       string
	standing map[string]standing // by server
}

// standing is what we are in a server.
type standing struct {
	server  server
	member  member
	problem string
	unknown bool // the other side does not tell: a simulator, an old proxy
}

func (c *checker) problem(ctx context.Context, target string) string {
	if !isID(target) {
		return "is not the id of a channel"
	}
	ch, f := c.channel(ctx, target)
	if f != nil {
		return f.Error()
	}
	if c.bot.guild != "" && ch.Guild != c.bot.guild {
		return "is in server " + ch.Guild + ", not in the configured " + c.bot.guild
	}
	if ch.Guild == "" {
		return "" // a private conversation has no permissions
	}
	s, ok := c.standing[ch.Guild]
	if !ok {
		s = c.ask(ctx, ch.Guild)
		c.standing[ch.Guild] = s
	}
	switch {
	case s.problem != "":
		return s.problem
	case s.unknown:
		return ""
	}
	return lacks(permissions(c.me, s.server, s.member, ch))
}

// channel fetches a channel, or for a thread the channel that it is in, whose
// permissions it has.
func (c *checker) channel(ctx context.Context, id string) (channel, *bots.Fault) {
	var ch channel
	f := c.bot.get(ctx, "/channels/"+id, &ch)
	if f == nil && isThread(ch.Type) && isID(ch.Parent) {
		f = c.bot.get(ctx, "/channels/"+ch.Parent, &ch)
	}
	return ch, f
}

// isThread reports whether a channel's type is that of a thread (Resources,
// "Channel Types").
func isThread(kind int) bool { return kind >= 10 && kind <= 12 }

func (c *checker) ask(ctx context.Context, guild string) standing {
	var s standing
	f := c.bot.get(ctx, "/guilds/"+guild, &s.server)
	if f == nil {
		f = c.bot.get(ctx, "/guilds/"+guild+"/members/"+c.me, &s.member)
	}
	switch {
	case f == nil:
	case f.Code == "404": // no code of Discord's: there is no such route
		s.unknown = true
	default:
		s.problem = f.Error()
	}
	return s
}

// permissions computes what a member may do in a channel (Topics,
// "Permission Overwrites").
func permissions(me string, s server, m member, ch channel) int64 {
	if s.Owner == me {
		return -1
	}
	mine := map[string]bool{s.ID: true} // the role @everyone has the server's id
	for _, id := range m.Roles {
		mine[id] = true
	}
	var base bits
	for _, r := range s.Roles {
		if mine[r.ID] {
			base |= r.Permissions
		}
	}
	if base&discordgo.PermissionAdministrator != 0 {
		return -1
	}
	var everyone, roles, self overwrite
	for _, o := range ch.Overwrites {
		switch {
		case o.ID == s.ID:
			everyone = o
		case o.ID == me:
			self = o
		case mine[o.ID]:
			roles.Allow |= o.Allow
			roles.Deny |= o.Deny
		}
	}
	for _, o := range []overwrite{everyone, roles, self} {
		base = base&^o.Deny | o.Allow
	}
	return int64(base)
}

// lacks says which permissions are missing, or nothing.
func lacks(have int64) string {
	var missing []string
	for _, n := range needs() {
		if have&n.bit == 0 {
			missing = append(missing, n.name+" (for "+n.purpose+")")
		}
	}
	if missing == nil {
		return ""
	}
	return "missing permissions: " + strings.Join(missing, ", ")
}
