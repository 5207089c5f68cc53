package web

import (
	"context"

	"github.com/allclear-hq/allclear/internal/people"
)

// Invite has all pages show the way into the conversation with the bot of that
// address, https://t.me/example_bot. It is not known when the pages are first
// rendered, since only the platform can tell it.
func (p *Pages) Invite(ctx context.Context, bot string) error {
	p.writing.Lock()
	p.invitation = bot
	p.writing.Unlock()
	return p.load(ctx)
}

// invite is the address that subscribes to an incident or component; empty
// where nobody can subscribe. An empty subject is everything.
func (p *Pages) invite(subject string) string {
	if p.invitation == "" || subject == "" {
		return p.invitation
	}
	return p.invitation + "?start=" + people.Payload(subject)
}
