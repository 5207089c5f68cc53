package incident

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/width"
)

// A Scope is a change of what is affected and how badly. Zero fields leave
// things as they are.
type Scope struct {
	Impact     Impact                    `json:"impact,omitempty"`
	Components map[string]ComponentState `json:"components,omitempty"`
	By         string                    `json:"by,omitempty"` // who said so, while it waits for the next update
	At         time.Time                 `json:"at,omitzero"`
}

// Empty reports whether nothing changes.
func (s Scope) Empty() bool { return s.Impact == "" && len(s.Components) == 0 }

// Equal reports whether both change the same.
func (s Scope) Equal(o Scope) bool {
	return s.Impact == o.Impact && maps.Equal(s.Components, o.Components)
}

// Over is s where it says something, and otherwise what is below it.
func (s Scope) Over(below Scope) Scope {
	if s.Impact == "" {
		s.Impact = below.Impact
	}
	all := maps.Clone(below.Components)
	if all == nil {
		all = map[string]ComponentState{}
	}
	maps.Copy(all, s.Components)
	s.Components = all
	return s
}

// News is what of s is not so already. Components that were only named get the
// state that fits the impact.
func (s Scope) News(i *Incident) Scope {
	impact := i.Impact
	if s.Impact != "" {
		impact = s.Impact
	}
	if s.Impact == i.Impact {
		s.Impact = ""
	}
	changed := map[string]ComponentState{}
	for id, state := range s.Components {
		if state == "" {
			state = i.Kind.Usual(impact)
		}
		was, affected := i.Components[id]
		if state != was && (affected || state != Operational) {
			changed[id] = state
		}
	}
	s.Components = changed
	return s
}

// String is the change as people read it: critical, deposits partial outage.
func (s Scope) String() string {
	var parts []string
	if s.Impact != "" {
		parts = append(parts, string(s.Impact))
	}
	for _, id := range slices.Sorted(maps.Keys(s.Components)) {
		parts = append(parts, id+" "+strings.ReplaceAll(string(s.Components[id]), "_", " "))
	}
	return strings.Join(parts, ", ")
}

// stateWords are the component states as people type them, in their full and
// short forms.
var stateWords = map[string]ComponentState{
	"operational": Operational, "ok": Operational, "up": Operational,
	"degraded_performance": DegradedPerformance, "degraded": DegradedPerformance, "slow": DegradedPerformance,
	"partial_outage": PartialOutage, "partial": PartialOutage,
	"major_outage": MajorOutage, "major": MajorOutage, "down": MajorOutage,
	"under_maintenance": UnderMaintenance, "maintenance": UnderMaintenance,
}

// ParseScope reads the closed words of a change: an impact, and components as
// +deposits (or only deposits), login=partial, -card. A component that is only
// named has no state yet: [Scope.News] gives it the usual one. component finds
// the id that a person means.
func ParseScope(typed []string, component func(word string) (id string, ok bool)) (Scope, error) {
	s := Scope{Components: map[string]ComponentState{}}
	for _, word := range typed {
		plain := strings.ToLower(width.Fold.String(word))
		if impact := Impact(plain); impact.Valid() {
			if s.Impact != "" && s.Impact != impact {
				return Scope{}, &TwoImpacts{s.Impact, impact}
			}
			s.Impact = impact
			continue
		}
		name, state, err := scopeWord(plain)
		if err != nil {
			return Scope{}, err
		}
		id, ok := component(name)
		if !ok {
			return Scope{}, &UnknownWord{word}
		}
		if was, twice := s.Components[id]; twice && was != state {
			return Scope{}, fmt.Errorf("%s is given two states: give one", id)
		}
		s.Components[id] = state
	}
	return s, nil
}

// An UnknownWord is the error for a closed word that means nothing here.
type UnknownWord struct{ Word string }

func (e *UnknownWord) Error() string {
	return fmt.Sprintf("%q is neither an impact nor a component", e.Word)
}

// TwoImpacts is the error for closed words with more than one impact.
type TwoImpacts struct{ One, Other Impact }

func (e *TwoImpacts) Error() string {
	return fmt.Sprintf("there are two impacts, %s and %s: give one", e.One, e.Other)
}

// scopeWord takes +deposits, login=partial or -card apart.
func scopeWord(word string) (name string, state ComponentState, err error) {
	name, given, stated := strings.Cut(word, "=")
	if stated && name != "" {
		if state = stateWords[given]; state == "" {
			return "", "", fmt.Errorf("%q is no state of %s: use ok, degraded, partial, major or maintenance", given, name)
		}
	}
	switch {
	case name == "":
		name = word
	case strings.HasPrefix(name, "+"):
		name = name[1:]
	case strings.HasPrefix(name, "-") && stated:
		return "", "", fmt.Errorf("%q both takes a component away and gives it a state: give one", word)
	case strings.HasPrefix(name, "-"):
		name, state = name[1:], Operational
	}
	return name, state, nil
}
