package store

import (
	"fmt"
	"testing"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/people"
)

// TestLate checks that those who are late in a round share one of their own, which
// goes back for whoever comes later and does not name again whom it has told, unless he
// is to be told once more.
func TestLate(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: -1, All: true}, people.Subscriber{Chat: -2, All: true}, people.Subscriber{Chat: -3, All: true}, people.Subscriber{Chat: -4, All: true})
	s.mustExcept(t)
	keep := func(c *people.Closing) {
		t.Helper()
		c.Batch.Walk, c.Batch.Kind, c.Batch.Update = 1, broadcast.Say, 1
		if err := s.change(t.Context(), func(tx *tx) error { return s.keepLate(t.Context(), tx, c) }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(late string) {
		t.Helper()
		again, err := s.Again(t.Context(), 2, 0, 10)
		if got := fmt.Sprint(again); err != nil || got != late {
			t.Errorf("late are %s, %v; want %s", got, err, late)
		}
	}
	keep(&people.Closing{Batch: &people.Batch{Round: 1}, Late: []int64{2}})
	want("[2]")
	keep(&people.Closing{Batch: &people.Batch{Round: 1}, Late: []int64{1, 3, 4}})
	want("[1 2 3 4]")
	keep(&people.Closing{Resent: []int64{4}, Batch: &people.Batch{Round: 2, Again: true, People: []people.Person{
		{Subscriber: 1, Result: people.Late}, {Subscriber: 2, Result: people.Unsure}, {Subscriber: 3}, {Subscriber: 4, Result: people.Unsure}}}})
	want("[1 3 4]")
	var rounds, start, place int64
	row := s.read.QueryRowContext(t.Context(), `SELECT count(*), max(start), max(place) FROM walk_round WHERE again = 1`)
	if err := row.Scan(&rounds, &start, &place); err != nil || rounds != 1 || start != 4 || place != 0 {
		t.Errorf("%d rounds, from %d to %d, %v; want one from 0 to 4", rounds, place, start, err)
	}
	if err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{-3}, func(people.Subscriber) *people.Subscriber { return nil }); err != nil {
		t.Fatal(err)
	}
	want("[1 4]")
}

// TestLateAfterNoAnswer checks that somebody who was sent a message without an answer
// and is then late is unsure in the end only where the round of the late did not tell
// him either.
func TestLateAfterNoAnswer(t *testing.T) {
	for result, want := range map[people.Result]string{people.Told: "0 0", people.Late: "0 1"} {
		s := newStore(t)
		s.mustPut(t, people.Subscriber{Chat: -1, All: true})
		w, lease := aWalk(t, s)
		first := &w.Rounds[0]
		closing := func(round int64, c people.Closing) {
			t.Helper()
			c.Batch = &people.Batch{Walk: w.ID, Round: round, Kind: broadcast.Say, Update: 1, Again: round != first.ID, People: []people.Person{{Subscriber: 1, Result: result}}}
			s.mustWalk(t, lease, people.Step{Close: []*people.Closing{&c}})
		}
		closing(first.ID, people.Closing{Resent: []int64{1}})
		closing(first.ID, people.Closing{Late: []int64{1}})
		walks, err := s.Walks(t.Context(), audience.Name)
		if err != nil || len(walks[0].Rounds) != 2 {
			t.Fatalf("%+v, %v: want a round of the late", walks, err)
		}
		late := &walks[0].Rounds[1]
		closing(late.ID, people.Closing{})
		first.State, late.State = people.RoundDone, people.RoundSuperseded
		s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{first, late}})
		if walks, err = s.Walks(t.Context(), audience.Name); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(walks[0].Rounds[0].Unsure, walks[0].Rounds[1].Unsure); got != want {
			t.Errorf("where he is %d by the round of the late, %s are unsure in the two, want %s", result, got, want)
		}
	}
}
