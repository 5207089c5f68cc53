package people

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// A Book is all that was published, ready to be compared with what somebody
// claims. Drafts and drills are not in it, so that no answer and no time that
// an answer takes can tell of them.
type Book struct {
	pages []*page
	Addresses
}

// Addresses are where we are found.
type Addresses struct {
	Hosts    []string // whose pages are ours, as HostOf writes them
	Accounts []string // on platforms: t.me/example_status
	Vague    []string // hosts of platforms where we are, under a name that is not known here: x.com
	Linked   []string // further hosts to which our texts may lead. Others may be there as well
}

// named are the addresses with those of our bots on Telegram, of which some names may
// not be known yet.
func (a Addresses) named(names []string) Addresses {
	a.Accounts, a.Vague = slices.Clone(a.Accounts), slices.Clone(a.Vague)
	for _, name := range names {
		if name == "" {
			a.Vague = append(a.Vague, "t.me")
		} else {
			a.Accounts = append(a.Accounts, "t.me/"+name)
		}
	}
	return a
}

// A page is one wording of one update, or its withdrawal, in all the forms in
// which it may have been met.
type page struct {
	ref       string // INC-12/3
	at        time.Time
	link      string
	body      incident.Text // what holds
	state     string        // tells the page from what it was before
	finding   Finding       // what a text is that is this one
	last      bool          // nothing was said after it
	n         int           // of the update
	sentences map[string]bool
	heads     map[string]int  // head lines of first posts, each up to the update that was the newest then
	missed    map[string]int  // how many updates before it somebody missed, in words
	words     map[string]bool // those of the operators, without dressing
	bodies    []body          // the whole text in each language
	title     []string        // the sentences of titles, in their order
	grams     map[uint64]bool
}

// A BookConfig is what a book is made with.
type BookConfig struct {
	Texts     *templates.Set
	Languages []string
	Policy    broadcast.Policy
	Addresses Addresses
}

// NewBook writes a book about incidents, newest first. The pages of those that
// an older book has too, unchanged, are taken over from it.
func NewBook(c BookConfig, incidents []*incident.Incident, before *Book) (*Book, error) {
	known := map[string]*page{}
	if before != nil {
		for _, p := range before.pages {
			known[p.state] = p
		}
	}
	b := &Book{Addresses: c.Addresses}
	w := newWriter(c)
	for _, i := range incidents {
		if i.Drill {
			continue
		}
		for n := len(i.Updates); n > 0; n-- {
			for r := len(i.Update(n).Revisions); r >= 0; r-- {
				p := c.page(i, n, r)
				if p == nil {
					continue
				}
				if have := known[p.state]; have != nil {
					p = have
				} else if err := w.write(p, i, n, r); err != nil {
					return nil, err
				}
				b.pages = append(b.pages, p)
			}
		}
	}
	return b, nil
}

// with is a book that has the pages of an older one too.
func (b *Book) with(older *Book) *Book {
	return &Book{pages: slices.Concat(b.pages, older.pages), Addresses: b.Addresses}
}

// link is the address of an incident's page; empty for none.
func (c *BookConfig) link(i *incident.Incident) string {
	if c.Policy.Link == nil {
		return ""
	}
	return c.Policy.Link(i.Ref)
}

// page begins the page of revision r of an update, or, with r 0, that of its
// withdrawal; nil if it was not withdrawn.
func (c *BookConfig) page(i *incident.Incident, n, r int) *page {
	u := i.Update(n)
	p := &page{
		n: n, ref: fmt.Sprintf("%s/%d", i.Ref, n), at: u.PublishedAt, body: u.Newest().Body, last: !slices.ContainsFunc(i.Updates[n:], stands), finding: Ours,
		sentences: map[string]bool{}, words: map[string]bool{}, grams: map[uint64]bool{},
	}
	switch {
	case r == 0 && u.Retraction == nil:
		return nil
	case r == 0:
		p.at = u.Retraction.At
	case u.Retraction != nil:
		p.finding = Retracted
	case r < len(u.Revisions):
		p.finding = Corrected
	}
	p.link = c.link(i)
	p.state = fmt.Sprint(p.ref, r, p.finding, len(i.Updates), p.last, i.Visible(), p.body, i.Status)
	return p
}

