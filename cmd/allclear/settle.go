package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
)

type publishCmd struct {
	Draft  string `arg:"" help:"The draft: D-17."`
	Reason string `help:"Of an admin who publishes alone."`
}

func (c *publishCmd) Run(e *env) error {
	return say(e, "/v1/drafts/"+url.PathEscape(c.Draft)+"/publish", map[string]any{"reason": c.Reason})
}

type rejectCmd struct {
	Draft  string   `arg:"" help:"The draft: D-17."`
	Reason []string `arg:"" help:"Why."`
}

func (c *rejectCmd) Run(e *env) error {
	return do(e, "/v1/drafts/"+url.PathEscape(c.Draft)+"/reject", map[string]any{"reason": strings.Join(c.Reason, " ")})
}

// do posts a command and prints its one-line answer.
func do(e *env, path string, req any) error {
	c, err := newClient(e)
	if err != nil {
		return err
	}
	var out struct{ Text string }
	answer, err := c.call(e.ctx, "POST", path, req, &out)
	if err != nil {
		return err
	}
	if e.json || out.Text == "" {
		return printJSON(e, answer)
	}
	_, err = fmt.Fprintln(e.out, out.Text)
	return err
}

type freezeCmd struct {
	Scope  string   `help:"A channel, an account or an incident; without it, everything."`
	Reason []string `arg:"" help:"Why."`
}

func (c *freezeCmd) Run(e *env) error {
	return do(e, "/v1/freeze", map[string]any{"scope": c.Scope, "reason": strings.Join(c.Reason, " ")})
}

type unfreezeCmd struct {
	Scope   string   `help:"What was frozen; without it, everything."`
	Release []string `placeholder:"WHAT" help:"What of the held is sent: newest, all or drop, or the ids of deliveries, with commas. Must be said when something is held."`
}

func (c *unfreezeCmd) Run(e *env) error {
	req := map[string]any{"scope": c.Scope}
	switch {
	case len(c.Release) == 1 && !strings.ContainsAny(c.Release[0], "0123456789"): // ids have a number
		req["release"] = c.Release[0]
	case len(c.Release) > 0:
		req["release"] = c.Release
	}
	return do(e, "/v1/unfreeze", req)
}

// whichArgs name a delivery.
type whichArgs struct {
	Update  string `arg:"" help:"The update: INC-12/3."`
	Channel string `arg:"" help:"The channel."`
}

type retryCmd struct{ whichArgs }

func (c *retryCmd) Run(e *env) error { return settle(e, c.whichArgs, map[string]any{}) }

type skipCmd struct {
	whichArgs
	Reason []string `arg:"" optional:"" help:"Why."`
}

func (c *skipCmd) Run(e *env) error {
	if len(c.Reason) == 0 {
		return usageError{errors.New("say why it is skipped: allclear skip INC-12/3 channel why")}
	}
	return settle(e, c.whichArgs, map[string]any{"reason": strings.Join(c.Reason, " ")})
}

type postedCmd struct {
	whichArgs
	URL string `arg:"" help:"Address of the message."`
}

func (c *postedCmd) Run(e *env) error { return settle(e, c.whichArgs, map[string]any{"url": c.URL}) }

// settle finds the delivery that update and channel name, of several the last
// one that is not settled, and posts the verb to it.
func settle(e *env, which whichArgs, req map[string]any) error {
	ref, n, err := parseUpdate(which.Update)
	if err != nil {
		return err
	}
	c, err := newClient(e)
	if err != nil {
		return err
	}
	list, err := c.deliveries(e, ref.String())
	if err != nil {
		return err
	}
	id := ""
	for _, d := range list {
		if d.Channel == which.Channel && d.Update == fmt.Sprintf("%s/%d", ref, n) && (id == "" || d.open()) {
			id = d.ID
		}
	}
	if id == "" {
		return fmt.Errorf("%s was not planned for channel %q: see allclear show %s", which.Update, which.Channel, ref)
	}
	if e.verb == "retry" {
		req = map[string]any{}
	}
	return do(e, "/v1/deliveries/"+url.PathEscape(id)+"/"+e.verb, req)
}

// delivery is a row of GET /v1/deliveries.
type delivery struct {
	ID       string `json:"id"`
	Update   string `json:"update"`
	Revision int    `json:"revision"`
	Channel  string `json:"channel"`
	Action   string `json:"action"`
	State    string `json:"state"`
	Ref      struct {
		ID  string `json:"id"`
		URL string `json:"url"`
	} `json:"ref"`
	Attempts int           `json:"attempts"`
	Error    string        `json:"error"`
	Audience *audienceView `json:"audience,omitempty"`
}

// audienceView is how far an audience is.
type audienceView struct {
	Told   int     `json:"told"`
	Unsure int     `json:"unsure"`
	Failed int     `json:"failed"`
	Asks   int     `json:"to_settle"`
	Passed int     `json:"passed"`
	People int     `json:"people"`
	Speed  float64 `json:"per_second"`
	Paid   int     `json:"paid"`
	Unpaid float64 `json:"unpaid_per_second"`
}

func (a *audienceView) String() string {
	if a == nil {
		return ""
	}
	return broadcast.Progress{Told: a.Told, Unsure: a.Unsure, Failed: a.Failed, Passed: a.Passed, People: a.People, Speed: a.Speed, Paid: a.Paid, Unpaid: a.Unpaid}.String()
}

// open reports whether a delivery is not settled.
func (d *delivery) open() bool {
	if d.Audience != nil {
		return d.Audience.Asks > 0
	}
	return d.State != "sent"
}

func (c *client) deliveries(e *env, ref string) ([]delivery, error) {
	answer, err := c.call(e.ctx, "GET", "/v1/deliveries?incident="+url.QueryEscape(ref), nil, nil)
	if err != nil {
		return nil, err
	}
	return decodeList[delivery](answer, "deliveries")
}

// decodeList reads a list, whether it stands alone or under a name.
func decodeList[T any](answer []byte, name string) ([]T, error) {
	var list []T
	if json.Unmarshal(answer, &list) == nil {
		return list, nil
	}
	var named map[string]json.RawMessage
	if err := json.Unmarshal(answer, &named); err != nil {
		return nil, err
	}
	return list, json.Unmarshal(named[name], &list)
}
