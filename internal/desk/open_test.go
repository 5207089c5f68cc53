package desk_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestOpen(t *testing.T) {
	h := newHarness(t)
	answer := h.do(ana, opening())
	if answer.State != "published" || answer.Ref != "INC-1" || answer.Update != 1 || answer.Text != "INC-1/1 is published on 3 channels." {
		t.Errorf("answer %+v", answer)
	}
	i := h.incident("INC-1")
	if diff := cmp.Diff(i, answer.Incident); diff != "" {
		t.Errorf("the answer is not what is stored (-stored +answer):\n%s", diff)
	}
	u := i.Update(1)
	if i.Title != "Login is down" || i.Status != incident.Investigating || u.Author != "Ana" || u.Newest().Body["en"] != "Nobody can log in." {
		t.Errorf("stored %+v", i)
	}
	for _, ch := range []string{"tg-en", "tg-zh", "x"} {
		h.wantShould("INC-1", ch, "1 post words 1")
	}
	if h.lane("INC-1", "practice") != nil {
		t.Error("an incident goes to a channel for drills")
	}
	want := map[string][]int64{"tg": {h.lane("INC-1", "tg-en").ID, h.lane("INC-1", "tg-zh").ID}, "birds": {h.lane("INC-1", "x").ID}}
	if diff := cmp.Diff(want, h.woken); diff != "" {
		t.Errorf("woken lanes (-want +got):\n%s", diff)
	}
	if got := h.audit(9); len(got) != 1 || got[0].Verb != "open" || got[0].Subject != "INC-1/1" || got[0].Actor != "Ana" || got[0].Origin != "http" {
		t.Errorf("audit %+v", got)
	}
}

