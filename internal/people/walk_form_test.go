package people_test

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/internal/people"
)

// reads compares what a person has with the whole texts of his messages, without
// the line of reference and time that each ends with.
func (w *world) reads(chat int64, texts ...string) {
	w.t.Helper()
	footer := regexp.MustCompile(`\n\n?INC-1/\d+ · \d\d:\d\d UTC$`)
	var have []string
	for _, l := range w.inboxes.of(chat) {
		have = append(have, footer.ReplaceAllString(l.text, ""))
	}
	if !slices.Equal(have, texts) {
		w.t.Errorf("%d reads\n%s\n\nwant\n%s", chat, strings.Join(have, "\n-- \n"), strings.Join(texts, "\n-- \n"))
	}
}

// say says something in both languages.
func (w *world) say(s incident.Saying, en, zh string) {
	w.t.Helper()
	s.Body = incident.Text{"en": en, "zh-Hans": zh}
	if s.Title != "" {
		w.do(desk.Open{Kind: incident.Outage, Saying: s})
	} else {
		w.do(desk.Update{Ref: "INC-1", Saying: s})
	}
	w.idle()
}

// What an incident is about stands in the first message alone. Those after it
// answer that one, and say what is new, as in a public channel.
func TestPeopleAreToldWhatChanged(t *testing.T) {
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1)
	w.subscribe(func(s *people.Subscriber) { s.Language = "zh-Hans" }, 2)
	w.say(incident.Saying{Title: "Login is down", Impact: incident.Major}, "Nobody can log in.", "目前无法登录。")
	w.say(incident.Saying{Impact: incident.Critical}, "Withdrawals fail too.", "提现也出现异常。")
	w.say(incident.Saying{Status: incident.Resolved}, "All works again.", "服务已全部恢复。")
	w.say(incident.Saying{Status: incident.Monitoring, Impact: incident.Minor}, "Some logins fail again.", "部分用户再次无法登录。")
	w.reads(1,
		"Investigating · major\nLogin is down\n\nNobody can log in.",
		"Impact: critical (was major)\nWithdrawals fail too.",
		"Resolved\nAll works again.",
		"Reopened · Monitoring\nImpact: minor (was critical)\nSome logins fail again.")
	w.reads(2,
		"【正在调查】影响程度：较大\nLogin is down\n\n目前无法登录。",
		"影响程度：严重（此前为较大）\n提现也出现异常。",
		"【已恢复】\n服务已全部恢复。",
		"【重新处理 · 持续观察】\n影响程度：轻微（此前为严重）\n部分用户再次无法登录。")
	w.do(desk.Correct{Ref: "INC-1/1", Typo: true, Body: incident.Text{"en": "Nobody could log in."}})
	w.do(desk.Correct{Ref: "INC-1/2", Typo: true, Body: incident.Text{"en": "Withdrawals failed too."}})
	w.idle()
	w.reads(1,
		"Investigating · major\nLogin is down\n\nNobody could log in.\n\n(edited)",
		"Impact: critical (was major)\nWithdrawals failed too.\n\n(edited)",
		"Resolved\nAll works again.",
		"Reopened · Monitoring\nImpact: minor (was critical)\nSome logins fail again.")
}

// Who was not told some of it reads what is new to him. Who has no message that
// can be answered is told what it is about, as one who was told nothing.
func TestPeopleAreToldWhatIsNewToThem(t *testing.T) {
	const gone = `{"ok":false,"error_code":400,"description":"Bad Request: message to be replied not found"}`
	w := newWorld(t, quick)
	w.start()
	w.subscribe(nil, 1, 2, 3, 4)
	answer := func(answers map[int64]string) {
		w.inboxes.refusing(func(chat int64) string { return answers[chat] })
	}
	answer(map[int64]string{2: noAnswer})
	w.say(incident.Saying{Title: "Login is down", Impact: incident.Major}, "Nobody can log in.", "目前无法登录。")
	var asked sync.Map
	w.inboxes.refusing(func(chat int64) string {
		if _, again := asked.LoadOrStore(chat, true); again {
			return ""
		}
		return map[int64]string{1: refusal, 3: gone}[chat]
	})
	w.say(incident.Saying{Status: incident.Identified, Impact: incident.Critical}, "Withdrawals fail too.", "提现也出现异常。")
	w.reads(2, "Identified · critical\nLogin is down\n\nWithdrawals fail too.")
	w.reads(3, "Investigating · major\nLogin is down\n\nNobody can log in.", "Identified · critical\nLogin is down\n\nWithdrawals fail too.")
	answer(nil)
	w.say(incident.Saying{}, "A fix is on its way.", "正在修复。")
	w.reads(1, "Investigating · major\nLogin is down\n\nNobody can log in.",
		"Identified\nImpact: critical (was major)\nA fix is on its way.\n\n(1 earlier update is not shown here.)")
	w.reads(2, "Identified · critical\nLogin is down\n\nWithdrawals fail too.", "A fix is on its way.")
	w.want(2, "/2", ">/3")
	w.want(4, "/1", ">/2", ">/3")
}
