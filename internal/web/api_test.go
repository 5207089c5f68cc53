package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/desk"
)

const minor = `{"title": "Logins fail", "impact": "minor", "components": ["login"], "body": "Some logins fail."}`

func TestOpenAnswersWithTheIncident(t *testing.T) {
	s := newSite(t)
	a := s.must(201, "Ana", "POST", "/v1/incidents",
		`{"title": "Logins fail", "impact": "minor", "components": ["login"], "body": {"en": "Some logins fail.", "zh-Hans": "部分登录失败。"}, "next_update": "20m"}`)
	wantAt(t, a, map[string]any{
		"ref": "INC-1", "kind": "incident", "title": "Logins fail", "impact": "minor", "status": "investigating", "state": "published",
		"components.login": "degraded_performance", "resolved_at": nil, "update": "INC-1/1",
		"updates.0.ref": "INC-1/1", "updates.0.revision": 1.0, "updates.0.body.zh-Hans": "部分登录失败。", "updates.0.author": "Ana", "updates.0.retracted_at": nil,
	})
	next, err := time.Parse(time.RFC3339, a.at(t, "next_update").(string))
	if wait := time.Until(next); err != nil || wait < 19*time.Minute || wait > 20*time.Minute {
		t.Errorf("the next update is promised in %v (%v), want 20m", wait, err)
	}
	if got := a.header.Get("Location"); got != "/v1/incidents/INC-1" {
		t.Errorf("Location is %q", got)
	}
	shown := s.must(200, "Cy", "GET", "/v1/incidents/inc1", "").json(t)
	said := a.json(t)
	delete(said, "state")
	delete(said, "update")
	if diff := cmp.Diff(said, shown); diff != "" {
		t.Errorf("GET shows another incident than POST (-POST +GET):\n%s", diff)
	}
}

func TestStatesFollowFromKindAndImpact(t *testing.T) {
	s := newSite(t)
	for request, want := range map[string]string{
		`"impact": "critical"`:                          "major_outage",
		`"impact": "major"`:                             "major_outage",
		`"impact": "minor"`:                             "degraded_performance",
		`"impact": "none"`:                              "operational",
		`"kind": "maintenance"`:                         "under_maintenance",
		`"kind": "maintenance", "impact": "major"`:      "under_maintenance",
		`"kind": "notice"`:                              "operational",
		`"impact": "critical", "kind": "incident"`:      "major_outage",
		`"impact": "minor", "title": "Another problem"`: "degraded_performance",
	} {
		if !strings.Contains(request, "title") {
			request += `, "title": "x"`
		}
		a := s.call("Ana", "POST", "/v1/incidents", `{`+request+`, "components": ["login"], "body": "x"}`)
		got := a.at(t, "components.login")
		if a.status == 202 {
			got = a.at(t, "draft.says.components.login")
		}
		if got != want {
			t.Errorf("%s: %v, want %s: %s", request, got, want, a.body)
		}
	}
}

func TestUpdateResolveAndList(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	a := s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"status": "resolved", "body": "Over.", "after": "INC-1/1"}`)
	wantAt(t, a, map[string]any{"status": "resolved", "update": "INC-1/2", "components.login": "operational", "updates.1.body.en": "Over."})
	if a.at(t, "resolved_at") == nil {
		t.Errorf("it is resolved at no time: %s", a.body)
	}
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents", ""), map[string]any{"incidents.0.ref": "INC-2", "incidents.1.ref": "INC-1"})
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents?open=true", ""), map[string]any{"incidents.0.ref": "INC-2", "incidents.1": nil})
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents?limit=1", ""), map[string]any{"incidents.1": nil})
	s.must(409, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "Not over.", "after": "INC-1/1"}`)
}

