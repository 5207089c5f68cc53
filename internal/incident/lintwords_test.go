package incident

import "testing"

func TestLintPlaceholders(t *testing.T) {
	checkRefused(t, LintContext{}, []linted{
		{"Hello {{ .Name }}", `"{{ .Name }}"`},
		{"Hello {{name", `"{{name"`},
		{"Back by ${ETA}", `"${ETA}"`},
		{"Back by <no value>", `"<no value>"`},
		{"[NAME] is down", `"[NAME]"`},
		{"back in [NUMBER OF MINUTES] minutes", `"[NUMBER OF MINUTES]"`},
		{"<TIME>", `"<TIME>"`},
		{"<insert the cause>", `"<insert the cause>"`},
		{"[your name here]", `"[your name here]"`},
		{"【待填写】", `"【待填写】"`},
		{"预计（请填写时间）恢复", `"（请填写时间）"`},
		{"TODO: the cause", `"TODO"`},
		{"原因TBD", `"TBD"`},
		{"XXX users", `"XXX"`},
		{"by XX:XX UTC", `"XX:XX"`},
		{"Lorem ipsum dolor", `"Lorem ipsum"`},

		{"[RESOLVED] Login is down", ""},
		{"[UPDATE 2] [DRILL] [UTC]", ""},
		{"[API](https://status.example.com)", ""},
		{"【维护通知】系统升级", ""},
		{"See [1] and [the page], {a}, $5, <b>", ""},
		{"A XXL shirt, todos los usuarios, TODOS", ""},
	})
}

func TestLintDelicateWords(t *testing.T) {
	checkWarned(t, LintContext{Status: Investigating}, []linted{
		{"It is down because of a storage upgrade.", `"because" while the cause is still investigated`},
		{"Delays Due To a supplier", `"due to"`},
		{"由于存储升级，登录不可用。", `"由于"`},
		{"因为升级", `"因为"`},
		{"Your funds are there.", `"funds", which will be quoted`},
		{"We were not HACKED.", `"hacked"`},
		{"You will get compensation.", `"compensation"`},
		{"资产安全，资金没有变动", `"资金"`},
		{"不是黑客", `"黑客"`},
		{"我们会补偿", `"补偿"`},
		{"funds, funds, Funds", `"funds"`}, // said once
		{"Nobody can log in.", ""},
		{"The hackathon is refunded in Shackleton.", ""},
		{"Shackleton was hacked.", `"hacked"`},
		{"Hedgefunds and funds", `"funds"`},
	})
	for _, status := range []Status{Identified, Monitoring, Resolved, Scheduled, Published} {
		checkWarned(t, LintContext{Status: status}, []linted{{"It was down because of a storage upgrade.", ""}})
	}
}

func TestLintPromises(t *testing.T) {
	checkWarned(t, LintContext{Status: Monitoring}, []linted{
		{"Withdrawals are back for most. next 20m", `says "next 20m", which promises nothing`},
		{"We work on it. Next 14:30 UTC", `"Next 14:30 UTC"`},
		{"Back for most.\nDeposits follow, next none", `"next none"`},
		{"We look at deposits next 20 people are on it", ""},
		{"The next update comes soon.", ""},
		{"What comes next is easy.", ""},
		{"İİİİİİİ next 20m", `"next 20m"`},
	})
}

// What stands behind "zh:" on its line belongs to the language above it.
func TestLintLanguagesWithinALine(t *testing.T) {
	checkWarned(t, LintContext{Languages: []string{"en", "zh-Hans"}}, []linted{
		{"Nobody can log in.\nzh: 目前无法登录。", `has "zh:" with words behind it, which begins no text of that language: put it on a line of its own`},
		{"zh：目前无法登录。", `"zh："`},
		{" ZH-hans : 目前无法登录。", `"ZH-hans :"`},
		{"en: Nobody can log in.", `"en:"`},
		{"fr: Personne", ""},
		{"ETA: 14:00 UTC", ""},
		{"We say zh: as well.", ""},
	})
}

func TestLintTimes(t *testing.T) {
	const unzoned = "without a zone"
	checkWarned(t, LintContext{}, []linted{
		{"We expect logins back by 14:00.", `"14:00" ` + unzoned},
		{"by 2:30 pm at the latest", `"2:30 pm" ` + unzoned},
		{"by 5pm", `"5pm" ` + unzoned},
		{"between 14:00 and 15:00 UTC, then again at 16:00", `"16:00" ` + unzoned},
		{"预计 14:00 恢复", `"14:00" ` + unzoned},
		{"预计14：00恢复", `"14：00" ` + unzoned},
		{"14:00, 14:00", `"14:00"`}, // said once

		{"by 14:00 UTC", ""},
		{"by 14:00 (UTC)", ""},
		{"by 14:00Z, 14:00 GMT, 14:00 CEST, 14:00 UTC+8, 14:00+08:00", ""},
		{"2:30 p.m. PST", ""},
		{"between 14:00 and 15:00 UTC", ""},
		{"14:00–15:00 UTC or 14:00 - 15:00 SGT", ""},
		{"2026-12-01T14:00:00Z", ""},
		{"14:00 Asia/Singapore, 14:00 Singapore time, 14:00 New York time", ""},
		{"北京时间14:00恢复", ""},
		{"北京时间 12月1日 14:00 至 15:00 恢复", ""},
		{"UTC 时间：14:00", ""},
		{"All times are in UTC. 14:00 down, 15:00 up.", ""},
		{"INC-12/3 took 20m, 1:1 and 3:0", ""},
	})
}
