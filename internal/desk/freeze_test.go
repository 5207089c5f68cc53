package desk_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

// frozen lists the channels on which nothing of INC-1 can be sent, asking as
// the engine does.
func (h *harness) frozen() (names []string) {
	h.t.Helper()
	for _, ch := range h.Channels[:3] {
		l := h.lane("INC-1", ch.Name)
		_, err := h.store.Begin(h.t.Context(), h.claim(ch.Account), l, broadcast.Attempt{Lane: l.ID, Began: time.Now()})
		switch {
		case errors.Is(err, broadcast.ErrFrozen):
			names = append(names, ch.Name)
		case err != nil:
			h.t.Fatal(err)
		}
	}
	return names
}

// A freeze is answered when other nodes obey it, also where it is repeated.
// Nothing else waits for them.
func TestOnlyAFreezeWaitsForOtherNodes(t *testing.T) {
	h := newHarness(t)
	waited := 0
	h.Obeyed = func() {
		if len(h.frozen()) == 0 {
			t.Error("waits before the freeze is committed")
		}
		waited++
	}
	h.do(ana, opening())
	for want := 1; want <= 2; want++ {
		if _, err := h.Do(t.Context(), ari, "once", desk.Stop{Reason: "wrong numbers"}); err != nil {
			t.Fatal(err)
		}
		if waited != want {
			t.Errorf("waited %d times, want %d", waited, want)
		}
	}
	h.do(ana, saying("A fix is in place."))
	if waited != 2 {
		t.Error("an update waits for other nodes")
	}
}

func TestFreezeScopes(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ana, opening())
	for _, test := range []struct {
		scope, stored string
		frozen        []string
	}{
		{"", "all", []string{"tg-en", "tg-zh", "x"}},
		{"all", "all", []string{"tg-en", "tg-zh", "x"}},
		{"x", "channel:x", []string{"x"}},
		{"TG-EN", "channel:tg-en", []string{"tg-en"}},
		{"channel:tg-zh", "channel:tg-zh", []string{"tg-zh"}},
		{"tg", "account:tg", []string{"tg-en", "tg-zh"}},
		{"account:birds", "account:birds", []string{"x"}},
		{"inc1", "incident:INC-1", []string{"tg-en", "tg-zh", "x"}},
		{"INC-2", "incident:INC-2", nil},
	} {
		t.Run("scope "+test.scope, func(t *testing.T) {
			h.t = t
			if a := h.do(ari, desk.Stop{Scope: test.scope, Reason: "wrong numbers"}); a.State != "done" {
				t.Errorf("answer %+v", a)
			}
			if diff := cmp.Diff(test.frozen, h.frozen()); diff != "" {
				t.Errorf("frozen (-want +got):\n%s", diff)
			}
			all, err := h.store.Freezes(t.Context())
			if err != nil || len(all) != 1 || all[0].Scope != test.stored || all[0].By != "Ari" || all[0].Reason != "wrong numbers" || all[0].At.IsZero() {
				t.Errorf("stored %+v, %v", all, err)
			}
			h.refused(bo, desk.Release{Scope: test.scope}, desk.Forbidden, "Bo may not lift a freeze: ask an admin")
			h.refused(ada, desk.Release{Scope: test.scope}, desk.Invalid, "it is still frozen, and holds", `what shall be sent? Release "newest", "all" or "drop"`)
			h.do(ada, desk.Release{Scope: test.scope, Release: "newest"})
			if got := h.frozen(); got != nil {
				t.Errorf("%v frozen after the release", got)
			}
		})
	}
}

