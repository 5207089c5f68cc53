package desk_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

func TestCorrect(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ana, saying("More."))
	answer := h.do(bo, desk.Correct{Ref: "inc1/1", Body: text("Few can log in.")})
	if answer.State != "published" || answer.Update != 1 || answer.Text != "INC-1/1 now has revision 2." {
		t.Errorf("answer %+v", answer)
	}
	h.wantShould("INC-1", "x", "1 post words 2", "2 post words 1", "1 correction words 2")
	if e := h.entry("INC-1", "x", 1, broadcast.Correct); e.Revision != 2 {
		t.Errorf("the correction announces revision %d", e.Revision)
	}
	u := h.incident("INC-1").Update(1)
	if len(u.Revisions) != 2 || u.Revision(1).Body["en"] != "Nobody can log in." || u.Newest().Body["en"] != "Few can log in." ||
		u.Newest().Author != "Bo" || u.Newest().Title != "Login is down" || u.Newest().Typo {
		t.Errorf("stored %+v", u.Revisions)
	}
	h.do(bo, desk.Correct{Ref: "INC-1/1", Body: text("Some can log in.")})
	h.wantShould("INC-1", "x", "1 post words 3", "2 post words 1", "1 correction words 3", "1 correction words 3")
	if got := h.audit(1)[0]; got.Verb != "correct" || got.Subject != "INC-1/1" {
		t.Errorf("audit %+v", got)
	}
}

func TestCorrectTitle(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ana, desk.Correct{Ref: "INC-1/1", Title: "Login is slow"})
	i := h.incident("INC-1")
	if i.Title != "Login is slow" || i.Update(1).Newest().Title != "Login is slow" || i.Update(1).Newest().Body["en"] != "Nobody can log in." {
		t.Errorf("stored %+v", i)
	}
}

// Two people who correct the same words at once have it announced once.
func TestCorrectTwiceAlike(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	fix := func(typo bool) desk.Correct {
		return desk.Correct{Ref: "INC-1/1", Title: "Login is slow", Body: text("Few can log in."), Typo: typo}
	}
	const again = "INC-1/1 says exactly that already: nothing is corrected"
	h.do(ana, fix(true))
	h.refused(bo, fix(true), desk.Conflict, again)
	h.do(bo, fix(false)) // what was edited in silence may still be announced
	for _, typo := range []bool{false, true} {
		h.refused(ana, fix(typo), desk.Conflict, again)
	}
	h.wantShould("INC-1", "x", "1 post words 3", "1 correction words 3")
	h.do(ana, desk.Correct{Ref: "INC-1/1", Title: "Login works"})
}

func TestTypo(t *testing.T) {
	h := newHarness(t)
	c := opening()
	c.Saying.Body = incident.Text{"en": "Noboby can log in.", "zh-Hans": "无法登录"}
	h.do(ana, c)
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: incident.Text{"": "Nobody can log in."}, Typo: true})
	h.wantShould("INC-1", "x", "1 post words 2")
	rev := h.incident("INC-1").Update(1).Newest()
	want := incident.Text{"en": "Nobody can log in.", "zh-Hans": "无法登录"}
	if diff := cmp.Diff(want, rev.Body); diff != "" || !rev.Typo {
		t.Errorf("typo %v: a typo in one language drops the others (-want +got):\n%s", rev.Typo, diff)
	}
	// A correction changes the meaning, so that the old translation is wrong too.
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Few can log in.")})
	if diff := cmp.Diff(text("Few can log in."), h.incident("INC-1").Update(1).Newest().Body); diff != "" {
		t.Errorf("corrected (-want +got):\n%s", diff)
	}
}

// Words that the platform refused get another chance when they are others.
func TestCorrectWhatWasRefused(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, rejected)
	if got := h.state("INC-1", "x", 1); got != broadcast.Failed {
		t.Fatalf("a refused post is %s", got)
	}
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Shorter.")})
	if got := h.state("INC-1", "x", 1); got != broadcast.Pending {
		t.Errorf("with other words it is %s", got)
	}
	if e := h.entry("INC-1", "x", 1, broadcast.Say); e.Try.Attempts != 1 || e.GaveUp() {
		t.Errorf("stored %+v", e.Try)
	}
}

