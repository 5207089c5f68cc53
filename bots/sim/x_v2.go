package sim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// What X says when it refuses a post.
const (
	xTooLong      = "Your Tweet text is too long. For more information on how Twitter determines text length see https://github.com/twitter/twitter-text."
	xDuplicate    = "You are not allowed to create a Tweet with duplicate content."
	xReplyGone    = "You attempted to reply to a Tweet that is deleted or not visible to you."
	xReplyForeign = "Reply to this conversation is not allowed because you have not been mentioned or otherwise engaged by the author of the post you are replying to."
)

// An xRefusal is why a post is not taken, whatever the version of the API.
type xRefusal int

const (
	xFine xRefusal = iota
	xRefusedLength
	xRefusedDuplicate
	xRefusedGone
	xRefusedForeign
	xRefusedCredits
)

// publish posts for the account, or says why not.
func (x *X) publish(p *xPost) xRefusal {
	if x.credits == 0 {
		return xRefusedCredits
	}
	if xLength(p.text) > xLimit {
		return xRefusedLength
	}
	if p.replyTo != "" {
		target := x.byID[p.replyTo]
		switch {
		case target == nil || target.deleted:
			return xRefusedGone
		case target.author != p.author && !target.mentions(p.author):
			return xRefusedForeign
		}
	}
	for _, old := range slices.Backward(x.posts) {
		if old.author == p.author && !old.deleted && old.text == p.text && time.Since(old.at) < x.DuplicateWindow {
			return xRefusedDuplicate
		}
	}
	if x.credits > 0 {
		x.credits--
	}
	x.add(p)
	return xFine
}

type xReplyBody struct {
	To       *string  `json:"in_reply_to_tweet_id"`
	Exclude  []string `json:"exclude_reply_user_ids"`
	Populate *bool    `json:"auto_populate_reply_metadata"`
}

