package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/internal/incident"
)

// sayFlags are shared by the verbs that say something.
type sayFlags struct {
	Title       string            `short:"t" help:"Title of the incident, at most 200 characters."`
	Next        string            `short:"n" placeholder:"WHEN" help:"When the next update is due: 20m, 14:30 (UTC), none, or an RFC 3339 time."`
	Translation map[string]string `placeholder:"LANG=TEXT" help:"The text in another language; may be repeated."`
	Component   map[string]string `placeholder:"ID=STATE" help:"How a component does; may be repeated."`
	Only        []string          `placeholder:"CHANNEL" help:"Only on these channels."`
	Not         []string          `placeholder:"CHANNEL" help:"Not on these channels."`
}

// errNoText is why a command that needs words fails without any.
var errNoText = errors.New("there is no text: write it behind the command, or send it on standard input")

// textOf joins the words of a command line, or reads standard input when
// there are none or a single "-".
func textOf(e *env, words []string) (string, error) {
	if len(words) > 0 && !slices.Equal(words, []string{"-"}) {
		return strings.Join(words, " "), nil
	}
	if f, ok := e.in.(*os.File); ok && len(words) == 0 {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return "", usageError{errNoText}
		}
	}
	b, err := io.ReadAll(io.LimitReader(e.in, 1<<20))
	text := strings.TrimSpace(string(b))
	if err == nil && text == "" {
		err = usageError{errNoText}
	}
	return text, err
}

// body is the request's text: a string, or by language with translations.
func (f *sayFlags) body(text string) any {
	if len(f.Translation) == 0 {
		return text
	}
	out := map[string]string{}
	maps.Copy(out, f.Translation)
	if text != "" {
		out[""] = text
	}
	return out
}

// fill adds the flags to a request.
func (f *sayFlags) fill(req map[string]any, now time.Time) error {
	set := func(name string, value any, given bool) {
		if given {
			req[name] = value
		}
	}
	set("title", f.Title, f.Title != "")
	set("components", f.Component, len(f.Component) > 0)
	set("only", f.Only, len(f.Only) > 0)
	set("not", f.Not, len(f.Not) > 0)
	next, err := nextOf(f.Next, now)
	set("next_update", next, next != "")
	return err
}

// nextOf is a promise as the API takes it; empty where none was given.
func nextOf(next string, now time.Time) (string, error) {
	due, err := dueOf(next, now)
	switch {
	case err != nil || next == "":
		return "", err
	case due.IsZero():
		return "none", nil
	}
	return due.UTC().Format(time.RFC3339), nil
}

func dueOf(next string, now time.Time) (time.Time, error) {
	switch {
	case next == "" || next == "none":
		return time.Time{}, nil
	case strings.Contains(next, "T"):
		t, err := time.Parse(time.RFC3339, next)
		if err != nil {
			err = usageError{fmt.Errorf("--next %q is no time: write 20m, 14:30 or 2026-11-22T14:30:00Z", next)}
		}
		return t, err
	case strings.Contains(next, ":"):
		t, err := incident.Promise{At: next}.Due(now, time.UTC)
		if err != nil {
			err = usageError{fmt.Errorf("--next: %w", err)}
		}
		return t, err
	}
	d, err := time.ParseDuration(next)
	if err != nil || d <= 0 {
		return time.Time{}, usageError{fmt.Errorf("--next %q is no time: write 20m, 14:30, none or an RFC 3339 time", next)}
	}
	return now.Add(d), nil
}

// openCmd opens an incident.
type openCmd struct {
	Impact     string   `arg:"" enum:"none,minor,major,critical" help:"How bad it is: none, minor, major or critical."`
	Components []string `arg:"" optional:"" help:"What is affected."`
	Text       string   `short:"m" help:"The text; without it, standard input: the title on the first line, the text below."`
	Drill      bool     `help:"An exercise, on channels for drills only."`
	sayFlags
}

