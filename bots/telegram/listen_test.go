package telegram_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/telegram"
)

// script is a Telegram that answers each poll with the next of its replies,
// then holds polls as if nothing happened, and remembers what it was asked.
type script struct {
	mu      sync.Mutex
	replies []string // a body; "502" for a page of HTML, "cut" for no answer
	asked   []string // the offsets
	idle    chan struct{}
}

func listen(t *testing.T, replies ...string) (*script, *telegram.Bot) {
	s := &script{replies: replies, idle: make(chan struct{}, 1)}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	bot, err := telegram.New(telegram.Config{Name: "tg", Token: token, APIURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return s, bot
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	reply, more := s.next(r.Form.Get("offset"))
	switch {
	case !more:
		select {
		case s.idle <- struct{}{}:
		default:
		}
		<-r.Context().Done()
	case reply == "502":
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "<html>Bad Gateway</html>")
	case reply == "cut":
		panic(http.ErrAbortHandler)
	default:
		if strings.Contains(reply, `"error_code":409`) {
			w.WriteHeader(http.StatusConflict)
		}
		if strings.Contains(reply, `"error_code":401`) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		if strings.Contains(reply, `"error_code":429`) {
			w.WriteHeader(http.StatusTooManyRequests)
		}
		fmt.Fprint(w, reply)
	}
}

func (s *script) next(offset string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, offset)
	if len(s.replies) == 0 {
		return "", false
	}
	reply := s.replies[0]
	s.replies = s.replies[1:]
	return reply, true
}

func (s *script) offsets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func updates(texts ...any) string {
	var list []string
	for i := 0; i < len(texts); i += 2 {
		list = append(list, fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%[1]d,"from":{"id":1,"first_name":"Ana"},"chat":{"id":2,"type":"group"},"date":1,"text":"%s"}}`, texts[i], texts[i+1]))
	}
	return `{"ok":true,"result":[` + strings.Join(list, ",") + `]}`
}

// collect runs Listen until the script has nothing more to say, and returns
// what was handled. handle may refuse.
func collect(t *testing.T, s *script, b *telegram.Bot, cursor string, handle func(bots.Event) error) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go func() {
		select {
		case <-s.idle:
			cancel()
		case <-ctx.Done():
		}
	}()
	var texts []string
	err := b.Listen(ctx, cursor, func(_ context.Context, e bots.Event) error {
		texts = append(texts, e.Text)
		if handle != nil {
			return handle(e)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Listen: %v, want it to go on until it is cancelled", err)
	}
	return texts
}

func wantEqual(t *testing.T, what string, got, want []string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got)\n%s", what, d)
	}
}

func TestListenConfirmsWhatWasHandled(t *testing.T) {
	t.Parallel()
	s, b := listen(t, updates(5, "a", 6, "b"), `{"ok":true,"result":[]}`, updates(7, "c"))
	wantEqual(t, "handled", collect(t, s, b, "", nil), []string{"a", "b", "c"})
	wantEqual(t, "offsets", s.offsets(), []string{"", "7", "7", "8"})
}

func TestListenGoesOnFromTheCursor(t *testing.T) {
	t.Parallel()
	s, b := listen(t, updates(41, "a"))
	var cursor string
	collect(t, s, b, "41", func(e bots.Event) error { cursor = e.Cursor; return nil })
	if cursor != "42" {
		t.Errorf("cursor %q, want 42", cursor)
	}
	wantEqual(t, "offsets", s.offsets(), []string{"41", "42"})
}

func TestListenAcceptsNumbersThatStartAnew(t *testing.T) {
	t.Parallel()
	s, b := listen(t, updates(5, "a"))
	wantEqual(t, "handled", collect(t, s, b, "760546623", nil), []string{"a"})
	wantEqual(t, "offsets", s.offsets(), []string{"760546623", "6"})
}

func TestListenDeliversAgainWhatWasNotHandled(t *testing.T) {
	t.Parallel()
	s, b := listen(t, updates(5, "a", 6, "b", 7, "c"), updates(6, "b", 7, "c"))
	failed := false
	handled := collect(t, s, b, "", func(e bots.Event) error {
		if e.Text == "b" && !failed {
			failed = true
			return errors.New("the disk is full")
		}
		return nil
	})
	wantEqual(t, "handled", handled, []string{"a", "b", "b", "c"})
	wantEqual(t, "offsets", s.offsets(), []string{"", "6", "8"})
}

func TestListenGoesOnAfterFaults(t *testing.T) {
	t.Parallel()
	s, b := listen(t, "502", "cut", `{"ok":true}`, updates(5, "a"))
	wantEqual(t, "handled", collect(t, s, b, "", nil), []string{"a"})
}

func TestListenObeysALimit(t *testing.T) {
	t.Parallel()
	s, b := listen(t, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 2","parameters":{"retry_after":2}}`, updates(5, "a"))
	begun := time.Now()
	wantEqual(t, "handled", collect(t, s, b, "", nil), []string{"a"})
	if d := time.Since(begun); d < 2*time.Second {
		t.Errorf("polled again after %v, want at least 2 s", d)
	}
}

