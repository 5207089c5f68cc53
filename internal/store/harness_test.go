package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/store/storetest"
)

// The whole suite holds on PostgreSQL too.
func TestOnPostgres(t *testing.T) { storetest.OnPostgres(t) }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

const minute = time.Minute

// mustOpen opens a database file and closes it with the test.
func mustOpen(t *testing.T, file string) *Store {
	t.Helper()
	return mustOpenURL(t, "sqlite:"+file)
}

func mustOpenURL(t *testing.T, url string) *Store {
	t.Helper()
	s, err := Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func newStore(t *testing.T) *Store {
	t.Helper()
	return mustOpenURL(t, storetest.URL(t))
}

// change runs fn as a command without a key.
func (s *Store) mustChange(t *testing.T, fn func(desk.Tx) error) {
	t.Helper()
	_, err := s.Change(t.Context(), "", func(tx desk.Tx) ([]byte, error) { return nil, fn(tx) })
	if err != nil {
		t.Fatal(err)
	}
}

func (s *Store) mustClaim(t *testing.T, account string) broadcast.Lease {
	t.Helper()
	lease, ok, err := s.Claim(t.Context(), account, minute)
	if !ok || err != nil {
		t.Fatalf("claim %s: %v, %v", account, ok, err)
	}
	return lease
}

func (s *Store) mustLane(t *testing.T, id int64) *broadcast.Lane {
	t.Helper()
	l, err := s.Lane(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// anIncident is an incident with one update.
func anIncident() *incident.Incident {
	i := &incident.Incident{Kind: incident.Outage, Status: incident.Investigating, Impact: incident.Major, CreatedAt: noon}
	i.Say(incident.Saying{Title: "Login is down", Body: incident.Text{"en": "Down."}}, "Ana", nil, noon)
	return i
}

var xChannel = broadcast.Channel{Name: "x", Account: "birds"}

// aLane stores an incident with one message for channel x, and returns its
// lane and the lease of its account.
func aLane(t *testing.T, s *Store) (*broadcast.Lane, broadcast.Lease) {
	t.Helper()
	i := anIncident()
	s.mustChange(t, func(tx desk.Tx) error {
		if err := tx.Create(i); err != nil {
			return err
		}
		return tx.Deliver(i.Ref, xChannel, anEntry(1))
	})
	lanes, err := s.Lanes(t.Context(), i.Ref)
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	return lanes[0], s.mustClaim(t, "birds")
}

func anEntry(n int) *broadcast.Entry {
	return &broadcast.Entry{Update: n, Kind: broadcast.Say, Accepted: noon, Should: broadcast.Should{What: broadcast.Words, Revision: 1}}
}

// posting is the step that posts the first entry of a lane.
func posting(l *broadcast.Lane) broadcast.Step {
	return broadcast.Step{Kind: broadcast.Do, Entry: l.Entries[0].ID, Class: broadcast.Public,
		Op:    bots.Operation{Action: bots.Post, Target: "t", Text: "Down.", Nonce: "n"},
		After: broadcast.Shows{What: broadcast.Words, Revision: 1}}
}

func (s *Store) begin(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane) (int64, error) {
	return s.Begin(ctx, lease, l, broadcast.Attempt{Lane: l.ID, Step: posting(l), Began: noon})
}

// sent records that the attempt succeeded.
func (s *Store) sent(ctx context.Context, lease broadcast.Lease, l *broadcast.Lane, attempt int64) error {
	out := broadcast.Outcome{Receipt: bots.Receipt{ID: fmt.Sprint(700 + attempt)}, Began: noon, Text: "Down."}
	broadcast.Apply(l, posting(l), out, noon)
	return s.Record(ctx, lease, l, posting(l), attempt, out)
}