func TestCorrectRefuses(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.refused(ana, desk.Correct{Ref: "INC-1/1"}, desk.Invalid, "nothing is corrected")
	h.refused(ana, desk.Correct{Ref: "INC-1", Body: text("a")}, desk.Invalid, "INC-1 names no update: write INC-1/1")
	h.refused(ana, desk.Correct{Ref: "", Body: text("a")}, desk.Invalid, "there is no reference")
	h.refused(ana, desk.Correct{Ref: "INC-1/2", Body: text("a")}, desk.NotFound, "INC-1 has no update 2: the newest is INC-1/1")
	h.refused(ana, desk.Correct{Ref: "INC-2/1", Body: text("a")}, desk.NotFound, "there is no INC-2")
	h.refused(ana, desk.Correct{Ref: "INC-1/1", Body: incident.Text{"fr": "a"}}, desk.Invalid, `"fr" is not a language`)
	h.do(ana, desk.Retract{Ref: "INC-1/1", Reason: "wrong"})
	h.refused(ana, desk.Correct{Ref: "INC-1/1", Body: text("a")}, desk.Conflict, "INC-1/1 was retracted")
}

func TestRetract(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	clear := saying("All works.")
	clear.Saying.Status = incident.Resolved
	h.do(ana, clear)
	answer := h.do(bo, desk.Retract{Ref: "INC-1/2", Reason: "It is still down."})
	if answer.State != "published" || answer.Update != 2 || answer.Text != "INC-1/2 is retracted." {
		t.Errorf("answer %+v", answer)
	}
	h.wantShould("INC-1", "x", "1 post words 1", "2 post tombstone", "2 retraction words 1")
	i := h.incident("INC-1")
	if r := i.Update(2).Retraction; i.Status != incident.Investigating || !i.ResolvedAt.IsZero() || r == nil || r.Reason != "It is still down." || r.Author != "Bo" || r.Delete {
		t.Errorf("stored %+v, %+v", i, r)
	}
	if i.Components["login"] != incident.MajorOutage {
		t.Errorf("components %v", i.Components)
	}
	h.refused(bo, desk.Retract{Ref: "INC-1/2", Reason: "again"}, desk.Conflict, "INC-1/2 is retracted already")
}

func TestRetractDelete(t *testing.T) {
	h := newHarness(t, func(c *desk.Config) { c.Retraction = "delete" })
	h.do(ana, opening())
	h.do(ana, desk.Retract{Ref: "INC-1/1", Reason: "leaked"})
	h.wantShould("INC-1", "x", "1 post removed", "1 retraction words 1")

	h = newHarness(t)
	h.do(ana, opening())
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Better.")})
	h.do(ana, desk.Retract{Ref: "INC-1/1", Reason: "leaked", Delete: true})
	h.wantShould("INC-1", "x", "1 post removed", "1 correction removed", "1 retraction words 1")
	if i := h.incident("INC-1"); i.ResolvedAt.IsZero() || i.Visible() != 0 {
		t.Errorf("an incident of which nothing stands is open: %+v", i)
	}
}

// A message that could not be edited before may still be edited into a tombstone.
func TestRetractAfterAFailedEdit(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, nil)
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Better."), Typo: true})
	h.attempt("INC-1", "x", 1, bots.Edit, rejected)
	h.do(ana, desk.Retract{Ref: "INC-1/1", Reason: "wrong"})
	if e := h.entry("INC-1", "x", 1, broadcast.Say); e.Should.What != broadcast.Tombstone || e.GaveUp() || e.Shows.Message != "700" {
		t.Errorf("stored %+v", e)
	}
}

// While a message is being sent, what it should show may change all the same.
func TestCorrectWhileSending(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	l, step, id := h.begin("INC-1", "x", 1, bots.Post)
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Better.")})
	h.end(l, step, id, nil)
	e := h.entry("INC-1", "x", 1, broadcast.Say)
	if e.Should.Revision != 2 || e.Shows.Revision != 1 || e.Shows.Message != "700" {
		t.Errorf("it should show revision %d and shows %+v", e.Should.Revision, e.Shows)
	}
	if open, err := h.store.Busy(t.Context(), "birds"); err != nil || !slices.Contains(open, l.ID) {
		t.Errorf("nobody will edit it: %v, %v", open, err)
	}
}

func TestRetractRefuses(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.refused(rae, desk.Retract{Ref: "INC-1/1", Reason: "wrong"}, desk.Forbidden, "Rae may not retract: ask a publisher")
	h.refused(ana, desk.Retract{Ref: "INC-1/1", Reason: " "}, desk.Invalid, "say why it is retracted")
	h.refused(ana, desk.Retract{Ref: "INC-1", Reason: "wrong"}, desk.Invalid, "INC-1 names no update")
}

// A refusal that is recorded only after the correction was accepted is one of
// the old words: the new ones get their chance all the same.
func TestCorrectWhatIsBeingRefused(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	lane := h.lane("INC-1", "x")
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Shorter.")})
	e := h.entry("INC-1", "x", 1, broadcast.Say)
	stale := lane.Entries[0]
	stale.Try.Failed, stale.Try.FailedFor, stale.Try.Fault = bots.Post, stale.Should, rejected
	stale.Should = e.Should
	if stale.GaveUp() {
		t.Errorf("%+v is given up for words that were never tried", stale.Try)
	}
}
