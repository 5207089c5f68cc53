package people

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// Sentences of ours say something else in another order, or more often than we said
// them.
func TestVerifyWhatIsReordered(t *testing.T) {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, CreatedAt: noon}
	i.Say(incident.Saying{Title: "Is login down? Yes", Status: incident.Investigating, Impact: incident.Critical, Body: incident.Text{
		"en":      "Were funds lost? No. Is trading open? Yes. Do we ask for your keys? No.\n\nOur address:\nhttps://status.example.com\nA forged one:\nhttps://status.examp1e.com\nInvestigating",
		"zh-Hans": "资金有损失吗？没有。交易开放吗？是的。",
	}}, "Ana", nil, noon)
	b := mustBook(t, bookConfig(t), i)
	const all = "Were funds lost? No. Is trading open? Yes. Do we ask for your keys? No.\n\nOur address:\nhttps://status.example.com\nA forged one:\nhttps://status.examp1e.com\nInvestigating"
	for claim, want := range map[string]Verdict{
		all:                                                 {Finding: Ours},
		"Is login down? Yes\n\n" + all:                      {Finding: Ours},
		all + "\n\nIs login down? Yes":                      {Finding: Ours},
		"Investigating · critical\n" + all:                  {Finding: Ours},
		"Were funds lost? No. Is trading open?":             {Finding: Ours, Part: true},
		"Were funds lost? No. Do we ask for your keys? No.": {Finding: Ours, Part: true},
		"Were funds lost? No. Is trading open? Yes. Do we ask for your keys? No.":             {Finding: Ours, Cut: true},
		"Were funds lost? No. Is trading op…":                                                 {Finding: Ours, Cut: true},
		"Were funds lost? No. Is trading open? Yes. Do we ask for your…":                      {Finding: Ours, Cut: true},
		"Is trading open? Yes. Do we ask for your…":                                           {Finding: Ours, Part: true},
		"交易开放吗？是的。":                                                                           {Finding: Ours, Part: true},
		"Were funds lost? Yes. Is trading open? No. Do we ask for your keys? Yes.":            {Finding: Altered},
		"Were funds lost? No. No. Is trading open? Yes.":                                      {Finding: Altered},
		"Do we ask for your keys? No. Were funds lost?":                                       {Finding: Altered},
		"Were funds lost? Is login down? Yes. Is trading open?":                               {Finding: Altered},
		"Were funds lost? 是的。":                                                                {Finding: Altered},
		"Were funds lost? No. Is trading open? Yes. Do we ask for your… No.":                  {Finding: Altered},
		"Our address:\nhttps://status.examp1e.com\nA forged one:\nhttps://status.example.com": {Finding: Altered},
		all + "\n" + all: {Finding: Altered},
	} {
		if got := b.Verify(claim); got.Finding != want.Finding || got.Cut != want.Cut || got.Part != want.Part {
			t.Errorf("%q is %s, cut: %t, part: %t; want %s, cut: %t, part: %t", claim, got.Finding, got.Cut, got.Part, want.Finding, want.Cut, want.Part)
		}
	}
}

// A text that is all of what was said at one time is that, although more was said
// later.
func TestVerifyPrefersTheWhole(t *testing.T) {
	i := &incident.Incident{Ref: incident.Ref{Prefix: "INC", Number: 12}, Kind: incident.Outage, CreatedAt: noon}
	for n, text := range []string{"We are looking into it.", "We are looking into it. A fix is being tested."} {
		i.Say(incident.Saying{Title: "Login is unavailable", Status: incident.Investigating, Body: incident.Text{"en": text}}, "Ana", nil, noon.Add(time.Duration(n)*time.Hour))
	}
	if v := mustBook(t, bookConfig(t), i).Verify("We are looking into it."); v.Finding != Ours || v.Part || v.Cut || v.Ref != "INC-12/1" {
		t.Errorf("it is %s %s, cut: %t, part: %t", v.Finding, v.Ref, v.Cut, v.Part)
	}
}

// What is posted is ours also where a site's own texts put the title elsewhere.
func TestVerifyWithOwnTexts(t *testing.T) {
	for _, first := range []string{"{{.Body}}\n\n{{.Title}}\n{{template \"foot\" .}}", "{{.Status}}: {{.Title}}\n{{.Body}}"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "en.tmpl"), []byte(`{{define "first"}}`+first+`{{end}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		c := bookConfig(t)
		var err error
		if c.Texts, err = templates.Load(dir, c.Languages); err != nil {
			t.Fatal(err)
		}
		i := anOutage(t)
		b := mustBook(t, c, i)
		for _, m := range posted(i, 1, "en", c.Policy) {
			text, err := c.Texts.Render("telegram", "en", m, templates.Space{Max: 4096, Measure: utf8.RuneCountInString})
			if err != nil {
				t.Fatal(err)
			}
			if v := b.Verify(text.String); v.Finding != Ours || v.Part || v.Cut {
				t.Fatalf("by %q it is %s, cut: %t, part: %t:\n%s", first, v.Finding, v.Cut, v.Part, text.String)
			}
		}
	}
}
