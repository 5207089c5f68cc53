package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/allclear-hq/allclear/bots"
	"github.com/allclear-hq/allclear/bots/sim"
	"github.com/allclear-hq/allclear/internal/config"
)

// demoCmd shows everything on one machine: an embedded database, the four
// simulators, the bot, and one page to watch and type.
type demoCmd struct {
	History string        `type:"existingfile" placeholder:"FILE" help:"Play a recorded incident history (JSON Lines) instead of the story."`
	Limit   int           `default:"20" help:"Of a history, the newest so many incidents; 0 is all."`
	Chaos   bool          `help:"Add faults: delays, refusals, lost answers."`
	Listen  string        `default:"127.0.0.1:8090" help:"Address of the page; the status page takes the next free port."`
	Pace    time.Duration `default:"6s" help:"Time between the steps of the story."`
	Exit    bool          `help:"End when everything has been shown, instead of taking commands."`
}

// demo is a running demonstration.
type demo struct {
	*env
	cmd   *demoCmd
	world *sim.World
	page  string // address of the page
	site  string // address of the status page and API
	app   *app
}

func (c *demoCmd) Run(e *env) error {
	ctx, cancel := context.WithCancelCause(e.ctx)
	defer cancel(nil)
	dir, err := os.MkdirTemp("", "allclear-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	d := &demo{env: e, cmd: c, world: newWorld()}
	pageListener, siteListener, err := d.listen()
	if err != nil {
		return err
	}
	page := &http.Server{Handler: d.world, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := page.Serve(pageListener); !errors.Is(err, http.ErrServerClosed) {
			cancel(err)
		}
	}()
	defer page.Close()
	if err := d.start(ctx, dir); err != nil {
		siteListener.Close()
		return err
	}
	defer d.app.Close()
	served := make(chan error, 1)
	go func() { served <- d.app.serve(ctx, []net.Listener{siteListener}) }()
	fmt.Fprintf(e.out, "\n  Watch and type here:  %s\n  The status page:      %s\n\n", d.page, d.site)
	played := make(chan error, 1)
	go func() { played <- d.play(ctx) }()
	return d.wait(ctx, cancel, served, played)
}

// wait ends the demonstration on Ctrl-C, or after the play if asked to.
func (d *demo) wait(ctx context.Context, cancel context.CancelCauseFunc, served, played chan error) error {
	for {
		select {
		case err := <-played:
			if err != nil && ctx.Err() == nil {
				cancel(nil)
				return errors.Join(err, <-served)
			}
			if played = nil; d.cmd.Exit {
				d.finish(ctx)
				cancel(nil)
			} else if ctx.Err() == nil {
				fmt.Fprintf(d.out, "\n  Now it is yours: type /update or /help into the room on %s. Ctrl-C ends it.\n", d.page)
			}
		case err := <-served:
			return err
		}
	}
}

// finish waits until everything that was said is shown, but not for ever.
func (d *demo) finish(ctx context.Context) {
	for waited := time.Duration(0); waited < time.Minute && ctx.Err() == nil; waited += glance {
		busy := 0
		for name := range d.app.bots {
			lanes, err := d.app.store.Busy(ctx, name)
			if err != nil {
				return
			}
			busy += len(lanes)
		}
		if busy == 0 {
			return
		}
		bots.Sleep(ctx, glance)
	}
}

// listen opens the address of the page, or another if it is taken, and one
// for the status page.
func (d *demo) listen() (page, site net.Listener, err error) {
	if err := checkSimulators(d.cmd.Listen); err != nil {
		return nil, nil, err
	}
	if page, err = net.Listen("tcp", d.cmd.Listen); err != nil {
		if page, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, nil, err
		}
	}
	if site, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		page.Close()
		return nil, nil, err
	}
	d.page, d.site = "http://"+page.Addr().String()+"/", "http://"+site.Addr().String()+"/"
	return page, site, nil
}

// start builds the server on a configuration like a user's.
func (d *demo) start(ctx context.Context, dir string) error {
	text := strings.NewReplacer("{page}", strings.TrimRight(d.page, "/"), "{site}", strings.TrimRight(d.site, "/"), "{token}", demoToken).Replace(demoConfig + demoAudience)
	cfg, err := config.Parse(filepath.Join(dir, "demo.toml"), []byte(text), d.lookup)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	if d.app, err = build(ctx, cfg, log); err != nil {
		return err
	}
	d.world.Stage = stage(d.site)
	if d.cmd.Chaos {
		addChaos(d.world)
	}
	return nil
}

// play shows the story, or a recorded history.
func (d *demo) play(ctx context.Context) error {
	if d.cmd.History == "" {
		return d.tell(ctx)
	}
	f, err := os.Open(d.cmd.History)
	if err != nil {
		return usageError{err}
	}
	defer f.Close()
	history, err := readHistory(f, d.cmd.Limit)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", d.cmd.History, err)}
	}
	lookup := func(name string) (string, bool) {
		v, ok := map[string]string{"ALLCLEAR_URL": d.site, "ALLCLEAR_TOKEN": demoToken}[name]
		return v, ok
	}
	e := *d.env
	e.ctx, e.lookup = ctx, lookup
	c, err := newClient(&e)
	if err != nil {
		return err
	}
	return replay(&e, c, history, func(time.Duration) time.Duration { return d.cmd.Pace / 6 })
}
