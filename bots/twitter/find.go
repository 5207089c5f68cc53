package twitter

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/allclear-hq/allclear/bots"
)

var errNoPage = errors.New("not a page of posts")

// findUntil is how long after since a post would have been made, however slow
// the way. An account may post 100 times in 15 minutes, which is as much as one
// answer holds, so that whatever was posted later does not push it out.
const findUntil = 13 * time.Minute

// A status is one of the account's posts as X returns it.
type status struct {
	id    string
	text  string // escaped for HTML, links shortened
	at    time.Time
	links []link
}

// A link is one that X has shortened.
type link struct {
	Short string `json:"url"`
	Full  string `json:"expanded_url"`
}

// Find looks for op's text among the account's posts from since on, to the
// second. X charges for each post that it returns. Where it does not know
// whose account this is, it asks first.
func (b *Bot) Find(ctx context.Context, op bots.Operation, since time.Time) (bots.Receipt, bool, error) {
	user, err := b.self(ctx)
	if err != nil {
		return bots.Receipt{}, false, err
	}
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	p, err := b.api.timeline(ctx, ex, user, since, since.Add(findUntil))
	if f := b.readFault(ex, err); f != nil {
		if f.Kind == bots.Rejected || f.Kind == bots.Gone {
			b.user.Store(nil) // no such account: ask next time
		}
		return bots.Receipt{}, false, f
	}
	want := plain(op.Text, nil)
	for _, s := range p.posts {
		if isID(s.id) && !s.at.Before(since.Truncate(time.Second)) && plain(html.UnescapeString(s.text), s.links) == want {
			return receipt(ex, s.id), true, nil
		}
	}
	if p.cut {
		return bots.Receipt{}, false, &bots.Fault{Kind: bots.Temporary, Detail: "there are more posts since then than one answer holds"}
	}
	return bots.Receipt{}, false, nil
}

// plain is a text in a form that X's changes leave the same: normalised,
// links as where they lead, any white space as one space. What lies between
// links is compared as it stands.
func plain(text string, links []link) string {
	for _, l := range links {
		if l.Short != "" && l.Full != "" {
			text = strings.ReplaceAll(text, l.Short, l.Full)
		}
	}
	runes := []rune(norm.NFC.String(text))
	var b strings.Builder
	done := 0
	for _, u := range urls(runes) {
		b.WriteString(string(runes[done:u.start]))
		b.WriteString(destination(string(runes[u.start:u.end])))
		done = u.end
	}
	b.WriteString(string(runes[done:]))
	return strings.Join(strings.Fields(b.String()), " ")
}

// destination is a link without what X adds or changes: the scheme, the case
// of the host, the slash after it.
func destination(link string) string {
	if !strings.Contains(link, "://") {
		link = "http://" + link
	}
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimSuffix(strings.TrimPrefix(u.String(), u.Scheme+"://"), "/")
}

// Check asks X whose token it is and whether it may write. Accounts have no
// targets: any that is named is a mistake.
func (b *Bot) Check(ctx context.Context, targets []string) (string, map[string]string, error) {
	who, ex, err := b.whoami(ctx)
	if err != nil {
		return "", nil, err
	}
	if ex.Header.Get("X-Access-Level") == "read" {
		return "", nil, &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account,
			Detail: "the token may only read: set the app's permissions to read and write, then make a new access token"}
	}
	problems := make(map[string]string, len(targets))
	for _, t := range targets {
		problems[t] = ""
		if t != "" {
			problems[t] = "X has no targets: the account is the place"
		}
	}
	return bots.OneLine(b.client.Redact(fmt.Sprintf("@%s (%s)", who.name, who.id))), problems, nil
}

// self is the account's id.
func (b *Bot) self(ctx context.Context) (string, error) {
	if id := b.user.Load(); id != nil {
		return *id, nil
	}
	who, _, err := b.whoami(ctx)
	return who.id, err
}

// whoami asks whose account this is, and remembers the id.
func (b *Bot) whoami(ctx context.Context) (account, *bots.Exchange, error) {
	ctx, ex, cancel := b.client.Exchange(ctx)
	defer cancel()
	who, err := b.api.me(ctx, ex)
	if err == nil && who.id == "" {
		err = errors.New("the answer names no account")
	}
	if f := b.readFault(ex, err); f != nil {
		return account{}, ex, f
	}
	b.user.Store(&who.id)
	return who, ex, nil
}

// readFault is the verdict on a request that changes nothing, so that an
// unknown outcome is only a reason to ask again.
func (b *Bot) readFault(ex *bots.Exchange, err error) *bots.Fault {
	f := b.fault(ex, bots.Operation{}, err)
	if f != nil && f.Kind == bots.Unsure {
		f.Kind = bots.Temporary
	}
	return f
}
