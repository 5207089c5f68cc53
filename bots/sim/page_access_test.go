package sim

import (
	"fmt"
	"testing"

	"github.com/allclear-hq/allclear/internal/browser"
)

// openFull opens a page that shows all that it has a shape for.
func openFull(t *testing.T) (*stagedWorld, *browser.Tab) {
	t.Helper()
	w := newTalkWorld(t)
	w.Note("2/9  A rumour starts.")
	w.post(nil, "/control/say", `{"platform":"telegram","chat":"1/2001","person":"2001","text":"/start"}`, "")
	w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":2001,"text":"You are subscribed.","reply_markup":{"inline_keyboard":[[{"text":"Language","callback_data":"l"}]]}}`, "")
	w.post(nil, "/control/say", `{"platform":"telegram","chat":"`+pageRoomID+`","person":"1002","name":"Bo","text":"see https://status.example.com/incidents/INC-12"}`, "")
	w.post(nil, "/wechat/cgi-bin/webhook/send?key=secret-key", robotMessage("text", "登录与提现不可用。我们正在调查登录与提现不可用的原因。"), "")
	gone := w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":"@example_status","text":"Telegram gone"}`, "result.message_id")
	w.post(nil, "/telegram/bot1:x/deleteMessage", `{"chat_id":"@example_status","message_id":`+gone+`}`, "")
	b := browser.Open(t, w.url)
	b.Wait(shows("room", "Publish"))
	b.Eval(`document.querySelector("#deleted").click(); document.querySelector(".reply").click(); 1`)
	return w, b
}

// What WCAG 2.2 asks at level AA holds on every screen and in both colour
// schemes, also at 200 % (640x400) and 400 % (320x256).
func TestBrowserIsAccessible(t *testing.T) {
	_, b := openFull(t)
	for _, size := range [][2]int{{1440, 900}, {853, 480}, {640, 400}, {320, 256}} {
		tabs := []string{"room"}
		if size[0] < 700 {
			tabs = []string{"room", "x", "telegram", "discord", "wechat", "talk"}
		}
		for _, scheme := range []string{"light", "dark"} {
			b.Screen(size[0], size[1], "prefers-color-scheme", scheme)
			for _, tab := range tabs {
				b.Eval(`document.querySelector("[data-shows=` + tab + `]").click()`)
				b.Accessible(fmt.Sprintf("%v, %s, %s", size, tab, scheme))
				if got := b.Eval(`[...document.querySelectorAll(".scroll")].filter((n) => n.checkVisibility() && n.clientHeight < 100).map((n) => n.clientHeight).join()`); got != "" {
					t.Errorf("%v, %s: messages have a height of %s", size, tab, got)
				}
			}
		}
	}
}

func TestBrowserByKeyboard(t *testing.T) {
	_, b := openFull(t)
	b.Screen(1440, 900, "prefers-color-scheme", "dark")
	b.Walkable("wide", 60)
	if got := b.Eval(`[...document.querySelectorAll("a[href], button:enabled, input, select, textarea")].filter((n) => n.checkVisibility() && !visited.has(n)).map((n) => n.outerHTML).join()`); got != "" {
		t.Errorf("Tab does not lead to %s", got)
	}
	b.Screen(320, 256)
	b.Walkable("narrow and low", 60)
}

// What one does with the keyboard does not lose the place.
func TestBrowserKeepsTheFocus(t *testing.T) {
	w, b := openFull(t)
	b.Screen(390, 844)
	b.Eval(`document.querySelector("#room-2 .buttons button").focus()`)
	b.Press("Enter")
	for update := ""; update == ""; {
		update = w.ok("GET", "/telegram/bot1:x/getUpdates?timeout=5&offset=0", "")
	}
	b.Wait(`!document.querySelector("[aria-disabled]") && document.activeElement === document.querySelector("#room-2 .buttons button")`)
	b.Eval(`document.querySelector("[data-feed=room] .quote").focus()`)
	b.Press("Enter")
	b.Wait(`document.activeElement.id === "room-1"`)
	b.Eval(`document.querySelector(".answering button").focus()`)
	b.Press("Enter")
	b.Wait(`document.activeElement.id === "text"`)
}

// A screen reader hears what is new, and nothing else again.
func TestBrowserSaysWhatIsNew(t *testing.T) {
	w, b := openFull(t)
	b.Screen(390, 844, "prefers-reduced-motion", "reduce")
	b.Wait(`document.querySelector("#live").textContent === "live"`)
	b.Eval(`globalThis.heard = []; for (const node of document.querySelectorAll("#live, #note")) {
		new MutationObserver(() => heard.push(node.id)).observe(node, { childList: true, characterData: true, subtree: true });
	}`)
	w.ok("POST", worldTelegram, `{"chat_id":"@example_status","text":"Telegram news"}`)
	b.Wait(`document.querySelector("#news").textContent === "New on Telegram" && document.querySelector("[data-shows=telegram]").ariaLabel === "Telegram, 1 new"`)
	w.ok("POST", worldTelegram, `{"chat_id":"@example_status","text":"Telegram more"}`)
	b.Wait(`document.querySelector("[data-feed=telegram]").textContent.includes("Telegram more")`)
	if got := b.Eval(`heard.join()`); got != "" {
		t.Errorf("said again: %s", got)
	}
	if got := b.Eval(`document.querySelector("#toast").checkVisibility()`); got != "true" {
		t.Error("the place of short words comes with them, and is not read out")
	}
	b.Eval(`document.querySelector("[data-shows=telegram]").click()`)
	b.Wait(`document.getAnimations().length > 0`)
	if got := b.Eval(`document.getAnimations().flatMap((a) => a.effect.getKeyframes()).filter((k) => !/^step/.test(k.easing)).length`); got != "0" {
		t.Errorf("%s steps of an animation flow, for people who want none of that", got)
	}
}
