package sim

import (
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// v1Update posts, as POST statuses/update of version 1.1 did.
func (x *X) v1Update(c *xCall) xAnswer {
	q := c.params()
	p := &xPost{author: c.me, text: q.Get("status"), replyTo: q.Get("in_reply_to_status_id")}
	if strings.TrimSpace(p.text) == "" {
		return xRefuseV1(403, 170, "Missing required parameter: status.")
	}
	if p.replyTo == "0" {
		p.replyTo = ""
	}
	switch x.publish(p) {
	case xRefusedLength:
		return xRefuseV1(403, 186, "Tweet needs to be a bit shorter.")
	case xRefusedDuplicate:
		return xRefuseV1(403, 187, "Status is a duplicate.")
	case xRefusedGone:
		return xRefuseV1(403, 385, xReplyGone)
	case xRefusedForeign:
		return xRefuseV1(403, 433, "The original Tweet author restricted who can reply to this Tweet.")
	case xRefusedCredits:
		return x.noCredits(c.me)
	}
	return xAnswer{200, p.v1JSON(x, q)}
}

// params are the parameters of query and form, which version 1.1 mixes.
func (c *xCall) params() url.Values {
	all := c.URL.Query()
	for name, values := range c.form {
		all[name] = append(all[name], values...)
	}
	return all
}

func (x *X) v1Destroy(c *xCall) xAnswer {
	p := x.byID[strings.TrimSuffix(c.PathValue("id"), ".json")]
	switch {
	case p == nil || p.deleted:
		return xRefuseV1(404, 144, "No status found with that ID.")
	case p.author != c.me:
		return xRefuseV1(403, 183, "You may not delete another user's status.")
	}
	p.deleted = true
	return xAnswer{200, p.v1JSON(x, c.params())}
}

func (x *X) v1Show(c *xCall) xAnswer {
	p := x.byID[c.URL.Query().Get("id")]
	if p == nil || p.deleted {
		return xRefuseV1(404, 144, "No status found with that ID.")
	}
	return xAnswer{200, p.v1JSON(x, c.URL.Query())}
}

func (x *X) v1Verify(c *xCall) xAnswer { return xAnswer{200, c.me.v1JSON()} }

func (x *X) v1Timeline(c *xCall) xAnswer {
	q := c.URL.Query()
	a := c.me
	if id := q.Get("user_id"); id != "" && id != "0" {
		a = x.accounts[id]
	} else if name := q.Get("screen_name"); name != "" {
		a = x.account(name)
	}
	if a == nil {
		return xRefuseV1(404, 34, "Sorry, that page does not exist.")
	}
	page := xPageRequest{since: q.Get("since_id"), limit: 20}
	if n, err := strconv.Atoi(q.Get("count")); err == nil && n > 0 {
		page.limit = min(n, 200)
	}
	if newest, err := strconv.ParseUint(q.Get("max_id"), 10, 64); err == nil {
		page.until = strconv.FormatUint(newest+1, 10) // max_id itself belongs to the page
	}
	if q.Get("exclude_replies") == "true" {
		page.exclude = []string{"replies"}
	}
	list := []any{}
	posts, _ := x.timeline(a, page)
	for _, p := range posts {
		list = append(list, p.v1JSON(x, q))
	}
	return xAnswer{200, list}
}

func (a *xAccount) v1JSON() map[string]any {
	n, _ := strconv.ParseInt(a.id, 10, 64)
	return map[string]any{"id": n, "id_str": a.id, "name": a.name, "screen_name": a.name, "protected": false, "verified": false}
}

// v1JSON is the post as version 1.1 shows it: cut to 140 characters unless
// the extended mode is asked for.
func (p *xPost) v1JSON(x *X, q url.Values) map[string]any {
	v := map[string]any{
		"id": p.v1Number(), "id_str": p.id, "created_at": p.at.UTC().Format(time.RubyDate), "truncated": false, "user": p.author.v1JSON(),
		"in_reply_to_status_id": nil, "in_reply_to_status_id_str": nil, "in_reply_to_user_id": nil, "in_reply_to_user_id_str": nil, "in_reply_to_screen_name": nil,
		"entities": map[string]any{"urls": p.v1Links(), "hashtags": []any{}, "symbols": []any{}, "user_mentions": []any{}},
	}
	if parent := x.byID[p.replyTo]; parent != nil {
		to, author := parent.v1Number(), parent.author.v1JSON()
		v["in_reply_to_status_id"], v["in_reply_to_status_id_str"] = to, parent.id
		v["in_reply_to_user_id"], v["in_reply_to_user_id_str"] = author["id"], author["id_str"]
		v["in_reply_to_screen_name"] = author["screen_name"]
	}
	text := p.shown()
	switch {
	case q.Get("tweet_mode") == "extended":
		v["full_text"] = text
	case utf8.RuneCountInString(text) > 140:
		v["text"], v["truncated"] = string([]rune(text)[:116])+"… "+shortLink(p.id, len(p.links)), true
	default:
		v["text"] = text
	}
	return v
}

func (p *xPost) v1Number() int64 {
	n, _ := strconv.ParseInt(p.id, 10, 64)
	return n
}

func (p *xPost) v1Links() []any {
	list := []any{}
	for _, l := range p.links {
		list = append(list, map[string]any{"url": l.URL, "expanded_url": l.Expanded, "display_url": l.Display, "indices": []int{l.Start, l.End}})
	}
	return list
}
