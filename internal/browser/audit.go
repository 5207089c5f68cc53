package browser

import (
	_ "embed" // the script
	"encoding/json"
	"fmt"
	"slices"
)

//go:embed audit.js
var auditScript string

// An Audit is what was measured on a page as it stands.
type Audit struct {
	Texts  int // pieces of text whose contrast was measured
	Lowest struct {
		Ratio, Need float64 // of the piece that is nearest to its limit
		What        string
	}
	Findings []string // what is not as WCAG 2.2, level AA, asks
}

// Accessible reports what the audit finds. The place says which page it was.
func (b *Tab) Accessible(place string) {
	b.Helper()
	a := b.Audit()
	if a.Texts == 0 {
		b.Errorf("%s: nothing is to be read", place)
	}
	for _, f := range a.Findings {
		b.Errorf("%s: %s", place, f)
	}
	b.Logf("%s: %d texts; nearest to its limit: %.2f of %.1f, %s", place, a.Texts, a.Lowest.Ratio, a.Lowest.Need, a.Lowest.What)
}

// Audit measures the page as it stands on this screen.
func (b *Tab) Audit() Audit {
	b.Helper()
	var a Audit
	if err := json.Unmarshal([]byte(b.Eval(auditScript)), &a); err != nil {
		b.Fatal(err)
	}
	a.Findings = append(a.Findings, b.nameless()...)
	return a
}

// nameless lists what a screen reader would have no name for.
func (b *Tab) nameless() []string {
	b.Helper()
	var tree struct {
		Nodes []struct {
			Ignored    bool
			Role, Name struct{ Value any }
			Backend    int `json:"backendDOMNodeId"`
		}
	}
	b.Call("Accessibility.getFullAXTree", nil, &tree)
	named := []string{"button", "link", "textbox", "combobox", "checkbox", "image", "region", "navigation", "log", "DisclosureTriangle", "heading", "RootWebArea"}
	var all []string
	for _, n := range tree.Nodes {
		role := fmt.Sprint(n.Role.Value)
		if !n.Ignored && slices.Contains(named, role) && (n.Name.Value == nil || n.Name.Value == "") {
			all = append(all, role+" without a name")
		}
	}
	return all
}
