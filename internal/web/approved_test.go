package web

import "testing"

func TestAckHoldAndFalseAlarm(t *testing.T) {
	s := newSite(t)
	wantAt(t, s.must(201, "Ana", "POST", "/v1/ack", `{"impact": "critical", "components": ["login"], "next_update": "20m"}`), map[string]any{
		"state": "published", "update": "INC-1/1", "impact": "critical", "components.login": "major_outage", "title": "Login: we are looking into a problem",
		"updates.0.template": "ack@sha256:acacac", "updates.0.approved_by.0": "template ack, sha256 acacac",
	})
	wantAt(t, s.must(202, "Cy", "POST", "/v1/ack", `{"impact": "critical"}`), map[string]any{"draft.needs": 0.0, "draft.says.title": "We are looking into a problem"})
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents/INC-1/hold", `{"after": "INC-1/1"}`), map[string]any{"update": "INC-1/2", "updates.1.template": "hold@sha256:b01d"})
	wantAt(t, s.must(409, "Ana", "POST", "/v1/incidents/INC-1/hold", `{"after": "INC-1/1"}`), map[string]any{"detail": "INC-1/2 was published meanwhile: read it and say what is still true"})
	a := s.must(201, "Ana", "POST", "/v1/incidents/INC-1/false_alarm", ``)
	wantAt(t, a, map[string]any{"update": "INC-1/3", "status": "resolved", "components.login": "operational",
		"warnings.0": "not operational so far: login major outage", "warnings.1": "not up to date: tg-en shows nothing, x shows nothing"})
}

func TestScopeOverHTTP(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Login is down", "impact": "minor", "components": ["login"], "body": "Nobody can log in."}`)
	wantAt(t, s.must(200, "Ana", "POST", "/v1/incidents/INC-1/scope", `{"change": ["major", "+deposits"]}`), map[string]any{
		"text": "Major, deposits major outage goes out with the next update of INC-1.", "incident.pending.components.deposits": "major_outage",
		"incident.pending.by": "Ana", "incident.impact": "minor"})
	wantAt(t, s.must(422, "Ana", "POST", "/v1/incidents/INC-1/scope", `{"change": ["+mail"]}`), map[string]any{
		"detail": `"+mail" is neither an impact nor a component: the impacts are none, minor, major, critical; the components are deposits, login, withdrawals`})
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents/INC-1/scope", `{"now": true}`), map[string]any{
		"impact": "major", "components.deposits": "major_outage", "pending": nil, "updates.1.template": "scope",
		"updates.1.body.en": "The impact is now major (was minor).\nWhat is affected has changed:\nDeposits: Major outage"})
	wantAt(t, s.must(202, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"impact": "critical", "components": {"login": "partial_outage"}}`), map[string]any{
		"draft.needs": 1.0, "draft.says.impact": "critical"})
	wantAt(t, s.must(201, "Bo", "POST", "/v1/drafts/D-1/publish", ``), map[string]any{"impact": "critical", "components.login": "partial_outage"})
	wantAt(t, s.must(409, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"impact": "critical"}`), map[string]any{"detail": "INC-1 says that already: nothing would change"})
	s.must(200, "Ana", "POST", "/v1/incidents/INC-1/scope", `{"change": ["-deposits"]}`)
	wantAt(t, s.must(200, "Ana", "POST", "/v1/incidents/INC-1/scope", `{"drop": true}`), map[string]any{"text": "Deposits operational is taken back: it is not said.", "incident.pending": nil})
}

func TestPromiseAloneOverHTTP(t *testing.T) {
	s := newSite(t)
	s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Login is down", "impact": "minor", "body": "Nobody can log in.", "next_update": "20m"}`)
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"next_update": "40m"}`), map[string]any{"updates.1.template": "moved"})
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"next_update": "none"}`), map[string]any{"updates.2.template": "moved", "next_update": nil})
	s.must(409, "Ana", "POST", "/v1/incidents/INC-1/updates", `{"next_update": "none"}`)
	s.must(422, "Ana", "POST", "/v1/incidents/INC-1/updates", `{}`)
}