func TestCorrectAndRetract(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	a := s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/1/correction", `{"body": "A few logins fail."}`)
	wantAt(t, a, map[string]any{"updates.0.revision": 2.0, "updates.0.body.en": "A few logins fail.", "update": "INC-1/1"})
	a = s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/1/retraction", `{"reason": "It named a customer.", "delete": true}`)
	wantAt(t, a, map[string]any{"updates.0.body": nil, "updates.0.retraction_reason": "It named a customer."})
	if a.at(t, "updates.0.retracted_at") == nil {
		t.Errorf("it is retracted at no time: %s", a.body)
	}
	if a := s.must(200, "Ana", "GET", "/v1/incidents/INC-1", ""); strings.Contains(a.body, "logins fail") {
		t.Errorf("a deleted text is still shown: %s", a.body)
	}
	s.must(409, "Ana", "POST", "/v1/incidents/INC-1/updates/1/retraction", `{"reason": "Again."}`)
	s.must(404, "Ana", "POST", "/v1/incidents/INC-1/updates/2/retraction", `{"reason": "None there."}`)
}

func TestDraftNeedsAnotherPerson(t *testing.T) {
	s := newSite(t)
	a := s.must(202, "Ana", "POST", "/v1/incidents", `{"title": "Down", "impact": "critical", "components": ["login"], "body": "Nobody can log in."}`)
	wantAt(t, a, map[string]any{"draft.id": "D-1", "draft.needs": 1.0, "draft.author": "Ana", "draft.says.body.en": "Nobody can log in.", "draft.says.title": "Down", "draft.warnings.0": "says funds"})
	wantAt(t, s.must(200, "Bo", "GET", "/v1/drafts", ""), map[string]any{"drafts.0.digest": a.at(t, "draft.digest"), "drafts.1": nil})

	s.must(403, "Cy", "POST", "/v1/drafts/D-1/publish", "")
	wantAt(t, s.must(202, "Ana", "POST", "/v1/drafts/D-1/publish", ""), map[string]any{"draft.approvals.0": nil})
	s.must(409, "Bo", "POST", "/v1/drafts/D-1/publish", `{"digest": "another"}`)
	digest, _ := json.Marshal(map[string]any{"digest": a.at(t, "draft.digest")})
	wantAt(t, s.must(201, "Bo", "POST", "/v1/drafts/D-1/publish", string(digest)), map[string]any{"ref": "INC-1", "updates.0.author": "Ana", "updates.0.approved_by.0": "Bo", "state": "published"})
	s.must(409, "Bo", "POST", "/v1/drafts/D-1/publish", "")
	wantAt(t, s.must(200, "Bo", "GET", "/v1/drafts", ""), map[string]any{"drafts.0": nil})
}

func TestAuthorOnlyDrafts(t *testing.T) {
	s := newSite(t)
	a := s.must(202, "Cy", "POST", "/v1/incidents", minor)
	wantAt(t, a, map[string]any{"draft.needs": 0.0, "draft.state": "open"})
	wantAt(t, s.must(200, "Bo", "POST", "/v1/drafts/D-1/reject", `{"reason": "too early"}`), map[string]any{"draft.state": "rejected", "draft.reason": "too early"})
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	wantAt(t, s.must(202, "Cy", "POST", "/v1/incidents/INC-1/updates", `{"body": "More."}`), map[string]any{"draft.incident": "INC-1", "draft.base": "INC-1/1", "draft.says.body.en": "More."})
	wantAt(t, s.must(202, "Cy", "POST", "/v1/incidents/INC-1/updates/1/correction", `{"body": "Else.", "typo": true}`), map[string]any{"draft.says.corrects": "INC-1/1", "draft.says.typo": true})
}

func TestTokens(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/v1/incidents", "/v1/openapi.json", "/v1/nothing", "/v1/drafts"} {
		for _, header := range []string{"", "Bearer", "Bearer ", "Bearer token", "Basic token-Ana", "token-Ana", "Bearer token-Ana2", "Bearer " + strings.Repeat("\x00", 32)} {
			var with []string
			if header != "" {
				with = []string{"Authorization", strings.ReplaceAll(header, "\x00", "0")}
			}
			a := s.must(401, "", "GET", path, "", with...)
			if got := a.header.Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer ") {
				t.Errorf("%s with %q: WWW-Authenticate is %q", path, header, got)
			}
		}
	}
	for _, op := range operators[:4] {
		s.must(200, op.Name, "GET", "/v1/incidents", "")
	}
	s.must(200, "", "GET", "/v1/incidents", "", "Authorization", "bearer token-Ana")
}

