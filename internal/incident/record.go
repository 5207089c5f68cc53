package incident

import (
	"slices"
	"time"
)

// An Incident is the record of something the public is told about: what it is
// now, and everything that was said.
type Incident struct {
	Ref        Ref
	Kind       Kind
	Drill      bool
	Title      string
	Impact     Impact
	Status     Status
	Components map[string]ComponentState // by component id; what this incident says of them
	CreatedAt  time.Time
	ResolvedAt time.Time // zero while it lasts
	NextUpdate time.Time // the promise; zero for none
	Begin, End time.Time // the window of a maintenance
	Pending    Scope     // what has changed and is said with the next update
	Updates    []Update  // oldest first; Updates[i].N == i+1
}

// An Update is one thing said about an incident. It is never changed in
// place: a correction adds a revision, a retraction leaves a tombstone.
type Update struct {
	N           int
	Status      Status
	Impact      Impact
	Components  map[string]ComponentState // of the incident after this update
	NextUpdate  time.Time
	Template    string // of a text that nobody typed, as in Saying
	Author      string
	ApprovedBy  []string
	PublishedAt time.Time
	Revisions   []Revision // oldest first, at least one
	Retraction  *Retraction
}

// A Revision is one wording of an update.
type Revision struct {
	Title  string // of the incident, as it was worded then
	Body   Text
	Author string
	At     time.Time
	Typo   bool // changes no meaning: edited where possible, announced nowhere
}

// A Retraction says that an update was wrong as a whole.
type Retraction struct {
	Reason string
	Author string
	At     time.Time
	Delete bool // remove the text instead of marking it (leaked data)
}

// Text is a wording by language tag ("en", "zh-Hans").
type Text map[string]string

// In returns the wording in lang, or otherwise in fallback, or otherwise in
// the first language by tag, and the language that it is in.
func (t Text) In(lang, fallback string) (text, in string) {
	for _, l := range []string{lang, fallback} {
		if s, ok := t[l]; ok {
			return s, l
		}
	}
	tags := make([]string, 0, len(t))
	for l := range t {
		tags = append(tags, l)
	}
	if len(tags) == 0 {
		return "", lang
	}
	slices.Sort(tags)
	return t[tags[0]], tags[0]
}

// Newest is the wording that holds.
func (u *Update) Newest() Revision { return u.Revisions[len(u.Revisions)-1] }

// Revision returns wording r, counted from 1.
func (u *Update) Revision(r int) Revision { return u.Revisions[r-1] }

// Update returns update n, or nil when there is none.
func (i *Incident) Update(n int) *Update {
	if n < 1 || n > len(i.Updates) {
		return nil
	}
	return &i.Updates[n-1]
}

// Visible counts the updates that have not been retracted.
func (i *Incident) Visible() int {
	n := 0
	for k := range i.Updates {
		if i.Updates[k].Retraction == nil {
			n++
		}
	}
	return n
}

// Raised reports whether update n said that it is worse than was said before.
func (i *Incident) Raised(n int) bool {
	return n > 1 && n <= len(i.Updates) && i.Updates[n-1].Impact.Worse(i.Updates[n-2].Impact)
}
