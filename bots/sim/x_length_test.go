package sim

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestXLength(t *testing.T) {
	for _, c := range []struct {
		text string
		want int
	}{
		{"", 0},
		{strings.Repeat("a", 280), 280},
		{strings.Repeat("公", 140), 280},
		{"cafe\u0301", 4},
		{"— “x” ’", 7},
		{"… • → €", 4*2 + 3},
		{"\U0001F468\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466", 2},
		{"\U0001F44D\U0001F3FD", 2},
		{"\U0001F1F8\U0001F1EC", 2},
		{"1\uFE0F\u20E3", 2},
		{"❤\uFE0F", 2},
		{"©", 1},
		{"©\uFE0F", 2},
		{"\U0001F3F4\U000E0067\U000E0062\U000E0073\U000E0063\U000E0074\U000E007F", 2},
		{"https://example.com", 23},
		{"https://example.com/" + strings.Repeat("a", 300) + "?q=1", 23},
		{"(https://example.com/a).", 23 + 3},
		{"status.example.io/INC-12", 23},
		{"status.example.io", 23},
		{"example.com", 23},
		{"example.io", 10},
		{"t.co", 23},
		{"请看https://example.com/a，谢谢", 4 + 23 + 6},
		{"https://example.com:8080/x(y)", 23},
		{"a@example.com", 13},
		{"end.Next", 8},
		{"INC-12/3 · 12:18 UTC", 20},
		{"http://localhost/x", 18},
		{"v1.2.3", 6},
	} {
		if got := xLength(c.text); got != c.want {
			t.Errorf("xLength(%q) = %d, want %d", c.text, got, c.want)
		}
	}
}

func FuzzXLength(f *testing.F) {
	for _, s := range []string{"", "https://a.com/(b)c", "a.b.com:80?x", "1\uFE0F\u20E3", "❤\uFE0F\u200D\U0001F525", "@a.com #b.io -c.net"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		n := xLength(s)
		if n < 0 || s != "" && n == 0 || n > 23*utf8.RuneCountInString(s)*4 {
			t.Errorf("xLength(%q) = %d", s, n)
		}
		at := 0
		for _, l := range findLinks(s) {
			if l.from < at || l.to <= l.from || !utf8.ValidString(s[l.from:l.to]) {
				t.Errorf("link %+v of %q", l, s)
			}
			at = l.to
		}
		xLinks(s, "1")
	})
}
