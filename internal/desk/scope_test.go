package desk_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// minor is an incident that may get worse.
func minor() desk.Open {
	c := opening()
	c.Saying.Impact = incident.Minor
	return c
}

func scope(words string) desk.Scope { return desk.Scope{Change: strings.Fields(words)} }

// What has changed goes out with the next update, whatever that is about.
func TestScopeRidesOnTheNextUpdate(t *testing.T) {
	h := newHarness(t)
	h.do(ana, minor())
	answer := h.do(ari, scope("major +withdrawals login=partial"))
	if answer.State != "done" || answer.Text != "Major, login partial outage, withdrawals major outage goes out with the next update of INC-1." {
		t.Errorf("answer %+v", answer)
	}
	i := h.incident("INC-1")
	if len(i.Updates) != 1 || i.Impact != incident.Minor || i.Pending.By != "Ari" {
		t.Errorf("it is %+v", i)
	}
	card := desk.NewCard(i, nil, desk.CardSite{Zone: time.UTC}, time.Now())
	if !strings.Contains(card.Text, "With the next update: major, login partial outage, withdrawals major outage (Ari)") {
		t.Errorf("the card says:\n%s", card.Text)
	}
	said := saying("We know more.")
	said.Saying.Components = states{"login": incident.DegradedPerformance} // which the author says himself
	h.do(ana, said)
	i = h.incident("INC-1")
	want := states{"login": incident.DegradedPerformance, "withdrawals": incident.MajorOutage}
	if diff := cmp.Diff(want, i.Update(2).Components); diff != "" || i.Impact != incident.Major || !i.Pending.Empty() {
		t.Errorf("it is %+v (-want +got):\n%s", i, diff)
	}
}

// A second change goes on top of the first; what is as it was said waits no
// more.
func TestScopesAddUp(t *testing.T) {
	h := newHarness(t)
	h.do(ana, minor())
	h.do(ana, scope("critical"))
	if a := h.do(ana, scope("+withdrawals")); a.Text != "Critical, withdrawals major outage goes out with the next update of INC-1." {
		t.Errorf("answer %q", a.Text)
	}
	h.refused(ana, scope("critical"), desk.Conflict, "INC-1 says that already: nothing would change")
	if a := h.do(ana, scope("minor -withdrawals")); a.Text != "INC-1 is as it was said: nothing waits any more." || !h.incident("INC-1").Pending.Empty() {
		t.Errorf("answer %q", a.Text)
	}
	h.do(ana, scope("critical"))
	if a := h.do(ana, desk.Scope{Drop: true}); a.Text != "Critical is taken back: it is not said." || !h.incident("INC-1").Pending.Empty() {
		t.Errorf("answer %q", a.Text)
	}
	h.refused(ana, desk.Scope{Drop: true}, desk.Conflict, "nothing waits for the next update of INC-1")
}

func TestScopeAsks(t *testing.T) {
	h := newHarness(t)
	h.do(ana, minor())
	for words, want := range map[string]string{
		"critical +mail": `"+mail" is neither an impact nor a component: the impacts are none, minor, major, critical; the components are login, withdrawals`,
		"login=broken":   `"broken" is no state of login`,
		"":               "say what has changed, like critical +deposits login=partial -card",
	} {
		h.refused(ana, scope(words), desk.Invalid, want)
	}
	if i := h.incident("INC-1"); !i.Pending.Empty() || len(i.Updates) != 1 {
		t.Errorf("it is %+v", i)
	}
	h.refused(ana, scope("minor"), desk.Conflict, "INC-1 says that already")
	h.refused(ana, desk.Scope{Change: []string{"minor"}, Now: true}, desk.Conflict, "INC-1 says that already")
	h.do(ana, desk.Open{Kind: incident.Notice, Saying: incident.Saying{Title: "No", Body: text("No.")}})
	h.refused(ana, desk.Scope{Ref: "NTC-1", Change: []string{"critical"}}, desk.Invalid, "NTC-1 is a notice, which affects nothing")
	h.do(ana, desk.FalseAlarm{Ref: "INC-1"})
	h.refused(ana, desk.Scope{Ref: "INC-1", Change: []string{"critical"}}, desk.Conflict, "INC-1 is over")
}

// Said at once it has words in every language, and the promise stands.
func TestScopeNow(t *testing.T) {
	h := newHarness(t)
	c := minor()
	c.Saying.NextUpdate = time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	h.do(ana, c)
	h.do(ana, scope("+withdrawals"))
	h.do(ana, desk.Scope{Change: []string{"major"}, Now: true})
	i := h.incident("INC-1")
	u := i.Update(2)
	want := incident.Text{
		"en":      "The impact is now major (was minor).\nWhat is affected has changed:\nWithdrawals: Degraded performance",
		"zh-Hans": "影响程度现为较大（此前为轻微）。\n受影响的服务有变化：\nWithdrawals：性能下降",
	}
	if diff := cmp.Diff(want, u.Newest().Body); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if u.Template != incident.ScopePhrase || !u.NextUpdate.Equal(c.Saying.NextUpdate) || i.Impact != incident.Major || !i.Pending.Empty() {
		t.Errorf("it is %+v", u)
	}
}

// Both roads need those who must agree to the higher impact.
func TestScopeNeedsTheHigherApprovals(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ana, minor())
	if a := h.do(ana, desk.Scope{Change: []string{"critical"}, Now: true}); a.State != "draft" || a.Draft.Needs != 1 {
		t.Errorf("at once: %+v", a)
	}
	h.do(ana, desk.Reject{Draft: "D-1"})
	h.do(ana, scope("critical"))
	if a := h.do(ana, saying("More.")); a.State != "draft" || a.Draft.Needs != 1 {
		t.Errorf("with the next update: %+v", a)
	}
	if a := h.do(bo, desk.Publish{Draft: "D-2"}); a.State != "published" || h.incident("INC-1").Impact != incident.Critical {
		t.Errorf("answer %+v", a)
	}
}

