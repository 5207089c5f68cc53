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

func TestDraftNeedsASecondPerson(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	answer := h.do(ana, opening())
	if answer.State != "draft" || answer.Draft.ID() != "D-1" || answer.Draft.Needs != 1 || answer.Text != "D-1 waits for 1 more to agree." {
		t.Fatalf("answer %+v", answer)
	}
	if all, _ := h.store.Incidents(t.Context(), 9); len(all) != 0 {
		t.Fatalf("a draft opened %+v", all[0])
	}
	if again := h.do(ana, desk.Publish{Draft: "D-1"}); again.State != "draft" || len(again.Draft.Approvals) != 0 {
		t.Errorf("the author agrees to himself: %+v", again)
	}
	h.refused(ari, desk.Publish{Draft: "D-1"}, desk.Forbidden, "Ari may not agree to drafts: ask a reviewer")
	published := h.do(rae, desk.Publish{Draft: "d1", Digest: answer.Draft.Digest})
	if published.State != "published" || published.Ref != "INC-1" || published.Update != 1 {
		t.Errorf("a reviewer publishes a publisher's draft: %+v", published)
	}
	u := h.incident("INC-1").Update(1)
	if u.Author != "Ana" || !slices.Equal(u.ApprovedBy, []string{"Rae"}) {
		t.Errorf("author %s, approved by %v", u.Author, u.ApprovedBy)
	}
	h.wantShould("INC-1", "x", "1 post words 1")
	h.refused(bo, desk.Publish{Draft: "D-1"}, desk.Conflict, "D-1 is published already")
	if drafts, err := h.store.Drafts(t.Context()); len(drafts) != 0 || err != nil {
		t.Errorf("%d drafts are open, %v", len(drafts), err)
	}
	if got := h.audit(3); got[0].Verb != "publish" || got[0].Subject != "refused" || got[1].Verb != "publish" || got[1].Actor != "Rae" || got[1].Subject != "INC-1/1" {
		t.Errorf("audit %+v", got)
	}
}

func TestDraftNeedsTwo(t *testing.T) {
	h := newHarness(t, needs("incident", 2))
	h.do(ana, opening())
	for range 2 { // the same person agrees once
		if a := h.do(rae, desk.Publish{Draft: "D-1"}); a.State != "draft" || !slices.Equal(a.Draft.Approvals, []string{"Rae"}) {
			t.Fatalf("answer %+v", a)
		}
	}
	if a := h.do(bo, desk.Publish{Draft: "D-1"}); a.State != "published" {
		t.Errorf("answer %+v", a)
	}
	if got := h.incident("INC-1").Update(1).ApprovedBy; !slices.Equal(got, []string{"Rae", "Bo"}) {
		t.Errorf("approved by %v", got)
	}
}

// An author may not publish, whatever the policy asks for.
func TestDraftOfAnAuthor(t *testing.T) {
	h := newHarness(t)
	answer := h.do(ari, opening())
	if answer.State != "draft" || answer.Draft.Needs != 0 || answer.Text != "D-1 waits for a publisher." {
		t.Fatalf("answer %+v", answer)
	}
	h.refused(ari, desk.Publish{Draft: "D-1"}, desk.Forbidden, "may not agree")
	if a := h.do(rae, desk.Publish{Draft: "D-1"}); a.State != "draft" {
		t.Errorf("a reviewer publishes an author's draft: %+v", a)
	}
	if a := h.do(bo, desk.Publish{Draft: "D-1"}); a.State != "published" {
		t.Errorf("answer %+v", a)
	}
	u := h.incident("INC-1").Update(1)
	if u.Author != "Ari" || !slices.Equal(u.ApprovedBy, []string{"Rae", "Bo"}) {
		t.Errorf("author %s, approved by %v", u.Author, u.ApprovedBy)
	}
}

func TestDraftIsNotPublishedAloneAtOnce(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	h.do(ada, opening())
	h.refused(ada, desk.Publish{Draft: "D-1", Reason: "nobody is here"}, desk.Forbidden, "an admin may publish it alone in 3m0s")
}

func TestDraftPublishedAlone(t *testing.T) {
	h := newHarness(t, needs("critical", 2), func(c *desk.Config) { c.Escalate = time.Nanosecond })
	h.do(ada, opening())
	if a := h.do(ada, desk.Publish{Draft: "D-1"}); a.State != "draft" {
		t.Fatalf("an admin publishes alone without a reason: %+v", a)
	}
	if a := h.do(bo, desk.Publish{Draft: "D-1", Reason: "nobody is here"}); a.State != "draft" {
		t.Fatalf("a publisher publishes alone: %+v", a)
	}
	if a := h.do(ada, desk.Publish{Draft: "D-1", Reason: "nobody is here"}); a.State != "published" {
		t.Fatalf("answer %+v", a)
	}
	want := []string{"Bo", "Ada, alone: nobody is here"}
	if got := h.incident("INC-1").Update(1).ApprovedBy; !slices.Equal(got, want) {
		t.Errorf("approved by %q, want %q", got, want)
	}
}

// The approvals that count are those of what the incident would become.
func TestDraftOfARaisedImpact(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	c := opening()
	c.Saying.Impact = incident.Minor
	h.do(ana, c)
	if a := h.do(ana, saying("More.")); a.State != "published" {
		t.Fatalf("answer %+v", a)
	}
	raise := saying("It is worse.")
	raise.Saying.Impact = incident.Critical
	if a := h.do(ana, raise); a.State != "draft" || a.Draft.Ref != "INC-1" || a.Draft.Base != "INC-1/2" {
		t.Fatalf("answer %+v", a)
	}
	h.do(bo, desk.Publish{Draft: "D-1"})
	lower := saying("It is not that bad.")
	lower.Saying.Impact = incident.Minor
	if a := h.do(ana, lower); a.State != "draft" {
		t.Errorf("lowering a critical incident needs nobody: %+v", a)
	}
}

