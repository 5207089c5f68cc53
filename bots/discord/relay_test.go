package discord

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/allclear-hq/allclear/bots"
)

// hostileGateway sends a message to each who connects, in the place of HELLO or
// after READY, and counts those who came.
func hostileGateway(t *testing.T, message string, kind int, first bool, came *atomic.Int64) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{}
		ws, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		came.Add(1)
		if !first {
			ws.WriteJSON(map[string]any{"op": 10, "d": map[string]int{"heartbeat_interval": 41250}})
			ws.ReadMessage() // IDENTIFY
			ws.WriteJSON(map[string]any{"op": 0, "t": "READY", "s": 1, "d": map[string]any{}})
		}
		ws.WriteMessage(kind, []byte(message))
		for err == nil {
			_, _, err = ws.ReadMessage()
		}
	}))
	t.Cleanup(srv.Close)
	return "ws" + strings.TrimPrefix(srv.URL, "http")
}

// Nothing that a gateway sends may end the process. What it does not understand
// ends the connection at most, and another is made.
func TestHostileGateway(t *testing.T) {
	for name, tt := range map[string]struct {
		message string
		kind    int
		first   bool // in the place of HELLO
		goesOn  bool // the connection stands
	}{
		"null for HELLO":      {"null", websocket.TextMessage, true, false},
		"null":                {"null", websocket.TextMessage, false, false},
		"spaced null":         {" null\n", websocket.TextMessage, false, false},
		"a number":            {"7", websocket.TextMessage, false, false},
		"no JSON":             {"{", websocket.TextMessage, false, false},
		"binary":              {"null", websocket.BinaryMessage, false, false},
		"no heartbeat":        {`{"op":10,"d":null}`, websocket.TextMessage, true, false},
		"heartbeat of 0":      {`{"op":10,"d":{"heartbeat_interval":0}}`, websocket.TextMessage, true, false},
		"endless heartbeat":   {`{"op":10,"d":{"heartbeat_interval":9223372036854775807}}`, websocket.TextMessage, true, false},
		"an event of null":    {`{"op":0,"t":"GUILD_CREATE","s":2,"d":null}`, websocket.TextMessage, false, true},
		"null in an event":    {`{"op":0,"t":"GUILD_CREATE","s":2,"d":{"channels":[null],"threads":[null]}}`, websocket.TextMessage, false, true},
		"an event of nothing": {`{"op":0,"t":"INTERACTION_CREATE","s":2}`, websocket.TextMessage, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var came atomic.Int64
			b := gatewayAt(t, hostileGateway(t, tt.message, tt.kind, tt.first, &came))
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- b.Listen(ctx, "", func(context.Context, bots.Event) error { return nil }) }()
			if tt.goesOn {
				waitFor(t, "a connection", func() bool { return came.Load() == 1 })
			} else {
				waitFor(t, "another connection", func() bool { return came.Load() > 1 })
			}
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("Listen: %v", err)
			}
		})
	}
}

func FuzzReadFrame(f *testing.F) {
	for _, s := range []string{"null", `{"op":10,"d":{"heartbeat_interval":41250}}`, `{"op":0,"t":"READY","s":1,"d":{}}`, `{"op":11}`, `{"op":9,"d":false}`, "[]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		got, err := readFrame(websocket.TextMessage, message)
		if err != nil {
			return
		}
		var hello struct {
			D struct {
				Interval int64 `json:"heartbeat_interval"`
			} `json:"d"`
		}
		if got.Op == opHello && (json.Unmarshal(message, &hello) != nil || hello.D.Interval <= 0 || hello.D.Interval > time.Hour.Milliseconds()) {
			t.Errorf("%q asks for a heartbeat of %d ms", message, hello.D.Interval)
		}
	})
}
