package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/internal/incident"
)

func measures() map[string]func(string) int {
	return map[string]func(string) int{
		"bytes":       func(s string) int { return len(s) },
		"code points": utf8.RuneCountInString,
		"weight":      weigh,
	}
}

// checkFit checks what must hold of any message in any space.
func checkFit(t *testing.T, s *Set, platform, language string, m Message, sp Space) Text {
	t.Helper()
	text, err := s.Render(platform, language, m, sp)
	if err != nil {
		t.Fatalf("%s in %d: %v", m.Form, sp.Max, err)
	}
	got := text.String
	if n := sp.Measure(got); n > sp.Max {
		t.Fatalf("%d over the limit of %d:\n%s", n, sp.Max, got)
	}
	if !utf8.ValidString(got) || strings.Contains(got, bodyMark) {
		t.Fatalf("not fit to be sent: %q", got)
	}
	lines := strings.Split(got, "\n")
	clean := m.cleaned()
	if last := lines[len(lines)-1]; last != footer(&clean) {
		t.Fatalf("last line is %q:\n%s", last, got)
	}
	if m.Drill && lines[0] != drillMark {
		t.Fatalf("drill begins with %q", lines[0])
	}
	if !text.Cut && !strings.Contains(got, clean.Body) {
		t.Fatalf("the body %q is not in:\n%s", clean.Body, got)
	}
	if text.Words && !text.Cut {
		t.Fatal("cut in words, but not cut")
	}
	if text.Words {
		checkEllipsis(t, got, clean)
	}
	return text
}

// checkEllipsis checks that where a body or title was cut, no user-perceived
// character was.
func checkEllipsis(t *testing.T, got string, m Message) {
	t.Helper()
	for line := range strings.SplitSeq(got, "\n") {
		beginning, cut := strings.CutSuffix(line, "…")
		for _, whole := range []string{m.Body, m.Title} {
			if !cut || !strings.HasPrefix(whole, beginning) {
				continue
			}
			want := clusters(whole)
			for i, c := range clusters(beginning) {
				if want[i] != c {
					t.Fatalf("%q is cut within %q", line, want[i])
				}
			}
		}
	}
}

func TestFitsEverySpace(t *testing.T) {
	s := mustLoad(t, "")
	zone := singapore(t)
	bodies := []string{
		"", "Short.", strings.Repeat("Withdrawals resume in steps. ", 350), strings.Repeat("提现正在分批恢复，", 1200),
		strings.Repeat("x", 10_000), strings.Repeat("👨\u200d👩\u200d👧\u200d👦", 900), strings.Repeat("🇸🇬", 2000),
		strings.Repeat("e\u0301\u0302", 3000), strings.Repeat("السحب متاح الآن. ", 500), strings.Repeat("\u200b", 5000),
		strings.Repeat("\u200d\u0301", 5000), strings.Repeat("\xff\xfe", 5000), "https://example.com/" + strings.Repeat("a", 9000),
		"First.\n\n" + strings.Repeat("Second paragraph. ", 500), strings.Repeat("a\n", 5000), "Line\r\n\r\nparagraph",
	}
	titles := []string{"", "Login is unavailable", strings.Repeat("登录", 100), strings.Repeat("t", 200), strings.Repeat("👨\u200d👩\u200d👧", 100)}
	for i, body := range bodies {
		for j, title := range titles {
			m := Message{
				Ref: "INC-12/3", Title: title, Body: body, Reason: body, At: noon, Zone: zone, Drill: j%2 == 0,
				Status: incident.Resolved, Impact: incident.Critical, WasImpact: incident.Minor, Original: "de",
				NextUpdate: noon.Add(20 * time.Hour), WasNext: noon.Add(time.Hour), Missed: 3, Revision: 2,
				Begin: noon, End: noon.Add(30 * time.Hour), Link: "https://status.example.com/incidents/INC-12",
				Components: slices.Repeat([]string{"Withdrawals"}, 40), Corrects: "INC-12/2 https://example.com/a/long/link",
			}
			m.Form = Forms[(i+j)%len(Forms)]
			m.Kind = incident.Kinds[i%len(incident.Kinds)]
			for unit, measure := range measures() {
				for _, limit := range []int{120, 280, 1100}[i%2:] {
					platform, language := Platforms[(i+limit)%len(Platforms)], []string{"en", "zh-Hans"}[(i+j)%2]
					t.Run(fmt.Sprintf("%d %s, body %d, title %d", limit, unit, i, j), func(t *testing.T) {
						checkFit(t, s, platform, language, m, Space{limit, measure})
					})
				}
			}
		}
	}
}

func TestEveryFormFitsASmallSpace(t *testing.T) {
	s := mustLoad(t, "")
	for _, m := range rehearsals() {
		for _, platform := range Platforms {
			for _, language := range []string{"en", "zh-Hans"} {
				checkFit(t, s, platform, language, m, Space{120, func(s string) int { return len(s) }})
			}
		}
	}
}

