package incident

import "time"

// The texts that nobody types. The first three are approved beforehand.
const (
	AckPhrase        = "ack"         // first words; their first line is the title
	HoldPhrase       = "hold"        // we are still working on it
	FalseAlarmPhrase = "false_alarm" // it was no incident
	ScopePhrase      = "scope"       // what is affected has changed
	MovedPhrase      = "moved"       // the next update comes at another time
)

// ApprovedPhrases lists those that nobody else has to agree to.
var ApprovedPhrases = []string{AckPhrase, HoldPhrase, FalseAlarmPhrase}

// A Phrase is what a text that nobody types is about.
type Phrase struct {
	Components        []string     // names of what is affected
	States            []NamedState // of the components that changed
	Impact, WasImpact Impact       // both, where it changed
	At                time.Time    // when it is said
	Next, Was         time.Time    // the promise and the one before; zero for none
	Zone              *time.Location
}

// A NamedState is how a component does, by the name that people read.
type NamedState struct {
	Name  string
	State ComponentState
}
