package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// ackCmd opens an incident with approved first words.
type ackCmd struct {
	Words []string `arg:"" optional:"" help:"How bad it is (none, minor, major or critical; major if not said) and what is affected."`
	Next  string   `short:"n" placeholder:"WHEN" help:"When the next update is due; without it, the policy's promise."`
	Drill bool     `help:"An exercise, on channels for drills only."`
	Only  []string `placeholder:"CHANNEL" help:"Only on these channels."`
	Not   []string `placeholder:"CHANNEL" help:"Not on these channels."`
}

func (c *ackCmd) Run(e *env) error {
	if len(c.Words) == 0 { // what is typed to see what it does opens nothing
		return usageError{errors.New("say how bad it is or what is affected: allclear ack major login")}
	}
	req := map[string]any{"drill": c.Drill, "only": c.Only, "not": c.Not}
	components := []string{}
	for _, word := range c.Words {
		if impact := incident.Impact(strings.ToLower(word)); !impact.Valid() {
			components = append(components, word)
		} else if req["impact"] != nil && req["impact"] != impact {
			return usageError{fmt.Errorf("there are two impacts, %s and %s: give one", req["impact"], impact)}
		} else {
			req["impact"] = impact
		}
	}
	req["components"] = components
	if err := addNext(req, c.Next); err != nil {
		return err
	}
	return say(e, "/v1/ack", req)
}

// addNext adds a promise to a request, if there is one.
func addNext(req map[string]any, next string) error {
	due, err := nextOf(next, time.Now())
	if due != "" {
		req["next_update"] = due
	}
	return err
}

// approvedCmd says something of an incident with approved words. It is false_alarm,
// and the most of hold.
type approvedCmd struct {
	Ref   string `arg:"" optional:"" help:"The incident: INC-12; may be left out while one is open."`
	After string `placeholder:"INC-12/3" help:"The newest update that you know; a later one makes this fail."`
}

func (c *approvedCmd) Run(e *env) error { return c.say(e, map[string]any{}) }

func (c *approvedCmd) say(e *env, req map[string]any) error {
	path, err := incidentPath(e, c.Ref)
	if err != nil {
		return err
	}
	req["after"] = c.After
	return say(e, path+"/"+e.verb, req)
}

// holdCmd says that work goes on.
type holdCmd struct {
	approvedCmd
	Next string `short:"n" placeholder:"WHEN" help:"When the next update is due; without it, the policy's promise."`
}

func (c *holdCmd) Run(e *env) error {
	req := map[string]any{}
	if err := addNext(req, c.Next); err != nil {
		return err
	}
	return c.say(e, req)
}

// incidentPath is the address of an incident: the one that is named, or the
// only one that is open.
func incidentPath(e *env, ref string) (string, error) {
	if ref != "" {
		return "/v1/incidents/" + url.PathEscape(ref), nil
	}
	c, err := newClient(e)
	if err != nil {
		return "", err
	}
	answer, err := c.call(e.ctx, "GET", "/v1/incidents?open=true", nil, nil)
	if err != nil {
		return "", err
	}
	open, err := decodeList[incidentView](answer, "incidents")
	switch {
	case err != nil:
		return "", err
	case len(open) == 0:
		return "", errors.New("nothing is open: open an incident first")
	case len(open) > 1:
		var refs []string
		for _, v := range open {
			refs = append(refs, v.Ref)
		}
		return "", usageError{fmt.Errorf("which one? Name one of: %s", strings.Join(refs, " "))}
	}
	return "/v1/incidents/" + open[0].Ref, nil
}

// editCmd gives a draft other words.
type editCmd struct {
	Draft       string            `arg:"" help:"The draft: D-17."`
	Text        []string          `arg:"" optional:"" help:"The text; without it, standard input, unless only flags are given."`
	Title       string            `short:"t" help:"Title of the incident."`
	Status      string            `help:"Where it stands."`
	Impact      string            `help:"How bad it is."`
	Component   map[string]string `placeholder:"ID=STATE" help:"How a component does; may be repeated."`
	Translation map[string]string `placeholder:"LANG=TEXT" help:"The text in another language; may be repeated."`
	Next        string            `short:"n" placeholder:"WHEN" help:"When the next update is due."`
}

func (c *editCmd) Run(e *env) error {
	req := map[string]any{}
	for name, v := range map[string]string{"title": c.Title, "status": c.Status, "impact": c.Impact} {
		if v != "" {
			req[name] = v
		}
	}
	if len(c.Component) > 0 {
		req["components"] = c.Component
	}
	if err := addNext(req, c.Next); err != nil {
		return err
	}
	text, err := textOf(e, c.Text)
	if err != nil && !(len(req) > 0 && errors.Is(err, errNoText)) {
		return err
	}
	if text != "" {
		req["body"] = (&sayFlags{Translation: c.Translation}).body(text)
	}
	return send(e, "PATCH", "/v1/drafts/"+url.PathEscape(c.Draft), req)
}
