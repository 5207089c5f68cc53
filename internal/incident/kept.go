package incident

import (
	"fmt"
	"strings"
	"time"
)

// A PromiseState is what became of a promise.
type PromiseState string

// The states of a promise. One that was broken stays so, however it was moved
// afterwards.
const (
	Kept   PromiseState = "kept"   // something was said in time
	Broken PromiseState = "broken" // nothing was
	Moved  PromiseState = "moved"  // in time, but only another time was said
	Open   PromiseState = "open"   // it is not due yet
)

// A Promising is an update as far as promises go.
type Promising struct {
	At    time.Time // when it was said; zero where that is not known
	Due   time.Time // of the next one; zero promises nothing
	Moves bool      // it says nothing but another time
}

// A Judged is a promise and what became of it.
type Judged struct {
	By    int // index of the update that promised; the next one is what came
	Came  bool
	State PromiseState
	Late  time.Duration // of a broken promise; where nothing came, up to now
}

// JudgePromises compares each promise with the next update, as of a time.
func JudgePromises(said []Promising, now time.Time) (out []Judged) {
	for i, u := range said {
		if u.Due.IsZero() {
			continue
		}
		j := Judged{By: i, State: Open}
		end := now
		if i+1 < len(said) && !said[i+1].At.IsZero() {
			j.Came, j.State, end = true, Kept, said[i+1].At
			if said[i+1].Moves {
				j.State = Moved
			}
		}
		if end.After(u.Due) {
			j.State, j.Late = Broken, end.Sub(u.Due)
		}
		out = append(out, j)
	}
	return out
}

// Promises judges what the incident's updates promised, as of now or of its
// end.
func (i *Incident) Promises(now time.Time) []Judged {
	if !i.ResolvedAt.IsZero() {
		now = i.ResolvedAt
	}
	said := make([]Promising, len(i.Updates))
	for k, u := range i.Updates {
		said[k] = Promising{At: u.PublishedAt, Due: u.NextUpdate, Moves: u.Template == MovedPhrase}
	}
	return JudgePromises(said, now)
}

// A PromiseCount is how many promises there were of each state.
type PromiseCount map[PromiseState]int

// CountPromises counts what became of the incident's promises, as of now or of
// its end.
func (i *Incident) CountPromises(now time.Time) PromiseCount {
	n := PromiseCount{}
	for _, j := range i.Promises(now) {
		n[j.State]++
	}
	return n
}

// String is the count as people read it: 2 kept, 1 broken. It is empty where no
// promise was made.
func (n PromiseCount) String() string {
	var parts []string
	for _, state := range []PromiseState{Kept, Moved, Broken, Open} {
		if n[state] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[state], state))
		}
	}
	return strings.Join(parts, ", ")
}
