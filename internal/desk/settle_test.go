package desk_test

import (
	"fmt"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

var onX = desk.Which{Update: "INC-1/1", Channel: "x"}

func TestRetry(t *testing.T) {
	for name, test := range map[string]struct {
		fault *bots.Fault
		state broadcast.State
	}{
		"failed":   {rejected, broadcast.Failed},
		"unsure":   {unsure, broadcast.UnsureState},
		"put off":  {later, broadcast.Pending},
		"no money": {&bots.Fault{Kind: bots.Unauthorized, Code: "402"}, broadcast.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t)
			h.do(ana, opening())
			h.attempt("INC-1", "x", 1, bots.Post, test.fault)
			if got := h.state("INC-1", "x", 1); got != test.state {
				t.Fatalf("state %s, want %s", got, test.state)
			}
			answer := h.do(ana, desk.Retry{Which: onX})
			if answer.Text != "INC-1/1 on x is tried again." || answer.Ref != "INC-1" || answer.Update != 1 {
				t.Errorf("answer %+v", answer)
			}
			e := h.entry("INC-1", "x", 1, broadcast.Say)
			if h.state("INC-1", "x", 1) != broadcast.Pending || e.Doubt != nil && !e.Doubt.Again || !e.Try.NotBefore.IsZero() || e.Try.Attempts != 1 || e.Try.Again != 1 {
				t.Errorf("stored %+v, doubt %+v", e.Try, e.Doubt)
			}
			if len(h.woken["birds"]) != 1 {
				t.Errorf("woken %v", h.woken)
			}
			h.refused(ana, desk.Retry{Which: onX}, desk.Conflict, "there is nothing to try again: it is pending")
		})
	}
}

func TestRetryRefuses(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, nil)
	h.refused(ana, desk.Retry{Which: onX}, desk.Conflict, "it is sent")
	h.refused(rae, desk.Retry{Which: onX}, desk.Forbidden, "Rae may not settle deliveries: ask a publisher")
	h.refused(ana, desk.Retry{Which: desk.Which{Update: "INC-1/1", Channel: "fax"}}, desk.NotFound, `INC-1/1 was not planned for channel "fax"`)
	h.refused(ana, desk.Retry{Which: desk.Which{Update: "INC-1", Channel: "x"}}, desk.Invalid, "names no update")
	h.refused(ana, desk.Retry{Which: desk.Which{Delivery: "999"}}, desk.NotFound, "there is no delivery 999")
	h.refused(ana, desk.Retry{Which: desk.Which{Delivery: "x1"}}, desk.NotFound, "is not a delivery")
}

func TestSettleByDelivery(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, rejected)
	id := fmt.Sprint(h.entry("INC-1", "x", 1, broadcast.Say).ID)
	if a := h.do(ana, desk.Retry{Which: desk.Which{Delivery: id}}); a.Delivery != id || a.Ref != "INC-1" {
		t.Errorf("answer %+v", a)
	}
	if got := h.audit(1)[0]; got.Verb != "retry" || got.Subject != "INC-1/1" {
		t.Errorf("audit %+v", got)
	}
}

func TestSkip(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, unsure)
	if a := h.do(ana, desk.Skip{Which: desk.Which{Update: "inc1/1", Channel: "X"}, Reason: "it is not there"}); a.Text != "INC-1/1 on x is skipped." {
		t.Errorf("answer %+v", a)
	}
	if e := h.entry("INC-1", "x", 1, broadcast.Say); h.state("INC-1", "x", 1) != broadcast.SkippedState || e.Doubt != nil {
		t.Errorf("stored %+v", e)
	}
	h.refused(ana, desk.Skip{Which: onX}, desk.Conflict, "there is nothing to skip: it is skipped")
	h.attempt("INC-1", "tg-en", 1, bots.Post, nil)
	h.refused(ana, desk.Skip{Which: desk.Which{Update: "INC-1/1", Channel: "tg-en"}}, desk.Conflict, "it is sent")
}

// An edit that failed can be given up: the channel goes on showing the old words.
func TestSkipAFailedEdit(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, nil)
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Better."), Typo: true})
	h.attempt("INC-1", "x", 1, bots.Edit, rejected)
	h.do(ana, desk.Skip{Which: onX, Reason: "good enough"})
	e := h.entry("INC-1", "x", 1, broadcast.Say)
	if e.Should.What != broadcast.Nothing || e.Should.Why != broadcast.Skipped || e.Shows.Revision != 1 || e.Shows.Message != "700" {
		t.Errorf("stored %+v", e)
	}
}