func TestNoRoute(t *testing.T) {
	s := newSite(t)
	s.must(404, "Ana", "GET", "/v1/nothing", "")
	s.must(404, "Ana", "GET", "/v1/incidents/INC-7", "")
	s.must(404, "Ana", "GET", "/v1/incidents/seven", "")
	for path, allow := range map[string]string{"/v1/incidents": "GET, HEAD, POST", "/v1/freeze": "POST", "/v1/incidents/INC-1": "GET, HEAD"} {
		a := s.must(405, "Ana", "DELETE", path, "")
		if got := a.header.Get("Allow"); got != allow || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: Allow is %q, want %q; %s", path, got, allow, a.header.Get("Content-Type"))
		}
	}
}

// Every refusal is a problem that says where and what.
func TestRefusals(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	open, update := "/v1/incidents", "/v1/incidents/INC-1/updates"
	for _, c := range []struct {
		path, body string
		status     int
		pointer    any
		line       any
		detail     string
	}{
		{open, `{`, 400, nil, 1.0, "unexpected end"},
		{open, `[]`, 400, nil, 1.0, "something else than {"},
		{open, "{\"title\": \"x\",\n\n 7}", 400, nil, 3.0, "invalid character"},
		{open, minor + " x", 400, nil, 1.0, "after top-level value"},
		{open, minor + "\n" + minor, 400, nil, 2.0, "after top-level value"},
		{open, "{\"title\": \"\xff\"}", 400, nil, 1.0, "UTF-8"},
		{open, `{"title": "a", "title": "b"}`, 400, nil, 1.0, "twice"},
		{open, "{\n\"title\": 7}", 422, "#/title", 2.0, "a string"},
		{open, "{\"title\": \"x\", \"impact\": \"minor\", \"body\": \"x\",\n\"Impakt\": 1}", 422, "#/Impakt", 2.0, "the fields are kind, drill"},
		{open, `{"a/b~ %": 1}`, 422, "#/a~1b~0%20%25", 1.0, "not known"},
		{open, `{"TITLE": "x"}`, 422, "#/TITLE", 1.0, "not known"},
		{open, `{"kind": "party"}`, 422, "#/kind", 1.0, `one of "incident", "maintenance", "notice"`},
		{open, `{"impact": "huge"}`, 422, "#/impact", 1.0, "one of"},
		{open, `{"body": 7}`, 422, "#/body", 1.0, "a string or an object"},
		{open, `{"body": {"en": 7}}`, 422, "#/body/en", 1.0, "has to be a string"},
		{open, `{"body": {"en": null}}`, 422, "#/body/en", 1.0, "has to be a string"},
		{open, `{"body": {"en": "a", "en": "b"}}`, 422, "#/body", 1.0, "twice"},
		{open, `{"components": "login"}`, 422, "#/components", 1.0, "a list of ids"},
		{open, `{"components": {"login": "sad"}}`, 422, "#/components/login", 1.0, "not a state"},
		{open, `{"next_update": "soon"}`, 422, "#/next_update", 1.0, "duration"},
		{open, `{"next_update": "-5m"}`, 422, "#/next_update", 1.0, "duration"},
		{open, `{"scheduled_for": "tomorrow"}`, 422, "#/scheduled_for", 1.0, "a time like"},
		{open, `{"only": "x"}`, 422, "#/only", 1.0, "a list of strings"},
		{open, `{"drill": "yes"}`, 422, "#/drill", 1.0, "true or false"},
		{open, `{}`, 422, nil, nil, "impact"},
		{open, `{"impact": "minor", "title": "x"}`, 422, nil, nil, "text"},
		{open, `{"impact": "minor", "title": "x", "body": {"fr": "x"}}`, 422, nil, nil, `"fr"`},
		{open, `{"impact": "minor", "title": "x", "body": "x", "components": ["moon"]}`, 422, nil, nil, `"moon"`},
		{open, `{"impact": "minor", "title": "x", "body": "x", "only": ["moon"]}`, 422, nil, nil, `"moon"`},
		{open, `{"impact": "minor", "title": "x", "body": "x", "next_update": "2020-01-01T00:00:00Z"}`, 422, nil, nil, "2020-01-01"},
		{update, `{"components": ["login"], "body": "x"}`, 422, "#/components", 1.0, "an object"},
		{update, `{"status": "completed", "body": "x"}`, 422, nil, nil, `"completed"`},
		{update, `{"body": "x", "after": "INC-9/1"}`, 422, nil, nil, "INC-9/1"},
		{"/v1/incidents/INC-9/updates", `{"body": "x"}`, 404, nil, nil, "INC-9"},
		{"/v1/drafts/D-9/publish", ``, 404, nil, nil, "D-9"},
		{"/v1/drafts/nine/publish", ``, 422, nil, nil, `"nine"`},
		{"/v1/deliveries/99999/retry", ``, 404, nil, nil, "99999"},
		{"/v1/deliveries/x/retry", ``, 404, nil, nil, `"x"`},
		{"/v1/deliveries/1/skip", `{}`, 422, "#/reason", 1.0, "say why"},
		{"/v1/deliveries/1/posted", `{"url": "javascript:alert(1)"}`, 422, nil, nil, "javascript"},
		{"/v1/freeze", `{"reason": "x", "scope": "moon"}`, 422, nil, nil, `"moon"`},
		{"/v1/unfreeze", `{"release": 7}`, 422, "#/release", 1.0, "newest"},
		{"/v1/preview", `{"body": "x", "incident": "INC-9"}`, 404, nil, nil, "INC-9"},
	} {
		a := s.call("Dee", "POST", c.path, c.body)
		if a.status != c.status || a.at(t, "status") != float64(c.status) || !strings.Contains(fmt.Sprint(a.at(t, "detail")), c.detail) {
			t.Errorf("POST %s %s: %d %s, want %d %q", c.path, c.body, a.status, a.body, c.status, c.detail)
		}
		if got := a.at(t, "errors.0.pointer"); got != c.pointer {
			t.Errorf("POST %s %s: pointer %v, want %v", c.path, c.body, got, c.pointer)
		}
		if got := a.at(t, "errors.0.line"); got != c.line {
			t.Errorf("POST %s %s: line %v, want %v", c.path, c.body, got, c.line)
		}
		if detail, _ := a.at(t, "detail").(string); strings.ContainsAny(detail, "\r\n") || detail == "" {
			t.Errorf("POST %s %s: the detail is not one line: %q", c.path, c.body, detail)
		}
	}
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents", ""), map[string]any{"incidents.1": nil})
}

