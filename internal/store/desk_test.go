package store

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// fill sets everything in v to something that is not zero, so that a field
// that is not stored is noticed, now and when it is added.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("text ", *n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for k := range 2 {
			fill(v.Index(k), n)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(noon.Add(time.Duration(*n) * minute)))
			return
		}
		for k := range v.NumField() {
			fill(v.Field(k), n)
		}
	default:
		panic(v.Kind())
	}
}

func filled[T any]() *T {
	n := 0
	var v T
	fill(reflect.ValueOf(&v).Elem(), &n)
	return &v
}

func TestIncidentRoundTrip(t *testing.T) {
	s := newStore(t)
	i := filled[incident.Incident]()
	for k := range i.Updates {
		i.Updates[k].N = k + 1
	}
	i.Kind = incident.Maintenance
	s.mustChange(t, func(tx desk.Tx) error { return tx.Create(i) })
	if want := (incident.Ref{Prefix: "DRL", Number: 1}); i.Ref != want {
		t.Errorf("it is %s, want %s", i.Ref, want)
	}
	check := func(what string) {
		t.Helper()
		got, err := s.Incident(t.Context(), i.Ref)
		if diff := cmp.Diff(i, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-stored +loaded):\n%s", what, err, diff)
		}
	}
	check("created")

	n := 1000
	ref, kind, drill, created := i.Ref, i.Kind, i.Drill, i.CreatedAt
	updates := i.Updates
	fill(reflect.ValueOf(i).Elem(), &n)
	third := i.Updates[0]
	third.N, third.Retraction = 3, nil
	i.Ref, i.Kind, i.Drill, i.CreatedAt, i.Updates = ref, kind, drill, created, append(updates, third)
	s.mustChange(t, func(tx desk.Tx) error { return tx.Save(i) })
	check("saved with another update")

	u := i.Update(3)
	u.Revisions = append(u.Revisions, incident.Revision{Title: "title", Body: incident.Text{"en": "other words"}, Author: "Bo", At: noon})
	i.Title = "title"
	s.mustChange(t, func(tx desk.Tx) error { return tx.Revise(i, 3) })
	check("revised")

	u.Retraction = filled[incident.Retraction]()
	i.Status = "other"
	s.mustChange(t, func(tx desk.Tx) error { return tx.Retract(i, 3) })
	check("retracted")
}

// What is empty comes back empty.
func TestBareIncidentRoundTrip(t *testing.T) {
	s := newStore(t)
	i := anIncident()
	s.mustChange(t, func(tx desk.Tx) error { return tx.Create(i) })
	got, err := s.Incident(t.Context(), i.Ref)
	if diff := cmp.Diff(i, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("%v (-stored +loaded):\n%s", err, diff)
	}
	if got.Update(1).Retraction != nil || !got.ResolvedAt.IsZero() || !got.NextUpdate.IsZero() {
		t.Errorf("loaded %+v", got)
	}
}

func TestLaneRoundTrip(t *testing.T) {
	s := newStore(t)
	l, _ := aLane(t, s)
	e := filled[broadcast.Entry]()
	e.Update = 1
	s.mustChange(t, func(tx desk.Tx) error { return tx.Deliver(l.Incident.Ref, xChannel, e) })
	known := filled[laneKnown]()
	l.Thread, l.Pin, l.Head, l.HeadEdit = known.Thread, known.Pin, known.Head, known.HeadEdit
	s.mustChange(t, func(tx desk.Tx) error { return tx.Change(l, e) })

	got := s.mustLane(t, l.ID)
	want := *l
	want.Entries = append(want.Entries, *e)
	if diff := cmp.Diff(&want, got, cmpopts.IgnoreFields(broadcast.Lane{}, "Version"), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-stored +loaded):\n%s", diff)
	}
	if got.Version <= l.Version {
		t.Errorf("version %d after %d", got.Version, l.Version)
	}
	s.mustChange(t, func(tx desk.Tx) error {
		same, err := tx.LaneOf(e.ID)
		if diff := cmp.Diff(got, same); diff != "" {
			t.Errorf("by its entry: %v (-want +got):\n%s", err, diff)
		}
		if _, err := tx.LaneOf(999); !errors.Is(err, desk.ErrNotFound) {
			t.Errorf("the lane of no entry: %v", err)
		}
		return nil
	})
}