func TestFreezeRefuses(t *testing.T) {
	h := newHarness(t)
	h.refused(ana, desk.Stop{}, desk.Invalid, "say why")
	h.refused(ana, desk.Stop{Scope: "fax", Reason: "why"}, desk.Invalid, `"fax" is no channel, account or incident: the channels are tg-en, tg-zh, x, practice`)
	h.refused(ana, desk.Stop{Scope: "INC-7", Reason: "why"}, desk.NotFound, "there is no INC-7", "leave it out to mean everything")
	h.refused(ada, desk.Release{}, desk.Conflict, "all is not frozen")
	h.do(ana, desk.Stop{Reason: "why"})
	h.refused(ada, desk.Release{Scope: "x"}, desk.Conflict, "channel:x is not frozen")
	h.refused(ada, desk.Release{Release: "some"}, desk.Invalid, `release is "some": use "newest", "all", "drop" or a list`)
}

// What is said under a freeze is held; what of it is sent later is the admin's choice.
func TestRelease(t *testing.T) {
	for _, test := range []struct {
		release string
		choose  int // number of the update whose delivery on x is chosen; 0 is none
		want    []string
	}{
		{"newest", 0, []string{"1 post words 1", "2 post superseded", "3 post words 1"}},
		{"all", 0, []string{"1 post words 1", "2 post words 1", "3 post words 1"}},
		{"drop", 0, []string{"1 post words 1", "2 post skipped", "3 post skipped"}},
		{"", 2, []string{"1 post words 1", "2 post words 1", "3 post skipped"}},
	} {
		t.Run(fmt.Sprint(test.release, test.choose), func(t *testing.T) {
			h := newHarness(t)
			h.do(ana, opening())
			h.attempt("INC-1", "x", 1, bots.Post, nil)
			h.do(ana, desk.Stop{Reason: "why"})
			h.do(ana, saying("Two."))
			h.do(ana, saying("Three."))
			if got := h.state("INC-1", "x", 3); got != broadcast.Held {
				t.Errorf("under the freeze it is %s", got)
			}
			h.woken = nil
			c := desk.Release{Release: test.release}
			if test.choose > 0 {
				c.Choose = []string{fmt.Sprint(h.entry("INC-1", "x", test.choose, broadcast.Say).ID)}
			}
			h.do(ada, c)
			h.wantShould("INC-1", "x", test.want...)
			if len(h.woken["birds"]) == 0 {
				t.Error("nobody is told that it may go on")
			}
		})
	}
}

func TestReleaseOfUnknownDeliveries(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.do(ana, desk.Stop{Reason: "why"})
	h.refused(ada, desk.Release{Choose: []string{"999"}}, desk.NotFound, "delivery 999")
	h.wantShould("INC-1", "x", "1 post words 1")
	if all, err := h.store.Freezes(t.Context()); len(all) != 1 || err != nil {
		t.Errorf("freezes %+v, %v", all, err)
	}
}

// A release of one scope decides nothing about lanes outside it.
func TestReleaseOfOneScope(t *testing.T) {
	h := newHarness(t)
	h.do(ana, desk.Stop{Scope: "x", Reason: "why"})
	h.do(ana, desk.Stop{Scope: "tg", Reason: "why"})
	h.do(ana, opening())
	h.do(ada, desk.Release{Scope: "x", Release: "drop"})
	h.wantShould("INC-1", "x", "1 post skipped")
	h.wantShould("INC-1", "tg-en", "1 post words 1")
	if diff := cmp.Diff([]string{"tg-en", "tg-zh"}, h.frozen()); diff != "" {
		t.Errorf("frozen (-want +got):\n%s", diff)
	}
}

// withAudience adds an audience to the channels.
func withAudience(c *desk.Config) {
	c.Channels = append(c.Channels, broadcast.Channel{Name: "people", Account: "tg", Language: "en", Audience: true})
}

// crowd lists the deliveries of an incident to the audience, and up to which update
// that is told nothing.
func (h *harness) crowd(ref string) (ds []broadcast.Delivery, dropped int) {
	h.t.Helper()
	walks, err := h.store.WalksOf(h.t.Context(), h.incident(ref).Ref)
	if err != nil {
		h.t.Fatal(err)
	}
	return walks["people"].Deliveries("people"), walks["people"].Dropped
}

