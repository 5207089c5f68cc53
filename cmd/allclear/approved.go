package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/incident"
	"github.com/allclear-hq/allclear/templates"
)

// approvedTexts are the pins of the templates that may be published without
// anybody else, by name. The texts of a release are approved with it; words of
// one's own only where the configuration names their SHA-256.
func approvedTexts(c *config.Config, texts *templates.Set) (map[string]string, error) {
	out := map[string]string{}
	for name, value := range c.Policy.Approved() {
		if value == "" {
			continue
		}
		pin := texts.Pin(name)
		line := fmt.Sprintf("%s = %q", name, name+"@sha256:"+pin.SHA256)
		switch _, wanted, pinned := strings.Cut(value, "@sha256:"); {
		case pinned && wanted != pin.SHA256:
			return nil, fmt.Errorf("[policy] %s approves another text than the one that is there: read it, then write %s", name, line)
		case !pinned && !pin.Builtin:
			return nil, fmt.Errorf("[policy] %s: the text is one of your own in %s, and nobody has approved it: read it, then write %s", name, c.Site.Templates, line)
		}
		if err := sayable(c, texts, name); err != nil {
			return nil, err
		}
		out[name] = pin.SHA256
	}
	return out, nil
}

// sayable finds now what would be refused when it is needed at once.
func sayable(c *config.Config, texts *templates.Set, name string) error {
	for _, lang := range c.Site.Languages {
		text, err := texts.Phrase(lang, name, incident.Phrase{})
		if err != nil {
			return err
		}
		if refusals, _ := incident.Lint(incident.Text{lang: text}, "", incident.LintContext{Status: incident.Investigating, Hosts: c.Site.Hosts}); len(refusals) > 0 {
			return fmt.Errorf("template %q could never be published: %s; mend it", name, strings.Join(refusals, "; "))
		}
	}
	return nil
}

// printApproved prints the approved templates as they stand in a configuration.
func printApproved(w io.Writer, approved map[string]string, texts *templates.Set) {
	fmt.Fprintln(w, "\napproved texts, which need nobody else:")
	for _, name := range incident.ApprovedPhrases {
		pin, on := approved[name]
		switch {
		case !on:
			fmt.Fprintf(w, "  %-12s switched off\n", name)
		case texts.Pin(name).Builtin:
			fmt.Fprintf(w, "  %-12s of this release  %s = %q\n", name, name, name+"@sha256:"+pin)
		default:
			fmt.Fprintf(w, "  %-12s your own         %s = %q\n", name, name, name+"@sha256:"+pin)
		}
	}
}
