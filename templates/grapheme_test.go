package templates

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func clusters(s string) []string {
	var all []string
	for s != "" {
		n := clusterEnd(s)
		all, s = append(all, s[:n]), s[n:]
	}
	return all
}

func TestClusters(t *testing.T) {
	for _, want := range [][]string{
		{"a", "b"},
		{"e\u0301", "x"},    // combining accent
		{"\r\n", "\n", "a"}, // line ends
		{"\n", "\u0301"},    // nothing joins a line end
		{"👨\u200d👩\u200d👧\u200d👦", "👍🏽", "!"},       // family, skin tone
		{"❤\ufe0f", "❤\ufe0f\u200d🔥"},               // variation selectors
		{"🇸🇬", "🇨🇭", "🇺"},                           // flags, and half of one
		{"a", "🇸🇬", "\u00ad", "🇨🇭"},                 // a control between flags
		{"🏴\U000E0067\U000E0062\U000E007F", "x"},    // tag sequence
		{"1\ufe0f\u20e3", "2"},                      // keycap
		{"각", "\u1100\u1161\u11a8", "나\u11ab", "한"}, // Hangul syllables and jamo
		{"नि", "का"},                                // vowel signs
		{"か\u3099", "漢"},                            // voiced sound mark
		{"\u2068", "a", "\u2069"},                   // isolates stand alone
		{"💁\u200d♀\ufe0f", "🇸🇬\u0301", "🇨🇭"},        // mark on a flag
		{"🧑🏿\u200d🚀", "🧑🏿"},                         // modifier before a joiner
		{"\u200d🇸🇬", "🇨🇭"},                          // a stray joiner does not split a flag
		{"क्", "ष"},                                 // conjuncts may be cut; signs stay
		{"ا\u064e\u0651", "ب"},                      // Arabic marks
		{"\u1100\u1100\u1161\u11a8", "\ua960"},      // jamo that make no syllable together
	} {
		if diff := cmp.Diff(want, clusters(strings.Join(want, ""))); diff != "" {
			t.Errorf("%q (-want +got):\n%s", strings.Join(want, ""), diff)
		}
	}
}

func FuzzClusters(f *testing.F) {
	for _, seed := range []string{"", "abc", "e\u0301", "👨‍👩‍👧", "🇸🇬🇨🇭", "\xff\xfe", "각\u1100\u1161", "\r\n\r"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		all := clusters(s)
		if strings.Join(all, "") != s {
			t.Fatalf("%q became %q", s, all)
		}
		for i, c := range all {
			if c == "" {
				t.Fatalf("%q has an empty cluster", s)
			}
			first, _ := utf8.DecodeRuneInString(c)
			if class := breakClass(first); i > 0 && (class == extend || class == joiner) {
				last, _ := utf8.DecodeLastRuneInString(all[i-1])
				if breakClass(last) != control {
					t.Fatalf("%q is split before a mark: %q", s, all)
				}
			}
		}
	})
}
