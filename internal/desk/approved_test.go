package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/audit"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

type states = map[string]incident.ComponentState

func promises(c *desk.Config) {
	c.Next = map[incident.Impact]time.Duration{incident.Critical: 20 * time.Minute}
}

// First words need nobody else, whatever the impact; the second person is in
// the approval of the template.
func TestAckNeedsNobody(t *testing.T) {
	h := newHarness(t, needs("critical", 2), promises)
	answer := h.do(ana, desk.Ack{Impact: incident.Critical, Components: states{"withdrawals": "", "login": incident.PartialOutage}})
	if answer.State != "published" || answer.Ref != "INC-1" {
		t.Fatalf("answer %+v", answer)
	}
	i := h.incident("INC-1")
	u := i.Update(1)
	if i.Title != "Login, Withdrawals: we are looking into a problem" || i.Impact != incident.Critical || i.Status != incident.Investigating {
		t.Errorf("it is %+v", i)
	}
	if diff := cmp.Diff(states{"login": incident.PartialOutage, "withdrawals": incident.MajorOutage}, i.Components); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	body := u.Newest().Body
	if !strings.HasPrefix(body["en"], "We are aware of a problem with Login, Withdrawals") || !strings.HasPrefix(body["zh-Hans"], "我们已注意到Login、Withdrawals") {
		t.Errorf("it says %q", body)
	}
	if left := i.NextUpdate.Sub(u.PublishedAt); left != 20*time.Minute {
		t.Errorf("it promises the next update in %s", left)
	}
	if u.Template != "ack@sha256:acacac" || !slices.Equal(u.ApprovedBy, []string{"template ack, sha256 acacac"}) {
		t.Errorf("template %q, approved by %q", u.Template, u.ApprovedBy)
	}
	if got := h.audit(1)[0]; got.Verb != "ack" || got.Subject != "INC-1/1" {
		t.Errorf("audit %+v", got)
	}
	h.auditSays("INC-1/1", `"template":"ack@sha256:acacac"`)
}

// auditSays looks for a line about what was said that has a part.
func (h *harness) auditSays(subject, part string) {
	h.t.Helper()
	lines, err := h.store.Audit(h.t.Context(), 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, l := range lines {
		if l.Record.Verb == audit.VerbSaid && l.Record.Subject == subject && strings.Contains(l.Record.Detail, part) {
			return
		}
	}
	h.t.Errorf("no line about %s has %s", subject, part)
}

func TestAckWithoutComponents(t *testing.T) {
	h := newHarness(t, needs("major", 1))
	h.do(ana, desk.Ack{})
	if i := h.incident("INC-1"); i.Title != "We are looking into a problem" || i.Impact != incident.Major || len(i.Components) != 0 || !i.NextUpdate.IsZero() {
		t.Errorf("it is %+v", i)
	}
	h.refused(ana, desk.Ack{Components: states{"mail": ""}}, desk.Invalid, `there is no component "mail": the components are login, withdrawals`)
	if a := h.do(inDrill(ana), desk.Ack{}); a.Ref != "DRL-1" {
		t.Errorf("answer %+v", a)
	}
}

func TestAckIsADraftOfAnAuthor(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	if a := h.do(ari, desk.Ack{Impact: incident.Critical}); a.State != "draft" || a.Draft.Needs != 0 {
		t.Fatalf("answer %+v", a)
	}
	h.do(bo, desk.Publish{Draft: "D-1"})
	if got := h.incident("INC-1").Update(1).ApprovedBy; !slices.Equal(got, []string{"Bo", "template ack, sha256 acacac"}) {
		t.Errorf("approved by %q", got)
	}
}

func TestApprovedTextsAreOff(t *testing.T) {
	h := newHarness(t, func(c *desk.Config) { c.Approved = nil })
	h.refused(ana, desk.Ack{}, desk.Conflict, "it is switched off in [policy] ack")
	h.do(ana, opening())
	h.refused(ana, desk.Hold{}, desk.Conflict, "switched off in [policy] hold")
	h.refused(ana, desk.FalseAlarm{}, desk.Conflict, "switched off in [policy] false_alarm")
}

func TestHold(t *testing.T) {
	h := newHarness(t, needs("critical", 1), promises)
	h.do(ana, desk.Ack{Impact: incident.Critical})
	answer := h.do(ana, desk.Hold{After: "INC-1/1"})
	u := h.incident("INC-1").Update(2)
	if answer.State != "published" || u.Newest().Body["en"] != "We are still working on it. There is nothing new to say yet; we will say more here as soon as there is." {
		t.Errorf("answer %+v: %q", answer, u.Newest().Body)
	}
	if u.NextUpdate.Sub(u.PublishedAt) != 20*time.Minute || u.Status != incident.Investigating || u.Template != "hold@sha256:b01d" {
		t.Errorf("it is %+v", u)
	}
	h.refused(ana, desk.Hold{After: "INC-1/1"}, desk.Conflict, "INC-1/2 was published meanwhile")
	h.do(ana, desk.FalseAlarm{})
	h.refused(ana, desk.Hold{Ref: "INC-1"}, desk.Conflict, "INC-1 is over already")
	h.do(ana, desk.Open{Kind: incident.Notice, Saying: incident.Saying{Title: "No", Body: text("No.")}})
	h.refused(ana, desk.Hold{Ref: "NTC-1"}, desk.Invalid, "NTC-1 is a notice, for which there is no such text")
}

// Where the policy has no promise, the last one says how long to promise.
func TestHoldPromisesAsBefore(t *testing.T) {
	h := newHarness(t)
	c := opening()
	c.Saying.NextUpdate = time.Now().Add(45 * time.Minute)
	h.do(ana, c)
	h.do(ana, saying("More."))
	h.do(ana, desk.Hold{})
	u := h.incident("INC-1").Update(3)
	if left := u.NextUpdate.Sub(u.PublishedAt).Round(time.Minute); left != 45*time.Minute {
		t.Errorf("it promises the next update in %s", left)
	}
	h.do(ana, desk.Hold{NoNext: true})
	if u := h.incident("INC-1").Update(4); !u.NextUpdate.IsZero() {
		t.Errorf("it promises the next update by %s", u.NextUpdate)
	}
}

func TestFalseAlarm(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ana, desk.Ack{Impact: incident.Critical, Components: states{"login": ""}})
	answer := h.do(ana, desk.FalseAlarm{})
	i := h.incident("INC-1")
	if answer.State != "published" || i.Status != incident.Resolved || i.ResolvedAt.IsZero() || i.Components["login"] != incident.Operational {
		t.Errorf("answer %+v: %+v", answer, i)
	}
	if !strings.HasPrefix(i.Update(2).Newest().Body["en"], "This was a false alarm") || i.Update(2).Template != "false_alarm@sha256:fa15e" {
		t.Errorf("it says %+v", i.Update(2))
	}
	h.refused(ana, desk.FalseAlarm{Ref: "INC-1"}, desk.Conflict, "INC-1 is over already")
}

