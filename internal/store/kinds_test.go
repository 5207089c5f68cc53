package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/internal/store/storetest"
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

// inManyWays are people of whom each chose something else.
func inManyWays(n int) (list []people.Subscriber) {
	for k := range n {
		list = append(list, people.Subscriber{Chat: int64(k + 1), Language: "en", Impact: incident.ImpactNone, Components: []string{fmt.Sprint("c", k)}})
	}
	return list
}

// Among very many kinds the one whom something concerns is found; where it
// concerns very many, somebody before the first of them.
func TestNextConcernedOfManyKinds(t *testing.T) {
	s := newStore(t)
	if _, err := s.ImportSubscribers(t.Context(), "tg", inManyWays(2500)); err != nil {
		t.Fatal(err)
	}
	first := s.mustSubscribers(t, "tg")[0].ID
	s.wantNext(t, first+4, chose("c2400"), first+2399)
	s.wantNext(t, first+2400, chose("c2400"), -1)
	s.wantNext(t, first+4, chose(), -1)
	everybody := func(*people.Subscriber) bool { return true }
	s.wantNext(t, first+4, everybody, first+4)
	s.wantNext(t, first+2498, everybody, first+2498)
	s.wantNext(t, first+2499, everybody, -1)
	s.kinds.room = 1000
	if err := s.readKinds(t.Context(), "tg"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s.wantNext(t, first+4, chose("c2400"), first+4) // there is no room to know them
		s.wantNext(t, first+2499, chose("c2400"), -1)
	}
}

// chose is who chose one of these components.
func chose(components ...string) func(*people.Subscriber) bool {
	return func(s *people.Subscriber) bool {
		return slices.ContainsFunc(s.Components, func(c string) bool { return slices.Contains(components, c) })
	}
}

// wantNext checks who comes next; -1 is nobody.
func (s *Store) wantNext(t *testing.T, place int64, concerned func(*people.Subscriber) bool, want int64) {
	t.Helper()
	next, ok, err := s.NextConcerned(t.Context(), "tg", place, concerned)
	if !ok {
		next = -1
	}
	if next != want || err != nil {
		t.Errorf("after %d comes %d, %v; want %d", place, next, err, want)
	}
}

// chooses has a subscriber choose these components.
func (s *Store) chooses(t *testing.T, chat int64, components ...string) {
	t.Helper()
	err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{chat}, func(was people.Subscriber) *people.Subscriber {
		was.Language, was.Impact, was.Components = "en", incident.ImpactNone, components
		return &was
	})
	if err != nil {
		t.Error(err)
	}
}

// twoServers are two of one database, or twice the same where it has only one.
func twoServers(t *testing.T) (s, other *Store) {
	t.Helper()
	url := storetest.URL(t)
	s = mustOpenURL(t, url)
	other = s
	if storetest.IsPostgres() {
		other = mustOpenURL(t, url)
	}
	return s, other
}

// What somebody just chose counts, whichever server heard it: also while a walk is
// under way that has read the kinds before.
func TestANewKindIsKnownAtOnce(t *testing.T) {
	s, other := twoServers(t)
	other.chooses(t, 1, "login")
	id := s.mustSubscribers(t, "tg")[0].ID
	s.wantNext(t, 0, chose("login"), id-1)
	s.wantNext(t, 0, chose("deposits"), -1)
	other.chooses(t, 1, "login", "deposits")
	s.wantNext(t, 0, chose("deposits"), id-1)
	s.chooses(t, 1, "deposits")
	s.wantNext(t, 0, chose("login"), -1)
	list := []people.Subscriber{{Chat: 2, Language: "en", Impact: incident.ImpactNone, Components: []string{"mail"}}}
	if _, err := other.ImportSubscribers(t.Context(), "tg", list); err != nil {
		t.Fatal(err)
	}
	next := s.mustSubscribers(t, "tg")[1].ID - 1
	s.wantNext(t, 0, chose("mail"), next)
	if err := other.MoveSubscriber(t.Context(), "tg", 2, 3); err != nil {
		t.Fatal(err)
	}
	s.wantNext(t, 0, chose("mail"), next)
	err := other.ChangeSubscribers(t.Context(), "tg", "", []int64{3}, func(people.Subscriber) *people.Subscriber { return nil })
	if err != nil {
		t.Fatal(err)
	}
	s.wantNext(t, 0, chose("mail"), -1)
}

// Somebody who changes his mind while a walk asks, about what does not matter
// now, is found.
func TestWhoChangesHisMindMeanwhileIsFound(t *testing.T) {
	s, other := twoServers(t)
	if _, err := s.ImportSubscribers(t.Context(), "tg", inManyWays(600)); err != nil {
		t.Fatal(err)
	}
	s.chooses(t, 1000, "login")
	want := s.mustSubscribers(t, "tg")[600].ID - 1
	for n := range 10 {
		asked := 0
		s.wantNext(t, 0, func(p *people.Subscriber) bool {
			if asked++; asked == 300 { // kinds are known, people are not asked for yet
				other.chooses(t, 1000, "login", fmt.Sprint("d", n))
			}
			return chose("login")(p)
		}, want)
	}
}

