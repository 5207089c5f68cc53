package desk

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Times of reminders.
const (
	remindBefore = 5 * time.Minute
	remindEvery  = 10 * time.Second // how often promises are looked at
	remindUntil  = 30 * time.Minute // after which a broken promise is not news to the room
)

// Reminders tells the rooms of promises that are about to fall due, and of
// those that were broken.
type Reminders struct {
	Desk  *Desk
	Rooms *Rooms
	Log   *slog.Logger
}

// Run reminds until ctx ends.
func (r *Reminders) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := r.look(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.Log.Warn("promises were not looked at", "error", err)
		}
		wait(ctx, remindEvery)
	}
}

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
	return r.escalate(ctx, now)
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
		name := "escalated:" + d.ID()
		told, err := r.Desk.Reader.Setting(ctx, name)
		if err != nil || told != "" {
			return err
		}
		if err := r.Desk.Reader.Set(ctx, name, now.UTC().Format(time.RFC3339)); err != nil {
			return err
		}
		text := fmt.Sprintf("%s by %s has waited %s for somebody to agree. An admin may publish it alone, with a reason: /publish %s why", d.ID(), d.Author, roughly(now.Sub(d.CreatedAt)), d.ID())
		for _, room := range r.Rooms.Rooms {
			if !room.Drill {
				r.tell(ctx, room, text)
			}
		}
		for account := range r.Rooms.Platform {
			for _, o := range r.Desk.Operators {
				if o.Role == Admin {
					r.Rooms.write(ctx, account, o, bots.Operation{Text: text}, "")
				}
			}
		}
	}
	return nil
}

func (r *Reminders) tell(ctx context.Context, room Room, text string) {
	if _, err := r.Rooms.Say(ctx, room.Account, bots.Operation{Action: bots.Post, Target: room.Target, Text: text}); err != nil {
		r.Log.Warn("a room was not reminded", "room", room.Target, "error", err)
	}
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
		return fmt.Sprintf("%s\nThe next update is promised for %s, in %s.", name, clock(i.NextUpdate, zone), roughly(left)), "before"
	default:
		return fmt.Sprintf("%s\nThe update promised for %s is due. If there is no news, say so: /update %s We are still working on it. next 20m", name, clock(i.NextUpdate, zone), i.Ref), "due"
	}
}

// remind tells each room once. It is remembered first: a reminder that is
// lost in a crash does less harm than one that never ends.
func (r *Reminders) remind(ctx context.Context, i *incident.Incident, stage, text string) error {
	name := fmt.Sprintf("reminded:%s:%s", i.Ref, stage)
	promise := i.NextUpdate.UTC().Format(time.RFC3339)
	told, err := r.Desk.Reader.Setting(ctx, name)
	if err != nil || told == promise {
		return err
	}
	if err := r.Desk.Reader.Set(ctx, name, promise); err != nil {
		return err
	}
	for _, room := range r.Rooms.Rooms {
		if room.Drill != i.Drill {
			continue
		}
		r.tell(ctx, room, text)
	}
	return nil
}
