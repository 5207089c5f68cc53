package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
)

// What may be stored all the same is not to be repeated without its key.
func TestOutcomeThatIsNotKnown(t *testing.T) {
	a := &api{Config: Config{Log: slog.New(slog.DiscardHandler), Stumbled: func() bool { return true }}}
	w := httptest.NewRecorder()
	a.fail(w, httptest.NewRequest(http.MethodPost, "/v1/incidents", nil), fmt.Errorf("%w: %w", context.DeadlineExceeded, desk.ErrUnknown))
	if body := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(body, `"title":"Outcome Unknown"`) || !strings.Contains(body, "not known whether this was stored") || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %v %s", w.Code, w.Header(), body)
	}
}
