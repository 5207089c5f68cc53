package desk

import (
	"fmt"
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
)

// Lint reads words before they are published with a status. It returns what
// to warn of, or the refusal of what must not be public.
func (d *Desk) Lint(text incident.Text, title string, status incident.Status) (warnings []string, err error) {
	refusals, warnings := incident.Lint(text, title, incident.LintContext{Status: status, Hosts: d.Hosts, Languages: d.Languages})
	if len(refusals) > 0 {
		return nil, refuse(Invalid, "%s", firstOf(refusals))
	}
	return warnings, nil
}

// lint does so for a command, which then answers with the warnings.
func (w *work) lint(text incident.Text, title string, status incident.Status) (err error) {
	w.warnings, err = w.Lint(text, title, status)
	return err
}

// firstOf is a line of the first findings, and how many more there are.
func firstOf(findings []string) string {
	const shown = 2
	if len(findings) <= shown {
		return strings.Join(findings, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(findings[:shown], "; "), len(findings)-shown)
}