// An edit is a new digest: what was read before is not what would be published.
func TestEditDraftOverHTTP(t *testing.T) {
	s := newSite(t)
	a := s.must(202, "Ana", "POST", "/v1/incidents", `{"title": "Login is down", "impact": "critical", "body": "Nobody can log in."}`)
	digest := a.at(t, "draft.digest").(string)
	e := s.must(200, "Cy", "PATCH", "/v1/drafts/D-1", `{"title": "Login and deposits are down", "impact": "major", "components": {"deposits": "major_outage"}, "digest": "`+digest+`"}`)
	wantAt(t, e, map[string]any{"draft.says.title": "Login and deposits are down", "draft.says.body.en": "Nobody can log in.", "draft.says.impact": "major",
		"draft.says.components.deposits": "major_outage", "draft.needs": 0.0, "draft.author": "Cy"})
	if e.at(t, "draft.digest") == digest {
		t.Error("the digest is the same")
	}
	s.must(409, "Ana", "PATCH", "/v1/drafts/D-1", `{"title": "Old", "digest": "`+digest+`"}`)
	s.must(409, "Ana", "POST", "/v1/drafts/D-1/publish", `{"digest": "`+digest+`"}`)
	s.must(422, "Ana", "PATCH", "/v1/drafts/D-1", `{"components": {"mail": "operational"}}`)
	wantAt(t, s.must(201, "Ana", "POST", "/v1/drafts/D-1/publish", ``), map[string]any{"title": "Login and deposits are down", "impact": "major"})
	s.must(409, "Ana", "PATCH", "/v1/drafts/D-1", `{"title": "Late"}`)
	s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Old database", "kind": "maintenance", "body": "Deposits wait.", "scheduled_for": "2126-12-01T02:00:00Z", "scheduled_until": "2126-12-01T04:00:00Z"}`)
	s.must(202, "Cy", "POST", "/v1/incidents/MNT-1/updates", `{"body": "It moves.", "scheduled_for": "2126-12-02T02:00:00Z", "scheduled_until": "2126-12-02T04:00:00Z"}`)
	wantAt(t, s.must(200, "Cy", "PATCH", "/v1/drafts/D-2", `{"scheduled_until": "2126-12-02T05:00:00Z"}`), map[string]any{
		"draft.says.scheduled_for": "2126-12-02T02:00:00Z", "draft.says.scheduled_until": "2126-12-02T05:00:00Z", "draft.says.body.en": "It moves."})
	s.must(404, "Ana", "PATCH", "/v1/drafts/D-9", `{"title": "Nothing"}`)
}

func TestPublishedIntoAFreeze(t *testing.T) {
	s := newSite(t)
	s.must(200, "Bo", "POST", "/v1/freeze", `{"scope": "x", "reason": "wrong numbers"}`)
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Login is down", "impact": "minor", "body": "Nobody can log in."}`), map[string]any{"held.0": "x"})
	wantAt(t, s.must(201, "Ana", "POST", "/v1/incidents/INC-1/updates/1/correction", `{"body": "Few can log in."}`), map[string]any{"held.0": "x"})
}

// A request promises the next update as a typed command does: by the policy, where
// it says nothing of it.
func TestOpeningPromisesByThePolicy(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		impact, next string
		promised     bool
	}{
		"by the policy":     {"major", "", true},
		"by itself":         {"major", `, "next_update": "2099-12-01T00:00:00Z"`, true},
		"none":              {"major", `, "next_update": "none"`, false},
		"over already":      {"major", `, "status": "resolved"`, false},
		"not in the policy": {"minor", "", false},
	} {
		a := s.must(201, "Ana", "POST", "/v1/incidents", `{"title": "Login is down", "impact": "`+c.impact+`", "body": "Nobody can log in."`+c.next+`}`)
		if next := a.at(t, "next_update"); (next != nil) != c.promised {
			t.Errorf("%s: the next update is promised for %v", name, next)
		}
	}
}