// stands reports whether an update was not withdrawn.
func stands(u incident.Update) bool { return u.Retraction == nil }

// quote adds a text of the operators.
func (p *page) quote(text string) {
	first, _, _ := strings.Cut(templates.Plain(text), "\n\n")
	b := body{said: sentences(text), opening: len(sentences(first))}
	for _, s := range b.said {
		p.words[s] = true
		for _, g := range grams(s) {
			p.grams[g] = true
		}
	}
	p.bodies = append(p.bodies, b)
}

// quoteTitle adds a title, without which a text is whole as well.
func (p *page) quoteTitle(title string) {
	p.head(title)
	for _, s := range headline(title) {
		p.words[s] = true
	}
}

// head adds a title that may stand at the head of a text.
func (p *page) head(title string) {
	if all := headline(title); !contains(p.title, all) {
		p.title = append(p.title, all...)
	}
}

// headline are the sentences of a title, which is shown on one line.
func headline(title string) []string {
	return sentences(strings.ReplaceAll(templates.Plain(title), "\n", " "))
}

// contains reports whether some sentences stand among others, in one piece.
func contains(all, some []string) bool {
	for k := range len(all) - len(some) + 1 {
		if slices.Equal(all[k:k+len(some)], some) {
			return true
		}
	}
	return false
}

// address splits what looks like an account or a link into host and path,
// lower case; ok is false for anything else.
func address(claim string) (host, path string, ok bool) {
	claim = strings.ToLower(strings.TrimSpace(claim))
	if claim == "" || strings.ContainsAny(claim, " \t\n") {
		return "", "", false
	}
	if name, at := strings.CutPrefix(claim, "@"); at {
		return "", name, name != ""
	}
	if strings.HasPrefix(claim, "tg:") {
		return resolved(claim)
	}
	if !strings.Contains(claim, "://") {
		claim = "https://" + claim
	}
	u, err := url.Parse(claim)
	if err != nil || !strings.Contains(u.Hostname(), ".") || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return "", "", false
	}
	return HostOf(u), strings.Trim(u.Path, "/"), true
}

// HostOf is the host of an address, lower case, with the port where that is not the
// usual one of its scheme.
func HostOf(u *url.URL) string {
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if port := u.Port(); port != "" && port != map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host += ":" + port
	}
	return host
}

// winds reports whether a path leads elsewhere than it begins: up again, or as who
// decodes it once more may see it.
func winds(path string) bool {
	return strings.ContainsAny(path, `%\`) || slices.ContainsFunc(strings.Split(path, "/"), func(s string) bool { return s == "." || s == ".." })
}

// resolved is where a link leads that opens the app of Telegram at somebody's name
// (core.telegram.org/api/links), and not at his number.
func resolved(claim string) (host, path string, ok bool) {
	u, err := url.Parse(claim)
	if err != nil {
		return "", "", false
	}
	names := u.Query()["domain"]
	if u.Opaque+u.Host+u.Path != "resolve" || len(names) != 1 || u.Query().Has("phone") {
		return "", "", false
	}
	return "t.me", names[0], true
}

// onTelegram makes the other ways to write an address on Telegram alike
// (core.telegram.org/api/links): its further hosts, a name before the host, and the
// preview of a channel.
func onTelegram(host, path string) (string, string) {
	if host == "telegram.me" || host == "telegram.dog" {
		host = "t.me"
	}
	if name, ok := strings.CutSuffix(host, ".t.me"); ok {
		host, path = "t.me", name+"/"+path
	}
	if host == "t.me" {
		path = strings.TrimPrefix(path, "s/")
	}
	return host, path
}
