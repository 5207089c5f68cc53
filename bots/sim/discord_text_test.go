package sim

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func nameless(sigil byte, id string) string {
	if id == "77" && sigil == '@' {
		return "Ana"
	}
	return "unknown"
}

func TestDiscordPlain(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"plain text, 100% – ok!", "plain text, 100% – ok!"},
		{"**bold** *it* _it_ __under__ ~~gone~~ ||hidden||", "bold it it under gone hidden"},
		{"***both*** **a *b* c** *a **b** c*", "both a b c a b c"},
		{"__*u*__ **~~x~~**", "u x"},
		{"snake_case_name and 2 * 3 * 4", "snake_case_name and 2 * 3 * 4"},
		{"a*b*c", "abc"},
		{"_ends_x", "_ends_x"},
		{"* not italic*", "• not italic*"},
		{"*open and **open", "*open and **open"},
		{`\*\*x\*\* \_y\_ \\ \~\~z\~\~ \|\|s\|\| \#`, `**x** _y_ \ ~~z~~ ||s|| #`},
		{`C:\new \é`, `C:\new é`},
		{`¯\_(ツ)_/¯`, `¯\_(ツ)_/¯`},
		{"`a*b*` ``x`y``", "a*b* x`y"},
		{"`open *x*", "`open x"},
		{"```go\nx := *p\n```after", "x := *pafter"},
		{"```a *b* c```", "a *b* c"},
		{"# Title\ntext", "Title\ntext"},
		{"### C#\n#tag #1", "C\n#tag #1"},
		{"-# small", "small"},
		{"#### four", "#### four"},
		{"> said\n> *so*\nafter", "said\nso\nafter"},
		{">>> all\n**of** it", "all\nof it"},
		{">no quote", ">no quote"},
		{"- one\n- *two*\n  - three\n-four", "• one\n• two\n  • three\n-four"},
		{"3. c\n7. d\nx", "3. c\n4. d\nx"},
		{"12:30. Next", "12:30. Next"},
		{"[text](https://example.com/a) [b](<http://x.y>)", "text b"},
		{"[https://a.b](https://evil.example)", "[https://a.b](https://evil.example)"},
		{"[x](javascript:1) [y] (https://a.b)", "[x](javascript:1) [y] (https://a.b)"},
		{"https://example.com/a_b_c*d*e_ *x*", "https://example.com/a_b_c*d*e_ x"},
		{`https://example.com/a\_b`, `https://example.com/a\_b`},
		{"<https://example.com/x_y_>", "https://example.com/x_y_"},
		{"<@77> <@!77> <@&5> <#9> <:ok:123> </update:5>", "@Ana @Ana @role #unknown :ok: /update"},
		{`\<@77> @everyone`, "<@77> @everyone"},
		{"<t:1700000000:F>", "14 November 2023 22:13"},
		{"a < b > c <x>", "a < b > c <x>"},
		{"", ""},
		{"公告**重要**：_提现_", "公告重要：提现"},
	} {
		if got := discordPlain(c.in, nameless); got != c.want {
			t.Errorf("discordPlain(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// FuzzDiscordPlain checks that no text breaks the reader, and that a text
// whose every mark is escaped is shown as it is.
func FuzzDiscordPlain(f *testing.F) {
	for _, s := range []string{"", "**a**", "> q\n# h\n- l\n1. n", "`c` ```d```", "[a](https://b.c)", "<@77>", `\`, "||~~__*_", "https://a_b", "* *a **"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		discordPlain(s, nameless)
		if !utf8.ValidString(s) || strings.Contains(s, "¯") {
			return
		}
		var escaped strings.Builder
		for _, r := range s {
			if r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
				escaped.WriteByte('\\')
			}
			escaped.WriteRune(r)
		}
		if got := discordPlain(escaped.String(), nameless); got != s {
			t.Errorf("escaped as %q, shown as %q, want %q", escaped.String(), got, s)
		}
	})
}
