package store

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// brokenLine is the first line of the audit that does not follow from those
// before it, or whose record is not what its digest says; 0 if there is none.
func (s *Store) brokenLine(t *testing.T) (bad int64) {
	t.Helper()
	var last audit.Hash
	rows, err := s.read.QueryContext(t.Context(), `SELECT id, record, digest, hash FROM audit ORDER BY id`)
	err = each(rows, err, func() error {
		var id int64
		var record, digest, hash string
		if err := rows.Scan(&id, &record, &digest, &hash); err != nil {
			return err
		}
		var sum audit.Hash
		err := sum.UnmarshalText([]byte(digest))
		last = audit.Link(last, sum)
		if bad == 0 && (err != nil || record != "" && audit.Digest(record) != sum || last.String() != hash) {
			bad = id
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return bad
}

func testKey(t *testing.T) *audit.Key {
	t.Helper()
	key, err := audit.LoadKey(filepath.Join(t.TempDir(), "allclear.key"))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// mustExport signs what is on record about an incident and verifies it.
func (s *Store) mustExport(t *testing.T, ref string) *audit.Export {
	t.Helper()
	r, err := incident.ParseRef(ref)
	if err != nil {
		t.Fatal(err)
	}
	ev, err := s.Evidence(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	x, err := audit.Sign(ev, testKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if x, err = audit.Verify(x.JSON); err != nil {
		t.Fatal(err)
	}
	return x
}

// An answer, a doubt and a failure are each one line; what is tried again is
// none.
func TestDeliveriesOnRecord(t *testing.T) {
	doubt := &bots.Fault{Kind: bots.Unsure, Detail: "no answer"}
	for name, tc := range map[string]struct {
		fault *bots.Fault
		want  []string
	}{
		"sent":      {nil, []string{"post sent"}},
		"unsure":    {doubt, []string{"post unsure"}},
		"refused":   {&bots.Fault{Kind: bots.Rejected, Code: "402", Detail: "no credits"}, []string{"post failed"}},
		"temporary": {&bots.Fault{Kind: bots.Temporary}, nil},
		"limited":   {&bots.Fault{Kind: bots.RateLimited, Until: noon.Add(minute)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore(t)
			l, lease := aLane(t, s)
			attempt, err := s.begin(t.Context(), lease, l)
			if err != nil {
				t.Fatal(err)
			}
			out := broadcast.Outcome{Fault: tc.fault, Began: noon, Text: "Down."}
			if tc.fault == nil {
				out.Receipt = bots.Receipt{ID: "7", URL: "https://x.example/7"}
			}
			broadcast.Apply(l, posting(l), out, noon.Add(minute))
			if err := s.Record(t.Context(), lease, l, posting(l), attempt, out); err != nil {
				t.Fatal(err)
			}
			u := s.mustExport(t, "INC-1").Report.Updates[0]
			var got []string
			for _, d := range u.Channels {
				got = append(got, d.Action+" "+d.State)
			}
			if !slices.Equal(got, tc.want) {
				t.Fatalf("on record: %q, want %q", got, tc.want)
			}
			if name == "sent" {
				d := u.Channels[0]
				if *d.Sent != "Down." || d.URL != "https://x.example/7" || *d.Delay != 60 || *u.FirstDelay != 60 || u.Skew != nil {
					t.Errorf("delivery %+v of %+v", d, u)
				}
			}
		})
	}
}

// A person's word on a doubtful post is on record with the words that it had.
func TestSettlementOnRecord(t *testing.T) {
	s := newStore(t)
	l, lease := aLane(t, s)
	attempt, err := s.begin(t.Context(), lease, l)
	if err != nil {
		t.Fatal(err)
	}
	out := broadcast.Outcome{Fault: &bots.Fault{Kind: bots.Unsure}, Began: noon, Text: "Down."}
	broadcast.Apply(l, posting(l), out, noon)
	if err := s.Record(t.Context(), lease, l, posting(l), attempt, out); err != nil {
		t.Fatal(err)
	}
	s.mustChange(t, func(tx desk.Tx) error {
		l, err := tx.LaneOf(l.Entries[0].ID)
		if err != nil {
			return err
		}
		e := &l.Entries[0]
		e.Shows, e.Doubt = broadcast.Shows{What: broadcast.Words, Revision: 1, URL: "https://x.example/1", Since: noon, First: noon, Assumed: true}, nil
		return tx.Change(l, e)
	})
	ds := s.mustExport(t, "INC-1").Report.Updates[0].Channels
	if len(ds) != 2 || ds[0].State != "unsure" || ds[1].State != "posted" || *ds[1].Sent != "Down." || !ds[1].SentAt.Equal(noon) {
		t.Errorf("on record: %+v", ds)
	}
	s.mustChange(t, func(tx desk.Tx) error {
		l, err := tx.LaneOf(l.Entries[0].ID)
		if err != nil {
			return err
		}
		e := &l.Entries[0]
		e.Should = broadcast.Should{What: broadcast.Nothing, Why: broadcast.Skipped}
		return tx.Amend(l, e)
	})
	if ds := s.mustExport(t, "INC-1").Report.Updates[0].Channels; len(ds) != 3 || ds[2].State != "skipped" {
		t.Errorf("on record: %+v", ds)
	}
}

// A record that is erased leaves its digest, and the chain holds.
func TestErasedRecord(t *testing.T) {
	s := newStore(t)
	for range 3 {
		s.mustChange(t, func(tx desk.Tx) error {
			i := anIncident()
			return errors.Join(tx.Create(i), tx.Audit(desk.Record{At: noon, Actor: "Ana", Verb: "open", Subject: "INC-1/1", Incident: i.Ref.String()}))
		})
	}
	if _, err := s.write.ExecContext(t.Context(), `UPDATE audit SET record = '' WHERE id = 4`); err != nil {
		t.Fatal(err)
	}
	if bad := s.brokenLine(t); bad != 0 {
		t.Errorf("line %d does not follow any more", bad)
	}
	if lines, err := s.Audit(t.Context(), 9); err != nil || len(lines) != 6 || lines[2].Record != (desk.Record{}) {
		t.Errorf("lines %+v, %v", lines, err)
	}
	x := s.mustExport(t, "INC-2")
	if x.Report.Erased != 1 || len(x.Report.Log) != 0 || len(x.Report.Updates) != 1 {
		t.Errorf("report %+v", x.Report)
	}
	for k, l := range x.Lines {
		if (l.Record != "") != (k == 2) {
			t.Errorf("the export of INC-2 shows line %d: %q", k+1, l.Record)
		}
	}
}

// Records about a draft that opened an incident, and freezes while it lasted,
// are exported with it; those before and after are not.
func TestRecordsOfAnIncident(t *testing.T) {
	s := newStore(t)
	add := func(r desk.Record) {
		r.At = noon
		s.mustChange(t, func(tx desk.Tx) error { return tx.Audit(r) })
	}
	add(desk.Record{Verb: "freeze"})
	add(desk.Record{Verb: "open", Subject: "D-1", Draft: "D-1"})
	s.mustChange(t, func(tx desk.Tx) error { return tx.Create(anIncident()) })
	add(desk.Record{Verb: "publish", Incident: "INC-1", Draft: "D-1"})
	add(desk.Record{Verb: "unfreeze"})
	add(desk.Record{Verb: "retry", Subject: audit.Refused, Incident: "INC-1"})
	add(desk.Record{Verb: "freeze"})
	add(desk.Record{Verb: "open", Incident: "INC-2"})
	var got []string
	for _, e := range s.mustExport(t, "INC-1").Report.Log {
		got = append(got, e.Verb)
	}
	if want := []string{"open", "publish", "unfreeze", "retry"}; !slices.Equal(got, want) {
		t.Errorf("on record: %q, want %q", got, want)
	}
}

// A database from before there were digests is taken over: its lines keep
// their records, its head is on record, and what was said gets lines.
func TestOldAudit(t *testing.T) {
	file := filepath.Join(t.TempDir(), "allclear.db")
	s := mustOpen(t, file)
	s.mustChange(t, func(tx desk.Tx) error {
		i := anIncident()
		i.Update(1).Revisions = append(i.Update(1).Revisions, incident.Revision{Title: "Login", Body: incident.Text{"en": "Back."}, Author: "Bo", At: noon})
		return tx.Create(i)
	})
	old := []string{`{"at":"2026-03-01T12:00:00Z","actor":"Ana","origin":"http","verb":"open","subject":"INC-1/1","detail":"{}"}`, `{"verb":"freeze"}`, `{"verb":"changed since"}`}
	if _, err := s.write.ExecContext(t.Context(), `DELETE FROM audit; DELETE FROM setting`); err != nil {
		t.Fatal(err)
	}
	head := ""
	for k, record := range old {
		sum := audit.Digest(head + record).String()
		if k == 2 {
			sum = audit.Digest("something else").String()
		}
		if _, err := s.write.ExecContext(t.Context(), `INSERT INTO audit (record, hash) VALUES (?, ?)`, record, sum); err != nil {
			t.Fatal(err)
		}
		head = sum
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // once is enough
		s := mustOpen(t, file)
		if bad := s.brokenLine(t); bad != 0 {
			t.Fatalf("line %d does not follow", bad)
		}
		lines, err := s.Audit(t.Context(), 99)
		if err != nil || len(lines) != 6 {
			t.Fatalf("%d lines, %v", len(lines), err)
		}
		var did audit.Rechained
		if err := json.Unmarshal([]byte(lines[2].Record.Detail), &did); err != nil || did != (audit.Rechained{Lines: 3, Head: head, Broken: 3}) {
			t.Errorf("taken over as %+v, %v", did, err)
		}
		r := s.mustExport(t, "INC-1").Report
		if len(r.Log) != 2 || len(r.Updates) != 1 || len(r.Updates[0].Revisions) != 2 || r.Updates[0].Revisions[1].Text["en"] != "Back." {
			t.Errorf("report %+v", r)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEvidenceOfNothing(t *testing.T) {
	s := newStore(t)
	if _, err := s.Evidence(t.Context(), incident.Ref{Prefix: "INC", Number: 9}); !errors.Is(err, desk.ErrNotFound) {
		t.Errorf("error %v", err)
	}
	s.mustChange(t, func(tx desk.Tx) error { return errors.Join(tx.Create(anIncident()), tx.Create(anIncident())) })
	if _, err := s.write.ExecContext(t.Context(), `DELETE FROM audit WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Evidence(t.Context(), incident.Ref{Prefix: "INC", Number: 1}); err == nil {
		t.Error("an audit that lost a line is exported")
	}
}
