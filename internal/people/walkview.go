package people

import (
	"fmt"

	"github.com/allclear-hq/allclear/broadcast"
)

// Deliveries is the view of a walk: a row for each round, and one for an update
// that no round has begun to tell.
func (w *Walk) Deliveries(channel string) (out []broadcast.Delivery) {
	begun := map[int]bool{}
	for _, r := range w.Rounds {
		begun[r.Update] = begun[r.Update] || r.Kind == broadcast.Say
		d := w.delivery(channel, r.Kind, r.Update)
		d.ID = fmt.Sprintf("round-%d", r.ID)
		d.Revision = max(r.Revision, 1)
		d.Audience = &broadcast.Progress{Told: r.Told, Unsure: r.Unsure, Failed: r.Failed, Passed: r.Passed, People: r.Audience, Speed: r.Speed}
		switch {
		case r.State == RoundDone:
			d.State, d.Audience.Speed = broadcast.Sent, 0
		case r.State == RoundSuperseded:
			d.State, d.Audience.Speed = broadcast.SupersededState, 0
		case w.Frozen:
			d.State, d.Audience.Speed = broadcast.Held, 0
		default:
			d.State = broadcast.Sending
		}
		out = append(out, d)
	}
	if u := w.newest(); u != nil && !begun[u.N] {
		d := w.delivery(channel, broadcast.Say, u.N)
		d.ID, d.Revision, d.State, d.Audience = fmt.Sprintf("walk-%d-%d", w.ID, u.N), len(u.Revisions), broadcast.Pending, &broadcast.Progress{}
		if w.Frozen {
			d.State = broadcast.Held
		}
		out = append(out, d)
	}
	return out
}

func (w *Walk) delivery(channel string, kind broadcast.EntryKind, update int) broadcast.Delivery {
	d := broadcast.Delivery{Update: fmt.Sprintf("%s/%d", w.Incident.Ref, update), Channel: channel, Action: string(kind)}
	if kind == broadcast.Retract {
		d.Action = "tombstone"
	}
	if u := w.Incident.Update(update); u != nil {
		d.Accepted = u.PublishedAt
	}
	return d
}