func TestDraftRoundTrip(t *testing.T) {
	s := newStore(t)
	d := filled[desk.Draft]()
	d.Command, d.State = []byte(`{"a":1}`), "open"
	s.mustChange(t, func(tx desk.Tx) error {
		if err := tx.AddDraft(d); err != nil {
			return err
		}
		got, err := tx.Draft(d.Number)
		if diff := cmp.Diff(d, got); diff != "" {
			t.Errorf("(-stored +loaded):\n%s", diff)
		}
		return err
	})
	if drafts, err := s.Drafts(t.Context()); len(drafts) != 1 || d.Number != 1 || err != nil {
		t.Errorf("%d drafts, this is %s, %v", len(drafts), d.ID(), err)
	}
	d.State = "rejected"
	s.mustChange(t, func(tx desk.Tx) error {
		if _, err := tx.Draft(2); !errors.Is(err, desk.ErrNotFound) {
			t.Errorf("no draft: %v", err)
		}
		return tx.SaveDraft(d)
	})
	if drafts, err := s.Drafts(t.Context()); len(drafts) != 0 || err != nil {
		t.Errorf("%d drafts are open, %v", len(drafts), err)
	}
}

func TestChangeOnce(t *testing.T) {
	s := newStore(t)
	runs := 0
	for range 2 {
		answer, err := s.Change(t.Context(), "key", func(desk.Tx) ([]byte, error) { runs++; return []byte("answer"), nil })
		if string(answer) != "answer" || err != nil {
			t.Errorf("answer %q, %v", answer, err)
		}
	}
	if runs != 1 {
		t.Errorf("run %d times", runs)
	}
}

// A command that fails leaves nothing: no effect, no key, no line of audit.
func TestChangeAtomically(t *testing.T) {
	s := newStore(t)
	boom := errors.New("boom")
	fail := func(end func() error) {
		defer func() { recover() }()
		_, err := s.Change(t.Context(), "key", func(tx desk.Tx) ([]byte, error) {
			i := anIncident()
			return []byte("answer"), errors.Join(tx.Create(i), tx.Deliver(i.Ref, xChannel, anEntry(1)), tx.Audit(desk.Record{Verb: "open"}),
				tx.Freeze("all", "why", "Ana", noon), tx.AddDraft(&desk.Draft{State: "open"}), end())
		})
		if !errors.Is(err, boom) {
			t.Errorf("error %v", err)
		}
	}
	fail(func() error { return boom })
	fail(func() error { panic(boom) })
	for _, table := range []string{"incident", "said", "revision", "lane", "entry", "audit", "freeze", "draft", "inbox"} {
		var n int
		if err := s.read.QueryRowContext(t.Context(), `SELECT count(*) FROM `+table).Scan(&n); n != 0 || err != nil {
			t.Errorf("%d rows in %s, %v", n, table, err)
		}
	}
	ran := false
	if _, err := s.Change(t.Context(), "key", func(desk.Tx) ([]byte, error) { ran = true; return []byte("answer"), nil }); !ran || err != nil {
		t.Errorf("the next try ran: %v, %v", ran, err)
	}
}

func TestAuditChain(t *testing.T) {
	s := newStore(t)
	for k := range 5 {
		s.mustChange(t, func(tx desk.Tx) error {
			return tx.Audit(desk.Record{At: noon, Actor: "Ana", Verb: "open", Subject: fmt.Sprint("INC-", k), Detail: `{"a":"<&>"}`})
		})
	}
	if bad := s.brokenLine(t); bad != 0 {
		t.Errorf("line %d does not follow from those before it", bad)
	}
	lines, err := s.Audit(t.Context(), 2)
	if err != nil || len(lines) != 2 || lines[0].Record.Subject != "INC-4" || lines[1].Record.Subject != "INC-3" || !lines[0].Record.At.Equal(noon) {
		t.Errorf("the newest lines are %+v, %v", lines, err)
	}
	if _, err := s.write.ExecContext(t.Context(), `UPDATE audit SET record = replace(record, 'Ana', 'Bob') WHERE id = 3`); err != nil {
		t.Fatal(err)
	}
	if bad := s.brokenLine(t); bad != 3 {
		t.Errorf("a forged line 3 shows at line %d", bad)
	}
}

