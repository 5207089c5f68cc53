package twitter

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	twitter "github.com/dghubble/go-twitter/twitter"

	"github.com/allclear-hq/allclear/bots"
)

// v1 is X API v1.1 through go-twitter. The library takes no context, knows one
// host only, and returns no error for the bodies that X sends with 402 and 403
// today, so its verdict counts for nothing: the exchange is read instead.
//
// v1.1 cannot limit who may reply; Operation.MentionedOnly has no effect.
type v1 struct {
	base *url.URL
	http *http.Client
}

// library returns a go-twitter client for one exchange.
func (a *v1) library(ctx context.Context) *twitter.Client {
	return twitter.NewClient(&http.Client{
		Transport:     &redirected{ctx: ctx, base: a.base, next: a.http.Transport},
		CheckRedirect: a.http.CheckRedirect,
	})
}

// redirected gives a library's request its context and its real address. It
// stands before the signature, which covers the address.
type redirected struct {
	ctx  context.Context
	base *url.URL
	next http.RoundTripper
}

func (t *redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(t.ctx)
	req.URL.Scheme, req.URL.Host = t.base.Scheme, t.base.Host
	req.URL.Path = t.base.Path + req.URL.Path
	req.URL.RawPath, req.Host = "", ""
	return t.next.RoundTrip(req)
}

// post sends POST /1.1/statuses/update.json.
func (a *v1) post(ctx context.Context, _ *bots.Exchange, op bots.Operation) (string, error) {
	params := &twitter.StatusUpdateParams{TrimUser: twitter.Bool(true)}
	if op.ReplyTo != "" {
		id, err := strconv.ParseInt(op.ReplyTo, 10, 64)
		if err != nil {
			return "", err
		}
		params.InReplyToStatusID = id
		params.AutoPopulateReplyMetadata = twitter.Bool(true) // without it the text would have to name us
	}
	tweet, _, err := a.library(ctx).Statuses.Update(op.Text, params)
	if err != nil {
		return "", err
	}
	return tweet.IDStr, nil
}

// remove sends POST /1.1/statuses/destroy/{id}.json, which answers with the
// post as it was.
func (a *v1) remove(ctx context.Context, _ *bots.Exchange, id string) (bool, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return false, err
	}
	tweet, _, err := a.library(ctx).Statuses.Destroy(n, &twitter.StatusDestroyParams{TrimUser: twitter.Bool(true)})
	if err != nil {
		return false, err
	}
	return tweet.IDStr == id, nil
}

// xEpoch is where the time in an id of X starts, in milliseconds of Unix time
// (X API, "X IDs").
const xEpoch = 1288834974657

// timeline sends GET /1.1/statuses/user_timeline.json, which knows no time but
// that in the ids: the newest posts until then are read, and the older ones
// left out.
func (a *v1) timeline(ctx context.Context, ex *bots.Exchange, user string, since, until time.Time) (page, error) {
	const most = 200 // posts in one answer
	id, err := strconv.ParseInt(user, 10, 64)
	if err != nil {
		return page{}, err
	}
	var last int64
	if time.Since(until) > time.Minute {
		last = max(0, until.UnixMilli()-xEpoch) << 22
	}
	tweets, _, err := a.library(ctx).Timelines.UserTimeline(&twitter.UserTimelineParams{
		MaxID:           last,
		UserID:          id,
		Count:           most,
		TrimUser:        twitter.Bool(true),
		IncludeRetweets: twitter.Bool(false),
		TweetMode:       "extended",
	})
	if err != nil {
		return page{}, err
	}
	if !json.Valid(ex.Body) || !strings.HasPrefix(strings.TrimSpace(string(ex.Body)), "[") {
		return page{}, errNoPage
	}
	p := page{cut: len(tweets) > 0}
	for _, t := range tweets {
		at, err := t.CreatedAtTime()
		if err != nil {
			return page{}, err
		}
		if at.Before(since.Truncate(time.Second)) {
			p.cut = false // older posts are in the answer, so it holds all newer ones
			break
		}
		p.posts = append(p.posts, status{id: t.IDStr, text: t.FullText, at: at, links: linksOf(t)})
	}
	p.cut = p.cut && len(tweets) >= most/2
	return p, nil
}

func linksOf(t twitter.Tweet) []link {
	if t.Entities == nil {
		return nil
	}
	var all []link
	for _, u := range t.Entities.Urls {
		all = append(all, link{Short: u.URL, Full: u.ExpandedURL})
	}
	return all
}

// me sends GET /1.1/account/verify_credentials.json.
func (a *v1) me(ctx context.Context, _ *bots.Exchange) (account, error) {
	user, _, err := a.library(ctx).Accounts.VerifyCredentials(&twitter.AccountVerifyParams{SkipStatus: twitter.Bool(true)})
	if err != nil {
		return account{}, err
	}
	return account{id: user.IDStr, name: user.ScreenName}, nil
}