// A limit lasts also for who listens anew, since the account was away and came back.
func TestListenObeysALimitThatWasToldBefore(t *testing.T) {
	t.Parallel()
	s, b := listen(t, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 2","parameters":{"retry_after":2}}`, updates(5, "a"))
	begun := time.Now()
	ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer stop()
	_ = b.Listen(ctx, "", func(context.Context, bots.Event) error { return nil })
	wantEqual(t, "handled", collect(t, s, b, "", nil), []string{"a"})
	if d := time.Since(begun); d < 2*time.Second {
		t.Errorf("polled again after %v, want at least 2 s", d)
	}
}

func TestListenReturnsWhatCannotPass(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]*bots.Fault{
		`{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}`: {Kind: bots.Temporary, Code: "409"},
		`{"ok":false,"error_code":409,"description":"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete it"}`:     {Kind: bots.Temporary, Code: "409"},
		`{"ok":false,"error_code":401,"description":"Unauthorized"}`:                                                                                      {Kind: bots.Unauthorized, Code: "401"},
	} {
		_, b := listen(t, reply)
		err := b.Listen(t.Context(), "", func(context.Context, bots.Event) error { return nil })
		f, _ := errors.AsType[*bots.Fault](err)
		if f == nil || f.Kind != want.Kind || f.Code != want.Code || f.Subject != bots.Account {
			t.Errorf("%s: %v, want %v", reply, err, want)
		}
	}
}

func TestListenRefusesAForeignCursor(t *testing.T) {
	t.Parallel()
	_, b := listen(t)
	if err := b.Listen(t.Context(), "abc", nil); err == nil {
		t.Error("a cursor that is none was taken")
	}
}

func TestRespond(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]*bots.Fault{
		`{"ok":true,"result":true}`: nil,
		`{"ok":false,"error_code":400,"description":"Bad Request: query is too old and response timeout expired or query ID is invalid"}`: {Kind: bots.Gone, Subject: bots.Message},
		`{"ok":false,"error_code":400,"description":"Bad Request: MESSAGE_TOO_LONG"}`:                                                     {Kind: bots.Rejected},
	} {
		var query, text string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query, text = r.FormValue("callback_query_id"), r.FormValue("text")
			if strings.Contains(reply, "400") {
				w.WriteHeader(400)
			}
			fmt.Fprint(w, reply)
		}))
		defer server.Close()
		b, err := telegram.New(telegram.Config{Token: token, APIURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		err = b.Respond(t.Context(), "press/438", strings.Repeat("é", 300))
		if want == nil && err != nil || want != nil && (bots.AsFault(err).Kind != want.Kind || bots.AsFault(err).Subject != want.Subject) {
			t.Errorf("%s: %v, want %v", reply, err, want)
		}
		if query != "438" || text != strings.Repeat("é", 199)+"…" {
			t.Errorf("asked to answer %q with %q", query, text)
		}
		if err := b.Respond(t.Context(), "2/7", ""); err == nil {
			t.Error("a message was taken for a press")
		}
	}
}
