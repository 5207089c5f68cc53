package desk

import (
	"context"
	"fmt"
	"strings"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/internal/incident"
)

// Offered lists the commands that chats offer while people type. The options
// stand for what a typed command has in the same order.
func Offered() []bots.Command {
	option := func(name, what string) bots.CommandOption {
		return bots.CommandOption{Name: name, Description: what, Complete: true}
	}
	must := func(o bots.CommandOption) bots.CommandOption { o.Required = true; return o }
	plain := func(name, what string) bots.CommandOption { return bots.CommandOption{Name: name, Description: what} }
	ref := option("incident", "INC-12; may be left out while one incident is open")
	update := must(option("update", "INC-12/3"))
	draft := must(option("draft", "D-17"))
	channel := must(option("channel", "Name of the channel"))
	text, title := plain("text", "What the public will read"), plain("title", "In a few words, at most 200 characters")
	next := plain("next", "When the next update is due: 20m, 14:30, none")
	say := func(name, what string) bots.Command {
		return bots.Command{Name: name, Description: what, Options: []bots.CommandOption{ref, text, next}, Modal: true}
	}
	return []bots.Command{
		{Name: "ack", Description: "Open an incident with approved first words", Options: []bots.CommandOption{
			option("impact", "none, minor, major or critical; without it major"), option("components", "What is affected"), next}},
		{Name: "incident", Description: "Open an incident", Modal: true, Options: []bots.CommandOption{
			must(option("impact", "none, minor, major or critical")), option("components", "What is affected"), title, text, next}},
		say("update", "Say more about an incident"),
		say("investigating", "Update to investigating"),
		say("identified", "Update to identified: the cause is known"),
		say("monitoring", "Update to monitoring: a fix is in place"),
		say("resolve", "Say the all clear"),
		{Name: "hold", Description: "Say with approved words that work goes on", Options: []bots.CommandOption{ref, next}},
		{Name: "false_alarm", Description: "End with approved words what was no incident", Options: []bots.CommandOption{ref}},
		{Name: "scope", Description: "What is affected has changed: with the next update, or with a text at once", Options: []bots.CommandOption{
			ref, option("impact", "none, minor, major or critical"), option("components", "+deposits login=partial -card"), text, next}},
		{Name: "notice", Description: "Publish a notice, for example about a rumour", Modal: true, Options: []bots.CommandOption{title, text}},
		{Name: "maintenance", Description: "Announce a maintenance", Modal: true, Options: []bots.CommandOption{
			must(plain("components", "The window and what is affected: 2026-12-01 02:00 04:00 deposits")), title, text}},
		say("begin", "A maintenance begins"), say("verifying", "A maintenance is being verified"), say("complete", "A maintenance is complete"),
		say("close", "Close a notice"),
		{Name: "correct", Description: "Give an update the right words, aloud", Modal: true, Options: []bots.CommandOption{update, text}},
		{Name: "typo", Description: "Give an update the right words where they can be edited, silently", Modal: true, Options: []bots.CommandOption{update, text}},
		{Name: "retract", Description: "Withdraw an update", Options: []bots.CommandOption{update, must(plain("reason", "Why; the public will read it"))}},
		{Name: "edit", Description: "Give a draft other words", Modal: true, Options: []bots.CommandOption{draft, text}},
		{Name: "publish", Description: "Agree to a draft", Options: []bots.CommandOption{draft, plain("reason", "Of an admin who publishes alone")}},
		{Name: "reject", Description: "End a draft", Options: []bots.CommandOption{draft, must(plain("reason", "Why"))}},
		{Name: "retry", Description: "Send again what failed or is unsure", Options: []bots.CommandOption{update, channel}},
		{Name: "skip", Description: "Give up a delivery", Options: []bots.CommandOption{update, channel, must(plain("reason", "Why"))}},
		{Name: "posted", Description: "Record what was posted by hand", Options: []bots.CommandOption{update, channel, must(plain("reason", "Address of the message"))}},
		{Name: "freeze", Description: "Send nothing more, at once", Options: []bots.CommandOption{option("channel", "Only this channel; without it everything"), must(plain("reason", "Why"))}},
		{Name: "unfreeze", Description: "Lift a freeze", Options: []bots.CommandOption{option("channel", "What was frozen; without it everything")}},
		{Name: "show", Description: "What is open, or where one incident arrived", Options: []bots.CommandOption{ref}},
		{Name: "help", Description: "All commands with examples"},
	}
}

// Complete suggests values for an option of which a part was typed.
func (r *Rooms) Complete(ctx context.Context, _, option, typed string) []string {
	var all []string
	switch option {
	case "incident", "update":
		incidents, err := r.Desk.Reader.Incidents(ctx, 10)
		if err != nil {
			return nil
		}
		for _, i := range incidents {
			all = append(all, references(i, option == "update")...)
		}
	case "draft":
		drafts, err := r.Store.Drafts(ctx)
		if err != nil {
			return nil
		}
		for _, d := range drafts {
			all = append(all, d.ID())
		}
	case "channel":
		all = r.Desk.names()
	case "impact":
		for _, i := range incident.Impacts {
			all = append(all, string(i))
		}
	case "components":
		return completeLast(sortedKeys(r.Desk.Components), typed)
	}
	return matching(all, typed)
}

// references are what can be named of an incident: itself if it is open, or
// its updates, newest first.
func references(i *incident.Incident, updates bool) (out []string) {
	if !updates {
		if i.ResolvedAt.IsZero() {
			out = append(out, i.Ref.String())
		}
		return out
	}
	for n := len(i.Updates); n > 0; n-- {
		out = append(out, fmt.Sprintf("%s/%d", i.Ref, n))
	}
	return out
}

func matching(all []string, typed string) (out []string) {
	for _, v := range all {
		if strings.Contains(strings.ToLower(v), strings.ToLower(strings.TrimSpace(typed))) {
			out = append(out, v)
		}
	}
	return out
}

// completeLast completes the last of several words.
func completeLast(all []string, typed string) (out []string) {
	cut := strings.LastIndexAny(typed, " ,") + 1
	if cut < len(typed) && strings.ContainsRune("+-", rune(typed[cut])) { // a change of scope
		cut++
	}
	for _, v := range matching(all, typed[cut:]) {
		out = append(out, typed[:cut]+v)
	}
	return out
}
