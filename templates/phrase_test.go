package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/allclear-hq/allclear/internal/incident"
)

func TestPhrases(t *testing.T) {
	s := mustLoad(t, "", "en", "zh-Hans", "fr")
	at := time.Date(2026, 11, 30, 12, 18, 0, 0, time.UTC)
	affected := incident.Phrase{At: at, Components: []string{"Login", "Withdrawals"}}
	scope := incident.Phrase{At: at, Impact: incident.Critical, WasImpact: incident.Major,
		States: []incident.NamedState{{Name: "Login", State: incident.PartialOutage}, {Name: "Deposits", State: incident.Operational}}}
	moved := incident.Phrase{At: at, Zone: singapore(t), Next: at.Add(time.Hour), Was: at.Add(12 * time.Minute)}
	tests := []struct {
		language, name string
		phrase         incident.Phrase
		want           string
	}{
		{"en", incident.AckPhrase, affected, "Login, Withdrawals: we are looking into a problem\nWe are aware of a problem with Login, Withdrawals and are looking into it. We will say more here as soon as we know more."},
		{"en", incident.AckPhrase, incident.Phrase{At: at}, "We are looking into a problem\nWe are aware of a problem with our service and are looking into it. We will say more here as soon as we know more."},
		{"zh-Hans", incident.AckPhrase, affected, "Login、Withdrawals出现异常，正在调查\n我们已注意到Login、Withdrawals出现异常，正在调查。一有进展，我们会在此更新。"},
		{"zh-Hans", incident.HoldPhrase, affected, "我们仍在处理，目前暂无新的进展。一有消息，我们会在此更新。"},
		{"fr", incident.FalseAlarmPhrase, affected, "This was a false alarm: there was no incident. Nothing needs to be done."},
		{"en", incident.ScopePhrase, scope, "The impact is now critical (was major).\nWhat is affected has changed:\nLogin: Partial outage\nDeposits: Operational"},
		{"zh-Hans", incident.ScopePhrase, scope, "影响程度现为严重（此前为较大）。\n受影响的服务有变化：\nLogin：部分中断\nDeposits：运行正常"},
		{"en", incident.ScopePhrase, incident.Phrase{At: at, Impact: incident.Minor, WasImpact: incident.Major}, "The impact is now minor (was major)."},
		{"en", incident.MovedPhrase, moved, "The next update comes by 13:18 UTC (21:18 Singapore), was 12:30 UTC (20:30 Singapore)."},
		{"zh-Hans", incident.MovedPhrase, moved, "下次更新不晚于 13:18 UTC（新加坡时间 21:18），原定 12:30 UTC（新加坡时间 20:30）。"},
		{"en", incident.MovedPhrase, incident.Phrase{At: at, Next: at.Add(time.Hour)}, "The next update comes by 13:18 UTC."},
		{"en", incident.MovedPhrase, incident.Phrase{At: at, Was: at.Add(time.Hour)},
			"We do not promise a time for the next update any more; it was 13:18 UTC. We will say more here as soon as there is news."},
	}
	for _, test := range tests {
		got, err := s.Phrase(test.language, test.name, test.phrase)
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s in %s: %v (-want +got):\n%s", test.name, test.language, err, diff)
		}
	}
}

// A pin stands for exact words in all languages, and knows those of the release.
func TestPin(t *testing.T) {
	plain := mustLoad(t, "", "en", "zh-Hans")
	pin := plain.Pin("hold")
	if !pin.Builtin || len(pin.SHA256) != 64 || pin == plain.Pin("ack") {
		t.Errorf("the pin of the release is %+v", pin)
	}
	file := func(text string) Pin {
		return mustLoad(t, overrides(t, map[string]string{"zh-Hans.tmpl": text}), "en", "zh-Hans").Pin("hold")
	}
	if got := file(`{{define "hold"}}请稍候。{{end}}`); got.Builtin || got.SHA256 == pin.SHA256 {
		t.Errorf("other words in one language have the pin %+v", got)
	}
	if a, b := file(`{{define "hold"}}请稍候。{{end}}`), file(`{{define "hold"}}请再等。{{end}}`); a == b {
		t.Error("other words have the same pin")
	}
	if got := file(`{{define "edited"}}改{{end}}`); got != pin {
		t.Errorf("another block changes the pin to %+v", got)
	}
	if got := file(plainHold); got != pin {
		t.Errorf("the same words have the pin %+v, want %+v", got, pin)
	}
	if a, b := file(`{{define "hold"}}{{template "status.monitoring"}}{{end}}`), file(`{{define "hold"}}{{template "status.monitoring"}}{{end}}{{define "status.monitoring"}}等{{end}}`); a.SHA256 == b.SHA256 {
		t.Error("a word that it uses is not pinned")
	}
}

const plainHold = `{{/* the same */}}{{define "hold"}}我们仍在处理，目前暂无新的进展。一有消息，我们会在此更新。{{end}}`

func TestFaultyPhrases(t *testing.T) {
	for text, want := range map[string]string{
		`{{define "hold"}} {{end}}`:                             `block "hold" renders empty`,
		`{{define "ack"}}We are looking into it.{{end}}`:        `block "ack" has no title and text`,
		`{{define "hold"}}{{.Body}}{{end}}`:                     `unknown field .Body: use one of .Components, .Impact, .WasImpact, .Changes, .Next, .Was`,
		`{{define "moved"}}{{template "affected" .}}{{end}}`:    `block "affected" has other fields`,
		`{{define "moved"}}{{if .Next}}{{.Next}}{{end}}{{end}}`: `block "moved" renders empty`,
	} {
		_, err := Load(overrides(t, map[string]string{"en.tmpl": text}), []string{"en"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
	_, err := Load(overrides(t, map[string]string{"twitter.en.tmpl": `{{define "hold"}}x{{end}}`}), []string{"en"})
	if err == nil || !strings.Contains(err.Error(), `block "hold" is the same on every platform: move it to en.tmpl`) {
		t.Errorf("a text for one platform: %v", err)
	}
}
