// Package browser drives a headless Chromium for tests of pages, over the
// Chrome DevTools Protocol (chromedevtools.github.io/devtools-protocol), and
// measures what a page is like for people who see, hear or move differently.
package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// patience is how long a browser may be in use: a walk through a page with
// pictures takes ten seconds, and much longer beside other tests.
const patience = 3 * time.Minute

// A Tab is one page in a headless browser.
type Tab struct {
	*testing.T
	conn    *websocket.Conn
	session string
	calls   int
}

// Open starts a browser. Without one the test is skipped, unless
// ALLCLEAR_TEST_REQUIRE names chromium.
func Open(t *testing.T, url string) *Tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if strings.Contains(os.Getenv("ALLCLEAR_TEST_REQUIRE"), "chromium") {
			t.Fatal("ALLCLEAR_TEST_REQUIRE names chromium, which is not on PATH")
		}
		t.Skip("chromium is not on PATH")
	}
	b := &Tab{T: t, conn: start(t, path)}
	var made struct{ TargetID, SessionID string }
	b.Call("Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	b.Call("Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	b.session = made.SessionID
	b.Call("Page.navigate", map[string]any{"url": url}, nil)
	return b
}

func start(t *testing.T, path string) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	cmd := exec.CommandContext(ctx, path, //nolint:gosec // the browser on the PATH of who runs the tests
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--user-data-dir="+t.TempDir(), "--window-size=1440,900", "--remote-debugging-port=0", "about:blank")
	errors, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = io.Copy(io.Discard, errors) // until the last of its processes is gone, and the profile can be removed
		_ = cmd.Wait()                     // how it ended is no matter
		cancel()
	})
	for lines := bufio.NewScanner(errors); lines.Scan(); {
		address, ok := strings.CutPrefix(lines.Text(), "DevTools listening on ")
		if !ok {
			continue
		}
		conn, _, err := websocket.DefaultDialer.DialContext(ctx, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = conn.WriteJSON(map[string]any{"id": 1, "method": "Browser.close"})
			_, _, _ = conn.ReadMessage()
			conn.Close()
		})
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	cancel()
	t.Fatal("the browser did not start")
	return nil
}

// Call makes one call of the protocol and decodes its result.
func (b *Tab) Call(method string, params map[string]any, result any) {
	b.Helper()
	b.calls++
	if err := b.conn.WriteJSON(map[string]any{"id": b.calls, "method": method, "params": params, "sessionId": b.session}); err != nil {
		b.Fatal(err)
	}
	for {
		var answer struct {
			ID     int
			Error  *struct{ Message string }
			Result json.RawMessage
		}
		if err := b.conn.ReadJSON(&answer); err != nil {
			b.Fatalf("%s: %v", method, err)
		}
		if answer.ID != b.calls {
			continue // an event
		}
		if answer.Error != nil {
			b.Fatalf("%s: %s", method, answer.Error.Message)
		}
		if result == nil {
			return
		}
		if err := json.Unmarshal(answer.Result, result); err != nil {
			b.Fatalf("%s: %v", method, err)
		}
		return
	}
}

// Eval is the value of an expression in the page, as text.
func (b *Tab) Eval(expression string) string {
	b.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.Call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	return fmt.Sprint(r.Result.Value)
}

// Wait waits until an expression is true in the page.
func (b *Tab) Wait(expression string) {
	b.Helper()
	got := b.Eval(`new Promise((done) => {
		const end = Date.now() + 10000;
		(function look() {
			if (` + expression + `) done("true");
			else if (Date.now() > end) done(document.body.innerText);
			else setTimeout(look, 20);
		})();
	})`)
	if got != "true" {
		b.Fatalf("never true: %s; the page shows:\n%s", expression, got)
	}
}

// Go opens another page in the tab.
func (b *Tab) Go(url string) {
	b.Helper()
	b.Eval(`globalThis.left = true`)
	b.Call("Page.navigate", map[string]any{"url": url}, nil)
	b.Wait(`!globalThis.left && document.readyState === "complete"`)
}

// Screen gives the page another size, and makes the reader prefer what the
// features say, names of media features and values in turn.
func (b *Tab) Screen(width, height int, features ...string) {
	b.Helper()
	b.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
	media := []map[string]string{}
	for i := 0; i < len(features); i += 2 {
		media = append(media, map[string]string{"name": features[i], "value": features[i+1]})
	}
	b.Call("Emulation.setEmulatedMedia", map[string]any{"features": media}, nil)
}

// Press presses a key: Tab, Enter, Escape.
func (b *Tab) Press(key string) {
	b.Helper()
	code := map[string]int{"Tab": 9, "Enter": 13, "Escape": 27}[key]
	down := map[string]any{"type": "rawKeyDown", "key": key, "code": key, "windowsVirtualKeyCode": code}
	if key == "Enter" {
		down["type"], down["text"] = "keyDown", "\r"
	}
	b.Call("Input.dispatchKeyEvent", down, nil)
	b.Call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code}, nil)
}
