package discord

import (
	"context"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// discordEpoch is where the time in a snowflake starts, in milliseconds of
// Unix time (Reference, "Snowflakes").
const discordEpoch = 1420070400000

// clockSkew is how far our clock may be ahead of Discord's for [Bot.Find].
const clockSkew = time.Minute

// Find looks for the post among the first hundred messages after since: ours,
// with the same text. Where the nonce is repeated, it decides.
func (b *Bot) Find(ctx context.Context, op bots.Operation, since time.Time) (bots.Receipt, bool, error) {
	if op.Action != bots.Post {
		return bots.Receipt{}, false, reject("only posts can be looked for")
	}
	if f := check(op); f != nil {
		return bots.Receipt{}, false, f
	}
	path := "/channels/" + place(op) + "/messages?limit=100&after=" + snowflake(since.Add(-clockSkew))
	ex, done := b.send(ctx, call{method: "GET", path: path})
	defer done()
	if f := fault(ex, op); f != nil {
		return bots.Receipt{}, false, f
	}
	var list []published
	if f := decode(ex, &list); f != nil {
		return bots.Receipt{}, false, f
	}
	r := bots.Receipt{}
	r.Remaining, r.Reset = limit(ex.Header, time.Now())
	for _, m := range list {
		if isID(m.ID) && b.isOurs(m) && isPost(m, op) {
			r.ID, r.URL = m.ID, b.link(place(op), m.ID)
			return r, true, nil
		}
	}
	return bots.Receipt{}, false, nil
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