// wantDropped checks up to which update of each of two incidents the audience is
// told nothing.
func (h *harness) wantDropped(first, other int) {
	h.t.Helper()
	for ref, want := range map[string]int{"INC-1": first, "INC-2": other} {
		if _, got := h.crowd(ref); got != want {
			h.t.Errorf("of %s it is dropped up to %d, want %d", ref, got, want)
		}
	}
}

// An audience is told what a freeze held only where somebody says so, as channels
// are.
func TestReleaseOfAnAudience(t *testing.T) {
	for name, test := range map[string]struct {
		release      string
		choose       []string // incidents
		first, other int      // what is dropped of the two
	}{
		"newest":            {"newest", nil, 0, 0},
		"all":               {"all", nil, 0, 0},
		"drop":              {"drop", nil, 2, 1},
		"one of two chosen": {"", []string{"INC-1"}, 0, 1},
		"both are chosen":   {"", []string{"INC-1", "INC-2"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withAudience)
			h.do(ana, desk.Stop{Scope: "tg", Reason: "why"})
			h.do(ana, opening())
			h.do(ana, saying("A disk has failed."))
			h.do(ana, opening())
			c := desk.Release{Scope: "tg", Release: test.release}
			for _, ref := range test.choose {
				ds, _ := h.crowd(ref)
				c.Choose = append(c.Choose, ds[0].ID)
			}
			h.do(ada, c)
			h.wantDropped(test.first, test.other)
		})
	}
}

// A freeze that holds nothing but what an audience is to be told is lifted no
// sooner than somebody says what becomes of it.
func TestReleaseOfAnAudienceAsks(t *testing.T) {
	h := newHarness(t, withAudience)
	h.do(ana, desk.Stop{Scope: "people", Reason: "why"})
	h.do(ana, opening())
	h.refused(ada, desk.Release{Scope: "people"}, desk.Invalid, `it is still frozen, and holds people 1: what shall be sent? Release "newest", "all" or "drop"`)
	h.refused(ada, desk.Release{Scope: "people", Choose: []string{"walk-999-1"}}, desk.NotFound, "delivery walk-999-1 is not held by this freeze")
	if f, err := h.store.Freezes(t.Context()); len(f) != 1 || err != nil {
		t.Errorf("freezes %+v, %v", f, err)
	}
	h.do(ada, desk.Release{Scope: "people", Release: "drop"})
	h.do(ana, desk.Stop{Scope: "people", Reason: "why"})
	h.do(ada, desk.Release{Scope: "people"})
}

// What is unsure or failed is settled by its own verbs, not by a release.
func TestReleaseLeavesWhatIsUnsure(t *testing.T) {
	h := newHarness(t)
	h.do(ana, opening())
	h.attempt("INC-1", "x", 1, bots.Post, unsure)
	h.attempt("INC-1", "tg-en", 1, bots.Post, rejected)
	h.do(ana, desk.Stop{Reason: "why"})
	h.do(ada, desk.Release{Release: "drop"})
	for ch, want := range map[string]broadcast.State{"x": broadcast.UnsureState, "tg-en": broadcast.Failed, "tg-zh": broadcast.SkippedState} {
		if got := h.state("INC-1", ch, 1); got != want {
			t.Errorf("%s is %s, want %s", ch, got, want)
		}
	}
}

// Whoever publishes into a freeze is told that nobody reads it yet.
func TestPublishFrozen(t *testing.T) {
	h := newHarness(t)
	h.do(ari, desk.Stop{Scope: "tg", Reason: "wrong numbers"})
	const want = "INC-1/1 is published on 3 channels. Frozen, so held until an admin lifts it: tg-en, tg-zh."
	if got := h.do(ana, opening()).Text; got != want {
		t.Errorf("answer %q, want %q", got, want)
	}
	h.do(ada, desk.Release{Scope: "tg", Release: "newest"})
	if got := h.do(ana, saying("More.")).Text; got != "INC-1/2 is published on 3 channels." {
		t.Errorf("after the release: %q", got)
	}
}