func TestBodyBounds(t *testing.T) {
	s := newSite(t)
	s.must(413, "Ana", "POST", "/v1/incidents", `{"body": "`+strings.Repeat("x", maxBody)+`"}`)
	s.must(415, "Ana", "POST", "/v1/incidents", minor, "Content-Type", "application/x-www-form-urlencoded")
	s.must(415, "Ana", "POST", "/v1/incidents", minor, "Content-Type", "")
	s.must(201, "Ana", "POST", "/v1/incidents", minor, "Content-Type", "application/json; charset=utf-8")
	long := strings.Repeat("é", 20_000)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "`+long+`"}`)
	s.must(422, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "`+long+`é"}`)
}

func TestSeveralProblemsAtOnce(t *testing.T) {
	s := newSite(t)
	a := s.must(422, "Ana", "POST", "/v1/incidents", "{\"title\": 1,\n\"impact\": \"huge\",\n\"x\": 0}")
	wantAt(t, a, map[string]any{"errors.0.pointer": "#/title", "errors.1.pointer": "#/impact", "errors.1.line": 2.0, "errors.2.pointer": "#/x", "errors.2.line": 3.0})
}

func TestRepeatedRequestHasOneEffect(t *testing.T) {
	s := newSite(t)
	key := []string{"Idempotency-Key", "k-1"}
	first := s.must(201, "Ana", "POST", "/v1/incidents", minor, key...)
	again := s.must(201, "Ana", "POST", "/v1/incidents", minor, key...)
	if diff := cmp.Diff(first.json(t), again.json(t)); diff != "" {
		t.Errorf("another answer (-first +again):\n%s", diff)
	}
	other := s.must(422, "Ana", "POST", "/v1/incidents", strings.Replace(minor, "Some", "All", 1), key...)
	wantAt(t, other, map[string]any{"title": "Idempotency-Key is already used"})
	s.must(422, "Ana", "POST", "/v1/freeze", minor, key...)
	wantAt(t, s.must(201, "Dee", "POST", "/v1/incidents", minor, key...), map[string]any{"ref": "INC-2"})
	s.must(400, "Ana", "POST", "/v1/incidents", minor, "Idempotency-Key", strings.Repeat("k", 201))
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents", ""), map[string]any{"incidents.1.ref": "INC-1", "incidents.2": nil})

	// Without a key each request counts.
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents", ""), map[string]any{"incidents.0.ref": "INC-3"})
}