func (c *openCmd) Run(e *env) error {
	req := map[string]any{"kind": "incident", "impact": c.Impact, "drill": c.Drill}
	if len(c.Components) > 0 {
		req["components"] = c.Components
	}
	return open(e, &c.sayFlags, c.Text, req)
}

// open posts a new incident, maintenance or notice.
func open(e *env, f *sayFlags, text string, req map[string]any) error {
	title := f.Title
	if text == "" {
		all, err := textOf(e, nil)
		if err != nil {
			return err
		}
		text = all
		if title == "" {
			title, text, _ = strings.Cut(all, "\n")
			text = strings.TrimSpace(text)
		}
	}
	if title == "" {
		return usageError{errors.New("there is no title: give --title")}
	}
	if text == "" {
		text = title
	}
	f.Title = strings.TrimSpace(title)
	req["body"] = f.body(text)
	if err := f.fill(req, time.Now()); err != nil {
		return err
	}
	return say(e, "/v1/incidents", req)
}

// say posts something that becomes an update or a draft, and prints which.
func say(e *env, path string, req any) error { return send(e, "POST", path, req) }

func send(e *env, method, path string, req any) error {
	c, err := newClient(e)
	if err != nil {
		return err
	}
	var out struct {
		State    string
		Ref      string
		Update   string
		Status   string
		Text     string
		Warnings []string
		Held     []string
		Draft    *struct {
			ID       string
			Warnings []string
		}
	}
	answer, err := c.call(e.ctx, method, path, req, &out)
	switch {
	case err != nil:
		return err
	case e.json:
		return printJSON(e, answer)
	case out.Draft != nil:
		fmt.Fprintf(e.out, "%s (allclear publish %s)\n", out.Text, out.Draft.ID)
		out.Warnings = out.Draft.Warnings
	case out.Update != "":
		fmt.Fprintf(e.out, "%s published\n", out.Update)
	default:
		fmt.Fprintln(e.out, out.Text)
	}
	if len(out.Held) > 0 {
		fmt.Fprintf(e.out, "held by a freeze: %s\n", strings.Join(out.Held, ", "))
	}
	for _, w := range out.Warnings {
		fmt.Fprintln(e.out, "!", w)
	}
	return nil
}

func printJSON(e *env, answer []byte) error {
	_, err := fmt.Fprintln(e.out, strings.TrimSpace(string(answer)))
	return err
}

// moment is a point in time as RFC 3339 has it.
type moment struct{ time.Time }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *moment) UnmarshalText(b []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(b)); err != nil {
		return fmt.Errorf("%q is not a time: write it with its zone, as 2026-03-01T14:30:00Z or 2026-03-01T22:30:00+08:00", b)
	}
	return nil
}

// maintainCmd announces a maintenance.
type maintainCmd struct {
	From       moment   `arg:"" help:"When it begins (RFC 3339)."`
	Until      moment   `arg:"" help:"When it ends (RFC 3339)."`
	Components []string `arg:"" optional:"" help:"What is affected."`
	Text       string   `short:"m" help:"The text; without it, standard input: the title on the first line, the text below."`
	sayFlags
}

func (c *maintainCmd) Run(e *env) error {
	req := map[string]any{"kind": "maintenance", "scheduled_for": c.From, "scheduled_until": c.Until}
	if len(c.Components) > 0 {
		req["components"] = c.Components
	}
	return open(e, &c.sayFlags, c.Text, req)
}

// noticeCmd publishes a notice.
type noticeCmd struct {
	Text []string `arg:"" optional:"" help:"The text; without it, standard input: the title on the first line, the text below."`
	sayFlags
}

func (c *noticeCmd) Run(e *env) error {
	return open(e, &c.sayFlags, strings.Join(c.Text, " "), map[string]any{"kind": "notice"})
}

// updateCmd says more about an incident.
type updateCmd struct {
	Ref    string   `arg:"" help:"The incident: INC-12."`
	Text   []string `arg:"" optional:"" help:"The text; without it, standard input, unless only --next, --impact or --component is to be said."`
	Status string   `help:"Where it stands now; without it, unchanged."`
	Impact string   `help:"How bad it is now; without it, unchanged."`
	After  string   `placeholder:"INC-12/3" help:"The newest update that you know; a later one makes this fail."`
	sayFlags
}

