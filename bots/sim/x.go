package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// X simulates the API of X (Twitter): version 2, and version 1.1 for accounts
// that still have it.
//
// The exported fields are set before serving.
type X struct {
	Faults Faults

	// DuplicateWindow is how long a text counts as a duplicate of the same
	// author's earlier one. X does not say.
	DuplicateWindow time.Duration

	// TimelineDelay is how long a new post is missing from timelines.
	TimelineDelay time.Duration

	changed func()
	mux     *http.ServeMux

	mu       sync.Mutex
	ids      snowflakes
	accounts map[string]*xAccount // by user id
	keys     []*xKey
	nonces   map[string]time.Time
	posts    []*xPost // oldest first
	byID     map[string]*xPost
	quotas   *quotas // nil unless strict
	credits  int     // posts that can still be paid; negative is no end
	v1       bool
}

// XCredentials are the four secrets of an OAuth 1.0a user.
type XCredentials struct {
	ConsumerKey, ConsumerSecret, AccessToken, AccessSecret string
}

type xKey struct {
	XCredentials
	account *xAccount
}

type xAccount struct {
	id, name string // name without "@"
	bot      bool
}

type xPost struct {
	id, text      string
	author        *xAccount
	at            time.Time
	replyTo, root string
	who           string // reply_settings; empty is everyone
	deleted       bool
	links         []xLink
}

// NewX returns an X without posts and accounts: while no account is
// registered, any OAuth 1.0a signature is taken for that of one nameless user.
func NewX() *X {
	x := &X{
		DuplicateWindow: 24 * time.Hour,
		ids:             snowflakes{epoch: time.UnixMilli(1288834974657)},
		accounts:        map[string]*xAccount{},
		nonces:          map[string]time.Time{},
		byID:            map[string]*xPost{},
		credits:         -1,
	}
	x.mux = x.routes()
	return x
}

// AddAccount registers a user and the credentials of an app acting for him;
// from then on only correctly signed requests are taken. It returns the
// user's id, which is the number that the access token begins with, if it
// does as real ones do ("12345-…").
func (x *X) AddAccount(name string, c XCredentials) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.account(name)
	if id, _, ok := strings.Cut(c.AccessToken, "-"); ok && isXID(id) {
		delete(x.accounts, a.id)
		a.id = id
		x.accounts[id] = a
	}
	a.bot = true
	x.keys = append(x.keys, &xKey{c, a})
	return a.id
}

// Strict switches limits on or off: 100 posts in 15 minutes and 10 000 a day,
// 50 deletions and 900 readings in 15 minutes. With them come the headers.
func (x *X) Strict(on bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.quotas = nil
	if on {
		x.quotas = &quotas{}
	}
}

// SetCredits says how many posts can still be paid for; a negative number is
// without end.
func (x *X) SetCredits(posts int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.credits = posts
}

// AllowV1 says whether the app may still use version 1.1 of the API.
func (x *X) AllowV1(on bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.v1 = on
}

// Post lets a person post on their own timeline. It returns the post's id.
func (x *X) Post(person, text string) string {
	defer notify(x.changed)
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.add(&xPost{author: x.account(person), text: text}).id
}

// Reply lets a person answer a post. It fails where the post is gone or its
// author lets only mentioned people reply.
func (x *X) Reply(person, to, text string) (string, error) {
	defer notify(x.changed)
	x.mu.Lock()
	defer x.mu.Unlock()
	target := x.byID[to]
	if target == nil || target.deleted {
		return "", fmt.Errorf("no post %s", to)
	}
	author := x.account(person)
	root := x.byID[target.root]
	if root.who != "" && root.author != author && !root.mentions(author) {
		return "", fmt.Errorf("%s may not reply: %s", person, root.who)
	}
	return x.add(&xPost{author: author, text: text, replyTo: to}).id, nil
}

// account finds a user by name, known or not.
func (x *X) account(name string) *xAccount {
	for _, a := range x.accounts {
		if strings.EqualFold(a.name, name) {
			return a
		}
	}
	a := &xAccount{id: x.ids.next(), name: name}
	x.accounts[a.id] = a
	return a
}

func (x *X) add(p *xPost) *xPost {
	p.id, p.at = x.ids.next(), time.Now()
	p.root = p.id
	if parent := x.byID[p.replyTo]; parent != nil {
		p.root = parent.root
	}
	p.links = xLinks(p.text, p.id)
	x.posts = append(x.posts, p)
	x.byID[p.id] = p
	return p
}

// mentions reports whether the post names the user.
func (p *xPost) mentions(a *xAccount) bool {
	isName := func(r rune) bool { return r != '@' && !isASCIIWord(r) }
	return slices.ContainsFunc(strings.FieldsFunc(p.text, isName), func(word string) bool {
		return strings.EqualFold(word, "@"+a.name)
	})
}

// Seen is everything that was posted, oldest first, deleted posts included.
// Place is the author's name, Thread the first post of the conversation.
func (x *X) Seen() []Seen {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []Seen
	for _, p := range x.posts {
		all = append(all, Seen{
			ID: p.id, Place: p.author.name, Thread: p.root, ReplyTo: p.replyTo, Author: p.author.name,
			Text: p.text, Raw: p.text, At: p.at, Deleted: p.deleted, Ours: p.author.bot,
		})
	}
	return all
}