func TestDraftWithAStaleBase(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ari, saying("Old news."))
	h.do(ana, saying("New news."))
	h.refused(bo, desk.Publish{Draft: "D-1"}, desk.Conflict, "INC-1/2 was published meanwhile")
	if n := len(h.incident("INC-1").Updates); n != 2 {
		t.Errorf("%d updates", n)
	}
	if drafts, _ := h.store.Drafts(t.Context()); len(drafts) != 1 || len(drafts[0].Approvals) != 0 {
		t.Errorf("drafts %+v", drafts)
	}
	if a := h.do(ari, desk.Reject{Draft: "D-1", Reason: "old"}); a.State != "done" || a.Draft.State != "rejected" || a.Draft.Reason != "old" {
		t.Errorf("answer %+v", a)
	}
	h.refused(bo, desk.Publish{Draft: "D-1"}, desk.Conflict, "D-1 is rejected already")
}

func TestDraftDigest(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	one, two := h.do(ari, saying("One.")).Draft, h.do(ari, saying("Two.")).Draft
	h.do(ana, saying("Between."))
	if three := h.do(ari, saying("One.")).Draft; one.Digest == two.Digest || one.Digest == three.Digest || len(one.Digest) != 64 {
		t.Errorf("digests %s (One.), %s (Two.), %s (One., with another base)", one.Digest, two.Digest, three.Digest)
	}
	h.refused(bo, desk.Publish{Draft: "D-3", Digest: one.Digest}, desk.Conflict, "D-3 has changed since you read it")
}

func TestDraftRefusals(t *testing.T) {
	h := newHarness(t)
	h.do(ari, opening())
	h.refused(bo, desk.Publish{Draft: "seventeen"}, desk.Invalid, `"seventeen" is no draft: write it like D-17`)
	h.refused(bo, desk.Publish{Draft: ""}, desk.Invalid, "write it like D-17")
	h.refused(bo, desk.Publish{Draft: "D-9"}, desk.NotFound, "there is no draft D-9")
	sam := ari
	sam.Name = "Sam"
	h.refused(sam, desk.Reject{Draft: "D-1", Reason: "no"}, desk.Forbidden, "Sam may not reject others' drafts")
	if a := h.do(rae, desk.Reject{Draft: "D-1", Reason: "no"}); a.Draft.State != "rejected" {
		t.Errorf("answer %+v", a)
	}
}

// Whatever is drafted is carried out when it is published, with its author.
func TestDraftOfACorrection(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	if a := h.do(ari, desk.Correct{Ref: "INC-1/1", Body: text("Few can log in.")}); a.State != "draft" {
		t.Fatalf("answer %+v", a)
	}
	if a := h.do(bo, desk.Publish{Draft: "D-1"}); a.State != "published" || a.Update != 1 {
		t.Fatalf("answer %+v", a)
	}
	rev := h.incident("INC-1").Update(1).Newest()
	if rev.Author != "Ari" || rev.Body["en"] != "Few can log in." {
		t.Errorf("revision %+v", rev)
	}
}

func TestDraftIsWhatWasWritten(t *testing.T) {
	h := newHarness(t, needs("critical", 1))
	c := opening()
	c.Only = []string{"x"}
	c.Saying.Body = incident.Text{"": "Nobody can log in.", "zh-Hans": "无法登录"}
	h.do(ana, c)
	h.do(bo, desk.Publish{Draft: "D-1"})
	i := h.incident("INC-1")
	want := incident.Text{"en": "Nobody can log in.", "zh-Hans": "无法登录"}
	if diff := cmp.Diff(want, i.Update(1).Newest().Body); diff != "" || i.Impact != incident.Critical || h.lane("INC-1", "tg-en") != nil {
		t.Errorf("published %+v (-want +got):\n%s", i, diff)
	}
	for _, r := range h.audit(9) {
		if strings.Contains(r.Detail, "\n") {
			t.Errorf("the audit has line breaks: %q", r.Detail)
		}
	}
}

// What a draft would publish is its words, in which languages, where, and by
// which templates. If any of it changes it has to be read again.
func TestDigestCoversAllThatIsPublished(t *testing.T) {
	for name, change := range map[string]func(*harness){
		"templates": func(h *harness) { h.Words = reworded{h.Words} },
		"languages": func(h *harness) { h.Languages = []string{"en", "zh-Hans", "fr"} },
		"channels":  func(h *harness) { h.Channels = h.Channels[:2] },
		"target":    func(h *harness) { h.Channels = slices.Clone(h.Channels); h.Channels[0].Target = "@other" },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			first := h.do(ari, opening()).Draft.Digest
			change(h)
			a := h.do(bo, desk.Publish{Draft: "D-1", Digest: first})
			if a.State != "draft" || a.Draft.Digest == first || !strings.Contains(a.Text, "read it again") {
				t.Fatalf("answer %+v", a)
			}
			h.refused(bo, desk.Publish{Draft: "D-1", Digest: first}, desk.Conflict, "has changed since you read it")
			if a := h.do(bo, desk.Publish{Draft: "D-1", Digest: a.Draft.Digest}); a.State != "published" {
				t.Errorf("answer %+v", a)
			}
		})
	}
	h := newHarness(t)
	c := opening()
	c.Only = []string{"x"}
	h.do(ari, c)
	h.Channels = h.Channels[2:] // of which it says nothing
	if a := h.do(bo, desk.Publish{Draft: "D-1"}); a.State != "published" {
		t.Errorf("answer %+v", a)
	}
}

// reworded are words of another version.
type reworded struct{ desk.Words }

func (reworded) Version() string { return "another" }