func TestRefusedRequestMayBeRepeated(t *testing.T) {
	s := newSite(t)
	key := []string{"Idempotency-Key", "k-1"}
	s.must(404, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "x"}`, key...)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "x"}`, key...)
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"body": "x"}`, key...), map[string]any{"update": "INC-1/2", "updates.2": nil})
}

func TestConcurrentRepetition(t *testing.T) {
	s := newSite(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	bodies := map[string]int{}
	for k := range 16 {
		wg.Go(func() {
			body := minor
			if k%4 == 3 {
				body = strings.Replace(minor, "Some", "All", 1) // another request with the same key
			}
			a := s.call("Ana", "POST", "/v1/incidents", body, "Idempotency-Key", "same")
			mu.Lock()
			defer mu.Unlock()
			bodies[fmt.Sprint(a.status, " ", a.at(t, "updates.0.body.en"))]++
		})
	}
	wg.Wait()
	one, two := map[string]int{"201 Some logins fail.": 12, "422 <nil>": 4}, map[string]int{"201 All logins fail.": 4, "422 <nil>": 12}
	if cmp.Diff(one, bodies) != "" && cmp.Diff(two, bodies) != "" {
		t.Errorf("answers: %v", bodies)
	}
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents", ""), map[string]any{"incidents.0.ref": "INC-1", "incidents.1": nil})
}

// fail makes a delivery look refused by its platform.
func (s *site) fail(id string) {
	s.t.Helper()
	_, err := s.store.Change(s.t.Context(), "", func(tx desk.Tx) ([]byte, error) {
		n, err := broadcast.EntryID(id)
		if err != nil {
			return nil, err
		}
		l, err := tx.LaneOf(n)
		if err != nil {
			return nil, err
		}
		e := &l.Entries[slices.IndexFunc(l.Entries, func(e broadcast.Entry) bool { return e.ID == n })]
		e.Try.Attempts, e.Try.Failed, e.Try.FailedFor, e.Try.Fault = 1, bots.Post, e.Should, &bots.Fault{Kind: bots.Unauthorized, Subject: bots.Account, Code: "402", Detail: "no credits"}
		return nil, tx.Change(l, e)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestSettleDeliveries(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	a := s.must(200, "Cy", "GET", "/v1/deliveries?incident=INC-1", "")
	wantAt(t, a, map[string]any{"deliveries.0.channel": "tg-en", "deliveries.1.channel": "x", "deliveries.2": nil,
		"deliveries.1.update": "INC-1/1", "deliveries.1.state": "pending", "deliveries.1.action": "post", "deliveries.1.ref": nil, "deliveries.1.sent_at": nil})
	tg, x := a.at(t, "deliveries.0.id").(string), a.at(t, "deliveries.1.id").(string)

	s.must(409, "Ana", "POST", "/v1/deliveries/"+x+"/retry", "")
	s.must(403, "Bo", "POST", "/v1/deliveries/"+x+"/retry", "")
	s.fail(x)
	a = s.must(200, "Ana", "GET", "/v1/deliveries?incident=inc1", "")
	wantAt(t, a, map[string]any{"deliveries.1.state": "failed", "deliveries.1.error": "unauthorized (account) 402: no credits", "deliveries.1.attempts": 1.0})
	wantAt(t, s.must(200, "Ana", "POST", "/v1/deliveries/"+x+"/retry", ""), map[string]any{"delivery.id": x, "delivery.state": "pending", "state": "done"})
	wantAt(t, s.must(200, "Ana", "POST", "/v1/deliveries/"+x+"/posted", `{"url": "https://x.com/example/status/123"}`),
		map[string]any{"delivery.state": "sent", "delivery.ref.id": "123", "delivery.ref.url": "https://x.com/example/status/123"})
	wantAt(t, s.must(200, "Ana", "POST", "/v1/deliveries/"+tg+"/skip", `{"reason": "said by phone"}`), map[string]any{"delivery.state": "skipped"})

	s.must(400, "Ana", "GET", "/v1/deliveries", "")
	s.must(404, "Ana", "GET", "/v1/deliveries?incident=INC-2", "")
	s.must(404, "Ana", "GET", "/v1/deliveries?incident=INC-1/1", "")
}

func TestFreeze(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(422, "Cy", "POST", "/v1/freeze", `{"scope": "x"}`)
	wantAt(t, s.must(200, "Cy", "POST", "/v1/freeze", `{"scope": "x", "reason": "account stolen?"}`),
		map[string]any{"freezes.0.scope": "channel:x", "freezes.0.by": "Cy", "freezes.0.reason": "account stolen?"})
	a := s.must(200, "Cy", "GET", "/v1/channels", "")
	wantAt(t, a, map[string]any{"channels.0.freezes.0": nil, "channels.1.name": "x", "channels.1.freezes.0.by": "Cy", "channels.2.drill": true})
	a = s.must(200, "Cy", "GET", "/v1/deliveries?incident=INC-1", "")
	wantAt(t, a, map[string]any{"deliveries.0.state": "pending", "deliveries.1.state": "held"})

	s.must(403, "Ana", "POST", "/v1/unfreeze", `{"scope": "x"}`)
	s.must(409, "Dee", "POST", "/v1/unfreeze", ``)
	s.must(422, "Dee", "POST", "/v1/unfreeze", `{"scope": "x", "release": "some"}`)
	wantAt(t, s.must(200, "Dee", "POST", "/v1/unfreeze", `{"scope": "x", "release": []}`), map[string]any{"freezes.0": nil})
	wantAt(t, s.must(200, "Cy", "GET", "/v1/deliveries?incident=INC-1", ""), map[string]any{"deliveries.1.state": "skipped"})
}

func TestUnfreezeChoosesDeliveries(t *testing.T) {
	s := newSite(t)
	s.must(200, "Cy", "POST", "/v1/freeze", `{"reason": "wait"}`)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	id := s.must(200, "Cy", "GET", "/v1/deliveries?incident=INC-1", "").at(t, "deliveries.1.id")
	s.must(200, "Dee", "POST", "/v1/unfreeze", fmt.Sprintf(`{"release": [%q]}`, id))
	wantAt(t, s.must(200, "Cy", "GET", "/v1/deliveries?incident=INC-1", ""), map[string]any{"deliveries.0.state": "skipped", "deliveries.1.state": "pending"})
}

func TestPreviewChangesNothing(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", `{"kind": "maintenance", "title": "Upgrade", "body": "x", "scheduled_for": "2099-12-01T02:00:00Z", "scheduled_until": "2099-12-01T04:00:00+00:00"}`)
	wantAt(t, s.must(200, "Cy", "POST", "/v1/preview", `{"body": "Soon."}`), map[string]any{"channels.0.text": "incident : Soon.", "channels.0.warnings.0": "says funds", "channels.0.cut": false})
	wantAt(t, s.must(200, "Cy", "POST", "/v1/preview", `{"incident": "mnt1", "body": "Soon."}`), map[string]any{"channels.0.text": "maintenance MNT-1: Soon."})
	s.must(422, "Cy", "POST", "/v1/preview", `{"incident": "MNT-1", "status": "resolved", "body": "x"}`)
	s.must(422, "Cy", "POST", "/v1/preview", `{}`)
	wantAt(t, s.must(200, "Ana", "GET", "/v1/incidents/MNT-1", ""), map[string]any{"scheduled_until": "2099-12-01T04:00:00Z", "updates.1": nil})
}

func TestAudit(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", minor)
	s.must(403, "Cy", "POST", "/v1/incidents/INC-1/updates/1/retraction", `{"reason": "x"}`)
	wantAt(t, s.must(200, "Cy", "GET", "/v1/audit", ""), map[string]any{
		"audit.0.verb": "retract", "audit.0.subject": "refused", "audit.0.actor": "Cy",
		"audit.1.verb": "open", "audit.1.subject": "INC-1/1", "audit.1.origin": "http", "audit.1.id": "2",
		"audit.2.verb": "said", "audit.2.incident": "INC-1",
	})
	s.must(400, "Cy", "GET", "/v1/audit?limit=0", "")
	s.must(400, "Cy", "GET", "/v1/audit?limit=x", "")
}

func TestDrillIsShownToOperatorsOnly(t *testing.T) {
	s := newSite(t)
	a := s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Exercise", "impact": "critical", "body": "x", "drill": true}`)
	wantAt(t, a, map[string]any{"ref": "DRL-1"})
	wantAt(t, s.must(200, "Ana", "GET", "/v1/deliveries?incident=DRL-1", ""), map[string]any{"deliveries.0.channel": "practice", "deliveries.1": nil})
	s.must(404, "", "GET", "/incidents/DRL-1", "")
	if page := s.must(200, "", "GET", "/", ""); strings.Contains(page.body, "Exercise") || strings.Contains(page.body, "DRL-") {
		t.Error("the status page shows a drill")
	}
}

