package people

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Bounds of looking up what is older than the incidents that answers are about.
const (
	olderAsked = 3   // references of one question
	olderReads = 10  // incidents in newsFor, however many people ask
	olderKept  = 100 // incidents that are remembered
)

// older are incidents that people name, looked up one by one.
type older struct {
	find func(ctx context.Context, ref incident.Ref) (*incident.Incident, error)

	known map[incident.Ref]*old
	since time.Time // of the count
	reads int
}

// An old incident is one as it was when it was looked up.
type old struct {
	at       time.Time
	incident *incident.Incident // nil where there is none
	book     *Book              // about it alone; nil while nobody asked
}

// get returns an incident as it was lately. It is nil where that is not known, since
// too many were looked up.
func (o *older) get(ctx context.Context, ref incident.Ref, age time.Duration) (*old, error) {
	have := o.known[ref]
	if have != nil && time.Since(have.at) < age {
		return have, nil
	}
	if time.Since(o.since) >= newsFor {
		o.since, o.reads = time.Now(), 0
	}
	if o.reads++; o.reads > olderReads {
		return nil, nil //nolint:nilnil // as it says
	}
	i, err := o.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	if i != nil && i.Drill { // which is none for the public
		i = nil
	}
	if o.known == nil || have == nil && len(o.known) >= olderKept {
		o.known = map[incident.Ref]*old{}
	}
	now := &old{at: time.Now(), incident: i}
	if have != nil {
		now.book = have.book
	}
	o.known[ref] = now
	return now, nil
}

// write brings the book about an incident up to date.
func (o *old) write(c BookConfig) (err error) {
	var about []*incident.Incident
	if o.incident != nil {
		about = append(about, o.incident)
	}
	o.book, err = NewBook(c, about, o.book)
	return err
}

// mention is a reference in a text, or in a link.
var mention = regexp.MustCompile(`(?i)\b(?:INC|MNT|NTC|DRL)-?[1-9][0-9]{0,8}\b`)

// mentioned are the incidents that a text refers to, the last ones first: what we
// said ends with its own.
func mentioned(text string) (refs []incident.Ref) {
	for _, s := range slices.Backward(mention.FindAllString(text, -1)) {
		if ref, err := incident.ParseRef(s); err == nil && !slices.Contains(refs, ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// find returns a published incident; nil where there is none, or that cannot be told
// now.
func (n *news) find(ctx context.Context, ref incident.Ref) (*incident.Incident, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.look(ctx, newsFor); err != nil {
		return nil, err
	}
	if k := n.listed(ref); k >= 0 {
		return n.incidents[k], nil
	}
	if !n.more {
		return nil, nil //nolint:nilnil // as it says
	}
	o, err := n.older.get(ctx, ref, newsFor)
	if o == nil {
		return nil, err
	}
	return o.incident, err
}

// listed is where an incident is among those that are known; -1 is nowhere.
func (n *news) listed(ref incident.Ref) int {
	return slices.IndexFunc(n.incidents, func(i *incident.Incident) bool { return i.Ref == ref })
}

// fitting is the book to compare a claim with, and whether it has whatever the claim
// may be: all that was said, or the incidents whose references end it, as they end all
// messages of ours.
func (n *news) fitting(ctx context.Context, claim string) (b *Book, whole bool, err error) {
	if b = n.book; !n.more {
		return b, true, nil
	}
	claim = strings.TrimSpace(claim)
	refs := mentioned(claim)
	whole = len(mentioned(claim[strings.LastIndexByte(claim, '\n')+1:])) > 0
	refs = slices.DeleteFunc(refs, func(ref incident.Ref) bool { return n.listed(ref) >= 0 })
	for k, ref := range refs {
		var o *old
		if k < olderAsked {
			if o, err = n.older.get(ctx, ref, newsFresh); err != nil {
				return nil, false, err
			}
		}
		if o == nil {
			return b, false, nil
		}
		if err := o.write(n.config); err != nil {
			return nil, false, err
		}
		b = b.with(o.book)
	}
	return b, whole, nil
}
