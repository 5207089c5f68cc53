// Package incident holds the words and the pure rules of incident
// communication: kinds, statuses, impacts, references, the record of what was
// said, and the grammar in which operators say it. It does no I/O and never
// asks for the time.
package incident

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Kind is what the public is told about.
type Kind string

// The kinds. A drill is one of these with Incident.Drill set.
const (
	Outage      Kind = "incident"
	Maintenance Kind = "maintenance"
	Notice      Kind = "notice" // a clarification, for example of a rumour
)

// Kinds lists all kinds.
var Kinds = []Kind{Outage, Maintenance, Notice}

// A Status is where an incident, maintenance or notice stands. The words are
// those of Statuspage. Any status of a kind may follow any other: real
// incidents go back.
type Status string

// The statuses.
const (
	Investigating Status = "investigating"
	Identified    Status = "identified"
	Monitoring    Status = "monitoring"
	Resolved      Status = "resolved"
	Postmortem    Status = "postmortem"

	Scheduled  Status = "scheduled"
	InProgress Status = "in_progress"
	Verifying  Status = "verifying"
	Completed  Status = "completed"

	Published Status = "published"
	Closed    Status = "closed"
)

// Statuses returns the statuses of a kind in their usual order.
func (k Kind) Statuses() []Status {
	switch k {
	case Maintenance:
		return []Status{Scheduled, InProgress, Verifying, Completed}
	case Notice:
		return []Status{Published, Closed}
	default:
		return []Status{Investigating, Identified, Monitoring, Resolved, Postmortem}
	}
}

// First is the status with which a kind begins.
func (k Kind) First() Status { return k.Statuses()[0] }

// Has reports whether s is a status of the kind.
func (k Kind) Has(s Status) bool { return slices.Contains(k.Statuses(), s) }

// Ended reports whether the status is an all clear: what began is over.
func (s Status) Ended() bool {
	return s == Resolved || s == Postmortem || s == Completed || s == Closed
}

// An Impact is how bad it is.
type Impact string

// The impacts, from Statuspage.
const (
	ImpactNone Impact = "none"
	Minor      Impact = "minor"
	Major      Impact = "major"
	Critical   Impact = "critical"
)

// Impacts lists the impacts, least first.
var Impacts = []Impact{ImpactNone, Minor, Major, Critical}

// Compare is positive where i is worse than other, negative where it is less, and
// 0 where they are the same.
func (i Impact) Compare(other Impact) int {
	return slices.Index(Impacts, i) - slices.Index(Impacts, other)
}

// Worse reports whether i is worse than other.
func (i Impact) Worse(other Impact) bool { return i.Compare(other) > 0 }

// A ComponentState is how a part of the service does.
type ComponentState string

// The component states, from Statuspage.
const (
	Operational         ComponentState = "operational"
	DegradedPerformance ComponentState = "degraded_performance"
	PartialOutage       ComponentState = "partial_outage"
	MajorOutage         ComponentState = "major_outage"
	UnderMaintenance    ComponentState = "under_maintenance"
)

// ComponentStates lists the states, best first.
var ComponentStates = []ComponentState{Operational, DegradedPerformance, PartialOutage, MajorOutage, UnderMaintenance}

// A Ref names an incident: INC-12, MNT-3, NTC-5 or DRL-4.
type Ref struct {
	Prefix string // INC, MNT, NTC or DRL
	Number int
}

// String is the form in which people see it.
func (r Ref) String() string { return fmt.Sprintf("%s-%d", r.Prefix, r.Number) }

// Prefix returns the prefix of references of a kind.
func Prefix(k Kind, drill bool) string {
	switch {
	case drill:
		return "DRL"
	case k == Maintenance:
		return "MNT"
	case k == Notice:
		return "NTC"
	default:
		return "INC"
	}
}

var refForm = regexp.MustCompile(`^(?i)(INC|MNT|NTC|DRL)-?([1-9][0-9]{0,8})(?:[/／]([1-9][0-9]{0,5}))?$`)

// ParseRef reads a reference as people type it: INC-12, inc12. Case is free.
func ParseRef(s string) (Ref, error) {
	ref, n, err := ParseUpdateRef(s)
	if err == nil && n != 0 {
		err = fmt.Errorf("%q names an update: write %s for the incident", s, ref)
	}
	return ref, err
}

// ParseUpdateRef reads a reference to an update, INC-12/3. The number is 0
// when there is none.
func ParseUpdateRef(s string) (Ref, int, error) {
	if strings.TrimSpace(s) == "" {
		return Ref{}, 0, errors.New("there is no reference: write it like INC-12 or INC-12/3")
	}
	m := refForm.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil {
		return Ref{}, 0, fmt.Errorf("%q is not a reference: write it like INC-12 or INC-12/3", s)
	}
	number, _ := strconv.Atoi(m[2])
	update, _ := strconv.Atoi(m[3])
	return Ref{Prefix: strings.ToUpper(m[1]), Number: number}, update, nil
}

// Usual is the state of a component that something of this kind and impact
// names without saying how it does.
func (k Kind) Usual(i Impact) ComponentState {
	if k == Maintenance {
		return UnderMaintenance
	}
	return i.Component()
}

// Component is the state of a component that an incident of this impact
// names without saying how it does.
func (i Impact) Component() ComponentState {
	switch i {
	case Critical, Major:
		return MajorOutage
	case ImpactNone:
		return Operational
	default:
		return DegradedPerformance
	}
}

// OneOf lists what may be written: "a, b or c".
func OneOf[T ~string](all []T) string {
	var b strings.Builder
	for i, one := range all {
		switch {
		case i == 0:
		case i == len(all)-1:
			b.WriteString(" or ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(string(one))
	}
	return b.String()
}
