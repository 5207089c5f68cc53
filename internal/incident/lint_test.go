package incident

import (
	"bufio"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A linted case is a text, and a part of the one finding that it must have;
// an empty part is none.
type linted struct{ text, want string }

// checkRefused checks texts, and the same words as a title.
func checkRefused(t *testing.T, c LintContext, cases []linted) {
	t.Helper()
	for _, l := range cases {
		for where, lint := range map[string]func() ([]string, []string){
			`the text in "en" `: func() ([]string, []string) { return Lint(Text{"en": l.text}, "", c) },
			"the title ":        func() ([]string, []string) { return Lint(nil, l.text, c) },
		} {
			got, _ := lint()
			checkFindings(t, l, where, got)
		}
	}
}

func checkWarned(t *testing.T, c LintContext, cases []linted) {
	t.Helper()
	for _, l := range cases {
		_, got := Lint(Text{"en": l.text}, "", c)
		checkFindings(t, l, `the text in "en" `, got)
	}
}

func checkFindings(t *testing.T, l linted, where string, got []string) {
	t.Helper()
	switch {
	case l.want == "" && len(got) == 0:
	case l.want == "":
		t.Errorf("%+q: %q; want nothing", l.text, got)
	case len(got) != 1 || !strings.HasPrefix(got[0], where) || !strings.Contains(got[0], l.want):
		t.Errorf("%+q: %q; want one finding that begins with %q and has %q", l.text, got, where, l.want)
	}
}

func TestLintSaysWhereAndInWhichOrder(t *testing.T) {
	text := Text{"zh-Hans": "TODO {{x}}", "en": "because of hackers, at 14:00"}
	refusals, warnings := Lint(text, strings.Repeat("Down ", 17)+"[NAME]", LintContext{Status: Investigating})
	want := []string{
		`the title has "[NAME]", which looks like a placeholder: fill it in or leave it out`,
		`the text in "zh-Hans" has "{{x}}", which looks like a placeholder: fill it in or leave it out`,
		`the text in "zh-Hans" has "TODO", which looks like a placeholder: fill it in or leave it out`,
	}
	if diff := cmp.Diff(want, refusals); diff != "" {
		t.Error(diff)
	}
	want = []string{
		`the title has 91 characters: up to 80 are easy to read on a phone`,
		`the text in "en" says "because" while the cause is still investigated: name a cause once it is identified`,
		`the text in "en" says "hackers", which will be quoted: make sure that every word of it will stand`,
		`the text in "en" gives the time "14:00" without a zone: write it like 14:00 UTC`,
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestLintTitleLength(t *testing.T) {
	for n, want := range map[int]int{80: 0, 81: 1} {
		if _, got := Lint(nil, strings.Repeat("网", n), LintContext{}); len(got) != want {
			t.Errorf("%d characters: %q, want %d warnings", n, got, want)
		}
	}
}

// recordedHistory reads what a real team told the public over five years.
func recordedHistory(t *testing.T, each func(title, body string)) {
	t.Helper()
	f, err := os.Open("../../cmd/allclear/testdata/history/github.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var u struct {
			Title string `json:"title"`
			Body  string `json:"body"`
		}
		if err := json.Unmarshal(lines.Bytes(), &u); err != nil {
			t.Fatal(err)
		}
		each(u.Title, u.Body)
	}
	if err := lines.Err(); err != nil || n < 500 {
		t.Fatalf("%d updates, %v; want at least 500", n, err)
	}
}

func TestLintLetsRealIncidentsPass(t *testing.T) {
	own := []string{"github.com", "docs.github.com", "status.github.com", "gist.github.com", "blog.github.com"}
	got := map[string]int{}
	recordedHistory(t, func(title, body string) {
		refusals, _ := Lint(Text{"en": body}, title, LintContext{Status: Investigating, Hosts: own})
		for _, r := range refusals {
			got[r]++
		}
	})
	want := map[string]int{ // a link to another host, which is refused only where hosts are set
		`the text in "en" leads to "git.io", which is none of this site's hosts: leave it out, put spaces around what is no link, or add it to hosts`: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// FuzzLint checks what holds for any words: one line for each finding, the same
// each time, and nothing of a text that cannot be shown.
func FuzzLint(f *testing.F) {
	for _, seed := range []string{
		"Nobody can log in since 12:01 UTC.", "https://a@b@c.test:80/x https:/\\/x y.com/ @evil.com", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
		"\u200d👩\u200d👩 می\u200cشود \u202e", "{{x}} [NAME] <no value> TODO", "12:00–13:00 5pm 北京时间 14:00", "\xff\xfe https://\xff", "www..com -_.com_-",
	} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, title string) {
		c := LintContext{Status: Investigating, Hosts: []string{"status.example.com"}}
		refusals, warnings := Lint(Text{"en": text, "zh-Hans": title}, title, c)
		again, rewarned := Lint(Text{"zh-Hans": title, "en": text}, title, c)
		if diff := cmp.Diff([][]string{refusals, warnings}, [][]string{again, rewarned}); diff != "" {
			t.Errorf("not the same twice: %s", diff)
		}
		for _, line := range slices.Concat(refusals, warnings) {
			if !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("cannot be shown on a line: %+q", line)
			}
		}
	})
}

func TestLintTakesAMissingSpaceForNoLink(t *testing.T) {
	for text, want := range map[string]int{
		"The issue is fixed.It was a disk.": 0, "Logins are back.In an hour more.": 0,
		"Go to evil.it now.": 1, "Go to EVIL.IT now.": 1, "Go to Evil.It/refund now.": 1, "Go to www.Evil.It now.": 1,
	} {
		if refusals, _ := Lint(Text{"en": text}, "", LintContext{Hosts: []string{"example.com"}}); len(refusals) != want {
			t.Errorf("%q: %q, want %d refusals", text, refusals, want)
		}
	}
}
