package templates

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 11, 30, 12, 18, 0, 0, time.UTC)

func mustLoad(t testing.TB, dir string, languages ...string) *Set {
	t.Helper()
	s, err := Load(dir, languages)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func singapore(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Singapore")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// A situation is a message as it would be in one language.
type situation struct {
	name    string
	message Message
}

func situations(language string, zone *time.Location) []situation {
	text := func(english, chinese string) string {
		if language == "zh-Hans" {
			return chinese
		}
		return english
	}
	outage := Message{
		Ref: "INC-12/3", Kind: incident.Outage, At: noon, Zone: zone,
		Title:  text("Login and withdrawals are unavailable", "登录与提现暂不可用"),
		Status: incident.Investigating, WasStatus: incident.Investigating, Impact: incident.Critical,
		Body:       text("Since 12:01 UTC nobody can log in. Balances are not affected.", "自 12:01 UTC 起用户无法登录，账户余额不受影响。"),
		NextUpdate: noon.Add(42 * time.Minute), Link: "https://status.example.com/incidents/INC-12",
		Corrects: "INC-12/2 https://example.com/status/2",
		Reason:   text("It named a cause that has not been confirmed.", "该消息提到的原因尚未得到证实。"),
		Head:     Head{Status: incident.Investigating, At: noon, Updates: 1},
	}
	changed := outage
	changed.Status, changed.WasStatus = incident.Monitoring, incident.Identified
	changed.WasImpact, changed.Impact = incident.Critical, incident.Minor
	changed.Components = []string{text("Withdrawals", "提现"), text("Deposits", "充值")}
	changed.WasNext, changed.Missed, changed.Revision = noon.Add(12*time.Minute), 2, 2
	changed.Head = Head{Status: incident.Resolved, At: noon.Add(112 * time.Minute), Updates: 9}
	long := outage
	long.WasStatus = incident.Resolved
	long.Body += "\n\n" + strings.Repeat(text("Withdrawals resume in steps, the oldest first. ", "提现将按申请先后分批恢复。"), 120)
	wordy := outage
	wordy.Body = strings.Repeat(text("Withdrawals resume in steps, the oldest first. ", "提现将按申请先后分批恢复。"), 12)
	maintenance := outage
	maintenance.Ref, maintenance.Kind, maintenance.Impact = "MNT-3/1", incident.Maintenance, incident.Minor
	maintenance.Status, maintenance.WasStatus = incident.Scheduled, ""
	maintenance.Title = text("Deposits pause for an upgrade", "系统升级期间暂停充值")
	maintenance.Body = text("Deposits are credited once the upgrade is complete.", "升级完成后，充值将陆续到账。")
	maintenance.Begin, maintenance.End = noon.Add(14*time.Hour), noon.Add(16*time.Hour)
	maintenance.NextUpdate, maintenance.Head = time.Time{}, Head{}
	notice := maintenance
	notice.Ref, notice.Kind, notice.Drill, notice.Zone = "DRL-4/1", incident.Notice, true, nil
	notice.Status, notice.Begin, notice.End = incident.Published, time.Time{}, time.Time{}
	notice.Title = text("No, we are not giving coins away", "我们没有举办任何赠币活动")
	notice.Body, notice.Original = "Messages that promise coins are not ours.", "en"
	return []situation{
		{"first hour", outage}, {"all fields", changed}, {"long text", long}, {"long paragraph", wordy},
		{"maintenance", maintenance}, {"drill, untranslated notice", notice},
	}
}

func TestGolden(t *testing.T) {
	s, zone := mustLoad(t, ""), singapore(t)
	for _, platform := range Platforms {
		for _, language := range []string{"en", "zh-Hans"} {
			var got strings.Builder
			for _, situation := range situations(language, zone) {
				for _, form := range Forms {
					m := situation.message
					m.Form = form
					sp := nominal(platform)
					text, err := s.Render(platform, language, m, sp)
					if err != nil {
						t.Fatal(err)
					}
					note := map[bool]string{true: ", first paragraph"}[text.Cut] + map[bool]string{true: ", cut"}[text.Words]
					fmt.Fprintf(&got, "=== %s: %s (%d/%d%s)\n%s\n\n", situation.name, form, sp.Measure(text.String), sp.Max, note, text.String)
				}
			}
			compareGolden(t, filepath.Join("testdata", "golden", platform+"."+language+".txt"), got.String())
		}
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", file, diff)
	}
}