func (c *updateCmd) Run(e *env) error {
	text, err := textOf(e, c.Text)
	if err != nil && !(c.speaksForItself() && errors.Is(err, errNoText)) {
		return err
	}
	req := map[string]any{}
	if text != "" {
		req["body"] = c.body(text)
	}
	for name, v := range map[string]string{"status": c.Status, "impact": c.Impact, "after": c.After} {
		if v != "" {
			req[name] = v
		}
	}
	if err := c.fill(req, time.Now()); err != nil {
		return err
	}
	return say(e, "/v1/incidents/"+url.PathEscape(c.Ref)+"/updates", req)
}

// speaksForItself reports whether there is something to say without a text, for
// which the server has the words.
func (c *updateCmd) speaksForItself() bool {
	return c.Status == "" && c.Title == "" && len(c.Translation) == 0 && (c.Impact != "" || len(c.Component) > 0 || c.Next != "")
}

// statusOf is the status that each status verb sets.
var statusOf = map[string]incident.Status{
	"investigating": incident.Investigating, "identified": incident.Identified, "monitoring": incident.Monitoring, "resolve": incident.Resolved,
	"begin": incident.InProgress, "verifying": incident.Verifying, "complete": incident.Completed, "close": incident.Closed,
}

// statusCmd is an update that also says where things stand.
type statusCmd struct {
	Ref  string   `arg:"" help:"The incident: INC-12."`
	Text []string `arg:"" optional:"" help:"The text; without it, standard input."`
	sayFlags
}

func (c *statusCmd) Run(e *env) error {
	u := updateCmd{Ref: c.Ref, Text: c.Text, Status: string(statusOf[e.verb]), sayFlags: c.sayFlags}
	return u.Run(e)
}

// correctCmd is correct and typo.
type correctCmd struct {
	Ref         string            `arg:"" help:"The update: INC-12/3."`
	Text        []string          `arg:"" optional:"" help:"The right text; without it, standard input."`
	Title       string            `short:"t" help:"The right title."`
	Translation map[string]string `placeholder:"LANG=TEXT" help:"The text in another language; may be repeated."`
}

func (c *correctCmd) Run(e *env) error {
	path, err := updatePath(c.Ref)
	if err != nil {
		return err
	}
	req := map[string]any{"typo": e.verb == "typo"}
	if c.Title != "" {
		req["title"] = c.Title
	}
	if len(c.Text) > 0 || c.Title == "" {
		text, err := textOf(e, c.Text)
		if err != nil {
			return err
		}
		req["body"] = (&sayFlags{Translation: c.Translation}).body(text)
	}
	return say(e, path+"/correction", req)
}

// retractCmd withdraws an update.
type retractCmd struct {
	Ref    string   `arg:"" help:"The update: INC-12/3."`
	Reason []string `arg:"" help:"Why; the public will read it."`
	Delete bool     `help:"Remove the text where that is possible, instead of marking it (leaked data)."`
}

func (c *retractCmd) Run(e *env) error {
	path, err := updatePath(c.Ref)
	if err != nil {
		return err
	}
	return say(e, path+"/retraction", map[string]any{"reason": strings.Join(c.Reason, " "), "delete": c.Delete})
}

// updatePath is the address of an update.
func updatePath(ref string) (string, error) {
	r, n, err := parseUpdate(ref)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("/v1/incidents/%s/updates/%d", r, n), nil
}

// parseUpdate reads the reference of an update.
func parseUpdate(ref string) (incident.Ref, int, error) {
	r, n, err := incident.ParseUpdateRef(ref)
	if err == nil && n == 0 {
		err = fmt.Errorf("%q names no update: write it like %s/3", ref, r)
	}
	if err != nil {
		return r, n, usageError{err}
	}
	return r, n, nil
}
