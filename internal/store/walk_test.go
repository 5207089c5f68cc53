package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

var audience = broadcast.Channel{Name: "people", Account: "tg", Audience: true}

// aWalk stores an incident that an audience is to be told of, and returns its
// walk, in which one round is open, and the lease of its account.
func aWalk(t *testing.T, s *Store) (*people.Walk, broadcast.Lease) {
	t.Helper()
	i := anIncident()
	s.mustChange(t, func(tx desk.Tx) error {
		if err := tx.Create(i); err != nil {
			return err
		}
		return tx.Announce(i.Ref, audience, 1)
	})
	walks, err := s.Walks(t.Context(), audience.Name)
	if err != nil || len(walks) != 1 {
		t.Fatalf("%d walks, %v", len(walks), err)
	}
	w, lease := walks[0], s.mustClaim(t, audience.Account)
	w.Rounds = append(w.Rounds, people.Round{Kind: broadcast.Say, Update: 1, State: people.RoundOpen})
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}})
	return w, lease
}

func (s *Store) mustWalk(t *testing.T, lease broadcast.Lease, step people.Step) {
	t.Helper()
	if err := s.Walk(t.Context(), lease, step); err != nil {
		t.Fatal(err)
	}
}

// mustTell opens a batch for everybody after lo up to hi, and closes it: all
// were told.
func (s *Store) mustTell(t *testing.T, lease broadcast.Lease, w *people.Walk, lo, hi int64) {
	t.Helper()
	var all []int64
	for id := lo + 1; id <= hi; id++ {
		all = append(all, id)
	}
	s.mustTellSome(t, lease, w, lo, hi, all)
}

// mustTellSome does the same where only some of them are told.
func (s *Store) mustTellSome(t *testing.T, lease broadcast.Lease, w *people.Walk, lo, hi int64, some []int64) {
	t.Helper()
	r := &w.Rounds[0]
	b := &people.Batch{Walk: w.ID, Round: r.ID, Kind: r.Kind, Update: 1, Revision: 1, Lo: lo, Hi: hi, At: noon}
	for _, id := range some {
		b.People = append(b.People, people.Person{Subscriber: id})
	}
	r.Place, r.Span = hi, max(r.Span, hi-lo)
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{r}, Open: b})
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{r}, Close: []*people.Closing{
		{Batch: b, Receipts: b.Planned(), People: len(b.People), Told: len(b.People), Passed: len(b.People)}}})
}

// Whoever was told is found, however receipts were put together: rows become
// wider than batches, and where people had to be passed over at first, one row
// lies within another.
func TestRowsThatLieWithinOthers(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	s.mustTell(t, lease, w, 10, 300)
	s.mustTell(t, lease, w, 300, 800) // becomes one row with that before
	s.mustTell(t, lease, w, 100, 400)
	for _, want := range []struct {
		lo, hi int64
		rows   int
	}{{0, 10, 0}, {0, 11, 1}, {20, 30, 1}, {99, 101, 2}, {150, 160, 2}, {390, 420, 2}, {400, 401, 1}, {799, 900, 1}, {800, 900, 0}} {
		rows, err := s.Rows(t.Context(), w, want.lo, want.hi)
		if err != nil || len(rows) != want.rows {
			t.Errorf("%d rows of people between %d and %d, want %d (%v)", len(rows), want.lo, want.hi, want.rows, err)
		}
	}
	for place, want := range map[int64]int64{0: 10, 10: 10, 50: 50, 100: 100, 500: 500, 799: 799, 800: -1} {
		next, ok, err := s.NextTold(t.Context(), w, place)
		if !ok {
			next = -1
		}
		if err != nil || next != want {
			t.Errorf("after %d people were told who begin after %d, want %d (%v)", place, next, want, err)
		}
	}
}

