package templates

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCutPlaces(t *testing.T) {
	for _, test := range []struct{ text, words, clusters string }{
		{"one two", "one|two", "o|n|e|t|w|o"},
		{"提现，恢复", "提|现，|恢|复", "提|现|，|恢|复"},
		{"（甲）B", "（甲）|B", "（|甲|）|B"},
		{"go https://example.com/a now", "go|https://example.com/a|now", "g|o|https://example.com/a|n|o|w"},
		{"见https://a.example/b。", "见|https://a.example/b。", "见https://a.example/b。"},
		{"a 👨\u200d👩\u200d👧 b", "a|👨\u200d👩\u200d👧|b", "a|👨\u200d👩\u200d👧|b"},
		{"", "", ""},
		{"  x  ", "x", "x"},
	} {
		c := findCuts(test.text)
		if got := pieces(test.text, c.words); got != test.words {
			t.Errorf("words of %q are %q, want %q", test.text, got, test.words)
		}
		if got := pieces(test.text, c.clusters); got != test.clusters {
			t.Errorf("clusters of %q are %q, want %q", test.text, got, test.clusters)
		}
	}
}

// pieces writes a text with a bar at each place, without spaces.
func pieces(s string, places []int) string {
	var all []string
	last := 0
	for _, place := range places {
		all = append(all, strings.TrimSpace(s[last:place]))
		last = place
	}
	return strings.Join(all, "|")
}

func TestCutAt(t *testing.T) {
	for _, test := range []struct {
		text string
		end  int
		want string
	}{
		{"one two", 3, "one…"},
		{"one two", 7, "one two"},
		{"one, two", 4, "one…"},
		{"Done. Next", 5, "Done. …"},
		{"恢复，继续", len("恢复，"), "恢复…"},
		{"恢复。继续", len("恢复。"), "恢复。…"},
		{"say (", 5, "say ("},
		{"say (x)", 5, "say…"},
	} {
		if got := cutAt(test.text, test.end); got != test.want {
			t.Errorf("cutAt(%q, %d) = %q, want %q", test.text, test.end, got, test.want)
		}
	}
}

func TestClip(t *testing.T) {
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"short", 80, "short"},
		{"login and withdrawals", 12, "login and…"},
		{"withdrawals", 4, "with…"},
		{"登录与提现", 3, "登录与…"},
		{"👨\u200d👩\u200d👧👨\u200d👩\u200d👧", 1, "👨\u200d👩\u200d👧…"},
	} {
		if got := clip(test.text, test.n); got != test.want {
			t.Errorf("clip(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
		}
	}
}

func TestLongestProbesLittle(t *testing.T) {
	places := make([]int, 10_000)
	for i := range places {
		places[i] = i + 1
	}
	for limit := range len(places) + 1 {
		probes := 0
		got := longest(places, func(end int) bool { probes++; return end <= limit })
		want := limit
		if limit == 0 {
			want = -1
		}
		if got != want || probes > 28 {
			t.Fatalf("longest up to %d is %d after %d probes", limit, got, probes)
		}
	}
	if got := longest(nil, func(int) bool { return true }); got != -1 {
		t.Errorf("longest of nothing is %d", got)
	}
}

func TestHeadOfKeepsWhatMayFit(t *testing.T) {
	for _, text := range []string{strings.Repeat("提", 3000), strings.Repeat("a", 3000), "short"} {
		for _, sp := range []Space{{100, utf8.RuneCountInString}, {280, weigh}, {5000, weigh}} {
			head := headOf(text, sp)
			if head != text && sp.Measure(head) <= sp.Max || !utf8.ValidString(head) || !strings.HasPrefix(text, head) {
				t.Errorf("headOf(%.9q…, %d) is %d bytes", text, sp.Max, len(head))
			}
		}
	}
}
