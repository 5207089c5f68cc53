package desk_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Before an all clear it is said what still speaks against it.
func TestAgainstTheAllClear(t *testing.T) {
	c := newChat(t)
	c.do(ana, opening())
	c.attempt("INC-1", "tg-en", 1, bots.Post, nil)
	c.attempt("INC-1", "tg-zh", 1, bots.Post, nil)
	c.attempt("INC-1", "x", 1, bots.Post, rejected)
	c.do(ana, saying("More."))
	c.attempt("INC-1", "tg-en", 2, bots.Post, nil)
	c.attempt("INC-1", "tg-zh", 2, bots.Post, unsure)
	want := []string{
		"not operational so far: login major outage",
		"not up to date: tg-zh shows only /1, x shows nothing",
		"not settled: /2 on tg-zh is unsure, /1 on x is failed",
	}
	got := c.ask(c.event("/resolve All works."))
	for _, line := range want {
		if !strings.Contains(got, "\n! "+line) {
			t.Errorf("the preview does not say %q:\n%s", line, got)
		}
	}
	if lines, err := c.Against(t.Context(), c.draft("D-1")); err != nil || !slices.Equal(lines, want) {
		t.Errorf("against it: %q, %v", lines, err)
	}
	if got := c.ask(c.event("/update Not yet.")); strings.Contains(got, "not operational") {
		t.Errorf("an update that is no all clear is warned of:\n%s", got)
	}
	if lines, err := c.Against(t.Context(), c.draft("D-2")); err != nil || lines != nil {
		t.Errorf("against an update: %q, %v", lines, err)
	}
	resolve := desk.Update{Saying: incident.Saying{Status: incident.Resolved, Body: text("All works.")}}
	if a := c.do(ana, resolve); !slices.Equal(a.Warnings, want) {
		t.Errorf("warnings %q", a.Warnings)
	}
	resolve.Ref = "INC-1"
	if a := c.do(ana, resolve); len(a.Warnings) != 2 { // everything is operational by now
		t.Errorf("warnings %q", a.Warnings)
	}
}
