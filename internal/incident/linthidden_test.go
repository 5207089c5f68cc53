package incident

import "testing"

func TestLintHidden(t *testing.T) {
	const turned, unseen = "which turns the direction of reading", "which cannot be seen"
	checkRefused(t, LintContext{}, []linted{
		{"pay \u202egnp.exe", turned + `, after "pay "`},
		{"\u202a", turned + ", at the beginning"},
		{"a\u2066b", "U+2066"},
		{"a\u2069b a\u2069b", turned}, // said once
		{"مرحبا\u202b", turned},
		{"Log\u200bins", `U+200B, ` + unseen + `, after "Log"`},
		{"Log\u200cins", unseen},
		{"Log\u200dins", unseen},
		{"a\u2060b", unseen},
		{"\ufeffLogins", unseen + ", at the beginning"},
		{"登录\u200b提现", unseen},
		{"可用\u200d", unseen},
		{"👩\u200d", unseen}, // joins nothing
		{"👩\u200da", unseen},
		{"1\u200d2", unseen},
		{"می\u200c\u200cشود", unseen}, // the second does nothing
		{"\u0301\u200c", unseen},

		{"👩\u200d👩\u200d👧 👩🏽\u200d💻 🏳️\u200d🌈 🧑\u200d🚀 ❤️\u200d🔥 🙂\u200d↔️", ""},
		{"می\u200cشود", ""},                 // Persian
		{"ه\u200d", ""},                     // an abbreviation
		{"नमस्\u200dते क्\u200cष", ""},      // Devanagari
		{"ശ്രീ ന്\u200d", ""},               // Malayalam
		{"ක්\u200dෂ", ""},                   // Sinhala
		{"ระบบ\u200bขัดข้อง", ""},           // Thai word ends
		{"ប្រព័ន្ធ\u200bមានបញ្ហា", ""},      // Khmer
		{"مرحبا\u200f (API)\u200e", ""},     // marks, which change no order but their own
		{"Straße, naïve, e\u0301, 日本語", ""}, // other writing
	})
}
