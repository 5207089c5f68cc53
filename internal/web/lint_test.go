package web

import (
	"strings"
	"testing"
)

func TestWhatTheLintFinds(t *testing.T) {
	s := newSite(t)
	const warns = `the text in "en" says "compensation", which will be quoted: make sure that every word of it will stand`
	a := s.must(201, "Ana", "POST", "/v1/incidents", strings.Replace(minor, "Some logins fail.", "There will be compensation.", 1))
	wantAt(t, a, map[string]any{"state": "published", "warnings.0": warns, "warnings.1": nil})
	a = s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "Logins work."}`)
	wantAt(t, a, map[string]any{"warnings.0": nil})

	a = s.must(202, "Ana", "POST", "/v1/incidents", `{"title": "Down", "impact": "critical", "body": "There will be compensation."}`)
	wantAt(t, a, map[string]any{"draft.warnings.0": warns, "draft.warnings.1": "says funds", "draft.warnings.2": nil})
	wantAt(t, s.must(200, "Bo", "GET", "/v1/drafts", ""), map[string]any{"drafts.0.warnings.0": warns})

	a = s.must(422, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "Back by [TIME]."}`)
	wantAt(t, a, map[string]any{"detail": `the text in "en" has "[TIME]", which looks like a placeholder: fill it in or leave it out`})
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents/INC-1", ""), map[string]any{"updates.2": nil})
}
