package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// Who comes next whom something concerns is never passed over: whatever people
// chose, it is the first of them, or somebody before him.
func TestNextConcerned(t *testing.T) {
	s := newStore(t)
	r := rand.New(rand.NewPCG(1, 2))
	components := []string{"login", "deposits", "withdrawals"}
	var all []people.Subscriber
	for chat := int64(1); chat <= 400; chat++ {
		p := people.Subscriber{Chat: chat, Language: []string{"en", "zh-Hans"}[r.IntN(2)], Impact: incident.Impacts[r.IntN(4)], All: r.IntN(8) == 0}
		for _, c := range components {
			if !p.All && r.IntN(6) == 0 {
				p.Components = append(p.Components, c)
			}
		}
		if r.IntN(10) == 0 {
			p.Incidents = []string{"INC-7", "INC-12"}[r.IntN(2):]
		}
		all = append(all, p)
	}
	if _, err := s.ImportSubscribers(t.Context(), "other", all[:50]); err != nil { // who are none of ours
		t.Fatal(err)
	}
	s.mustPut(t, all...)
	all = s.mustSubscribers(t, "tg")
	for range 100 {
		i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: []int{7, 12, 13}[r.IntN(3)]}, Impact: incident.Impacts[r.IntN(4)]}
		if n := r.IntN(4); n < 3 {
			i.Components = map[string]incident.ComponentState{components[n]: incident.MajorOutage}
		}
		language := []string{"", "en", "zh-Hans"}[r.IntN(3)]
		concerned := func(s *people.Subscriber) bool {
			return s.Concerned(i) && (language == "" || s.Language == language)
		}
		place, want, found := all[0].ID-1+r.Int64N(450), int64(0), false
		for k := range all {
			if s := &all[k]; s.ID > place && concerned(s) {
				want, found = s.ID-1, true
				break
			}
		}
		next, ok, err := s.NextConcerned(t.Context(), "tg", place, concerned)
		if next != want || ok != found || err != nil {
			t.Fatalf("after %d comes %d, %v, %v; want %d, %v (%+v, language %q)", place, next, ok, err, want, found, i, language)
		}
	}
}

// Who chose very much is never passed over: his choice is longer than what is
// known of his kind, and than an entry of an index may be.
func TestNextConcernedOfALongChoice(t *testing.T) {
	s := newStore(t)
	p := people.Subscriber{Chat: 1, Language: "en", Impact: incident.ImpactNone}
	for n := range 300 {
		p.Components = append(p.Components, fmt.Sprintf("c-%x-%x", n*7919, n*104729))
	}
	p.Components = append(p.Components, "login")
	s.mustPut(t, p)
	i := &incident.Incident{Impact: incident.Major, Components: map[string]incident.ComponentState{"login": incident.MajorOutage}}
	next, ok, err := s.NextConcerned(t.Context(), "tg", 0, func(s *people.Subscriber) bool { return s.Concerned(i) })
	if next != s.mustSubscribers(t, "tg")[0].ID-1 || !ok || err != nil {
		t.Errorf("next is %d, %v, %v", next, ok, err)
	}
}

// Where there are very many kinds, the next is whoever comes next.
func TestNextConcernedOfManyKinds(t *testing.T) {
	s := newStore(t)
	var list []people.Subscriber
	for chat := range int64(maxKinds + 10) {
		list = append(list, people.Subscriber{Chat: chat + 1, Language: "en", Impact: incident.ImpactNone, Components: []string{fmt.Sprint("c", chat)}})
	}
	if _, err := s.ImportSubscribers(t.Context(), "tg", list); err != nil {
		t.Fatal(err)
	}
	nobody := func(*people.Subscriber) bool { return false }
	first := s.mustSubscribers(t, "tg")[0].ID
	if next, ok, err := s.NextConcerned(t.Context(), "tg", first+4, nobody); next != first+4 || !ok || err != nil {
		t.Errorf("next is %d, %v, %v", next, ok, err)
	}
	if next, ok, err := s.NextConcerned(t.Context(), "tg", first+int64(len(list)), nobody); ok || err != nil {
		t.Errorf("after the last comes %d, %v, %v", next, ok, err)
	}
}

// The next of each kind is found by the index of kinds, and nothing is sorted.
func TestKindsAreLookedUp(t *testing.T) {
	s := newStore(t)
	explain, uses, alone := `EXPLAIN QUERY PLAN `, "SEARCH subscriber USING COVERING INDEX subscriber_kind (bot=?", "SEARCH subscriber"
	if s.path == "" {
		explain, uses, alone = `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) `, "Index Scan using subscriber_kind", " on subscriber"
	}
	err := s.change(t.Context(), func(tx *tx) error {
		if err := tx.run(t.Context(), `INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed)
			WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 5000) SELECT 'tg', k, 'en', 0, '', '', 0, 0 FROM n`); err != nil {
			return err
		}
		return tx.run(t.Context(), `ANALYZE`)
	})
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	rows, err := s.read.QueryContext(t.Context(), explain+nextOfKinds, "tg", "tg", "tg", 7, 1000)
	err = each(rows, err, func() error {
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		row := make([]any, len(columns))
		for k := range row {
			row[k] = new(any)
		}
		err = rows.Scan(row...)
		plan = append(plan, fmt.Sprint(*row[len(row)-1].(*any)))
		return err
	})
	all := strings.Join(plan, "\n")
	if err != nil || strings.Count(all, uses) != 3 || strings.Count(all, alone) != 3 || strings.Contains(all, "Sort") || strings.Contains(all, "TEMP B-TREE") {
		t.Errorf("%v\n%s", err, all)
	}
}

// A change of the tables that takes long is said while it goes on.
func TestAChangeOfTheTablesThatTakesLongIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []string
		s := &Store{slow: func(change string) { said = append(said, change) }}
		for _, took := range []time.Duration{time.Second, time.Minute} {
			err := s.slowly(took.String(), func() error {
				time.Sleep(took)
				synctest.Wait()
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
		if len(said) != 1 || said[0] != "1m0s" {
			t.Errorf("said %q", said)
		}
	})
}
