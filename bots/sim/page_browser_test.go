package sim

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

// A tab is one page in a headless browser, driven over the Chrome DevTools
// Protocol (chromedevtools.github.io/devtools-protocol).
type tab struct {
	*testing.T
	conn    *websocket.Conn
	session string
	calls   int
}

// openTab starts a browser. Without one the test is skipped, unless
// ALLCLEAR_TEST_REQUIRE names chromium.
func openTab(t *testing.T, url string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if strings.Contains(os.Getenv("ALLCLEAR_TEST_REQUIRE"), "chromium") {
			t.Fatal("ALLCLEAR_TEST_REQUIRE names chromium, which is not on PATH")
		}
		t.Skip("chromium is not on PATH")
	}
	b := &tab{T: t, conn: startBrowser(t, path)}
	var made struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &made)
	b.call("Target.attachToTarget", map[string]any{"targetId": made.TargetID, "flatten": true}, &made)
	b.session = made.SessionID
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	return b
}

func startBrowser(t *testing.T, path string) *websocket.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	cmd := exec.CommandContext(ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
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
		io.Copy(io.Discard, errors) // until the last of its processes is gone, and the profile can be removed
		cmd.Wait()
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
			conn.WriteJSON(map[string]any{"id": 1, "method": "Browser.close"})
			conn.ReadMessage()
			conn.Close()
		})
		conn.SetReadDeadline(time.Now().Add(time.Minute))
		return conn
	}
	cancel()
	t.Fatal("the browser did not start")
	return nil
}

// call makes one call of the protocol and decodes its result.
func (b *tab) call(method string, params map[string]any, result any) {
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

// eval is the value of an expression in the page, as text.
func (b *tab) eval(expression string) string {
	b.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true}, &r)
	if r.ExceptionDetails != nil {
		b.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	return fmt.Sprint(r.Result.Value)
}

// wait waits until an expression is true in the page.
func (b *tab) wait(expression string) {
	b.Helper()
	got := b.eval(`new Promise((done) => {
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

// shows is an expression: the column contains the text.
func shows(column, text string) string {
	return fmt.Sprintf(`document.querySelector('[data-feed=%q]')?.innerText.includes(%q)`, column, text)
}

func TestBrowserShowsAllColumns(t *testing.T) {
	w := newStagedWorld(t)
	b := openTab(t, w.url)
	for column, texts := range map[string][]string{
		"room":     {"Operators’ room", "Incidents · Telegram", "/ack login", "Draft D-1", "Publish", "Ana", "publisher"},
		"x":        {"@ExampleStatus", "X first", "X second", "@impostor", "not us", pageScript},
		"telegram": {"Example Status", "Pinned Telegram edited", "Telegram second", "edited"},
		"discord":  {"#announcements", "Discord first", "published", "INC-12 Login", "1 message", "Discord inside", "Discord after"},
		"wechat":   {"Group robot", "微信 first"},
	} {
		for _, text := range texts {
			b.wait(shows(column, text))
		}
	}
	if got := b.eval(`document.title + " | " + document.querySelectorAll("li script, li img").length`); got != "An outage · allclear | 0" {
		t.Errorf("markup in a message came alive: %s", got)
	}
	if got := b.eval(`[...document.querySelectorAll("[data-feed=discord] .list > *")].map((n) => n.className.split(" ")[0] + (n.classList.contains("inside") ? "!" : "")).join(" ")`); got != "message thread-name message! message" {
		t.Errorf("the thread is not shown below its message: %s", got)
	}
}

func TestBrowserIsLive(t *testing.T) {
	w := newStagedWorld(t)
	b := openTab(t, w.url)
	b.wait(shows("telegram", "Telegram second"))
	b.eval(`document.title = "not reloaded"; window.mark = document.querySelector("#telegram-2"); 1`)
	w.ok("POST", worldTelegram, `{"chat_id":"@example_status","text":"Telegram third"}`)
	w.World.Note("2 of 9")
	b.wait(shows("telegram", "Telegram third") + ` && document.querySelector("#note").textContent === "2 of 9"`)
	if got := b.eval(`String(window.mark === document.querySelector("#telegram-2"))`); got != "true" {
		t.Error("a message that did not change was made anew")
	}
	w.post(nil, "/telegram/bot1:x/deleteMessage", `{"chat_id":"@example_status","message_id":2}`, "")
	b.wait(`!` + shows("telegram", "Telegram second"))
	b.eval(`document.querySelector("#deleted").click()`)
	b.wait(shows("telegram", "Telegram second"))
}

func TestBrowserTypesAndPresses(t *testing.T) {
	w := newStagedWorld(t)
	b := openTab(t, w.url)
	b.wait(shows("room", "Publish"))
	enter := `dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true, %s}))`
	b.eval(`var text = document.querySelector("#text"); document.querySelector("#speaker").value = "1002"; text.value = "/update Back.\nnext 20m"; 1`)
	b.eval(`text.` + fmt.Sprintf(enter, "isComposing: true"))
	b.eval(`text.` + fmt.Sprintf(enter, "shiftKey: true"))
	b.eval(`text.` + fmt.Sprintf(enter, ""))
	b.wait(shows("room", "/update Back.\nnext 20m") + ` && text.value === ""`)
	if seen, _ := w.Seen("telegram", pageRoomID); len(seen) != 3 || seen[2].Author != "Bo" || seen[2].Text != "/update Back.\nnext 20m" {
		t.Errorf("the room has %+v", seen)
	}
	b.eval(`document.querySelector("#chips button:last-child").click()`)
	if got := b.eval(`text.value`); got != w.Stage.Room.Suggest[1] {
		t.Errorf("the suggestion put %q", got)
	}
	w.ok("GET", "/telegram/bot1:x/getUpdates?offset=0", "")
	b.eval(`document.querySelector("#room-2 .buttons button").click()`)
	var query string
	for query == "" {
		got := w.ok("GET", "/telegram/bot1:x/getUpdates?timeout=5&offset=4", "")
		if _, rest, ok := strings.Cut(got, `"callback_query":{"id":"`); ok {
			query, _, _ = strings.Cut(rest, `"`)
		}
	}
	w.post(nil, "/telegram/bot1:x/answerCallbackQuery", `{"callback_query_id":"`+query+`","text":"It is published"}`, "")
	b.wait(`document.querySelector("#toast").innerText === "It is published"`)
}

