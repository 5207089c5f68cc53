package broadcast

import (
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// A Letter is what somebody in an audience is to read.
type Letter struct {
	Kind     EntryKind
	Update   int
	Revision int  // of a post or correction
	Removed  bool // the text in place of a retracted post
	First    bool // he has no message of the incident that this can answer: it says what it is about
	After    int  // the update that he was told of last, beside which he reads this one; 0 is none
	Missed   int  // updates that he was not told of
	Edited   bool // he has read another wording
}

// told is what somebody has, before he is told of an update, who was told of
// another last: a message that can be answered, and nothing of those between.
func told(after, update int) []Entry {
	all := []Entry{{ID: 1, Kind: Say, Update: after, Shows: Shows{What: Words, Revision: 1, Message: "1", First: time.Unix(1, 0)}}}
	for k := after + 1; k < update; k++ {
		all = append(all, Entry{Kind: Say, Update: k, Should: Should{Why: Skipped}})
	}
	return all
}

// Write puts a letter about i into words. It is the same for everybody who
// reads a language and was told as much, so that it is called once for each
// such group and not for each person.
func (r *Road) Write(ch Channel, i *incident.Incident, language string, w Letter) (string, error) {
	a, e := r.account, r.account.engine
	ch.Language = language
	l := &Lane{Channel: ch, Limits: a.Bot.Limits(), Policy: e.Policy, Incident: *i}
	// What people have is never all edited, so that a head line could not be
	// kept true.
	space := templates.Space{Max: l.Limits.MaxText, Measure: l.Limits.Measure}
	l.Limits.Edit = false
	l.Entries = told(w.After, w.Update)
	if w.First {
		l.Entries = l.Entries[1:]
	}
	for range w.Missed { // of those before: some were withdrawn, and some not for him
		l.Entries = append(l.Entries, Entry{Kind: Say, Should: Should{Why: Superseded}})
	}
	entry := Entry{ID: 2, Kind: w.Kind, Update: w.Update, Should: Should{What: Words, Revision: w.Revision}}
	after := Shows{What: Words, Revision: w.Revision}
	if w.Removed {
		after = Shows{What: Tombstone}
	}
	if w.Edited || w.Removed {
		entry.Shows = Shows{What: Words, Revision: 1, Posted: w.Revision - 1, First: time.Unix(2, 0)}
	}
	l.Entries = append(l.Entries, entry)
	n := &planner{Lane: l}
	message := n.message(l.entry(2), after)
	text, err := e.Texts.Render(ch.Platform, language, *message, space)
	return text.String, err
}
