package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/internal/people"
)

func withLists(s *site) *site {
	s.config.Audiences = Audiences{
		Bots: []string{"tg"}, Lists: s.store.Store,
		List: people.List{Languages: []string{"en", "zh-Hans"}, Language: "en", Components: []string{"login"}},
	}
	s.serve()
	return s
}

func TestSubscribersAreHandedOutAndIn(t *testing.T) {
	s := withLists(newSite(t))
	a := s.must(200, "Dee", "POST", "/v1/subscribers/tg", `{"text": "chat_id,components,topic\n1001,login,\n-1002,,77\n"}`)
	wantAt(t, a, map[string]any{"imported.added": 2.0, "imported.left": 0.0})
	a = s.must(200, "Dee", "GET", "/v1/subscribers/tg", "")
	wantAt(t, a, map[string]any{
		"subscribers.0.chat_id": "1001", "subscribers.0.all": false, "subscribers.0.components.0": "login", "subscribers.0.impact": "none",
		"subscribers.0.topic": "0", "subscribers.1.all": true, "subscribers.1.topic": "77", "next": nil, "count": 2.0,
	})
	audit := s.must(200, "Dee", "GET", "/v1/audit", "")
	wantAt(t, audit, map[string]any{"audit.0.verb": "export subscribers", "audit.0.actor": "Dee", "audit.1.verb": "import subscribers"})
	if strings.Contains(audit.body, "1001") {
		t.Errorf("the audit names a chat: %s", audit.body)
	}
}

func TestSubscribersAreForAdmins(t *testing.T) {
	s := withLists(newSite(t))
	for _, request := range [][2]string{{"GET", ""}, {"POST", `{"text": "chat_id\n1001\n"}`}} {
		a := s.must(403, "Ana", request[0], "/v1/subscribers/tg", request[1])
		wantAt(t, a, map[string]any{"title": "Forbidden"})
	}
	if list, err := s.store.Subscribers(t.Context(), "tg", 0, 10); len(list) != 0 || err != nil {
		t.Errorf("subscribers %v, %v", list, err)
	}
}

func TestFaultySubscribers(t *testing.T) {
	s := withLists(newSite(t))
	a := s.must(422, "Dee", "POST", "/v1/subscribers/tg", `{"line": 5000, "text": "chat_id,language\n1001,en\nx,en\n1002,\n1003,de\n"}`)
	wantAt(t, a, map[string]any{
		"detail":         "2 of 4 lines are refused, the others are stored: correct them and send them again",
		"imported.added": 2.0, "refused.count": 2.0,
		"refused.first.0.line": 5002.0, "refused.first.0.detail": `chat_id "x" is not the number of a chat`,
		"refused.first.1.line": 5004.0, "refused.first.1.detail": `language "de" is not one of en, zh-Hans`,
	})
	if n, err := s.store.CountSubscribers(t.Context(), "tg"); n != 2 || err != nil {
		t.Errorf("%d subscribers, %v", n, err)
	}
	a = s.must(422, "Dee", "POST", "/v1/subscribers/tg", `{"text": "chat_id,topic\n-1001,\"General\n"}`)
	wantAt(t, a, map[string]any{"detail": "line 2: it is no line of a CSV: quote a field that has a comma or a quotation mark"})
	long := "chat_id\\n" + strings.Repeat("1001\\n", importStep)
	a = s.must(422, "Dee", "POST", "/v1/subscribers/tg", `{"text": "`+long+`\"1002\n"}`)
	wantAt(t, a, map[string]any{"detail": "line 502: it is no line of a CSV: quote a field that has a comma or a quotation mark", "imported.unchanged": 500.0})
	s.must(404, "Dee", "POST", "/v1/subscribers/x", `{"text": "chat_id\n1001\n"}`)
	s.must(400, "Dee", "GET", "/v1/subscribers/tg?after=x", "")
}

// leftAlone are lists whose reader goes away while they are read.
type leftAlone struct {
	Lists
	leave func()
}

func (l leftAlone) Subscribers(ctx context.Context, bot string, after int64, limit int) ([]people.Subscriber, error) {
	l.leave()
	<-ctx.Done()
	return l.Lists.Subscribers(ctx, bot, after, limit)
}

// Who does not wait for an answer is no fault of the server's.
func TestAClientThatGoesAwayIsNoError(t *testing.T) {
	s := withLists(newSite(t))
	ctx, leave := context.WithCancel(t.Context())
	s.config.Audiences.Lists = leftAlone{s.store.Store, leave}
	counted, served := s.config.Counted, make(chan int)
	s.config.Counted = func(route string, code int, took time.Duration) { counted(route, code, took); served <- code }
	s.serve()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/v1/subscribers/tg", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer token-Dee")
	if _, err := http.DefaultClient.Do(r); err == nil {
		t.Error("it was answered")
	}
	if code := <-served; code != 499 {
		t.Errorf("counted as %d", code)
	}
	if log := s.log.String(); strings.Contains(log, "level=ERROR") || !strings.Contains(log, "level=INFO") {
		t.Errorf("logged %q", log)
	}
}
