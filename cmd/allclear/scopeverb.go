package main

import (
	"net/url"
	"slices"
	"strings"
)

// scopeCmd changes what is affected.
type scopeCmd struct {
	Ref         string            `arg:"" help:"The incident: INC-12."`
	Change      []string          `arg:"" optional:"" help:"What has changed: critical, +deposits, login=partial (ok, degraded, partial, major, maintenance), -card (or card=ok)."`
	Now         bool              `help:"Say it at once, in generated words; without a change, what waits."`
	Drop        bool              `help:"Take back what waits for the next update."`
	Text        string            `short:"m" help:"Say it at once, in these words."`
	Translation map[string]string `placeholder:"LANG=TEXT" help:"The text in another language; may be repeated."`
	Next        string            `short:"n" placeholder:"WHEN" help:"When the next update is due."`
}

func (c *scopeCmd) Run(e *env) error {
	req := map[string]any{"change": c.Change, "now": c.Now, "drop": c.Drop}
	if c.Text != "" {
		req["body"] = (&sayFlags{Translation: c.Translation}).body(c.Text)
	}
	if err := addNext(req, c.Next); err != nil {
		return err
	}
	return say(e, "/v1/incidents/"+url.PathEscape(c.Ref)+"/scope", req)
}

// scopeArgs writes -card of the verb scope, which would be taken for a flag, as
// card=ok. It leaves alone what is the value of a flag.
func scopeArgs(args []string) []string {
	valued := []string{"-m", "--text", "-n", "--next", "-c", "--config"}
	value := func(i int) bool { return i > 0 && slices.Contains(valued, args[i-1]) }
	out := slices.Clone(args)
	scope := false
	for i, arg := range args {
		word, dashed := strings.CutPrefix(arg, "-")
		switch {
		case arg == "--" || !dashed && !scope && !value(i) && arg != "scope":
			return out
		case value(i):
		case !dashed:
			scope = true
		case scope && len(word) > 1 && word[0] != '-':
			out[i] = word + "=ok"
		}
	}
	return out
}