// Kinds are known as they are in the table of people, whatever happened there.
func TestKindsAreThoseOfPeople(t *testing.T) {
	s := newStore(t)
	r := rand.New(rand.NewPCG(3, 4))
	components := []string{"login", "deposits", "withdrawals"}
	for range 300 {
		chat := 1 + r.Int64N(12)
		var err error
		switch r.IntN(8) {
		case 0:
			err = s.MoveSubscriber(t.Context(), "tg", chat, 1+r.Int64N(12))
		case 1:
			err = s.MarkSubscriber(t.Context(), "tg", chat, people.Blocked, time.Now().Add(time.Hour))
		case 2:
			err = s.ChangeSubscribers(t.Context(), "tg", "", []int64{chat}, func(people.Subscriber) *people.Subscriber { return nil })
		case 3:
			_, err = s.ImportSubscribers(t.Context(), []string{"tg", "other"}[r.IntN(2)], []people.Subscriber{
				{Chat: chat, Language: "en", Impact: incident.Minor, All: true}, {Chat: chat%12 + 1, Language: "zh-Hans", Impact: incident.Minor}})
		default:
			s.chooses(t, chat, components[:r.IntN(4)]...)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.wantKindsOfPeople(t)
	}
}

func (s *Store) wantKindsOfPeople(t *testing.T) {
	t.Helper()
	are, err := texts(s.read.QueryContext(t.Context(), `SELECT bot || ' ' || name FROM audience_kind ORDER BY bot, name`))
	if err != nil {
		t.Fatal(err)
	}
	want, err := texts(s.read.QueryContext(t.Context(), `SELECT DISTINCT bot || ' ' || `+kindOf+` AS kind FROM subscriber`))
	if slices.Sort(want); err != nil || !slices.Equal(are, want) {
		t.Fatalf("kinds are %q, %v; want %q", are, err, want)
	}
}

// A database from before is told of which kinds its people are.
func TestKindsOfWhoWasThereBefore(t *testing.T) {
	s := newStore(t)
	drop := `DROP TRIGGER kind_comes; DROP TRIGGER kind_changes; DROP TRIGGER kind_goes; `
	if s.path == "" {
		drop = `DROP FUNCTION kind_comes, kind_changes, kind_goes CASCADE; `
	}
	err := s.change(t.Context(), func(tx *tx) error {
		return tx.script(t.Context(), drop+`DROP TABLE audience_kind; DELETE FROM migration WHERE name LIKE '%kinds_known%'`)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bot := range []string{"a", "tg", "z"} {
		if _, err := s.ImportSubscribers(t.Context(), bot, inManyWays(20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wantKindsOfPeople(t)
	s.wantNext(t, 0, chose("c7"), s.mustSubscribers(t, "tg")[7].ID-1)
}

// A standby that takes over may give an id again for a kind that is new.
func TestKindsOfAnotherHistory(t *testing.T) {
	s := newStore(t)
	s.chooses(t, 1, "login")
	s.chooses(t, 2, "deposits")
	s.wantNext(t, 0, chose("mail"), -1)
	err := s.change(t.Context(), func(tx *tx) error {
		return errors.Join(tx.run(t.Context(), `UPDATE subscriber SET components = ' mail ' WHERE chat = 2`),
			tx.run(t.Context(), `UPDATE audience_kind SET id = id - 1 WHERE name LIKE '%mail%'`))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.wantNext(t, 0, chose("mail"), s.mustSubscribers(t, "tg")[1].ID-1)
}

// Where kinds come and go, not all that ever were are remembered.
func TestKindsThatAreGoneAreForgotten(t *testing.T) {
	s := newStore(t)
	s.kinds.fresh = 100
	for n := range 50 {
		s.chooses(t, 1, fmt.Sprint("c", n))
		s.wantNext(t, 0, chose("login"), -1)
		if n := s.kinds.of["tg"].bytes; n > 350 {
			t.Fatalf("%d bytes of one kind", n)
		}
	}
}

// A kind is known by the name that it has in the table, whatever its people chose.
func TestKindsKeepTheirNames(t *testing.T) {
	var many, long []string
	for n := range 150 {
		many, long = append(many, string(rune('a'+n%26))), append(long, fmt.Sprint("component-", n))
	}
	names := []string{"en/9//", "en/x//", "en/0/INC-1/", "en/0// login", "en/0//login", "en//", "en/0///", "/0// / "}
	for _, p := range []people.Subscriber{
		{All: true}, {Language: "zh-Hans", Impact: incident.Critical}, {Language: "en", Impact: incident.Minor, Components: []string{"login", "en", "login"}},
		{Language: "en", All: true, Incidents: []string{"INC-7", "MNT-12"}}, {Components: many, Incidents: many}, {Components: long},
	} {
		names = append(names, kindName(&p))
	}
	var k kinds
	var who people.Subscriber
	page, rest := "", ""
	for _, name := range names {
		page += string(k.pack(nil, name))
	}
	for n, want := range names {
		name := ""
		if name, rest = k.unpack(page, &who); n > 7 && n < 12 && name != "" || name == "" && kindName(&who) != want || name != "" && name != want {
			t.Errorf("%q is %q, %+v", want, name, who)
		}
		page = rest
	}
	if page != "" {
		t.Errorf("%q is left", page)
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
	all := s.plan(t, explain+firstOf(4), "tg", 7, "en/0//", "en/1//", "en/2//", "en/3//")
	if strings.Count(all, uses) != 1 || strings.Count(all, alone) != 1 || strings.Contains(all, "Sort") || strings.Contains(all, "TEMP B-TREE") {
		t.Error(all)
	}
	if all := s.plan(t, explain+`SELECT id FROM subscriber WHERE bot = ? AND `+kindOf+` = ? ORDER BY id + 0 LIMIT 1`, "tg", "en/0//"); !strings.Contains(all, "subscriber_kind") { // as triggers ask
		t.Error(all)
	}
}

// plan is how a query is carried out.
func (s *Store) plan(t *testing.T, query string, args ...any) string {
	t.Helper()
	var plan []string
	rows, err := s.read.QueryContext(t.Context(), query, args...)
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
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
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
