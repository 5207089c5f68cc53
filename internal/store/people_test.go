package store

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// mustPut stores subscribers of bot tg as they are.
func (s *Store) mustPut(t *testing.T, all ...people.Subscriber) {
	t.Helper()
	for _, p := range all {
		err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{p.Chat}, func(people.Subscriber) *people.Subscriber { return &p })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (s *Store) mustSubscribers(t *testing.T, bot string) []people.Subscriber {
	t.Helper()
	all, err := s.Subscribers(t.Context(), bot, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSubscribers checks that subscribers are kept as they are, by bot, in an
// order that lasts.
func TestSubscribers(t *testing.T) {
	s := newStore(t)
	ana := people.Subscriber{Chat: 1001, Language: "en", Impact: incident.Critical, All: true}
	bo := people.Subscriber{Chat: 1 << 51, Language: "zh-Hans", Impact: incident.ImpactNone, Components: []string{"login", "withdrawals"}, State: people.Stopped}
	room := people.Subscriber{Chat: -1001234567890, Topic: 77, Language: "en", Impact: incident.Minor, Incidents: []string{"INC-12"}}
	s.mustPut(t, ana, bo, room)
	bo.Components = nil
	bo.All, bo.State = true, people.Active
	s.mustPut(t, bo)
	ana.ID, bo.ID, room.ID = 1, 2, 3
	if d := cmp.Diff([]people.Subscriber{ana, bo, room}, s.mustSubscribers(t, "tg"), compared); d != "" {
		t.Errorf("subscribers (-want +got)\n%s", d)
	}
	if others := s.mustSubscribers(t, "other"); len(others) != 0 {
		t.Errorf("another bot has %v", others)
	}
	if n, err := s.CountSubscribers(t.Context(), "tg"); n != 3 || err != nil {
		t.Errorf("%d are counted, %v", n, err)
	}
	page, err := s.Subscribers(t.Context(), "tg", 1, 1)
	if err != nil || len(page) != 1 || page[0].ID != 2 {
		t.Errorf("the page after 1 is %v, %v", page, err)
	}
}

// compared takes no words for the same as none.
var compared = cmp.Transformer("none", func(words []string) string { return spaced(words) })

// TestSubscriberIDs checks that an id is never given twice, whoever is erased.
func TestSubscriberIDs(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: 1, All: true}, people.Subscriber{Chat: 2, All: true})
	err := s.ChangeSubscribers(t.Context(), "tg", "", []int64{2, 3}, func(people.Subscriber) *people.Subscriber { return nil })
	if err != nil {
		t.Fatal(err)
	}
	s.mustPut(t, people.Subscriber{Chat: 2, All: true})
	all := s.mustSubscribers(t, "tg")
	if len(all) != 2 || all[1].Chat != 2 || all[1].ID != 3 {
		t.Errorf("subscribers %v, want chat 2 with a new id", all)
	}
}

// TestMovedSubscriber checks that a moved chat is followed, once.
func TestMovedSubscriber(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: -5, All: true}, people.Subscriber{Chat: -6, All: true}, people.Subscriber{Chat: -1006, All: true})
	for from, to := range map[int64]int64{-5: -1005, -6: -1006, -7: -1007, -1006: -1006} {
		if err := s.MoveSubscriber(t.Context(), "tg", from, to); err != nil {
			t.Fatal(err)
		}
	}
	all := s.mustSubscribers(t, "tg")
	if len(all) != 2 || all[0].Chat != -1005 || !all[0].All || all[1].Chat != -1006 || !all[1].All {
		t.Errorf("subscribers %+v", all)
	}
}

