package people

import (
	"slices"

	"github.com/allclear-hq/allclear/internal/incident"
)

// A State is whether a subscriber is written to.
type State int

// The states. Their numbers are kept in the store.
const (
	Active  State = iota
	Stopped       // said so: no import takes it back
	Blocked       // blocked the bot, or threw it out
	Gone          // the account or the group is no more
)

// String names a state for those who count.
func (s State) String() string {
	switch s {
	case Active:
		return "active"
	case Stopped:
		return "stopped"
	case Blocked:
		return "blocked"
	}
	return "gone"
}

// edited reports whether the messages that a subscriber has are still changed.
// Who stopped is sent nothing any more, but what he has is not to stay wrong.
func (s State) edited() bool { return s == Active || s == Stopped }

// A Subscriber is a chat that gets what concerns it.
type Subscriber struct {
	ID         int64 // in the order of subscribing; 0 while it is not stored
	Chat       int64 // negative for groups
	Topic      int64 // of a group, in which it subscribed; 0 for none, or the general one
	Language   string
	Impact     incident.Impact // the least that concerns it
	All        bool            // all components, those to come included
	Components []string        // otherwise these
	Incidents  []string        // references of single incidents that are followed besides
	State      State

	// Came says, while he is heard, that he has just asked to be written to. An
	// older refusal no longer counts then.
	Came bool

	// Unsaid is, while he is read from a list, what that says nothing about. It is
	// as usual where he is new, and otherwise stays.
	Unsaid Unsaid
}

// Unsaid names columns that a list leaves out or empty.
type Unsaid struct{ Language, Impact, Components, Topic bool }

// Since is a subscriber of a list who was already there.
func (s Subscriber) Since(was Subscriber) Subscriber {
	s.ID, s.Incidents = was.ID, was.Incidents
	if s.Unsaid.Language {
		s.Language = was.Language
	}
	if s.Unsaid.Impact {
		s.Impact = was.Impact
	}
	if s.Unsaid.Components {
		s.All, s.Components = was.All, was.Components
	}
	if s.Unsaid.Topic {
		s.Topic = was.Topic
	}
	return s
}

// known reports whether anything is kept of the chat: whoever subscribed has
// said, or been given, a least impact.
func (s *Subscriber) known() bool { return s.Impact != "" }

// Concerned reports whether something said about i concerns a subscriber:
// what happens to a component of his, or to all, and is bad enough; and
// whatever he follows by reference. A notice is said to everybody, however
// little impact it has. Whether drills are for this audience is not asked
// here.
func (s *Subscriber) Concerned(i *incident.Incident) bool {
	switch {
	case len(s.Incidents) > 0 && slices.Contains(s.Incidents, i.Ref.String()):
		return true
	case i.Kind != incident.Notice && s.Impact.Worse(i.Impact):
		return false
	case s.All || len(i.Components) == 0:
		return s.All || len(s.Components) > 0
	}
	for _, id := range s.Components {
		if _, ok := i.Components[id]; ok {
			return true
		}
	}
	return false
}
