package desk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Times of reminders.
const (
	remindBefore = 5 * time.Minute
	remindEvery  = 10 * time.Second // how often promises are looked at
	slow         = 2 * time.Minute  // that a platform may make news wait before the rooms are told
	remindUntil  = 30 * time.Minute // after which a broken promise is not news to the room
)

// The reminders of a promise.
const (
	before = "before"
	due    = "due"
)

// Reminders tells the rooms of promises that are about to fall due, and of
// those that were broken.
type Reminders struct {
	Desk   *Desk
	Rooms  *Rooms
	Log    *slog.Logger
	Looked func() // called after each look, for tests; may be nil
}

// Run reminds until ctx ends.
func (r *Reminders) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.Log.Warn("promises were not looked at", "error", err)
		}
		if r.Looked != nil {
			r.Looked()
		}
		bots.Sleep(ctx, remindEvery)
	}
}

// look tells what there is to tell now.
func (r *Reminders) look(ctx context.Context, now time.Time) error {
	open, err := r.Desk.Reader.Unresolved(ctx)
	if err != nil {
		return err
	}
	for _, i := range open {
		if text, stage := reminder(i, r.Desk.Zone, now); text != "" {
			if err := r.remind(ctx, i, stage, text); err != nil {
				return err
			}
		}
	}
	for _, i := range open {
		if err := r.slowed(ctx, i, now); err != nil {
			return err
		}
	}
	return r.escalate(ctx, now)
}

// slowed tells the rooms, once for each time, of channels whose platform makes
// an incident's news wait for long.
func (r *Reminders) slowed(ctx context.Context, i *incident.Incident, now time.Time) error {
	ds, err := r.Desk.Reader.Deliveries(ctx, i.Ref, r.Rooms.complete)
	if err != nil {
		return err
	}
	for _, d := range ds {
		if d.State != broadcast.Pending || !waitsLong(d, now) {
			continue
		}
		l := Letter{Until: now.Add(useOfTelling), Text: fmt.Sprintf("%s has not reached %s: the platform asks to wait until %s UTC. It is sent then; nothing needs to be done.",
			d.Update, d.Channel, d.Until.UTC().Format("15:04:05"))}
		if err := r.once(ctx, "slowed:"+d.ID, "yes", r.Rooms.toRooms(i.Drill, l)); err != nil {
			return err
		}
	}
	return nil
}

// waitsLong reports whether a platform has made a delivery wait for more than
// two minutes, or is going to.
func waitsLong(d broadcast.Delivery, now time.Time) bool {
	posted := d.Action == string(broadcast.Say)
	return d.Until.After(now) && (d.Until.Sub(now) > slow || posted && now.Sub(d.Accepted) > slow)
}

// escalate tells the admins of drafts that have waited for too long.
func (r *Reminders) escalate(ctx context.Context, now time.Time) error {
	drafts, err := r.Rooms.Store.Drafts(ctx)
	if err != nil {
		return err
	}
	for _, d := range drafts {
		if len(d.Approvals) >= d.Needs || now.Sub(d.CreatedAt) < r.Desk.Escalate {
			continue
		}
		l := Letter{Draft: d.ID(), Until: now.Add(useOfAsking)}
		l.Text = fmt.Sprintf("%s by %s has waited %s for somebody to agree. An admin may publish it alone, with a reason: /publish %s why", d.ID(), d.Author, roughly(now.Sub(d.CreatedAt)), d.ID())
		letters := r.Rooms.toRooms(d.Drill, l)
		for _, l.Account = range r.Rooms.oneOfEach("") {
			letters = append(letters, r.Rooms.toOperators(l, func(o Operator) bool { return o.Role == Admin })...)
		}
		if err := r.once(ctx, "escalated:"+d.ID(), "yes", letters); err != nil {
			return err
		}
	}
	return nil
}

// once writes letters that tell a thing for the first time, or that it is
// something else than before.
func (r *Reminders) once(ctx context.Context, name, what string, letters []Letter) error {
	told, err := r.Desk.Reader.Setting(ctx, name)
	if err != nil || told == what {
		return err
	}
	return r.Desk.write(ctx, name, what, letters...)
}

// reminder is what the rooms should be told about a promise now, and which
// reminder of that promise it is.
func reminder(i *incident.Incident, zone *time.Location, now time.Time) (text, stage string) {
	left := i.NextUpdate.Sub(now)
	name := fmt.Sprintf("%s %s", i.Ref, short(i.Title, 80))
	switch {
	case i.NextUpdate.IsZero() || !i.ResolvedAt.IsZero() || left > remindBefore || left < -remindUntil:
		return "", ""
	case left > 0:
		return fmt.Sprintf("%s\nThe next update is promised for %s, in %s.", name, clock(i.NextUpdate, zone), roughly(left)), before
	default:
		return fmt.Sprintf("%s\nThe update promised for %s is due. If there is no news, say so: /update %s We are still working on it. next 20m", name, clock(i.NextUpdate, zone), i.Ref), due
	}
}

// remind tells each room once.
func (r *Reminders) remind(ctx context.Context, i *incident.Incident, stage, text string) error {
	l := Letter{Text: text, Until: time.Now().Add(useOfTelling)}
	if _, approved := r.Desk.Approved[incident.HoldPhrase]; approved && stage == due && i.Kind != incident.Notice {
		l.Buttons = [][]bots.Button{{{Text: "Holding statement", Data: press("hold", i.Ref.String(), fmt.Sprint(len(i.Updates)))}}}
	}
	return r.once(ctx, fmt.Sprintf("reminded:%s:%s", i.Ref, stage), i.NextUpdate.UTC().Format(time.RFC3339), r.Rooms.toRooms(i.Drill, l))
}
