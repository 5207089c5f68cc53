package desk

import (
	"context"
	"fmt"
	"strings"

	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// against lists what still speaks against the all clear of an incident that is
// as i is, in at most three lines.
func against(i *incident.Incident, lanes []*broadcast.Lane) (out []string) {
	var down, behind, open []string
	for _, id := range sortedComponents(i) {
		if s := i.Components[id]; s != incident.Operational {
			down = append(down, id+" "+word(string(s)))
		}
	}
	for _, l := range lanes {
		if note := laneBehind(i, l); note != "" {
			behind = append(behind, l.Channel.Name+" shows "+note)
		}
		for _, d := range l.Deliveries(nil) {
			if d.State == broadcast.Failed || d.State == broadcast.UnsureState {
				open = append(open, fmt.Sprintf("%s on %s is %s", strings.TrimPrefix(d.Update, i.Ref.String()), d.Channel, d.State))
			}
		}
	}
	add := func(what string, list []string) {
		if len(list) > 0 {
			out = append(out, short(what+strings.Join(list, ", "), previewWidth))
		}
	}
	add("not operational so far: ", down)
	add("not up to date: ", behind)
	add("not settled: ", open)
	return out
}

// Against lists what still speaks against the all clear that a draft gives; of
// other drafts nothing.
func (d *Desk) Against(ctx context.Context, draft *Draft) ([]string, error) {
	cmd, err := draft.command()
	if err != nil {
		return nil, err
	}
	c, ok := cmd.(Update)
	if !ok || !c.Saying.Status.Ended() {
		return nil, nil
	}
	ref, err := incident.ParseRef(draft.Ref)
	if err != nil {
		return nil, err
	}
	i, err := d.Reader.Incident(ctx, ref)
	if err != nil {
		return nil, err
	}
	lanes, err := d.Reader.Lanes(ctx, ref)
	return against(i, lanes), err
}

// laneBehind says what a channel shows where that is not the newest update
// that it was to show.
func laneBehind(i *incident.Incident, l *broadcast.Lane) string {
	should, shows := 0, 0
	for k := range l.Entries {
		e := &l.Entries[k]
		u := i.Update(e.Update)
		if e.Kind != broadcast.Say || u == nil || u.Retraction != nil {
			continue
		}
		if e.Should.What == broadcast.Words || e.Should.Why == broadcast.Skipped {
			should = max(should, e.Update)
		}
		if e.Shows.Exists() {
			shows = max(shows, e.Update)
		}
	}
	switch {
	case shows >= should:
		return ""
	case shows == 0:
		return "nothing"
	}
	return fmt.Sprintf("only /%d", shows)
}
