package desk_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

func ownHosts(c *desk.Config) { c.Hosts = []string{"status.example.com"} }

// Every command that says something in public is read first, whatever its
// origin, and what is refused leaves nothing behind.
func TestLintRefuses(t *testing.T) {
	h := newHarness(t, ownHosts)
	h.do(ana, opening())
	before := h.incident("INC-1")
	bad := "Claim your refund at https://evil.test now."
	const why = `leads to "evil.test"`
	titled := opening()
	titled.Saying.Title = bad
	for _, who := range []desk.Actor{ana, bo, ada, ari} {
		for _, c := range []desk.Command{
			desk.Open{Saying: incident.Saying{Title: "Down", Impact: incident.Minor, Body: text(bad)}},
			titled,
			saying(bad),
			desk.Update{Saying: incident.Saying{Body: incident.Text{"": bad}}},
			desk.Correct{Ref: "INC-1/1", Body: text(bad)},
			desk.Correct{Ref: "INC-1/1", Title: bad, Typo: true},
		} {
			h.refused(who, c, desk.Invalid, why)
		}
	}
	h.refused(ana, desk.Retract{Ref: "INC-1/1", Reason: bad}, desk.Invalid, why)
	if diff := cmp.Diff(before, h.incident("INC-1")); diff != "" {
		t.Errorf("a refused command changed something: %s", diff)
	}
	if _, err := h.store.Incident(t.Context(), incident.Ref{Prefix: "INC", Number: 2}); err == nil {
		t.Error("a refused command opened INC-2")
	}
}

func TestLintNamesTwoFindingsAndCountsTheRest(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.refused(ana, saying("TODO by XX:XX"), desk.Invalid, `"TODO", which looks like a placeholder: fill it in or leave it out; the text in "en" has "XX:XX"`)
	h.refused(ana, saying("TODO, TBD, FIXME, {{x}}"), desk.Invalid, `"TODO"`, "; and 2 more")
}

func TestLintKeepsSecretsOutOfTheAudit(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	secret := "123456789:" + strings.Repeat("aB3d-", 7)
	h.refused(ana, saying("Use "+secret), desk.Invalid, "a Telegram bot's token")
	for _, r := range h.audit(10) {
		if strings.Contains(r.Detail, secret[8:16]) {
			t.Errorf("the audit has the secret: %s", r.Detail)
		}
	}
}

func TestLintWarns(t *testing.T) {
	h := newHarness(t)
	c := opening()
	c.Saying.Body = text("It is down because of a storage upgrade.")
	if got := h.do(ana, c).Warnings; len(got) != 1 || !strings.Contains(got[0], `"because"`) {
		t.Errorf("opened with %q, want a warning of the cause", got)
	}
	if got := h.do(ana, saying("It is down because of a storage upgrade.")).Warnings; len(got) != 1 {
		t.Errorf("updated with %q, want a warning: the cause is still investigated", got)
	}
	identified := desk.Update{Saying: incident.Saying{Status: incident.Identified, Body: text("It is down because of a storage upgrade.")}}
	if got := h.do(ana, identified).Warnings; len(got) != 0 {
		t.Errorf("identified with %q, want no warning", got)
	}
	if got := h.do(ana, desk.Retract{Ref: "INC-1/2", Reason: "No funds are affected."}).Warnings; len(got) != 1 {
		t.Errorf("retracted with %q, want one warning", got)
	}
}

func TestDraftWarnsOfItsWords(t *testing.T) {
	h := newHarness(t, needs("critical", 1), ownHosts)
	c := opening()
	c.Saying.Body = text("Your funds are there. Back by 14:00.")
	answer := h.do(ana, c)
	if got := answer.Draft.Wording; len(got) != 2 || !strings.Contains(got[0], `"funds"`) || !strings.Contains(got[1], `"14:00"`) {
		t.Errorf("the draft warns of %q", got)
	}
	h.refused(ana, desk.Edit{Draft: "D-1", Saying: incident.Saying{Body: text("See evil.com")}}, desk.Invalid, `"evil.com"`)
	answer = h.do(ana, desk.Edit{Draft: "D-1", Saying: incident.Saying{Body: text("Back by 14:00 UTC, because it was hacked.")}})
	if got := answer.Draft.Wording; len(got) != 2 || !strings.Contains(got[0], `"because"`) || !strings.Contains(got[1], `"hacked"`) {
		t.Errorf("the edited draft warns of %q", got)
	}
	h.Hosts = []string{"other.example.com"} // stricter since it was written
	answer = h.do(ana, desk.Edit{Draft: "D-1", Saying: incident.Saying{Body: text("See https://other.example.com")}})
	if got := answer.Draft.Wording; len(got) != 0 {
		t.Errorf("the edited draft warns of %q", got)
	}
	h.Hosts = []string{"status.example.com"}
	h.refused(bo, desk.Publish{Draft: "D-1"}, desk.Invalid, `"other.example.com"`)
}
