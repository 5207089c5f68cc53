package incident

import "testing"

func TestLintLinks(t *testing.T) {
	const none = "which is none of this site's hosts"
	checkRefused(t, LintContext{Hosts: []string{"status.example.com", "Example.com", "münchen.example.com"}}, []linted{
		{"See https://status.example.com/incidents/INC-1.", ""},
		{"See https://status.example.com.", ""},
		{"See (https://status.example.com), please", ""},
		{"See <https://status.example.com>", ""},
		{"See [the page](https://status.example.com/x?y=a.b#c).", ""},
		{"**https://status.example.com** _https://example.com_", ""},
		{"HTTPS://STATUS.EXAMPLE.COM/ and example.com.", ""},
		{"https://status.example.com:443/ https://status.example.com./x", ""},
		{"https://ｓｔａｔｕｓ．example.com/", ""},       // browsers read it as ours
		{"https://st\u00adatus.example.com/", ""}, // and do not see a soft hyphen
		{"详见 https://example.com。请稍候，example.com，或（https://example.com）。", ""},
		{"https://münchen.example.com/", ""},
		{"support@example.com and ops@status.example.com", ""},
		{"example.com.Please read it", ""},
		{"https:// and http:", ""},

		{"See https://evil.test/claim", `leads to "evil.test", ` + none},
		{"http:evil.com", `"evil.com"`},
		{"http:/evil.test", `"evil.test"`},
		{`https:\\evil.test\x`, `"evil.test"`},
		{"https:///evil.test", `"evil.test"`},
		{"HtTpS://EVIL.TEST", `"evil.test"`},
		{"请访问https://evil.test领取", `"evil.test领取"`},
		{"https://status.example.com@evil.test", `"evil.test"`},
		{"https://status.example.com:443@evil.test:80/", `"evil.test"`},
		{"https://status.example.com%40evil.test", `"status.example.com%40evil.test"`},
		{"https://status.example.com.evil.test", `"status.example.com.evil.test"`},
		{"https://status.example.com,evil.test", `"status.example.com,evil.test"`},
		{"https://old.status.example.com", `"old.status.example.com"`}, // each host is listed
		{"https://status。evil。test/x", `"status.evil.test"`},
		{"https://evil．test", `"evil.test"`},
		{"https://example.com․evil.test", `"example.com.evil.test"`},
		{"https://xn--exmple-cua.com", `"xn--exmple-cua.com"`},
		{"https://еxample.com", `"еxample.com"`}, // the first letter is Cyrillic
		{"https://münchen.example.org", `"münchen.example.org"`},
		{"https://192.0.2.1/", `"192.0.2.1"`},
		{"https://2130706433", `"2130706433"`},
		{"[status.example.com](https://evil.test)", `"evil.test"`},
		{"[https://status.example.com](https://evil.test)", `"evil.test"`},
		{"<https://evil.test|status.example.com>", `"evil.test"`},
		{"_https://evil.test_", `"evil.test"`},
		{"tg://resolve?domain=helper", `"resolve"`},
		{"ftp://evil.test", `"evil.test"`},

		{"t.me/helper", `"t.me"`},
		{"x.com/helper", `"x.com"`},
		{"discord.gg/abc", `"discord.gg"`},
		{"//evil.com", `"evil.com"`},
		{"www.evil.test", `"www.evil.test"`},
		{"Claim at evil.com now", `"evil.com"`},
		{"EVIL.COM", `"evil.com"`},
		{"evil.com.", `"evil.com"`},
		{"**evil.com**", `"evil.com"`},
		{"_evil.com_", `"evil.com"`},
		{"请访问evil.com领取", `"evil.com"`},
		{"evil．com", `"evil.com"`},
		{"evil.com.Please come", `"evil.com"`},
		{"old.example.com", `"old.example.com"`},
		{"example.com.evil.io", `"example.com.evil.io"`},
		{"evil.accountants/claim", `"evil.accountants"`},
		{"refunds@evil.test", `"evil.test"`},
		{"status.example.com@evil.test", `"evil.test"`},
		{"@evil.com", `"evil.com"`},
		{"ехample.com", `"ехample.com"`},
		{"xn--exmple-cua.xn--p1ai", `"xn--exmple-cua.xn--p1ai"`},
		{"evil.com evil.com EVIL.COM", `"evil.com"`}, // said once

		{"e.g. this, i.e. that, at 5 p.m. in the U.S.", ""},
		{"v1.2, 1.2.3.4, 3.5 %, 03.12.2026, 12.30", ""},
		{"Node.js and README.txt, ... and so on", ""},
		{"a.m./p.m. and 24/7 and No.1/No.2", ""},
		{"10.0.0.0/8", ""},
		{"Restored.Logins work", ""},
		{"登录已恢复。提现稍后恢复。", ""},
		{"升级到iOS。App 可用", ""},
		{"@example_status and #outage", ""},
	})
}

func TestLintAllowsAllLinksWithoutHosts(t *testing.T) {
	checkRefused(t, LintContext{}, []linted{{"https://evil.test evil.com t.me/x", ""}})
}
