package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/allclear-hq/allclear/bots/sim"
)

// simCmd runs the simulators alone, for trying a configuration or another
// program against them.
type simCmd struct {
	Listen string `default:"127.0.0.1:8090" help:"Address; loopback only."`
	Strict bool   `help:"Refuse what goes beyond the platforms' rate limits."`
}

func (c *simCmd) Run(e *env) error {
	if err := checkSimulators(c.Listen); err != nil {
		return err
	}
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w", c.Listen, err)
	}
	world := openWorld()
	world.Strict(c.Strict)
	base := "http://" + l.Addr().String()
	fmt.Fprintf(e.out, `The page:  %s/

Use these in config.toml, with any token or key:
  telegram  api_url = "%[1]s/telegram"           targets: @any_name, any id
  discord   api_url = "%[1]s/discord/api/v9"     target: %s, %s (announcements)
  twitter   api_url = "%[1]s/x"
  wechat    api_url = "%[1]s/wechat"

Faults, for example:
  curl -H 'Content-Type: application/json' -d '[{"match":"sendMessage","kind":"status","status":429,"retry_after":"3s"}]' %[1]s/control/faults/telegram
`, base, simText, simNews)
	s := &http.Server{Handler: world, ReadHeaderTimeout: 5 * time.Second}
	stop := context.AfterFunc(e.ctx, func() { s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// checkSimulators refuses an address at which simulators are not to listen.
func checkSimulators(listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
		return usageError{fmt.Errorf("--listen %q is no address: write it like 127.0.0.1:8090", listen)}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return usageError{fmt.Errorf("--listen %q is not loopback: the simulators take anybody's commands", listen)}
	}
	return nil
}

// The Discord channels of "allclear sim".
const (
	simText = "700000000000000100"
	simNews = "700000000000000101"
)

// openWorld takes any token and creates Telegram chats when they are used.
func openWorld() *sim.World {
	w := sim.New()
	w.Telegram.AutoCreate = true
	w.Discord.AddChannel(simText, "status", sim.DiscordText)
	w.Discord.AddChannel(simNews, "announcements", sim.DiscordAnnouncement)
	w.Stage = sim.Stage{Title: "allclear sim"}
	return w
}