// Whoever is told next is found among people who were not told, whatever rows
// there are: they lie within others, begin or end alike, and have long stretches
// of people whom the news did not concern.
func TestTheNextWhoWasTold(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	const many = 400
	draw := rand.New(rand.NewPCG(1, 2))
	var told [many + 1]bool
	for range 40 {
		lo := draw.Int64N(many - 1)
		hi := min(lo+1+draw.Int64N(60), many)
		var some []int64
		for id := lo + 1; id <= hi; id++ {
			if draw.IntN(20) == 0 && !told[id] {
				told[id], some = true, append(some, id)
			}
		}
		if len(some) > 0 {
			s.mustTellSome(t, lease, w, lo, hi, some)
		}
	}
	for place := range int64(many + 1) {
		want := int64(-1)
		if k := slices.Index(told[min(place+1, many):], true); k >= 0 && place < many {
			want = place + int64(k)
		}
		next, ok, err := s.NextTold(t.Context(), w, place)
		if !ok {
			next = -1
		}
		if err != nil || next != want {
			t.Errorf("after %d people were told who begin after %d, want %d (%v)", place, next, want, err)
		}
	}
}

// What was found wrong before a walk's news were dropped is known also where that was
// before a database kept when. What is found wrong after the drop is owed.
func TestWhatWasDroppedBeforeThatWasKept(t *testing.T) {
	s := newStore(t)
	w, _ := aWalk(t, s)
	s.mustChange(t, func(tx desk.Tx) error { return tx.Audit(desk.Record{Verb: "unfreeze", At: noon}) })
	s.mustKeepNoDrops(t)
	walks, err := s.WalksOf(t.Context(), w.Incident.Ref)
	if err != nil || !walks[audience.Name].DroppedAt.Equal(noon) {
		t.Errorf("%+v, %v, want it dropped by %v", walks[audience.Name], err, noon)
	}
}

// mustKeepNoDrops makes the database one that did not keep when the first update was
// dropped, and has it brought up to date.
func (s *Store) mustKeepNoDrops(t *testing.T) {
	t.Helper()
	err := s.change(t.Context(), func(tx *tx) error {
		return tx.script(t.Context(), `ALTER TABLE walk DROP COLUMN dropped_at; UPDATE walk SET dropped = 1; DELETE FROM migration WHERE name LIKE '%dropped_at%'`)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A correction that people are being told goes on where the database was brought up
// to date meanwhile: what it corrects was said after the drop.
func TestACorrectionGoesOnAfterADropOfUnknownTime(t *testing.T) {
	s := newStore(t)
	w, lease := aWalk(t, s)
	i := &w.Incident
	i.Say(incident.Saying{Body: incident.Text{"en": "Still down."}}, "Ana", nil, noon)
	s.mustChange(t, func(tx desk.Tx) error { return errors.Join(tx.Save(i), tx.Announce(i.Ref, audience, 2)) })
	i.Update(2).Revisions = append(i.Update(2).Revisions, incident.Revision{Body: incident.Text{"en": "Half of it is down."}, At: noon.Add(time.Minute)})
	s.mustChange(t, func(tx desk.Tx) error {
		return errors.Join(tx.Revise(i, 2), tx.Audit(desk.Record{Verb: "correct", At: noon.Add(time.Minute)}))
	})
	w = s.mustLoadWalk(t, w)
	w.Rounds[0].State = people.RoundDone
	w.Rounds = append(w.Rounds, people.Round{Kind: broadcast.Say, Update: 2, State: people.RoundDone},
		people.Round{Kind: broadcast.Correct, Update: 2, Revision: 2, State: people.RoundOpen})
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0], &w.Rounds[1], &w.Rounds[2]}})
	s.mustKeepNoDrops(t)
	w = s.mustLoadWalk(t, w)
	w.Plan(people.Rules{}, noon.Add(2*time.Minute))
	if correction := w.Rounds[2]; correction.State != people.RoundOpen || len(w.Rounds) > 3 {
		t.Errorf("after it was dropped up to %d at %v the rounds are %+v", w.Dropped, w.DroppedAt, w.Rounds)
	}
}

// mustLoadWalk loads a walk as it is now.
func (s *Store) mustLoadWalk(t *testing.T, w *people.Walk) *people.Walk {
	t.Helper()
	walks, err := s.WalksOf(t.Context(), w.Incident.Ref)
	if err != nil {
		t.Fatal(err)
	}
	return walks[w.Channel]
}

