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
	First    bool // nothing was said to him about the incident before
	Missed   int  // updates that he was not told of
	Edited   bool // he has read another wording
}

// Write puts a letter about i into words. It is the same for everybody who
// reads a language and was told as much, so that it is called once for each
// such group and not for each person.
func (e *Engine) Write(ch Channel, i *incident.Incident, language string, w Letter) (string, error) {
	a := e.accounts[ch.Account]
	ch.Language = language
	l := &Lane{Channel: ch, Limits: a.Bot.Limits(), Policy: e.Policy, Incident: *i}
	// What people have is never all edited, so that a head line could not be
	// kept true.
	space := templates.Space{Max: l.Limits.MaxText, Measure: l.Limits.Measure}
	l.Limits.Edit = false
	if !w.First {
		l.Entries = append(l.Entries, Entry{ID: 1, Kind: Say, Update: 1, Shows: Shows{What: Words, Revision: 1, First: time.Unix(1, 0)}})
	}
	for range w.Missed {
		l.Entries = append(l.Entries, Entry{Kind: Say, Update: 1, Should: Should{Why: Superseded}})
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