func TestHealth(t *testing.T) {
	s := newSite(t)
	s.must(200, "", "GET", "/healthz", "")
	wantAt(t, s.must(200, "", "GET", "/readyz", ""), map[string]any{"ready": true})
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	s.must(200, "", "GET", "/healthz", "")
	a := s.must(503, "Ana", "POST", "/v1/incidents", `{"title": "Logins fail", "impact": "major", "body": "x"}`)
	if detail, _ := a.at(t, "detail").(string); !strings.Contains(detail, "the database cannot be written now") || a.header.Get("Retry-After") == "" {
		t.Errorf("no advice: %v %s", a.header, a.body)
	}
	a = s.must(503, "", "GET", "/readyz", "") // at once, although it was well a moment ago
	wantAt(t, a, map[string]any{"ready": false, "status": 503.0, "checks.0.name": "database", "checks.0.state": "failed"})
	if detail, _ := a.at(t, "detail").(string); !strings.Contains(detail, "database") {
		t.Errorf("no reason: %s", a.body)
	}
	// What fails here is told without what it was.
	a = s.must(503, "Ana", "GET", "/v1/incidents", "")
	if strings.Contains(a.body, "sql") {
		t.Errorf("the answer tells of our insides: %s", a.body)
	}
}

func TestRefusalsHaveTheirStatus(t *testing.T) {
	for kind, want := range map[desk.RefusalKind]int{desk.Invalid: 422, desk.Forbidden: 403, desk.NotFound: 404, desk.Conflict: 409} {
		p, internal := asProblem(errors.Join(&desk.Refusal{Kind: kind, Text: "no"}, nil))
		if p.Status != want || p.Detail != "no" || internal || p.Title != http.StatusText(want) {
			t.Errorf("kind %d: %+v", kind, p)
		}
	}
	if p, internal := asProblem(context.DeadlineExceeded); p.Status != 500 || !internal {
		t.Errorf("a failure of ours: %+v", p)
	}
}

