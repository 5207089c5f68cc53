package sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/allclear-hq/allclear/internal/browser"
)

// newTalkWorld is a staged world in which the visitor has a conversation.
func newTalkWorld(t *testing.T) *stagedWorld {
	t.Helper()
	w := newStagedWorld(t)
	w.Stage.Talk = Room{Chat: "1/2001", People: []Person{{ID: "2001", Name: "You"}}, Suggest: []string{"/settings"}}
	return w
}

func TestStageShowsTheVisitorsConversation(t *testing.T) {
	if w := newStagedWorld(t); w.stage().Talk != nil {
		t.Errorf("a world without one shows %+v", w.stage().Talk)
	}
	w := newTalkWorld(t)
	if got := w.stage().Talk; got == nil || got.Detail != "@allclear_bot" || got.Chat != "1/2001" || len(got.Messages) != 0 {
		t.Fatalf("before Start: %+v", got)
	}
	w.post(nil, "/control/say", `{"platform":"telegram","chat":"1/2001","person":"2001","text":"/start"}`, "")
	w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":2001,"text":"You are subscribed."}`, "")
	w.post(nil, "/control/say", `{"platform":"telegram","chat":"1/2002","person":"2002","text":"somebody else"}`, "")
	if got := strings.Join(brief(w.stage().Talk.pageFeed), "|"); got != "Person 2001: /start|allclear_bot: You are subscribed." {
		t.Errorf("the conversation is %q", got)
	}
	if all := brief(w.stage().Feeds[1]); strings.Contains(strings.Join(all, "|"), "subscribed") {
		t.Errorf("what is private stands in the channel: %q", all)
	}
}

func TestBrowserSubscribes(t *testing.T) {
	w := newTalkWorld(t)
	b := browser.Open(t, w.url)
	for _, screen := range []struct{ width, height int }{{390, 844}, {900, 1100}, {1440, 900}} {
		for _, scheme := range []string{"light", "dark"} {
			b.Screen(screen.width, screen.height, "prefers-color-scheme", scheme)
			b.Wait(`document.querySelector("#tabs [data-shows=talk]:not([hidden])")`)
			b.Eval(`document.querySelector("#tabs [data-shows=talk]").click()`)
			b.Wait(fits("#talking .start"))
			b.Accessible(fmt.Sprintf("%dx%d, %s", screen.width, screen.height, scheme))
		}
	}
	b.Eval(`document.querySelector("#talking .start").click()`)
	b.Wait(shows("talk", "/start"))
	w.post(nil, "/telegram/bot1:x/sendMessage", `{"chat_id":2001,"text":"You are subscribed.","reply_markup":{"inline_keyboard":[[{"text":"Language","callback_data":"l"}]]}}`, "")
	b.Wait(shows("talk", "You are subscribed.") + ` && ` + fits("#talking textarea") + ` && document.querySelector("#talking textarea").offsetHeight > 30 && !document.querySelector("#talking .start").checkVisibility()`)
	b.Eval(`document.querySelector("#talking .chips button").click(); document.querySelector("#talking").requestSubmit()`)
	b.Wait(shows("talk", "/settings") + ` && document.querySelector("#talking textarea").value === ""`)
	b.Eval(`document.querySelector("[data-feed=talk] .buttons button").click()`)
	for got := ""; !strings.Contains(got, `"data":"l"`); {
		got = w.ok("GET", "/telegram/bot1:x/getUpdates?timeout=5&offset=0", "")
	}
	for _, screen := range []struct{ width, height int }{{390, 844}, {900, 1100}, {1440, 900}} {
		b.Screen(screen.width, screen.height)
		b.Wait(fits("#talking .send"))
		b.Wait(fits("[data-feed=talk] .theirs .body"))
	}
}

// Where there is no conversation for the visitor, nothing of it is shown.
func TestBrowserWithoutAConversation(t *testing.T) {
	b := browser.Open(t, newStagedWorld(t).url)
	b.Screen(390, 844)
	b.Wait(shows("room", "Publish"))
	if got := b.Eval(`[...document.querySelectorAll("[data-feed=talk], [data-shows=talk]")].filter((n) => n.checkVisibility()).length`); got != "0" {
		t.Errorf("%s parts of it are shown", got)
	}
}

// fits is an expression: an element is wholly on the screen, and nothing makes
// the page wider than that.
func fits(selector string) string {
	return fmt.Sprintf(`(() => {
		const box = document.querySelector(%q)?.getBoundingClientRect();
		return box?.width > 0 && box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight
			&& document.documentElement.scrollWidth <= innerWidth;
	})()`, selector)
}