// Who was late when it was dropped what people are told is not told it either, though
// the round of the late is begun after that. Whom a person has told once more is.
func TestWhoIsLateInWhatWasDropped(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: -1, All: true}, people.Subscriber{Chat: -2, All: true})
	w, lease := aWalk(t, s)
	b := &people.Batch{Walk: w.ID, Round: w.Rounds[0].ID, Kind: broadcast.Say, Update: 1, At: s.now().Add(-time.Second)}
	s.mustChange(t, func(tx desk.Tx) error { return tx.DropNews([]desk.HeldNews{{Walk: w.ID}}) })
	s.mustWalk(t, lease, people.Step{Close: []*people.Closing{{Batch: b, Unsure: 1, Ask: true, Troubles: []people.Trouble{{Subscriber: 1, Unsure: true}}, Late: []int64{2}}}})
	s.mustChange(t, func(tx desk.Tx) error {
		if n, err := tx.TellAgain(fmt.Sprint("round-", b.Round)); n != 1 || err != nil {
			return fmt.Errorf("%d people are told once more: %w", n, err)
		}
		return nil
	})
	w = s.mustLoadWalk(t, w)
	w.Plan(people.Rules{}, noon)
	var got []people.RoundState
	for _, r := range w.Rounds {
		got = append(got, r.State)
	}
	if want := []people.RoundState{people.RoundSkipped, people.RoundSkipped, people.RoundOpen}; !slices.Equal(got, want) {
		t.Errorf("its round, that of the late and that of whom it is told once more are %s, want %s", got, want)
	}
}

// Whose message does not show what it should is looked for among those who were told
// of its incident, and not among all who ever were told of any.
func TestOutdatedIsLookedUpInItsWalk(t *testing.T) {
	s := newStore(t)
	explain := `EXPLAIN QUERY PLAN `
	if s.path == "" {
		explain = `EXPLAIN (COSTS OFF) `
	}
	const some = `WITH RECURSIVE one (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM one WHERE i < 20) `
	err := s.change(t.Context(), func(tx *tx) error {
		for _, statement := range []string{
			`INSERT INTO incident (id, prefix, number, kind, drill, title, impact, status, components, created_at, resolved_at, next_update, begins, ends) ` + some +
				`SELECT i, 'INC', i, 'outage', 0, '', 'major', 'investigating', '{}', 0, 0, 0, 0, 0 FROM one`,
			`INSERT INTO walk (id, incident, channel, account, version, idle, said, dropped, paid) ` + some + `SELECT i, i, 'people', 'tg', 1, 1, ' 1 ', 0, 0 FROM one`,
			`INSERT INTO walk_round (id, walk, kind, n, revision, state, start, place, wrapped, span, passed, told, unsure, failed, audience, speed, began, changed) ` + some +
				`SELECT i, i, 'post', 1, 0, 'done', 0, 0, 1, 1000, 0, 0, 0, 0, 0, 0, 0, 0 FROM one`,
			`INSERT INTO walk_batch (walk, round, kind, n, revision, shows, lo, hi, wrapped, people, is_open, epoch, journal, receipts, at) ` + some +
				`SELECT w.i, w.i, 'post', n.i % 5 + 1, 1, 1, b.i, b.i + 1, 0, 1, 0, 0, '', '', 0 FROM one w CROSS JOIN one n CROSS JOIN one b`,
			`ANALYZE`,
		} {
			if err := tx.run(t.Context(), statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if all := s.plan(t, explain+firstOutdated(1), 20, 1, 2, -1, 0); !strings.Contains(all, "walk_batch_shows") {
		t.Error(all)
	}
	row, err := s.Outdated(t.Context(), 20, 1, 2, nil)
	if err != nil || row == nil || row.Update != 1 {
		t.Errorf("found %+v, %v", row, err)
	}
	if row, err = s.Outdated(t.Context(), 20, 1, 1, nil); err != nil || row != nil {
		t.Errorf("found %+v, %v where all show what they should", row, err)
	}
}