func TestPosted(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, rejected)
	h.refused(ana, desk.Posted{Which: onX, URL: "over there"}, desk.Invalid, `"over there" is no link: copy the address of the message`)
	h.refused(ana, desk.Posted{Which: onX, URL: "javascript:alert(1)"}, desk.Invalid, "is no link")
	h.do(ana, desk.Posted{Which: onX, URL: "https://x.com/example/status/1234567890"})
	e := h.entry("INC-1", "x", 1, broadcast.Say)
	if h.state("INC-1", "x", 1) != broadcast.Sent || e.Shows.Message != "1234567890" || e.Shows.URL != "https://x.com/example/status/1234567890" ||
		!e.Shows.Assumed || e.Shows.First.IsZero() || e.Try.Failed != "" {
		t.Errorf("stored %+v", e)
	}
	h.refused(ana, desk.Posted{Which: onX}, desk.Conflict, "it is sent")
}

// The link of another update's message would have a later edit overwrite it.
func TestPostedIsNoOtherMessage(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ana, desk.Posted{Which: onX, URL: "https://x.com/example/status/1234567890"})
	h.do(ana, saying("A disk has failed."))
	second := desk.Which{Update: "INC-1/2", Channel: "x"}
	h.refused(ana, desk.Posted{Which: second, URL: "https://x.com/example/status/1234567890"}, desk.Conflict, "is the message of INC-1/1")
	h.do(ana, desk.Posted{Which: second, URL: "https://x.com/example/status/234567890"}) // its end alone
}

func TestPostedWithoutALink(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, rejected)
	h.do(ana, desk.Posted{Which: onX})
	if e := h.entry("INC-1", "x", 1, broadcast.Say); !e.Shows.Exists() || e.Shows.Message != "" {
		t.Errorf("stored %+v", e.Shows)
	}
}

// What is found after all says what was sent then, not what has been written since.
func TestPostedShowsWhatWasSent(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, unsure)
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Better.")})
	h.do(ana, desk.Posted{Which: onX, URL: "https://x.com/a/status/5"})
	if e := h.entry("INC-1", "x", 1, broadcast.Say); e.Shows.Revision != 1 || e.Shows.Posted != 1 || e.Should.Revision != 2 || e.Doubt != nil {
		t.Errorf("it shows revision %d of %d", e.Shows.Revision, e.Should.Revision)
	}
}

// What was retracted meanwhile stays retracted when it is found.
func TestPostedStaysRetracted(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, unsure)
	h.do(ana, desk.Retract{Ref: "INC-1/1", Reason: "leaked", Delete: true})
	h.refused(ana, desk.Retry{Which: onX}, desk.Conflict, "INC-1/1 was retracted")
	h.do(ana, desk.Posted{Which: onX, URL: "https://x.com/a/status/5"})
	if e := h.entry("INC-1", "x", 1, broadcast.Say); e.Should.What != broadcast.Removed || !e.Shows.Exists() {
		t.Errorf("it should show %+v and shows %+v", e.Should, e.Shows)
	}
}

// So does what was withdrawn before it was sent, if it turns up after all.
func TestPostedStaysWithdrawn(t *testing.T) {
	for remove, want := range map[bool]broadcast.What{true: broadcast.Removed, false: broadcast.Tombstone} {
		h := newHarness(t)
		h.do(ana, opening())
		h.do(ana, desk.Retract{Ref: "INC-1/1", Reason: "wrong", Delete: remove})
		h.do(ana, desk.Skip{Which: onX})
		h.do(ana, desk.Posted{Which: onX, URL: "https://x.com/a/status/5"})
		if e := h.entry("INC-1", "x", 1, broadcast.Say); e.Should.What != want || !e.Shows.Exists() {
			t.Errorf("it should show %+v, want %s", e.Should, want)
		}
	}
}

// What was skipped and then posted by hand is corrected like all others.
func TestPostedAfterSkip(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ana, desk.Skip{Which: onX})
	h.do(ana, desk.Posted{Which: onX, URL: "https://x.com/a/status/5"})
	h.do(ana, desk.Correct{Ref: "INC-1/1", Body: text("Better."), Typo: true})
	h.wantShould("INC-1", "x", "1 post words 2")
}

func TestSettleWhileSending(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, later)
	l, step, id := h.begin("INC-1", "x", 1, bots.Post)
	for _, c := range []desk.Command{desk.Retry{Which: onX}, desk.Skip{Which: onX}, desk.Posted{Which: onX}} {
		h.refused(ana, c, desk.Conflict, "it is being sent at this moment")
	}
	h.end(l, step, id, nil)
	if got := h.state("INC-1", "x", 1); got != broadcast.Sent {
		t.Errorf("state %s", got)
	}
}
