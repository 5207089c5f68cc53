package sim

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An xPageRequest is which part of a timeline is asked for.
type xPageRequest struct {
	since, until string // ids
	start, end   time.Time
	exclude      []string
	limit        int
}

func (x *X) getTimeline(c *xCall) xAnswer {
	fields, bad := xQuery(c.URL.Query(), "since_id", "until_id", "max_results", "pagination_token", "exclude", "start_time", "end_time", "expansions", "tweet.fields", "user.fields")
	if bad != nil {
		return *bad
	}
	page, bad := readXPage(c.URL.Query())
	if bad != nil {
		return *bad
	}
	id := c.PathValue("id")
	a := x.accounts[id]
	if a == nil {
		return xAnswer{200, map[string]any{"errors": []any{map[string]string{
			"value": id, "resource_id": id, "parameter": "id", "resource_type": "user", "title": "Not Found Error",
			"detail": "Could not find user with id: [" + id + "].", "type": "https://api.twitter.com/2/problems/resource-not-found",
		}}}}
	}
	posts, more := x.timeline(a, page)
	if len(posts) == 0 {
		return xAnswer{200, map[string]any{"meta": map[string]int{"result_count": 0}}}
	}
	var data []any
	for _, p := range posts {
		data = append(data, p.json(x, fields))
	}
	last := posts[len(posts)-1]
	meta := map[string]any{"result_count": len(posts), "newest_id": posts[0].id, "oldest_id": last.id}
	if more {
		meta["next_token"] = base64.RawURLEncoding.EncodeToString([]byte("before " + last.id))
	}
	return xAnswer{200, map[string]any{"data": data, "meta": meta}}
}

func readXPage(q url.Values) (xPageRequest, *xAnswer) {
	page := xPageRequest{limit: 10, exclude: strings.Split(q.Get("exclude"), ",")}
	refuse := func(name, words string) (xPageRequest, *xAnswer) {
		a := xInvalid(name, q.Get(name), fmt.Sprintf("The `%s` query parameter value [%s] %s", name, q.Get(name), words))
		return page, &a
	}
	for name, id := range map[string]*string{"since_id": &page.since, "until_id": &page.until} {
		if *id = q.Get(name); *id != "" && !isXID(*id) {
			return refuse(name, "does not match ^[0-9]{1,19}$")
		}
	}
	for name, t := range map[string]*time.Time{"start_time": &page.start, "end_time": &page.end} {
		if s := q.Get(name); s != "" {
			at, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return refuse(name, "is not a valid date-time")
			}
			*t = at
		}
	}
	if s := q.Get("max_results"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 5 || n > 100 {
			return refuse("max_results", "is not between 5 and 100")
		}
		page.limit = n
	}
	if s := q.Get("pagination_token"); s != "" {
		token, err := base64.RawURLEncoding.DecodeString(s)
		id, ok := strings.CutPrefix(string(token), "before ")
		if err != nil || !ok || !isXID(id) {
			return refuse("pagination_token", "is not valid")
		}
		page.until = id
	}
	return page, nil
}

// timeline is an account's posts, newest first, and whether there are more.
func (x *X) timeline(a *xAccount, page xPageRequest) ([]*xPost, bool) {
	var posts []*xPost
	for _, p := range slices.Backward(x.posts) {
		switch {
		case p.author != a || p.deleted || time.Since(p.at) < x.TimelineDelay,
			page.since != "" && !newer(p.id, page.since),
			page.until != "" && !newer(page.until, p.id),
			!page.start.IsZero() && p.at.Before(page.start),
			!page.end.IsZero() && !p.at.Before(page.end),
			p.replyTo != "" && slices.Contains(page.exclude, "replies"):
			continue
		case len(posts) == page.limit:
			return posts, true
		}
		posts = append(posts, p)
	}
	return posts, false
}
