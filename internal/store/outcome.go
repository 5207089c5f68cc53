package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/audit"
)

// knownOf is what the store knows of an entry now.
func knownOf(ctx context.Context, q querier, e *broadcast.Entry) (k entryKnown, err error) {
	if e == nil {
		return k, nil
	}
	var text string
	if err := q.QueryRowContext(ctx, `SELECT known FROM entry WHERE id = ?`, e.ID).Scan(&text); err != nil {
		return k, err
	}
	return k, json.Unmarshal([]byte(text), &k)
}

// auditDelivery adds a line for what became of a message.
func auditDelivery(ctx context.Context, q querier, now time.Time, l *broadcast.Lane, d audit.Delivered) error {
	return appendAudit(ctx, q, audit.Record{
		At: now.UTC(), Actor: audit.Self, Origin: audit.Self, Verb: audit.VerbDelivery,
		Subject: updateRef(&l.Incident, d.Update), Incident: l.Incident.Ref.String(), Detail: js(d),
	})
}

// delivered is what all lines about an entry say.
func delivered(l *broadcast.Lane, e *broadcast.Entry, action, state string) audit.Delivered {
	d := audit.Delivered{
		Update: e.Update, Channel: l.Channel.Name, Platform: l.Channel.Platform, Delivery: fmt.Sprint(e.ID), Kind: string(e.Kind),
		Action: action, State: state, Revision: e.Should.Revision, AcceptedAt: e.Accepted.UTC(),
	}
	switch u := l.Incident.Update(e.Update); {
	case u == nil || action == string(bots.Post):
	case u.Retraction != nil && e.Kind != broadcast.Retract:
		d.AcceptedAt = u.Retraction.At.UTC()
	case d.Revision > 0 && d.Revision <= len(u.Revisions):
		d.AcceptedAt = u.Revision(d.Revision).At.UTC()
	}
	return d
}

// showing adds what the message shows.
func showing(d audit.Delivered, s broadcast.Shows, text string) audit.Delivered {
	d.Revision, d.SentAt, d.Message, d.URL = s.Revision, s.Since.UTC(), s.Message, s.URL
	if text != "" {
		sum := audit.Digest(text)
		d.Text = &sum
	}
	return d
}

// outcome is the line for what a step of the engine came to, unless the step
// settles nothing: the audit has results, the journal of attempts has tries.
// before is what was known of the entry until now.
func outcome(before entryKnown, l *broadcast.Lane, step broadcast.Step, out broadcast.Outcome) (audit.Delivered, bool) {
	e := entryOf(l, step.Entry)
	switch {
	case e == nil:
		return audit.Delivered{}, false
	case step.Kind == broadcast.Settle:
		return delivered(l, e, string(bots.Post), string(e.Should.Why)), true
	case step.Kind == broadcast.Assume && before.Doubt != nil:
		return showing(delivered(l, e, string(bots.Post), "assumed"), e.Shows, before.Doubt.Text), true
	case (step.Kind == broadcast.Find || step.Kind == broadcast.Probe) && out.Found && before.Doubt != nil:
		return showing(delivered(l, e, string(bots.Post), "found"), e.Shows, before.Doubt.Text), true
	case step.Kind == broadcast.Miss:
		d := delivered(l, e, string(bots.Post), "failed")
		d.Error = e.Try.Fault.Error()
		return d, true
	case step.Kind != broadcast.Do:
		return audit.Delivered{}, false
	case step.Chore == broadcast.KeepHead && out.Fault == nil: // it shows other words than before
		return showing(delivered(l, e, "head", "sent"), e.Shows, out.Text), true
	case step.Chore != broadcast.NoChore, step.Confirm && out.Fault == nil: // nothing else shows
		return audit.Delivered{}, false
	case out.Fault == nil:
		return showing(delivered(l, e, actionOf(step, e), "sent"), e.Shows, out.Text), true
	}
	return fault(before, l, e, step, out)
}

// actionOf is the action of a step as deliveries name it.
func actionOf(step broadcast.Step, e *broadcast.Entry) string {
	if step.Op.Action == bots.Edit && step.After.What == broadcast.Tombstone || e.Kind == broadcast.Retract && step.Op.Action == bots.Post {
		return "tombstone"
	}
	return string(step.Op.Action)
}

// fault is the line for an operation that did not succeed: it will not be tried
// again, nobody knows whether it did, or the message is gone.
func fault(before entryKnown, l *broadcast.Lane, e *broadcast.Entry, step broadcast.Step, out broadcast.Outcome) (audit.Delivered, bool) {
	d := delivered(l, e, actionOf(step, e), "failed")
	d.Revision, d.Error = step.After.Revision, out.Fault.Error()
	switch {
	case e.Try.Failed != "":
	case out.Fault.Kind == bots.Unsure && step.Op.Action == bots.Post:
		d = showing(d, broadcast.Shows{Revision: step.After.Revision}, out.Text)
		d.State, d.SentAt = "unsure", time.Time{}
	case e.Shows.What == broadcast.Removed && before.Shows.What != broadcast.Removed:
		d.Action, d.State = string(bots.Delete), "gone"
		d.SentAt = e.Shows.Since.UTC()
	default:
		return d, false
	}
	return d, true
}

// settlement is the line for what a person, or newer words, made of a message
// without the engine.
func settlement(before entryKnown, l *broadcast.Lane, e *broadcast.Entry) (audit.Delivered, bool) {
	switch {
	case e.Should.What == broadcast.Nothing && e.Should.Why != "":
		action := string(bots.Post)
		if e.Shows.Exists() {
			action = string(bots.Edit)
		}
		return delivered(l, e, action, string(e.Should.Why)), true
	case !before.Shows.Exists() && e.Shows.Exists():
		var text string
		if before.Doubt != nil {
			text = before.Doubt.Text
		}
		return showing(delivered(l, e, string(bots.Post), "posted"), e.Shows, text), true
	}
	return audit.Delivered{}, false
}
