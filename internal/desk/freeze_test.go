package desk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
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

// What was dropped of an audience stands as skipped, as on a channel, also on the
// card. Whom it had been sent to without an answer still needs somebody, until newer
// words are said.
func TestDroppedOfAnAudience(t *testing.T) {
	about := desk.Which{Update: "INC-1/1", Channel: "people"}
	for name, test := range map[string]struct {
		begun bool
		card  []string
		retry func(*harness)
	}{
		"before anybody was told": {false, []string{"→ people 0 · skipped"}, func(h *harness) {
			h.refused(bo, desk.Retry{Which: about}, desk.Conflict, "there is nobody to tell again: INC-1/1 on people is 0 · skipped")
		}},
		"after some were": {true, []string{"→ people 1 of 3 · 1 unsure · skipped", "? /1 people  sent to 1, no answer"}, func(h *harness) {
			if got := h.do(bo, desk.Retry{Which: about}).Text; got != "INC-1/1 on people: 1 person is told again." {
				t.Errorf("tried again: %q", got)
			}
			h.do(ana, saying("More."))
			h.refused(bo, desk.Retry{Which: about}, desk.Conflict, "INC-1/1 is not told any more: newer words were said, or these were withdrawn")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, withAudience)
			h.do(ana, opening())
			if test.begun {
				h.tellOne()
			}
			h.do(ana, desk.Stop{Scope: "people", Reason: "why"})
			h.do(ada, desk.Release{Scope: "people", Release: "drop"})
			ds, _ := h.crowd("INC-1")
			if len(ds) != 1 || ds[0].State != broadcast.SkippedState {
				t.Errorf("the deliveries are %+v, want one that is skipped", ds)
			}
			card := desk.NewCard(h.incident("INC-1"), ds, desk.CardSite{}, time.Now()).Text
			for _, line := range test.card {
				if !strings.Contains(card+"\n", line+"\n") {
					t.Errorf("the card lacks %q:\n%s", line, card)
				}
			}
			test.retry(h)
		})
	}
}

// tellOne has the walk of INC-1 through the audience of three tell one and have no
// answer about another.
func (h *harness) tellOne() {
	h.t.Helper()
	var all []people.Subscriber
	for chat := range int64(3) {
		all = append(all, people.Subscriber{Chat: 5 + chat, Language: "en", All: true})
	}
	_, err := h.store.ImportSubscribers(h.t.Context(), "tg", all)
	if err != nil {
		h.t.Fatal(err)
	}
	walks, err := h.store.Walks(h.t.Context(), "people")
	if err != nil || len(walks) != 1 {
		h.t.Fatalf("%d walks, %v", len(walks), err)
	}
	w, lease := walks[0], h.claim("tg")
	w.Plan(people.Rules{}, began)
	r := &w.Rounds[0]
	r.Audience = len(all)
	step := func(s people.Step) {
		h.t.Helper()
		if err := h.store.Walk(h.t.Context(), lease, s); err != nil {
			h.t.Fatal(err)
		}
	}
	step(people.Step{Walk: w, Rounds: []*people.Round{r}})
	b := &people.Batch{Walk: w.ID, Round: r.ID, Kind: r.Kind, Update: 1, Revision: 1, Hi: 2, At: began, Journal: "x",
		People: []people.Person{{Subscriber: 1, Chat: 5, Result: people.Told, Message: 9}, {Subscriber: 2, Chat: 6, Result: people.Unsure}}}
	step(people.Step{Walk: w, Rounds: []*people.Round{r}, Open: b})
	step(people.Step{Close: []*people.Closing{{Batch: b, Told: 1, Unsure: 1, Passed: 2, Ask: true, Troubles: []people.Trouble{{Subscriber: 2, Unsure: true}}}}})
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

// So is whoever publishes, corrects or retracts what a frozen audience is to be told,
// and the preview promises it to nobody.
func TestPublishToAFrozenAudience(t *testing.T) {
	h := newHarness(t, withAudience, func(c *desk.Config) {
		c.Crowd = func(context.Context, string, incident.Ref) (desk.Crowd, error) {
			return desk.Crowd{Name: "people", People: 1_200_000, Speed: 30}, nil
		}
	})
	preview := func(cmd desk.Command) string {
		h.t.Helper()
		p, err := h.Preview(t.Context(), h.do(ari, cmd).Draft)
		if err != nil {
			t.Fatal(err)
		}
		return p.Text()
	}
	want := func(what, text string, parts ...string) {
		h.t.Helper()
		for _, part := range parts {
			if !strings.Contains(text+"\n", part+"\n") {
				t.Errorf("%s reads\n%s\nwithout\n%s", what, text, part)
			}
		}
	}
	want("the preview before a freeze", preview(opening()), "people  1.2 M · all in 11 h")
	h.do(ari, desk.Stop{Scope: "people", Reason: "wrong numbers"})
	want("the preview of an opening", preview(opening()), "people  1.2 M · frozen", "! frozen, so held until an admin lifts it: people")
	for _, step := range []struct {
		cmd  desk.Command
		want string
	}{
		{opening(), "INC-1/1 is published on 4 channels. Frozen, so held until an admin lifts it: people."},
		{desk.Update{Saying: incident.Saying{Body: text("More.")}, Not: []string{"people"}}, "INC-1/2 is published on 3 channels."},
		{desk.Correct{Ref: "INC-1/1", Body: text("Some cannot log in.")}, "INC-1/1 now has revision 2. Frozen, so held until an admin lifts it: people."},
		{desk.Retract{Ref: "INC-1/2", Reason: "A false alarm."}, "INC-1/2 is retracted."},
		{saying("Once more."), "INC-1/3 is published on 4 channels. Frozen, so held until an admin lifts it: people."},
		{desk.Retract{Ref: "INC-1/3", Reason: "A false alarm."}, "INC-1/3 is retracted."}, // nobody had been told it
	} {
		a := h.do(ana, step.cmd)
		if a.Text != step.want || strings.Contains(step.want, "people") != slices.Equal(a.Held, []string{"people"}) {
			t.Errorf("%T is answered %q, held on %q, want %q", step.cmd, a.Text, a.Held, step.want)
		}
	}
	h.do(ari, desk.Stop{Reason: "wrong numbers"})
	want("the preview of a correction", preview(desk.Correct{Ref: "INC-1/1", Body: text("Few can log in.")}), "! frozen, so held until an admin lifts it: tg-en, tg-zh, x, people")
	if a := h.do(ana, desk.Open{Saying: opening().Saying, Only: []string{"x"}}); !slices.Equal(a.Held, []string{"x"}) {
		t.Errorf("held on %q what goes to x alone", a.Held)
	}
	a := h.do(ana, desk.Correct{Ref: "INC-2/1", Body: text("Some cannot log in.")})
	if !slices.Equal(a.Held, []string{"x"}) {
		t.Errorf("held on %q the correction of what went to x alone", a.Held)
	}
}
