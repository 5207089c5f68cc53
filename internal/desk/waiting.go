package desk

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/allclear-hq/allclear/internal/incident"
)

// mostWaiting is how many of the drafts that wait are listed: the newest.
const mostWaiting = 10

// show answers what is open and which drafts wait, or one of them.
func (r *Rooms) show(ctx context.Context, h heard, ref string) (string, error) {
	if strings.HasPrefix(ref, "D") && !strings.HasPrefix(ref, "DRL") {
		return r.showDraft(ctx, h, ref)
	}
	text, err := r.Show(ctx, ref)
	if err != nil || ref != "" {
		return text, err
	}
	waiting, err := r.waiting(ctx, h)
	if err != nil || len(waiting) == 0 {
		return text, err
	}
	lines := []string{text, "", "Drafts that wait; /show D-17 shows one:"}
	for _, d := range waiting[max(0, len(waiting)-mostWaiting):] {
		lines = append(lines, fmt.Sprintf("%s %s by %s: %s", d.ID(), cmp.Or(d.Ref, "new"), d.Author, short(d.gist(), 80)))
	}
	return strings.Join(lines, "\n"), nil
}

// showDraft shows the preview of a draft once more, with its buttons.
func (r *Rooms) showDraft(ctx context.Context, h heard, ref string) (string, error) {
	waiting, err := r.waiting(ctx, h)
	if err != nil {
		return "", err
	}
	id := "D-" + strings.TrimPrefix(strings.TrimPrefix(ref, "D"), "-")
	for _, d := range waiting {
		if d.ID() == id {
			h.then(func(ctx context.Context) { r.showPreview(ctx, h, d) })
			return "", nil
		}
	}
	return fmt.Sprintf("%s does not wait here: it was decided on, or there is none.", id), nil
}

// waiting are the drafts that can be decided on in a room, oldest first.
func (r *Rooms) waiting(ctx context.Context, h heard) ([]*Draft, error) {
	open, err := r.Store.Drafts(ctx)
	return slices.DeleteFunc(open, func(d *Draft) bool { return d.Drill != h.room.Drill }), err
}

// gist is what tells a draft from others: its title, or how it begins.
func (d *Draft) gist() string {
	cmd, err := d.command()
	if err != nil {
		return d.Verb
	}
	var title string
	var body incident.Text
	switch c := cmd.(type) {
	case Open:
		title, body = c.Saying.Title, c.Saying.Body
	case Update:
		title, body = c.Saying.Title, c.Saying.Body
	case Correct:
		title, body = "corrects "+c.Ref, c.Body
	}
	text, _ := body.In("", "")
	return cmp.Or(title, firstLine(text))
}
