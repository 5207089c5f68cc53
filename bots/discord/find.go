package discord

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/bwmarrin/discordgo"

	"github.com/allclear-hq/allclear/bots"
)

// discordEpoch is where the time in a snowflake starts, in milliseconds of
// Unix time (Reference, "Snowflakes").
const discordEpoch = 1420070400000

// clockSkew is how far our clock may be ahead of Discord's for [Bot.Find].
const clockSkew = time.Minute

// Bounds of a search.
const (
	pageSize  = 100              // messages in one answer, the most there are
	pages     = 20               // that are read at most
	findUntil = 10 * time.Minute // after since a post would have been made, however slow the way
)

// Find looks for the post among the messages after since: ours, with the same
// text. Where the nonce is repeated, it decides. People may have talked a lot
// meanwhile, so it reads on, a page for each request.
func (b *Bot) Find(ctx context.Context, op bots.Operation, since time.Time) (bots.Receipt, bool, error) {
	if op.Action != bots.Post {
		return bots.Receipt{}, false, reject("only posts can be looked for")
	}
	if f := check(op); f != nil {
		return bots.Receipt{}, false, f
	}
	after := snowflake(since.Add(-clockSkew))
	for page := range pages {
		list, r, f := b.messages(ctx, op, place(op), fmt.Sprintf("limit=%d&after=%s", pageSize, after))
		if f != nil {
			return bots.Receipt{}, false, f
		}
		for _, m := range list {
			if isID(m.ID) && b.isOurs(m) && isPost(m, op) {
				r.ID, r.URL = m.ID, b.link(place(op), m.ID)
				return r, true, nil
			}
			after = newest(after, m.ID)
		}
		switch {
		case len(list) == 0 && page == 0:
			return bots.Receipt{}, false, b.mayRead(ctx, op)
		case len(list) < pageSize || timeOf(after).After(since.Add(findUntil)):
			return bots.Receipt{}, false, nil
		}
	}
	return bots.Receipt{}, false, &bots.Fault{Kind: bots.Temporary, Detail: "there are more messages since then than can be looked through"}
}

// mayRead tells an empty channel from one whose history is hidden from us:
// both answer with an empty list ("Get Channel Messages"). The channel that a
// thread belongs to has at least the message that the thread hangs on.
func (b *Bot) mayRead(ctx context.Context, op bots.Operation) error {
	list, _, f := b.messages(ctx, op, op.Target, "limit=1")
	switch {
	case f != nil:
		return f
	case len(list) > 0 || b.grantsHistory(ctx, op.Target):
		return nil
	}
	return &bots.Fault{Kind: bots.Temporary, Detail: "the channel shows no messages at all: give the bot the permission Read Message History"}
}

// grantsHistory reports whether we are known to have the permission to read what was
// said in a channel, so that it shows no messages because there are none.
func (b *Bot) grantsHistory(ctx context.Context, target string) bool {
	var me user
	if b.get(ctx, "/users/@me", &me) != nil || !isID(me.ID) {
		return false
	}
	c := checker{bot: b, me: me.ID}
	ch, f := c.channel(ctx, target)
	if f != nil || ch.Guild == "" {
		return false
	}
	s := c.ask(ctx, ch.Guild)
	const reads = discordgo.PermissionViewChannel | discordgo.PermissionReadMessageHistory
	return s.problem == "" && !s.unknown && permissions(c.me, s.server, s.member, ch)&reads == reads
}

// messages reads a page of a channel.
func (b *Bot) messages(ctx context.Context, op bots.Operation, channel, query string) ([]published, bots.Receipt, *bots.Fault) {
	ex, done := b.send(ctx, call{method: "GET", path: "/channels/" + channel + "/messages?" + query})
	defer done()
	if f := fault(ex, op); f != nil {
		return nil, bots.Receipt{}, f
	}
	var list []published
	if f := decode(ex, &list); f != nil {
		return nil, bots.Receipt{}, f
	}
	if list == nil { // null is no list, not even an empty one
		return nil, bots.Receipt{}, unreadable(ex)
	}
	r := bots.Receipt{}
	r.Remaining, r.Reset = limit(ex.Header, time.Now())
	return list, r, nil
}

// newest is the later of two ids.
func newest(a, b string) string {
	if timeOf(b).After(timeOf(a)) || len(b) == len(a) && b > a {
		return b
	}
	return a
}

// isOurs reports whether we wrote m. While our user id is not known (the
// token does not tell, and nothing was posted yet), any bot may be us: the
// text, with its reference and time, still has to be the same.
func (b *Bot) isOurs(m published) bool {
	if self := b.self.Load().(string); self != "" {
		return m.Author.ID == self
	}
	return m.Author.Bot && m.WebhookID == ""
}

func isPost(m published, op bots.Operation) bool {
	if m.Nonce != "" && op.Nonce != "" {
		return string(m.Nonce) == op.Nonce
	}
	return m.Content == content(op.Text)
}

// snowflake is the smallest id that a message of time t can have.
func snowflake(t time.Time) string {
	return strconv.FormatInt(max(0, t.UnixMilli()-discordEpoch)<<22, 10)
}

// timeOf is when the message, interaction or channel with this id was made.
func timeOf(id string) time.Time {
	n, err := strconv.ParseUint(id, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(int64(n>>22) + discordEpoch)
}