func TestBrowserReconnects(t *testing.T) {
	w := New()
	server, err := Serve(w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	b := openTab(t, server.URL)
	b.wait(`document.querySelector("#live")?.innerText === "live"`)
	server.Down()
	b.wait(`document.querySelector("#live")?.innerText === "reconnecting"`)
	w.X.Post("stranger", "Said meanwhile")
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	b.wait(shows("x", "Said meanwhile") + ` && document.querySelector("#live")?.innerText === "live"`)
}

// Addresses in a text become links; those of messages on the page lead there.
func TestBrowserLinks(t *testing.T) {
	w := newStagedWorld(t)
	b := openTab(t, w.url)
	b.wait(shows("telegram", "Telegram second"))
	for text, want := range map[string]string{
		"see https://status.example.com/incidents/INC-12.":  "https://status.example.com/incidents/INC-12",
		"(see https://status.example.com/a)":                "https://status.example.com/a",
		"https://en.wikipedia.org/wiki/Clear_(x)":           "https://en.wikipedia.org/wiki/Clear_(x)",
		"详见 https://status.example.com/zh。谢谢":               "https://status.example.com/zh",
		"https://t.me/example_status/2":                     "#telegram-2",
		"https://t.me/somebody_else/2":                      "https://t.me/somebody_else/2",
		"https://x.com/i/web/status/12":                     "#x-12",
		"https://discord.com/channels/1/2/3":                "#discord-3",
		"javascript:alert(1) <a href=javascript:alert(1)>":  "",
		"http://a.example and https://b.example/?q=1&r=%20": "http://a.example https://b.example/?q=1&r=%20",
	} {
		quoted, _ := json.Marshal(text)
		got := b.eval(`import("/page/text.js").then(({ linked, el }) => {
			const node = el("p", "", ...linked(` + string(quoted) + `));
			return [...node.querySelectorAll("a")].map((a) => a.getAttribute("href")).join(" ");
		})`)
		if got != want {
			t.Errorf("%q links to %q, want %q", text, got, want)
		}
	}
	if got := b.eval(`import("/page/text.js").then((m) => m.link("javascript:alert(1)", "x").getAttribute("href"))`); got != "#" {
		t.Errorf("a button leads to %q", got)
	}
}
