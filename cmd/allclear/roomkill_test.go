package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// A command that is typed on Telegram has one effect and one answer when the
// real program is killed before the effect, and when it is killed after it and
// before the answer. So has the press that publishes.
func TestKilledAroundACommandOnTelegram(t *testing.T) {
	const hang = sim.Duration(time.Hour)
	for _, test := range []struct {
		name    string
		fault   sim.Fault
		drafted bool // before the kill
	}{
		{"while it is heard", sim.Fault{Match: "getUpdates", Kind: "slow", Spread: hang}, false},
		{"before it is answered", sim.Fault{Match: "sendMessage", Delay: hang}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, fast...)
			file := s.configFile()
			s.running = &running{moved: make(chan struct{})}
			var kill func()
			s.url, kill = program(t, file)
			drafts := func() int { return strings.Count(s.must("show"), "D-") }
			again := func() {
				kill()
				s.world.Telegram.Faults.Clear()
				s.url, kill = program(t, file)
				s.flush()
			}

			s.flush()
			s.world.Telegram.Faults.Add(test.fault)
			if test.fault.Match == "getUpdates" {
				s.flush() // ends the poll that is under way; the next is the slow one
			}
			typed := s.types("1001", "/incident minor login\nLogin is slow", sim.Saying{})
			if test.drafted {
				s.until("a draft", func() bool { return drafts() == 1 })
			} else if n := drafts(); n != 0 {
				t.Fatalf("%d drafts of what was not heard", n)
			}
			again()
			preview := s.answered(typed)
			if n := drafts(); n != 1 || s.ours("D-1 → new incident") != 1 {
				t.Errorf("%d drafts, %d previews", n, s.ours("D-1 → new incident"))
			}

			s.world.Telegram.Faults.Add(sim.Fault{Match: "editMessageText", Delay: hang})
			s.presses("1001", preview, "Publish")
			s.until("published", func() bool { return len(s.feed("x")) == 1 })
			again()
			s.until("the preview says so", func() bool { return s.ours("D-1 · INC-1/1 is published") == 1 })
			s.settled("INC-1")
			if n := len(s.feed("x")); n != 1 || strings.Contains(s.must("show"), "INC-2") {
				t.Errorf("%d posts", n)
			}
		})
	}
}

// What Telegram delivers once more, a command or a press, has no second
// effect. Its answer may come once more.
func TestTelegramDeliversAgain(t *testing.T) {
	s := newServer(t, fast...)
	from := map[string]any{"id": 1001, "first_name": "Ana"}
	chat, _ := strconv.ParseInt(demoRoom, 10, 64)
	message := func(id, text string) map[string]any {
		n, _ := strconv.ParseInt(id, 10, 64)
		return map[string]any{"message_id": n, "from": from, "chat": map[string]any{"id": chat, "type": "supergroup"}, "date": time.Now().Unix(), "text": text}
	}
	again := func(update map[string]any) {
		update["update_id"] = 100000001
		body, err := json.Marshal(map[string]any{"ok": true, "result": []any{update, update}})
		if err != nil {
			t.Fatal(err)
		}
		s.world.Telegram.Faults.Add(sim.Fault{Match: "getUpdates", Kind: "body", Body: string(body)})
		s.flush() // ends the poll that is under way
		s.flush() // is heard after the next
	}

	const words = "/incident minor login\nLogin is slow"
	typed := s.types("1001", words, sim.Saying{})
	preview := s.answered(typed)
	again(map[string]any{"message": message(typed, words)})

	query, err := s.world.Telegram.Press(demoRoom, preview.ID, "1001", preview.Buttons[0][0].Data)
	if err != nil {
		t.Fatal(err)
	}
	s.until("published", func() bool { return len(s.feed("x")) == 1 })
	press := map[string]any{"id": query, "from": from, "message": message(preview.ID, ""), "data": preview.Buttons[0][0].Data}
	again(map[string]any{"callback_query": press})
	s.settled("INC-1")
	if n := len(s.feed("x")); n != 1 {
		t.Errorf("%d posts", n)
	}
	if next := s.answered(s.types("1001", "/update INC-1 It is faster.", sim.Saying{})); !strings.HasPrefix(next.Text, "D-2 → INC-1/2") {
		t.Errorf("what comes next is %q", next.Text)
	}
}
