package twitter

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/bots"
)

// v2 is X API v2. No Go library for it is kept up, so the few calls are made
// here, signed by oauth1's own transport.
type v2 struct {
	base *url.URL
	http *http.Client
}

// call makes one request. The answer is read from the exchange.
func (a *v2) call(ctx context.Context, method string, path string, query url.Values, body any) error {
	u := *a.base
	u.Path += path
	u.RawQuery = query.Encode()
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(payload))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

type newPost struct {
	Text          string    `json:"text"`
	Reply         *newReply `json:"reply,omitempty"`
	ReplySettings string    `json:"reply_settings,omitempty"`
}

type newReply struct {
	To string `json:"in_reply_to_tweet_id"`
}

// post sends POST /2/tweets. Who may reply is decided by the first post of a
// conversation, so a reply does not say it again: X refuses both together.
func (a *v2) post(ctx context.Context, ex *bots.Exchange, op bots.Operation) (string, error) {
	body := newPost{Text: op.Text}
	switch {
	case op.ReplyTo != "":
		body.Reply = &newReply{To: op.ReplyTo}
	case op.MentionedOnly:
		body.ReplySettings = "mentionedUsers"
	}
	if err := a.call(ctx, http.MethodPost, "/2/tweets", nil, body); err != nil {
		return "", err
	}
	var answer struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	err := json.Unmarshal(ex.Body, &answer)
	return answer.Data.ID, err
}

// remove sends DELETE /2/tweets/{id}.
func (a *v2) remove(ctx context.Context, ex *bots.Exchange, id string) (bool, error) {
	if err := a.call(ctx, http.MethodDelete, "/2/tweets/"+id, nil, nil); err != nil {
		return false, err
	}
	if ex.Status == http.StatusNoContent {
		return true, nil
	}
	var answer struct {
		Data struct {
			Deleted bool `json:"deleted"`
		} `json:"data"`
	}
	err := json.Unmarshal(ex.Body, &answer)
	return answer.Data.Deleted, err
}

// timeline sends GET /2/users/{id}/tweets. The times are in whole seconds; the
// end must have passed, and is left out until then.
func (a *v2) timeline(ctx context.Context, ex *bots.Exchange, user string, since, until time.Time) (page, error) {
	const most = 100 // posts in one answer
	query := url.Values{
		"start_time":   {since.UTC().Truncate(time.Second).Format(time.RFC3339)},
		"max_results":  {strconv.Itoa(most)},
		"exclude":      {"retweets"},
		"tweet.fields": {"created_at,entities"},
	}
	if time.Since(until) > time.Minute {
		query.Set("end_time", until.UTC().Truncate(time.Second).Format(time.RFC3339))
	}
	err := a.call(ctx, http.MethodGet, "/2/users/"+user+"/tweets", query, nil)
	if err != nil {
		return page{}, err
	}
	var answer struct {
		Data []struct {
			ID        string    `json:"id"`
			Text      string    `json:"text"`
			CreatedAt time.Time `json:"created_at"`
			Entities  struct {
				URLs []link `json:"urls"`
			} `json:"entities"`
		} `json:"data"`
		Meta *struct {
			NextToken string `json:"next_token"`
		} `json:"meta"`
	}
	if err := json.Unmarshal(ex.Body, &answer); err != nil {
		return page{}, err
	}
	if answer.Meta == nil { // present in every answer, also in an empty one
		return page{}, errNoPage
	}
	p := page{cut: answer.Meta.NextToken != ""}
	for _, d := range answer.Data {
		p.posts = append(p.posts, status{id: d.ID, text: d.Text, at: d.CreatedAt, links: d.Entities.URLs})
	}
	return p, nil
}

// me sends GET /2/users/me.
func (a *v2) me(ctx context.Context, ex *bots.Exchange) (account, error) {
	if err := a.call(ctx, http.MethodGet, "/2/users/me", nil, nil); err != nil {
		return account{}, err
	}
	var answer struct {
		Data struct {
			ID       string `json:"id"`
			Username string `json:"username"`
		} `json:"data"`
	}
	err := json.Unmarshal(ex.Body, &answer)
	return account{id: answer.Data.ID, name: answer.Data.Username}, err
}
