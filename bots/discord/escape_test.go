package discord

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestContent holds what is sent to be read in notifications and logs: no
// backslash that is not needed.
func TestContent(t *testing.T) {
	for text, want := range map[string]string{
		"  Logins work.\n":                   "Logins work.",
		"snake_case and 2 - 1 > 0":           "snake_case and 2 - 1 > 0",
		"_it_ __u__ a_ _b":                   `\_it\_ \_\_u\_\_ a\_ \_b`,
		"2*3 **b**":                          `2\*3 \*\*b\*\*`,
		"~5 ~~gone~~ a|b ||no||":             `~5 \~\~gone\~\~ a|b \|\|no\|\|`,
		"`code`":                             "\\`code\\`",
		`C:\temp`:                            `C:\\temp`,
		"# a\n## b\n#1 c\n####### d":         "\\# a\n\\## b\n#1 c\n####### d",
		"-# a\n- b\n-5\n  - c":               "\\-# a\n\\- b\n-5\n  \\- c",
		"> a\n>>> b\n>c":                     "\\> a\n\\>>> b\n>c",
		"1. a\n12. b\n1.5 c\n2.":             "1\\. a\n12\\. b\n1.5 c\n2\\.",
		"<@1> <#2> <:x:3> <t:4> </a:5> <6 <": `\<@1> \<#2> \<\:x:3> \<t:4> \</a:5> \<6 <`,
		":fire: 12:18:30 UTC 12:18":          `\:fire: 12\:18:30 UTC 12:18`,
		"[a](https://x.org) [b]":             `\[a](https://x.org) [b]`,
		"https://x.org/a_b_*c* _":            `https://x.org/a_b_*c* \_`,
		"(https://x.org/_a_). _b_":           `(https://x.org/_a_). \_b\_`,
		"a_b https://x.org/_c_ d_e":          `a\_b https://x.org/_c_ d_e`,
		"https://x.org<@1> <@2>":             `https://x.org<\@1> \<@2>`,
		"https://x.org.<t:1>":                `https://x.org.<t\:1>`,
		"ftp://x_ :// https://":              `ftp://x\_ :// https://`,
		"a\r\nb":                             "a\nb",
	} {
		if got := content(text); got != want {
			t.Errorf("content(%q)\n got %s\nwant %s", text, got, want)
		}
	}
}

func FuzzContent(f *testing.F) {
	for _, s := range []string{
		"", "plain", `\`, `\\_`, "*a*", "_a_b_", "__a__b", "~~~", "|||", "``` x```", "https://x/_a_*b*<@1>", "[a [b](https://x)](https://y)",
		"1. a\n2. b", "> > a", "-# - a", "<https://x>", "¯\\_(ツ)_/¯", ":a::b:", "a_https://x/y_ z", "\xff_\xfe", "https://a<https://b>", "*https://x*y*",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, '\ufeff') {
			t.Skip("white space in JavaScript, where links end, and not in Unicode")
		}
		checkShown(t, text)
	})
}

// TestContentMixed throws marks together at random, always the same.
func TestContentMixed(t *testing.T) {
	pieces := []string{
		"*", "**", "_", "__", "~", "~~", "|", "||", "`", "```", "#", "-", "-#", ">", ">>>", " ", "\n", "1.", "a", "é", "界", "\\", ".",
		"[", "]", "](", "(", ")", "https://x", "http://y/", "<", "@1>", "#1>", "t:1>", ":e:", ":", ">", "/", "@everyone", "¯\\_(ツ)_/¯",
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		checkShown(t, b.String())
	}
}

// checkShown checks that what is sent for text is shown as text.
func checkShown(t *testing.T, text string) {
	t.Helper()
	sent := content(text)
	if sent == "" {
		return
	}
	shown, err := shownText(sent)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")); shown != want {
		t.Errorf("%q\nis sent as %q\nand shown as %q", want, sent, shown)
	}
}

func TestTitle(t *testing.T) {
	for text, want := range map[string]string{
		" INC-12\n  Withdrawals * ": "INC-12 Withdrawals *",
		strings.Repeat("界", 101):    strings.Repeat("界", 99) + "…",
		strings.Repeat("a", 100):    strings.Repeat("a", 100),
		"\xff":                      "�",
	} {
		got := title(text)
		if got != want || utf8.RuneCountInString(got) > maxTitle {
			t.Errorf("title(%q) = %q, want %q", text, got, want)
		}
	}
}
