package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/broadcast"
	"github.com/allclear-hq/allclear/internal/config"
	"github.com/allclear-hq/allclear/internal/desk"
	"github.com/allclear-hq/allclear/internal/people"
	"github.com/allclear-hq/allclear/templates"
)

// checkTime is how long one account may take to answer.
const checkTime = 15 * time.Second

// checkCmd validates the configuration, contacts every platform without
// changing anything, and prints what each channel can do and not take back, how
// long an audience takes, and what is paid for.
type checkCmd struct {
	Offline bool `help:"Contact nobody."`
}

func (c *checkCmd) Run(e *env) error {
	cfg, err := loadConfig(e)
	if faults, ok := errors.AsType[config.Faults](err); ok && len(faults) > 1 {
		for _, fault := range faults {
			fmt.Fprintln(e.err, "allclear:", fault)
		}
		return usageError{fmt.Errorf("%d problems: see above", len(faults))}
	}
	if err != nil {
		return err
	}
	for _, what := range notYet(cfg) {
		fmt.Fprintln(e.err, "allclear: warning: not in this version:", what)
	}
	texts, err := templates.Load(cfg.Site.Templates, cfg.Site.Languages)
	if err != nil {
		return usageError{err}
	}
	approved, err := approvedTexts(cfg, texts)
	if err != nil {
		return usageError{err}
	}
	accounts, err := connect(cfg)
	if err != nil {
		return usageError{err}
	}
	fmt.Fprintf(e.out, "%s is in order: %s, %s, %s, %s\n", e.config, counted(len(cfg.Bots), "account"), counted(len(cfg.Channels), "channel"),
		counted(len(cfg.Operators), "operator"), counted(len(cfg.Components), "component"))
	printApproved(e.out, approved, texts)
	bad := 0
	for _, name := range sortedKeys(accounts) {
		bad += c.account(e, cfg, name, accounts[name])
	}
	if bad > 0 {
		return fmt.Errorf("%d problems: see above", bad)
	}
	return nil
}

// account checks and describes one account with its channels and rooms. It
// returns the number of problems.
func (c *checkCmd) account(e *env, cfg *config.Config, name string, bot bots.Bot) int {
	targets := targetsOf(cfg, name)
	who, problems, err := "not contacted", map[string]string{}, error(nil)
	checker, ok := bot.(bots.Checker)
	switch {
	case c.Offline:
	case !ok:
		who = "this platform has no way to ask without posting"
	default:
		ctx, cancel := context.WithTimeout(e.ctx, checkTime)
		who, problems, err = checker.Check(ctx, targets)
		cancel()
	}
	if err != nil {
		who = "FAILED: " + err.Error()
	}
	mark := ""
	if cfg.Bots[name].Simulated() {
		mark = " [SIMULATOR]"
	}
	fmt.Fprintf(e.out, "\n%s (%s)%s: %s\n", name, cfg.Bots[name].Kind, mark, who)
	bad := 0
	if err != nil {
		bad++
	}
	for _, p := range problems {
		if p != "" {
			bad++
		}
	}
	describe(e.out, cfg, name, bot.Limits(), problems)
	return bad
}

// targetsOf lists the chats that an account must reach.
func targetsOf(cfg *config.Config, account string) []string {
	var out []string
	for _, ch := range cfg.Channels {
		if ch.Bot == account && ch.Target != "" {
			out = append(out, ch.Target)
		}
	}
	for _, r := range cfg.Rooms {
		if r.Bot == account {
			out = append(out, r.Target)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// describe prints a line for each channel and room of an account.
func describe(w io.Writer, cfg *config.Config, account string, l bots.Limits, problems map[string]string) {
	for _, ch := range cfg.Channels {
		if ch.Bot == account {
			fmt.Fprintf(w, "  channel %-14s %s%s\n", ch.Name, abilities(l, ch), trouble(problems[ch.Target]))
			if ch.Audience {
				fmt.Fprintf(w, "      %s\n", reaches(cfg.Bots[account], l))
			}
		}
	}
	for _, r := range cfg.Rooms {
		if r.Bot == account {
			fmt.Fprintf(w, "  room    %-14s%s\n", r.Target, trouble(problems[r.Target]))
		}
	}
}

// reaches says how long an update takes to reach an audience, and what that costs.
func reaches(b config.Bot, l bots.Limits) string {
	crowd := desk.Crowd{Speed: l.Account.Rate(), Paid: b.Paid * people.PerStar, PaidSpeed: b.PaidRate()}
	var told []string
	for _, crowd.People = range []int{10_000, 100_000, 1_000_000} {
		told = append(told, fmt.Sprintf("%s in %s", broadcast.Count(crowd.People), broadcast.Roughly(crowd.Takes())))
	}
	line := fmt.Sprintf("tells %s, at %.4g a second", strings.Join(told, ", "), crowd.Speed)
	if b.Paid > 0 {
		line += fmt.Sprintf("; the first %s messages of an incident at %.4g, for up to %s Stars", broadcast.Count(crowd.Paid), crowd.PaidSpeed, broadcast.Count(b.Paid))
	}
	return line
}

func trouble(problem string) string {
	if problem == "" {
		return ""
	}
	return "\n      PROBLEM: " + problem
}

// abilities says what a channel can do and not take back.
func abilities(l bots.Limits, ch config.Channel) string {
	parts := []string{fmt.Sprintf("%s, %d %s", ch.Language, l.MaxText, l.Unit)}
	say := func(able bool, can, cannot string) {
		if able {
			parts = append(parts, can)
		} else if cannot != "" {
			parts = append(parts, cannot)
		}
	}
	say(ch.Thread && l.Threads != bots.NoThreads, "thread per incident", "")
	say(l.Replies != bots.NoReplies, "replies", "no replies")
	say(l.Edit, "can edit", "cannot edit")
	switch {
	case !l.Delete:
		parts = append(parts, "cannot delete")
	case l.DeleteWithin > 0:
		parts = append(parts, fmt.Sprintf("can delete for %.0f h", l.DeleteWithin.Hours()))
	default:
		parts = append(parts, "can delete")
	}
	if l.PostCost > 0 {
		parts = append(parts, fmt.Sprintf("$%.3f a post, $%.3f with a link", l.PostCost, l.PostCost+l.LinkCost))
	}
	return strings.Join(parts, " · ")
}
