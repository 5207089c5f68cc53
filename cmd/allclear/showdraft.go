package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// draftView is what show reads of a draft.
type draftView struct {
	ID        string   `json:"id"`
	Incident  string   `json:"incident"`
	Needs     int      `json:"needs"`
	Approvals []string `json:"approvals"`
	Author    string   `json:"author"`
	Warnings  []string `json:"warnings"`
	Says      struct {
		Title    string          `json:"title"`
		Status   string          `json:"status"`
		Impact   string          `json:"impact"`
		Body     json.RawMessage `json:"body"`
		Corrects string          `json:"corrects"`
	} `json:"says"`
}

// line says what a draft would become and who is waited for.
func (d draftView) line() string {
	about := d.Incident
	switch {
	case d.Says.Corrects != "":
		about = "corrects " + d.Says.Corrects
	case about == "":
		about = "opens an incident"
	}
	parts := []string{d.ID + " " + about}
	for _, s := range []string{d.Says.Impact, d.Says.Status, d.Says.Title} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	waits := fmt.Sprintf("by %s · has %d of %d", d.Author, len(d.Approvals), d.Needs)
	return strings.Join(append(parts, waits), " · ")
}

// drafts are those that wait.
func (c *client) drafts(e *env) ([]draftView, error) {
	answer, err := c.call(e.ctx, "GET", "/v1/drafts", nil, nil)
	if err != nil {
		return nil, err
	}
	return decodeList[draftView](answer, "drafts")
}

// draft shows the words of one draft.
func (c *showCmd) draft(e *env, cl *client) error {
	list, err := cl.drafts(e)
	if err != nil {
		return err
	}
	for _, d := range list {
		if !strings.EqualFold(d.ID, c.Ref) {
			continue
		}
		fmt.Fprintf(e.out, "%s\n\n%s\n", d.line(), plainBody(d.Says.Body))
		for _, w := range d.Warnings {
			fmt.Fprintln(e.out, "!", w)
		}
		return nil
	}
	return fmt.Errorf("no draft %s waits: allclear show lists those that do", c.Ref)
}