func TestIncidents(t *testing.T) {
	s := newStore(t)
	for k := range 4 {
		s.mustChange(t, func(tx desk.Tx) error {
			i := anIncident()
			if k == 1 || k == 3 {
				i.Say(incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "Up."}}, "Ana", nil, noon)
			}
			return tx.Create(i)
		})
	}
	all, err := s.Incidents(t.Context(), 3)
	var got []string
	for _, i := range all {
		got = append(got, fmt.Sprint(i.Ref, " ", i.Status, " ", len(i.Updates)))
	}
	if want := []string{"INC-3 investigating 1", "INC-1 investigating 1", "INC-4 resolved 2"}; !slices.Equal(got, want) || err != nil {
		t.Errorf("incidents %q, want %q, %v", got, want, err)
	}
	s.mustChange(t, func(tx desk.Tx) error {
		drill := anIncident()
		drill.Drill = true
		drill.Say(incident.Saying{Status: incident.Resolved, Body: incident.Text{"en": "Up."}}, "Ana", nil, noon)
		return tx.Create(drill)
	})
	if published, err := s.Published(t.Context(), 3); err != nil || len(published) != 3 || published[0].Ref != all[0].Ref || published[2].Ref != all[2].Ref {
		t.Errorf("without drills there are %v, %v", published, err)
	}
	s.mustChange(t, func(tx desk.Tx) error {
		open, err := tx.Unresolved()
		if len(open) != 2 || open[0].Ref.Number != 1 || open[1].Ref.Number != 3 {
			t.Errorf("unresolved %v", open)
		}
		return err
	})
	nothing := incident.Ref{Prefix: "INC", Number: 9}
	if _, err := s.Incident(t.Context(), nothing); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("no incident: %v", err)
	}
	if _, err := s.Deliveries(t.Context(), nothing, func(*broadcast.Lane) {}); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("deliveries of no incident: %v", err)
	}
}

func TestHeldLanes(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	aLane(t, s)
	if err := s.Idle(t.Context(), lease, l); err != nil {
		t.Fatal(err)
	}
	for scope, want := range map[string]int{"all": 1, "channel:x": 1, "account:birds": 1, "incident:INC-1": 0, "incident:INC-2": 1, "channel:y": 0} {
		s.mustChange(t, func(tx desk.Tx) error {
			held, err := tx.HeldLanes(scope)
			if len(held) != want {
				t.Errorf("%s holds %d lanes, want %d", scope, len(held), want)
			}
			return err
		})
	}
}

func TestSettings(t *testing.T) {
	s := newStore(t)
	for _, want := range []string{"", "one", "two"} {
		if want != "" {
			if err := s.Set(t.Context(), "cursor:tg", want); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Setting(t.Context(), "cursor:tg"); got != want || err != nil {
			t.Errorf("%q, want %q, %v", got, want, err)
		}
	}
}

// A reader is served while a command is being carried out, and sees nothing of
// it; a command is carried out while somebody reads, who goes on seeing one moment.
func TestReadersAndWriter(t *testing.T) {
	s := newStore(t)
	count := func(q querier) (n int) {
		if err := q.QueryRowContext(t.Context(), `SELECT count(*) FROM incident`).Scan(&n); err != nil {
			t.Error(err)
		}
		return n
	}
	s.mustChange(t, func(tx desk.Tx) error {
		if err := tx.Create(anIncident()); err != nil {
			return err
		}
		if all, err := s.Incidents(t.Context(), 9); len(all) != 0 || err != nil {
			t.Errorf("a reader sees %d incidents before the commit, %v", len(all), err)
		}
		return nil
	})
	err := s.look(t.Context(), func(tx *tx) error {
		before := count(tx)
		s.mustChange(t, func(tx desk.Tx) error { return tx.Create(anIncident()) })
		if after := count(tx); before != 1 || after != 1 {
			t.Errorf("a reader sees %d, then %d incidents in one transaction", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if now := count(s.read); now != 2 {
		t.Errorf("the next reader sees %d incidents", now)
	}
}

func TestManyAtOnce(t *testing.T) {
	s := newStore(t)
	const writers, each = 6, 4
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for k := range each {
				i := anIncident()
				_, err := s.Change(t.Context(), fmt.Sprint(w, "/", k), func(tx desk.Tx) ([]byte, error) {
					return []byte("{}"), errors.Join(tx.Create(i), tx.Deliver(i.Ref, xChannel, anEntry(1)), tx.Audit(desk.Record{Verb: "open"}))
				})
				if err != nil {
					t.Error(err)
				}
				lanes, err := s.Lanes(t.Context(), i.Ref)
				if err != nil || len(lanes) != 1 || len(lanes[0].Entries) != 1 {
					t.Errorf("%s has %d lanes, %v", i.Ref, len(lanes), err)
				}
			}
		})
		wg.Go(func() {
			for range each {
				if _, err := s.Incidents(t.Context(), 50); err != nil {
					t.Error(err)
				}
				if _, _, err := s.Claim(t.Context(), "birds", minute); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := s.Incidents(t.Context(), 99)
	seen := map[int]bool{}
	for _, i := range all {
		seen[i.Ref.Number] = true
	}
	if len(seen) != writers*each || !seen[1] || !seen[writers*each] || err != nil {
		t.Errorf("%d numbers for %d incidents, %v", len(seen), writers*each, err)
	}
}
