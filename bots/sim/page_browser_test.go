package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/browser"
)

// shows is an expression: the column contains the text.
func shows(column, text string) string {
	return fmt.Sprintf(`document.querySelector('[data-feed=%q]')?.innerText.includes(%q)`, column, text)
}

func TestBrowserShowsAllColumns(t *testing.T) {
	w := newStagedWorld(t)
	b := browser.Open(t, w.url)
	for column, texts := range map[string][]string{
		"room":     {"Operators’ room", "Incidents · Telegram", "/ack login", "Draft D-1", "Publish", "Ana", "publisher"},
		"x":        {"@ExampleStatus", "X first", "X second", "@impostor", "not us", pageScript},
		"telegram": {"Example Status", "Pinned Telegram edited", "Telegram second", "edited"},
		"discord":  {"#announcements", "Discord first", "published", "INC-12 Login", "1 message", "Discord inside", "Discord after"},
		"wechat":   {"Group robot", "微信 first"},
	} {
		for _, text := range texts {
			b.Wait(shows(column, text))
		}
	}
	if got := b.Eval(`document.title + " | " + document.querySelectorAll("li script, li img").length`); got != "An outage · allclear | 0" {
		t.Errorf("markup in a message came alive: %s", got)
	}
	if got := b.Eval(`[...document.querySelectorAll("[data-feed=discord] .list > *")].map((n) => n.className.split(" ")[0] + (n.classList.contains("inside") ? "!" : "")).join(" ")`); got != "message thread-name message! message" {
		t.Errorf("the thread is not shown below its message: %s", got)
	}
}

func TestBrowserIsLive(t *testing.T) {
	w := newStagedWorld(t)
	b := browser.Open(t, w.url)
	b.Wait(shows("telegram", "Telegram second"))
	b.Eval(`document.title = "not reloaded"; window.mark = document.querySelector("#telegram-2"); 1`)
	w.ok("POST", worldTelegram, `{"chat_id":"@example_status","text":"Telegram third"}`)
	w.World.Note("2 of 9")
	b.Wait(shows("telegram", "Telegram third") + ` && document.querySelector("#note").textContent === "2 of 9"`)
	if got := b.Eval(`String(window.mark === document.querySelector("#telegram-2"))`); got != "true" {
		t.Error("a message that did not change was made anew")
	}
	w.post(nil, "/telegram/bot1:x/deleteMessage", `{"chat_id":"@example_status","message_id":2}`, "")
	b.Wait(`!` + shows("telegram", "Telegram second"))
	b.Eval(`document.querySelector("#deleted").click()`)
	b.Wait(shows("telegram", "Telegram second"))
}

func TestBrowserTypesAndPresses(t *testing.T) {
	w := newStagedWorld(t)
	b := browser.Open(t, w.url)
	b.Wait(shows("room", "Publish"))
	enter := `dispatchEvent(new KeyboardEvent("keydown", {key: "Enter", bubbles: true, cancelable: true, %s}))`
	b.Eval(`var text = document.querySelector("#text"); document.querySelector("#speaker").value = "1002"; text.value = "/update Back.\nnext 20m"; 1`)
	b.Eval(`text.` + fmt.Sprintf(enter, "isComposing: true"))
	b.Eval(`text.` + fmt.Sprintf(enter, "shiftKey: true"))
	b.Eval(`text.` + fmt.Sprintf(enter, ""))
	b.Wait(shows("room", "/update Back.\nnext 20m") + ` && text.value === ""`)
	if seen, _ := w.Seen("telegram", pageRoomID); len(seen) != 3 || seen[2].Author != "Bo" || seen[2].Text != "/update Back.\nnext 20m" {
		t.Errorf("the room has %+v", seen)
	}
	b.Eval(`document.querySelector("#chips button:last-child").click()`)
	if got := b.Eval(`text.value`); got != w.Stage.Room.Suggest[1] {
		t.Errorf("the suggestion put %q", got)
	}
	w.ok("GET", "/telegram/bot1:x/getUpdates?offset=0", "")
	b.Eval(`document.querySelector("#room-2 .buttons button").click()`)
	var query string
	for query == "" {
		got := w.ok("GET", "/telegram/bot1:x/getUpdates?timeout=5&offset=4", "")
		if _, rest, ok := strings.Cut(got, `"callback_query":{"id":"`); ok {
			query, _, _ = strings.Cut(rest, `"`)
		}
	}
	w.post(nil, "/telegram/bot1:x/answerCallbackQuery", `{"callback_query_id":"`+query+`","text":"It is published"}`, "")
	b.Wait(`document.querySelector("#toast").innerText === "It is published"`)
}

func TestBrowserReconnects(t *testing.T) {
	w := New()
	server, err := Serve(w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	b := browser.Open(t, server.URL)
	b.Wait(`document.querySelector("#live")?.innerText === "live"`)
	server.Down()
	b.Wait(`document.querySelector("#live")?.innerText === "reconnecting"`)
	w.X.Post("stranger", "Said meanwhile")
	if err := server.Up(); err != nil {
		t.Fatal(err)
	}
	b.Wait(shows("x", "Said meanwhile") + ` && document.querySelector("#live")?.innerText === "live"`)
}

// The dot is green once the page shows what there is, and not before.
func TestBrowserIsNotGreenWhileItConnects(t *testing.T) {
	w := newStagedWorld(t)
	target, err := url.Parse(w.url)
	if err != nil {
		t.Fatal(err)
	}
	world, answer := httputil.NewSingleHostReverseProxy(target), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/control/stage" {
			select {
			case <-answer:
			case <-r.Context().Done():
			}
		}
		world.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() {
		slow.CloseClientConnections()
		slow.Close()
	})
	b := browser.Open(t, slow.URL)
	const dot = `getComputedStyle(document.querySelector("#live"), "::before").backgroundColor`
	b.Wait(`document.querySelector("#live")?.innerText === "connecting" && document.styleSheets.length`)
	connecting := b.Eval(dot)
	close(answer)
	b.Wait(`document.querySelector("#live").innerText === "live"`)
	if live := b.Eval(dot); live == connecting {
		t.Errorf("it is %s before it is live too", connecting)
	}
}

// Addresses in a text become links; those of messages on the page lead there.
func TestBrowserLinks(t *testing.T) {
	w := newStagedWorld(t)
	b := browser.Open(t, w.url)
	b.Wait(shows("telegram", "Telegram second"))
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
		got := b.Eval(`import("/page/text.js").then(({ linked, el }) => {
			const node = el("p", "", ...linked(` + string(quoted) + `));
			return [...node.querySelectorAll("a")].map((a) => a.getAttribute("href")).join(" ");
		})`)
		if got != want {
			t.Errorf("%q links to %q, want %q", text, got, want)
		}
	}
	if got := b.Eval(`import("/page/text.js").then((m) => m.link("javascript:alert(1)", "x").getAttribute("href"))`); got != "#" {
		t.Errorf("a button leads to %q", got)
	}
}
