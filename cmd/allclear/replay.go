package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// replayCmd posts a recorded history to a running server.
type replayCmd struct {
	File  string  `arg:"" type:"path" help:"JSON Lines, one update a line: incident_id, status, at, title, body, impact."`
	Speed float64 `default:"0" help:"How many times faster than it happened; 0 is as fast as the server takes it."`
	Limit int     `help:"The newest so many incidents; 0 is all."`
}

// A recorded update is one line of a history.
type recorded struct {
	IncidentID string    `json:"incident_id"`
	UpdateID   string    `json:"update_id"`
	Status     string    `json:"status"`
	At         time.Time `json:"at"`
	Title      string    `json:"title"`
	Body       string    `json:"body"`
	Impact     string    `json:"impact"`
}

// readHistory reads a recorded history in the order in which it was said: the
// newest limit incidents of it, or all if limit is 0.
func readHistory(r io.Reader, limit int) ([]recorded, error) {
	var out []recorded
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var u recorded
		if err := json.Unmarshal(lines.Bytes(), &u); err != nil {
			return nil, fmt.Errorf("line %d is no JSON object of the expected form: %w", n, err)
		}
		if err := u.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		out = append(out, u)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("there is no update in it")
	}
	slices.SortStableFunc(out, func(a, b recorded) int { return a.At.Compare(b.At) })
	return newestOf(out, limit), nil
}

// newestOf keeps the updates of the limit incidents that began last.
func newestOf(history []recorded, limit int) []recorded {
	began := map[string]int{}
	for _, u := range history {
		if _, ok := began[u.IncidentID]; !ok {
			began[u.IncidentID] = len(began)
		}
	}
	if limit <= 0 || len(began) <= limit {
		return history
	}
	return slices.DeleteFunc(history, func(u recorded) bool { return began[u.IncidentID] < len(began)-limit })
}

// check fills what older records leave out and says what cannot be replayed.
func (u *recorded) check() error {
	u.Impact = cmp.Or(u.Impact, string(incident.Minor))
	if u.Impact == "maintenance" {
		u.Impact = string(incident.ImpactNone)
	}
	switch {
	case u.IncidentID == "":
		return errors.New("it has no incident_id")
	case strings.TrimSpace(u.Body) == "":
		u.Body = u.Title
	}
	if !incident.Impact(u.Impact).Valid() {
		return fmt.Errorf("%q is not an impact: use %s", u.Impact, incident.OneOf(incident.Impacts))
	}
	if !u.kind().Has(incident.Status(u.Status)) {
		return fmt.Errorf("%q is no status", u.Status)
	}
	if r := []rune(u.Title); len(r) > incident.MaxTitle {
		u.Title = string(r[:incident.MaxTitle-1]) + "…"
	}
	u.Title = strings.Join(strings.Fields(u.Title), " ")
	return nil
}

// kind is what the record is about, by its status.
func (u *recorded) kind() incident.Kind {
	if incident.Maintenance.Has(incident.Status(u.Status)) {
		return incident.Maintenance
	}
	return incident.Outage
}

func (c *replayCmd) Run(e *env) error {
	f, err := os.Open(c.File)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	history, err := readHistory(f, c.Limit)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", c.File, err)}
	}
	cl, err := newClient(e)
	if err != nil {
		return err
	}
	return replay(e, cl, history, func(since time.Duration) time.Duration {
		if c.Speed <= 0 {
			return 0
		}
		return time.Duration(float64(since) / c.Speed)
	})
}

// replay posts a history in order. A repeated replay of the same file is the
// same commands again: their keys are made from the records.
//
// rests is how long to wait between two updates that were so far apart.
func replay(e *env, c *client, history []recorded, rests func(time.Duration) time.Duration) error {
	refs := map[string]string{} // by recorded incident
	kinds := map[string]incident.Kind{}
	for k, u := range history {
		if k > 0 {
			if err := rest(e, rests(u.At.Sub(history[k-1].At))); err != nil {
				return err
			}
		}
		c.key = "replay:" + u.IncidentID + ":" + cmp.Or(u.UpdateID, u.At.Format(time.RFC3339Nano))
		ref, opened := refs[u.IncidentID]
		req := map[string]any{"status": u.Status, "impact": u.Impact, "body": u.Body}
		if opened && !kinds[u.IncidentID].Has(incident.Status(u.Status)) {
			delete(req, "status") // a maintenance that ended as an incident, or the reverse
		}
		path := "/v1/incidents/" + ref + "/updates"
		if !opened {
			path, kinds[u.IncidentID] = "/v1/incidents", u.kind()
			req["kind"], req["title"] = u.kind(), u.Title
		}
		var answer struct{ Ref, State string }
		if _, err := c.call(e.ctx, "POST", path, req, &answer); err != nil {
			return fmt.Errorf("update %d of %d (%s): %w", k+1, len(history), u.IncidentID, err)
		}
		if !opened && answer.Ref == "" {
			return fmt.Errorf("update %d of %d waits for approval: replay with a server whose policy asks for none", k+1, len(history))
		}
		if !opened {
			refs[u.IncidentID] = answer.Ref
		}
		progress(e, k+1, len(history), refs[u.IncidentID]+" "+u.Status+": "+u.Title)
	}
	fmt.Fprintf(e.out, "%d updates of %d incidents replayed\n", len(history), len(refs))
	return nil
}

func rest(e *env, d time.Duration) error {
	bots.Sleep(e.ctx, d)
	return e.ctx.Err()
}

// progress shows how far long work is: in place on a terminal, otherwise as a
// line now and then.
func progress(e *env, done, all int, what string) {
	if r := []rune(what); len(r) > 60 {
		what = string(r[:59]) + "…"
	}
	if f, ok := e.err.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			fmt.Fprintf(e.err, "\r\x1b[K%d/%d %s", done, all, what)
			if done == all {
				fmt.Fprintln(e.err)
			}
			return
		}
	}
	if done%100 == 0 || done == all {
		fmt.Fprintf(e.err, "%d/%d\n", done, all)
	}
}