func FuzzForm(f *testing.F) {
	for _, seed := range []string{minor, `{"body": {"en": "x"}, "components": {"a": "operational"}, "next_update": "20m"}`, `{"release": ["1"], "only": null}`, "{}", "", " ", "\xff", `{"a":{"b":[1,{"c":"\ud800"}]}}`, "{\"title\":\"x\"}\n{}"} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		form, err := parseForm(body)
		if err != nil {
			if p, _ := asProblem(err); p.Status != 400 || p.Errors[0].Line < 1 || p.Errors[0].Offset > len(body) {
				t.Fatalf("%q: %+v", body, p)
			}
			return
		}
		if len(form.fields) > 0 && !json.Valid(body) {
			t.Fatalf("%q is no JSON and was taken", body)
		}
		for name, v := range form.fields {
			if string(body[v.at:v.at+len(v.raw)]) != string(v.raw) {
				t.Fatalf("%q: field %q is not at %d", body, name, v.at)
			}
		}
		s := form.saying(now)
		form.affected("incident", s.Impact)
		form.release("release")
		form.texts("only")
		if err := form.done(); err == nil && !s.NextUpdate.IsZero() && s.NextUpdate.Location() != time.UTC {
			t.Fatalf("%q: a time in %v", body, s.NextUpdate.Location())
		}
	})
}
