package desk

import (
	"context"
	"slices"
	"strings"
)

// A stray is a preview of which it was not noted that it shows its draft: the
// server ended as soon as it had sent it, or no answer came. Nobody can bring it
// up to date until somebody presses one of its buttons.

// adopt has a stray that was pressed kept up to date from now on. It returns its
// draft, or nothing for anything else.
func (r *Rooms) adopt(ctx context.Context, h heard) (draft string, err error) {
	what, rest, _ := strings.Cut(h.ev.Button, ":")
	if !slices.Contains([]string{"pub", "edit", "chan", "each"}, what) { // which stand under previews alone
		return "", nil
	}
	m := RoomMessage{h.account, h.ev.Chat, h.ev.Message}
	subject, err := r.Store.Subject(ctx, m)
	if err != nil || subject != "" {
		return "", err
	}
	draft, _, _ = strings.Cut(rest, ":")
	return draft, r.Store.Remember(ctx, m, draft)
}

// renew brings a stray up to date whose button changed nothing.
func (r *Rooms) renew(ctx context.Context, h heard, draft string) error {
	d, err := r.draft(ctx, draft)
	if err != nil || d != nil && strings.HasPrefix(h.ev.Button, "chan:") { // it chooses channels now
		return err
	}
	a := Answer{State: "draft", Draft: d}
	if d == nil {
		a = Answer{Text: draft + " is not open any more."}
	}
	h.then(func(ctx context.Context) {
		r.refreshPreview(ctx, RoomMessage{h.account, h.ev.Chat, h.ev.Message}, draft, a, false)
	})
	return nil
}
