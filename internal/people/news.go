package people

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

const (
	newsFor   = 2 * time.Second // how old an answer about what is going on may be
	newsFresh = newsFor / 8     // the same of whether something is ours: what has just been published is
	newsLimit = 200             // incidents that answers are about, unless somebody names an older one
)

// news is what was published, looked up at most once in a while however many
// people ask.
type news struct {
	list   func(ctx context.Context, limit int) ([]*incident.Incident, error)
	config BookConfig

	mu        sync.Mutex
	names     []string  // of the audience's bot, if it has one, and the others that speak for us; empty while they are not known
	at        time.Time // of incidents
	incidents []*incident.Incident
	more      bool // there may be others, which are over
	older     older
	book      *Book
	bookOf    time.Time // the at of the incidents that book is about
}

// now lists what was published, newest first, without drills.
func (n *news) now(ctx context.Context) ([]*incident.Incident, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.look(ctx, newsFor)
}

func (n *news) look(ctx context.Context, age time.Duration) ([]*incident.Incident, error) {
	if !n.at.IsZero() && time.Since(n.at) < age {
		return n.incidents, nil
	}
	all, err := n.list(ctx, newsLimit)
	if err != nil {
		return nil, err
	}
	n.more = len(all) >= newsLimit
	n.incidents = slices.DeleteFunc(all, func(i *incident.Incident) bool { return i.Drill })
	n.at = time.Now()
	return n.incidents, nil
}

// verify compares a claim with what was published.
func (n *news) verify(ctx context.Context, claim Claim) (Verdict, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	incidents, err := n.look(ctx, newsFresh)
	if err != nil {
		return Verdict{}, err
	}
	if n.book == nil || !n.bookOf.Equal(n.at) {
		c := n.config
		c.Addresses = c.Addresses.named(n.names)
		if n.book, err = NewBook(c, incidents, n.book); err != nil {
			return Verdict{}, err
		}
		n.bookOf = n.at
	}
	book, whole, err := n.fitting(ctx, claim.Text)
	if err != nil {
		return Verdict{}, err
	}
	v := book.Judge(claim)
	_, _, place := address(claim.Text)
	unlike := v.Finding == Foreign && !place || v.Finding == Altered && !v.Led && !v.Beside
	if unlike && !whole {
		v = Verdict{Finding: Older}
	}
	return v, nil
}

// vouch notes what one of the bots is called that speak for us.
func (n *news) vouch(bot int, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[bot] = name
	n.bookOf = time.Time{}
}
