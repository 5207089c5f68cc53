// Command allclear says an incident update once and brings it to every
// channel. See README.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitFailed = 1 // something did not work
	exitUsage  = 2 // wrong usage or configuration
)

// cli is the command line.
type cli struct {
	Config string `short:"c" placeholder:"FILE" default:"config.toml" help:"Configuration file (${default})."`
	JSON   bool   `name:"json" help:"Print what a running server answers as JSON."`

	Demo        demoCmd        `cmd:"" help:"Try it: the bot, four simulated platforms and a page to watch them, with no account and no configuration."`
	Serve       serveCmd       `cmd:"" help:"Run the bot."`
	Check       checkCmd       `cmd:"" help:"Check the configuration and what each account and channel can do."`
	Sim         simCmd         `cmd:"" help:"Run the four simulated platforms alone."`
	Replay      replayCmd      `cmd:"" help:"Post a recorded incident history to a running server, in order, sped up."`
	Export      exportCmd      `cmd:"" help:"Print all that is on record about an incident (through a running server)."`
	Verify      verifyCmd      `cmd:"" help:"Check an export: that nothing in it was changed, and who signed it."`
	Subscribers subscribersCmd `cmd:"" help:"Hand the subscribers of a bot out or in (through a running server)."`
	Backup      backupCmd      `cmd:"" help:"Write a copy of the store into a file, also while a server works on it."`
	Store       storeCmd       `cmd:"" help:"Move everything to another store."`
	Token       tokenCmd       `cmd:"" help:"Make an API token and the hash to recognise it by."`
	Version     versionCmd     `cmd:"" help:"Print the version."`

	Show          showCmd     `cmd:"" group:"say" help:"Show what is open, or one incident with where it arrived."`
	Ack           ackCmd      `cmd:"" group:"say" help:"Open an incident with approved first words."`
	Incident      openCmd     `cmd:"" group:"say" help:"Open an incident."`
	Maintenance   maintainCmd `cmd:"" group:"say" help:"Announce a maintenance."`
	Notice        noticeCmd   `cmd:"" group:"say" help:"Publish a notice, for example about a rumour."`
	Update        updateCmd   `cmd:"" group:"say" help:"Say more about an incident."`
	Investigating statusCmd   `cmd:"" group:"say" help:"Update to investigating."`
	Identified    statusCmd   `cmd:"" group:"say" help:"Update to identified."`
	Monitoring    statusCmd   `cmd:"" group:"say" help:"Update to monitoring."`
	Resolve       statusCmd   `cmd:"" group:"say" help:"Say the all clear."`
	Begin         statusCmd   `cmd:"" group:"say" help:"A maintenance begins."`
	Verifying     statusCmd   `cmd:"" group:"say" help:"A maintenance is being verified."`
	Complete      statusCmd   `cmd:"" group:"say" help:"A maintenance is complete."`
	Close         statusCmd   `cmd:"" group:"say" help:"Close a notice."`
	Scope         scopeCmd    `cmd:"" group:"say" help:"What is affected has changed: with the next update, or at once."`
	Hold          holdCmd     `cmd:"" group:"say" help:"Say with approved words that work goes on, and renew the promise."`
	FalseAlarm    approvedCmd `cmd:"" name:"false_alarm" group:"say" help:"End, with approved words, an incident that was none."`
	Correct       correctCmd  `cmd:"" group:"say" help:"Give an update the right words, aloud."`
	Typo          correctCmd  `cmd:"" group:"say" help:"Give an update the right words where they can be edited, silently."`
	Retract       retractCmd  `cmd:"" group:"say" help:"Withdraw an update."`

	Publish  publishCmd  `cmd:"" group:"settle" help:"Agree to a draft, and publish it when nobody else is needed."`
	Edit     editCmd     `cmd:"" group:"settle" help:"Give a draft other words; approvals are void then."`
	Reject   rejectCmd   `cmd:"" group:"settle" help:"End a draft."`
	Retry    retryCmd    `cmd:"" group:"settle" help:"Send again what failed or is unsure."`
	Skip     skipCmd     `cmd:"" group:"settle" help:"Give up a delivery."`
	Posted   postedCmd   `cmd:"" group:"settle" help:"Record what was posted by hand."`
	Freeze   freezeCmd   `cmd:"" group:"settle" help:"Send nothing more, at once."`
	Unfreeze unfreezeCmd `cmd:"" group:"settle" help:"Lift a freeze."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // who interrupts twice does not want to wait
	os.Exit(run(&env{ctx: ctx, in: os.Stdin, out: os.Stdout, err: os.Stderr, lookup: os.LookupEnv}, os.Args[1:]))
}

// env is what a command may use of the world.
type env struct {
	ctx      context.Context
	in       io.Reader
	out, err io.Writer
	config   string
	json     bool
	lookup   func(string) (string, bool)
	verb     string // the command's own name
}

// usageError is wrong usage or configuration, as opposed to something that
// did not work.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// run is main with everything passed in. Errors are one line: what is wrong,
// what to do.
func run(e *env, args []string) int {
	out, errs := e.out, e.err
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("allclear"), kong.Writers(out, errs),
		kong.Description("Say it once; everyone hears it, on every channel, in one thread, until the all clear."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}),
		kong.ExplicitGroups([]kong.Group{{Key: "say", Title: "Say something (through a running server):"}, {Key: "settle", Title: "Settle what is open (through a running server):"}}),
		kong.Exit(func(code int) { exited = code }))
	if err != nil {
		fmt.Fprintln(errs, "allclear:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	if args[0] == "help" { // as many programs have it
		args = append(slices.Clone(args[1:]), "--help")
	}
	k, err := parser.Parse(scopeArgs(args))
	switch {
	case exited >= 0:
		return exited
	case err != nil:
		fmt.Fprintf(errs, "allclear: %s; see allclear %s--help\n", oneLine(err), commandOf(err))
		return exitUsage
	}
	e.config, e.json, e.verb = c.Config, c.JSON, strings.Fields(k.Command())[0]
	if err := k.Run(e); err != nil {
		fmt.Fprintln(errs, "allclear:", oneLine(err))
		if _, ok := errors.AsType[usageError](err); ok {
			return exitUsage
		}
		return exitFailed
	}
	return 0
}

// commandOf is the command that was not understood, as far as it was, with a space
// behind it.
func commandOf(err error) string {
	wrong, ok := errors.AsType[*kong.ParseError](err)
	if !ok || wrong.Context.Selected() == nil {
		return ""
	}
	return strings.TrimPrefix(wrong.Context.Selected().FullPath(), "allclear ") + " "
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