// Who agreed to words did not agree to what was changed after he read them.
func TestScopeChangedAfterTheDraft(t *testing.T) {
	h := newHarness(t, needs("minor", 1), needs("critical", 2))
	h.Approvals = map[string]int{"minor": 1, "critical": 2}
	h.do(ana, minor())
	h.do(bo, desk.Publish{Draft: "D-1"})
	before := h.do(ana, saying("More.")).Draft
	h.do(ana, scope("critical"))
	a := h.do(bo, desk.Publish{Draft: "D-2", Digest: before.Digest})
	if a.State != "draft" || a.Draft.Digest == before.Digest || a.Draft.Needs != 2 || len(a.Draft.Approvals) != 0 ||
		a.Text != "D-2 would say something else than when it was read: read it again." {
		t.Fatalf("answer %+v", a)
	}
	h.refused(rae, desk.Publish{Draft: "D-2", Digest: before.Digest}, desk.Conflict, "D-2 has changed since you read it")
	h.do(bo, desk.Publish{Draft: "D-2"})
	if a := h.do(rae, desk.Publish{Draft: "D-2"}); a.State != "published" {
		t.Fatalf("answer %+v", a)
	}
	if u := h.incident("INC-1").Update(2); u.Impact != incident.Critical || !slices.Equal(u.ApprovedBy, []string{"Bo", "Rae"}) {
		t.Errorf("it is %+v", u)
	}
}

// An impact that was raised meanwhile counts when a draft is published.
func TestNeedsAreThoseOfNow(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ana, minor())
	h.do(ari, saying("More."))
	raise := saying("Worse.")
	raise.Saying.Impact = incident.Critical
	h.do(ana, raise)
	h.do(bo, desk.Publish{Draft: "D-2"})
	if a := h.do(ana, desk.Publish{Draft: "D-1", Anyway: true}); a.State != "published" {
		t.Errorf("Ana is the one who agrees to Ari's words: %+v", a)
	}
	h.do(ari, saying("More still."))
	h.Approvals = map[string]int{"critical": 2}
	if a := h.do(ana, desk.Publish{Draft: "D-3"}); a.State != "draft" || a.Draft.Needs != 2 {
		t.Errorf("answer %+v", a)
	}
}

// An all clear does not say for the first time that it was worse.
func TestScopeIsNoNewsOnceItIsOver(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ana, minor())
	h.do(ana, scope("critical +withdrawals"))
	c := saying("All works.")
	c.Saying.Status = incident.Resolved
	if a := h.do(ana, c); a.State != "published" {
		t.Fatalf("answer %+v", a)
	}
	if i := h.incident("INC-1"); i.Impact != incident.Minor || len(i.Components) != 1 || !i.Pending.Empty() {
		t.Errorf("it is %+v", i)
	}
}

func TestRoomScope(t *testing.T) {
	c := newChat(t)
	c.do(ana, minor())
	if got := c.ask(c.event("/scope major +withdrawals")); got != "Major, withdrawals major outage goes out with the next update of INC-1." {
		t.Errorf("answer %q", got)
	}
	if got := c.press("1001", "Say it now"); got != "" {
		t.Errorf("answered %q", got)
	}
	got := c.said[len(c.said)-1].Text
	for _, part := range []string{"D-1 → INC-1/2 after /1", "The impact is now major (was minor).", "! changes impact minor → major", "! changes what is affected: withdrawals major outage"} {
		if !strings.Contains(got, part) {
			t.Errorf("the preview does not say %q:\n%s", part, got)
		}
	}
	if got := c.press("1001", "Take it back"); got != "Major, withdrawals major outage is taken back: it is not said." {
		t.Errorf("answered %q", got)
	}
	if got := c.press("1001", "Say it now"); !strings.Contains(got, "say what has changed") && !strings.Contains(got, "Say what has changed") {
		t.Errorf("answered %q", got)
	}
	got = c.ask(c.event("/scope INC-1 critical\nIt is worse than we thought.\nnext 20m"))
	if !strings.Contains(got, "D-2 → INC-1/2") || !strings.Contains(got, "It is worse than we thought.") || !strings.Contains(got, "(in 20 min)") {
		t.Errorf("the preview is:\n%s", got)
	}
}

// A mistyped word is asked about; what it was to do with the component stays.
func TestRoomAsksAboutTheScope(t *testing.T) {
	c := newChat(t)
	c.do(ana, minor())
	c.asked("/scope -withdrawls login=partial", `"-withdrawls" is neither an impact nor a component`, "-withdrawals", "Leave it out")
	c.asked("/scope withdrawls=partial", `"withdrawls=partial" is neither`, "withdrawals=partial", "Leave it out")
	if got := c.choose("withdrawals=partial"); !strings.Contains(got, "Withdrawals partial outage goes out with the next update of INC-1.") {
		t.Errorf("the choice gives %q", got)
	}
	c.asked("/scope major minor", "There are two impacts", "critical", "major", "minor", "none")
}

// What a maintenance affects is under maintenance.
func TestScopeOfAMaintenance(t *testing.T) {
	h := newHarness(t)
	h.do(ana, desk.Open{Kind: incident.Maintenance, Saying: incident.Saying{Title: "New database", Body: text("Deposits wait."),
		Begin: time.Now().Add(time.Hour), End: time.Now().Add(2 * time.Hour)}})
	if a := h.do(ana, scope("+login")); a.Text != "Login under maintenance goes out with the next update of MNT-1." {
		t.Errorf("answer %q", a.Text)
	}
}
