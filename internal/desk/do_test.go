package desk_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/desk"
)

func TestDoOnce(t *testing.T) {
	h := newHarness(t)
	first, err := h.Do(t.Context(), ana, "telegram:1", opening())
	if err != nil {
		t.Fatal(err)
	}
	h.woken = nil
	again, err := h.Do(t.Context(), ana, "telegram:1", opening())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("another answer to the same key (-first +again):\n%s", diff)
	}
	if len(h.woken) != 0 || len(h.audit(9)) != 1 {
		t.Errorf("the repetition woke %v and left audit %+v", h.woken, h.audit(9))
	}
	if other := h.do(ana, opening()); other.Ref != "INC-2" {
		t.Errorf("another key opens %s", other.Ref)
	}
}

func TestDoOnceConcurrently(t *testing.T) {
	h := newHarness(t, func(c *desk.Config) { c.Wake = nil })
	const people = 16
	answers := make([]desk.Answer, people)
	var wg sync.WaitGroup
	for k := range people {
		wg.Go(func() {
			var err error
			if answers[k], err = h.Do(t.Context(), ana, fmt.Sprint("key", k/4), opening()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	refs := map[string]bool{}
	for k := range people {
		refs[answers[k].Ref] = true
		if diff := cmp.Diff(answers[k/4*4], answers[k]); diff != "" {
			t.Errorf("answers to one key differ:\n%s", diff)
		}
	}
	if len(refs) != people/4 || len(h.audit(99)) != people/4 {
		t.Errorf("%d keys opened %v with %d lines of audit", people/4, refs, len(h.audit(99)))
	}
}

// A refused command may be repeated: its key is not used up.
func TestDoRefusedAgain(t *testing.T) {
	h := newHarness(t)
	if _, err := h.Do(t.Context(), ana, "k", saying("More.")); err == nil {
		t.Fatal("an update of nothing is published")
	}
	h.do(ana, opening())
	if a, err := h.Do(t.Context(), ana, "k", saying("More.")); err != nil || a.Update != 2 {
		t.Errorf("answer %+v, %v", a, err)
	}
}

func TestDoCancelled(t *testing.T) {
	h := newHarness(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Do(ctx, ana, "k", opening())
	if _, refused := desk.AsRefusal(err); !errors.Is(err, context.Canceled) || refused {
		t.Errorf("error %v", err)
	}
	if a, err := h.Do(t.Context(), ana, "k", opening()); err != nil || a.Ref != "INC-1" {
		t.Errorf("the next try: %+v, %v", a, err)
	}
}

func TestDoTellsWhatChanged(t *testing.T) {
	var changed []string
	h := newHarness(t, func(c *desk.Config) { c.Changed = func(ref string) { changed = append(changed, ref) } })
	h.do(ana, opening())
	h.do(ana, saying("More."))
	h.refused(ana, desk.Retract{Ref: "INC-1/9", Reason: "wrong"}, desk.NotFound, "INC-1 has no update 9: the newest is INC-1/2")
	if diff := cmp.Diff([]string{"INC-1", "INC-1"}, changed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