// createPost takes text, reply and reply_settings. What X knows besides
// (media, polls, quotes) is not simulated, and refused like a mistake.
func (x *X) createPost(c *xCall) xAnswer {
	if !strings.HasPrefix(c.Header.Get("Content-Type"), "application/json") {
		return xInvalid("", "", "Requests with bodies must have content-type of application/json.")
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(c.body, &fields) != nil || fields == nil {
		return xInvalid("", "", "The request body is not valid JSON.")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains([]string{"text", "reply", "reply_settings", "made_with_ai"}, name) {
			return xInvalid("$."+name, string(fields[name]), "$."+name+": is not defined in the schema and the schema does not allow additional properties")
		}
	}
	p := &xPost{author: c.me}
	if raw, ok := fields["text"]; !ok || json.Unmarshal(raw, &p.text) != nil || strings.TrimSpace(p.text) == "" {
		return xInvalid("$.text", string(raw), "$.text: is missing but it is required")
	}
	if a, ok := p.readReply(fields["reply"]); !ok {
		return a
	}
	if a, ok := p.readSettings(fields["reply_settings"]); !ok {
		return a
	}
	switch x.publish(p) {
	case xRefusedLength:
		return xInvalid("", "", xTooLong)
	case xRefusedDuplicate:
		return xRefuse(403, "Forbidden", xDuplicate)
	case xRefusedGone:
		return xRefuse(403, "Forbidden", xReplyGone)
	case xRefusedForeign:
		return xRefuse(403, "Forbidden", xReplyForeign)
	case xRefusedCredits:
		return x.noCredits(c.me)
	}
	return xAnswer{http.StatusCreated, map[string]any{"data": p.json(x, nil)}}
}

func (p *xPost) readReply(raw json.RawMessage) (xAnswer, bool) {
	if raw == nil {
		return xAnswer{}, true
	}
	var reply xReplyBody
	strict := json.NewDecoder(strings.NewReader(string(raw)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&reply); err != nil {
		return xInvalid("$.reply", string(raw), "$.reply: is not defined in the schema and the schema does not allow additional properties"), false
	}
	if reply.To == nil {
		return xInvalid("$.reply", string(raw), "$.reply.in_reply_to_tweet_id: is missing but it is required"), false
	}
	if !isXID(*reply.To) {
		return xInvalid("$.reply.in_reply_to_tweet_id", *reply.To, "$.reply.in_reply_to_tweet_id: does not match the regex pattern ^[0-9]{1,19}$"), false
	}
	p.replyTo = *reply.To
	return xAnswer{}, true
}

func (p *xPost) readSettings(raw json.RawMessage) (xAnswer, bool) {
	if raw == nil {
		return xAnswer{}, true
	}
	if err := json.Unmarshal(raw, &p.who); err != nil || !slices.Contains([]string{"following", "mentionedUsers", "subscribers", "verified"}, p.who) {
		return xInvalid("$.reply_settings", string(raw), "$.reply_settings: does not have a value in the enumeration [following, mentionedUsers, subscribers, verified]"), false
	}
	return xAnswer{}, true
}

func isXID(s string) bool { return allDigits(s) && len(s) <= 19 }

// deletePost answers the same for a post that is already gone: X documents
// no error for it.
func (x *X) deletePost(c *xCall) xAnswer {
	id := c.PathValue("id")
	if !isXID(id) {
		return xInvalid("id", id, "The `id` query parameter value ["+id+"] is not valid")
	}
	if p := x.byID[id]; p != nil {
		if p.author != c.me {
			return xRefuse(403, "Forbidden", "You are not authorized to delete this Tweet.")
		}
		p.deleted = true
	}
	return xAnswer{200, map[string]any{"data": map[string]bool{"deleted": true}}}
}

func (x *X) getPost(c *xCall) xAnswer {
	q, bad := xQuery(c.URL.Query(), "tweet.fields", "user.fields", "expansions")
	if bad != nil {
		return *bad
	}
	id := c.PathValue("id")
	p := x.byID[id]
	if p == nil || p.deleted {
		return xAnswer{200, map[string]any{"errors": []any{map[string]string{
			"value": id, "resource_id": id, "parameter": "id", "resource_type": "tweet", "title": "Not Found Error",
			"detail": "Could not find tweet with id: [" + id + "].", "type": "https://api.twitter.com/2/problems/resource-not-found",
		}}}}
	}
	return xAnswer{200, map[string]any{"data": p.json(x, q)}}
}

func (x *X) getMe(c *xCall) xAnswer {
	if _, bad := xQuery(c.URL.Query(), "tweet.fields", "user.fields", "expansions"); bad != nil {
		return *bad
	}
	return xAnswer{200, map[string]any{"data": map[string]string{"id": c.me.id, "name": c.me.name, "username": c.me.name}}}
}

// xQuery refuses query parameters that the endpoint does not know and fields
// that posts do not have. It returns the wanted fields.
func xQuery(q url.Values, known ...string) ([]string, *xAnswer) {
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains(known, name) {
			a := xInvalid(name, q.Get(name), fmt.Sprintf("The query parameter [%s] is not one of [%s]", name, strings.Join(known, ",")))
			return nil, &a
		}
	}
	if q.Get("tweet.fields") == "" {
		return nil, nil
	}
	const all = "article,attachments,author_id,card_uri,community_id,context_annotations,conversation_id,created_at,display_text_range,edit_controls,edit_history_tweet_ids,entities,geo,id,in_reply_to_user_id,lang,non_public_metrics,note_tweet,organic_metrics,possibly_sensitive,promoted_metrics,public_metrics,referenced_tweets,reply_settings,scopes,source,suggested_source_links,text,withheld"
	fields := strings.Split(q.Get("tweet.fields"), ",")
	for _, f := range fields {
		if !slices.Contains(strings.Split(all, ","), f) {
			a := xInvalid("tweet.fields", q.Get("tweet.fields"), fmt.Sprintf("The `tweet.fields` query parameter value [%s] is not one of [%s]", f, all))
			return nil, &a
		}
	}
	return fields, nil
}