func FuzzRender(f *testing.F) {
	f.Add("Login is unavailable", "Nobody can log in.\n\nMore follows.", "Login", uint16(280), uint8(0))
	f.Add("登录不可用", strings.Repeat("自 12:01 起无法登录。", 50), "提现", uint16(160), uint8(7))
	f.Add("🇸🇬🇨🇭", strings.Repeat("👨‍👩‍👧‍👦🏴󠁧󠁢󠁥󠁮󠁧󠁿", 60), "سحب", uint16(120), uint8(28))
	f.Add("{{.Body}}", "{{define \"first\"}}\xff\u2028"+bodyMark, "\u2069", uint16(125), uint8(63))
	f.Add("\xc2", "0", "\xe4", uint16(336), uint8(88))
	s := mustLoad(f, "")
	f.Fuzz(func(t *testing.T, title, body, name string, limit uint16, pick uint8) {
		if limit < 120 {
			t.Skip()
		}
		m := Message{
			Form: Forms[int(pick)%len(Forms)], Kind: incident.Kinds[int(pick)%3], Ref: "DRL-4/17", Title: title, Body: body, Reason: body,
			At: noon, Zone: time.FixedZone(name, 20_700), Drill: pick&1 != 0, Original: name, Link: name, Corrects: name,
			Components: []string{name, title}, Status: incident.Closed, Impact: incident.Critical, WasImpact: incident.Minor,
			NextUpdate: noon.Add(24 * time.Hour), Missed: int(pick), Revision: int(pick), Begin: noon,
		}
		names := []string{"bytes", "code points", "weight"}
		measure := measures()[names[int(pick)%3]]
		checkFit(t, s, Platforms[int(pick/3)%len(Platforms)], []string{"en", "zh-Hans"}[int(pick/2)%2], m, Space{int(limit), measure})
	})
}

func TestWholeTextGoesBeforeDressing(t *testing.T) {
	s := mustLoad(t, "")
	m := Message{
		Form: Update, Ref: "INC-12/3", Body: strings.Repeat("word ", 20) + "end", At: noon, Zone: singapore(t),
		NextUpdate: noon.Add(time.Hour), Components: []string{"Login", "Withdrawals", "Deposits"}, Link: "https://example.com",
	}
	text := checkFit(t, s, "telegram", "en", m, Space{170, utf8.RuneCountInString})
	if text.Cut || strings.Contains(text.String, "Affected") || !strings.Contains(text.String, "13:18 UTC\n") {
		t.Errorf("cut %v:\n%s", text.Cut, text.String)
	}
}

func TestOneLineIsSaidOnce(t *testing.T) {
	s := mustLoad(t, "")
	m := Message{Form: First, Ref: "INC-1/1", Title: "Login is unavailable", Body: "Login is unavailable\n", Status: incident.Investigating, At: noon}
	text := checkFit(t, s, "wechat", "en", m, nominal("wechat"))
	if want := "Investigating\n\nLogin is unavailable\n\nINC-1/1 · 12:18 UTC"; text.String != want {
		t.Errorf("got %q, want %q", text.String, want)
	}
}

func TestWithdrawnTextIsNotRepeated(t *testing.T) {
	s := mustLoad(t, "")
	for _, form := range []Form{Retraction, Tombstone} {
		m := Message{Form: form, Ref: "INC-1/2", Body: "We were hacked.", Reason: "Not confirmed.", At: noon}
		text := checkFit(t, s, "discord", "en", m, nominal("discord"))
		if strings.Contains(text.String, "hacked") || !strings.Contains(text.String, "Not confirmed.") {
			t.Errorf("%s:\n%s", form, text.String)
		}
	}
}

func TestNoRoomForTheLastLine(t *testing.T) {
	s := mustLoad(t, "")
	m := Message{Form: Correction, Ref: "INC-1/2", Body: "text", At: noon}
	for _, limit := range []int{0, 10, 30} {
		if text, err := s.Render("twitter", "en", m, Space{limit, weigh}); err == nil {
			t.Errorf("%d is enough for %q", limit, text.String)
		}
	}
	if _, err := s.Render("twitter", "en", Message{Form: "poem"}, nominal("twitter")); err == nil {
		t.Error("there is no such form")
	}
}

func TestNamesFromRightToLeftAreIsolated(t *testing.T) {
	s := mustLoad(t, "")
	m := Message{Form: Update, Ref: "INC-1/2", Body: "السحب متاح", Components: []string{"سحب", "Login"}, At: noon}
	text := checkFit(t, s, "telegram", "en", m, nominal("telegram"))
	if !strings.Contains(text.String, "Affected: \u2068سحب\u2069, Login\n") {
		t.Errorf("got:\n%s", text.String)
	}
}
