package templates

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPlain(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"kept  as\twritten *_`<b>{{.}}", "kept  as\twritten *_`<b>{{.}}"},
		{"a\r\nb\rc\u2028d\u0085e\vf", "a\nb\nc\nd\ne\nf"},
		{"\n\n a \t\n\n", " a"},
		{"a\x00\x1b[31m\u009bb\x7f", "a[31mb"},
		{"bad \xff\xfe bytes", "bad \uFFFD bytes"},
		{"mark " + bodyMark + "\uFFFF\U0001FFFE", "mark \uFFFD\uFFFD\uFFFD"},
		{"👨\u200d👩 e\u0301 \u200fعربي", "👨\u200d👩 e\u0301 \u200fعربي"},
	} {
		if got := plain(test.text); got != test.want {
			t.Errorf("plain(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

func TestInlineIsolates(t *testing.T) {
	for text, want := range map[string]string{
		" Login\nand more ":  "Login and more",
		"سحب":                "\u2068سحب\u2069",
		"\u202eLogin\u2069":  "Login",
		"\u2069משיכות\u202b": "\u2068משיכות\u2069",
	} {
		if got := inline(text); got != want {
			t.Errorf("inline(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{"", "a\r\nb", "\xff", bodyMark, " \t\n\u2028", "é\u0301"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := plain(s)
		switch {
		case !utf8.ValidString(got):
			t.Errorf("plain(%q) = %q is not UTF-8", s, got)
		case strings.ContainsAny(got, "\r\x00\x7f"+bodyMark):
			t.Errorf("plain(%q) = %q keeps a control character", s, got)
		case plain(got) != got:
			t.Errorf("plain(%q) = %q, and once more %q", s, got, plain(got))
		}
	})
}