func TestOpenKinds(t *testing.T) {
	h := newHarness(t)
	notice := desk.Open{Kind: incident.Notice, Saying: incident.Saying{Title: "We were not hacked", Body: text("No.")}}
	maintenance := desk.Open{Kind: incident.Maintenance, Saying: incident.Saying{Title: "New database", Body: text("Soon."),
		Begin: time.Now().Add(time.Hour), End: time.Now().Add(2 * time.Hour)}}
	for ref, c := range map[string]desk.Open{"NTC-1": notice, "MNT-1": maintenance, "INC-1": opening()} {
		if got := h.do(ana, c).Ref; got != ref {
			t.Errorf("opened %s, want %s", got, ref)
		}
	}
	if got := h.do(ana, opening()).Ref; got != "INC-2" {
		t.Errorf("the second incident is %s", got)
	}
	if got := h.incident("NTC-1").Status; got != incident.Published {
		t.Errorf("a notice begins as %s", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	h := newHarness(t)
	with := func(change func(*desk.Open)) desk.Open {
		c := opening()
		change(&c)
		return c
	}
	tests := []struct {
		cmd  desk.Open
		text string
	}{
		{with(func(c *desk.Open) { c.Kind = "party" }), `"party" is not a kind: use incident, maintenance or notice`},
		{with(func(c *desk.Open) { c.Saying.Impact = "" }), "say how bad it is"},
		{with(func(c *desk.Open) { c.Saying.Impact = "huge" }), `"huge" is not an impact`},
		{with(func(c *desk.Open) { c.Saying.Title = " " }), "there is no title"},
		{with(func(c *desk.Open) { c.Saying.Status = incident.Completed }), `no incident can be "completed"`},
		{with(func(c *desk.Open) { c.Saying.Body = nil }), "there is no text"},
		{with(func(c *desk.Open) { c.Saying.Body = incident.Text{"fr": "Non."} }), `"fr" is not a language of this site: use one of en, zh-Hans`},
		{with(func(c *desk.Open) { c.Saying.Body = incident.Text{"": "a", "en": "b"} }), `both with language "en" and without`},
		{with(func(c *desk.Open) { c.Saying.Components["mail"] = incident.MajorOutage }), `there is no component "mail": the components are login, withdrawals`},
		{with(func(c *desk.Open) { c.Saying.NextUpdate = time.Now().Add(-time.Second) }), "which has passed"},
		{with(func(c *desk.Open) { c.Only = []string{"fax"} }), `there is no channel "fax": the channels are tg-en, tg-zh, x, practice`},
		{with(func(c *desk.Open) { c.Not = []string{"fax"} }), `there is no channel "fax"`},
		{with(func(c *desk.Open) { c.Only = []string{"x", "practice"} }), `channel "practice" is for drills`},
		{with(func(c *desk.Open) { c.Only, c.Drill = []string{"x"}, true }), `channel "x" is not for drills`},
	}
	for _, test := range tests {
		h.refused(ana, test.cmd, desk.Invalid, test.text)
	}
	all, err := h.store.Incidents(t.Context(), 9)
	if err != nil || len(all) != 0 {
		t.Errorf("%d incidents after nothing but refusals, %v", len(all), err)
	}
	if lines := h.audit(99); len(lines) != len(tests) || lines[0].Subject != "refused" || lines[0].Verb != "open" {
		t.Errorf("%d lines of audit for %d refusals: %+v", len(lines), len(tests), lines)
	}
}

func TestOpenOnSomeChannels(t *testing.T) {
	h := newHarness(t)
	c := opening()
	c.Only = []string{"x", "tg-en"}
	h.do(ana, c)
	c.Only, c.Not = nil, []string{"x"}
	h.do(ana, c)
	for _, want := range []struct {
		ref, channel string
		there        bool
	}{{"INC-1", "x", true}, {"INC-1", "tg-en", true}, {"INC-1", "tg-zh", false}, {"INC-2", "x", false}, {"INC-2", "tg-zh", true}} {
		if got := h.lane(want.ref, want.channel) != nil; got != want.there {
			t.Errorf("%s goes to %s: %v", want.ref, want.channel, got)
		}
	}
}

func TestUpdate(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	c := saying("A fix is in place.")
	c.Saying.Status, c.Saying.NextUpdate = incident.Monitoring, time.Now().Add(time.Hour)
	answer := h.do(bo, c)
	if answer.State != "published" || answer.Ref != "INC-1" || answer.Update != 2 {
		t.Errorf("answer %+v", answer)
	}
	i := h.incident("INC-1")
	if i.Status != incident.Monitoring || i.Update(2).Author != "Bo" || i.NextUpdate.IsZero() {
		t.Errorf("stored %+v", i)
	}
	h.wantShould("INC-1", "x", "1 post words 1", "2 post words 1")

	clear := saying("All works.")
	clear.Saying.Status = incident.Resolved
	h.do(ana, clear)
	if i := h.incident("INC-1"); i.ResolvedAt.IsZero() || i.Components["login"] != incident.Operational || !i.NextUpdate.IsZero() {
		t.Errorf("after the all clear %+v", i)
	}
}

func TestUpdateRefuses(t *testing.T) {
	h := newHarness(t)
	h.refused(ana, saying("More."), desk.Conflict, "nothing is open")
	h.do(ana, opening())
	with := func(change func(*desk.Update)) desk.Update {
		c := saying("More.")
		change(&c)
		return c
	}
	tests := []struct {
		kind desk.RefusalKind
		cmd  desk.Update
		text string
	}{
		{desk.NotFound, with(func(c *desk.Update) { c.Ref = "INC-9" }), "there is no INC-9"},
		{desk.Invalid, with(func(c *desk.Update) { c.Ref = "12" }), `"12" is not a reference`},
		{desk.Invalid, with(func(c *desk.Update) { c.Ref = "INC-1/1" }), "write INC-1 for the incident"},
		{desk.Invalid, with(func(c *desk.Update) { c.After = "INC-2/1" }), "write the newest update you know, like INC-1/1"},
		{desk.Invalid, with(func(c *desk.Update) { c.After = "INC-1" }), "write the newest update you know"},
		{desk.Invalid, with(func(c *desk.Update) { c.Saying.Body = nil }), "there is no text"},
		{desk.Invalid, with(func(c *desk.Update) { c.Only = []string{"practice"} }), `channel "practice" is for drills`},
	}
	for _, test := range tests {
		h.refused(ana, test.cmd, test.kind, test.text)
	}
	second := saying("More.")
	second.After = "INC-1/1"
	h.do(ana, second)
	h.refused(ana, second, desk.Conflict, "INC-1/2 was published meanwhile")

	h.do(ana, opening())
	h.refused(ana, saying("More."), desk.Invalid, "which one?", "INC-1", "INC-2")
	if n := len(h.incident("INC-1").Updates) + len(h.incident("INC-2").Updates); n != 3 {
		t.Errorf("%d updates, want 3", n)
	}
}

func TestDrills(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, "post", rejected)
	drill := h.do(inDrill(ari), opening())
	if drill.Ref != "DRL-1" || drill.State != "published" || !h.incident("DRL-1").Drill {
		t.Fatalf("in a room for drills an author opens %+v", drill)
	}
	if h.lane("DRL-1", "practice") == nil || h.lane("DRL-1", "x") != nil {
		t.Error("a drill does not go to the channels for drills alone")
	}
	if got := h.do(inDrill(ari), saying("More.")).Ref; got != "DRL-1" {
		t.Errorf("in a room for drills /update goes to %s", got)
	}
	if got := h.do(ana, saying("More.")).Ref; got != "INC-1" {
		t.Errorf("in a room for the real thing /update goes to %s", got)
	}
	which := desk.Which{Update: "INC-1/1", Channel: "x"}
	real := saying("More.")
	real.Ref = "INC-1"
	for _, c := range []desk.Command{
		real, desk.Correct{Ref: "INC-1/1", Body: text("Wrong.")}, desk.Retract{Ref: "INC-1/1", Reason: "exercise"},
		desk.Retry{Which: which}, desk.Skip{Which: which}, desk.Posted{Which: which},
	} {
		h.refused(inDrill(ada), c, desk.Forbidden, "INC-1 is no drill")
	}
	if u := h.incident("INC-1").Update(1); u.Retraction != nil || len(u.Revisions) != 1 || h.state("INC-1", "x", 1) != broadcast.Failed {
		t.Errorf("a room for drills changed %+v", u)
	}
}

func TestDraftsAreNoDrills(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ana, opening())
	h.refused(inDrill(bo), desk.Publish{Draft: "D-1"}, desk.Forbidden, "no drill")
	h.refused(inDrill(bo), desk.Reject{Draft: "D-1"}, desk.Forbidden, "no drill")
	if got := h.do(bo, desk.Publish{Draft: "D-1"}).Ref; got != "INC-1" {
		t.Errorf("published %s", got)
	}
}

func TestDrillNeedsAChannel(t *testing.T) {
	h := newHarness(t, func(c *desk.Config) { c.Channels = c.Channels[:3] })
	h.refused(inDrill(ana), opening(), desk.Invalid, "no channel is marked for drills")
}
