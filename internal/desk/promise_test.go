package desk_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// A promise alone is said in words of its own, once.
func TestPromiseIsMoved(t *testing.T) {
	sgt := time.FixedZone("SGT", 8*3600)
	h := newHarness(t, func(c *desk.Config) { c.Zone = sgt })
	c := opening()
	noon := time.Now().UTC().Truncate(24 * time.Hour).Add(48 * time.Hour) // so that the words have a date, whenever this runs
	c.Saying.NextUpdate = noon
	h.do(ana, c)
	later := noon.Add(90 * time.Minute)
	h.do(ana, desk.Update{Saying: incident.Saying{NextUpdate: later}})
	u := h.incident("INC-1").Update(2)
	on := func(at time.Time) string {
		return at.Format("2 Jan 15:04") + " UTC (" + at.In(sgt).Format("15:04") + " SGT)"
	}
	want := "The next update comes by " + on(later) + ", was " + on(noon) + "."
	if later.Year() == u.PublishedAt.Year() && u.Newest().Body["en"] != want {
		t.Errorf("it says %q, want %q", u.Newest().Body["en"], want)
	}
	if u.Template != incident.MovedPhrase || !u.NextUpdate.Equal(later) || u.Newest().Body["zh-Hans"] == "" {
		t.Errorf("it is %+v", u)
	}
	if card := desk.NewCard(h.incident("INC-1"), nil, desk.CardSite{Zone: time.UTC}, time.Now()); !strings.Contains(card.Text, " left · promises 1 moved\n") {
		t.Errorf("the card says:\n%s", card.Text)
	}
	h.refused(ana, desk.Update{Saying: incident.Saying{NextUpdate: later}}, desk.Conflict, "that is what INC-1 promises already")
	h.refused(ana, desk.Update{Saying: incident.Saying{NextUpdate: later.Truncate(time.Minute).Add(time.Minute - 1)}}, desk.Conflict, "that is what INC-1 promises already")
	h.do(ana, desk.Update{Saying: incident.Saying{NoNext: true}})
	u = h.incident("INC-1").Update(3)
	if !strings.HasPrefix(u.Newest().Body["en"], "We do not promise a time for the next update any more; it was ") || !u.NextUpdate.IsZero() {
		t.Errorf("it is %+v", u)
	}
	h.refused(ana, desk.Update{Saying: incident.Saying{NoNext: true}}, desk.Conflict, "that is what INC-1 promises already")
	h.refused(ana, desk.Update{}, desk.Invalid, "there is no text")
	resolve := desk.Update{Saying: incident.Saying{Status: incident.Resolved, Body: text("All works.")}}
	h.do(ana, resolve)
	i := h.incident("INC-1")
	if diff := cmp.Diff(incident.PromiseCount{incident.Moved: 2}, i.CountPromises(time.Now())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if card := desk.NewCard(i, nil, desk.CardSite{Zone: time.UTC}, time.Now()); !strings.Contains(card.Text, "\nPromises 2 moved\n") {
		t.Errorf("the card says:\n%s", card.Text)
	}
}

// What is opened promises the next update by the policy, whichever way it was
// said, and what its draft was changed to afterwards.
func TestOpeningPromisesByThePolicy(t *testing.T) {
	h := newHarness(t, needs("critical", 1), func(c *desk.Config) {
		c.Next = map[incident.Impact]time.Duration{incident.Critical: 20 * time.Minute, incident.Major: 30 * time.Minute, incident.ImpactNone: time.Hour}
	})
	opened := func(within time.Duration, change ...func(*desk.Open)) {
		t.Helper()
		c := opening()
		c.Saying.Impact = incident.Major
		for _, f := range change {
			f(&c)
		}
		i := h.incident(h.do(ana, c).Ref)
		due := time.Time{}
		if within > 0 {
			due = i.CreatedAt.Add(within)
		}
		if !i.NextUpdate.Equal(due) {
			t.Errorf("%s promises %s, want %s", i.Ref, i.NextUpdate, due)
		}
	}
	opened(30 * time.Minute)
	opened(0, func(c *desk.Open) { c.Saying.NoNext = true })
	opened(0, func(c *desk.Open) { c.Saying.Status = incident.Resolved })
	opened(0, func(c *desk.Open) { c.Saying.Impact = incident.Minor })
	opened(0, func(c *desk.Open) { c.Kind, c.Saying.Impact = incident.Notice, "" })
	c := opening()
	c.Saying.Impact = incident.Critical
	d := h.do(ana, c).Draft
	h.do(ana, desk.Edit{Draft: d.ID(), Saying: incident.Saying{NoNext: true}})
	ref := h.do(bo, desk.Publish{Draft: d.ID(), Digest: h.draft(d.ID()).Digest}).Ref
	if i := h.incident(ref); !i.NextUpdate.IsZero() {
		t.Errorf("%s promises %s, and its draft said none", ref, i.NextUpdate)
	}
}

func TestRoomMovesAPromise(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	got := c.ask(c.event("/update INC-1 next 40m"))
	if !strings.Contains(got, "D-1 → INC-1/2") || !strings.Contains(got, "The next update comes by ") || strings.Contains(got, "without a zone") {
		t.Errorf("the preview is:\n%s", got)
	}
	if err := c.deliver(c.event("/edit D-1 next 50m")); err != nil { // the words follow
		t.Fatal(err)
	}
	c.press("1001", "Publish")
	u := c.incident("INC-1").Update(2)
	if left := u.NextUpdate.Sub(u.PublishedAt).Round(time.Minute); left != 50*time.Minute || !strings.Contains(u.Newest().Body["en"], u.NextUpdate.Format("15:04")) {
		t.Errorf("it is %+v", u)
	}
}

func (h *harness) draft(id string) *desk.Draft {
	h.t.Helper()
	open, err := h.store.Drafts(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range open {
		if d.ID() == id {
			return d
		}
	}
	return nil
}

// When a promise falls due the room is offered the holding statement, which is
// published with two taps, and no more once somebody has spoken.
func TestRoomIsOfferedTheHoldingStatement(t *testing.T) {
	c := newChat(t, promises)
	open := opening()
	open.Saying.NextUpdate = time.Now().Add(2 * time.Second)
	c.do(ana, open)
	<-time.After(time.Until(open.Saying.NextUpdate))
	ctx, cancel := context.WithCancel(t.Context())
	r := &desk.Reminders{Desk: c.Desk, Rooms: c.rooms, Log: slog.New(slog.DiscardHandler), Looked: cancel}
	r.Run(ctx)
	c.post("tg")
	if op := c.said[len(c.said)-1]; !strings.Contains(op.Text, "is due") || op.Buttons[0][0].Text != "Holding statement" {
		t.Fatalf("reminded with %+v", op)
	}
	if got := c.press("1001", "Holding statement"); got != "" {
		t.Errorf("answered %q", got)
	}
	if got := c.said[len(c.said)-1].Text; !strings.Contains(got, "approved template hold, sha256 b01d") || !strings.Contains(got, "We are still working on it.") || !strings.Contains(got, "(in 20 min)") {
		t.Errorf("the preview is:\n%s", got)
	}
	c.press("1001", "Publish")
	if u := c.incident("INC-1").Update(2); u.Template != "hold@sha256:b01d" {
		t.Errorf("it is %+v", u)
	}
	if got := c.press("1001", "Holding statement"); !strings.Contains(got, "INC-1/2 was published meanwhile") {
		t.Errorf("answered %q", got)
	}
}
