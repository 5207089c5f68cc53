package store

import (
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// asked carries out a command of an admin about channel x and an audience, and returns
// what is asked or refused.
func (s *Store) asked(t *testing.T, c desk.Command) string {
	t.Helper()
	d := desk.New(desk.Config{Store: s, Channels: []broadcast.Channel{xChannel, audience}})
	_, err := d.Do(t.Context(), desk.Actor{Name: "Ana", Role: desk.Admin}, "", c)
	if refusal, ok := desk.AsRefusal(err); ok {
		return refusal.Text
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// walked stores an incident of two updates of which an audience is to be told. Where
// rounds have begun, there is nothing more to do for now.
func (s *Store) walked(t *testing.T, lease broadcast.Lease, rounds ...people.Round) *incident.Incident {
	t.Helper()
	i := anIncident()
	i.Say(incident.Saying{Body: incident.Text{"en": "It is a disk."}}, "Ana", nil, noon)
	s.mustChange(t, func(tx desk.Tx) error {
		if err := tx.Create(i); err != nil {
			return err
		}
		return tx.Announce(i.Ref, audience, 2)
	})
	step := people.Step{Walk: s.walkOf(t, i), Idle: len(rounds) > 0}
	for k := range rounds {
		step.Rounds = append(step.Rounds, &rounds[k])
	}
	s.mustWalk(t, lease, step)
	return i
}

func (s *Store) walkOf(t *testing.T, i *incident.Incident) *people.Walk {
	t.Helper()
	walks, err := s.WalksOf(t.Context(), i.Ref)
	if err != nil {
		t.Fatal(err)
	}
	return walks[audience.Name]
}

// corrected gives an update other words.
func (s *Store) corrected(t *testing.T, i *incident.Incident, n int) {
	t.Helper()
	u := i.Update(n)
	u.Revisions = append(u.Revisions, incident.Revision{Title: u.Newest().Title, Body: incident.Text{"en": "It is none."}, Author: "Ana", At: noon.Add(time.Minute)})
	s.mustChange(t, func(tx desk.Tx) error { return tx.Revise(i, n) })
}

var (
	told    = people.Round{Kind: broadcast.Say, Update: 2, State: people.RoundDone}
	telling = people.Round{Kind: broadcast.Say, Update: 2, State: people.RoundOpen}
)

// What an audience was told is neither asked about nor dropped. What was found wrong
// with it cannot be chosen, so that it is dropped only with all.
func TestReleaseOfAnAudienceThatWasTold(t *testing.T) {
	for name, test := range map[string]struct {
		corrected, chosen bool
		want              [3]int // up to which update each of three incidents is dropped
	}{
		"told, drop":          {false, false, [3]int{0, 2, 2}},
		"told, chosen":        {false, true, [3]int{0, 0, 2}},
		"found wrong, drop":   {true, false, [3]int{2, 2, 2}},
		"found wrong, chosen": {true, true, [3]int{0, 0, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			lease := s.mustClaim(t, audience.Account)
			all := []*incident.Incident{s.walked(t, lease, told), s.walked(t, lease), s.walked(t, lease)}
			if test.corrected {
				s.corrected(t, all[0], 2)
			}
			s.asked(t, desk.Stop{Scope: "people", Reason: "why"})
			if got := s.asked(t, desk.Release{Scope: "people"}); !strings.Contains(got, "holds people 2: what") {
				t.Errorf("asked is %q", got)
			}
			c := desk.Release{Scope: "people", Release: "drop"}
			if test.chosen {
				c = desk.Release{Scope: "people", Choose: []string{s.walkOf(t, all[1]).Deliveries("people")[0].ID}}
			}
			if got := s.asked(t, c); got != "" {
				t.Fatal(got)
			}
			for k, i := range all {
				if got := s.walkOf(t, i).Dropped; got != test.want[k] {
					t.Errorf("incident %d is dropped up to %d, want %d", k+1, got, test.want[k])
				}
			}
		})
	}
}

// A freeze asks about what it holds itself, and counts each update once.
func TestReleaseAsksAboutItsOwn(t *testing.T) {
	s := newStore(t)
	aLane(t, s)
	lease := s.mustClaim(t, audience.Account)
	i := s.walked(t, lease, telling, people.Round{Kind: broadcast.Correct, Update: 1, Revision: 2, State: people.RoundOpen},
		people.Round{Kind: broadcast.Correct, Update: 2, Revision: 2, State: people.RoundOpen})
	s.corrected(t, i, 1)
	s.corrected(t, i, 2)
	for _, scope := range []string{"people", "x"} {
		s.asked(t, desk.Stop{Scope: scope, Reason: "why"})
	}
	for scope, want := range map[string]string{"people": "holds people 2: what", "x": "holds x 1: what"} {
		if got := s.asked(t, desk.Release{Scope: scope}); !strings.Contains(got, want) {
			t.Errorf("of %s, asked is %q, want %q", scope, got, want)
		}
	}
}