// Words that were edited are no approved ones any more, and neither are those
// that were approved by an earlier configuration.
func TestEditedApprovedText(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ari, desk.Ack{Impact: incident.Critical})
	a := h.do(ana, desk.Edit{Draft: "D-1", Saying: incident.Saying{Body: text("Nobody can log in.")}})
	if a.Draft.Needs != 1 {
		t.Errorf("answer %+v", a.Draft)
	}
	if a := h.do(ana, desk.Publish{Draft: "D-1"}); a.State != "draft" {
		t.Fatalf("whose words they are publishes them alone: %+v", a)
	}
	h.do(bo, desk.Publish{Draft: "D-1"})
	if u := h.incident("INC-1").Update(1); u.Template != "" || u.Author != "Ana" || !slices.Equal(u.ApprovedBy, []string{"Bo"}) {
		t.Errorf("it is %+v", u)
	}
	h.do(ari, desk.Ack{Impact: incident.Critical})
	h.Approved = map[string]string{"ack": "other"}
	if a := h.do(bo, desk.Publish{Draft: "D-2"}); a.State != "published" || !slices.Equal(h.incident("INC-2").Update(1).ApprovedBy, []string{"Bo"}) {
		t.Errorf("answer %+v", a)
	}
}

// Approved words do not carry a raised impact past those who must agree to it.
func TestHoldWithAScopeThatWaits(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ana, desk.Ack{Impact: incident.Minor})
	h.do(ana, desk.Scope{Change: []string{"critical"}})
	a := h.do(ana, desk.Hold{})
	if a.State != "draft" || a.Draft.Needs != 1 {
		t.Fatalf("answer %+v", a)
	}
	h.do(bo, desk.Publish{Draft: "D-1"})
	if i := h.incident("INC-1"); i.Impact != incident.Critical || !slices.Equal(i.Update(2).ApprovedBy, []string{"Bo"}) {
		t.Errorf("it is %+v", i.Update(2))
	}
}

func TestRoomAck(t *testing.T) {
	c := newChat(t, needs("critical", 1))
	got := c.ask(c.event("/ack critical login"))
	for _, part := range []string{"D-1 → new incident · critical · investigating · by Ana · approved template ack, sha256 acacac\n", "Login: we are looking into a problem\nWe are aware"} {
		if !strings.Contains(got, part) {
			t.Errorf("the preview does not say %q:\n%s", part, got)
		}
	}
	if got := c.press("1001", "Publish"); !strings.Contains(got, "INC-1/1 is published") {
		t.Errorf("answered %q", got)
	}
	card := desk.NewCard(c.incident("INC-1"), nil, desk.CardSite{Zone: time.UTC, FalseAlarm: true}, time.Now())
	if !strings.Contains(card.Text, "approved template ack, sha256 acacac") || card.Buttons[0][0].Text != "False alarm" {
		t.Errorf("the card is %+v", card)
	}
	if card := desk.NewCard(c.incident("INC-1"), nil, desk.CardSite{Zone: time.UTC}, time.Now()); len(card.Buttons) != 0 {
		t.Errorf("without approved words for it the card offers %+v", card.Buttons)
	}
	data := card.Buttons[0][0].Data
	c.said = append(c.said, opWith("-100", "False alarm", data))
	if got := c.press("1001", "False alarm"); got != "" {
		t.Errorf("answered %q", got)
	}
	if got := c.said[len(c.said)-1].Text; !strings.Contains(got, "D-2 → INC-1/2") || !strings.Contains(got, "This was a false alarm") {
		t.Errorf("the preview is:\n%s", got)
	}
	c.press("1001", "Publish")
	i := c.incident("INC-1")
	if card := desk.NewCard(i, nil, desk.CardSite{Zone: time.UTC, FalseAlarm: true}, time.Now()); i.ResolvedAt.IsZero() || len(card.Buttons) != 0 {
		t.Errorf("the card is %+v", card)
	}
}