// TestFollow checks that who is told something where his chat was moved is kept
// there before, for who has the right to the account, and that closing his batch
// changes that no more.
func TestFollow(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: -5, All: true}, people.Subscriber{Chat: -6, All: true}, people.Subscriber{Chat: -1006, All: true})
	w, lease := aWalk(t, s)
	b := after(w, 2)
	s.mustWalk(t, lease, people.Step{Walk: w, Rounds: []*people.Round{&w.Rounds[0]}, Open: b})
	lost := broadcast.Lease{Account: lease.Account, Epoch: lease.Epoch - 1}
	if himself, err := s.Follow(t.Context(), lost, 1, people.Move{From: -5, To: -1005}); himself || !errors.Is(err, broadcast.ErrLost) {
		t.Errorf("without the right to the account: %t, %v", himself, err)
	}
	if all := s.mustSubscribers(t, "tg"); all[0].Chat != -5 {
		t.Errorf("without the right to the account it is in %d", all[0].Chat)
	}
	moves := []people.Move{{From: -5, To: -1005}, {From: -6, To: -1006}}
	for range 2 { // as often as it is not known whether it was kept
		for k, m := range moves {
			if himself, err := s.Follow(t.Context(), lease, int64(k+1), m); err != nil || himself != (k == 0) {
				t.Errorf("after %+v he is there: %t, %v", m, himself, err)
			}
		}
	}
	c := &people.Closing{Batch: b, People: 1, Told: 1, Moved: moves, Receipts: (&people.Batch{People: []people.Person{{Subscriber: 1, Kept: true}}}).Planned()} // with a message
	s.mustWalk(t, lease, people.Step{Close: []*people.Closing{c}})
	if all := s.mustSubscribers(t, "tg"); len(all) != 2 || all[0].ID != 1 || all[0].Chat != -1005 || all[1].ID != 3 || all[1].Chat != -1006 {
		t.Errorf("subscribers %+v", all)
	}
	rows, err := s.Rows(t.Context(), w, 0, 2)
	if err != nil || len(rows) != 1 || !bytes.Equal(rows[0].Receipts, c.Receipts) {
		t.Errorf("what was told where they are is kept as %+v, %v", rows, err)
	}
}

