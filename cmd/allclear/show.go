package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// showCmd shows what is open, or one incident with where it arrived.
type showCmd struct {
	Ref string `arg:"" optional:"" help:"The incident: INC-12, or the draft: D-17. Without it, everything that is open, and the drafts that wait."`
}

// incidentView is what show reads of an incident resource.
type incidentView struct {
	Ref        string     `json:"ref"`
	Title      string     `json:"title"`
	Impact     string     `json:"impact"`
	Status     string     `json:"status"`
	NextUpdate *time.Time `json:"next_update"`
	ResolvedAt *time.Time `json:"resolved_at"`
	Pending    *struct {
		Impact     incident.Impact
		Components map[string]incident.ComponentState
		By         string
	} `json:"pending"`
	Promises incident.PromiseCount `json:"promises"`
	Updates  []struct {
		Ref         string          `json:"ref"`
		Revision    int             `json:"revision"`
		Status      string          `json:"status"`
		Body        json.RawMessage `json:"body"`
		Author      string          `json:"author"`
		PublishedAt time.Time       `json:"published_at"`
		RetractedAt *time.Time      `json:"retracted_at"`
	} `json:"updates"`
}

func (v incidentView) line() string {
	s := fmt.Sprintf("%s %s · %s · %s", v.Ref, v.Impact, v.Status, v.Title)
	if v.NextUpdate != nil && v.ResolvedAt == nil {
		s += " · next update by " + v.NextUpdate.UTC().Format("15:04") + " UTC"
	}
	return s
}

func (c *showCmd) Run(e *env) error {
	cl, err := newClient(e)
	if err != nil {
		return err
	}
	switch {
	case c.Ref == "":
		return c.open(e, cl)
	case strings.HasPrefix(strings.ToUpper(c.Ref), "D-"):
		return c.draft(e, cl)
	}
	ref, _, err := incident.ParseUpdateRef(c.Ref)
	if err != nil {
		return usageError{err}
	}
	var v incidentView
	answer, err := cl.call(e.ctx, "GET", "/v1/incidents/"+ref.String(), nil, &v)
	if err != nil {
		return err
	}
	list, err := cl.deliveries(e, ref.String())
	if err != nil {
		return err
	}
	if e.json {
		return json.NewEncoder(e.out).Encode(map[string]any{"incident": json.RawMessage(answer), "deliveries": list})
	}
	return c.one(e, v, list)
}

func (c *showCmd) open(e *env, cl *client) error {
	answer, err := cl.call(e.ctx, "GET", "/v1/incidents", nil, nil)
	if err != nil {
		return err
	}
	if e.json {
		return printJSON(e, answer)
	}
	list, err := decodeList[incidentView](answer, "incidents")
	if err != nil {
		return err
	}
	n := 0
	for _, v := range list {
		if v.ResolvedAt == nil {
			fmt.Fprintln(e.out, v.line())
			n++
		}
	}
	drafts, err := cl.drafts(e)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		fmt.Fprintln(e.out, d.line())
	}
	if n+len(drafts) == 0 {
		fmt.Fprintln(e.out, "Nothing is open.")
	}
	return nil
}

func (c *showCmd) one(e *env, v incidentView, list []delivery) error {
	fmt.Fprintln(e.out, v.line())
	if p := v.Pending; p != nil {
		fmt.Fprintf(e.out, "With the next update: %s (%s)\n", incident.Scope{Impact: p.Impact, Components: p.Components}, p.By)
	}
	if kept := v.Promises.String(); kept != "" {
		fmt.Fprintf(e.out, "Promises: %s\n", kept)
	}
	for _, u := range v.Updates {
		mark := ""
		if u.RetractedAt != nil {
			mark = " (retracted)"
		} else if u.Revision > 1 {
			mark = fmt.Sprintf(" (revision %d)", u.Revision)
		}
		fmt.Fprintf(e.out, "\n%s · %s UTC · %s · by %s%s\n%s\n", u.Ref, u.PublishedAt.UTC().Format("2006-01-02 15:04"), u.Status, u.Author, mark, plainBody(u.Body))
	}
	fmt.Fprintln(e.out)
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	for _, d := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", d.Update, d.Channel, d.Action, d.State, d.Ref.URL, cmp.Or(d.Error, d.Audience.String()))
	}
	return w.Flush()
}

// plainBody is a body for the terminal: a text, or texts by language.
func plainBody(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var byLanguage map[string]string
	if json.Unmarshal(raw, &byLanguage) != nil {
		return ""
	}
	if len(byLanguage) == 1 {
		for _, t := range byLanguage {
			return t
		}
	}
	out := ""
	for _, lang := range sortedKeys(byLanguage) {
		out += lang + ": " + byLanguage[lang] + "\n"
	}
	return out
}