// TestAMoveLeavesNoTroubles checks that nobody is asked any more about a chat that
// became one which had subscribed already.
func TestAMoveLeavesNoTroubles(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: -6, All: true}, people.Subscriber{Chat: -7, All: true}, people.Subscriber{Chat: -1006, All: true})
	s.mustExcept(t, -6, -7)
	if err := s.MoveSubscriber(t.Context(), "tg", -6, -1006); err != nil {
		t.Fatal(err)
	}
	var troubles, resends, asks int
	row := s.read.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM walk_exception), (SELECT count(*) FROM walk_resend), (SELECT sum(ask_unsure) FROM walk_round)`)
	if err := row.Scan(&troubles, &resends, &asks); err != nil || troubles != 1 || resends != 1 || asks != 1 {
		t.Errorf("%d troubles, %d who wait and %d to decide about, %v; want those of the other chat", troubles, resends, asks, err)
	}
}

// TestMarkedSubscriber checks that a refusal does not hide that a person
// stopped by himself, nor that he asked later to be written to.
func TestMarkedSubscriber(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: 1, State: people.Stopped}, people.Subscriber{Chat: 2, All: true}, people.Subscriber{Chat: 3, All: true})
	sent := time.Now() // before he came, also where a second ends meanwhile
	s.mustPut(t, people.Subscriber{Chat: 3, Came: true})
	for chat := range int64(4) {
		if err := s.MarkSubscriber(t.Context(), "tg", chat, people.Blocked, sent); err != nil {
			t.Fatal(err)
		}
	}
	all := s.mustSubscribers(t, "tg")
	if len(all) != 3 || all[0].State != people.Stopped || all[1].State != people.Blocked || all[2].State != people.Active {
		t.Errorf("subscribers %+v", all)
	}
	c, err := s.Census(t.Context(), "tg")
	want := people.Census{States: map[people.State]int{people.Stopped: 1, people.Blocked: 1, people.Active: 1}, First: all[0].ID, Last: all[2].ID}
	if d := cmp.Diff(want, c); d != "" || err != nil {
		t.Errorf("counted (-want +got) %s, %v", d, err)
	}
	if newest, err := s.NewestSubscriber(t.Context()); newest != c.Last || err != nil {
		t.Errorf("the newest is %d, %v, want %d", newest, err, c.Last)
	}
}

// TestImportSubscribers checks that a list adds and changes, and takes nobody
// back who left.
func TestImportSubscribers(t *testing.T) {
	s := newStore(t)
	s.mustPut(t,
		people.Subscriber{Chat: 1, Language: "en", Impact: incident.Major, All: true, Incidents: []string{"INC-12"}},
		people.Subscriber{Chat: 2, Language: "en", Impact: incident.ImpactNone, All: true, State: people.Stopped},
		people.Subscriber{Chat: 3, Language: "en", Impact: incident.ImpactNone, All: true},
	)
	list := []people.Subscriber{
		{Chat: 1, Language: "zh-Hans", Impact: incident.Minor, Components: []string{"login"}},
		{Chat: 2, Language: "zh-Hans", Impact: incident.Minor, All: true},
		{Chat: 3, Language: "en", Impact: incident.ImpactNone, All: true},
		{Chat: 4, Language: "en", Impact: incident.Critical, All: true},
	}
	for _, want := range []people.Imported{{Added: 1, Changed: 1, Unchanged: 1, Left: 1}, {Unchanged: 3, Left: 1}} {
		n, err := s.ImportSubscribers(t.Context(), "tg", list)
		if n != want || err != nil {
			t.Errorf("imported %+v, %v, want %+v", n, err, want)
		}
	}
	all := s.mustSubscribers(t, "tg")
	if len(all) != 4 || all[0].Language != "zh-Hans" || len(all[0].Incidents) != 1 || all[1].State != people.Stopped || all[1].Language != "en" || all[3].Chat != 4 {
		t.Errorf("subscribers %+v", all)
	}
}

// TestImportNamesSomebodyTwice checks that the last line about a chat counts.
func TestImportNamesSomebodyTwice(t *testing.T) {
	s := newStore(t)
	s.mustPut(t, people.Subscriber{Chat: 1, Language: "en", Impact: incident.Major, All: true})
	list := []people.Subscriber{
		{Chat: 1, Language: "en", Impact: incident.Minor, All: true},
		{Chat: 2, Language: "en", Impact: incident.Minor, All: true},
		{Chat: 1, Language: "zh-Hans", Impact: incident.Minor, All: true},
		{Chat: 2, Language: "zh-Hans", Impact: incident.Minor, All: true},
		{Chat: 2, Language: "zh-Hans", Impact: incident.Minor, All: true},
	}
	n, err := s.ImportSubscribers(t.Context(), "tg", list)
	if want := (people.Imported{Added: 1, Changed: 3, Unchanged: 1}); n != want || err != nil {
		t.Errorf("imported %+v, %v, want %+v", n, err, want)
	}
	for _, p := range s.mustSubscribers(t, "tg") {
		if p.Language != "zh-Hans" || p.Impact != incident.Minor {
			t.Errorf("%+v, want what the last line says", p)
		}
	}
}

// What people chose stays where a list does not say anything else.
func TestImportKeepsWhatTheListDoesNotSay(t *testing.T) {
	s := newStore(t)
	was := people.Subscriber{Chat: 1, Language: "zh-Hans", Impact: incident.Critical, Components: []string{"login"}}
	silent := people.Unsaid{Language: true, Impact: true, Components: true, Topic: true}
	usual := people.Subscriber{Language: "en", Impact: incident.ImpactNone, All: true, Unsaid: silent}
	louder := usual
	louder.Impact, louder.Unsaid.Impact = incident.Minor, false
	s.mustPut(t, was)
	for _, chat := range []int64{1, 2} {
		usual.Chat, louder.Chat = chat, chat
		for range 2 {
			if _, err := s.ImportSubscribers(t.Context(), "tg", []people.Subscriber{usual}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.ImportSubscribers(t.Context(), "tg", []people.Subscriber{louder, usual}); err != nil {
			t.Fatal(err)
		}
	}
	was.Impact = incident.Minor
	want := []people.Subscriber{was, {Chat: 2, Language: "en", Impact: incident.Minor, All: true}}
	if d := cmp.Diff(want, s.mustSubscribers(t, "tg"), cmpopts.IgnoreFields(people.Subscriber{}, "ID"), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("subscribers (-want +got)\n%s", d)
	}
}

// A list moves a group into another topic, or out of its own, where it says so.
func TestImportTellsTheTopic(t *testing.T) {
	s := newStore(t)
	group := func(chat, topic int64, said bool) people.Subscriber {
		return people.Subscriber{Chat: chat, Topic: topic, Unsaid: people.Unsaid{Topic: !said}, Language: "en", Impact: incident.Minor, All: true}
	}
	s.mustPut(t, group(-1, 7, false), group(-2, 7, false), group(-3, 7, false), group(-4, 7, false))
	list := []people.Subscriber{
		group(-1, 0, false), group(-2, 8, true), group(-3, 0, true), group(-4, 7, true), group(-5, 9, true), group(-6, 0, false),
		group(-5, 0, false), group(-6, 5, true), // again
	}
	for _, want := range []people.Imported{{Added: 2, Changed: 3, Unchanged: 3}, {Unchanged: 8}} {
		n, err := s.ImportSubscribers(t.Context(), "tg", list)
		if n != want || err != nil {
			t.Errorf("imported %+v, %v, want %+v", n, err, want)
		}
	}
	got := map[int64]int64{}
	for _, p := range s.mustSubscribers(t, "tg") {
		got[p.Chat] = p.Topic
	}
	if d := cmp.Diff(map[int64]int64{-1: 7, -2: 8, -3: 0, -4: 7, -5: 9, -6: 5}, got); d != "" {
		t.Errorf("topics (-want +got)\n%s", d)
	}
}

// Whom a list names is looked up, also where the database does not know yet how
// many there are.
func TestAListIsLookedUpByItsChats(t *testing.T) {
	s := newStore(t)
	explain, uses := `EXPLAIN QUERY PLAN `, "sqlite_autoindex_subscriber_1 (bot=? AND chat=?)"
	if s.path == "" {
		explain, uses = `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) `, "using subscriber_bot_chat_key"
	}
	err := s.change(t.Context(), func(tx *tx) error {
		return tx.run(t.Context(), `INSERT INTO subscriber (bot, chat, language, impact, components, incidents, state, changed)
			WITH RECURSIVE n (k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 20000) SELECT 'tg', k, 'en', 0, '', '', 0, 0 FROM n`)
	})
	if err != nil {
		t.Fatal(err)
	}
	args := []any{"tg"}
	for chat := range s.together() {
		args = append(args, chat)
	}
	if all := s.plan(t, explain+idsOf(s.together()), args...); !strings.Contains(all, uses) {
		t.Error(all)
	}
}

// A list is not a statement for each line: on PostgreSQL that made a million
// people a matter of a quarter of an hour.
func TestAListTakesFewStatements(t *testing.T) {
	s := newStore(t)
	var list []people.Subscriber
	for k := range int64(1000) {
		list = append(list, people.Subscriber{Chat: k + 1, Language: "en", Impact: incident.Minor, All: true})
	}
	before := s.ran()
	n, err := s.ImportSubscribers(t.Context(), "tg", list)
	if n.Added != len(list) || err != nil {
		t.Fatalf("imported %+v, %v", n, err)
	}
	if ran, most := s.ran()-before, 3+2*(len(list)/s.together()+1); ran > most {
		t.Errorf("%d statements, want at most %d", ran, most)
	}
	if got := s.mustSubscribers(t, "tg"); len(got) != len(list) {
		t.Errorf("%d subscribers, want %d", len(got), len(list))
	}
}

// A page of subscribers costs the same wherever it is and however many there
// are: the database goes on from an id, sorts nothing and makes no line anew.
func TestAPageOfSubscribersIsReadInPlace(t *testing.T) {
	s := newStore(t)
	if s.path == "" {
		t.Skip("its planner looks at how many there are")
	}
	rows, err := s.read.QueryContext(t.Context(), `EXPLAIN QUERY PLAN `+subscriberPage, "tg", 1, 10_001, 1000)
	var plan []string
	err = each(rows, err, func() error {
		var id, parent, unused int
		var step string
		err := rows.Scan(&id, &parent, &unused, &step)
		plan = append(plan, step)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan) != 3 || !strings.Contains(plan[1], "COVERING INDEX subscriber_line (<expr>=? AND id>? AND id<?)") || plan[2] != "SCAN page" {
		t.Errorf("a page is read by %q", plan)
	}
}
